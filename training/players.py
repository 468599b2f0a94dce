"""Who is measured: dreams, and the players that must rank above and below them."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from einops import rearrange

from simworld.actions import Action, from_vector
from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.gauge import load_gauge
from simworld.model.judge import load_judge
from simworld.model.precision import fastest_dtype
from simworld.model.shipped import find_world
from simworld.training.scouting import tell
from simworld.training.showing import View, show, view
from simworld.training.stream import VOXEL_GAME, load
from simworld.training.truth import FIRST_SEED, Truth
from simworld.training.wishes import Wish, looks

WORLD_ENV = "simworld.env.world_env:WorldEnv"
CONTEXT = 8
"""Latents of truth that a dream starts from."""
MOST_ATTEMPTS, PLACES_A_WORLD, SEEDS_APART = 400, 8, 1_000
"""Plays in the game, at most, until a wish is granted; so many in one world, then in that of a seed so far on."""


class Player(Protocol):
    """size: of its pictures, height × width. stride: frames a chunk. known: frames of truth that it goes on from."""

    size: tuple[int, int]
    stride: int
    known: int

    def roll(self, truth: Truth) -> np.ndarray:
        """The frames that follow the first `known` of `truth` under the rest of its actions: uint8 [b, t, h, w, 3]."""
        ...

    def played(self, truth: Truth) -> np.ndarray:
        """The same, as players see it: who has lost the way is led on."""
        ...

    def prompted(self, truth: Truth, asked: list[Wish]) -> np.ndarray:
        """The same, when in each clip something else is wished for at once, as when a player types a prompt."""
        ...


class Game:
    """The reference game itself: what it shows is the truth. A wish is granted by another play in such a scene."""

    stride, known = 2, 1 + 2 * (CONTEXT - 1)

    def __init__(self, size: tuple[int, int] = (96, 160)) -> None:
        self.size = size

    def roll(self, truth: Truth) -> np.ndarray:
        return truth.frames[:, truth.known :]

    played = roll

    def prompted(self, truth: Truth, asked: list[Wish]) -> np.ndarray:
        game = load(VOXEL_GAME)(*self.size)
        return np.stack([self._granted(game, number, wish, truth) for number, wish in enumerate(asked)])

    def _granted(self, game: Any, number: int, wish: Wish, truth: Truth) -> np.ndarray:
        """The first play that shows what is wished for, by the game's own account, whenever it is looked for: places are
        small, and the conditions alone do not see to it that the player looks at one, or stays there."""
        actions, looked_for = truth.actions[number, truth.known - 1 :], list(looks(truth).values())
        for attempt in range(MOST_ATTEMPTS):
            if attempt % PLACES_A_WORLD == 0:
                game.reset(FIRST_SEED + number + SEEDS_APART * (attempt // PLACES_A_WORLD), **wish.conditions)
            else:
                game.set_conditions(**wish.conditions, respawn=True)
            frames = self._film(game, wish, actions, looked_for)
            if frames is not None:
                return frames
        raise ValueError(f"in {MOST_ATTEMPTS} plays the game never showed {wish.kind} {wish.name!r} for as long as it must")

    def _film(self, game: Any, wish: Wish, actions: np.ndarray, looked_for: list[slice]) -> np.ndarray | None:
        """The frames of a play, given up at the end of the first look that does not show what is wished for."""
        frames = np.empty((len(actions), *self.size, 3), np.uint8)
        views: list[View] = []
        for t, action in enumerate(actions):
            game.step(action)
            look = next((look for look in looked_for if look.start <= t < look.stop), None)
            if look is None:
                frames[t] = game.render()
                continue
            views.append(view(game))
            frames[t] = views[-1].frame
            if t + 1 == look.stop:
                if not show(views, wish.kind, wish.name):
                    return None
                views.clear()
        return frames


class CopyLastFrame:
    """Shows the last known frame for ever."""

    size, stride, known = (96, 160), Game.stride, Game.known

    def roll(self, truth: Truth) -> np.ndarray:
        return np.broadcast_to(truth.frames[:, truth.known - 1 : truth.known], truth.frames[:, truth.known :].shape)

    played = roll

    def prompted(self, truth: Truth, asked: list[Wish]) -> np.ndarray:
        return self.roll(truth)


class Dream:
    """A world, sampled in `num_steps` steps a chunk. gauge: of its trust, judge: of tasks, where it has one."""

    def __init__(self, world: str, num_steps: int = 4, device: str = "cpu") -> None:
        self.world = world
        folder = find_world(world)
        self.net = load_world(folder, fastest_dtype(device), device)
        gauge = folder / "gauge.safetensors"
        self.gauge = load_gauge(gauge, device) if gauge.exists() else None
        judge = folder / "judge.safetensors"
        self.judge = load_judge(judge, device) if judge.exists() else None
        self.num_steps = num_steps
        self.size = (self.net.config.height, self.net.config.width)
        self.stride = self.net.config.autoencoder.time_stride
        self.known = 1 + self.stride * (CONTEXT - 1)

    def roll(self, truth: Truth) -> np.ndarray:
        return np.concatenate(list(self.chunks(truth)), 1)

    def chunks(self, truth: Truth) -> Iterator[np.ndarray]:
        """The same, as it is dreamt: uint8 [b, r, h, w, 3] each."""
        return (frames for frames, _ in self.moments(truth))

    def moments(self, truth: Truth) -> Iterator[tuple[np.ndarray, sampler.Context]]:
        """The same, each chunk with what the dreams remember after it."""
        net, known = self.net, truth.known
        actions = torch.from_numpy(truth.actions).to(net.device)
        context = sampler.start(net, truth.captions, list(range(len(truth.frames))))
        shown = torch.from_numpy(truth.frames[:, :known]).to(net.device)
        sampler.append_frames(net, context, shown, actions[:, : known - 1])
        if truth.places is not None:
            tell(net, context, truth.places)
        for chunk in rearrange(actions[:, known - 1 :], "b (n r) a -> n b r a", r=self.stride):
            yield sampler.extend(net, context, chunk, self.num_steps).cpu().numpy(), context

    def played(self, truth: Truth) -> np.ndarray:
        return self._in_env(truth, [None] * len(truth.frames))

    def prompted(self, truth: Truth, asked: list[Wish]) -> np.ndarray:
        return self._in_env(truth, [wish.prompt for wish in asked])

    def _in_env(self, truth: Truth, prompts: Sequence[str | None]) -> np.ndarray:
        """Played in the environment that the window plays: what comes with the world to start from is led into as there. Some
        prompts are typed at once."""
        env = load(WORLD_ENV)(self.world, self.num_steps, str(self.net.device))
        env.finish_aside()
        known, clips = truth.known, []
        for number, prompt in enumerate(prompts):
            actions = [from_vector(vector) for vector in truth.actions[number]]
            shown = {"frames": truth.frames[number, :known], "actions": actions[: known - 1]}
            env.reset(seed=number, options={"prompt": truth.captions[number], **shown})
            if prompt is not None:
                env.set_prompt(prompt)
            clips.append(np.concatenate(list(_ahead(env, actions[known - 1 :: self.stride]))))
        env.close()
        return np.stack(clips)

    def at(self, num_steps: int) -> "Dream":
        """The same world, sampled in another number of steps."""
        other = copy.copy(self)
        other.num_steps = num_steps
        return other


def _ahead(env: Any, actions: Sequence[Action]) -> Iterator[np.ndarray]:
    """The frames of each chunk of a dream, which dreams the next one meanwhile."""
    for number, action in enumerate(actions):
        env.step_async(action)
        env.finish_step()
        if number:
            yield env.step_wait()[-1]["frames"]
    if actions:
        yield env.step_wait()[-1]["frames"]


def make_player(name: str, num_steps: int = 4, device: str = "cpu") -> Player:
    """The player of that name: "game" and "copy-last-frame", the ceiling and the floor, or a world. ValueError where there is
    none."""
    if name == "game":
        return Game()
    if name == "copy-last-frame":
        return CopyLastFrame()
    return Dream(name, num_steps, device)
