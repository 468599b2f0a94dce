"""What a run trains on: a store of clips, filled from the game or from recorded episodes when it lacks them."""

from dataclasses import dataclass
from pathlib import Path

from simworld.training.clip import ClipSource
from simworld.training.clip_store import ClipStore, fill_store, num_stored, open_store
from simworld.training.stream import GameplayStream


@dataclass(kw_only=True)
class DataConfig:
    """`folder`: where clips are kept. `source`: "voxel" (the game itself, streamed) or a folder of recorded episodes."""

    folder: str = "runs/clips"
    source: str = "voxel"
    num_clips: int = 4000
    clip_frames: int = 63
    height: int = 96
    width: int = 160
    seed: int = 0
    num_workers: int = 2


def make_source(config: DataConfig, start_at: int = 0) -> ClipSource:
    """The endless series of clips that `config` describes, from its `start_at`-th clip on."""
    if config.source == "voxel":
        return GameplayStream(
            config.num_workers, config.clip_frames, config.height, config.width, config.seed, start_at=start_at
        )
    from simworld.training.episode_clips import EpisodeClips

    return EpisodeClips(Path(config.source), config.clip_frames, config.height, config.width, config.seed, start_at=start_at)


def clips(config: DataConfig) -> ClipStore:
    """The store of `config`, filled up to `num_clips` first."""
    folder = Path(config.folder)
    if num_stored(folder) >= config.num_clips:
        return open_store(folder, config.num_clips)
    source = make_source(config, num_stored(folder))
    try:
        return fill_store(folder, source, config.num_clips, (config.clip_frames, config.height, config.width, 3))
    finally:
        source.close()
