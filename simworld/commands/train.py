"""Train a world: first its autoencoder, its sight and what the player's hands do, then the network that dreams. Interrupted,
the same call goes on where it was.

All train on clips, which are made from the game (or from recorded episodes) when they are missing; `clips` makes them
alone. `sight` and `hands` learn from what only the game can tell. `probes` are what worlds are measured with (`simworld
evaluate`). Every setting is a hydra override, NAME=VALUE; --cfg shows them all with their values.

examples:
  simworld train autoencoder --cfg
  simworld train autoencoder loop.folder=runs/autoencoder loop.steps=5000
  simworld train world loop.folder=runs/world data.source=recordings
  simworld train restorer data.world=runs/small/world
  simworld train grain data.world=runs/small/world
  simworld train relighter world=runs/small/world
  simworld train sundial world=runs/small/world
  simworld train heads world=runs/small/world data.folder=runs/small/clips
  simworld train gauge world=runs/small/world data.folder=runs/small/clips
  simworld train judge world=runs/small/world
  for what in autoencoder sight hands world; do simworld train $what --preset debug; done
  simworld train probes data.num_clips=10000
"""

import argparse
import importlib
from importlib.resources import files
from typing import Any, get_type_hints

TRAININGS = {
    "clips": ("simworld.training.data", "clips"),
    "autoencoder": ("simworld.training.train_autoencoder", "train"),
    "hands": ("simworld.training.train_hands", "train"),
    "sight": ("simworld.training.train_sight", "train"),
    "world": ("simworld.training.train_world", "train"),
    "heads": ("simworld.training.train_heads", "train"),
    "gauge": ("simworld.training.train_gauge", "train"),
    "restorer": ("simworld.training.train_restorer", "train"),
    "grain": ("simworld.training.train_grain", "train"),
    "relighter": ("simworld.training.train_relighter", "train"),
    "sundial": ("simworld.training.train_sundial", "train"),
    "judge": ("simworld.training.train_judge", "train"),
    "probes": ("simworld.training.train_probes", "train"),
}
"""What can be made: the module and the function that makes it from its one argument, a config dataclass."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parts = "autoencoder, hands, sight, world, restorer, grain, relighter, sundial, heads, gauge"
    told = f"clips, {parts}, judge of tasks, or probes"
    parser.add_argument("what", choices=TRAININGS, help=told)
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="settings, as in hydra")
    parser.add_argument("--preset", metavar="NAME", help="debug, small (the default), medium or large")
    parser.add_argument("--cfg", action="store_true", help="print the settings that these overrides give, and stop")


def run(options: argparse.Namespace) -> None:
    """Train. ValueError for a setting that does not exist or has a wrong type."""
    module, name = TRAININGS[options.what]
    train = getattr(importlib.import_module(module), name)
    chosen = [f"{options.what}_preset={options.preset}"] if options.preset else []
    config = compose(options.what, get_type_hints(train)["config"], chosen + options.overrides)
    if options.cfg:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(OmegaConf.structured(config)), end="")
    else:
        train(config)


def compose(name: str, schema: type, overrides: list[str]) -> Any:
    """An object of the dataclass `schema`, filled by `simworld/conf/NAME.yaml` where there is one, and by `overrides`.

    The file knows the schema as `NAME_schema`, which stands first in its defaults list, so that every field can be set
    and no other. Raises ValueError for an override that does not fit.
    """
    from hydra import compose, initialize_config_module
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    ConfigStore.instance().store(name=f"{name}_schema", node=schema)
    root = name if files("simworld.conf").joinpath(f"{name}.yaml").is_file() else f"{name}_schema"
    try:
        with initialize_config_module("simworld.conf", version_base="1.3"):
            return OmegaConf.to_object(compose(config_name=root, overrides=overrides))
    except (HydraException, OmegaConfBaseException) as error:
        hint = f"simworld train {name} --cfg shows what there is"
        raise ValueError(f"settings {' '.join(overrides)}: {error}; {hint}") from error
