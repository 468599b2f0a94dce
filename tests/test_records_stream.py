"""Clips streamed from worker processes, with a toy game in place of the real one."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, SLOT
from simworld.training.clip import next_batch
from simworld.training.lane import CLIPS_PER_WALK, NUM_TRAINING_SEEDS, Lane
from simworld.training.stream import GameplayError, GameplayStream

BIOMES = ("hill", "dale")


class ToyGame:
    """One number, moved by `forward`; the picture shows it, the world seed and the step."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (height, width, 3)

    def reset(self, seed: int) -> None:
        self.seed, self.place, self.steps = seed, 0, 0

    def set_conditions(self, *, biome: str | None, time_of_day: float, weather: str, respawn: bool) -> None:
        assert biome is None or (respawn and biome in BIOMES)
        self.time_of_day, self.weather = time_of_day, weather

    def step(self, action: np.ndarray) -> None:
        self.place += int(action[SLOT["forward"]])
        self.steps += 1

    def render(self) -> np.ndarray:
        frame = np.zeros(self.shape, np.uint8)
        frame[0, 0] = self.seed % 256, self.place % 256, self.steps % 256
        frame[0, 1] = len(self.weather)
        return frame

    def caption(self, rng: np.random.Generator) -> str:
        return f"{rng.choice(['a', 'the'])} {self.weather} world"


class ToyBot:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def act(self, game: ToyGame) -> np.ndarray:
        action = np.zeros(ACTION_SIZE, np.float32)
        action[SLOT["forward"]] = self.rng.integers(2)
        action[-2:] = self.rng.normal(size=2)
        return action


class BrokenGame(ToyGame):
    def step(self, action: np.ndarray) -> None:
        raise ArithmeticError("the toy is broken")


class FatalGame(ToyGame):
    def step(self, action: np.ndarray) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class SilentGame(ToyGame):
    def caption(self, rng: np.random.Generator) -> str:
        return ""


def stream(num_workers: int = 2, game: str = "ToyGame", **options: int) -> GameplayStream:
    names = {"game": f"{__name__}:{game}", "bot": f"{__name__}:ToyBot", "biomes": f"{__name__}:BIOMES"}
    return GameplayStream(num_workers, 4, 6, 8, **{"num_lanes": 4, **options}, **names)


def toy_lane(clip_frames: int = 4, lane: int = 0) -> Lane:
    return Lane(ToyGame, ToyBot, biomes=BIOMES, height=6, width=8, clip_frames=clip_frames, seed=3, lane=lane)


def described(clips: Iterator, num_clips: int) -> list[tuple]:
    taken = [next(clips) for _ in range(num_clips)]
    return [(clip.frames.tobytes(), clip.actions.tobytes(), tuple(clip.prompts), clip.seed) for clip in taken]


def test_clips_have_the_promised_shapes_and_timing() -> None:
    with stream() as clips:
        for clip in (next(clips) for _ in range(12)):
            assert clip.frames.shape == (4, 6, 8, 3) and clip.frames.dtype == np.uint8
            assert clip.actions.shape == (3, ACTION_SIZE) and clip.actions.dtype == np.float32
            assert clip.prompts[0].start == 0 and clip.prompts[0].text and 0 <= clip.seed < NUM_TRAINING_SEEDS
            places = clip.frames[:, 0, 0, 1].astype(int)
            np.testing.assert_array_equal(np.diff(places), clip.actions[:, SLOT["forward"]])
            assert (clip.frames[:, 0, 0, 0] == clip.seed % 256).all()


def test_equal_seeds_give_equal_clips_for_any_number_of_workers_and_after_a_restart() -> None:
    with stream(2) as clips:
        whole = described(clips, 30)
        assert clips.state() == 30
    with stream(1) as clips:
        assert described(clips, 10) == whole[:10]
    with stream(3, start_at=11) as clips:
        assert described(clips, 19) == whole[11:]
        assert clips.state() == 30
    with stream(1, seed=1) as clips:
        assert described(clips, 4) != whole[:4]
    assert len(set(whole)) == 30


