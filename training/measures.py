"""What is measured of a player, each a function from player to figures and pictures to look at (design.md, section 7).

All of it on evaluation seeds. Every measure gives the truth's own figure where it has one, for that is the ceiling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from simworld.actions import CAMERA
from simworld.frames import FPS
from simworld.model.pixels import to_float, to_uint8
from simworld.model.world import World
from simworld.training.metrics import psnr, sharpness, ssim
from simworld.training.objective import LatentBatch, ObjectiveConfig, denoising_loss
from simworld.training.players import Dream, Player
from simworld.training.truth import Moment, Truth, elsewhere, play_script, play_truth

HORIZONS = (1, 2, 4, 8, 16, 32)
"""Chunks ahead at which dreams are compared with the truth."""
AWAY, TURN = 12, 10.0
"""Looking away takes so many frames of so many degrees."""
WALK = 32
"""Frames of walking, and of walking back."""
DOWN = 6.0
"""Degrees a frame, for eight frames, of looking down at what is to be broken or built upon."""
CHANGED = 40.0
"""Of 255, the difference in colour from which on a pixel has changed."""
NOISE_DRAWS = 4


@dataclass
class Found:
    """figures: to be written as JSON. sheet: uint8 rows of pictures [rows, columns, h, w, 3], truth above dream."""

    figures: dict[str, Any]
    sheet: np.ndarray


def moving_play(player: Player, num_clips: int, in_places: bool = False) -> Truth:
    """The bot's play on which `horizon`, `reconstruction` and `shuffled_action_ratio` are measured. in_places: where it goes on
    from, dreams are told what it looks like from spots about, as of the places that come with a world."""
    num_frames = player.known + player.stride * max(HORIZONS)
    return play_truth(num_clips, num_frames, *player.size, player.known, in_places=in_places)


def horizon(truth: Truth, dream: np.ndarray, r: int, ceiling: np.ndarray | None = None) -> Found:
    """PSNR and SSIM after 1, 2, 4 … chunks, of `r` frames each, of moving play, beside copy-last-frame and, where given, the
    `ceiling`: the truth, `reconstructed`."""
    known = truth.known
    figures = {}
    for chunks in HORIZONS:
        last = known + r * chunks - 1
        scores = {}
        pairs = {"dream": dream[:, last - known], "copy_last_frame": truth.frames[:, known - 1]}
        if ceiling is not None:
            pairs["ceiling"] = ceiling[:, last]
        for name, pictures in pairs.items():
            scores[f"{name}_psnr"] = mean_psnr(pictures, truth.frames[:, last])
            scores[f"{name}_ssim"] = _ssim(pictures, truth.frames[:, last])
        scores["gain_psnr"] = round(scores["dream_psnr"] - scores["copy_last_frame_psnr"], 3)
        figures[str(chunks)] = scores
    return Found(figures, sheet_of(truth, dream, [known - 1 + r * chunks for chunks in (0, 1, 2, 4, 8, 12, 16, 24, 32)]))


def returning(player: Player, num_clips: int, seconds: float) -> Found:
    """Look 120° away, wait, look back: PSNR and SSIM of the last picture to the one before looking away, and PSNR of the
    picture away to the truth's, without which never to move would be best."""
    return _return(player, looking_back(player, num_clips, seconds), "away")


def looking_back(player: Player, num_clips: int, seconds: float) -> Truth:
    """Plays in which the player looks 120° away, waits and looks back, as in `returning`."""
    return play_script((*_look_away(seconds), Moment("seen", 4)), num_clips, *player.size, player.known)


def retracing(player: Player, num_clips: int) -> Found:
    """Walk forward, then the same way backward: PSNR and SSIM of the last picture to the first, and PSNR on the way."""
    script = (Moment("there", WALK, keys=("forward",)), Moment("back", WALK, keys=("back",)))
    return _return(player, play_script(script, num_clips, *player.size, player.known), "there")


