"""Reset options: what a dream may be told as it begins, and whether that can be. One clear error for each that cannot."""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from simworld.actions import to_vector
from simworld.frames import check_frames
from simworld.model.world import World

OPTIONS = ("prompt", "frames", "actions", "around", "pitch", "bearing", "seen", "daylight", "hour")


def checked_options(options: dict[str, Any] | None) -> dict[str, Any]:
    """A copy of the options. ValueError for unknown ones."""
    if unknown := sorted(set(options or {}) - set(OPTIONS)):
        raise ValueError(f"reset options: unknown {unknown}; they may be {', '.join(OPTIONS)}")
    return dict(options or {})


def checked_prompt(text: Any) -> str:
    """A prompt. ValueError for what is no text."""
    if not isinstance(text, str):
        raise ValueError(f"prompt is {text!r}; it must be text")
    return text


def checked_bearing(angle: Any) -> float | None:
    """An angle in degrees, or None. ValueError for another."""
    if angle is None:
        return None
    if not (isinstance(angle, (int, float)) and -180 <= angle <= 180):
        raise ValueError(f"reset option bearing is {angle!r}; it must be an angle from -180 to 180 degrees")
    return float(angle)


def checked_hour(hour: Any) -> float | None:
    """A share of a day, or None. ValueError for another."""
    if hour is None:
        return None
    if not (isinstance(hour, (int, float)) and 0 <= hour < 1):
        raise ValueError(f"reset option hour is {hour!r}; it must be a share of a day from sunrise on, from 0 up to 1")
    return float(hour)


def history(world: World, frames: Any, actions: Any) -> tuple[UInt8[np.ndarray, "t h w 3"], Float[np.ndarray, "t_1 a"]]:
    """The last of the frames, as many as fill whole latents and a world remembers, and the actions that lead to each but the
    first, no-ops where not given. ValueError for other sizes and numbers."""
    frames = check_frames(frames, "reset option frames")
    size = (world.config.height, world.config.width)
    if frames.shape[1:3] != size:
        raise ValueError(
            f"reset option frames: {frames.shape[1]}×{frames.shape[2]} pixels; this world is {size[0]}×{size[1]} "
            "(simworld.frames.fit crops and scales)"
        )
    vectors = np.zeros((len(frames) - 1, world.config.denoiser.action_size), np.float32)
    if actions is not None:
        if len(actions) != len(vectors):
            raise ValueError(f"reset option actions: {len(actions)} for {len(frames)} frames; there must be one fewer")
        for row, action in enumerate(actions):
            vectors[row] = to_vector(action)
    r = world.config.autoencoder.time_stride
    kept = min((len(frames) - 1) // r, world.config.denoiser.window - 1) * r
    return frames[len(frames) - 1 - kept :], vectors[len(vectors) - kept :]
