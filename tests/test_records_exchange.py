"""Recordings in other people's layouts, read back by Minari itself, and as MineRL 0.4's data pipeline reads."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, CAMERA, KEYS, SLOT
from simworld.episode import Episode
from simworld.training.episode_files import read_episode, write_episode
from simworld.training.minari_export import export
from simworld.training.minerl_dataset import export_dataset, import_dataset


def played(num_frames: int = 12, height: int = 32, width: int = 48, seed: int = 0, terminated: bool = True) -> Episode:
    rng = np.random.default_rng(seed)
    frames = np.repeat(np.arange(num_frames, dtype=np.uint8) * 15, height * width * 3).reshape(num_frames, height, width, 3)
    actions = np.zeros((num_frames, ACTION_SIZE), np.float32)
    actions[:, : len(KEYS)] = rng.random((num_frames, len(KEYS))) < 0.3
    actions[:, CAMERA] = rng.normal(0, 5, (num_frames, 2))
    rewards = rng.random(num_frames).astype(np.float32)
    return Episode(frames, actions, rewards, terminated, False, meta={"source": "test", "seed": seed})


def as_minerl_reads(folder: Path) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Pictures, actions and rewards of a stream, by the steps of MineRL's DataPipeline._load_data_pyfunc."""
    state = np.load(folder / "rendered.npz", allow_pickle=True)
    meta = json.loads((folder / "metadata.json").read_text())
    actions = {name.removeprefix("action$"): state[name] for name in state if name.startswith("action$")}
    video = cv2.VideoCapture(str(folder / "recording.mp4"))
    for _ in range(meta["true_video_frame_count"] - (len(state["reward"]) + 1)):
        assert video.read()[0]
    frames = []
    while (read := video.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return np.array(frames), actions, state["reward"]


def test_minerls_reader_reads_an_export(tmp_path: Path) -> None:
    episode = played()
    write_episode(tmp_path / "mine" / "one", episode)
    (folder,) = export_dataset(tmp_path / "mine", tmp_path / "MineRL", "SimWorldVoxel-v0")
    assert (tmp_path / "MineRL" / "VERSION").read_text() == "4" and folder.parent.name == "SimWorldVoxel-v0"
    frames, actions, rewards = as_minerl_reads(folder)
    assert len(frames) == 12 and len(rewards) == 11 and set(actions) == {*KEYS, "camera"}
    assert np.abs(frames.mean((1, 2, 3)) - 15 * np.arange(12)).max() < 4
    assert np.array_equal(actions["camera"], episode.actions[:-1, CAMERA]) and np.array_equal(rewards, episode.rewards[:-1])
    assert np.array_equal(actions["jump"], episode.actions[:-1, SLOT["jump"]])


def test_an_import_brings_an_export_back(tmp_path: Path) -> None:
    episode = played()
    write_episode(tmp_path / "mine" / "one", episode)
    export_dataset(tmp_path / "mine", tmp_path / "MineRL", "SimWorldVoxel-v0")
    (path,) = import_dataset(tmp_path / "MineRL" / "SimWorldVoxel-v0", tmp_path / "back", prompt="a grey room")
    back = read_episode(path)
    assert np.array_equal(back.actions[:-1], episode.actions[:-1]) and not back.actions[-1].any()
    assert np.array_equal(back.rewards[:-1], episode.rewards[:-1]) and back.terminated
    assert np.abs(back.frames.astype(int) - episode.frames).mean() < 4 and back.prompt_at(3) == "a grey room"
    written = path.with_suffix(".mp4").stat().st_mtime_ns
    import_dataset(tmp_path / "MineRL" / "SimWorldVoxel-v0", tmp_path / "back")
    assert path.with_suffix(".mp4").stat().st_mtime_ns == written, "what is there is left alone"


def test_minerls_own_streams_are_imported(tmp_path: Path) -> None:
    """With the frames before the play, the names and the types of the published 0.4 data."""
    stream = tmp_path / "MineRLObtainDiamond-v0" / "v3_absolute_grape_changeling-7_1000-2000"
    write_episode(tmp_path / "video", played(9))
    stream.mkdir(parents=True)
    (tmp_path / "video.mp4").rename(stream / "recording.mp4")
    np.savez(
        stream / "rendered.npz",
        **{
            "reward": np.array([0, 1, 0, 2, 0], np.float64),
            "action$forward": np.array([0, 1, 1, 0, 0], np.int64),
            "action$camera": np.array([[0, 1.5]] * 5, np.float32),
            "action$place": np.array(["none", "dirt", "none", "torch", "none"]),
            "action$craft": np.array(["none"] * 5),
            "observation$inventory$dirt": np.zeros(6, np.int64),
        },
    )
    meta = {"success": False, "duration_ms": 250, "duration_steps": 5, "total_reward": 3, "true_video_frame_count": 9}
    (stream / "metadata.json").write_text(json.dumps(meta))
    (path,) = import_dataset(stream.parent, tmp_path / "back")
    back = read_episode(path)
    assert len(back) == 6 and np.abs(back.frames.mean((1, 2, 3)) - 15 * np.arange(3, 9)).max() < 4, "3 frames are skipped"
    assert back.actions[:, SLOT["forward"]].tolist() == [0, 1, 1, 0, 0, 0]
    assert back.actions[:, SLOT["use"]].tolist() == [0, 1, 0, 1, 0, 0] and (back.actions[:5, CAMERA] == [0, 1.5]).all()
    assert back.rewards.tolist() == [0, 1, 0, 2, 0, 0] and back.truncated and not back.terminated
    assert back.meta["source"] == "MineRL MineRLObtainDiamond-v0"
    np.savez(stream / "rendered.npz", reward=np.zeros(5))
    with pytest.raises(ValueError, match=r"rendered.npz: not a stream's arrays .*action\$camera"):
        import_dataset(stream.parent, tmp_path / "other")
    assert not list((tmp_path / "other").glob("*")), "nothing is left of it"


def test_minari_reads_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    import minari

    episodes = [played(12, seed=1), played(7, seed=2, terminated=False)]
    for number, episode in enumerate(episodes):
        write_episode(tmp_path / "mine" / f"{number}", episode)
    export(tmp_path / "mine", "simworld/voxel/test-v0", author="a test")
    dataset = minari.load_dataset("simworld/voxel/test-v0")
    assert dataset.total_episodes == 2 and dataset.total_steps == 11 + 6
    for episode, stored, read in zip(
        episodes, dataset.iterate_episodes(), (read_episode(tmp_path / "mine" / name) for name in "01"), strict=True
    ):
        assert np.array_equal(stored.observations["pov"], read.frames), "exactly as in the recording"
        assert np.array_equal(stored.actions["camera"], episode.actions[:-1, CAMERA])
        assert all(np.array_equal(stored.actions[name], episode.actions[:-1, SLOT[name]]) for name in KEYS)
        assert np.allclose(stored.rewards, episode.rewards[:-1]) and stored.id in (0, 1)
        assert stored.terminations.tolist() == [False] * (len(episode) - 2) + [episode.terminated]
        assert stored.truncations[-1] == (not episode.terminated)


def test_what_cannot_be_exchanged_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    for change in (lambda: export_dataset(tmp_path / "empty", tmp_path, "X"), lambda: export(tmp_path / "empty", "x-v0")):
        with pytest.raises(ValueError, match="holds no episodes"):
            change()
    with pytest.raises(FileNotFoundError, match="holds no streams"):
        import_dataset(tmp_path / "empty", tmp_path)
    write_episode(tmp_path / "odd" / "one", played(4, 31, 48))
    with pytest.raises(ValueError, match="31×48; MineRL's layout needs 2 and even sizes"):
        export_dataset(tmp_path / "odd", tmp_path / "out", "X")
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(ImportError, match=r"simworld\[minari\]"):
        export(tmp_path / "odd", "x-v0")
