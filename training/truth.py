"""The truth that dreams are measured against: play of the reference game on evaluation seeds, never trained on.

The bot plays, or a script of moments: so many frames each, under one action, after a few seconds of the bot. Dreams are
shown the first `known` frames and go on from there under the same actions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.frames import FPS
from simworld.training.lane import NUM_TRAINING_SEEDS
from simworld.training.scouting import VOXEL_SCOUT, Scouted, scouted
from simworld.training.stream import VOXEL_BOT, VOXEL_GAME, load

FIRST_SEED = NUM_TRAINING_SEEDS
"""World seeds from here on are for evaluation, by rule (design.md, section 7)."""
WARM_UP = 60
LEAST_BLOCKS, LEAST_DEGREES = 1.0, 20.0
"""Moving play walks so far, or turns so much, in a second."""
LEAST_CONTRAST = 12.0
"""A picture whose brightness spreads less, of 255, shows a wall before the nose, and is passed over by scripts."""
ELSEWHERE = 900_000
"""Seeds from those of clips to those of the other worlds in which the same is done."""
MOST_TRIES = 40
"""So many worlds, at most, are looked at for each clip of a script."""


@dataclass(frozen=True)
class Truth:
    """frames: uint8 [b, t, h, w, 3]. actions: float32 [b, t - 1, 25], leading to each frame but the first. captions: b.
    known: frames that a dream is shown. ends: the last frame of each moment of the script. places: what dreams are told beside
    of where they begin, None where nothing is."""

    frames: np.ndarray
    actions: np.ndarray
    captions: list[str]
    known: int
    ends: dict[str, int]
    places: list[Scouted] | None = None

    def first(self, num_clips: int, num_frames: int | None = None) -> "Truth":
        """Only the first clips, and only their first frames."""
        frames, last = self.frames[:num_clips, :num_frames], None if num_frames is None else num_frames - 1
        places = None if self.places is None else self.places[:num_clips]
        return Truth(frames, self.actions[:num_clips, :last], self.captions[:num_clips], self.known, self.ends, places)


_Clip = tuple[np.ndarray, np.ndarray, str, Scouted | None]


@dataclass(frozen=True)
class Moment:
    """`frames` of a script under one action: camera change [pitch, yaw] in degrees a frame, and keys, which are let go once a
    block is broken or placed. It must `break` or `place` one where `must` says so, else the clip does not count."""

    name: str
    frames: int
    camera: tuple[float, float] = (0.0, 0.0)
    keys: tuple[str, ...] = ()
    must: str = ""

    def action(self, done: bool) -> np.ndarray:
        """The action vector, once what must be done is done, or before."""
        vector = np.zeros(ACTION_SIZE, np.float32)
        vector[CAMERA] = self.camera
        for key in () if done else self.keys:
            vector[SLOT[key]] = 1
        return vector


def play_truth(
    num_clips: int,
    num_frames: int,
    height: int,
    width: int,
    known: int = 1,
    first_seed: int = FIRST_SEED,
    in_places: bool = False,
) -> Truth:
    """`num_clips` clips of moving play by the bot, each in a world of its own, from `first_seed` on; worlds in which it
    hardly moved are passed over. in_places: what they begin in is scouted. ValueError for a seed that is a training seed."""
    clips = []
    for game, bot, seed in _worlds(height, width, first_seed):
        caption = game.caption(np.random.default_rng(seed))
        start = game.pose.copy()
        scout_at = known - 1 if in_places else -1
        frames, actions, poses, place = _film(game, num_frames, lambda: bot.act(game), scout_at)  # noqa: B023, used at once
        walked = np.hypot(*np.diff(np.array([start, *poses])[:, [0, 2]], axis=0).T).sum()
        turned = np.abs(actions[:, CAMERA]).sum()
        seconds = (num_frames - 1) / FPS
        if walked >= LEAST_BLOCKS * seconds or turned >= LEAST_DEGREES * seconds:
            clips.append((frames, actions, caption, place))
        if len(clips) == num_clips:
            break
    return _gathered(clips, known, {})


def play_script(
    moments: Sequence[Moment],
    num_clips: int,
    height: int,
    width: int,
    known: int,
    prepare: Sequence[Moment] = (),
    first_seed: int = FIRST_SEED,
    in_places: bool = False,
) -> Truth:
    """`num_clips` clips, each in a world of its own, in which the player stands still for `known` frames and then does as
    the moments say; before, unseen, as `prepare` says. in_places: what they begin in is scouted. ValueError for a training
    seed, or when the script is impossible in too many worlds."""
    script = [Moment("known", known - 1), *moments]
    clips: list[_Clip] = []
    for tried, (game, _, seed) in enumerate(_worlds(height, width, first_seed)):
        if tried == MOST_TRIES * num_clips:
            raise ValueError(f"in {tried} worlds only {len(clips)} of {num_clips} clips could do: {script}")
        for moment in prepare:
            for _ in range(moment.frames):
                game.step(moment.action(False))
        for _ in range(FPS):  # until all has come to rest
            game.step(np.zeros(ACTION_SIZE, np.float32))
        if game.render().mean(-1).std() < LEAST_CONTRAST:
            continue
        caption = game.caption(np.random.default_rng(seed))
        done: set[str] = set()
        plan = _follow(script, game, done)
        num_frames = 1 + sum(moment.frames for moment in script)
        scout_at = known - 1 if in_places else -1
        frames, actions, _, place = _film(game, num_frames, lambda: next(plan), scout_at)  # noqa: B023, used at once
        if done >= {moment.must for moment in script if moment.must}:
            clips.append((frames, actions, caption, place))
        if len(clips) == num_clips:
            break
    lengths = np.cumsum([moment.frames for moment in script])
    return _gathered(clips, known, {moment.name: int(end) for moment, end in zip(script, lengths, strict=True)})


def elsewhere(truth: Truth, shown: slice) -> np.ndarray:
    """What the game shows who does the same in another world, as blind to it as one who dreams: uint8 [b, n, h, w, 3], of the
    frames after the known ones those that are `shown`."""
    game, clips = load(VOXEL_GAME)(*truth.frames.shape[2:4]), []
    chosen = set(range(truth.frames.shape[1] - truth.known)[shown])
    for number, actions in enumerate(truth.actions):
        game.reset(FIRST_SEED + ELSEWHERE + number)
        frames = []
        for place, action in enumerate(actions[truth.known - 1 :]):
            game.step(action)
            if place in chosen:
                frames.append(game.render())
        clips.append(np.stack(frames))
    return np.stack(clips)


def _worlds(height: int, width: int, first_seed: int) -> Iterator[tuple[Any, Any, int]]:
    """Game and bot in one world after another, the bot in mid-stride."""
    if first_seed < FIRST_SEED:
        raise ValueError(f"seed {first_seed} is a training seed; evaluation seeds are {FIRST_SEED} and up")
    game, make_bot = load(VOXEL_GAME)(height, width), load(VOXEL_BOT)
    seed = first_seed
    while True:
        game.reset(seed)
        bot = make_bot(seed)
        for _ in range(WARM_UP):
            game.step(bot.act(game))
        yield game, bot, seed
        seed += 1


def _follow(script: Sequence[Moment], game: Any, done: set[str]) -> Iterator[np.ndarray]:
    """The script's actions; notes in `done` what was broken or placed when it had to be."""
    for moment in script:
        for _ in range(moment.frames):
            yield moment.action(moment.must in done)
            if (moment.must == "break" and game.broken) or (moment.must == "place" and game.placed):
                done.add(moment.must)


def _film(
    game: Any, num_frames: int, act: Callable[[], np.ndarray], scout_at: int
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], Scouted | None]:
    """Frames, the actions between them, the poses after each, and what is scouted at a frame of such a number: up to there
    frames are without outlines, as those are that come with a world."""
    frames = np.empty((num_frames, game.height, game.width, 3), np.uint8)
    actions = np.empty((num_frames - 1, ACTION_SIZE), np.float32)
    poses, place = [], None
    for t in range(num_frames):
        frames[t] = load(VOXEL_SCOUT + "bare")(game) if t <= scout_at else game.render()
        if t == scout_at:
            place = scouted(game)
        if t < num_frames - 1:
            actions[t] = act()
            game.step(actions[t])
            poses.append(game.pose.copy())
    return frames, actions, poses, place


def _gathered(clips: list[_Clip], known: int, ends: dict[str, int]) -> Truth:
    frames, actions, captions, places = zip(*clips, strict=True)
    told = [place for place in places if place is not None]
    return Truth(np.stack(frames), np.stack(actions), list(captions), known, ends, told or None)
