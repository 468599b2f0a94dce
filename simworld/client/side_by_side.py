"""Truth beside dream, as one env: the block game left, a dream right, both under the same actions from the same sight on.

The dream is told what the game shows while both look around once, all the way; from then on it is left to itself. Knows the
two by their public interface only.
"""

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from simworld.actions import Action, noop

LOOK_CHUNKS = 15
"""In so many chunks both look around; no dream remembers many more in pictures."""
_HALVES = ("game", "dream")


class SideBySide(gymnasium.Env[dict[str, Any], Action]):
    """Pictures are twice as wide: the game's, then the dream's. Both make equally many of the same size in a step. `info`: the
    game's, with the joined frames, `psnr`, in dB, of the dream's last picture against the game's, and how sure
    the dream is of it."""

    def __init__(self, game: gymnasium.Env, dream: gymnasium.Env) -> None:
        self.game, self.dream = game, dream
        self._game, self._dream = (_public(env) for env in (game, dream))
        self.frame_skip = int(self._dream.frame_skip)
        pov = game.observation_space["pov"]  # type: ignore[index]
        height, width, _ = pov.shape
        self.action_space = game.action_space
        picture = gymnasium.spaces.Box(0, 255, (height, 2 * width, 3), np.uint8)
        self.observation_space = gymnasium.spaces.Dict({"pov": picture})

    @property
    def num_steps(self) -> int:
        """The dream's sampling steps."""
        return int(self._dream.num_steps)

    @num_steps.setter
    def num_steps(self, steps: int) -> None:
        self._dream.num_steps = steps

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin where the game of `seed` does. options: none are taken."""
        observation, info = self.game.reset(seed=seed)
        frames, actions = [observation["pov"]], []
        turn = {**noop(), "camera": np.array([0, 360 / (LOOK_CHUNKS * self.frame_skip)], np.float32)}
        for _ in range(LOOK_CHUNKS):
            *_, info = self.game.step(turn)
            frames += list(info["frames"])
            actions += [turn] * self.frame_skip
        seen = {"frames": np.stack(frames), "actions": actions, "prompt": info.get("caption", "")}
        _, dreamt = self.dream.reset(seed=seed, options=seen)
        return self._joined({**info, "frames": info["frames"][-1:]}, dreamt)

    def step(self, action: Action) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Both do `action`; reward and ending are the game's."""
        _, reward, terminated, truncated, info = self.game.step(action)
        *_, dreamt = self.dream.step(action)
        observation, joined = self._joined(info, dreamt)
        return observation, float(reward), terminated, truncated, joined

    def finish_step(self) -> None:
        """The dream's, which its frames need not wait for."""
        self._dream.finish_step()

    def close(self) -> None:
        """Close both."""
        self.game.close()
        self.dream.close()

    def save_state(self) -> dict[str, Any]:
        """Of both."""
        return {"game": self._game.save_state(), "dream": self._dream.save_state()}

    def load_state(self, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Go on exactly from a `save_state`; returns what `reset` returns."""
        (_, info), (_, dreamt) = self._game.load_state(state["game"]), self._dream.load_state(state["dream"])
        return self._joined(info, dreamt)

    def pack_state(self, state: dict[str, Any]) -> tuple[Any, dict[str, np.ndarray]]:
        """A `save_state` as JSON values and arrays."""
        packed = {"game": self._game.pack_state(state["game"]), "dream": self._dream.pack_state(state["dream"])}
        arrays = {f"{half} {name}": array for half in _HALVES for name, array in packed[half][1].items()}
        return {half: packed[half][0] for half in _HALVES}, arrays

    def unpack_state(self, values: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The state that was packed. ValueError where it is not whole, or of other worlds."""
        if not isinstance(values, dict) or set(values) != set(_HALVES):
            raise ValueError("the saved state is not that of a game beside a dream; it belongs to another kind of world")
        parts = {
            half: {name.removeprefix(f"{half} "): array for name, array in arrays.items() if name.startswith(f"{half} ")}
            for half in _HALVES
        }
        return {
            "game": self._game.unpack_state(values["game"], parts["game"]),
            "dream": self._dream.unpack_state(values["dream"], parts["dream"]),
        }

    def _joined(self, info: Mapping[str, Any], dreamt: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        frames = np.concatenate([info["frames"], dreamt["frames"]], 2)
        error = float(np.square(info["frames"][-1].astype(np.float32) - dreamt["frames"][-1]).mean())
        psnr = 99.0 if error == 0 else 10 * math.log10(255**2 / error)
        sure = {name: dreamt[name] for name in ("trust", "expected_psnr") if name in dreamt}
        return {"pov": frames[-1]}, {**info, **sure, "frames": frames, "psnr": psnr}


def _public(env: gymnasium.Env) -> Any:
    return env.unwrapped