def lasting(player: Player, num_clips: int, seconds: float, must: str, in_places: bool = False) -> Found:
    """Break or place a block (`must`), look away for so long, and back: in what share of the clips in which it can be seen does
    the dream show in its place what the truth shows, rather than what was there before: at once, and in the end. in_places: as
    in `moving_play`."""
    act = {"break": Moment("act", 40, keys=("attack",), must="break"), "place": Moment("act", 4, keys=("use",), must="place")}
    moments = (act[must], Moment("rest", 12), *_look_away(seconds))
    down = (Moment("down", 8, (DOWN, 0)),)
    truth = play_script(moments, num_clips, *player.size, player.known, prepare=down, in_places=in_places)
    dream = player.roll(truth)
    before = truth.frames[:, truth.known - 1].astype(np.float32)
    figures: dict[str, Any] = {}
    for name, moment in (("at_once", "rest"), ("in_the_end", "back")):
        after = truth.frames[:, truth.ends[moment]].astype(np.float32)
        shown = dream[:, truth.ends[moment] - truth.known].astype(np.float32)
        changed = (np.abs(after - before).max(-1, keepdims=True) > CHANGED).astype(np.float32)
        apart = [(np.square(shown - other) * changed).sum((1, 2, 3)) for other in (after, before)]
        seen = changed.any((1, 2, 3))
        figures[name] = round(float((apart[0] < apart[1])[seen].mean()), 3) if seen.any() else None
    places = [truth.known - 1, truth.ends["rest"], truth.ends["away"], truth.ends["back"]]
    return Found(figures, sheet_of(truth, dream, places))


def standing(player: Player, num_clips: int, seconds: float, in_places: bool = False) -> Found:
    """Nothing is done for so long: how much PSNR is lost from the first second to the last, and how sharpness and brightness
    change relative to the truth's (1: not at all). in_places: as in `moving_play`."""
    stand = (Moment("stand", _even(seconds)),)
    truth = play_script(stand, num_clips, *player.size, player.known, in_places=in_places)
    dream = player.roll(truth)
    first, last = slice(0, FPS), slice(-FPS, None)
    true = truth.frames[:, truth.known :]
    figures = {
        "psnr_first_second": mean_psnr(dream[:, first], true[:, first]),
        "psnr_last_second": mean_psnr(dream[:, last], true[:, last]),
        "sharpness_ratio": round(_sharpness(dream[:, last]) / _sharpness(true[:, last]), 3),
        "brightness_ratio": round(float(dream[:, last].mean() / true[:, last].mean()), 3),
    }
    figures["psnr_drift"] = round(figures["psnr_first_second"] - figures["psnr_last_second"], 3)
    places = np.linspace(truth.known - 1, truth.frames.shape[1] - 1, 7).astype(int).tolist()
    return Found(figures, sheet_of(truth, dream, places))


