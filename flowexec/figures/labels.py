"""Where names go: each beside its own curve, away from the others, so that no legend is needed.

Everything here is plane geometry in pixels, y upwards, and deterministic.
"""

from __future__ import annotations

import math
import re
from itertools import product
from typing import NamedTuple

import numpy as np

OFFSET = 5.0
"""Pixels between a curve and its name."""

LINE = 1.3
"""Height of a line of text, in font sizes."""

_RADII = (OFFSET, 17.0, 32.0)  # beyond the first, a thin line leads from the curve to its name
_STEEPEST = math.radians(62)
#: Where the label lies as seen from its point: (right, up) in {-1, 0, 1}².
_SIDES = np.array([(1, 1), (0, 1), (1, -1), (-1, 1), (0, -1), (-1, -1), (1, 0), (-1, 0)], dtype=float)


class Place(NamedTuple):
    """A label's anchor on its curve, the side of it on which the text stands, how far away, and its slope."""

    point: tuple[float, float]
    side: tuple[float, float]
    """(right, up), −1 to 1; for a sloping text the unit normal of the curve."""
    distance: float
    angle: float
    """Radians, anticlockwise; 0 for level text."""


class _Boxes(NamedTuple):
    """Candidates for one label; arrays [candidate] and [candidate, 2]."""

    point: np.ndarray
    side: np.ndarray
    distance: np.ndarray
    angle: np.ndarray
    centre: np.ndarray
    half: np.ndarray
    """Half width and half height, [2]."""

    def gaps(self, points: np.ndarray) -> np.ndarray:
        """Distance from each box to each point, [candidate, point]; 0 inside."""
        away = points[None] - self.centre[:, None]
        cos, sin = np.cos(self.angle)[:, None], np.sin(self.angle)[:, None]
        along = np.abs(away[..., 0] * cos + away[..., 1] * sin) - self.half[0]
        across = np.abs(away[..., 1] * cos - away[..., 0] * sin) - self.half[1]
        result: np.ndarray = np.hypot(np.maximum(along, 0.0), np.maximum(across, 0.0))
        return result

    def corners(self) -> np.ndarray:
        """[candidate, 4, 2]."""
        signs = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
        return self.filled(signs)

    def filled(self, grid: np.ndarray) -> np.ndarray:
        """Points of the boxes at `grid` [n, 2] in units of their half sizes, [candidate, n, 2]."""
        inside = grid * self.half
        cos, sin = np.cos(self.angle)[:, None], np.sin(self.angle)[:, None]
        turned = np.stack(
            [
                inside[None, :, 0] * cos - inside[None, :, 1] * sin,
                inside[None, :, 0] * sin + inside[None, :, 1] * cos,
            ],
            -1,
        )
        result: np.ndarray = self.centre[:, None] + turned
        return result


def text_size(text: str, font: float) -> tuple[float, float]:
    """Width and height in pixels of a semi-bold text, about; `<br>` starts a line, other tags are nothing."""
    lines = [re.sub(r"<[^>]*>", "", line) for line in text.split("<br>")]
    return 0.55 * font * max(map(len, lines)) + 4, LINE * font * len(lines)


