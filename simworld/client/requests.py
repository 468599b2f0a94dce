"""What is asked of a worker and what it answers: plain records, handed between the client's thread and the world's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simworld.actions import Action
from simworld.client.given_start import GivenStart


@dataclass(frozen=True)
class Reset:
    """Start a world from `seed`, from `prompt` where it takes one, and from a picture of the player's own where given: as
    it was read, or the path of a file to read."""

    seed: int
    prompt: str | None = None
    given: GivenStart | Path | None = None


@dataclass(frozen=True)
class Step:
    """One chunk under `action`; `event_times` are those of the input that the action is the first to contain. steps:
    sampling steps, where the world has any; None leaves them as they are. own: the world's own policy chooses the action."""

    action: Action
    event_times: tuple[float, ...] = ()
    steps: int | None = None
    own: bool = False


@dataclass(frozen=True)
class SetPrompt:
    """Change the text that the world follows."""

    text: str


@dataclass(frozen=True)
class SaveState:
    """Remember this moment of the world, for the disk as well. `why` is handed back."""

    why: str = ""


@dataclass(frozen=True)
class Return:
    """Go to a remembered moment: the `state` that a Saved brought, or a `path` that it was written to."""

    state: Any = None
    path: Path | None = None


@dataclass(frozen=True)
class Rewind:
    """Be again as just after chunk `number`."""

    number: int


@dataclass(frozen=True)
class Preview:
    """Dream what it looks like to begin as `start` does, and look about for `num_chunks`; the world is as before then.
    Given up as soon as anything else is asked."""

    start: Reset
    num_chunks: int


@dataclass(frozen=True)
class Measure:
    """Find out how long a chunk takes with `steps` sampling steps; the world is as before then."""

    steps: int


Request = Reset | Step | SetPrompt | SaveState | Return | Rewind | Preview | Measure


@dataclass(frozen=True)
class Ready:
    """The world is made. `takes_prompts`: whether text changes it. `takes_pictures`: whether it starts from them.
    `takes_steps`: whether its sampling steps can be chosen. `goes_back`: whether its state can be saved. `chunk_frames`:
    pictures of one step, as far as the world says (its `frame_skip`)."""

    takes_prompts: bool
    takes_pictures: bool
    takes_steps: bool
    goes_back: bool
    chunk_frames: int


@dataclass(frozen=True)
class Chunk:
    """What a Reset, Step or Return gave: `frames` uint8 [r, h, w, 3] (a copy), Gymnasium's reward, ending and info
    (without the frames), the `seconds` until they were there, the `period` in which such chunks can follow each other, its
    `number` since the world began, and, of a Step, the `action` done."""

    request: Reset | Step | Return
    frames: np.ndarray
    reward: float
    ended: bool
    info: Mapping[str, Any]
    seconds: float
    period: float = 0.0
    number: int = 0
    action: Action | None = None


@dataclass(frozen=True)
class Dreamt:
    """The world can take the next Step, though the pictures of this one are still to come."""

    request: Step


@dataclass(frozen=True)
class Saved:
    """A moment: the `state`, and its JSON `values` and `arrays` where the world can give them (None and {} where not)."""

    request: SaveState
    state: Any
    values: Any
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Rewound:
    """The world is as after chunk `number`."""

    request: Rewind
    number: int


@dataclass(frozen=True)
class Previewed:
    """frames: uint8 [t, h, w, 3] of a Preview. info: of its first."""

    request: Preview
    frames: np.ndarray
    info: Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """A chunk of `steps` sampling steps takes `seconds`."""

    steps: int
    seconds: float


@dataclass(frozen=True)
class Note:
    """A line for the player: what was done, or why not."""

    text: str


@dataclass(frozen=True)
class Refused:
    """A request that cannot be done, though the world goes on, and why, in a line for the player; '' says nothing."""

    request: Request
    text: str


@dataclass(frozen=True)
class Broken:
    """The world could not be made or stopped working; nothing more will come. `saved`: its last good moment, where known."""

    error: BaseException
    doing: str
    saved: Saved | None = None


Answer = Ready | Dreamt | Chunk | Saved | Rewound | Previewed | Measured | Note | Refused | Broken
