"""MineRL's environments as ours: Minecraft itself to record from and to play, whatever the version of its action space.

    env = gymnasium.make("simworld:simworld/MineRL-v0", name="MineRLBasaltFindCave-v0")      # MineRL 1.0
    env = gymnasium.make("simworld:simworld/MineRL-v0", name="MineRLTreechop-v0")            # MineRL 0.4

`MineRLEnv` wraps any env of MineRL's shape and of the old gym API. Needs MineRL, which needs Java 8; the only file that
imports it.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from simworld.actions import KEYS, Action, to_vector
from simworld.env.spaces import action_space, observation_space
from simworld.frames import FPS, check_frames, fit

Observation = dict[str, Any]
MISSING = (
    "MineRL is not installed. It needs Java 8; version 0.4 comes with pip install 'simworld[minerl]', version 1.0 with "
    "pip install git+https://github.com/minerllabs/minerl"
)


class MineRLEnv(gymnasium.Env[Observation, Action]):
    """Observation: Dict(pov uint8 (h, w, 3)); info["minerl"] holds all else that MineRL observes, and what its own info says.
    Action: MineRL 1.0's human action dict.

    old: an env of the old gym API (`reset()`, `step` with four results, `seed`). Keys that it does not have are dropped. Where
    it has 0.4's `place` instead of `use`, `use` places `place`, by default the first block that there is to place; its other
    actions (craft, equip …) stay at their no-op. height, width: of the picture, MineRL's own if None. ValueError for an env
    without a picture or without a camera.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": FPS}  # noqa: RUF012, Gymnasium's own way

    def __init__(
        self,
        old: Any,
        height: int | None = None,
        width: int | None = None,
        place: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is {render_mode!r}; it must be None or 'rgb_array'")
        pictures, actions = _parts(old.observation_space), _parts(old.action_space)
        if "pov" not in pictures or "camera" not in actions:
            raise ValueError(f"{old}: observes {sorted(pictures)} and takes {sorted(actions)}; MineRL's have pov and camera")
        own_height, own_width = pictures["pov"].shape[:2]
        self.height, self.width = height or own_height, width or own_width
        self.old, self.render_mode = old, render_mode
        self.action_space = action_space()
        self.observation_space = observation_space(self.height, self.width)
        self._noop = {name: _nothing(space) for name, space in actions.items()}
        self._place = _placed(actions["place"], place) if "place" in actions else None
        self._frame = np.zeros((self.height, self.width, 3), np.uint8)
        self._playing = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin anew. ValueError for options, of which there are none."""
        super().reset(seed=seed)
        if options:
            raise ValueError(f"reset options: unknown {sorted(options)}; MineRL takes none")
        if seed is not None:
            self.old.seed(seed)
        self._playing = True
        return self._observe(self.old.reset(), {})

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One frame under `action`. ValueError for a malformed action, before the first reset, or after the end."""
        if not self._playing:
            raise ValueError("this play has not begun, or is over; call reset() first")
        observed, reward, done, info = self.old.step(self.old_action(action))
        self._playing = not done
        truncated = bool(done and info.get("TimeLimit.truncated", False))
        observation, info = self._observe(observed, info)
        return observation, float(reward), bool(done) and not truncated, truncated, info

    def old_action(self, action: Action) -> dict[str, Any]:
        """The action as the old env takes it. ValueError for a malformed one."""
        to_vector(action)
        old = dict(self._noop)
        old.update({name: int(action[name]) for name in KEYS if name in old})
        old["camera"] = np.array(action["camera"], np.float32)
        if self._place is not None and action["use"]:
            old["place"] = self._place
        return old

    def render(self) -> np.ndarray | None:
        """The last frame, uint8 (h, w, 3), in render mode "rgb_array", else None."""
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """End Minecraft."""
        self.old.close()

    def _observe(self, observed: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[Observation, dict[str, Any]]:
        pov = check_frames(np.asarray(observed["pov"])[None], "MineRL's pov")
        self._frame = np.array(fit(pov, self.height, self.width)[0])
        rest = {name: value for name, value in observed.items() if name != "pov"}
        return {"pov": self._frame.copy()}, {"minerl": {**rest, **info}}


def make(name: str = "MineRLBasaltFindCave-v0", **arguments: Any) -> MineRLEnv:
    """MineRL's env of that name, wrapped. DependencyNotInstalled without MineRL, ValueError for an unknown name."""
    try:
        import gym
        import minerl  # noqa: F401  its envs are known to gym from here on
    except ImportError as error:
        raise gymnasium.error.DependencyNotInstalled(MISSING) from error
    try:
        old = gym.make(name)
    except gym.error.Error as error:
        raise ValueError(f"MineRL has no env {name!r}: {error}") from error
    return MineRLEnv(old, **arguments)


def _parts(space: Any) -> dict[str, Any]:
    """The parts of a Dict space by name, of the old gym's or of Gymnasium's."""
    return dict(getattr(space, "spaces", {}))


def _nothing(space: Any) -> Any:
    """The member of a space that does nothing: MineRL's spaces know theirs."""
    if hasattr(space, "noop"):
        return space.noop()
    return np.zeros(space.shape, space.dtype) if space.shape else 0


def _placed(space: Any, block: str | None) -> Any:
    """The member of MineRL's `place` that places a block."""
    values = [str(value) for value in getattr(space, "values", [])]
    known = [value for value in values if value != "none"]
    if block is not None and block not in known:
        raise ValueError(f"place is {block!r}; it must be one of {', '.join(known) or 'nothing'}")
    return block or (known[0] if known else 1)
