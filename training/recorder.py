"""The recorder: a policy plays any Gymnasium env with MineRL's actions, and what happens becomes episodes on disk.

Knows no particular env: `pov` pictures, action dicts, and `info["frames"]`, `info["caption"]`, `info["pose"]` where an
env has them. Episode i is played with seed `seed + i` by a new policy of that seed, so that a recording that was
stopped, even killed, goes on where it was, and ends as if it had not been.

    env = gymnasium.make("simworld:simworld/Voxel-v0")
    record(env, voxel_bot(env), "recordings", num_episodes=20, num_frames=1200)
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from simworld import __version__
from simworld.actions import ACTION_SIZE, CAMERA, SLOT, Action, from_vector, to_vector
from simworld.frames import FPS, check_frames
from simworld.training.episode_files import EpisodeWriter, is_whole

Policy = Callable[[dict[str, Any], dict[str, Any]], Action | np.ndarray]
"""Takes observation and info, gives an action dict or an action vector float32 [25]."""
MIN_PROMPT_FRAMES = FPS
"""A new caption becomes a new prompt at most once a second."""


def record(
    env: gymnasium.Env,
    make_policy: Callable[[int], Policy],
    folder: str | Path,
    *,
    num_episodes: int = 1,
    num_frames: int = 1200,
    seed: int = 0,
    prompt: str | None = None,
    options: Mapping[str, Any] | None = None,
    on_episode: Callable[[Path, int], None] | None = None,
) -> list[Path]:
    """Record `num_episodes` episodes of at most `num_frames` frames (20 a second); returns their paths without ending.

    env: its action space is MineRL's dict, its observation has `pov` uint8 [h, w, 3]. Where a step shows several frames
    (`info["frames"]`, uint8 [frame_skip, h, w, 3]) all are recorded, each with the action that was held. make_policy:
    from the episode's seed to its player. Episodes are named by their seed; those that are in `folder` already are
    skipped. prompt: what the play shows, for an env that gives no `info["caption"]`. options: for every `env.reset`.
    on_episode: called with the path and the number of frames after each episode, 0 frames for a skipped one.

    The last frame of an episode that ends by itself has the no-op action, for nothing more was done. ValueError for
    numbers below 1 or for an env of another shape.
    """
    if num_episodes < 1 or num_frames < 1:
        raise ValueError(f"num_episodes is {num_episodes}, num_frames is {num_frames}; both must be at least 1")
    paths = []
    for episode_seed in range(seed, seed + num_episodes):
        path = Path(folder) / f"episode-{episode_seed:07d}"
        paths.append(path)
        played = 0
        if not is_whole(path):
            policy = make_policy(episode_seed)
            played = _record_episode(env, policy, path, num_frames, episode_seed, prompt, dict(options or {}))
        if on_episode is not None:
            on_episode(path, played)
    return paths


def voxel_bot(env: gymnasium.Env) -> Callable[[int], Policy]:
    """The reference game's own bot as `make_policy`, for an env whose `unwrapped.game` it can look at."""
    game = getattr(env.unwrapped, "game", None)
    if game is None:
        raise ValueError(f"{env} has no game that the bot could see; it plays simworld/Voxel-v0 and its tasks")
    from simworld.env.voxel.bot import Bot

    def make_policy(seed: int) -> Policy:
        bot = Bot(seed)
        return lambda observation, info: bot.act(game)

    return make_policy


def own_policy(env: gymnasium.Env) -> Callable[[int], Policy]:
    """A dream that plays itself, by its own policy head, as `make_policy`. ValueError for an env that does not."""
    world: Any = env.unwrapped
    if not getattr(world, "plays_itself", False):
        raise ValueError(f"{env} does not play itself; dreams with heads do (simworld train heads)")

    def make_policy(seed: int) -> Policy:
        return lambda observation, info: to_vector(world.suggest_action())

    return make_policy


WANDER = {"forward": 0.65, "back": 0.06, "left": 0.1, "right": 0.1, "jump": 0.15, "sprint": 0.25, "attack": 0.2, "use": 0.05}
"""How likely a wanderer holds each key. No others: menus are no play."""
CHANGE, LOOK = 0.05, 0.3
"""How likely it changes its mind in a step, and how fast its gaze follows."""


