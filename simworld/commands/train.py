"""Train one network of a world: first its autoencoder, then the world itself. Interrupted, the same call goes on.

Every setting is a hydra override, NAME=VALUE; --cfg shows them all with their values. Presets fill many at once.

examples:
  simworld train autoencoder --cfg
  simworld train autoencoder preset=debug
  simworld train world preset=debug steps=200
"""

import argparse
import importlib
from typing import Any


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument("network", choices=("autoencoder", "world"), help="which network")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE", help="settings, as in hydra")
    parser.add_argument("--cfg", action="store_true", help="print the settings that these overrides give, and stop")


def run(options: argparse.Namespace) -> None:
    """Train. ValueError for a setting that does not exist or has a wrong type."""
    training = importlib.import_module(f"simworld.training.train_{options.network}")
    config = compose(options.network, training.Config, options.overrides)
    if options.cfg:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(OmegaConf.structured(config)), end="")
    else:
        training.train(config)


def compose(name: str, schema: type, overrides: list[str]) -> Any:
    """An object of the dataclass `schema`, filled by `simworld/conf/NAME.yaml`, its presets and `overrides`.

    The schema is known to that file as `NAME_schema`; it stands first in its defaults list, so every field can be set and
    no other. Raises ValueError for an override that does not fit.
    """
    from hydra import compose, initialize_config_module
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    ConfigStore.instance().store(name=f"{name}_schema", node=schema)
    try:
        with initialize_config_module("simworld.conf", version_base="1.3"):
            return OmegaConf.to_object(compose(config_name=name, overrides=overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(f"settings {overrides}: {error}; `simworld train {name} --cfg` shows what there is") from error
