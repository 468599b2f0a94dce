"""Passers-by: what stands about in a picture but not in the place that it shows, as animals do. Nobody can tell where they go,
and as the eye moves on they would fray, for they are not where the place's blocks are. Closed form."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.model.registration import averaged
from simworld.model.scenery import Shown

UNLIKE, WINDOW = 0.25, 5
"""Mean difference, for pictures in [-1, 1] in daylight, over squares of so many pixels, from which on a picture shows something
else than its place."""
DAYLIGHT, LEAST_LIGHT = 0.5, 0.25
"""Mean of a picture's colours, in [0, 1], by day; and how much of it counts at least."""
LEAST_KNOWN = 0.3
"""Of such a square; where less is known of the place nobody can tell."""
EDGE = 2
"""Pixels about them that they have changed as well."""


def left_out(picture: Float[Tensor, "b 3 h w"], shown: Shown, free: Bool[Tensor, "b 1 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Real pictures without who passes by: where they are unlike what pictures of the place show of its blocks there (`shown`,
    of one frame), that is seen instead. `free`: where nothing is fixed to the camera. Clouds pass by as well, and stay."""
    if shown.sure is None:
        return picture
    place, known = shown.colors[:, 0], (shown.known & shown.real & shown.sure)[:, 0] & free
    told = averaged(known.float(), WINDOW)
    apart = averaged((picture - place).abs().mean(1, keepdim=True) * known, WINDOW) / told.clamp(min=LEAST_KNOWN)
    light = (picture.mean((1, 2, 3), keepdim=True) / 2 + 0.5) / DAYLIGHT
    unlike = (apart > UNLIKE * light.clamp(LEAST_LIGHT, 1)).float()
    return torch.where(known & (F.max_pool2d(unlike, 2 * EDGE + 1, 1, EDGE) > 0), place, picture)