def random_policy(env: gymnasium.Env) -> Callable[[int], Policy]:
    """A wanderer as `make_policy`, for any env of MineRL's shape: it holds keys for a while and turns smoothly, as people do,
    looking ahead most of the time. What spins at random shows a network nothing that it could learn."""

    def make_policy(seed: int) -> Policy:
        rng = np.random.default_rng(seed)
        keys = np.zeros(ACTION_SIZE, np.float32)
        wanted, speed, pitch = np.zeros(2), np.zeros(2), 0.0

        def act(observation: dict[str, Any], info: dict[str, Any]) -> np.ndarray:
            nonlocal keys, wanted, speed, pitch
            if rng.random() < CHANGE or not keys.any():
                keys = np.zeros(ACTION_SIZE, np.float32)
                for name, chance in WANDER.items():
                    keys[SLOT[name]] = rng.random() < chance
                turns = rng.random() < 0.6
                wanted = np.array([rng.normal(0, 0.8) - 0.05 * pitch, rng.normal(0, 5)]) * turns
            speed += LOOK * (wanted - speed) + rng.normal(0, 0.1, 2)
            action = keys.copy()
            action[CAMERA] = speed
            pitch = float(np.clip(pitch + action[CAMERA][0], -90, 90))
            return action

        return act

    return make_policy


def _record_episode(
    env: gymnasium.Env,
    policy: Policy,
    path: Path,
    num_frames: int,
    seed: int,
    prompt: str | None,
    options: dict[str, Any],
) -> int:
    """Play and write one episode; returns how many frames it has."""
    source = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
    meta = {"source": source, "seed": seed, "fps": FPS, "version": __version__}
    observation, info = env.reset(seed=seed, options=options or None)
    frame = _frames(observation, info)[-1]
    with EpisodeWriter(path, meta) as writer:
        while True:
            _describe(writer, info.get("caption", prompt))
            chosen = policy(observation, info)
            action = to_vector(chosen) if isinstance(chosen, Mapping) else np.asarray(chosen, np.float32)
            num_left = num_frames - writer.num_frames
            if num_left == 1:
                writer.append(frame, action, reward=0.0, pose=info.get("pose"))
                break
            pose = info.get("pose")
            observation, reward, terminated, truncated, info = env.step(from_vector(action))
            shown = _frames(observation, info)
            # The action was held while the frames between were seen, too; what it earned is known when the last is.
            seen = [frame, *shown[:-1]][: num_left - 1]
            for number, picture in enumerate(seen, 1):
                earned = float(reward) if number == len(shown) else 0.0
                writer.append(picture, action, reward=earned, pose=pose if number == 1 else None)
            frame = shown[len(seen) - 1]
            if len(seen) < len(shown):  # full in the middle of a step
                writer.append(frame, action, reward=0.0)
                break
            if terminated or truncated:
                writer.append(frame, np.zeros(ACTION_SIZE, np.float32), reward=0.0, pose=info.get("pose"))
                writer.finish(terminated=terminated, truncated=truncated)
                break
    return writer.num_frames


def _describe(writer: EpisodeWriter, caption: str | None) -> None:
    since = writer.num_frames - writer.prompts[-1].start if writer.prompts else MIN_PROMPT_FRAMES
    if caption and since >= MIN_PROMPT_FRAMES:
        writer.prompt(caption)


def _frames(observation: dict[str, Any], info: dict[str, Any]) -> np.ndarray:
    """The frames that a step or a reset shows, uint8 [frame_skip, h, w, 3]; copies, for envs may reuse their arrays."""
    if "frames" in info:
        return check_frames(info["frames"], 'info["frames"]').copy()
    if not isinstance(observation, Mapping) or "pov" not in observation:
        raise ValueError("the env's observation has no `pov` picture; MineRL's and SimWorld's envs have one")
    return check_frames(np.array(observation["pov"])[None], 'observation["pov"]')
