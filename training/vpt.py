"""Action logs in the layout of VPT's contractor data: one JSON object a line, one line a frame, read and written here.

Logs that SimWorld writes hold VPT's fields and, besides, `camera` = [pitch, yaw] in exact degrees (and `reward` where
known), so that actions come back bit for bit; VPT's readers ignore both. Logs without `camera` are read as VPT
published them, with the quirks of that recorder (https://github.com/openai/Video-Pre-Training, `data_loader.py`):

- `mouse`, `keyboard` or any of their fields may be null or missing: nothing was pressed or moved.
- attack is stuck from the first frame if line 1 has `newButtons == [0]`, until 0 is among `newButtons` again.
- the wheel is not recorded: a hotbar key is pressed where `hotbar` differs from the line before.
- while a GUI is open the mouse moves a cursor that is not in the picture: such frames are kept, their camera is 0.
- a jump of more than 180 degrees in one frame is the cursor being put back to the middle: its camera is 0.

Knows no video (see `episode_files.py`).
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simworld.actions import ACTION_SIZE, ACTIONS, CAMERA, KEYS, SLOT
from simworld.frames import FPS

DEGREES_PER_UNIT = 360 / 2400
"""Camera change for one unit of mouse movement."""
_HOTBAR = slice(SLOT["hotbar.1"], SLOT["hotbar.1"] + 9)
_MOUSE = "mouse."
_KEYBOARD_SLOT = {key.vpt: SLOT[key.name] for key in ACTIONS if not key.vpt.startswith(_MOUSE)}
_BUTTON_SLOT = {int(key.vpt.removeprefix(_MOUSE)): SLOT[key.name] for key in ACTIONS if key.vpt.startswith(_MOUSE)}
_ATTACK = next(button for button, slot in _BUTTON_SLOT.items() if slot == SLOT["attack"])


@dataclass(frozen=True)
class Log:
    """actions: float32 [T, 25]. rewards: float32 [T], or None where not recorded. exact: written by SimWorld."""

    actions: np.ndarray
    rewards: np.ndarray | None
    exact: bool


def read_log(path: Path) -> Log:
    """Read a .jsonl log. ValueError names the file, the line and the field that is wrong, and what would be right."""
    actions, rewards = [], []
    exact = stuck = False
    hotbar: int | None = None
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        if number == 1:
            exact = "camera" in line
        mouse, keyboard = _part(line, "mouse", where), _part(line, "keyboard", where)
        buttons, new_buttons = _list(mouse, "buttons", where), _list(mouse, "newButtons", where)
        action = np.zeros(ACTION_SIZE, np.float32)
        for key in _list(keyboard, "keys", where):
            if key in _KEYBOARD_SLOT:
                action[_KEYBOARD_SLOT[key]] = 1
        for button in buttons:
            if button in _BUTTON_SLOT:
                action[_BUTTON_SLOT[button]] = 1
        if exact:
            action[CAMERA] = _camera(line, where)
            if "reward" in line:
                rewards.append(_number(line, "reward", where))
        else:
            stuck = new_buttons == [_ATTACK] if number == 1 else stuck and _ATTACK not in new_buttons
            if stuck:
                action[SLOT["attack"]] = 0
            if not line.get("isGuiOpen"):
                turn = np.array([_number(mouse, "dy", where), _number(mouse, "dx", where)]) * DEGREES_PER_UNIT
                action[CAMERA] = np.where(np.abs(turn) <= 180, turn, 0)
            if line.get("hotbar") is not None:
                previous, hotbar = hotbar, int(_number(line, "hotbar", where))
                if not 0 <= hotbar < 9:
                    raise ValueError(f"{where}: hotbar is {hotbar}; it must lie in 0..8")
                if previous not in (None, hotbar):
                    action[_HOTBAR.start + hotbar] = 1
        actions.append(action)
    if not actions:
        raise ValueError(f"{path}: holds no lines; it must hold one JSON object a line, one line a frame")
    if rewards and len(rewards) != len(actions):
        raise ValueError(f"{path}: {len(rewards)} of {len(actions)} lines have a reward; all or none must")
    return Log(np.stack(actions), np.array(rewards, np.float32) if rewards else None, exact)


def is_exact(path: Path) -> bool:
    """Whether SimWorld wrote this log: judged by its first line."""
    return any("camera" in line for _, line in _lines(path, 1))


class LogLines:
    """Turns actions into the lines of a log, in order; holds what VPT's fields need of the lines before."""

    def __init__(self) -> None:
        self._tick = 0
        self._hotbar = 0
        self._held: set[Any] = set()

    def line(self, action: np.ndarray, reward: float | None = None, pose: np.ndarray | None = None) -> str:
        """One line, newline included, for float32 [25]. pose: (x, y, z, yaw, pitch) at this frame, in VPT's fields.

        ValueError if a key is neither 0 nor 1 or a number is not finite.
        """
        keys = action[: len(KEYS)]
        if not np.isin(keys, (0, 1)).all() or not np.isfinite(action).all():
            raise ValueError(f"action {self._tick} is {action.tolist()}; keys must be 0 or 1, the camera finite degrees")
        pitch, yaw = (float(turn) for turn in action[CAMERA])
        buttons = [button for button, slot in _BUTTON_SLOT.items() if keys[slot]]
        pressed = [code for code, slot in _KEYBOARD_SLOT.items() if keys[slot]]
        # No button is new on the first line: VPT's readers would take an attack there for a stuck one and drop it.
        new_buttons = [button for button in buttons if button not in self._held] if self._tick else []
        new_keys = [code for code in pressed if code not in self._held]
        if keys[_HOTBAR].any():
            self._hotbar = int(keys[_HOTBAR].argmax())
        line: dict[str, Any] = {
            "mouse": {
                "dx": yaw / DEGREES_PER_UNIT,
                "dy": pitch / DEGREES_PER_UNIT,
                "dwheel": 0.0,
                "buttons": buttons,
                "newButtons": new_buttons,
            },
            "keyboard": {"keys": pressed, "newKeys": new_keys, "chars": ""},
            "hotbar": self._hotbar,
            "tick": self._tick,
            "milli": self._tick * 1000 // FPS,
            "isGuiOpen": False,
            "isGuiInventory": False,
            "camera": [pitch, yaw],
        }
        if pose is not None:
            line.update(zip(("xpos", "ypos", "zpos", "yaw", "pitch"), map(float, pose), strict=True))
        if reward is not None:
            line["reward"] = float(np.float32(reward))
        text = json.dumps(line, allow_nan=False) + "\n"
        self._tick += 1
        self._held = {*buttons, *pressed}
        return text


