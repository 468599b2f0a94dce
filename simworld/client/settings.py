"""What the player has chosen once and for all: one JSON file in the platform's own place for settings.

A file that is broken or from another version never stops the play: what can be read counts, the rest is complained of.
"""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

STEPS = (1, 2, 4, 8)
SENSITIVITIES = (0.1, 5.0)
SCALINGS = ("whole pixels", "fill the window")


@dataclass(kw_only=True)
class Settings:
    """steps: sampling steps of a dream. mouse_sensitivity: 1 turns 0.15 degrees a pixel. invert_mouse: moving it up looks
    down. scaling: the picture in whole multiples of its pixels, or as large as the window. bindings: by action, where
    changed.
    """

    steps: int = 4
    mouse_sensitivity: float = 1.0
    invert_mouse: bool = False
    full_screen: bool = False
    scaling: str = SCALINGS[0]
    bindings: dict[str, str] = field(default_factory=dict)


_ALLOWED: dict[str, tuple[Any, str]] = {
    "steps": (lambda value: type(value) is int and value in STEPS, f"one of {STEPS}"),
    "mouse_sensitivity": (
        lambda value: type(value) in (int, float) and SENSITIVITIES[0] <= value <= SENSITIVITIES[1],
        f"a number from {SENSITIVITIES[0]} to {SENSITIVITIES[1]}",
    ),
    "invert_mouse": (lambda value: type(value) is bool, "true or false"),
    "full_screen": (lambda value: type(value) is bool, "true or false"),
    "scaling": (lambda value: value in SCALINGS, " or ".join(map(repr, SCALINGS))),
    "bindings": (
        lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value.values()),
        "an object of key names by action",
    ),
}


class SettingsFile:
    """`settings` as read from `path` (default: settings.json in the platform's place for them). `complaints`: lines for the
    player about what could not be understood. What is unknown stays in the file when it is saved. Without `read`: the
    defaults."""

    def __init__(self, path: Path | None = None, read: bool = True) -> None:
        self.path = path or user_config_path("simworld", appauthor=False) / "settings.json"
        self.settings = Settings()
        self.complaints: list[str] = []
        self._unknown: dict[str, Any] = {}
        if not read:
            return
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self.complaints.append(f"{self.path} cannot be read ({error}); the default settings count")
            return
        if not isinstance(found, dict):
            self.complaints.append(f"{self.path} holds no settings; it must be a JSON object; the default settings count")
            return
        for name, value in found.items():
            if name not in _ALLOWED:
                self._unknown[name] = value
            elif not _ALLOWED[name][0](value):
                self.complaints.append(f"{self.path.name}: {name} is {value!r}; it must be {_ALLOWED[name][1]}")
            else:
                setattr(self.settings, name, value)
        if self._unknown:
            known = ", ".join(part.name for part in fields(Settings))
            self.complaints.append(f"{self.path.name}: {', '.join(self._unknown)} is unknown and ignored; known are {known}")

    def save(self) -> None:
        """Write the settings, aside and renamed. OSError where that cannot be done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        aside.write_text(json.dumps({**self._unknown, **asdict(self.settings)}, indent=1) + "\n", encoding="utf-8")
        os.replace(aside, self.path)
