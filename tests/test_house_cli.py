"""The command line: help for everything, at once; a user's mistake is one line; settings are typed."""

import argparse
import subprocess
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from simworld import __version__
from simworld.cli import COMMANDS, main
from simworld.client.options import PlayOptions
from simworld.commands import play
from simworld.commands.train import TRAININGS


@dataclass(kw_only=True)
class Loop:
    rate: float = 0.5


@dataclass(kw_only=True)
class Settings:
    steps: int = 1
    loop: Loop = field(default_factory=Loop)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main([command, "--help"])
    shown = capsys.readouterr().out
    assert ending.value.code == 0
    assert f"usage: simworld {command}" in shown
    assert f"\nexamples:\n  simworld {command}" in shown


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["--help"])
    shown = capsys.readouterr().out
    assert ending.value.code == 0
    assert all(f"  {name} " in shown and summary in shown for name, summary in COMMANDS.items())


def test_the_installed_command_tells_its_version() -> None:
    command = Path(sys.executable).parent / "simworld"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"simworld {__version__}"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from simworld.cli import COMMANDS, main\n"
        "for command in COMMANDS:\n"
        "    try: main([command, '--help'])\n"
        "    except SystemExit: pass\n"
        "print({'torch', 'numba', 'pygame', 'hydra', 'av'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "set()"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """`simworld play` that raises the one exception put into this list."""
    raised: list[BaseException] = []

    def run(options: object) -> None:
        raise raised[0]

    command = types.ModuleType("simworld.commands.play", "A command that fails.")
    command.arguments = lambda parser: None  # type: ignore[attr-defined]
    command.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "simworld.commands.play", command)
    return raised


@pytest.mark.parametrize("mistake", [ValueError("world 'atlantis':\n  there is none"), FileNotFoundError("no file")])
def test_a_mistake_is_one_line(mistake: Exception, failing: list[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    failing.append(mistake)
    assert main(["play"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"simworld: error: {' '.join(str(mistake).split())}\n"


def test_traceback_shows_where_a_mistake_was_found(failing: list[BaseException]) -> None:
    failing.append(ValueError("world 'atlantis'"))
    with pytest.raises(ValueError, match="atlantis"):
        main(["--traceback", "play"])


def test_a_fault_of_ours_is_not_hidden(failing: list[BaseException]) -> None:
    failing.append(RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        main(["play"])


def test_interrupting_is_quiet(failing: list[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    failing.append(KeyboardInterrupt())
    assert main(["play"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [[], ["fly"], ["play", "--steps", "3"], ["train", "everything"]])
def test_unknown_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    assert "usage: simworld" in capsys.readouterr().err


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """`simworld train fake`, which collects the settings it is called with."""
    seen: list[Settings] = []

    def train(config: Settings) -> None:
        seen.append(config)

    module = types.ModuleType("simworld.training.fake")
    module.train = train  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(TRAININGS, "fake", (module.__name__, "train"))
    return seen


def test_settings_reach_training_as_a_typed_object(training: list[Settings]) -> None:
    assert main(["train", "fake", "steps=7", "loop.rate=1e-3"]) == 0
    assert training == [Settings(steps=7, loop=Loop(rate=0.001))]


def test_cfg_prints_the_settings_and_trains_nothing(training: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "fake", "--cfg", "steps=7"]) == 0
    assert capsys.readouterr().out == "steps: 7\nloop:\n  rate: 0.5\n"
    assert training == []


@pytest.mark.parametrize("what", sorted(set(TRAININGS) - {"heads", "gauge", "judge"}))
@pytest.mark.parametrize("preset", ["debug", "small"])
def test_all_presets_fit_what_is_trained(what: str, preset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", what, "--preset", preset, "--cfg"]) == 0
    assert f"runs/{preset}/" in capsys.readouterr().out


@pytest.mark.parametrize("override", ["stops=7", "steps=many", "loop.rat=1", "steps"])
def test_a_wrong_setting_is_one_line(override: str, training: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "fake", override]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"simworld: error: settings {override}: ")
    assert message.count("\n") == 1
    assert training == []


@pytest.mark.parametrize("number", ["--episodes", "--frames", "--workers"])
def test_recording_nothing_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", number, "0"]) == 2
    assert f"{number} is 0; it must be 1 or more" in capsys.readouterr().err


def test_recording_an_unknown_game_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--env", "Atlantis-v0", "--out", str(tmp_path / "recordings")]) == 2
    message = capsys.readouterr().err
    assert "--env Atlantis-v0" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "recordings").exists()


def test_every_option_of_play_reaches_the_client() -> None:
    parser = argparse.ArgumentParser()
    play.arguments(parser)
    defaults = {name: value for name, value in vars(parser.parse_args([])).items() if value is not None}
    assert PlayOptions(**defaults) == PlayOptions()
    assert vars(parser.parse_args([])).keys() == vars(PlayOptions()).keys()
