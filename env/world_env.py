"""`simworld/World-v0`: a trained world as a Gymnasium environment with MineRL's actions.

    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=4)
    observation, info = env.reset(seed=1, options={"prompt": "a snowy forest at night"})
    env.unwrapped.set_prompt("a desert at noon")

The env only translates: networks and sampling are `simworld.model`'s.
"""

import copy
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch

from simworld.actions import Action, from_vector, to_vector
from simworld.env.dream_task import KINDS, DreamTask
from simworld.env.guide import Guide
from simworld.env.onlookers import Onlookers
from simworld.env.packing import pack, unpack
from simworld.env.reset_options import checked_bearing, checked_hour, checked_options, checked_prompt, history
from simworld.env.spaces import action_space, observation_space
from simworld.env.start_pictures import StartPictures
from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.context_parts import put_together, take_apart
from simworld.model.denoiser import STEP_COUNTS
from simworld.model.drafts import Drafts
from simworld.model.finish import Finish
from simworld.model.flops import flops
from simworld.model.leading import is_led
from simworld.model.precision import number_format
from simworld.model.shipped import find_world
from simworld.tasks import TASKS

Observation = dict[str, Any]
START_STEPS = 8
"""Sampling steps of a dreamt first picture: it is made once, and all that follows grows from it."""


@dataclass(frozen=True)
class _Step:
    """A chunk under way: the actions that led to it, the picture before it, its last, filled in when it arrives, and its
    info."""

    actions: torch.Tensor
    before: np.ndarray
    frame: np.ndarray
    info: dict[str, Any]


