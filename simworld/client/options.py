"""What a play is started with: one record, filled by the command line. Knows no window, no env and no file."""

import math
from dataclasses import dataclass


@dataclass(kw_only=True)
class PlayOptions:
    """world: a dream's name or path, or "voxel", "voxel-treechop", "voxel-navigate", "voxel-explore" for the reference
    game, or a Gymnasium id. prompt: text to start the dream from. image, panorama, video: a file to start it from (at most
    one of them): a picture, one of all that lies around, or a clip to go on from. replay: a recorded episode whose actions
    are played. compare: the block game beside the dream. choose: begin with the start screen. seed: of the start; None
    draws one. steps: sampling steps of the dream (1, 2, 4, 8); None as the settings say. headless: no window, pictures go
    to `out`. bot: a scripted wanderer plays. auto: the world plays itself. frames: stop after so many pictures (headless
    without it: 600). out: mp4 file that receives every picture shown (headless without it: play.mp4). scale: window (or video)
    pixels per picture pixel; None fits. day: minutes of a whole day in the dream, 0 for light that stands
    still; None for days as it has learned them. device: where the dream computes, as torch names it. dtype: in which number
    format; None takes the faster one.
    """

    world: str = "small"
    prompt: str | None = None
    image: str | None = None
    panorama: str | None = None
    video: str | None = None
    replay: str | None = None
    compare: bool = False
    choose: bool = False
    seed: int | None = None
    steps: int | None = None
    headless: bool = False
    bot: bool = False
    auto: bool = False
    frames: int | None = None
    out: str | None = None
    scale: int | None = None
    day: float | None = None
    device: str = "cpu"
    dtype: str | None = None

    def __post_init__(self) -> None:
        for name in ("frames", "scale", "steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"play: {name} is {value}; it must be 1 or more")
        if self.day is not None and not 0 <= self.day < math.inf:
            raise ValueError(f"play: day is {self.day}; it must be 0 minutes or more")
        if self.compare and (self.image or self.panorama or self.video or self.prompt is not None):
            raise ValueError("play: --compare begins where the game begins; it takes no prompt, picture or clip of your own")
        if self.compare and self.world.startswith("voxel"):
            raise ValueError("play: --compare shows a dream beside the game; give a dream as --world")
        if self.auto and (self.bot or self.compare):
            raise ValueError("play: --auto lets the dream play itself; it goes with neither --bot nor --compare")
        if self.seed is not None and self.seed < 0:
            raise ValueError(f"play: seed is {self.seed}; it must be 0 or more")
