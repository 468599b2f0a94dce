"""Gathering: where pictures show what an eye sees, pixel by pixel, and what lies beside what none of them shows. Compiled."""

import math

import numpy as np

from simworld.model.compiled import compiled
from simworld.model.projection import LEAST_AHEAD, NOTHING

COARSE = 2
"""Pixels of a picture's side that are thrown forward as one."""
HOLE = 1
"""Cells to each side of one from which on there is no hole between points that were thrown apart."""
LARGE, LARGER, LARGEST = 3.0, 8.0, 24.0
"""What is to be shown so many times larger than it was seen lies in points far apart, which are thrown into larger cells, and
into still larger ones; larger than the last nothing is taken from a kept picture."""
WIDTHS = 1, 3, 9
"""Cells of a side of the larger ones."""
AROUND = 2
"""Cells to each side of one among which the majority decides where it is taken from."""
LONE = 0.25
"""What is in front of an earlier picture, in so few of the cells of such a square, is mistaken."""
BEFORE = 1.5
"""What a later picture of a scenery shows is in front of what an earlier one does only if it is so much nearer."""
BORDER = 1.5
"""Pixels: what lies nearer to a picture's border is not taken from it, for what is beyond would be taken as well."""
SPECK = 1
"""Pixels to each side of one among which the majority decides of it."""
SAME_NEAR = 0.2
"""Relative difference up to which two things are equally near."""
FAINT = 0.02
"""In 1 / blocks: differences in nearness up to here do not count."""
CREVICE, LEAST_BESIDE = 2, 0.3
"""Crevices are filled from both sides by so many pixels, each of which has so much beside it that is known."""


@compiled
def _moved(moves: np.ndarray, number: int, axis: int, right: float, down: float, close: float) -> float:
    """One of the numbers that a picture's `moves` make of a direction, and of how near something is there."""
    return (
        moves[number, axis, 0] * right + moves[number, axis, 1] * down + moves[number, axis, 2] + moves[number, axis, 3] * close
    )


@compiled
def _extremes(cells: np.ndarray, tall: int, wide: int, sign: int, found: np.ndarray) -> None:
    """The largest of those about each of tall × wide cells, or, of sign -1, the smallest."""
    for row in range(tall):
        for column in range(wide):
            most = cells[row, column]
            for i in range(max(row - HOLE, 0), min(row + HOLE + 1, tall)):
                for j in range(max(column - HOLE, 0), min(column + HOLE + 1, wide)):
                    if sign * cells[i, j] > sign * most:
                        most = cells[i, j]
            found[row, column] = most


@compiled
def _close_holes(cells: np.ndarray, tall: int, wide: int, spread: np.ndarray) -> None:
    """Close the holes in a map of tall × wide cells. What is thrown apart, as it comes nearer, must not be looked through."""
    _extremes(cells, tall, wide, 1, spread)
    _extremes(spread, tall, wide, -1, cells)


@compiled
def _share(chosen: np.ndarray, row: int, column: int) -> float:
    """How many of the cells about one are chosen; beyond the border are its own."""
    rows, columns = chosen.shape
    much = 0
    for i in range(row - AROUND, row + AROUND + 1):
        for j in range(column - AROUND, column + AROUND + 1):
            much += chosen[min(max(i, 0), rows - 1), min(max(j, 0), columns - 1)]
    return much / (2 * AROUND + 1) ** 2


