"""The recorder, on a toy env of MineRL's shape."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, CAMERA, SLOT, from_vector
from simworld.env.spaces import action_space, observation_space
from simworld.episode import Prompt
from simworld.training.episode_files import list_episodes, read_episode
from simworld.training.recorder import Policy, random_policy, record, voxel_bot


class ToyEnv(gymnasium.Env):
    """Brightness 40 + 10 for each step in which `forward` was held; ends at `last` frames; reuses its picture array."""

    action_space = action_space()
    observation_space = observation_space(16, 24)

    def __init__(self, frame_skip: int = 1, last: int = 1000, captions: bool = False, pause: float = 0) -> None:
        self.frame_skip, self.last, self.captions, self.pause = frame_skip, last, captions, pause
        self.pov = np.zeros((16, 24, 3), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        super().reset(seed=seed)
        self.options = options
        self.place, self.steps = 0, 0
        self.pov[:] = 40
        return {"pov": self.pov}, self._info([self.pov.copy()])

    def step(self, action: dict[str, Any]) -> tuple[dict, float, bool, bool, dict]:
        assert self.action_space.contains(action)
        frames = []
        for _ in range(self.frame_skip):
            self.steps += 1
            self.place += action["forward"]
            self.pov[:] = min(255, 40 + 10 * self.place)
            frames.append(self.pov.copy())
        time.sleep(self.pause)
        return {"pov": self.pov}, float(action["forward"]), self.steps >= self.last, False, self._info(frames)

    def _info(self, frames: list[np.ndarray]) -> dict[str, Any]:
        info: dict[str, Any] = {} if self.frame_skip == 1 else {"frames": np.stack(frames)}
        return {**info, "caption": f"step {self.steps // 8}"} if self.captions else info


def one_press_at(call: int) -> Any:
    """A player who presses forward once, at the given call, and turns a little by its seed all the time."""

    def make_policy(seed: int) -> Policy:
        calls = 0
        rng = np.random.default_rng(seed)

        def act(observation: dict[str, Any], info: dict[str, Any]) -> np.ndarray:
            nonlocal calls
            action = np.zeros(ACTION_SIZE, np.float32)
            action[SLOT["forward"]] = calls == call
            action[CAMERA] = rng.normal(size=2)
            calls += 1
            return action

        return act

    return make_policy


def test_an_action_shows_in_the_next_frame(tmp_path: Path) -> None:
    (path,) = record(ToyEnv(), one_press_at(7), tmp_path, num_frames=20, seed=5)
    episode = read_episode(path)
    assert len(episode) == 20
    assert np.flatnonzero(episode.actions[:, SLOT["forward"]]).tolist() == [7]
    np.testing.assert_allclose(episode.frames.mean((1, 2, 3)), np.where(np.arange(20) > 7, 50, 40), atol=3)
    assert episode.rewards is not None and np.flatnonzero(episode.rewards).tolist() == [7]
    assert episode.meta["seed"] == 5 and episode.meta["source"] == "ToyEnv" and episode.meta["fps"] == 20
    assert (episode.prompts, episode.terminated, episode.truncated) == ([], False, False)


@pytest.mark.parametrize("num_frames", [18, 19, 20, 21])
def test_all_frames_of_a_step_are_recorded_with_the_held_action(tmp_path: Path, num_frames: int) -> None:
    (path,) = record(ToyEnv(frame_skip=3), one_press_at(2), tmp_path, num_frames=num_frames)
    episode = read_episode(path)
    assert len(episode) == num_frames
    assert np.flatnonzero(episode.actions[:, SLOT["forward"]]).tolist() == [6, 7, 8]
    brightness = 40 + 10 * np.clip(np.arange(num_frames) - 6, 0, 3)
    np.testing.assert_allclose(episode.frames.mean((1, 2, 3)), brightness, atol=3)
    assert episode.rewards is not None and np.flatnonzero(episode.rewards).tolist() == [8]


@pytest.mark.parametrize("frame_skip", [1, 3])
def test_an_ending_is_kept_and_nothing_is_done_after_it(tmp_path: Path, frame_skip: int) -> None:
    (path,) = record(ToyEnv(frame_skip, last=9), one_press_at(-1), tmp_path)
    episode = read_episode(path)
    assert len(episode) == 10 and episode.terminated and not episode.truncated
    assert episode.actions[:-1].any(1).all() and not episode.actions[-1].any()


def test_captions_become_prompts_at_most_once_a_second(tmp_path: Path) -> None:
    (path,) = record(ToyEnv(captions=True), one_press_at(-1), tmp_path, num_frames=50)
    assert read_episode(path).prompts == [Prompt(0, "step 0"), Prompt(20, "step 2"), Prompt(40, "step 5")]
    (path,) = record(ToyEnv(), one_press_at(-1), tmp_path / "told", num_frames=50, prompt="a grey room")
    assert read_episode(path).prompts == [Prompt(0, "a grey room")]


def test_policies_may_answer_with_dicts(tmp_path: Path) -> None:
    vectors = one_press_at(3)

    def make_policy(seed: int) -> Policy:
        act = vectors(seed)
        return lambda observation, info: from_vector(np.asarray(act(observation, info)))

    (one,) = record(ToyEnv(), make_policy, tmp_path / "dicts", num_frames=8)
    (two,) = record(ToyEnv(), vectors, tmp_path / "vectors", num_frames=8)
    assert read_episode(one).actions.tobytes() == read_episode(two).actions.tobytes()


def test_a_recording_goes_on_where_it_was(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    record(ToyEnv(), one_press_at(1), tmp_path, num_episodes=2, num_frames=6)
    paths = record(
        ToyEnv(),
        one_press_at(1),
        tmp_path,
        num_episodes=3,
        num_frames=6,
        on_episode=lambda path, played: told.append((path.name, played)),
    )
    assert told == [("episode-0000000", 0), ("episode-0000001", 0), ("episode-0000002", 6)]
    whole = record(ToyEnv(), one_press_at(1), tmp_path / "whole", num_episodes=3, num_frames=6)
    for path, reference in zip(paths, whole, strict=True):
        assert read_episode(path).actions.tobytes() == read_episode(reference).actions.tobytes()


def test_reset_options_are_passed_on(tmp_path: Path) -> None:
    env = ToyEnv()
    record(env, one_press_at(0), tmp_path, num_frames=2, options={"biome": "desert"})
    assert env.options == {"biome": "desert"}


def test_random_play_is_recorded_from_any_env_of_the_shape(tmp_path: Path) -> None:
    env = ToyEnv()
    env.action_space.seed(0)
    (path,) = record(env, random_policy(env), tmp_path, num_frames=40)
    assert read_episode(path).actions.any()


def test_impossible_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="num_frames is 0"):
        record(ToyEnv(), one_press_at(0), tmp_path, num_frames=0)
    with pytest.raises(ValueError, match="no game"):
        voxel_bot(ToyEnv())
    with pytest.raises(ValueError, match="no `pov`"):
        record(gymnasium.make("CartPole-v1"), one_press_at(0), tmp_path)
    assert list_episodes(tmp_path) == []


def test_a_recorded_game_can_be_played_again_from_its_log(tmp_path: Path) -> None:
    env = gymnasium.make("simworld:simworld/Voxel-v0", height=32, width=48, disable_env_checker=True)
    (path,) = record(env, voxel_bot(env), tmp_path, num_frames=40, seed=11)
    episode = read_episode(path)
    assert episode.prompts[0].start == 0 and episode.prompts[0].text
    observation, _ = env.reset(seed=11)
    for t, (frame, action) in enumerate(zip(episode.frames, episode.actions, strict=True)):
        assert np.abs(frame.astype(int) - observation["pov"]).mean() < 5, f"frame {t} is another"
        observation, *_ = env.step(from_vector(action))


def test_a_killed_recorder_leaves_whole_episodes_and_no_half_ones(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from {__name__.rpartition(".")[2]} import ToyEnv, one_press_at, record
        record(ToyEnv(pause=0.005), one_press_at(3), {str(tmp_path)!r}, num_episodes=1000, num_frames=40)
    """)
    recorder = subprocess.Popen([sys.executable, "-c", script])
    try:
        deadline = time.monotonic() + 30
        while not _in_the_middle_of(tmp_path / "episode-0000002") and time.monotonic() < deadline:
            assert recorder.poll() is None
            time.sleep(0.005)
    finally:
        recorder.send_signal(signal.SIGKILL)
        recorder.wait()
    assert (tmp_path / "episode-0000002.jsonl.tmp").exists()
    whole = list_episodes(tmp_path)
    assert [path.name for path in whole] == ["episode-0000000", "episode-0000001"]
    assert all(len(read_episode(path)) == 40 for path in whole)
    before = [path.with_name(path.name + ".mp4").stat().st_mtime_ns for path in whole]
    paths = record(ToyEnv(), one_press_at(3), tmp_path, num_episodes=3, num_frames=40)
    assert list_episodes(tmp_path) == paths
    assert before == [path.with_name(path.name + ".mp4").stat().st_mtime_ns for path in whole]
    reference = record(ToyEnv(), one_press_at(3), tmp_path / "whole", num_episodes=3, num_frames=40)
    for path, other in zip(paths, reference, strict=True):
        assert read_episode(path).actions.tobytes() == read_episode(other).actions.tobytes()
    assert not list(tmp_path.glob("*.tmp"))


def _in_the_middle_of(path: Path) -> bool:
    return path.with_name(path.name + ".jsonl.tmp").exists()
