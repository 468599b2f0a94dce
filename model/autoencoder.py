"""The video compression network: frames ↔ latents, compressed `space_stride`× in space and `time_stride`× in time.

The encoder is linear: a latent's cell holds the leading principal components of its space-time patch (r frames of s × s
pixels), which were learned from gameplay in closed form. Their transpose decodes them to a soft picture. What a latent is
too small to hold, the decoder takes from the picture before, as video codecs do (motion compensation): turned as the
camera turned and shifted along the flow that registration finds towards the soft picture. A U-Net says how far to trust
it, pixel by pixel, and mends the rest. The U-Net remembers the latents before (taehv's memory blocks); picture and memory
are carried as `DecoderState`, so that pieces decode exactly as the whole. Causal in time; the first latent holds the first
frame alone, so that an image is a clip of one frame and a clip of 1 + r·n frames is 1 + n latents. Any height and width.
Knows no losses, files or diffusion.
"""

import functools
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.camera import sample, turn_grid
from simworld.model.folding import fold, unfold
from simworld.model.motion import CELL, expected_frames, measured_flow
from simworld.model.packed import Packed, packs
from simworld.model.registration import flow_between
from simworld.model.scenery import Shown
from simworld.model.unet import ResidualBlock, UNet


@dataclass
class DecoderState:
    """What the decoder carries on. picture: the latest frame, padded to whole cells, float32. features: for each memory
    block, those of the latest latent. Owned by the caller, returned by `decode`."""

    picture: Float[Tensor, "b 3 h w"]
    features: list[Float[Tensor, "b _ _ _"]]

    def fork(self) -> "DecoderState":
        """A copy that shares nothing."""
        return DecoderState(self.picture.clone(), [part.clone() for part in self.features])


