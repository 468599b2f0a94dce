"""Clips cut from recorded episodes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, CAMERA
from simworld.episode import Episode, Prompt
from simworld.training.clip import Clip, next_batch
from simworld.training.episode_clips import EpisodeClips
from simworld.training.episode_files import write_episode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Episodes of 40, 10 and 3 frames whose brightness and camera tell episode and frame."""
    for number, num_frames in enumerate((40, 10, 3)):
        frames = np.empty((num_frames, 36, 64, 3), np.uint8)
        frames[:] = (100 * number + 2 * np.arange(num_frames))[:, None, None, None]
        actions = np.zeros((num_frames, ACTION_SIZE), np.float32)
        actions[:, CAMERA.start] = np.arange(num_frames)
        actions[:, CAMERA.start + 1] = number
        prompts = [Prompt(0, "night"), Prompt(20, "day")] if number == 0 else []
        write_episode(tmp_path / f"episode-{number}", Episode(frames, actions, prompts=prompts, meta={"seed": number + 50}))
    return tmp_path


def places(clip: Clip) -> tuple[int, int]:
    """Episode and first frame of a clip, by its actions."""
    return int(clip.actions[0, -1]), int(clip.actions[0, -2])


def take(clips: Iterator[Clip], num_clips: int) -> list[Clip]:
    return [next(clips) for _ in range(num_clips)]


def test_frames_actions_prompts_and_seeds_belong_together(folder: Path) -> None:
    with EpisodeClips(folder, 8, 18, 32, prompt="unknown") as clips:
        for clip in take(clips, 60):
            episode, start = places(clip)
            assert clip.frames.shape == (8, 18, 32, 3) and clip.frames.dtype == np.uint8
            np.testing.assert_array_equal(clip.actions[:, -2], start + np.arange(7))
            np.testing.assert_allclose(clip.frames.mean((1, 2, 3)), 100 * episode + 2 * (start + np.arange(8)), atol=2)
            assert clip.seed == episode + 50
            if episode == 1:
                assert clip.prompts == [Prompt(0, "unknown")]
            elif start <= 12:
                assert clip.prompts == [Prompt(0, "night")]
            elif start < 20:
                assert clip.prompts == [Prompt(0, "night"), Prompt(20 - start, "day")]
            else:
                assert clip.prompts == [Prompt(0, "day")]


def test_every_window_comes_and_short_episodes_never(folder: Path) -> None:
    with EpisodeClips(folder, 8, 18, 32) as clips:
        seen = {places(clip) for clip in take(clips, 250)}
    assert seen == {(0, start) for start in range(33)} | {(1, start) for start in range(3)}


def test_equal_seeds_give_equal_clips_and_a_stopped_source_goes_on(folder: Path) -> None:
    with EpisodeClips(folder, 8, 18, 32, seed=3) as clips:
        whole = take(clips, 20)
        assert clips.state() == 20
    with EpisodeClips(folder, 8, 18, 32, seed=3, start_at=11) as clips:
        rest = take(clips, 9)
        assert clips.state() == 20
    for clip, other in zip(whole[11:], rest, strict=True):
        assert clip.frames.tobytes() == other.frames.tobytes() and clip.actions.tobytes() == other.actions.tobytes()
    with EpisodeClips(folder, 8, 18, 32, seed=4) as clips:
        assert [places(clip) for clip in take(clips, 20)] != [places(clip) for clip in whole]


def test_sizes_of_another_aspect_are_cropped(folder: Path) -> None:
    with EpisodeClips(folder, 4, 20, 20) as clips:
        assert next_batch(clips, 2).frames.shape == (2, 4, 20, 20, 3)


def test_bad_folders_and_numbers_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        EpisodeClips(tmp_path / "none", 8, 18, 32)
    with pytest.raises(ValueError, match="holds 3 episodes, none of them with 41 frames"):
        EpisodeClips(folder, 41, 18, 32)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds 0 episodes"):
        EpisodeClips(tmp_path / "empty", 8, 18, 32)
    with pytest.raises(ValueError, match="clip_frames is 1"):
        EpisodeClips(folder, 1, 18, 32)
    with pytest.raises(ValueError, match="seed is -1"):
        EpisodeClips(folder, 8, 18, 32, seed=-1)


def test_a_damaged_episode_is_named(folder: Path) -> None:
    (folder / "episode-0.mp4").write_bytes(b"nothing")
    with EpisodeClips(folder, 20, 18, 32) as clips, pytest.raises(ValueError, match=r"episode-0\.mp4"):
        next(clips)
