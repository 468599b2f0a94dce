"""The dream as a Gymnasium env: spaces, timing, state, prompts, and one clear error for each misuse."""

import io
import time
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from PIL import Image
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import noop
from simworld.env.guide import FADE_CHUNKS
from simworld.env.start_pictures import detail
from simworld.model.checkpoint import write_tensors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_world(tmp_path_factory.mktemp("world"))


def make(folder: Path, **arguments: Any) -> gymnasium.Env:
    return gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=2, **arguments)


def some_frames(num_frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (num_frames, HEIGHT, WIDTH, 3), np.uint8)


def walk(env: gymnasium.Env, num_steps: int = 3) -> np.ndarray:
    action = {**noop(), "forward": 1, "camera": np.array([1.0, -4.5], np.float32)}
    return np.concatenate([env.step(action)[4]["frames"] for _ in range(num_steps)])


def test_it_is_a_gymnasium_env(folder: Path) -> None:
    with warnings.catch_warnings():
        # MineRL's camera is in degrees; the checker would like it to lie in [-1, 1].
        warnings.filterwarnings("ignore", message=".*symmetric and normalized space.*")
        check_env(make(folder, render_mode="rgb_array").unwrapped)


def test_a_step_is_a_chunk_of_frames(folder: Path) -> None:
    env = make(folder)
    observation, info = env.reset(seed=1)
    assert observation["pov"].shape == (HEIGHT, WIDTH, 3) and info["frames"].shape == (1, HEIGHT, WIDTH, 3)
    observation, reward, terminated, truncated, info = env.step(noop())
    assert info["frames"].shape == (2, HEIGHT, WIDTH, 3) and np.array_equal(info["frames"][-1], observation["pov"])
    assert (reward, terminated, truncated) == (0.0, False, False)


def test_equal_seed_and_actions_give_equal_frames(folder: Path) -> None:
    env = make(folder)
    runs = []
    for seed in (3, 3, 4):
        env.reset(seed=seed, options={"prompt": "rain over the plains"})
        runs.append(walk(env))
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


def test_actions_and_prompts_change_the_dream(folder: Path) -> None:
    env = make(folder)
    env.reset(seed=1)
    state = env.unwrapped.save_state()
    walked = walk(env)
    env.unwrapped.load_state(state)
    stood = np.concatenate([env.step(noop())[4]["frames"] for _ in range(3)])
    env.unwrapped.load_state(state)
    env.unwrapped.set_prompt("a snowy forest at night")
    prompted = walk(env)
    assert not np.array_equal(walked, stood) and not np.array_equal(walked, prompted)


def test_a_saved_state_goes_on_exactly(folder: Path) -> None:
    env = make(folder)
    env.reset(seed=1)
    walk(env, 9)
    state = env.unwrapped.save_state()
    first = walk(env, 9)
    env.reset(seed=8)
    env.unwrapped.load_state(state)
    assert np.array_equal(walk(env, 9), first)


def test_a_chunk_may_be_dreamt_before_the_one_before_is_seen(folder: Path) -> None:
    env = make(folder).unwrapped
    env.reset(seed=1)
    plain, before = walk(env, 4), env.reset(seed=1)[0]["pov"]
    action = {**noop(), "forward": 1, "camera": np.array([1.0, -4.5], np.float32)}
    env.step_async(action)
    state = env.save_state()
    assert np.array_equal(state["frame"], before), "for want of a newer one"
    seen = []
    for _ in range(3):
        env.step_async(action)
        seen.append(env.step_wait()[4]["frames"])
    with pytest.raises(ValueError, match="1 chunks are under way"):
        env.reset(seed=1)
    observation, *_, info = env.step_wait()
    seen.append(info["frames"])
    assert np.array_equal(np.concatenate(seen), plain) and np.array_equal(observation["pov"], plain[-1])
    assert np.array_equal(state["frame"], plain[1]), "the picture joined the state when it came"
    env.load_state(state)
    assert np.array_equal(walk(env), plain[2:])
    with pytest.raises(ValueError, match="no chunk is under way"):
        env.step_wait()


def test_another_process_finishes_the_same_pictures_and_is_not_missed_when_it_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    env = make(folder).unwrapped
    env.reset(seed=1)
    plain = walk(env, 6)
    env.finish_aside()
    until = time.monotonic() + 60
    while not env.goes_ahead:
        env.reset(seed=2)
        walk(env, 1)
        assert time.monotonic() < until
    env.reset(seed=1)
    assert np.array_equal(walk(env, 4), plain[:8])
    env.step_async({**noop(), "forward": 1, "camera": np.array([1.0, -4.5], np.float32)})
    env._drafts._finisher._process.kill()
    assert np.array_equal(env.step_wait()[4]["frames"], plain[8:10])
    env._drafts._finisher._process.join()
    assert not env.goes_ahead and np.array_equal(walk(env, 1), plain[10:])
    env.close()
    torch.set_num_threads(threads)