@dataclass(kw_only=True)
class AutoencoderConfig:
    """`channels`: components a cell. `field_of_view`: the camera's, vertical, in degrees; 0 where it is not known or there is
    no camera to turn. The refiner works on `patch` × `patch` pixels folded into channels; `widths` are its channels at each
    resolution, finest first, `blocks` their number there on the way down, and again on the way up."""

    channels: int = 128
    space_stride: int = 32
    time_stride: int = 2
    field_of_view: float = 70.0
    patch: int = 4
    widths: list[int] = field(default_factory=lambda: [64, 128, 256])
    blocks: list[int] = field(default_factory=lambda: [1, 2, 3])

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"autoencoder: widths {self.widths} and blocks {self.blocks} must be equally many")
        if self.space_stride % CELL:
            raise ValueError(f"autoencoder: space_stride is {self.space_stride}; it must be a multiple of flow's cells, {CELL}")
        if self.space_stride % (self.patch * 2 ** (len(self.widths) - 1)):
            raise ValueError(
                f"autoencoder: space_stride {self.space_stride} must be a multiple of the refiner's coarsest cell, "
                f"{self.patch} · 2^{len(self.widths) - 1} pixels"
            )
        for fine, coarse in zip(self.widths, self.widths[1:], strict=False):
            if 4 * fine % coarse or coarse % 4:
                raise ValueError(f"autoencoder: width {coarse} must divide 4 × {fine} and be a multiple of 4")
        if self.channels > self.patch_values:
            raise ValueError(f"autoencoder: {self.channels} channels; a patch has only {self.patch_values} values")

    @property
    def patch_values(self) -> int:
        """Numbers in one space-time patch of pixels."""
        return 3 * self.time_stride * self.space_stride**2

    def latent_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the latent of a height × width picture."""
        return -(-height // self.space_stride), -(-width // self.space_stride)


@dataclass
class Refinement:
    """What makes a soft picture a sharp one, for each of its r frames. missing: colours to add. trust: in each pixel, the logit
    of the share that the moved picture before has."""

    missing: Float[Tensor, "b colors h w"]
    trust: Float[Tensor, "b r h w"]


class Refiner(UNet):
    """Compares the soft picture with the picture before, moved, as it is and as softly as a latent would show it, and
    remembers the latent before."""

    def __init__(self, config: AutoencoderConfig) -> None:
        area = config.time_stride * config.patch**2
        self.split = [3 * area, area]
        super().__init__(3 * 3 * area, sum(self.split), config.widths, config.blocks, remembers=True)
        self.patch = config.patch

    def refine(
        self,
        soft: Float[Tensor, "b colors h w"],
        moved: Float[Tensor, "b colors h w"],
        moved_soft: Float[Tensor, "b colors h w"],
        features: list[Tensor] | None,
    ) -> tuple[Refinement, list[Tensor]]:
        """What is missing of the soft picture, and the features for the next."""
        folded = fold(torch.cat([soft, moved, moved_soft], 1), self.patch)
        found, features = self(folded, features)
        missing, trust = found.float().split(self.split, 1)
        return Refinement(unfold(missing, self.patch), unfold(trust, self.patch)), features


class Autoencoder(nn.Module):
    """Frames in [-1, 1] ↔ latents. `basis`: orthonormal components, `centre`: the mean patch, `scale`: what a component is
    divided by, part of the weights and set by `learn_components` before all training."""

    basis: Float[Tensor, "c n"]
    centre: Float[Tensor, " n"]
    scale: Float[Tensor, " c"]

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.refiner = Refiner(config)
        self.register_buffer("basis", torch.eye(config.channels, config.patch_values))
        self.register_buffer("centre", torch.zeros(config.patch_values))
        self.register_buffer("scale", torch.ones(config.channels))
        self._entering, self._leaving, self._last = Packed(), Packed(), Packed()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def hidden_matrices(self) -> list[nn.Parameter]:
        """The weights that an optimizer for hidden layers (Muon) may take: the convolutions of the blocks."""
        blocks = [module for module in self.modules() if isinstance(module, ResidualBlock)]
        return [weight for block in blocks for weight in block.parameters() if weight.ndim == 4]

    @torch.no_grad()
    def learn_components(self, frames: Float[Tensor, "b r h w 3"]) -> None:
        """Set the encoder to the principal components of the patches of b samples of r frames each.

        A component is divided by the root of its standard deviation, not by all of it: the coarse ones keep some of their
        weight, so that errors which are seen more cost more. Needs more patches than channels, else ValueError.
        """
        patches = self._patches(rearrange(frames, "b r h w c -> b 1 (r c) h w")).flatten(0, 3).float()
        if len(patches) <= self.config.channels:
            raise ValueError(f"{len(patches)} patches cannot give {self.config.channels} components; give more frames")
        centre = patches.mean(0)
        _, spreads, directions = torch.pca_lowrank(patches - centre, q=self.config.channels, center=False, niter=4)
        deviations = (spreads / len(patches) ** 0.5).clamp(min=1e-6)
        scale = deviations.sqrt()
        # On average a latent's channel has unit mean square.
        scale *= (deviations / scale).square().mean().sqrt()
        self.basis.copy_(directions.T)
        self.centre.copy_(centre)
        self.scale.copy_(scale)

    def num_latents(self, num_frames: int) -> int:
        """Latents of a clip that starts anew. ValueError unless num_frames = 1 + r·n."""
        r = self.config.time_stride
        if num_frames < 1 or (num_frames - 1) % r:
            raise ValueError(f"a clip of {num_frames} frames: it must have 1 + {r}·n frames for time stride {r}")
        return 1 + (num_frames - 1) // r

    def encode(self, frames: Float[Tensor, "b t h w 3"], continued: bool = False) -> Float[Tensor, "b n rows columns c"]:
        """Normalised latents of a clip of 1 + r·n frames, or of the next r·n frames of a clip when `continued`."""
        r = self.config.time_stride
        if not continued:
            self.num_latents(frames.shape[1])
            frames = torch.cat([frames[:, :1]] * (r - 1) + [frames], 1)
        elif frames.shape[1] % r:
            raise ValueError(f"a continued clip of {frames.shape[1]} frames: it must have a multiple of {r}")
        pictures = self.padded(rearrange(frames, "b (t r) h w c -> (b t r) h w c", r=r))
        return self._latents(rearrange(pictures, "(b t r) c h w -> b t (r c) h w", b=len(frames), r=r))

    def padded(self, frames: Float[Tensor, "n h w 3"]) -> Float[Tensor, "n 3 h_padded w_padded"]:
        """Frames as pictures of whole cells, their borders repeated."""
        stride = self.config.space_stride
        h, w = frames.shape[1:3]
        return F.pad(frames.movedim(-1, 1), (0, -w % stride, 0, -h % stride), mode="replicate")

    def decode(
        self,
        latents: Float[Tensor, "b n rows columns c"],
        size: tuple[int, int],
        state: DecoderState | None = None,
        camera: Float[Tensor, "b n r 2"] | None = None,
        vividness: float = 0.0,
        shown: Shown | None = None,
    ) -> tuple[Float[Tensor, "b t h w 3"], DecoderState]:
        """Frames of height × width `size` and the state for the next piece. Without a state the clip starts: 1 + r·(n - 1)
        frames; with the state of the piece before: r·n frames. `camera`: the turns [pitch, yaw] in degrees that lead to the
        frames, none where not given. `vividness`: how much its trust in the picture before adds to that trust (to its
        logit), for dreamt latents, which are softer than true ones. `shown`: what is known of the frames of a single latent, to
        be kept rather than the picture before. ValueError when `size` is not that of the latents."""
        if self.config.latent_size(*size) != tuple(latents.shape[2:4]):
            raise ValueError(
                f"size {size} needs latents of {self.config.latent_size(*size)} cells, not {tuple(latents.shape[2:4])}"
            )
        r = self.config.time_stride
        starts = state is None
        pictures = []
        for number, soft in enumerate(self._soft(latents).unbind(1)):
            turns = torch.zeros(len(soft), r, 2, device=soft.device) if camera is None else camera[:, number]
            picture, state = self._sharpen(soft, turns, state, vividness, shown)
            pictures.append(picture)
        assert state is not None
        frames = rearrange(torch.stack(pictures, 1), "b n (r c) h w -> b (n r) h w c", r=r)[:, :, : size[0], : size[1]]
        return frames[:, r - 1 :] if starts else frames, state

    def _sharpen(
        self,
        soft: Float[Tensor, "b colors h w"],
        camera: Float[Tensor, "b r 2"],
        state: DecoderState | None,
        vividness: float,
        shown: Shown | None,
    ) -> tuple[Float[Tensor, "b colors h w"], DecoderState]:
        """One latent's frames. Before the first picture of all is its own soft self."""
        r, dtype = self.config.time_stride, self.basis.dtype
        soft = soft.float()
        before = (state.picture if state is not None else soft[:, -3:]).repeat_interleave(r, 0)
        turns = rearrange(camera.float().cumsum(1), "b r two -> (b r) two")
        grid = turn_grid(turns, (soft.shape[-2], soft.shape[-1]), self.config.field_of_view)
        turned_soft = self._softened(rearrange(sample(before, grid), "(b r) c h w -> b (r c) h w", r=r))
        frame = "b (r c) h w -> (b r) c h w"
        flow = flow_between(rearrange(soft, frame, r=r), rearrange(turned_soft, frame, r=r))
        places = grid + flow
        moved = self._closest(soft, sample(before, places, "bicubic"), before)
        seen = rearrange((places.abs() <= 1).all(-1), "(b r) h w -> b r h w", r=r)
        if shown is not None:
            h, w = shown.colors.shape[-2:]
            known = F.pad(shown.known[:, :, 0], (0, soft.shape[-1] - w, 0, soft.shape[-2] - h))
            colors = F.pad(shown.colors, (0, soft.shape[-1] - w, 0, soft.shape[-2] - h)).flatten(1, 2)
            moved = torch.where(known.repeat_interleave(3, 1), colors, moved)
            seen = seen | known
        features = state.features if state is not None else None
        refinement, features = self.refiner.refine(soft.to(dtype), moved.to(dtype), self._softened(moved), features)
        # Trust makes for more trust, but not in what lies beyond the border of the picture before.
        logit = refinement.trust + vividness * refinement.trust.sigmoid() * seen
        # The more of it is kept, the less is missing.
        less = (F.logsigmoid(-logit) - F.logsigmoid(-refinement.trust)).exp()
        share, less = (part[:, :, None].expand(-1, -1, 3, -1, -1).flatten(1, 2) for part in (logit.sigmoid(), less))
        picture = torch.lerp(soft, moved, share) + less * refinement.missing
        return picture, DecoderState(picture[:, -3:].clamp(-1, 1), features)

    def _closest(
        self, soft: Float[Tensor, "b colors h w"], moved: Float[Tensor, "n 3 h w"], still: Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, "b colors h w"]:
        """The moved picture, but for what is fixed to the camera, as the hand is: that stands still."""
        r = self.config.time_stride
        wanted = rearrange(soft, "b (r c) h w -> (b r) c h w", r=r)
        apart, apart_still = (_about((wanted - other).square().mean(1, keepdim=True)) for other in (moved, still))
        stands = F.interpolate((apart_still < 0.5 * apart).float(), wanted.shape[-2:])
        return rearrange(torch.lerp(moved, still, stands), "(b r) c h w -> b (r c) h w", r=r)

    def _softened(self, pictures: Float[Tensor, "b colors h w"]) -> Float[Tensor, "b colors h w"]:
        """Pictures as softly as their latents show them."""
        return self._soft(self._latents(pictures[:, None].to(self.basis.dtype)))[:, 0]

    def _latents(self, pictures: Float[Tensor, "b n colors h w"]) -> Float[Tensor, "b n rows columns c"]:
        patches = self._patches(pictures) - self.centre
        basis = self.basis
        found = self._entering.linear(patches, [basis], None) if packs(basis, patches) else F.linear(patches, basis)
        return found / self.scale

    def _soft(self, latents: Float[Tensor, "b n rows columns c"]) -> Float[Tensor, "b n colors h w"]:
        """All that the latents hold, decoded."""
        stride = self.config.space_stride
        latents = latents * self.scale
        basis = self.basis.T
        patches = self._leaving.linear(latents, [basis], None) if packs(self.basis, latents) else F.linear(latents, basis)
        patches = patches + self.centre
        return rearrange(patches, "b n hz wz (c p q) -> b n c (hz p) (wz q)", p=stride, q=stride)

    @torch.no_grad()
    def flow(
        self,
        latents: Float[Tensor, "n rows columns c"],
        before: Float[Tensor, "n rows columns c"],
        camera: Float[Tensor, "n r 2"],
    ) -> Float[Tensor, "n 2 flow_rows flow_columns"]:
        """The flow that led to each latent from the one before, beside the turns; see `measured_flow`."""
        return measured_flow(self.last_frames(latents), self.last_frames(before), camera, self.config.field_of_view)

    @torch.no_grad()
    def expected(
        self,
        frames: Float[Tensor, "n 3 h w"],
        flow: Float[Tensor, "n 2 flow_rows flow_columns"],
        driven: Float[Tensor, "n 2 _ _"],
        camera: Float[Tensor, "n r 2"],
        shown: Shown | None = None,
    ) -> Float[Tensor, "n rows columns c"]:
        """The latent expected after each whose last frame, to which `flow` led, is given: see `expected_frames`.
        `shown`: what is known of the frames."""
        expected = expected_frames(frames, flow, driven, camera, self.config.field_of_view)
        if shown is not None:
            h, w = shown.colors.shape[-2:]
            expected[..., :h, :w] = torch.where(shown.known, shown.colors, expected[..., :h, :w])
        return self._latents(rearrange(expected, "n r c h w -> n 1 (r c) h w").to(self.basis.dtype))[:, 0]

    @torch.no_grad()
    def last_frames(self, latents: Float[Tensor, "n rows columns c"]) -> Float[Tensor, "n 3 h w"]:
        """The last of each latent's frames, soft as the latent holds it, in float32. Cheap."""
        stride = self.config.space_stride
        last = self.config.patch_values * (self.config.time_stride - 1) // self.config.time_stride
        latents, basis = latents * self.scale, self.basis[:, last:].T
        patches = self._last.linear(latents, [basis], None) if packs(self.basis, latents) else F.linear(latents, basis)
        patches = patches + self.centre[last:]
        return rearrange(patches, "n hz wz (c p q) -> n c (hz p) (wz q)", p=stride, q=stride).float()

    def _patches(self, pictures: Float[Tensor, "b t colors h w"]) -> Float[Tensor, "b t rows columns n"]:
        stride = self.config.space_stride
        return rearrange(pictures, "b t c (hz p) (wz q) -> b t hz wz (c p q)", p=stride, q=stride)


def _about(x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h/2 w/2"]:
    """The mean of the eight by eight values about every second one each way, beyond the border zeros. Sums of shifted pictures
    are quicker than pooling on a processor."""
    x = F.pad(x, (3, 3, 3, 3))
    rows, columns = (x.shape[-2] - 6) // 2, (x.shape[-1] - 6) // 2
    x = functools.reduce(torch.add, [x[..., start : start + 2 * rows : 2, :] for start in range(8)])
    return functools.reduce(torch.add, [x[..., start : start + 2 * columns : 2] for start in range(8)]) / 64
