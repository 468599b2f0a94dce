"""The F3 figures: what the play measures of itself and what the world tells of itself. Shows true numbers only."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np
import pygame

from simworld.client import theme
from simworld.client.session import Session
from simworld.client.stats import Stats, percentile
from simworld.frames import FPS

_REFRESH_SECONDS = 0.25
_RECENT_EVENTS = 40
_RECENT_STEPS = 100
_PROMPT_LETTERS = 60
_Line = tuple[str, tuple[int, int, int]]


class Hud:
    """Renewed four times a second, so that the figures can be read."""

    def __init__(self) -> None:
        self.visible = False
        self._pictures: list[pygame.Surface] = []
        self._renewed = float("-inf")

    def draw(self, screen: pygame.Surface, session: Session, info: Mapping[str, Any], name: str, now: float) -> int:
        """Draw into the upper left corner; `info` is that of the picture shown, `name` the world's. Returns the x from which on
        there is room."""
        size = max(12, theme.text_size(screen) * 4 // 5)
        margin = size // 2
        if now - self._renewed >= _REFRESH_SECONDS:
            self._renewed = now
            lines = [*_measured(session.stats, now), *_told(info), *_started(session, info, name)]
            self._pictures = [theme.fresh_text(line, size, colour) for line, colour in lines]
        pictures = self._pictures
        height = theme.line_height(size)
        width = min(max(picture.get_width() for picture in pictures) + 2 * size, screen.get_width() - 2 * margin)
        area = pygame.Rect(margin, margin, width, height * len(pictures) + size)
        theme.lay_panel(screen, area)
        for row, picture in enumerate(pictures):
            screen.blit(
                picture,
                (area.left + size, area.top + size // 2 + row * height),
                picture.get_rect(width=width - 2 * size),
            )
        return area.right + margin


def _measured(stats: Stats, now: float) -> list[_Line]:
    fps = stats.recent_fps(now)
    lines = [
        (f"{fps:.1f} pictures a second", theme.ACCENT if fps > 0.97 * FPS else theme.WARNING),
        (f"{100 * stats.late_share:.1f} % shown late", theme.INK if stats.late_share < 0.05 else theme.WARNING),
    ]
    steps = list(islice(reversed(stats.step_seconds), _RECENT_STEPS))
    if steps:
        lines.append((f"model {_milliseconds(steps)} a chunk of {stats.chunk_frames}", theme.INK))
    events = list(islice(reversed(stats.latencies), _RECENT_EVENTS))
    if events:
        lines.append((f"key to picture {_milliseconds(events)}", theme.INK))
    return lines


def _milliseconds(seconds: list[float]) -> str:
    return f"{1000 * percentile(seconds, 50):.0f} ms (p95 {1000 * percentile(seconds, 95):.0f})"


def _told(info: Mapping[str, Any]) -> list[_Line]:
    """Where the player is and what it is like there, as far as the world says."""
    lines = []
    if "pose" in info:
        x, y, z, yaw, pitch = np.asarray(info["pose"], float)
        lines.append((f"x {x:.1f}  y {y:.1f}  z {z:.1f}  yaw {yaw % 360:.0f}°  pitch {pitch:.0f}°", theme.QUIET))
    if "psnr" in info:
        lines.append((f"dream against game {float(info['psnr']):.1f} dB", theme.INK))
    surroundings = [str(info[key]) for key in ("biome", "weather") if key in info]
    if "time_of_day" in info:
        minutes = round((float(info["time_of_day"]) * 24 + 6) % 24 * 60)  # 0 is sunrise, at six
        surroundings.append(f"{minutes // 60 % 24:02d}:{minutes % 60:02d}")
    if surroundings:
        lines.append((" · ".join(surroundings), theme.QUIET))
    return lines


def _started(session: Session, info: Mapping[str, Any], name: str) -> list[_Line]:
    lines = [(f"{name} · seed {session.seed}", theme.QUIET)]
    if session.reward:
        lines.append((f"reward {session.reward:g}", theme.QUIET))
    prompt = str(info.get("prompt", session.prompt) or "")
    if prompt:
        lines.append((f"“{prompt[:_PROMPT_LETTERS]}{'…' * (len(prompt) > _PROMPT_LETTERS)}”", theme.QUIET))
    return lines