def test_a_task_is_judged_here(folder: Path) -> None:
    env = make(folder).unwrapped
    env._task = object()
    env.finish_aside()
    assert env._drafts._finisher is None


def test_a_step_may_be_finished_while_its_frames_are_seen(folder: Path) -> None:
    env = make(folder)
    runs = []
    for finished in (False, True):
        env.reset(seed=3)
        before = env.unwrapped.save_state()["context"].memory.counts
        frames = []
        for number in range(6):
            frames.append(walk(env, 1))
            if finished and number % 2:
                env.unwrapped.finish_step()
                env.unwrapped.finish_step()  # there is no more to do
        assert env.unwrapped.save_state()["context"].memory.counts == [before[0] + 6], "what is asked next finds it done"
        runs.append(np.concatenate(frames))
    assert np.array_equal(*runs)
    walk(env, 1)
    env.reset(seed=3)
    assert np.array_equal(walk(env, 6), runs[0]), "what an earlier dream left to do is gone with it"


@pytest.mark.parametrize("num_frames", [1, 2, 5, 6, 40])
def test_it_goes_on_from_given_frames(folder: Path, num_frames: int) -> None:
    env = make(folder)
    frames = some_frames(num_frames)
    observation, _ = env.reset(seed=1, options={"frames": frames, "actions": [noop()] * (num_frames - 1)})
    assert np.array_equal(observation["pov"], frames[-1])
    changed = frames.copy()
    changed[-1] = 0
    after = walk(env)
    env.reset(seed=1, options={"frames": changed})
    assert not np.array_equal(walk(env), after)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": "x"}, "unknown \\['prompts'\\]"),
        ({"prompt": 7}, "prompt is 7"),
        ({"prompt": "a " * 5000}, "10000 characters"),
        ({"frames": some_frames(3)[:, :16]}, "16×48 pixels; this world is 32×48"),
        ({"frames": some_frames(3)[0]}, "uint8 \\(t, h, w, 3\\)"),
        ({"frames": some_frames(3).astype(np.float32)}, "float32"),
        ({"frames": some_frames(3), "actions": [noop()]}, "1 for 3 frames"),
        ({"frames": some_frames(2), "actions": [{"forward": 1}]}, "missing"),
        ({"actions": [noop()]}, "actions without the frames"),
        ({"around": some_frames(1)[0]}, "32×48 pixels; a panorama of all directions is twice"),
        ({"frames": some_frames(1), "around": some_frames(1)[0]}, "32×48 pixels; a panorama of all directions is twice"),
        ({"frames": some_frames(1), "around": np.zeros((9, 18, 3))}, "reset option around: .*float64"),
        ({"frames": some_frames(1), "pitch": 91}, "pitch is 91"),
        ({"frames": some_frames(1), "pitch": "down"}, "pitch is 'down'"),
        ({"frames": some_frames(1), "daylight": 0.25}, "daylight is 0.25; it must be five numbers"),
        ({"frames": some_frames(1), "daylight": [1.5, 0, 0, 0, 0]}, r"daylight is \[1.5, .*the hour from 0 up to 1"),
    ],
)
def test_wrong_reset_options_are_told(folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(folder).reset(seed=1, options=options)


def test_wrong_actions_are_told(folder: Path) -> None:
    env = make(folder).unwrapped
    with pytest.raises(ValueError, match="call reset"):
        env.step(noop())
    env.reset(seed=1)
    for wrong, message in (
        ({"forward": 1}, "missing"),
        ({**noop(), "fly": 1}, "unknown \\['fly'\\]"),
        ({**noop(), "jump": 2}, "must be 0 or 1"),
        ({**noop(), "camera": np.array([0, np.nan])}, "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            env.step(wrong)


def test_wrong_arguments_are_told(folder: Path) -> None:
    with pytest.raises(ValueError, match="day is -1"):
        make(folder, day=-1)
    with pytest.raises(ValueError, match="num_steps is 3"):
        gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=3)
    with pytest.raises(ValueError, match="no world 'atlantis'"):
        gymnasium.make("simworld:simworld/World-v0", world="atlantis")


def test_the_shipped_world_plays_from_its_own_pictures() -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1)
    pictures = env.unwrapped.start_pictures()
    assert pictures.shape[1:] == env.observation_space["pov"].shape and len(pictures) > 3
    observation, _ = env.reset(seed=1, options={"frames": pictures[:1]})
    assert np.array_equal(observation["pov"], pictures[0])
    frames = {turn: [] for turn in (-6.0, 6.0)}
    state = env.unwrapped.save_state()
    for turn, seen in frames.items():
        env.unwrapped.load_state(state)
        for _ in range(3):
            seen.append(env.step({**noop(), "camera": np.array([0, turn], np.float32)})[0]["pov"].astype(float))
    # Turning left and turning right show different worlds, and neither is the picture of the start.
    assert np.abs(frames[-6.0][-1] - frames[6.0][-1]).mean() > 5
    assert all(np.abs(seen[-1] - pictures[0]).mean() > 5 for seen in frames.values())


def red_and_blue() -> np.ndarray:
    """A panorama that is red on the right and blue on the left."""
    around = np.zeros((90, 180, 3), np.uint8)
    around[:, 90:, 0], around[:, :90, 2] = 250, 250
    return around


def newest_after(env: gymnasium.Env, turn: float) -> np.ndarray:
    """The mean colour of what came into view last in a turn of 96 degrees, `turn` a frame."""
    for _ in range(round(48 / abs(turn))):
        observation = env.step({**noop(), "camera": np.array([0, turn], np.float32)})[0]
    return (observation["pov"][:, -4:] if turn > 0 else observation["pov"][:, :4]).mean((0, 1))


def test_who_turns_sees_what_lies_around(folder: Path) -> None:
    env = make(folder, renew=False)
    for turn, bright, dark in ((8.0, 0, 2), (-8.0, 2, 0)):
        env.reset(seed=1, options={"frames": some_frames(1), "around": red_and_blue()})
        newest = newest_after(env, turn)
        assert newest[bright] > 240 and newest[dark] < 10


def test_a_dream_may_begin_in_a_panorama(folder: Path) -> None:
    env = make(folder, renew=False)
    first = env.reset(seed=1, options={"around": red_and_blue()})[0]["pov"].astype(int)
    assert (first[:, :20, 2] > 240).all() and (first[:, 28:, 0] > 240).all() and (first[:, 28:, 2] < 10).all()
    assert newest_after(env, 8.0)[0] > 240


def test_a_dream_that_was_led_sees_what_lies_around_it_there(tmp_path: Path) -> None:
    packed = io.BytesIO()
    Image.fromarray(red_and_blue()).save(packed, "WEBP", lossless=True)
    bytes_ = torch.from_numpy(np.frombuffer(packed.getvalue(), np.uint8).copy())
    tensors = {"frames": torch.from_numpy(some_frames(1)), "around": bytes_, "sizes": torch.tensor([len(bytes_)])}
    write_tensors(write_tiny_world(tmp_path) / "starts.safetensors", tensors, {"captions": ["a desert"]})
    env = make(tmp_path, renew=False)
    env.reset(seed=1)
    env.unwrapped.set_prompt("a desert")
    for _ in range(FADE_CHUNKS):
        env.step({**noop(), "camera": np.array([0, 25], np.float32)})
    newest = newest_after(env, 8.0)
    assert newest[0] > 240 and newest[2] < 10, "wherever it looked on the way"


def test_the_shipped_pictures_know_what_lies_around_them() -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, renew=False).unwrapped
    for prompt in ("open plains at noon", "a snowy forest at night"):
        options = env.start_options(prompt, 0)
        assert options["around"].shape == (270, 540, 3) and options["around"].std() > 5 and abs(options["pitch"]) < 40
        first, _ = env.reset(seed=1, options=options)
        seen = []
        for turn in [6.0] * 15 + [0.0] * 20 + [-6.0] * 15:
            seen.append(env.step({**noop(), "camera": np.array([0, turn], np.float32)})[0]["pov"])
        away, back = (np.abs(frame.astype(float) - first["pov"]).mean() for frame in (seen[14], seen[-1]))
        assert back < 0.75 * away and detail(seen[14]) > 0.5 * detail(first["pov"]), prompt


def test_who_stands_still_sees_the_same_for_long() -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, renew=False)
    first, _ = env.reset(seed=1, options=env.unwrapped.start_options("a desert at noon", 0))
    for _ in range(60):
        last = env.step(noop())[0]["pov"]
    assert np.square(last.astype(float) - first["pov"]).mean() < 250, "24 dB"
    assert 0.6 < detail(last) / detail(first["pov"]) < 1.3
