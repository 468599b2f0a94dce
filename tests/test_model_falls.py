"""Rain and snow: as much as in the game, where the game has it, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from simworld.env.panoramas import panorama
from simworld.env.voxel.scout import daylight, look_from
from simworld.model.album import Album, given_album
from simworld.model.daylight import Daylight, lit, passed, unknown
from simworld.model.falls import Drops, falling, with_drops
from simworld.model.lattice import Lattice
from simworld.model.masonry import lattice_of
from simworld.model.pixels import to_float
from simworld.model.surroundings import Eyes
from tests.scouted import scouted

SIZE, VIEW = (96, 160), 70.0
FREE = torch.ones(1, 1, 1, *SIZE, dtype=torch.bool)
GREY = torch.zeros(1, 2, *SIZE, 3)
FAR = torch.zeros(1, 2, 1, *SIZE)


def weather(rain: float = 0.0, snow: float = 0.0, storm: float = 0.0) -> Daylight:
    return passed(lit(torch.tensor([[0.3, 90.0, rain, snow, storm]]), 1000), 2)


def eyes(pitch: float = 0.0, yaw: float = 0.0) -> Eyes:
    """Of who stands there in two frames."""
    return torch.zeros(1, 2, 3), torch.tensor([[[pitch, yaw]] * 2])


def plain(roof: int = 0) -> Album:
    """A wide place of one layer of blocks 2 below the eye, and another so far above it, where there is one."""
    high = torch.zeros(40, 40, 12, dtype=torch.uint8)
    high[:, :, 0] = 100
    if roof:
        high[:, :, 2 + roof] = 100
    whole = torch.full_like(high, 100)
    return Album(lattice=Lattice(0.0, torch.tensor([-20.0, -20.0, -2.5]), high, whole))


def drops(album: Album, light: Daylight, at: Eyes | None = None) -> Drops | None:
    return falling([album], light, eyes() if at is None else at, GREY, FREE, VIEW)


def cover(album: Album, light: Daylight, at: Eyes | None = None) -> torch.Tensor:
    """How much of a grey picture what falls changes, in each frame."""
    found = drops(album, light, at)
    return torch.zeros(2) if found is None else (with_drops(GREY - 1, found, FAR) + 1).mean((0, 2, 3, 4))


@pytest.mark.parametrize(("kind", "biome"), [("rain", "plains"), ("snow", "snow"), ("storm", "plains")])
def test_as_much_changes_from_frame_to_frame_as_in_the_game(kind: str, biome: str) -> None:
    game, parts = scouted(SIZE, 5, 8, 10.0, biome=biome, time_of_day=0.25, weather=kind)
    album = given_album(*parts, VIEW, lattice_of(*parts[1:], VIEW), torch.from_numpy(panorama(game)))
    light = passed(lit(torch.from_numpy(daylight(game))[None], 0), 2)
    truth, dream = [], []
    for heading in range(0, 360, 90):
        frames, near = (part[parts[3][:, 1] == heading][0] for part in parts[:2])
        before = to_float(frames)[None, None].expand(1, 2, -1, -1, -1)
        found = falling([album], light, eyes(pitch=10.0, yaw=heading), before, FREE, VIEW)
        assert found is not None
        first, second = with_drops(before, found, near[None, None, None].expand(1, 2, 1, -1, -1))[0]
        dream.append(float((second - first).abs().mean()))
        views = [look_from(game, np.zeros(3), np.array([10.0, heading]))[0].astype(float)]
        game.num_steps += 1
        views.append(look_from(game, np.zeros(3), np.array([10.0, heading]))[0])
        truth.append(np.abs(views[1] - views[0]).mean() / 127.5)
    assert 0.5 < np.mean(dream) / np.mean(truth) < 2, (np.mean(dream), np.mean(truth))


def test_rain_falls_and_snow_does_slowly() -> None:
    for light, speed in ((weather(rain=1), 0.55), (weather(snow=1), 0.07)):
        first, second = drops(plain(), light), drops(plain(), passed(light, 2))
        assert first is not None and second is not None
        # What is ahead and level goes down by so many pixels for each block that it is ahead.
        near = first.at[0, 0, :, 2] > 3
        assert near.sum() > 10
        moved = (first.at[0, 1, near, 1] - first.at[0, 0, near, 1]) * first.at[0, 0, near, 2] / (48 / np.tan(np.deg2rad(35)))
        assert float(moved.median()) == pytest.approx(speed, abs=0.02)
        assert not torch.equal(first.at, second.at)


def test_nothing_falls_in_clear_weather_or_where_nobody_knows_it_or_what_is_above() -> None:
    assert drops(plain(), weather()) is None and drops(plain(), weather(rain=0.01)) is None
    assert drops(plain(), replace(unknown(1, torch.device("cpu")), weather=weather(rain=1).weather)) is None
    assert drops(Album(), weather(rain=1)) is None
    little, much = (cover(plain(), weather(storm=amount)).mean() for amount in (0.3, 1.0))
    assert 0 < little < 0.7 * much


def test_nothing_falls_under_a_roof_but_before_who_looks_out() -> None:
    open_, roofed = (cover(plain(roof), weather(snow=1)) for roof in (0, 3))
    assert open_.min() > 0 and roofed.max() == 0
    album = plain(3)
    assert album.lattice is not None
    high = album.lattice.high.clone()
    high[:, 23:, 5] = 0
    outside = cover(replace(album, lattice=replace(album.lattice, high=high)), weather(snow=1))
    assert 0 < outside.mean() < 0.8 * open_.mean()


def test_it_falls_behind_what_is_near_and_behind_the_hand() -> None:
    found = drops(plain(), weather(snow=1))
    assert found is not None
    wall = torch.where(torch.arange(SIZE[1]) < SIZE[1] // 2, 1 / 1.3, 0.0).expand_as(FAR)
    seen = (with_drops(GREY, found, wall) != GREY).any(-1)[0]
    assert not seen[..., : SIZE[1] // 2].any() and seen[..., SIZE[1] // 2 :].any()
    hand = FREE.clone()
    hand[..., SIZE[0] // 2 :, :] = False
    seen = (with_drops(GREY, replace(found, free=hand), FAR) != GREY).any(-1)[0]
    assert not seen[:, SIZE[0] // 2 :].any() and seen[:, : SIZE[0] // 2].any()


def test_each_world_has_its_own() -> None:
    pairs = zip(vars(weather(rain=1)).values(), vars(weather()).values(), strict=True)
    light = Daylight(*(torch.cat(pair) for pair in pairs))
    twice = GREY.repeat(2, 1, 1, 1, 1)
    at = tuple(part.repeat(2, 1, 1) for part in eyes())
    found = falling([plain(), plain()], light, (at[0], at[1]), twice, FREE.repeat(2, 1, 1, 1, 1), VIEW)
    alone = drops(plain(), weather(rain=1))
    assert found is not None and alone is not None
    together = with_drops(twice, found, FAR.repeat(2, 1, 1, 1, 1))
    assert torch.allclose(together[:1], with_drops(GREY, alone, FAR), atol=1e-5) and torch.equal(together[1:], GREY)
