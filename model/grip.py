"""Grip: what the player's hand holds, in what light, and how far it is in a stroke. Its looks are known: with each block of the
hotbar, at each step of a stroke, in full light. Which of them a real picture shows is read from it; from there keys tell.

Looks are red, green, blue and opacity in [0, 1] of the lower right corner of pictures, where the hand is; light multiplies the
colours. Knows no world and no dream.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from simworld.actions import KEYS

HOTBAR = [slot for slot, key in enumerate(KEYS) if key.startswith("hotbar")]
RECOGNISED = 0.04
"""Mean difference, as a share of the colours, up to which a hand is recognised: true ones differ by 0.02 at most, what is no
hand by 0.07 at least."""
WHOLE, BARELY = 0.99, 0.02
"""More opaque than `WHOLE` the hand alone is seen, less than `BARELY` it is not."""
LIGHT_OF_MEAN, LEAST_LIGHT = 1.13, 0.28
"""Light of a hand that was never seen, from the mean of the picture's colours: fitted to the game's, off by a quarter."""


@dataclass
class Grip:
    """Of b players. held: 1 for the block of the hotbar that is in hand, zeros where that is not known. light: the share of
    full light that falls on the hand, red, green and blue; zeros where that is not known. step: of its stroke, 0 at rest."""

    held: Float[Tensor, "b 9"]
    light: Float[Tensor, "b 3"]
    step: Int[Tensor, " b"]

    @property
    def known(self) -> Bool[Tensor, " b"]:
        """Whether it is known what is held."""
        return self.held.any(1)


@dataclass
class Hand:
    """What hands look like: colors in [-1, 1], opacity in [0, 1]."""

    colors: Float[Tensor, "*b 3 rows columns"]
    opacity: Float[Tensor, "*b 1 rows columns"]


def unknown(b: int, device: torch.device) -> Grip:
    """Of b players whose hands nobody has seen."""
    held, light = torch.zeros(b, len(HOTBAR), device=device), torch.zeros(b, 3, device=device)
    return Grip(held, light, torch.zeros(b, dtype=torch.long, device=device))


def read(looks: Float[Tensor, "9 s 4 rows columns"], pictures: Float[Tensor, "b 3 h w"]) -> Grip:
    """What the hands hold that real pictures, in [-1, 1], show, where they are in their stroke, and in what light."""
    colors, opacity = looks.flatten(0, 1).float().flatten(2).split((3, 1), 1)  # m c n
    whole = (opacity > WHOLE).float()
    colors = colors * whole
    seen = corner(pictures.float(), looks).flatten(2) / 2 + 0.5  # b c n
    light = torch.einsum("bcn,mcn->bmc", seen, colors) / colors.square().sum(2).clamp(min=1e-6)
    weight = torch.einsum("bcn,mn->bm", seen, whole[:, 0]).clamp(min=1e-6)
    # Of the few that are nearest one after another, for all at once would be many numbers.
    apart = torch.stack(
        [
            ((seen - colors[m] * light[:, m, :, None]).abs() * whole[m]).sum((1, 2)) / weight[:, m]
            for m in range(len(colors))
        ],
        1,
    )
    least, found = apart.min(1)
    recognised = (least < RECOGNISED) & bool(whole.any())
    kind, step = found // looks.shape[1], found % looks.shape[1]
    chosen = recognised[:, None]
    held = torch.where(chosen, F.one_hot(kind, len(HOTBAR)).float(), 0)
    light = torch.where(chosen, light[torch.arange(len(found)), found], 0)
    return Grip(held, light, torch.where(recognised, step, 0))


def brought(there: Grip, grip: Grip) -> Grip:
    """The grip of who comes to where the hand is as `there`, and holds what was in hand before."""
    return replace(there, held=torch.where((there.known & grip.known)[:, None], grip.held, there.held))


def taken(grip: Grip, actions: Float[Tensor, "b r a"], pictures: Float[Tensor, "b 3 h w"]) -> Grip:
    """The grip after r actions, of which the hotbar's put another block in hand."""
    keys = actions[..., HOTBAR].amax(1)
    pressed = keys.any(1)
    if not bool(pressed.any()):
        return grip
    held = torch.where(pressed[:, None], F.one_hot(keys.argmax(1), len(HOTBAR)).to(grip.held), grip.held)
    guess = LEAST_LIGHT + LIGHT_OF_MEAN * (pictures.float().mean((2, 3)) / 2 + 0.5)
    return replace(grip, held=held, light=torch.where((pressed & ~grip.light.any(1))[:, None], guess, grip.light))


