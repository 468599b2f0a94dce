"""Recordings as a Minari data set, for offline learners: MineRL's action dict, and the picture.

    export("recordings", "simworld/voxel/bot-v0")
    minari.load_dataset("simworld/voxel/bot-v0")

Needs Minari (`pip install 'simworld[minari]'`); the only file that imports it. Where data sets are kept is Minari's own
setting, MINARI_DATASETS_PATH.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from tqdm import tqdm

from simworld.actions import CAMERA, KEYS, MOST_DEGREES, SLOT
from simworld.training.episode_files import EpisodeFile, list_episodes

if TYPE_CHECKING:
    from minari import MinariDataset


def export(recordings: str | Path, dataset_id: str, *, exact: bool = True, **about: Any) -> "MinariDataset":
    """Write all episodes of a folder as one Minari data set. exact: pictures as they are in the video, not as JPEG once more.
    about: further fields of `minari.create_dataset_from_buffers` (author, description …). ValueError where there are no
    episodes, or where their pictures differ in size; ImportError without Minari."""
    try:
        import minari
        from minari.data_collector import EpisodeBuffer
    except ImportError as error:
        raise ImportError("Minari is not installed: pip install 'simworld[minari]'") from error
    paths = list_episodes(recordings)
    if not paths:
        raise ValueError(f"{recordings} holds no episodes; record some with: simworld record --out {recordings}")
    size = EpisodeFile(paths[0]).frames(0, 1).shape[1:]
    buffers: Iterator[Any] = (EpisodeBuffer(**_buffer(EpisodeFile(path), size)) for path in paths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of fields that are the caller's to give
        dataset = minari.create_dataset_from_buffers(
            dataset_id,
            [next(buffers)],
            observation_space=spaces.Dict({"pov": spaces.Box(0, 255, size, np.uint8)}),
            action_space=_action_space(),
            jpeg_encoding=not exact,
            **about,
        )
    for buffer in tqdm(buffers, desc="export", initial=1, total=len(paths), mininterval=5):
        dataset.storage.update_episodes([buffer])
    return minari.load_dataset(dataset_id)


def _action_space() -> spaces.Dict:
    keys: dict[str, spaces.Space] = {name: spaces.Discrete(2) for name in KEYS}
    return spaces.Dict({**keys, "camera": spaces.Box(-MOST_DEGREES, MOST_DEGREES, (2,), np.float32)})


def _buffer(episode: EpisodeFile, size: tuple[int, ...]) -> dict[str, Any]:
    """An episode as Minari takes it: one action fewer than pictures, for the last picture is only seen."""
    frames = episode.frames()
    if frames.shape[1:] != size or len(frames) < 2:
        raise ValueError(f"{episode.path}: frames {frames.shape}; this data set needs 2 or more of {size}")
    steps = len(frames) - 1
    actions = episode.actions[:steps]
    ended = np.arange(steps) == steps - 1
    return {
        "seed": episode.meta.get("seed"),
        "observations": {"pov": frames},
        "actions": {**{name: actions[:, SLOT[name]].astype(np.int64) for name in KEYS}, "camera": actions[:, CAMERA]},
        "rewards": np.zeros(steps, np.float32) if episode.rewards is None else episode.rewards[:steps],
        "terminations": ended & episode.terminated,
        # A recording that was just long enough is cut off there.
        "truncations": ended & (not episode.terminated),
    }
