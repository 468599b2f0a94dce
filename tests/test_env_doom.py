"""Doom, with Freedoom's levels, in MineRL's shape: seen, driven, and learned from by the recipe of docs/own_game.md."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from simworld.actions import noop
from simworld.env.vizdoom_env import VizdoomEnv

RECIPE = Path(__file__).parent.parent / "docs" / "own_game.md"


@pytest.mark.filterwarnings("ignore:.*symmetric and normalized space.*:UserWarning")
def test_it_is_a_gymnasium_env_that_repeats_itself() -> None:
    arguments = {"scenario": "my_way_home", "height": 24, "width": 40, "frame_skip": 2, "render_mode": "rgb_array"}
    env = gymnasium.make("simworld:simworld/Doom-v0", **arguments, disable_env_checker=True).unwrapped
    check_env(env)
    runs = []
    for _ in range(2):
        env.reset(seed=3)
        runs.append(np.concatenate([env.step({**noop(), "forward": 1})[4]["frames"] for _ in range(10)]))
    assert runs[0].shape == (20, 24, 40, 3) and np.array_equal(*runs)
    env.close()


def test_keys_and_camera_move_the_marine() -> None:
    env = VizdoomEnv("freedoom2", "MAP01")
    _, info = env.reset(seed=1)
    x, y, _, yaw, pitch = info["pose"]
    for _ in range(10):
        info = env.step({**noop(), "camera": np.array([1.0, 3.0], np.float32)})[4]
    assert info["pose"][3] - yaw == pytest.approx(30, abs=0.5), "to the right"
    assert info["pose"][4] - pitch == pytest.approx(10, abs=0.5), "down"
    for _ in range(10):
        info = env.step({**noop(), "forward": 1})[4]
    assert np.hypot(info["pose"][0] - x, info["pose"][1] - y) > 50 and info["health"] == 100
    env.close()


def test_wrong_arguments_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"scenario is 'quake'; it must be one of .*freedoom2"):
        VizdoomEnv("quake")
    env = VizdoomEnv("my_way_home")
    with pytest.raises(ValueError, match="call reset"):
        env.step(noop())
    with pytest.raises(ValueError, match=r"unknown \['level'\]"):
        env.reset(options={"level": 1})
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(gymnasium.error.DependencyNotInstalled, match=r"simworld\[vizdoom\]"):
        VizdoomEnv()


def commands() -> list[list[str]]:
    """The commands of the recipe, as a reader would type them."""
    blocks = re.findall(r"```sh\n(.*?)```", RECIPE.read_text(), re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.replace("\\\n", "").splitlines() if line]


@pytest.mark.timeout(600)
def test_the_recipe_makes_a_world_of_doom(tmp_path: Path) -> None:
    """docs/own_game.md, word for word, but for --preset debug and fewer episodes."""
    small = {
        "record": ["--episodes", "2", "--frames", "80", "--height", "48", "--width", "80"],
        "clips": ["--preset", "debug", "num_clips=8"],
        "autoencoder": ["--preset", "debug", "data.num_clips=8", "loop.steps=30"],
        "world": ["--preset", "debug", "data.num_clips=8", "loop.steps=30"],
        "play": ["--headless", "--bot", "--frames", "20", "--out", "play.mp4"],
    }
    done = []
    for program, verb, *arguments in commands():
        assert program == "simworld"
        step = arguments[0] if verb == "train" else verb
        run = [sys.executable, "-m", "simworld.cli", verb, *arguments, *small[step]]
        result = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{shlex.join(run)}\n{result.stdout}\n{result.stderr}"
        done.append(step)
    assert done == list(small)
    assert len(list((tmp_path / "doom").glob("*.meta.json"))) == 2 and (tmp_path / "play.mp4").stat().st_size > 1000
