"""The pins: constraints.txt fixes a version for all that pyproject.toml asks for, in its range; no host is named."""

import re
from pathlib import Path

import tomllib
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    line.partition("==")[0].lower(): line.partition("==")[2]
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
}


def test_every_requirement_is_pinned_within_its_range() -> None:
    for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        requirement = Requirement(line)
        assert requirement.name in PINS, f"constraints.txt lacks {requirement.name}"
        assert requirement.specifier.contains(PINS[requirement.name]), f"{line}, but pinned to {PINS[requirement.name]}"


def test_pins_are_exact_and_fit_every_build() -> None:
    for name, version in PINS.items():
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name}=={version}: a plain version, without +cpu or a host"


def test_where_packages_come_from_is_left_to_pip() -> None:
    for name in ("Makefile", "constraints.txt", "pyproject.toml", ".ci/run"):
        assert "index-url" not in (text := (ROOT / name).read_text()) and "://" not in text, f"{name} names a host"