def test_a_clip_of_a_lane_depends_on_nothing_but_its_index() -> None:
    frames = np.empty((4, 6, 8, 3), np.uint8)
    lane = toy_lane()
    whole = [(*lane.play(index, frames), frames.copy()) for index in range(3 * CLIPS_PER_WALK)]
    for index in (6, 1, 11, 0):
        actions, prompts, seed = toy_lane().play(index, frames)
        np.testing.assert_array_equal(actions, whole[index][0])
        np.testing.assert_array_equal(frames, whole[index][3])
        assert (prompts, seed) == whole[index][1:3]


def test_clips_of_a_walk_follow_one_another_and_worlds_change() -> None:
    frames = np.empty((4, 6, 8, 3), np.uint8)
    lane = toy_lane()
    steps, seeds = [], []
    for index in range(40 * CLIPS_PER_WALK):
        seeds.append(lane.play(index, frames)[2])
        steps.append(frames[0, 0, 0, 2])
    steps_of_first_walk = np.array(steps[:CLIPS_PER_WALK])
    np.testing.assert_array_equal(np.diff(steps_of_first_walk), 4)
    assert 5 <= len(set(seeds)) <= 7


def test_in_some_clips_prompt_and_world_change_together() -> None:
    frames = np.empty((4, 6, 8, 3), np.uint8)
    lane = toy_lane()
    changes = 0
    for index in range(200):
        _, prompts, _ = lane.play(index, frames)
        weathers = frames[:, 0, 1, 0]
        if len(prompts) == 1:
            assert len(set(weathers)) == 1
        else:
            changes += 1
            first, second = prompts
            assert first.start == 0 < second.start < 4
            assert set(weathers[: second.start]) == {len(first.text.split()[1])}
            assert set(weathers[second.start :]) == {len(second.text.split()[1])}
    assert 5 <= changes <= 40


def test_a_failing_worker_is_one_clear_error_with_its_traceback() -> None:
    clips = stream(2, "BrokenGame")
    with pytest.raises(GameplayError, match=r"(?s)gameplay worker 0 of 2 failed.*in step.*the toy is broken"):
        next(clips)
    with pytest.raises(GameplayError, match="closed"):
        next(clips)


def test_a_killed_worker_is_reported() -> None:
    with pytest.raises(GameplayError, match="exit code -9"):
        next(stream(1, "FatalGame"))


def test_an_empty_caption_is_refused() -> None:
    with pytest.raises(GameplayError, match="empty caption"):
        next(stream(1, "SilentGame"))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [({"num_workers": 5}, "num_workers is 5"), ({"seed": -1}, "seed is -1"), ({"start_at": -1}, "start_at is -1")],
)
def test_impossible_numbers_are_refused(numbers: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stream(**numbers)


def test_batches_stack_clips() -> None:
    with stream(1) as clips:
        batch = next_batch(clips, 3)
    assert batch.frames.shape == (3, 4, 6, 8, 3)
    assert batch.actions.shape == (3, 3, ACTION_SIZE)
    assert len(batch.prompts) == 3


def test_the_reference_game_streams_and_resumes() -> None:
    with GameplayStream(1, 5, 24, 40, num_lanes=2) as clips:
        whole = described(clips, 6)
    with GameplayStream(2, 5, 24, 40, num_lanes=2, start_at=3) as clips:
        assert described(clips, 3) == whole[3:]
    assert len({frames for frames, *_ in whole}) == 6


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_die_with_the_process_that_made_them(tmp_path: Path, signal_number: int) -> None:
    script = tmp_path / "reader.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        if __name__ == "__main__":
            from simworld.training.stream import GameplayStream
            name = {__name__.rpartition(".")[2]!r}
            stream = GameplayStream(2, 4, 6, 8, game=name + ":ToyGame", bot=name + ":ToyBot", biomes=None)
            next(stream)
            print(*[process.pid for process in stream._processes], flush=True)
            time.sleep(60)
        """)
    )
    reader = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    with reader.stdout:
        workers = [int(pid) for pid in reader.stdout.readline().split()]
    assert len(workers) == 2
    reader.send_signal(signal_number)
    reader.wait()
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in workers)


def _alive(pid: int) -> bool:
    """Whether process `pid` runs (a zombie that nobody has collected yet does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