def read_index(path: Path) -> list[Path]:
    """The .mp4 paths of a VPT index file, `{"basedir": …, "relpaths": […]}`, in its order, whether they exist or not.

    A `basedir` that is no local folder (OpenAI's is a web address) means the folder of the index file itself.
    ValueError for another content.
    """
    try:
        index = json.loads(path.read_text())
        basedir, relpaths = str(index["basedir"]), [str(relpath) for relpath in index["relpaths"]]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f'{path}: no index file ({error}); it must hold {{"basedir": …, "relpaths": […]}}') from None
    base = path.parent / basedir
    if not base.is_dir():
        base = path.parent
    return [base / relpath for relpath in relpaths]


def _lines(path: Path, count: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The log's lines, from 1, as JSON objects; empty lines at the end are none."""
    with path.open(encoding="utf-8") as file:
        empty = 0
        for number, text in enumerate(file, 1):
            if not text.strip():
                empty = empty or number
                continue
            try:
                line = json.loads(text)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: not JSON ({error}); each line must be a JSON object") from None
            if not isinstance(line, dict) or empty:
                wrong = empty or number
                raise ValueError(f"{path}, line {wrong}: no JSON object; each line must be one, one line a frame")
            yield number, line
            if number == count:
                return


def _part(line: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    part = line.get(name) or {}
    if not isinstance(part, dict):
        raise ValueError(f"{where}: {name} is {part!r}; it must be an object or null")
    return part


def _list(part: dict[str, Any], name: str, where: str) -> list[Any]:
    values = part.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str | int) for value in values):
        raise ValueError(f"{where}: {name} is {values!r}; it must be a list of key names or button numbers")
    return values


def _number(part: dict[str, Any], name: str, where: str) -> float:
    value = part.get(name) or 0.0
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where}: {name} is {value!r}; it must be a finite number")
    return float(value)


def _camera(line: dict[str, Any], where: str) -> list[float]:
    camera = line.get("camera")
    numbers = isinstance(camera, list) and all(isinstance(turn, int | float) and math.isfinite(turn) for turn in camera)
    if not isinstance(camera, list) or not numbers or len(camera) != 2:
        raise ValueError(f"{where}: camera is {camera!r}; it must be [pitch, yaw] in degrees, as on line 1")
    return camera
