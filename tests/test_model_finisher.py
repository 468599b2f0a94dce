"""Drafts finished by another process: the same pictures in the same order, and a clear end."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from tiny_world import shaken

from simworld.model.daylight import unknown
from simworld.model.finish import Draft, Finish, finished
from simworld.model.finisher import Finisher
from simworld.model.grip import Hand
from simworld.model.restorer import Restorer, RestorerConfig
from simworld.model.scenery import Shown
from simworld.model.touch import Overlay

HEIGHT, WIDTH = 32, 48
PATIENCE = 60.0


@pytest.fixture(scope="module")
def finish() -> Finish:
    restorer = shaken(Restorer(RestorerConfig(widths=[8, 16], blocks=[1, 1])))
    assert isinstance(restorer, Restorer)
    return Finish(restorer, None, None, 70.0)


@pytest.fixture(scope="module")
def finisher(finish: Finish) -> Iterator[Finisher]:
    finisher = Finisher(finish, 1)
    started(finisher)
    yield finisher
    finisher.close()


def started(finisher: Finisher) -> None:
    """Wait for a process, which starts on drafts that it does not take."""
    until = time.monotonic() + PATIENCE
    while not finisher.ready:
        assert not finisher.give(draft(0)) and time.monotonic() < until
        time.sleep(0.01)


def draft(seed: int) -> Draft:
    """A draft that is restored here and there, cracked, before a striking hand."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator)

    known = random(1, 2, 1, HEIGHT, WIDTH) < 0.5
    shown = Shown(random(1, 2, 3, HEIGHT, WIDTH), random(1, 2, 1, HEIGHT, WIDTH), known, known, known)
    hand = Hand(random(1, 2, 3, 8, 8), random(1, 2, 1, 8, 8))
    share, shade = random(1, 2, HEIGHT, WIDTH, 1), random(1, 2, 1, HEIGHT, WIDTH)
    daylight = unknown(1, torch.device("cpu"))
    return Draft(random(1, 2, HEIGHT, WIDTH, 3), shown, share, None, None, None, daylight, Overlay(shade, hand))


def test_the_same_pictures_as_here_in_the_same_order(finish: Finish, finisher: Finisher) -> None:
    drafts = [draft(seed) for seed in range(1, 4)]
    assert all(finisher.give(each) for each in drafts)
    pictures = [finished(finish, each) for each in drafts]
    assert all(torch.equal(finisher.take(), each) for each in pictures)
    assert not torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], finished(finish, replace(drafts[0], restored=None)))


def test_where_a_dream_is_led_shows_through(finish: Finish, finisher: Finisher) -> None:
    here, there = draft(1), draft(2)
    half = replace(here, goal=there, share=torch.full((1, 2), 0.5))
    assert finisher.give(half)
    mean = (finished(finish, here).float() + finished(finish, there).float()) / 2
    assert (finisher.take().float() - mean).abs().max() <= 1


def test_an_end_is_told(finish: Finish) -> None:
    finisher = Finisher(finish, 1)
    started(finisher)
    assert finisher.give(draft(1))
    assert finisher._process.pid is not None
    finisher._process.kill()
    with pytest.raises((EOFError, OSError)):
        for _ in range(2):  # the first may have been finished before
            finisher.take()
    finisher._process.join(PATIENCE)
    assert not finisher.runs and not finisher.ready and not finisher.give(draft(1))
    finisher.close()
