"""Which place a name gets: beside its own curve, away from the others, so that no legend is needed.

Deterministic; plane geometry in pixels, y upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from .boxes import Boxes, candidates, resample


class Place(NamedTuple):
    """A label's anchor on its curve, where the text stands as seen from it, and how good the place is."""

    point: tuple[float, float]
    side: tuple[int, int]
    """(right, up) in {-1, 0, 1}²; (0, 0) for a sloping text."""
    offset: tuple[float, float]
    """Pixels from the point to the text's nearest corner or edge, to its middle for a sloping text."""
    angle: float
    """Radians, anticlockwise; 0 for level text."""
    led: bool
    """Whether a thin line should lead from the point to the text."""
    price: float
    """Around 10 where all is clear, above `UNCLEAR` where a reader could be misled."""


UNCLEAR = 75.0


def place_labels(
    curves: Sequence[np.ndarray],
    sizes: Sequence[tuple[float, float]],
    frame: tuple[float, float],
    obstacles: np.ndarray,
    clear: Sequence[float] | None = None,
    colours: Sequence[str] | None = None,
) -> list[Place]:
    """The clearest place for each curve's label; the label with the least choice is placed first.

    For points along the curve the text is tried on all sides, level, further off on a leader, and along the
    curve's slope. Each box is charged for what it covers, for standing nearer to another curve than a reader
    could tell apart, for starting where curves cross, for a leader over another curve, and a little for a
    slope, a leader, and for standing far left, where curves often begin together. The cheapest box wins.

    Parameters
    ----------
    curves : list of array [point, 2]
        Pixels; a curve may be a single point.
    sizes : list of (width, height)
    frame : (width, height)
        The box may not leave it.
    obstacles : array [point, 2]
        Anything else that must stay readable.
    clear : list of float, optional
        Radius of each curve's own marker.
    colours : list of str, optional
        A name may stand near a curve of another colour more easily than near one of its own.

    Notes
    -----
    Pinned by `tests/figures/test_labels.py`.
    """
    clear = [0.0] * len(curves) if clear is None else clear
    dense = [resample(curve, 120) for curve in curves]
    boxes = [candidates(*each) for each in zip(curves, sizes, clear, strict=True)]
    prices = [
        _price(box, dense[i], [d for j, d in enumerate(dense) if j != i], frame, obstacles)
        for i, box in enumerate(boxes)
    ]
    for i, j in product(range(len(boxes)), repeat=2):
        if colours is not None and i != j and colours[i] == colours[j] and len(dense[i]) > 1:
            prices[i] += 5.0 * np.maximum(14 - _nearest(boxes[i].point, dense[j]), 0)
    grid = np.array(list(product(np.linspace(-1, 1, 15), (-1.0, 0.0, 1.0))))
    places: dict[int, Place] = {}
    taken = np.empty((0, 2))
    for i in sorted(range(len(boxes)), key=lambda j: -prices[j].min()):
        box, price = boxes[i], prices[i]
        if len(taken):
            away = box.gaps(taken).min(axis=1)
            price = price + 500.0 * (away <= 1) + 2.0 * np.maximum(9 - away, 0)
        best = int(np.argmin(price))
        taken = np.concatenate([taken, box.filled(grid)[best]])
        (x, y), (right, up), (across, along) = box.point[best], box.side[best], box.offset[best]
        places[i] = Place(
            (float(x), float(y)),
            (int(right), int(up)),
            (float(across), float(along)),
            float(box.angle[best]),
            bool(box.led[best]),
            float(price[best]),
        )
    return [places[i] for i in range(len(boxes))]


def _price(
    box: Boxes, own: np.ndarray, others: list[np.ndarray], frame: tuple[float, float], obstacles: np.ndarray
) -> np.ndarray:
    corners = box.filled(np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)]))
    outside = (np.maximum(-corners, 0) + np.maximum(corners - np.array(frame), 0)).max(axis=(1, 2))
    far = np.hypot(*box.offset.T)
    price: np.ndarray = 1e3 * np.minimum(outside, 10) + 4.0 * (1.0 - box.point[:, 0] / frame[0])
    price += 0.5 * (box.side[:, 1] <= 0)
    price += np.where(box.led, 8 + 0.5 * far, 0.0)
    price += np.where(box.angle != 0, 9 + 6 * np.abs(box.angle) + far - box.half[1], 0.0)
    covered = (box.gaps(own) <= 1.0).sum(axis=1)
    price += 12.0 * covered + 25.0 * (covered > 0)
    if others:
        points = np.concatenate(others)
        gaps = box.gaps(points)
        away, covered = gaps.min(axis=1), (gaps <= 2.0).sum(axis=1)
        price += 20.0 * covered + 60.0 * (covered > 0)
        price += 3.0 * np.maximum(14 - away, 0) + 0.15 * np.maximum(44 - away, 0)
        if len(own) > 1:  # where curves cross, nobody knows whose name it is
            price += 4.0 * np.maximum(14 - _nearest(box.point, points), 0)
        led = np.flatnonzero(box.led)
        for share in np.linspace(0.3, 1.0, 5):
            crossed = _nearest(box.point[led] + share * box.offset[led], points) <= 3
            price[led] += 20.0 * crossed
    if len(obstacles):
        covered = (box.gaps(obstacles) <= 2.0).sum(axis=1)
        price += 8.0 * np.minimum(covered, 20) + 20.0 * (covered > 0)
    return price


def _nearest(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Distance from each of `these` to the nearest of `those`."""
    across, along = (these[:, way, None] - those[:, way] for way in (0, 1))
    across *= across
    along *= along
    across += along
    result: np.ndarray = np.sqrt(across.min(axis=1))
    return result
