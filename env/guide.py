"""Guide: where dreams begin and whereto they are led, of the places that come with their world, and at which hour.

Knows a world and its start pictures, no spaces, tasks or rewards. Dreams are led one at a time, in their own contexts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from simworld.env.sightings import FIELDS, LOOKS, Sightings, checked, looks
from simworld.env.start_pictures import Start, StartPictures, detail, light_of
from simworld.env.thesaurus import meanings, of_hour
from simworld.frames import check_frames
from simworld.model import sampler
from simworld.model.album import Album, given_album
from simworld.model.daylight import Daylight, hastened, lit, paced, turned_to
from simworld.model.leading import lead
from simworld.model.masonry import lattice_of
from simworld.model.pixels import to_uint8
from simworld.model.promise import Promise
from simworld.model.world import World

FAR, LONG = 4.0, 5
"""Who has walked so many blocks and for so many chunks seen little that is real has gone astray."""
FADE_CHUNKS = 8
"""How slowly a dream fades into a picture that it is led to."""
WAIT_CHUNKS, GROW_CHUNKS = 4, 12
"""How long it goes on as it was before, in which a sketch of the other place is got ready, and how long that does there."""
SKETCHED = 40
"""Pictures of a sketch."""
LEAST_DETAIL, A_LITTLE = 0.025, 0.15
"""A picture of less `detail` is mist, where no more than a little of it is real. Of the game's pictures, 98 in 100 have more; a
dream that has lost its way ends at 0.005 to 0.02."""


@dataclass(frozen=True)
class Told:
    """What a dream is told of where it is, as the sampler takes it; None where it is not told."""

    around: UInt8[Tensor, "1 p two_p 3"] | None
    pitch: Float[Tensor, "1"] | None
    albums: list[Album] | None
    daylight: Daylight | None


class Guide:
    """Of a world. day: frames of a whole day, 0 for light that stands still, None for days as the world has learned them."""

    def __init__(self, world: World, starts: StartPictures, day: int | None) -> None:
        self.world = world
        self.starts = starts
        self.day = day

    def told(self, options: dict[str, Any]) -> Told:
        """The reset options around, pitch, seen and daylight, as `WorldEnv.reset` has them. ValueError where one is wrong."""
        around, pitch = self._around(options.get("around")), self._pitch(options.get("pitch"))
        seen, size = options.get("seen"), (self.world.config.height, self.world.config.width)
        daylight = self._daylight(options.get("daylight"))
        albums = None if seen is None else [self._album(checked(seen, size), around, daylight)]
        return Told(around, pitch, albums, daylight)

    def begin(self, context: sampler.Context, told: Told) -> None:
        """Tell a dream that has begun where it is; at the hour that its prompt asks for it is soon where that is told, while
        pictures alone are at the hour that they show."""
        if self.day is not None:
            context.daylight = paced(context.daylight, self.day)
        if all(part is None for part in vars(told).values()):
            return
        daylight, hour = told.daylight, self.asked(context.prompts[0])
        if daylight is not None and hour is not None:
            daylight = hastened(daylight, hour)
        sampler.surround(self.world, context, told.around, told.pitch, told.albums, daylight)

    def turn_to(self, context: sampler.Context, hour: float) -> None:
        """Let it be such an hour where a dream is, at once. ValueError where light cannot pass."""
        if self._hour(context) is None:
            raise ValueError(
                "reset option hour: nobody knows in what light this is seen; tell daylight, too, of a world with a relighter"
            )
        context.daylight = turned_to(context.daylight, hour)

    def start_options(self, prompt: str, seed: int) -> dict[str, Any]:
        """Reset options that begin where it is described most like a prompt, at the hour that it asks for; none where there
        are no places."""
        hour = self.asked(prompt)
        start = self.starts.nearest(prompt, seed, hour=hour)
        if start is None:
            return {}
        return start.options() if hour is None else {**start.options(), "hour": hour}

    def follow(self, context: sampler.Context, text: str) -> None:
        """Let a dream become what a prompt means, where any place that comes with the world is described so.
        Where it means nothing but an hour that can come, it becomes that hour; else the dream is led to the place that is
        described most like it, in such a light as there is now where the prompt leaves a choice."""
        if not self.starts.knows(text):
            return
        hour, now = self.asked(text), self._hour(context)
        if hour is not None and now is not None and all(of_hour(meaning) for meaning in meanings(text)):
            context.daylight = hastened(context.daylight, hour)
            context.goal.daylight = hastened(context.goal.daylight, hour)  # who is on the way arrives at that hour
            return
        shown_at = now if hour is None else hour
        self._lead(context, self.starts.nearest(text, sampler.lot(context), None, self._light(context), shown_at), hour)

    def leave_mist(self, context: sampler.Context) -> None:
        """Lead a dream to a place that is described most like its prompt, lies in such a light, and looks from some spot most
        like what is dreamt. Nothing happens where there is none."""
        if not len(self.starts.frames):
            return
        lot, dreamt = sampler.lot(context), self._dreamt(context)[0]
        self._lead(context, self.starts.nearest(context.prompts[0], lot, dreamt, self._light(context), self._hour(context)))

    def lost(self, context: sampler.Context) -> list[bool]:
        """Which of b dreams dream of next to nothing, or have walked away from all that they were shown and see little of it
        for a while."""
        away = context.around.place.norm(dim=1) > FAR
        astray = (away & (context.scenery.lost > LONG)).tolist()
        sees = context.scenery.sees.tolist()
        frames = self._dreamt(context)
        mist = [share < A_LITTLE and detail(frame) < LEAST_DETAIL for share, frame in zip(sees, frames, strict=True)]
        return [one or other for one, other in zip(astray, mist, strict=True)]

    def hours(self, context: sampler.Context) -> list[dict[str, float]]:
        """The `info` of b dreams about the hour: none where nobody knows it."""
        if self.world.relighter is None:
            return [{} for _ in context.prompts]
        return [{"time_of_day": hour} if hour >= 0 else {} for hour in context.daylight.hour.tolist()]

    def asked(self, prompt: str) -> float | None:
        """The hour that a prompt asks for, where light can pass."""
        return None if self.world.relighter is None else self.starts.hour(prompt)

    def _dreamt(self, context: sampler.Context) -> np.ndarray:
        """The frames that b dreams go on from, uint8 (b, h, w, 3)."""
        return to_uint8(sampler.present(self.world, context)).cpu().numpy()

    def _light(self, context: sampler.Context) -> np.ndarray:
        """The light that the place lies in, (3,), or what is dreamt where no more is known of it."""
        given = context.albums[0].given
        high_up = self._dreamt(context)[:1, :LOOKS] if given is None else given.pictures[:, :LOOKS].cpu().numpy()
        return light_of(looks(high_up))

    def _hour(self, context: sampler.Context) -> float | None:
        """The hour at which the place is shown, where light can pass and that is known."""
        return self.hours(context)[0].get("time_of_day")

    def _lead(self, context: sampler.Context, start: Start | None, hour: float | None = None) -> None:
        """Let a dream fade into a start, and there it shall be such an hour."""
        if start is None:
            return
        around, pitch, daylight = self._around(start.around), self._pitch(start.pitch), self._daylight(start.daylight)
        spots = None if start.spot is None else torch.from_numpy(start.spot)[None].to(self.world.device)
        frame = torch.from_numpy(start.frame)[None]
        if start.unpack is None:
            lead(self.world, context, frame, FADE_CHUNKS, around, pitch, None, spots, daylight)
        else:
            place = Promise(start.unpack)
            spot = None if start.spot is None else start.spot[:3]
            sketch = Promise(lambda: self._album(place.kept().told(SKETCHED, spot), around, daylight))
            album = Promise(lambda: self._album(place.kept().told(), around, daylight))
            chunks = WAIT_CHUNKS, [album], GROW_CHUNKS
            lead(self.world, context, frame, FADE_CHUNKS, around, pitch, [sketch], spots, daylight, *chunks)
        if hour is not None and daylight is not None:
            context.goal.daylight = turned_to(context.goal.daylight, hour)

    def _pitch(self, pitch: Any) -> Float[Tensor, "1"] | None:
        if pitch is None:
            return None
        if not (isinstance(pitch, (int, float)) and -90 <= pitch <= 90):
            raise ValueError(f"reset option pitch is {pitch!r}; it must be an angle from -90 (up) to 90 degrees (down)")
        return torch.tensor([float(pitch)], device=self.world.device)

    def _around(self, around: Any) -> UInt8[Tensor, "1 p two_p 3"] | None:
        if around is None:
            return None
        panorama = check_frames(np.asarray(around)[None], "reset option around")
        if panorama.shape[2] != 2 * panorama.shape[1]:
            raise ValueError(
                f"reset option around: {panorama.shape[1]}×{panorama.shape[2]} pixels; a panorama of all directions is twice "
                "as wide as high"
            )
        return torch.from_numpy(np.array(panorama)).to(self.world.device)

    def _daylight(self, conditions: Any) -> Daylight | None:
        if conditions is None:
            return None
        numbers = np.asarray(conditions, np.float32)
        if numbers.shape != (5,) or not np.isfinite(numbers).all() or not (0 <= numbers[0] < 1 and (numbers[2:] >= 0).all()):
            raise ValueError(
                f"reset option daylight is {conditions!r}; it must be five numbers: the hour from 0 up to 1, degrees to the "
                "right of sunrise, and how much rain, snow and storm there is"
            )
        return lit(torch.from_numpy(numbers)[None].to(self.world.device), self.world.day if self.day is None else self.day)

    def _album(self, seen: Sightings, around: UInt8[Tensor, "1 p two_p 3"] | None, daylight: Daylight | None) -> Album:
        """The album of a dream that begins where so much has been seen. ValueError for more than it has room for."""
        frames, near, places, views = (torch.from_numpy(np.array(getattr(seen, name))).to(self.world.device) for name in FIELDS)
        field_of_view = self.world.config.autoencoder.field_of_view
        known = seen.lattice.to(self.world.device) if seen.lattice is not None else None
        lattice = known or lattice_of(near, places, views, field_of_view)
        panorama = None if around is None else around[0]
        wet = daylight is not None and daylight.is_wet
        return given_album(frames, near, places, views, field_of_view, lattice, panorama, wet)