def struck(grip: Grip, strikes: Bool[Tensor, "b r"], num_steps: int) -> tuple[Grip, Int[Tensor, "b r"]]:
    """The grip after r frames in some of which the hand strikes, and the steps of its stroke in them: a stroke ends before the
    next begins."""
    steps, step = [], grip.step
    for strike in strikes.unbind(1):
        step = torch.where(step > 0, (step + 1) % num_steps, 0)
        step = torch.where((step == 0) & strike, 1, step)
        steps.append(step)
    return replace(grip, step=step), torch.stack(steps, 1)


def at_rest(grip: Grip) -> Grip:
    """The grip of hands that do not strike."""
    return replace(grip, step=torch.zeros_like(grip.step))


def hand(looks: Float[Tensor, "9 s 4 rows columns"], grip: Grip, steps: Int[Tensor, "b r"]) -> Hand:
    """What hands look like at steps of their strokes, invisible where it is not known what they hold."""
    found = looks[grip.held.argmax(1)[:, None], steps].float()  # b r 4 rows columns
    colors = (found[:, :, :3] * grip.light[:, None, :, None, None]).clamp(0, 1) * 2 - 1
    return Hand(colors, found[:, :, 3:] * _all(grip.known)[:, None])


def painted(frames: Float[Tensor, "*b 3 h w"], hands: Hand) -> Float[Tensor, "*b 3 h w"]:
    """The frames with hands in their corners."""
    seen = corner(frames, hands.opacity)
    return cornered(frames, hands.opacity, torch.lerp(seen, hands.colors.to(seen), hands.opacity.to(seen)))


def corner(pictures: Shaped[Tensor, "*b c h w"], like: Float[Tensor, "*n rows columns"]) -> Shaped[Tensor, "*b c _ _"]:
    """The corner of pictures in which the hand is, of the size of another."""
    return pictures[..., -like.shape[-2] :, -like.shape[-1] :]


def cornered(
    pictures: Float[Tensor, "*b c h w"], like: Float[Tensor, "*n rows columns"], part: Float[Tensor, "*b c rows columns"]
) -> Float[Tensor, "*b c h w"]:
    """Pictures with another corner."""
    pictures = pictures.clone()
    pictures[..., -like.shape[-2] :, -like.shape[-1] :] = part
    return pictures


def reach(looks: Float[Tensor, "9 s 4 rows columns"]) -> Bool[Tensor, "rows columns"]:
    """Where in the corner hands may be."""
    return looks[:, :, 3].amax((0, 1)) > BARELY


def covered(
    looks: Float[Tensor, "9 s 4 rows columns"], grip: Grip, pixels: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """1 in those pixels that hands cover, else 0."""
    opacity = looks[grip.held.argmax(1), grip.step, 3:]
    (h, w), (rows, columns) = pixels.shape[-2:], opacity.shape[-2:]
    return F.pad(((opacity > BARELY) & _all(grip.known)).to(pixels), (w - columns, 0, h - rows, 0))


def filled(pictures: Float[Tensor, "n 3 h w"], known: Bool[Tensor, "n 1 h w"]) -> Float[Tensor, "n 3 h w"]:
    """Pictures in which what is not known is as what is known about it, the softer the farther that is."""
    if bool(known.all()) or max(pictures.shape[-2:]) == 1:
        return pictures
    share = F.avg_pool2d(known.to(pictures), 2, ceil_mode=True, count_include_pad=False)
    coarse = F.avg_pool2d(pictures * known, 2, ceil_mode=True, count_include_pad=False) / share.clamp(min=1e-3)
    size = (pictures.shape[-2], pictures.shape[-1])
    fine = F.interpolate(filled(coarse, share > 0), size, mode="bilinear", align_corners=False)
    return torch.where(known, pictures, fine)


def _all(chosen: Bool[Tensor, " b"]) -> Bool[Tensor, "b 1 1 1"]:
    return chosen[:, None, None, None]
