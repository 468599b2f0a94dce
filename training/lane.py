"""A lane: an endless series of clips, played by a bot in a game; a clip is a pure function of (seed, lane, index).

A walk is one spawn under random conditions, cut into consecutive clips; a world serves several walks, for making it is
dear, and keeps what was dug and built in it. A clip out of order is reached by playing its world from the start without
drawing it, which is quick. Knows no process and no particular game: any `Game` and `Bot` of the shapes below will do.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from simworld.actions import ACTION_SIZE
from simworld.episode import Prompt

CLIPS_PER_WALK = 4
WALKS_PER_WORLD = 8
MAX_WARM_UP = 100
"""A walk begins with up to this many steps that nobody sees: for other places, and for a bot in mid-stride."""
NUM_TRAINING_SEEDS = 1_000_000
"""World seeds from here on are for evaluation, by rule (design.md, section 7)."""

WEATHERS = {"clear": 0.55, "rain": 0.15, "snow": 0.15, "storm": 0.15}
"""How often each weather is asked for."""
DAYLIGHT = 0.5
"""How often the hour is drawn from the day alone, sunrise to sunset, instead of from day and night alike."""
BIOME_CHANCE = 0.6
"""So many spawns are in a biome drawn evenly, lest the rare ones stay rare; the others where the game likes."""
CHANGE_CHANCE = 0.1
"""In so many clips the prompt changes in the middle and the world with it, as when somebody types one while playing."""


class Game(Protocol):
    """What a lane needs of a game. Equal seeds, conditions and actions must give equal play."""

    def reset(self, seed: int) -> Any: ...
    def set_conditions(self, *, biome: str | None, time_of_day: float, weather: str, respawn: bool) -> Any: ...
    def step(self, action: np.ndarray) -> Any: ...
    def render(self) -> np.ndarray: ...
    def caption(self, rng: np.random.Generator) -> str: ...


class Bot(Protocol):
    """What a lane needs of a player: the float32 [25] action for the game as it stands."""

    def act(self, game: Any) -> np.ndarray: ...


class Lane:
    """make_game(height, width) and make_bot(seed) build the game and, for each walk, its player. biomes: names that the
    game's `set_conditions` takes; none where the game is to choose."""

    def __init__(
        self,
        make_game: Callable[[int, int], Game],
        make_bot: Callable[[int], Bot],
        *,
        biomes: Sequence[str],
        height: int,
        width: int,
        clip_frames: int,
        seed: int,
        lane: int,
    ) -> None:
        self.game = make_game(height, width)
        self.make_bot = make_bot
        self.biomes = biomes
        self.clip_frames = clip_frames
        self.seed, self.lane = seed, lane
        self._next = -1

    def play(self, index: int, frames: np.ndarray) -> tuple[np.ndarray, list[Prompt], int]:
        """Play clip `index` into `frames`, uint8 [t, h, w, 3]; return actions float32 [t - 1, 25], prompts, world seed.

        Consecutive indices go on playing; any other index begins its world anew and plays up to the clip unseen.
        """
        if index != self._next:
            self._enter_world(self._world(index))
            for earlier in range(self._first_clip(self._world(index)), index):
                self._play(earlier, None)
        actions, prompts = self._play(index, frames)
        self._next = index + 1
        return actions[:-1], prompts, self._world_seed

    def _play(self, index: int, frames: np.ndarray | None) -> tuple[np.ndarray, list[Prompt]]:
        self._turn_to(index)
        rng = np.random.default_rng([self.seed, self.lane, index, 2])
        change_at = int(rng.integers(1, self.clip_frames)) if rng.random() < CHANGE_CHANCE else self.clip_frames
        # A caption of any moment before the change will do for all of them: a player's prompt is as loose.
        caption_at = int(rng.integers(change_at))
        prompts = []
        actions = np.empty((self.clip_frames, ACTION_SIZE), np.float32)
        for t in range(self.clip_frames):
            if t == change_at:
                elsewhere = bool(rng.integers(2))
                self._set_conditions(rng, respawn=elsewhere)
                if elsewhere:
                    self._bot = self.make_bot(int(rng.integers(2**31)))  # the old one still has plans for the old place
            if t in (caption_at, change_at):
                prompts.append(Prompt(change_at if t == change_at else 0, self._caption(rng)))
            if frames is not None:
                frames[t] = self.game.render()
            actions[t] = self._step()
        return actions, prompts

    def _caption(self, rng: np.random.Generator) -> str:
        caption = self.game.caption(rng)
        if not caption:
            raise ValueError(f"the game gave an empty caption in world {self._world_seed}; every clip needs one")
        return caption

    def _set_conditions(self, rng: np.random.Generator, *, respawn: bool) -> None:
        weather = str(rng.choice(list(WEATHERS), p=list(WEATHERS.values())))
        wanted = respawn and bool(self.biomes) and rng.random() < BIOME_CHANCE
        biome = str(rng.choice(self.biomes)) if wanted else None
        hour = float(rng.random()) * (0.5 if rng.random() < DAYLIGHT else 1.0)
        self.game.set_conditions(biome=biome, time_of_day=hour, weather=weather, respawn=respawn)

    def _world(self, index: int) -> int:
        # Lanes change worlds at different times, lest all workers make worlds at once.
        return (index // CLIPS_PER_WALK + self.lane) // WALKS_PER_WORLD

    def _first_clip(self, world: int) -> int:
        return max(0, world * WALKS_PER_WORLD - self.lane) * CLIPS_PER_WALK

    def _enter_world(self, world: int) -> None:
        self._world_seed = int(np.random.default_rng([self.seed, self.lane, world, 0]).integers(NUM_TRAINING_SEEDS))
        self.game.reset(self._world_seed)
        self._in_world = world

    def _turn_to(self, index: int) -> None:
        """Begin the world and the walk of clip `index` where the clip before it did not lie in them."""
        walk, place = divmod(index, CLIPS_PER_WALK)
        if place > 0:
            return
        if self._world(index) != self._in_world:
            self._enter_world(self._world(index))
        rng = np.random.default_rng([self.seed, self.lane, walk, 1])
        self._set_conditions(rng, respawn=True)
        self._bot = self.make_bot(int(rng.integers(2**31)))
        for _ in range(int(rng.integers(MAX_WARM_UP))):
            self._step()

    def _step(self) -> np.ndarray:
        action = self._bot.act(self.game)
        self.game.step(action)
        return action