@compiled
def _throw(ways: np.ndarray, pictures: np.ndarray, moves: np.ndarray, maps: np.ndarray) -> None:
    """How near the nearest point of each picture is in each cell, `NOTHING` where none is; `maps` has a map of cells, one of
    larger and one of still larger ones for each, of which the first is that of all in the end."""
    k, h, w = pictures.shape
    rows, columns = maps.shape[2:]
    maps[:] = NOTHING
    spread = np.empty((rows, columns), np.float32)
    for number in range(k):
        present = number == k - 1
        any_of = np.zeros(3, np.bool_)
        for row in range(0, h, COARSE):
            for column in range(0, w, COARSE):
                close, right, down = pictures[number, row, column], ways[0, row, column], ways[1, row, column]
                ahead = _moved(moves, number, 2, right, down, close)
                least = LEAST_AHEAD if present else 1 / LARGEST
                if close < 0 or ahead < least:
                    continue
                x = (_moved(moves, number, 0, right, down, close) / ahead + w / 2) / COARSE
                y = (_moved(moves, number, 1, right, down, close) / ahead + h / 2) / COARSE
                if not (0 <= x < columns and 0 <= y < rows):
                    continue
                level = 0 if present or ahead >= 1 / LARGE else (1 if ahead >= 1 / LARGER else 2)
                i, j = int(y) // WIDTHS[level], int(x) // WIDTHS[level]
                maps[number, level, i, j] = max(maps[number, level, i, j], close / ahead)
                any_of[level] = True
        for level in range(3):
            if any_of[level]:
                width = WIDTHS[level]
                _close_holes(maps[number, level], -(-rows // width), -(-columns // width), spread)
                for row in range(rows if level else 0):
                    for column in range(columns):
                        larger = maps[number, level, row // width, column // width]
                        maps[number, 0, row, column] = max(maps[number, 0, row, column], larger)


@compiled
def land(ways: np.ndarray, pictures: np.ndarray, moves: np.ndarray, near: np.ndarray, source: np.ndarray) -> None:
    """How `near` things are in each cell of what an eye sees, and which of k pictures shows it first (`source`), k for none;
    of the pictures it is told how near things are. ways: 3 × h × w. moves: k × 3 × 4, what makes a picture's direction and how
    near something is there columns and rows for the eye times how far ahead it is, counted from the middle, and that."""
    k, (rows, columns) = len(pictures), near.shape
    maps, before = np.empty((k, 3, rows, columns), np.float32), np.empty((rows, columns), np.bool_)
    _throw(ways, pictures, moves, maps)
    for row in range(rows):
        for column in range(columns):
            near[row, column] = maps[0, 0, row, column]
            source[row, column] = 0 if near[row, column] >= 0 else k
    for number in range(1, k):
        for row in range(rows):
            for column in range(columns):
                before[row, column] = maps[number, 0, row, column] > near[row, column] * BEFORE + FAINT
        for row in range(rows):
            for column in range(columns):
                if before[row, column] and _share(before, row, column) > LONE:
                    near[row, column], source[row, column] = maps[number, 0, row, column], number
    # A speck between others is shown by the picture that shows them; the present one shows all that is in view.
    for row in range(rows):
        for column in range(columns):
            before[row, column] = source[row, column] < k - 1
    for row in range(rows):
        for column in range(columns):
            if maps[k - 1, 0, row, column] >= 0 and _share(before, row, column) < 0.5:
                near[row, column], source[row, column] = maps[k - 1, 0, row, column], k - 1


@compiled
def _measure(x: np.ndarray, y: np.ndarray, source: np.ndarray, near: np.ndarray, finer: np.ndarray) -> None:
    """`finer` of `look_up`, as what is beside and below or above each pixel tells that has the same source and is nearly as
    near; 0 where nothing is."""
    h, w = x.shape
    for row, column in np.ndindex(x.shape):
        at, on, here, close = row, column, source[row, column], SAME_NEAR * near[row, column]
        for step in (1, -1):
            if at == row and 0 <= row + step < h and source[row + step, column] == here:
                at += step * (abs(near[row + step, column] - near[row, column]) <= close)
            if on == column and 0 <= column + step < w and source[row, column + step] == here:
                on += step * (abs(near[row, column + step] - near[row, column]) <= close)
        right, down = x[row, on] - x[row, column], y[row, on] - y[row, column]
        aside, below = x[at, column] - x[row, column], y[at, column] - y[row, column]
        finer[row, column] = math.sqrt(abs(right * below - down * aside))


@compiled
def look_up(
    ways: np.ndarray, pictures: np.ndarray, moves: np.ndarray, source: np.ndarray, sure: np.ndarray,
    near: np.ndarray, x: np.ndarray, y: np.ndarray, known: np.ndarray, finer: np.ndarray,
) -> None:  # fmt: skip
    """Where, column `x` and row `y`, the `source` of each pixel, one of k pictures of which it is told how near things are,
    shows what is so `near` for an eye, and whether it is `known`: whether that is as near there, as most about it is. What is
    seen there says better how near it is, unless that is `sure`. finer: how many pixels of its source it is wide. ways:
    3 × h × w. moves: k × 3 × 4, as `scenery` makes them. A source of k is none."""
    k, h, w = pictures.shape
    there, ahead, same = np.empty((h, w), np.float32), np.empty((h, w), np.float32), np.empty((h, w), np.bool_)
    for attempt in range(2):
        for row in range(h):
            for column in range(w):
                number, close = min(int(source[row, column]), k - 1), near[row, column]
                right, down = ways[0, row, column], ways[1, row, column]
                across = _moved(moves, number, 0, right, down, close)
                below = _moved(moves, number, 1, right, down, close)
                onward = _moved(moves, number, 2, right, down, close)
                far = max(onward, np.float32(LEAST_AHEAD))
                x[row, column], y[row, column], ahead[row, column] = across / far + w / 2, below / far + h / 2, onward
                at_row = int(min(max(y[row, column], 0), h - 1))
                there[row, column] = pictures[number, at_row, int(min(max(x[row, column], 0), w - 1))]
                wanted = close / far
                off = abs(there[row, column] - wanted)
                same[row, column] = there[row, column] >= 0 and off <= FAINT + SAME_NEAR * wanted
        for row in range(h):
            for column in range(w):
                alike, all_about = 0, 0
                for i in range(max(row - SPECK, 0), min(row + SPECK + 1, h)):
                    for j in range(max(column - SPECK, 0), min(column + SPECK + 1, w)):
                        alike, all_about = alike + same[i, j], all_about + 1
                known[row, column] = 2 * alike > all_about and there[row, column] > NOTHING
                if attempt == 0 and known[row, column] and not sure[row, column]:
                    near[row, column] = there[row, column] * max(ahead[row, column], np.float32(LEAST_AHEAD))
    for row in range(h):
        for column in range(w):
            margin = min(min(x[row, column], w - x[row, column]), min(y[row, column], h - y[row, column]))
            inside = margin >= BORDER and ahead[row, column] >= LEAST_AHEAD and source[row, column] < k
            known[row, column] = known[row, column] and inside
    _measure(x, y, source, near, finer)


@compiled
def close_crevices(
    colors: np.ndarray, known: np.ndarray, kept: np.ndarray, real: np.ndarray, near: np.ndarray, sure: np.ndarray
) -> None:  # fmt: skip
    """Fill crevices in n pictures, no wider than a few pixels, where it is `sure` how near it is, with what is `known` beside
    them and as near. colors: n × 3 × h × w; the others n × h × w."""
    n, h, w = near.shape
    for _ in range(CREVICE):
        before = known.copy()
        for number in range(n):
            for row in range(h):
                for column in range(w):
                    if before[number, row, column] or not sure[number, row, column]:
                        continue
                    much, much_kept, much_real, close, red, green, blue = 0, 0, 0, 0.0, 0.0, 0.0, 0.0
                    for i in range(row - 1, row + 2):
                        for j in range(column - 1, column + 2):
                            at, on = min(max(i, 0), h - 1), min(max(j, 0), w - 1)
                            if before[number, at, on]:
                                much += 1
                                much_kept += kept[number, at, on]
                                much_real += real[number, at, on]
                                close += near[number, at, on]
                                red += colors[number, 0, at, on]
                                green += colors[number, 1, at, on]
                                blue += colors[number, 2, at, on]
                    wanted = much * near[number, row, column]
                    if much > 9 * LEAST_BESIDE and abs(close - wanted) < SAME_NEAR * wanted:
                        known[number, row, column] = True
                        kept[number, row, column], real[number, row, column] = 2 * much_kept > much, 2 * much_real > much
                        colors[number, 0, row, column] = red / much
                        colors[number, 1, row, column] = green / much
                        colors[number, 2, row, column] = blue / much
