"""MineRL 0.4's data set, to and from episodes: ROOT/VERSION, ROOT/ENV/STREAM/{recording.mp4, rendered.npz, metadata.json}.

There actions and rewards are one fewer than frames, for nothing is done in the last state, and a recording may begin with
frames before the play, which its reader skips; so does this one. Knows no env and no network.

    import_dataset("MineRL/MineRLTreechop-v0", "recordings")
    export_dataset("recordings", "MineRL", "SimWorldVoxel-v0")
"""

import json
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
from tqdm import tqdm

from simworld.actions import ACTION_SIZE, CAMERA, KEYS, SLOT
from simworld.frames import FPS
from simworld.training.episode_files import VIDEO, EpisodeFile, EpisodeWriter, is_whole, list_episodes

VERSION = "4"
"""Of the layout, as MineRL's reader asks for it."""
VIDEO_NAME, ARRAYS_NAME, META_NAME = "recording.mp4", "rendered.npz", "metadata.json"


def export_dataset(recordings: str | Path, root: str | Path, env_id: str) -> list[Path]:
    """Write all episodes of a folder as streams of `env_id` under `root`; returns their folders. Those that are there already
    are left alone. ValueError where there are none, for pictures of odd size, which have no place in that layout, and for
    episodes of a single frame."""
    folders = []
    for path in tqdm(list_episodes(recordings), desc="export", mininterval=5):
        folder = Path(root) / env_id / f"v{VERSION}_{path.name}"
        if not (folder / META_NAME).exists():
            _export(EpisodeFile(path), folder)
        folders.append(folder)
    if not folders:
        raise ValueError(f"{recordings} holds no episodes; record some with: simworld record --out {recordings}")
    (Path(root) / "VERSION").write_text(VERSION)
    return folders


def import_dataset(env_folder: str | Path, out: str | Path, prompt: str | None = None) -> list[Path]:
    """Write all streams of ROOT/ENV as episodes into the folder `out`; returns their paths without ending. Those that are there
    already are left alone. `prompt` describes them. Names of 0.4 that MineRL 1.0 does not know are left out, but for `place`:
    who places uses. FileNotFoundError where there is no stream, ValueError naming the file that cannot be read."""
    streams = sorted(path.parent for path in Path(env_folder).glob(f"*/{META_NAME}"))
    if not streams:
        raise FileNotFoundError(f"{env_folder} holds no streams; it must hold folders with {META_NAME}, as MineRL's envs do")
    paths = []
    for stream in tqdm(streams, desc="import", mininterval=5):
        path = Path(out) / stream.name
        if not is_whole(path):
            _import(stream, path, prompt)
        paths.append(path)
    return paths


def _export(episode: EpisodeFile, folder: Path) -> None:
    height, width = episode.frames(0, 1).shape[1:3]
    if height % 2 or width % 2 or len(episode) < 2:
        raise ValueError(f"{episode.path}: {len(episode)} frames of {height}×{width}; MineRL's layout needs 2 and even sizes")
    num_actions = len(episode) - 1
    actions = episode.actions[:num_actions]
    rewards = np.zeros(len(episode), np.float32) if episode.rewards is None else episode.rewards
    arrays: dict[str, Any] = {f"action${name}": actions[:, SLOT[name]].astype(np.int64) for name in KEYS}
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(episode.video, folder / VIDEO_NAME)
    arrays |= {"reward": rewards[:num_actions], "action$camera": actions[:, CAMERA]}
    np.savez_compressed(folder / ARRAYS_NAME, **arrays)
    meta = {
        "success": episode.terminated,
        "duration_ms": num_actions * 1000 // FPS,
        "duration_steps": num_actions,
        "total_reward": float(rewards[:num_actions].sum()),
        "stream_name": folder.name,
        "true_video_frame_count": len(episode),
    }
    # Last, so that a stream either is there or is not.
    (folder / META_NAME).write_text(json.dumps(meta))


def _import(stream: Path, path: Path, prompt: str | None) -> None:
    actions, rewards = _arrays(stream / ARRAYS_NAME)
    try:
        meta = json.loads((stream / META_NAME).read_text())
        num_skipped = int(meta["true_video_frame_count"]) - len(actions)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{stream / META_NAME}: not a stream's metadata ({error!r})") from None
    if num_skipped < 0:
        raise ValueError(f"{stream}: {len(actions) - 1} actions for {len(actions) + num_skipped} frames; there must be fewer")
    source = {"source": f"MineRL {stream.parent.name}", "stream": stream.name, "fps": FPS}
    with EpisodeWriter(path, source) as writer:
        if prompt:
            writer.prompt(prompt)
        for number, frame in enumerate(_frames(stream / VIDEO_NAME)):
            place = number - num_skipped
            if 0 <= place < len(actions):
                writer.append(frame, actions[place], reward=float(rewards[place]))
        if writer.num_frames != len(actions):
            raise ValueError(f"{stream / VIDEO_NAME}: {writer.num_frames} frames of play; {len(actions)} are needed")
        # MineRL's players end by what they did or by running out of time; which of the two is told by success alone.
        writer.finish(terminated=bool(meta.get("success")), truncated=not meta.get("success"))


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Action vectors, float32 [T, 25], and rewards, float32 [T], of T frames: nothing is done in the last."""
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files if name == "reward" or name.startswith("action$")}
        num_actions = len(arrays["reward"])
        actions = np.zeros((num_actions + 1, ACTION_SIZE), np.float32)
        for name in KEYS:
            if f"action${name}" in arrays:
                actions[:num_actions, SLOT[name]] = arrays[f"action${name}"].reshape(num_actions) != 0
        if "action$place" in arrays and "action$use" not in arrays:
            place = arrays["action$place"].reshape(num_actions)
            actions[:num_actions, SLOT["use"]] = place != ("none" if place.dtype.kind in "US" else 0)
        actions[:num_actions, CAMERA] = arrays["action$camera"].reshape(num_actions, 2)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a stream's arrays ({error}); it needs reward, action$camera and keys") from None
    return actions, np.append(arrays["reward"], 0).astype(np.float32)


def _frames(path: Path) -> Any:
    """The video's frames, uint8 [h, w, 3], one after another."""
    try:
        with av.open(str(path)) as container:
            for picture in container.decode(video=0):
                yield picture.to_ndarray(format="rgb24")
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path}: not a readable video ({error}); a stream has {VIDEO_NAME}, not {VIDEO}") from None
