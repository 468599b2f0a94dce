"""A real window on a virtual screen, and the real game in it by the real command."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest
from client_fake_env import HEIGHT, WIDTH, make
from client_rehearsal import Wait, click, press, rehearse, shown

from simworld.actions import SLOT
from simworld.client.app import App
from simworld.client.window import Window
from simworld.training.episode_files import EpisodeFile, list_episodes


@pytest.fixture
def x11(display: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.setenv(name, display[name])


@pytest.mark.usefixtures("x11")
def test_a_window_opens_shows_the_pictures_and_catches_the_mouse() -> None:
    world, _ = make(step_seconds=0.02)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        assert pygame.display.get_driver() == "x11"
        click()
        press(pygame.K_F3)
        yield shown(app, 25)
        assert pygame.event.get_grab()
        screen = pygame.surfarray.array3d(app.window.screen)
        assert screen.shape[:2] == app.window.area.size
        # The bottom rows hold the fake world's stripes and nothing else.
        assert {60, 150} == set(np.unique(screen[:, -20:]))

    app, stats = rehearse(script, world)
    assert app.window.area.size == (WIDTH * 23, HEIGHT * 23), "the smallest whole multiple at least 540 high"
    assert stats.fps == pytest.approx(20, abs=2)


@pytest.mark.usefixtures("x11")
@pytest.mark.parametrize(
    ("scale", "frame", "size"),
    [
        (None, (96, 160), (960, 576)),
        (None, (64, 64), (576, 576)),
        (None, (360, 640), (1152, 648)),  # 1280 × 720 would not fit 9/10 of a screen of 1280 × 800
        (3, (96, 160), (480, 288)),
    ],
)
def test_the_window_fits_the_picture(scale: int | None, frame: tuple[int, int], size: tuple[int, int]) -> None:
    window = Window("test", scale)
    try:
        window.show(np.full((*frame, 3), 77, np.uint8))
        assert window.screen.get_size() == size
        assert (pygame.surfarray.array3d(window.screen) == 77).all()
    finally:
        window.close()


def test_the_game_is_played_by_the_command(display: dict[str, str], tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "simworld.cli",
        "play",
        "--world",
        "voxel",
        "--bot",
        "--frames",
        "30",
        "--seed",
        "3",
    ]
    done = subprocess.run(command, env=display, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("played 30 pictures")
    assert not list(tmp_path.iterdir())


def test_a_play_from_the_start_screen_to_the_menu_by_real_keys(display: dict[str, str], tmp_path: Path) -> None:
    """Keys as the X server sends them, into the real command: start, walk, record, remember, leave."""
    if shutil.which("xdotool") is None:
        pytest.skip("real keys need xdotool: sudo apt-get install xdotool")

    def xdotool(*command: str) -> str:
        done = subprocess.run(["xdotool", *command], env=display, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout.strip()

    def wait_for(found: Callable[[], object], *keys: str) -> object:
        """Press `keys` every second until it is so."""
        until = time.monotonic() + 90
        while time.monotonic() < until:
            assert process.poll() is None, process.communicate()[1]
            if result := found():
                return result
            if keys:
                xdotool("key", *keys)
            time.sleep(1.0)
        raise AssertionError(f"waited in vain, pressing {keys}")

    command = [sys.executable, "-m", "simworld.cli", "play", "--choose", "--world", "voxel"]
    with subprocess.Popen(
        command, env=display, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            window = wait_for(lambda: xdotool("search", "--pid", str(process.pid)))
            xdotool("windowfocus", str(window).split()[-1])
            moments = Path(display["XDG_DATA_HOME"]) / "simworld" / "moments"
            time.sleep(1.0)
            xdotool("key", "Right", "Return")
            wait_for(lambda: list(moments.glob("*.safetensors")), "F5")
            xdotool("key", "F6")
            xdotool("keydown", "w")
            time.sleep(2.0)
            xdotool("keyup", "w")
            xdotool("key", "F6")
            (name,) = wait_for(lambda: list_episodes(tmp_path / "recordings"))  # type: ignore[misc]
            xdotool("key", "Escape", "Up", "Return")
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
    assert EpisodeFile(name).actions[:, SLOT["forward"]].sum() > 10
