"""Episodes on disk: written, read back, refused when broken."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, CAMERA, KEYS
from simworld.episode import Episode, Prompt
from simworld.training.episode_files import (
    EpisodeFile,
    EpisodeWriter,
    is_whole,
    list_episodes,
    read_episode,
    write_episode,
)


def random_actions(num_actions: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    actions = np.zeros((num_actions, ACTION_SIZE), np.float32)
    actions[:, : len(KEYS)] = rng.integers(2, size=(num_actions, len(KEYS)))
    actions[:, CAMERA] = rng.normal(0, 10, (num_actions, 2))
    return actions


def smooth_frames(num_frames: int, height: int, width: int) -> np.ndarray:
    """Pictures that differ from each other and that a codec can keep: a ramp whose brightness goes with the frame."""
    ramp = np.linspace(0, 60, height)[:, None] + np.linspace(0, 60, width)
    frames = ramp[None, :, :, None] + 3.0 * np.arange(num_frames)[:, None, None, None] + np.array([0, 8, 16])
    return np.clip(frames, 0, 255).astype(np.uint8)


def an_episode(num_frames: int = 30, height: int = 48, width: int = 64) -> Episode:
    rng = np.random.default_rng(1)
    return Episode(
        frames=smooth_frames(num_frames, height, width),
        actions=random_actions(num_frames),
        rewards=rng.normal(size=num_frames).astype(np.float32),
        terminated=True,
        prompts=[Prompt(0, "a forest"), Prompt(num_frames - 1, "Ein Wald im Schnee ❄")],
        meta={"source": "test", "seed": 7},
    )


def test_an_episode_comes_back_as_it_was_written(tmp_path: Path) -> None:
    episode = an_episode()
    write_episode(tmp_path / "a.b", episode)
    for path in ("a.b", "a.b.mp4", "a.b.jsonl", "a.b.meta.json"):
        again = read_episode(tmp_path / path)
        assert again.actions.tobytes() == episode.actions.tobytes()
        assert again.rewards is not None and again.rewards.tobytes() == episode.rewards.tobytes()
        assert np.abs(again.frames.astype(int) - episode.frames).mean() < 2
        assert (again.terminated, again.truncated) == (True, False)
        assert (again.prompts, again.meta) == (episode.prompts, episode.meta)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.b.jsonl", "a.b.meta.json", "a.b.mp4"]


def test_awkward_camera_numbers_are_bit_exact(tmp_path: Path) -> None:
    episode = an_episode()
    episode.actions[:8, CAMERA] = np.array(
        [[0.1, -0.0], [1e-38, 180], [np.pi, np.float32(1) / 3], [-179.99998, 1e-45], [0.15, 0.30000001], [1e8, 1e30],
         [np.nextafter(np.float32(1), np.float32(2)), 5e-324], [7.0, 2.5]], np.float32
    )  # fmt: skip
    write_episode(tmp_path / "a", episode)
    assert read_episode(tmp_path / "a").actions.tobytes() == episode.actions.tobytes()


def test_each_action_stays_with_the_frame_it_was_done_at(tmp_path: Path) -> None:
    """One single action, at frame 12, brightens the picture from frame 13 on."""
    actions = np.zeros((30, ACTION_SIZE), np.float32)
    actions[12, KEYS.index("use")] = 1
    frames = np.full((30, 32, 32, 3), 40, np.uint8)
    frames[13:] = 200
    write_episode(tmp_path / "one", Episode(frames, actions))
    again = read_episode(tmp_path / "one")
    assert np.flatnonzero(again.actions.any(1)).tolist() == [12]
    brightness = again.frames.mean((1, 2, 3))
    assert (brightness[:13] < 60).all() and (brightness[13:] > 180).all()


@pytest.mark.parametrize(("height", "width"), [(47, 64), (48, 63), (35, 41)])
def test_odd_sizes_are_kept(tmp_path: Path, height: int, width: int) -> None:
    episode = an_episode(5, height, width)
    write_episode(tmp_path / "odd", episode)
    again = read_episode(tmp_path / "odd")
    assert again.frames.shape == (5, height, width, 3)
    assert np.abs(again.frames.astype(int) - episode.frames).mean() < 2


def test_any_part_can_be_read_alone(tmp_path: Path) -> None:
    write_episode(tmp_path / "a", an_episode(47))
    file = EpisodeFile(tmp_path / "a")
    whole = file.frames()
    for start, stop in ((0, 1), (46, 47), (9, 12), (10, 11), (19, 41), (0, 47)):
        np.testing.assert_array_equal(file.frames(start, stop), whole[start:stop])
    for start, stop in ((5, 5), (-1, 3), (40, 48)):
        with pytest.raises(ValueError, match=r"it has frames 0\.\.47"):
            file.frames(start, stop)


def test_prompts_can_change_while_recording(tmp_path: Path) -> None:
    frame, action = np.zeros((16, 16, 3), np.uint8), np.zeros(ACTION_SIZE, np.float32)
    with EpisodeWriter(tmp_path / "a") as writer:
        writer.prompt("never seen")
        writer.prompt("first")
        writer.append(frame, action)
        writer.prompt("first")
        writer.append(frame, action)
        writer.prompt("second")
        writer.append(frame, action)
        writer.prompt("after the end")
    episode = read_episode(tmp_path / "a")
    assert episode.prompts == [Prompt(0, "first"), Prompt(2, "second")]
    assert episode.rewards is None


def test_an_unfinished_episode_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), EpisodeWriter(tmp_path / "a") as writer:
        writer.append(np.zeros((16, 16, 3), np.uint8), np.zeros(ACTION_SIZE, np.float32))
        raise KeyError
    with pytest.raises(ValueError, match="at least one frame"), EpisodeWriter(tmp_path / "a"):
        pass
    with pytest.raises(KeyError), EpisodeWriter(tmp_path / "a"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_an_episode_can_be_replaced_and_the_old_one_stays_until_then(tmp_path: Path) -> None:
    write_episode(tmp_path / "a", an_episode(30))
    writer = EpisodeWriter(tmp_path / "a")
    writer.append(np.zeros((16, 16, 3), np.uint8), np.zeros(ACTION_SIZE, np.float32))
    assert len(read_episode(tmp_path / "a")) == 30
    writer.finish()
    assert len(read_episode(tmp_path / "a")) == 1


def test_list_finds_whole_episodes_only(tmp_path: Path) -> None:
    for name in ("b", "a", "sub/c", "unfinished", "silent"):
        write_episode(tmp_path / name, Episode(*_tiny()))
    (tmp_path / "unfinished.meta.json").unlink()
    (tmp_path / "silent.jsonl").unlink()
    assert list_episodes(tmp_path) == [tmp_path / "a", tmp_path / "b", tmp_path / "sub" / "c"]
    assert is_whole(tmp_path / "a") and not is_whole(tmp_path / "unfinished") and not is_whole(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="folder of episodes"):
        list_episodes(tmp_path / "none")
    with pytest.raises(ValueError, match="never finished"):
        read_episode(tmp_path / "unfinished")
    with pytest.raises(FileNotFoundError, match=r"silent\.jsonl is missing"):
        read_episode(tmp_path / "silent")


def _tiny() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((2, 16, 16, 3), np.uint8), np.zeros((2, ACTION_SIZE), np.float32)


@pytest.mark.parametrize(
    ("frame", "action", "reward", "message"),
    [
        (np.zeros((16, 18, 3), np.uint8), np.zeros(ACTION_SIZE), None, r"frame 1 is uint8 \(16, 18, 3\)"),
        (np.zeros((16, 16, 3), np.float32), np.zeros(ACTION_SIZE), None, "frame 1 is float32"),
        (np.zeros((16, 16, 3), np.uint8), np.zeros(24), None, "action 1 has shape"),
        (np.zeros((16, 16, 3), np.uint8), np.full(ACTION_SIZE, 0.5), None, "keys must be 0 or 1"),
        (np.zeros((16, 16, 3), np.uint8), np.array([0.0] * 23 + [np.nan, 0]), None, "finite"),
        (np.zeros((16, 16, 3), np.uint8), np.zeros(ACTION_SIZE), 1.0, "for all frames or for none"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, frame: np.ndarray, action: np.ndarray, reward: float | None, message: str
) -> None:
    with EpisodeWriter(tmp_path / "a") as writer:
        writer.append(np.zeros((16, 16, 3), np.uint8), np.zeros(ACTION_SIZE, np.float32))
        with pytest.raises(ValueError, match=message):
            writer.append(frame, action, reward=reward)
    assert len(read_episode(tmp_path / "a")) == 1


def test_meta_that_is_no_json_is_refused_before_recording(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        EpisodeWriter(tmp_path / "a", {"source": np.zeros(2)})
    assert list(tmp_path.iterdir()) == []


def test_unreadable_videos_are_refused(tmp_path: Path) -> None:
    write_episode(tmp_path / "a", an_episode())
    video = tmp_path / "a.mp4"
    whole = video.read_bytes()
    for broken in (b"", b"not a video", whole[: len(whole) // 2]):
        video.write_bytes(broken)
        with pytest.raises(ValueError, match=r"a\.mp4.*(not a readable video|no frames)"):
            read_episode(tmp_path / "a")
    start = whole.index(b"mdat") + 4
    video.write_bytes(whole[:start] + bytes(len(whole) - start - 2000) + whole[-2000:])
    with pytest.raises(ValueError, match=r"a\.mp4"):
        read_episode(tmp_path / "a")


def test_another_frame_rate_is_refused(tmp_path: Path) -> None:
    write_episode(tmp_path / "a", an_episode(10))
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for frame in smooth_frames(10, 48, 64):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match="30 frames a second; it must run at 20"):
        read_episode(tmp_path / "a")


def test_malformed_logs_are_refused_with_the_line(tmp_path: Path) -> None:
    write_episode(tmp_path / "a", an_episode(10))
    log = tmp_path / "a.jsonl"
    lines = log.read_text().splitlines()
    fourth = json.loads(lines[3])
    for broken, message in (
        (lines[3][:50], "line 4: not JSON"),
        ("[1, 2]", "line 4: no JSON object"),
        ("", "line 4: no JSON object"),
        (json.dumps({**fourth, "camera": [1]}), r"line 4: camera is \[1\]; it must be \[pitch, yaw\]"),
        (json.dumps({**fourth, "mouse": 3}), "line 4: mouse is 3"),
        (json.dumps({**fourth, "keyboard": {"keys": "w"}}), "line 4: keys is 'w'"),
    ):
        log.write_text("\n".join([*lines[:3], broken, *lines[4:]]) + "\n")
        with pytest.raises(ValueError, match=r"a\.jsonl, " + message):
            read_episode(tmp_path / "a")
    log.write_text("")
    with pytest.raises(ValueError, match="no lines"):
        read_episode(tmp_path / "a")


def test_lengths_may_differ_by_one_frame_but_no_more(tmp_path: Path) -> None:
    episode = an_episode(25)
    write_episode(tmp_path / "a", episode)
    log = tmp_path / "a.jsonl"
    lines = log.read_text().splitlines()
    for count in (24, 26):
        log.write_text("\n".join([*lines, lines[-1]][:count]))
        again = read_episode(tmp_path / "a")
        assert len(again) == min(count, 25)
        assert again.actions.tobytes() == episode.actions[: min(count, 25)].tobytes()
    for count in (23, 27):
        log.write_text("\n".join([*lines, lines[-1], lines[-1]][:count]))
        with pytest.raises(ValueError, match=rf"25 frames but a\.jsonl has {count} lines"):
            read_episode(tmp_path / "a")


def test_a_foreign_or_newer_meta_file_is_refused(tmp_path: Path) -> None:
    write_episode(tmp_path / "a", Episode(*_tiny()))
    meta = tmp_path / "a.meta.json"
    for content, message in (
        ("{", "not an episode's meta"),
        ("{}", "not an episode's"),
        ('{"version": 99}', "version 99"),
    ):
        meta.write_text(content)
        with pytest.raises(ValueError, match=message):
            read_episode(tmp_path / "a")
