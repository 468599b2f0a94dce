"""The client's clock, on a made-up time line."""

import pytest

from simworld.client.pacer import Pacer


def test_pictures_are_due_every_fiftieth_of_a_second_whatever_the_jitter() -> None:
    pacer = Pacer()
    assert not pacer.shown(10.0)
    for number in range(1, 20):
        due = pacer.due(10.0)
        assert due == pytest.approx(10 + 0.05 * number)
        assert not pacer.shown(due + 0.004 * (number % 3))


def test_a_late_picture_is_counted_and_its_time_made_good() -> None:
    pacer = Pacer()
    pacer.shown(10.0)
    assert pacer.shown(10.09)
    now = 10.09
    for _ in range(8):
        now = pacer.due(now)
        assert not pacer.shown(now)
    assert pacer.due(now) == pytest.approx(10.5), "ten pictures after the first, back on the old grid"


def test_what_drawing_takes_is_not_waited_for_again() -> None:
    pacer = Pacer()
    pacer.stepped(0.09, 2, 0.09)
    pacer.shown(10.0)
    pacer.shown(10.2)
    due = pacer.due(10.2)
    assert due == pytest.approx(10.245), "it has time to make good, as fast as the world goes"
    pacer.shown(due + 0.005)
    assert pacer.due(due) == pytest.approx(10.29)


def test_a_long_stall_is_not_followed_by_a_fast_forward() -> None:
    pacer = Pacer()
    pacer.shown(10.0)
    assert pacer.shown(15.0)
    now, quick = 15.0, 0
    for _ in range(60):
        due = pacer.due(now)
        quick += due - now < 0.049
        now = due
        pacer.shown(now)
    assert quick <= 30


def test_a_chunk_starts_as_late_as_its_measured_time_allows() -> None:
    pacer = Pacer()
    assert pacer.start_at(10.0, 1) == 10.0, "with nothing measured, at once"
    for seconds in [0.03] * 30 + [0.06, 0.5, 0.2, 0.3, 0.1]:
        pacer.stepped(seconds, 2, seconds)
    pacer.shown(10.0)
    # Two pictures wait: due at 10.05 and 10.10, the next one at 10.15. A few hiccups are not planned for.
    assert pacer.start_at(10.0, 2) == pytest.approx(10.15 - 0.06, abs=0.01)


def test_what_is_done_after_the_pictures_is_not_waited_for_and_yet_takes_its_time() -> None:
    pacers = [Pacer(), Pacer(), Pacer()]
    for _ in range(20):
        for pacer, (seconds, period) in zip(pacers, [(0.06, 0.06), (0.06, 0.09), (0.09, 0.09)], strict=True):
            pacer.stepped(seconds, 2, period)
    for pacer in pacers:
        pacer.shown(10.0)
    quick, finishing, slow = pacers
    assert quick.start_at(10.0, 2) == finishing.start_at(10.0, 2) > slow.start_at(10.0, 2)
    for pacer in pacers:
        pacer.shown(10.4)
    assert quick.due(10.4) < finishing.due(10.4) == slow.due(10.4) == pytest.approx(10.4 + 0.045)


def test_after_a_restart_nothing_is_late() -> None:
    pacer = Pacer()
    pacer.shown(10.0)
    pacer.restart()
    assert pacer.due(13.0) == 13.0
    assert not pacer.shown(13.0)
    assert pacer.due(13.0) == pytest.approx(13.05)


def test_without_an_interval_nothing_waits() -> None:
    pacer = Pacer(interval=0)
    pacer.stepped(0.5, 2, 0.5)
    assert not pacer.shown(1.0)
    assert not pacer.shown(9.0)
    assert pacer.due(9.0) == 9.0
    assert pacer.start_at(9.0, 7) == 9.0