def place_labels(
    curves: list[np.ndarray],
    sizes: list[tuple[float, float]],
    frame: tuple[float, float],
    obstacles: np.ndarray,
) -> list[Place]:
    """The clearest place for each curve's label; the label with the least choice is placed first.

    For points along the curve the text is tried on all sides, level, further off on a leader, and along the
    curve's slope. Each box is charged for what it covers, for standing nearer to another curve than a reader
    could tell apart, for starting where curves cross, and a little for a slope, a leader, and for standing
    far left, where curves often begin together. The cheapest box wins.

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
    dense = [_resample(curve, 120) for curve in curves]
    boxes = [_candidates(curve, size) for curve, size in zip(curves, sizes, strict=True)]
    prices = [
        _price(box, dense[i], [d for j, d in enumerate(dense) if j != i], frame, obstacles)
        for i, box in enumerate(boxes)
    ]
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
        (x, y), (right, up) = box.point[best], box.side[best]
        places[i] = Place(
            (float(x), float(y)),
            (float(right), float(up)),
            *map(float, (box.distance[best], box.angle[best])),
        )
    return [places[i] for i in range(len(boxes))]


def _candidates(curve: np.ndarray, size: tuple[float, float]) -> _Boxes:
    half = np.array(size) / 2
    points = _resample(curve, 40)
    point = np.repeat(points, len(_SIDES) * len(_RADII), axis=0)
    side = np.tile(np.repeat(_SIDES, len(_RADII), axis=0), (len(points), 1))
    distance = np.tile(_RADII, len(points) * len(_SIDES))
    centre = point + side * (half + distance[:, None])
    angle = np.zeros(len(point))
    if len(points) > 2:
        for sign in (1.0, -1.0):
            anchor, normal, away, slope = _along(curve, half[0], points, sign)
            point = np.concatenate([point, anchor])
            side = np.concatenate([side, normal])
            distance = np.concatenate([distance, away])
            centre = np.concatenate([centre, anchor + normal * (half[1] + away[:, None])])
            angle = np.concatenate([angle, slope])
    return _Boxes(point, side, distance, angle, centre, half)


def _along(
    curve: np.ndarray, reach: float, points: np.ndarray, sign: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where a text `reach` long to either side can lie along the curve: points, normals, distances, slopes.

    The slope is that of the chord as long as the text, the distance what keeps the text clear of the arc.
    """
    fine = _resample(curve, 400)
    steps = max(int(np.ceil(reach / max(np.hypot(*(fine[1] - fine[0])), 1e-9))), 1)
    found = []
    for i, at in enumerate(np.linspace(0, 399, len(points)).astype(int)):
        if at - steps < 0 or at + steps > 399:
            continue
        arc = fine[at - steps : at + steps + 1]
        rise, run = arc[-1, 1] - arc[0, 1], arc[-1, 0] - arc[0, 0]
        slope = math.atan2(rise, run)
        if math.radians(6) < abs(slope) < _STEEPEST:
            normal = sign * np.array([-math.sin(slope), math.cos(slope)])
            bulge = float(((arc - points[i]) @ normal).max())
            found.append((points[i], normal, OFFSET - 2 + max(bulge, 0.0), slope))
    if not found:
        return np.empty((0, 2)), np.empty((0, 2)), np.empty(0), np.empty(0)
    anchor, normals, away, slopes = (np.array(column) for column in zip(*found, strict=True))
    return anchor, normals, away, slopes


def _price(
    box: _Boxes, own: np.ndarray, others: list[np.ndarray], frame: tuple[float, float], obstacles: np.ndarray
) -> np.ndarray:
    corners = box.corners()
    outside = (np.maximum(-corners, 0) + np.maximum(corners - np.array(frame), 0)).max(axis=(1, 2))
    price = (
        1e3 * np.minimum(outside, 10) + 4.0 * (1.0 - box.point[:, 0] / frame[0]) + 0.5 * (box.side[:, 1] <= 0)
    )
    led = (box.distance > OFFSET) & (box.angle == 0)
    price += np.where(led, 8 + 0.6 * box.distance, 0.0)
    price += np.where(box.angle != 0, 9 + 6 * np.abs(box.angle) + box.distance, 0.0)
    covered = (box.gaps(own) <= 1.0).sum(axis=1)
    price += 12.0 * covered + 25.0 * (covered > 0)
    if others:
        points = np.concatenate(others)
        gaps = box.gaps(points)
        away, covered = gaps.min(axis=1), (gaps <= 2.0).sum(axis=1)
        price += 20.0 * covered + 60.0 * (covered > 0)
        price += 3.0 * np.maximum(14 - away, 0) + 0.15 * np.maximum(44 - away, 0)
        crossing = np.hypot(*(box.point[:, None] - points[None]).transpose(2, 0, 1)).min(axis=1)
        price += 4.0 * np.maximum(14 - crossing, 0)
        leader = (
            box.point[:, None] + (box.side * box.distance[:, None])[:, None] * np.linspace(0.3, 1, 5)[:, None]
        )
        for step in range(leader.shape[1]):  # one at a time, for memory
            near = np.hypot(*(leader[:, step, None] - points[None]).transpose(2, 0, 1)).min(axis=1)
            price += 25.0 * (led & (near <= 3))
    if len(obstacles):
        covered = (box.gaps(obstacles) <= 2.0).sum(axis=1)
        price += 8.0 * np.minimum(covered, 20) + 20.0 * (covered > 0)
    result: np.ndarray = price
    return result


def _resample(curve: np.ndarray, count: int) -> np.ndarray:
    """Points at equal distances along the curve."""
    if len(curve) == 1:
        return curve
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    if length[-1] == 0:
        return curve[:1]
    at = np.linspace(0.0, length[-1], count)
    return np.column_stack([np.interp(at, length, curve[:, 0]), np.interp(at, length, curve[:, 1])])