class WorldEnv(gymnasium.Env[Observation, Action]):
    """Observation: Dict(pov uint8 (h, w, 3)). Action: MineRL's human action dict, held for the r frames of one step.

    world: a shipped world's name or a folder. num_steps: 1, 2, 4 or 8 network evaluations a step, more for better
    pictures. device: "cpu", "cuda" …. renew: whether a dream that has turned to mist or gone astray fades into the start
    picture that is described most like its prompt and looks most like it, and goes on there. from_pictures: whether a reset
    that says nothing of what is seen begins at one of the start pictures that come with the world. `info`: frames uint8
    (r, h, w, 3), the last of them the observation (at reset one frame), prompt, and led: whether they fade into a start
    picture; where the world has a gauge (`model/gauge.py`), expected_psnr: how like the truth the observation is likely to be,
    in dB, and trust: how sure the dream can be of it, from 0 to 1, whatever the scene. task: a name of `simworld.tasks.TASKS`:
    the dream then begins where the task does, is not renewed, and gives rewards and ends as the world's judge tells; without a
    task rewards are 0 and a dream never ends. day: frames of a whole day, 0 for light that stands still, None for days as
    the world has learned them; light passes where the world has a relighter and it is known at which hour a dream began, or
    a sundial reads that off the frames; `info` then has it as time_of_day: a share of a day, from sunrise on, as the game's
    has. dtype: "bfloat16" or "float32", None for the faster one here. ValueError for a world or arguments that cannot be.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012, Gymnasium's own way

    def __init__(
        self,
        world: str = "small",
        num_steps: int = 4,
        device: str = "cpu",
        render_mode: str | None = None,
        renew: bool = True,
        from_pictures: bool = True,
        task: str | None = None,
        dtype: str | None = None,
        day: int | None = None,
    ) -> None:
        if day is not None and day < 0:
            raise ValueError(f"day is {day}; it must be a number of frames, 0 for light that stands still, or None")
        if num_steps not in STEP_COUNTS:
            raise ValueError(f"num_steps is {num_steps}; it must be one of {sorted(STEP_COUNTS)}")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is {render_mode!r}; it must be None or 'rgb_array'")
        if task is not None and task not in TASKS:
            raise ValueError(f"task is {task!r}; in a dream it must be one of {', '.join(TASKS)}, or None")
        folder = find_world(world)
        self.world = load_world(folder, number_format(dtype, device), device)
        own_starts = folder / f"starts-{task}.safetensors"
        starts = own_starts if task and own_starts.exists() else folder / "starts.safetensors"
        config = self.world.config
        pictures = StartPictures(starts, config.height, config.width, config.autoencoder.field_of_view)
        self.guide = Guide(self.world, pictures, day)
        self.onlookers = Onlookers(self.world, folder, judged=task is not None)
        self._task = DreamTask(task) if task else None
        self.num_steps = num_steps
        self.renew = renew and task is None
        self.from_pictures = from_pictures
        self.render_mode = render_mode
        self.action_space = action_space()
        self.observation_space = observation_space(self.world.config.height, self.world.config.width)
        self._context: sampler.Context | None = None
        self._unfinished: Callable[[], None] | None = None
        self._leaves = False
        self._going: deque[_Step] = deque()
        self._drafts = Drafts(Finish.of(self.world))
        self._frame = np.zeros((self.world.config.height, self.world.config.width, 3), np.uint8)

    @property
    def frame_skip(self) -> int:
        """Frames that one step makes: r, the time stride of the autoencoder."""
        return self.world.config.autoencoder.time_stride

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin a dream. options, all of them optional:

        prompt: str, '' for nothing in particular. frames: uint8 (T, h, w, 3) to go on from, one being a starting picture.
        actions: T - 1 action dicts, `actions[t]` leads from `frames[t]` to `frames[t + 1]`; no-ops where not given. Of
        frames that fill no whole latent, and of more than the world remembers, the oldest are left out. around: what
        lies around the last frame, uint8 (p, 2p, 3), an equirectangular panorama with the frame's heading in its middle;
        without frames the first picture is cut from it, and without either it is a start picture that fits the prompt, or
        dreamt where there are none. pitch: how far that frame looks down, in degrees; as players do where not given. bearing:
        of the beacon of task navigate or the right pillar of recall, in degrees to the right of where the last frame looks.
        seen: what the place looks like from elsewhere, a dict of frames uint8 (n, h, w, 3), near (n, h, w), places (n, 3) and
        views (n, 2), counted from the last frame's eye, as `simworld.env.sightings.Sightings` tells. daylight: in what light
        that is seen, five numbers: the hour, as a share of a day from sunrise on; how many degrees to the right of sunrise the
        last frame looks; how much rain, snow and storm there is, from 0 to 1. hour: the one at which the dream begins, whatever
        that at which all this was seen.
        ValueError for unknown options or wrong shapes.
        """
        self._must_have_arrived()
        super().reset(seed=seed)
        options = checked_options(options)
        dream_seed = seed if seed is not None else int(self.np_random.integers(2**31))
        prompt = checked_prompt(options.get("prompt") or "")
        context = sampler.start(self.world, [prompt], [dream_seed])
        if self.from_pictures and not set(options) - {"prompt"}:
            options.update(self.start_options(prompt, dream_seed))
        told, hour = self.guide.told(options), checked_hour(options.get("hour"))
        if self._task is not None:
            self._task.begin(checked_bearing(options.get("bearing")))
        if options.get("frames") is None and told.around is not None:
            options["frames"] = sampler.view(self.world, told.around, told.pitch).cpu().numpy()
        if options.get("frames") is None:
            if options.get("actions"):
                raise ValueError("reset options: actions without the frames that they lead to; give both or neither")
            frames = sampler.extend(self.world, context, None, max(START_STEPS, self.num_steps))[0].cpu().numpy()
        else:
            frames, actions = history(self.world, options["frames"], options.get("actions"))
            given = (torch.from_numpy(part)[None].to(self.world.device) for part in (frames, actions))
            sampler.append_frames(self.world, context, *given)
            self.guide.begin(context, told)
        if hour is not None:
            self.guide.turn_to(context, hour)
        self._frame = frames[-1]
        if hour is not None or told.albums is not None:
            self._frame = sampler.now(self.world, context)[0].cpu().numpy()
        self._context, self._unfinished = context, None
        return self._observation(), self._first_info(context)

    def start_pictures(self) -> np.ndarray:
        """Pictures, uint8 (n, h, w, 3), that come with the world to start from: `reset(options={"frames": pictures[:1]})`.
        They lie in its folder as starts.safetensors; a world may have none."""
        return self.guide.starts.frames

    def start_options(self, prompt: str, seed: int) -> dict[str, Any]:
        """Reset options that begin at the one of them that is described most like `prompt`, with what lies around it; none
        where there are no pictures."""
        return self.guide.start_options(prompt, seed)

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One chunk: r frames under `action`. ValueError for a malformed action, or before the first reset."""
        self.step_async(action)
        return self.step_wait()

    def step_async(self, action: Action) -> None:
        """Dream a chunk under `action`, whose pictures are finished when they are asked for (`step_wait`), or meanwhile
        elsewhere (`finish_aside`). Another may be dreamt before. ValueError as `step`."""
        actions = torch.from_numpy(np.tile(to_vector(action), (1, self.frame_skip, 1)))
        context = self._started()
        if self._task is not None and self._task.over:
            raise ValueError("the task of this dream is over; call reset() first")
        led = is_led(context)
        draft, self._unfinished = sampler.see(self.world, context, actions, self.num_steps)
        self._leaves = self.renew and not led and self.guide.lost(context)[0]
        self._drafts.add(draft)
        before, self._frame = self._frame, self._frame.copy()
        self._going.append(_Step(actions[0], before, self._frame, self._info(context, led)))

    def step_wait(self) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """What `step` returns, of the first chunk under way. ValueError where none is."""
        if not self._going:
            raise ValueError("no chunk is under way; call step_async() first")
        step = self._going.popleft()
        chunk = self._drafts.take()[0].cpu().numpy()
        step.frame[:] = chunk[-1]
        reward, over = 0.0, False
        if self._task is not None:
            verdict = self.onlookers.verdict(self._started(), step.before[None], step.frame[None])
            reward, over = self._task.score(verdict, 0, step.actions)
        return {"pov": step.frame.copy()}, reward, over, False, {"frames": chunk, **step.info}

    def finish_aside(self) -> None:
        """As soon as may be, which takes seconds, let the pictures of chunks under way be finished by a process of its own. It
        has half of the threads that PyTorch has here, and who calls this the others, until the env is closed. Nothing changes
        for a dream that has a task, or is on a device that is no processor, or where there is but one thread. A script that
        calls this does what it does under `if __name__ == "__main__":`, for the new process imports it."""
        if self._task is None and self.world.device.type == "cpu":
            self._drafts.finish_aside()

    @property
    def goes_ahead(self) -> bool:
        """Whether the next chunk can be dreamt while the pictures of the last one are finished."""
        return self._drafts.finished_aside

    def close(self) -> None:
        """End the process that finishes pictures, where there is one."""
        self._drafts.close()

    def finish_step(self) -> None:
        """Remember what the last step showed, and set out for another place where that was mist. Whatever is asked of the dream
        next does so first, if nobody has: a player's loop asks for it while the frames are looked at, which are seen the
        sooner."""
        if self._unfinished is None:
            return
        remember, self._unfinished = self._unfinished, None
        remember()
        if self._leaves:
            self.leave_mist()

    def render(self) -> np.ndarray | None:
        """The last frame, uint8 (h, w, 3), in render mode "rgb_array", else None."""
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def set_prompt(self, text: str) -> None:
        """Dream on under another prompt, from the next step; '' prompts nothing in particular. ValueError when too long.

        Where pictures to start from come with the world and the captions of one say what the prompt means, or some of it, the
        dream fades within a second into the one described most like it, in such a light as there is now where the prompt leaves
        a choice, and looks as it does. Where the light passes and the prompt means nothing but another hour, it becomes that
        hour where the player is."""
        context = self._started()
        sampler.set_prompts(self.world, context, [checked_prompt(text)])
        if self._task is None:
            self.guide.follow(context, text)

    def leave_mist(self) -> None:
        """Let the dream fade, from the next step on, into a place that is described most like its prompt, lies in such a light
        as this one, and looks from some spot most like what is seen now. Nothing happens where there is none."""
        self.guide.leave_mist(self._started())

    def suggest_action(self, warmth: float = 1.0) -> Action:
        """What a player like those that the world was trained on might do now: its own policy head, so that the dream can play
        itself. `warmth` below 1 keeps to what is likelier. Draws from the env's dice, as nothing that is dreamt does: the dream
        goes on alike whether it was asked or not. ValueError for a world without heads (`simworld train heads`), or before
        the first reset."""
        return from_vector(self.onlookers.suggest(self._started(), [self.np_random], warmth)[0])

    @property
    def most_given(self) -> int:
        """Pictures of a place that a dream may be led to."""
        return self.guide.starts.most_seen

    @property
    def plays_itself(self) -> bool:
        """Whether the world has a policy head, so that `suggest_action` has an answer."""
        return self.onlookers.can_play

    def save_state(self) -> dict[str, Any]:
        """All that decides the future, for `load_state`. Cheap: what later steps do not change is shared, not copied. It may
        be pickled, and loaded in another process. Where a chunk is under way, its picture joins the state as it arrives; until
        then it has the one before."""
        state = {"context": self._started().fork(), "frame": self._frame, "dice": copy.deepcopy(self.np_random)}
        return state if self._task is None else {**state, "task": self._task.fork()}

    def load_state(self, state: dict[str, Any]) -> tuple[Observation, dict[str, Any]]:
        """Go on exactly from a `save_state` of an env with the same world; returns what `reset` returns."""
        self._must_have_arrived()
        self._context, self._unfinished = state["context"].fork(), None
        self._frame = state["frame"].copy()
        self.np_random = copy.deepcopy(state["dice"])
        if self._task is not None:
            self._task = state["task"].fork()
        return self._observation(), self._first_info(self._context)

    def pack_state(self, state: dict[str, Any]) -> tuple[Any, dict[str, np.ndarray]]:
        """A `save_state` as JSON values and arrays, for a file; `unpack_state` of an env with the same world takes them."""
        return pack({**state, "context": take_apart(state["context"])}, KINDS)

    def unpack_state(self, values: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The state that was packed, for `load_state`. ValueError where it is not whole, or of another world."""
        state = unpack(values, arrays, KINDS)
        if not isinstance(state, dict) or set(state) - {"task"} != {"context", "frame", "dice"}:
            raise ValueError("the saved state is not that of a dream; it belongs to another kind of world")
        saved, own = (task and task.name for task in (state.get("task"), self._task))
        if own is not None and own != saved:
            raise ValueError(f"the saved state is of a dream with task {saved}; this one's is {own}")
        return {**state, "context": put_together(state["context"], self.world)}

    def flops_per_chunk(self, num_steps: int | None = None) -> int:
        """Floating-point operations of one step (counted, not measured), with the memory filled."""
        return flops(self.world, num_steps or self.num_steps)

    def _started(self) -> sampler.Context:
        if self._context is None:
            raise ValueError("this dream has not begun; call reset() first")
        self.finish_step()
        return self._context

    def _observation(self) -> Observation:
        return {"pov": self._frame.copy()}

    def _must_have_arrived(self) -> None:
        if self._going:
            raise ValueError(f"{len(self._going)} chunks are under way; call step_wait() for each first")

    def _info(self, context: sampler.Context, led: bool = False) -> dict[str, Any]:
        """All of a chunk's info but its frames."""
        told = {**self.onlookers.sureness(context)[0], **self.guide.hours(context)[0]}
        return {"prompt": context.prompts[0], "led": led, **told}

    def _first_info(self, context: sampler.Context) -> dict[str, Any]:
        """The info of a dream that shows but one frame."""
        return {"frames": self._frame[None].copy(), **self._info(context)}
