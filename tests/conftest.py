"""What every test gets: no window and no sound unless asked for, annotated shapes checked, a screen on demand."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from jaxtyping import install_import_hook

os.environ.pop("DISPLAY", None)
os.environ.pop("WAYLAND_DISPLAY", None)
# Tiny networks gain nothing from threads, and lose much beside other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["SDL_AUDIODRIVER"] = "dummy"
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
os.environ["MPLBACKEND"] = "Agg"

# Annotated shapes are checked in all that is imported from here on. An int may stand for a float, as in mypy.
install_import_hook("simworld.model", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The player's own settings and moments are neither read nor written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))


@pytest.fixture
def display() -> Iterator[dict[str, str]]:
    """Environment variables of a virtual screen of 1280 x 800, for programs that open a real window; needs Xvfb."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("a real window needs Xvfb: sudo apt-get install xvfb")
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as numbers:
            number = numbers.readline().strip()
        assert number, "Xvfb ended without a screen"
        yield {**os.environ, "DISPLAY": f":{number}", "SDL_VIDEODRIVER": "x11"}
    finally:
        process.terminate()
        process.wait(timeout=10)
