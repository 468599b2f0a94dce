"""Daylight: at which hour a place is seen. What dreams remember stays in the light in which it was first seen; what is shown of
it is relit. Free functions over records of its own."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from simworld.model.camera import directed
from simworld.model.relighter import WEATHERS, Relighter, between
from simworld.model.scenery import NOTHING, Shown
from simworld.model.sky import WIND
from simworld.model.stages import stage

LITTLE = 0.02
"""Nothing is seen to fall where it rains or snows less."""
HASTE = 0.02
"""Of a day: so much of what is still to come passes in a frame."""


@dataclass
class Daylight:
    """Of b places. seen: the hour in whose light they were seen, as a share of a day from sunrise on; below 0 where nobody
    knows. hour: the one in whose light they are shown. pace: how much of a day passes in a frame. coming: how much is still to
    pass soon, below 0 backwards. age: frames since they were seen. heading: degrees to the right of sunrise in which a view of
    yaw 0 looks. weather: how much rain, snow and storm there is there."""

    seen: Float[Tensor, " b"]
    hour: Float[Tensor, " b"]
    pace: Float[Tensor, " b"]
    coming: Float[Tensor, " b"]
    age: Float[Tensor, " b"]
    heading: Float[Tensor, " b"]
    weather: Float[Tensor, "b 3"]

    @property
    def falling(self) -> Float[Tensor, "b 2"]:
        """How much rain falls there, and snow; none where nobody knows."""
        rain, snow, storm = torch.where((self.seen >= 0)[:, None], self.weather, 0).unbind(1)
        return torch.stack([rain + storm, snow], 1)

    @property
    def is_wet(self) -> bool:
        """Whether any rain or snow is seen to fall in any of them."""
        return bool((self.falling > LITTLE).any())


def unknown(b: int, device: torch.device) -> Daylight:
    """Of b places of which nobody knows in what light they lie."""
    nothing = torch.zeros(b, device=device)
    return Daylight(nothing - 1, nothing - 1, nothing, nothing, nothing, nothing, torch.zeros(b, WEATHERS, device=device))


def lit(conditions: Float[Tensor, "b 5"], day: int) -> Daylight:
    """Of places that are seen, and shown at first, at such hours and headings, in so much rain, snow and storm. day: frames
    of a whole one, 0 for light that stands still."""
    hour, heading, *_ = conditions.unbind(1)
    nothing = torch.zeros_like(hour)
    return paced(Daylight(hour, hour, nothing, nothing, nothing, heading, conditions[:, 2:]), day)


def passed(daylight: Daylight, frames: int) -> Daylight:
    """The light so many frames later."""
    soon = daylight.coming.clamp(-HASTE * frames, HASTE * frames)
    hour = (daylight.hour + soon + frames * daylight.pace).remainder(1)
    hour = torch.where(daylight.seen < 0, daylight.hour, hour)
    return replace(daylight, hour=hour, coming=daylight.coming - soon, age=daylight.age + frames)


def drifted(daylight: Daylight) -> Float[Tensor, "b 2"]:
    """How far clouds have drifted since places were seen, (right, ahead) in blocks; not at all where nobody knows whereto."""
    heading = torch.deg2rad(daylight.heading)
    away = torch.stack([heading.sin(), -heading.cos()], 1)
    return away * (WIND * torch.where(daylight.seen < 0, 0, daylight.age))[:, None]


def facing(daylight: Daylight, yaw: Float[Tensor, " b"]) -> Daylight:
    """The light, headings counted from those of such views."""
    return replace(daylight, heading=(daylight.heading + yaw).remainder(360))


def paced(daylight: Daylight, day: int) -> Daylight:
    """The light that passes in days of so many frames, 0 for light that stands still."""
    return replace(daylight, pace=torch.full_like(daylight.pace, 1 / day if day else 0.0))


def turned_to(daylight: Daylight, hour: float) -> Daylight:
    """The light of an hour, at once."""
    return replace(daylight, hour=torch.full_like(daylight.hour, hour), coming=torch.zeros_like(daylight.coming))


def hastened(daylight: Daylight, hour: float) -> Daylight:
    """The light that is soon to be that of an hour, on the shortest way."""
    return replace(daylight, coming=between(daylight.hour, hour))


def brought(there: Daylight, here: Daylight) -> Daylight:
    """The light of places to which one comes: it is as late as where one comes from, where both know their hours."""
    both = (there.seen >= 0) & (here.seen >= 0)
    return replace(there, hour=torch.where(both, here.hour, there.hour), coming=torch.where(both, here.coming, there.coming))


@stage("relight")
def relit(
    relighter: Relighter | None,
    field_of_view: float,
    daylight: Daylight,
    frames: Float[Tensor, "b r h w 3"],
    views: Float[Tensor, "b r 2"] | None,
    shown: Shown | None,
) -> Float[Tensor, "b r h w 3"]:
    """Frames that look towards `views`, of which `shown` is known, as they are at this hour; as they are without a relighter,
    or where nobody knows the hour in which they were seen."""
    known = daylight.seen >= 0
    if relighter is None or views is None or not field_of_view or not bool(known.any()):
        return frames
    b, r, h, w, _ = frames.shape
    near = torch.full((b, r, 1, h, w), NOTHING, device=frames.device)
    if shown is not None:
        near = torch.where(shown.known if shown.sure is None else shown.known | shown.sure, shown.near, near)
    yaw = views[..., 1] + daylight.heading[:, None]
    directions = directed(torch.stack([views[..., 0], yaw], -1).flatten(0, 1), (h, w), field_of_view)
    hours = torch.stack([daylight.seen, daylight.hour], 1).repeat_interleave(r, 0)
    pictures = frames.flatten(0, 1).movedim(-1, 1).float()
    lit = relighter(pictures, near.flatten(0, 1), directions, hours, daylight.weather.repeat_interleave(r, 0))
    return torch.where(known[:, None, None, None, None], lit.movedim(1, -1).unflatten(0, (b, r)), frames)