def long_play(player: Player, num_clips: int, seconds: float) -> Found:
    """Play under the bot's actions: sharpness, brightness and spread of colours of the last half, relative to those of the
    bot's own play (1: alike), as it is played, and left to itself (`alone`); and of the game, where the same is done in other
    worlds (`elsewhere`): the ceiling of all who cannot see to it that the actions fit."""
    truth = play_truth(num_clips, player.known + _even(seconds), *player.size, player.known)
    half = slice((truth.frames.shape[1] - truth.known) // 2, None, FPS)
    real, played = truth.frames[:, truth.known :][:, half], player.played(truth)
    figures: dict[str, float] = {}
    shown = {"": played[:, half], "_alone": player.roll(truth)[:, half], "_elsewhere": elsewhere(truth, half)}
    for name, frames in shown.items():
        figures |= {
            f"sharpness_ratio{name}": round(_sharpness(frames) / _sharpness(real), 3),
            f"brightness_ratio{name}": round(float(frames.mean() / real.mean()), 3),
            f"spread_ratio{name}": round(float(frames.std((2, 3)).mean() / real.std((2, 3)).mean()), 3),
        }
    places = np.linspace(truth.known - 1, truth.frames.shape[1] - 1, 9).astype(int).tolist()
    return Found(figures, sheet_of(truth, played, places))


def reconstruction(truth: Truth, reconstructed: np.ndarray) -> Found:
    """PSNR and SSIM of the autoencoder alone on moving play: the ceiling of the rest."""
    figures = {"psnr": mean_psnr(reconstructed, truth.frames), "ssim": _ssim(reconstructed[:, ::8], truth.frames[:, ::8])}
    places = np.linspace(truth.known, truth.frames.shape[1] - 1, 5).astype(int).tolist()
    return Found(figures, sheet_of(truth, reconstructed[:, truth.known :], places))


@torch.inference_mode()
def reconstructed(player: Dream, truth: Truth) -> np.ndarray:
    """The truth's frames, encoded and decoded again."""
    latents, actions = _encoded(player, truth)
    camera = rearrange(F.pad(actions[..., CAMERA], (0, 0, player.stride, 0)), "b (t r) two -> b t r two", r=player.stride)
    pairs = zip(latents.split(1), camera.split(1), strict=True)
    decoded = [player.net.autoencoder.decode(one, player.size, camera=turns)[0] for one, turns in pairs]
    return to_uint8(torch.cat(decoded)).cpu().numpy()


@torch.inference_mode()
def shuffled_action_ratio(player: Dream, truth: Truth) -> float:
    """Denoising loss under the next clip's actions over that under the true ones: 1 is deaf, more is better."""
    latents, actions = _encoded(player, truth)
    net, (b, t), window = player.net, latents.shape[:2], player.net.config.denoiser.window
    leading = rearrange(actions, "b (t r) a -> b t r a", r=player.stride)
    quiet = ObjectiveConfig(full_share=0, prompt_dropout=0, own_share=0, shortcut_share=0)
    losses = {}
    for name, of in (("true", leading), ("shuffled", leading.roll(1, 0))):
        total = 0.0
        for draw in range(NOISE_DRAWS):
            start = 1 + draw * (t - window) // NOISE_DRAWS
            batch = LatentBatch(
                latents[:, start : start + window].float(),
                of[:, start - 1 : start - 1 + window],
                torch.ones(b, window, dtype=torch.bool, device=latents.device),
                [[caption] for caption in truth.captions],
                torch.zeros(b, window, dtype=torch.long, device=latents.device),
            )
            generator = torch.Generator(latents.device).manual_seed(draw)
            with torch.autocast(latents.device.type, torch.bfloat16):
                total += denoising_loss(net, batch, quiet, generator, 0.0)[1]["error"]
        losses[name] = total
    return round(losses["shuffled"] / losses["true"], 4)


def _encoded(player: Dream, truth: Truth) -> tuple[Tensor, Tensor]:
    """Latents and actions of the truth."""
    net: World = player.net
    frames, actions = (torch.from_numpy(part).to(net.device) for part in (truth.frames, truth.actions))
    return torch.cat([net.autoencoder.encode(to_float(one, net.dtype)) for one in frames.split(1)]), actions


def _look_away(seconds: float) -> tuple[Moment, ...]:
    return Moment("away", AWAY, (0, TURN)), Moment("wait", _even(seconds)), Moment("back", AWAY, (0, -TURN))


def _return(player: Player, truth: Truth, middle: str) -> Found:
    dream = player.roll(truth)
    first, away = truth.frames[:, truth.known - 1], truth.ends[middle]
    figures = {
        "away_psnr": mean_psnr(dream[:, away - truth.known], truth.frames[:, away]),
        "psnr": mean_psnr(dream[:, -1], first),
        "ssim": _ssim(dream[:, -1], first),
        "truth_psnr": mean_psnr(truth.frames[:, -1], first),
        "truth_ssim": _ssim(truth.frames[:, -1], first),
    }
    places = [truth.known - 1, away, truth.ends["back"] - 6, truth.ends["back"], truth.frames.shape[1] - 1]
    return Found(figures, sheet_of(truth, dream, places))


def _even(seconds: float) -> int:
    """Frames, whole chunks of them for any time stride."""
    return 4 * round(seconds * FPS / 4)


def sheet_of(truth: Truth, dream: np.ndarray, places: list[int], most: int = 6) -> np.ndarray:
    """Truth above dream at some frames of the first clips."""
    rows = []
    for clip, dreamt in list(zip(truth.frames, dream, strict=True))[:most]:
        rows.append([clip[place] for place in places])
        rows.append([clip[place] if place < truth.known else dreamt[place - truth.known] for place in places])
    return np.array(rows)


def _mean(measure: Callable[[Tensor, Tensor], Tensor], one: np.ndarray, two: np.ndarray) -> float:
    return round(float(measure(torch.from_numpy(np.array(one)), torch.from_numpy(np.array(two))).mean()), 4)


def mean_psnr(one: np.ndarray, two: np.ndarray) -> float:
    """PSNR of pictures, mean over all, in dB."""
    return round(_mean(psnr, one, two), 3)


def _ssim(one: np.ndarray, two: np.ndarray) -> float:
    return _mean(ssim, one, two)


def _sharpness(frames: np.ndarray) -> float:
    return float(sharpness(torch.from_numpy(np.array(frames))).mean())
