"""Doom as an environment of MineRL's shape: a second real game to record, train on and play, by the same tools.

    env = gymnasium.make("simworld:simworld/Doom-v0", scenario="freedoom2", doom_map="MAP01")

Needs VizDoom (`pip install 'simworld[vizdoom]'`), which brings Freedoom's levels along. The only file that imports it.
"""

import os
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from simworld.actions import CAMERA, KEYS, SLOT, Action, to_vector
from simworld.env.spaces import action_space, observation_space
from simworld.frames import FPS, fit

BUTTONS = {
    "forward": "MOVE_FORWARD",
    "back": "MOVE_BACKWARD",
    "left": "MOVE_LEFT",
    "right": "MOVE_RIGHT",
    "jump": "JUMP",
    "sneak": "CROUCH",
    "sprint": "SPEED",
    "attack": "ATTACK",
    "use": "USE",
    **{f"hotbar.{number}": f"SELECT_WEAPON{number}" for number in range(1, 7)},
}
"""Doom's button for each of our keys; the other keys do nothing."""
TICS = 35
"""Doom's steps a second: each of our 20 frames is one or two of them."""
FIRST_TIC = 14
"""When play begins: by then the weapon is up, and the player's turns count."""
FIELD_OF_VIEW = 73.7
"""Vertical, in degrees, as `simworld train autoencoder model.field_of_view` wants it."""
FIRST_MAPS = {"doom": "E1M1", "freedoom1": "E1M1"}
"""Of scenarios that have no MAP01, which VizDoom would wait for without end."""
SCREEN = "RES_320X180"

Observation = dict[str, Any]


class VizdoomEnv(gymnasium.Env[Observation, Action]):
    """Observation: Dict(pov uint8 (height, width, 3)). Action: MineRL's human action dict.

    scenario: a name of those that VizDoom brings ("freedoom1", "freedoom2", "my_way_home", "deathmatch" …), or the path of a
    .cfg file. doom_map: which level of it. Rewards and endings are the scenario's. `info`: frames uint8 (frame_skip, height,
    width, 3), health and pose float64 [5] (x, y, z, yaw to the right, pitch down; map units and degrees).
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": FPS}  # noqa: RUF012, Gymnasium's own way

    def __init__(
        self,
        scenario: str = "freedoom2",
        doom_map: str | None = None,
        height: int = 96,
        width: int = 160,
        frame_skip: int = 1,
        render_mode: str | None = None,
    ) -> None:
        try:
            import vizdoom
        except ImportError as error:
            raise gymnasium.error.DependencyNotInstalled(
                "Doom needs VizDoom: pip install 'simworld[vizdoom]'"
            ) from error
        if frame_skip < 1:
            raise ValueError(f"frame_skip is {frame_skip}; it must be at least 1")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is {render_mode!r}; it must be None or 'rgb_array'")
        config = Path(scenario) if scenario.endswith(".cfg") else Path(vizdoom.scenarios_path) / f"{scenario}.cfg"
        if not config.is_file():
            known = sorted(path.stem for path in Path(vizdoom.scenarios_path).glob("*.cfg"))
            raise ValueError(f"scenario is {scenario!r}; it must be one of {', '.join(known)}, or the path of a .cfg file")
        self.height, self.width, self.frame_skip, self.render_mode = height, width, frame_skip, render_mode
        self.action_space = action_space()
        self.observation_space = observation_space(height, width)
        self._game = vizdoom.DoomGame()
        self._game.load_config(str(config))
        # Doom would write its settings to where the user is.
        self._game.set_doom_config_path(os.devnull)
        if doom_map is not None or scenario in FIRST_MAPS:
            self._game.set_doom_map(doom_map or FIRST_MAPS[scenario])
        self._game.set_available_buttons([getattr(vizdoom.Button, name) for name in (*BUTTONS.values(), *_TURNS)])
        self._game.set_available_game_variables([getattr(vizdoom.GameVariable, name) for name in _VARIABLES])
        self._game.set_screen_format(vizdoom.ScreenFormat.RGB24)
        self._game.set_screen_resolution(getattr(vizdoom.ScreenResolution, SCREEN))
        self._game.set_window_visible(False)
        self._game.set_sound_enabled(False)
        for name in ("audio", "automap", "labels", "depth"):  # sound without a device is very slow
            getattr(self._game, f"set_{name}_buffer_enabled")(False)
        self._game.set_episode_start_time(FIRST_TIC)
        self._game.set_render_hud(False)
        self._game.set_mode(vizdoom.Mode.PLAYER)
        self._running = False
        self._frame = np.zeros((height, width, 3), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin the level anew. ValueError for options, of which there are none."""
        super().reset(seed=seed)
        if options:
            raise ValueError(f"reset options: unknown {sorted(options)}; Doom takes none")
        self._game.set_seed(int(self.np_random.integers(2**31)))
        if not self._running:
            self._game.init()
            self._running = True
        self._game.new_episode()
        self._due = 0.0
        return self._observe([self._picture()])

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """`frame_skip` frames under `action`. ValueError for a malformed action, before the first reset, or after the end."""
        if not self._running or self._game.is_episode_finished():
            raise ValueError("this play has not begun, or is over; call reset() first")
        vector = to_vector(action)
        frames, reward = [], 0.0
        for _ in range(self.frame_skip):
            if not self._game.is_episode_finished():
                reward += self._advance(vector)
            frames.append(self._picture())
        over = self._game.is_episode_finished()
        truncated = over and self._game.is_episode_timeout_reached() and not self._game.is_player_dead()
        observation, info = self._observe(frames)
        return observation, reward, over and not truncated, truncated, info

    def render(self) -> np.ndarray | None:
        """The last frame, uint8 (height, width, 3), in render mode "rgb_array", else None."""
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """End the game's process."""
        if self._running:
            self._game.close()
            self._running = False

    def _advance(self, vector: np.ndarray) -> float:
        """One frame: one or two tics; returns what they earned. The camera's turn is divided among them."""
        self._due += TICS / FPS
        tics = int(self._due)
        self._due -= tics
        pitch, yaw = vector[CAMERA] / tics
        held = [float(vector[SLOT[key]]) for key in BUTTONS]
        return float(self._game.make_action([*held, float(yaw), -float(pitch)], tics))

    def _picture(self) -> np.ndarray:
        """What is seen; after the end, what was seen last."""
        state = self._game.get_state()
        if state is not None:
            self._frame = fit(np.asarray(state.screen_buffer), self.height, self.width)
            health, x, y, z, angle, pitch = np.asarray(state.game_variables, float).tolist()
            self._info = {"health": health, "pose": np.array([x, y, z, (180 - angle) % 360 - 180, pitch])}
        return self._frame

    def _observe(self, frames: list[np.ndarray]) -> tuple[Observation, dict[str, Any]]:
        return {"pov": self._frame.copy()}, {**self._info, "frames": np.stack(frames)}


_TURNS = ("TURN_LEFT_RIGHT_DELTA", "LOOK_UP_DOWN_DELTA")
_VARIABLES = ("HEALTH", "POSITION_X", "POSITION_Y", "POSITION_Z", "ANGLE", "PITCH")
assert set(BUTTONS) <= set(KEYS)
