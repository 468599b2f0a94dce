"""The whole chain at the size of the debug preset, as a user runs it: play, learn, dream, watch, measure."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from simworld.actions import CAMERA
from simworld.model.autoencoder import Autoencoder
from simworld.model.checkpoint import load_network
from simworld.model.layers import silent
from simworld.model.pixels import to_float
from simworld.training.truth import play_truth

MINUTES = 3


def simworld(folder: Path, *arguments: str) -> str:
    """Run the command in `folder`; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "simworld.cli", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"simworld {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def scalars(folder: Path, name: str) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "scalars"))
    events.Reload()
    return [event.value for event in events.Scalars(name)]


def refined_error(path: Path) -> float:
    """Error of pictures of worlds never seen, decoded as in play from a given one on, over that of the same decoder before
    its refiner learned anything."""
    autoencoder = load_network(Autoencoder, path)
    truth = play_truth(8, 9, 48, 80)
    frames, camera = to_float(torch.from_numpy(truth.frames)), torch.from_numpy(truth.actions[..., CAMERA])
    latents = autoencoder.encode(frames)
    errors = []
    for _ in range(2):
        _, state = autoencoder.decode(latents[:, :1], (48, 80))
        state.picture = autoencoder.padded(frames[:, 0])
        decoded, _ = autoencoder.decode(latents[:, 1:], (48, 80), state, camera.unflatten(1, (-1, 2)))
        errors.append(float((decoded - frames[:, 1:]).square().mean()))
        silent(autoencoder.refiner.leave)
    return errors[0] / errors[1]


@pytest.mark.timeout(600)
def test_debug_trains_and_plays_end_to_end(tmp_path: Path) -> None:
    started = time.monotonic()
    simworld(tmp_path, "train", "clips", "--preset", "debug")
    simworld(tmp_path, "train", "autoencoder", "--preset", "debug")
    simworld(tmp_path, "train", "sight", "--preset", "debug")
    simworld(tmp_path, "train", "hands", "--preset", "debug")
    simworld(tmp_path, "train", "world", "--preset", "debug")
    world = tmp_path / "runs" / "debug" / "world"
    video = tmp_path / "play.mp4"
    simworld(tmp_path, "play", "--world", str(world), "--headless", "--bot", "--frames", "40", "--out", str(video))
    seconds = time.monotonic() - started
    assert video.stat().st_size > 1000
    losses = scalars(world, "loss")
    third = len(losses) // 3
    assert sum(losses[-third:]) < 0.9 * sum(losses[:third]), f"the world learned nothing: {losses}"
    assert refined_error(world / "autoencoder.safetensors") < 1
    simworld(tmp_path, "evaluate", "--world", str(world), "--seeds", "2", "--json", "e.json", "--sheet", "sheet.png")
    figures = json.loads((tmp_path / "e.json").read_text())
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    assert figures["reconstruction"]["psnr"] > 12 and figures["first_seed"] >= 1_000_000
    assert seconds < 60 * MINUTES, f"took {seconds:.0f} s"


def test_recorded_episodes_are_as_good_as_the_game(tmp_path: Path) -> None:
    simworld(tmp_path, "record", "--out", "mine", "--episodes", "2", "--frames", "60", "--height", "48", "--width", "80")
    arguments = ("train", "clips", "--preset", "debug", "source=mine", "num_clips=4")
    simworld(tmp_path, *arguments)
    assert json.loads((tmp_path / "runs/debug/clips/prompts.json").read_text())[3][0][1], "captions come along"


def test_wrong_settings_are_told(tmp_path: Path) -> None:
    for wrong, message in (("loop.stepz=3", "stepz"), ("loop.steps=many", "many")):
        done = subprocess.run(
            [sys.executable, "-m", "simworld.cli", "train", "world", wrong], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
