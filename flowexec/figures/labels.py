"""Where names go: each beside its own curve, away from the others, so that no legend is needed.

Everything here is plane geometry in pixels, y upwards, and deterministic.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

OFFSET = 5.0
"""Pixels between a curve and its name."""

#: Where the label lies as seen from its point: (right, up) in {-1, 0, 1}².
_SIDES = np.array([(1, 1), (0, 1), (1, -1), (-1, 1), (0, -1), (-1, -1), (1, 0), (-1, 0)], dtype=float)


class Place(NamedTuple):
    """A label's anchor: a point of its curve, and the side of it on which the text stands."""

    point: tuple[float, float]
    side: tuple[int, int]


def text_size(text: str, font: float) -> tuple[float, float]:
    """Width and height in pixels of a text in a semi-bold sans serif, `<br>` starting a new line; never too small by much."""
    lines = text.split("<br>")
    return 0.58 * font * max(map(len, lines)) + 2, 1.3 * font * len(lines)


def place_labels(
    curves: list[np.ndarray], sizes: list[tuple[float, float]], frame: tuple[float, float], obstacles: np.ndarray
) -> list[Place]:
    """The clearest place for each curve's label, one after the other.

    For every point of the curve and every side of it, the text's box is charged for what it covers (other
    curves, obstacles, its own curve), for standing nearer to another curve than a reader could tell apart, and a
    little for standing far left, where curves often begin together. The cheapest box wins.

    Parameters
    ----------
    curves : list of array [point, 2]
        Pixels; a curve may be a single point.
    sizes : list of (width, height)
    frame : (width, height)
        The box may not leave it.
    obstacles : array [point, 2]
        Anything else that must stay readable.

    Notes
    -----
    Pinned by `tests/figures/test_labels.py`.
    """
    dense = [_resample(curve) for curve in curves]
    taken: list[np.ndarray] = []
    places = []
    for i, (width, height) in enumerate(sizes):
        points = np.repeat(_resample(curves[i], 64), len(_SIDES), axis=0)
        sides = np.tile(_SIDES, (len(points) // len(_SIDES), 1))
        centre = points + sides * (np.array([width, height]) / 2 + OFFSET)
        low, high = centre - np.array([width, height]) / 2, centre + np.array([width, height]) / 2
        price = 4.0 * (1.0 - points[:, 0] / frame[0]) + 0.5 * (sides[:, 1] <= 0)
        outside = np.maximum(-low, 0).sum(1) + np.maximum(high - np.array(frame), 0).sum(1)
        price += 1e3 * np.minimum(outside, 10)
        price += 8.0 * _covered(low, high, dense[i], 1.0)
        others = [curve for j, curve in enumerate(dense) if j != i]
        if others:
            away = _distance(low, high, np.concatenate(others))
            price += 40.0 * (away <= 2) + 3.0 * np.maximum(16 - away, 0) + 0.2 * np.maximum(48 - away, 0)
        if len(obstacles):
            price += 12.0 * np.minimum(_covered(low, high, obstacles, 2.0), 20)
        for box in taken:
            clear = np.maximum(np.maximum(low - box[2:], box[:2] - high), 0).sum(1)
            price += 500.0 * (clear <= 0) + 2.0 * np.maximum(10 - clear, 0)
        best = int(np.argmin(price))
        taken.append(np.concatenate([low[best], high[best]]))
        places.append(Place((float(points[best, 0]), float(points[best, 1])), (int(sides[best, 0]), int(sides[best, 1]))))
    return places


def _resample(curve: np.ndarray, count: int = 160) -> np.ndarray:
    """Points at equal distances along the curve."""
    if len(curve) == 1:
        return curve
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    if length[-1] == 0:
        return curve[:1]
    at = np.linspace(0.0, length[-1], count)
    return np.column_stack([np.interp(at, length, curve[:, 0]), np.interp(at, length, curve[:, 1])])


def _gaps(low: np.ndarray, high: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance from each box to each point, [box, point]; 0 inside."""
    gap = np.maximum(np.maximum(low[:, None] - points, points - high[:, None]), 0.0)
    return np.hypot(gap[..., 0], gap[..., 1])


def _distance(low: np.ndarray, high: np.ndarray, points: np.ndarray) -> np.ndarray:
    return _gaps(low, high, points).min(axis=1)


def _covered(low: np.ndarray, high: np.ndarray, points: np.ndarray, margin: float) -> np.ndarray:
    return (_gaps(low, high, points) <= margin).sum(axis=1)


def stack_lanes(positions: list[float], widths: list[float], frame: float) -> list[tuple[int, int]]:
    """For labels of vertical lines: (lane from the top, side) so that none covers another.

    A label stands right of its line (+1) where it fits, else left (−1), in the first lane with room.
    """
    taken: list[tuple[int, float, float]] = []
    result: dict[int, tuple[int, int]] = {}
    for i in sorted(range(len(positions)), key=lambda j: positions[j]):
        x, width = positions[i], widths[i] + OFFSET
        side = 1 if x + width <= frame or x < width else -1
        left, right = (x, x + width) if side > 0 else (x - width, x)
        lane = 0
        while any(lane == other and left < end and right > begin for other, begin, end in taken):
            lane += 1
        taken.append((lane, left, right))
        result[i] = (lane, side)
    return [result[i] for i in range(len(positions))]
