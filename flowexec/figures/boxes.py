"""Where a label could stand: boxes around the points of its curve, level, on leaders, or along the slope.

Plane geometry in pixels, y upwards.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

OFFSET = 5.0
"""Pixels between a curve and its name."""

LINE = 1.3
"""Height of a line of text, in font sizes."""

_STEEPEST = math.radians(62)
_ALONG = 3.0  # pixels between a curve and a name that lies along it
#: Where the label lies as seen from its point: (right, up) in {-1, 0, 1}².
_SIDES = [(1, 1), (0, 1), (1, -1), (-1, 1), (0, -1), (-1, -1), (1, 0), (-1, 0)]
#: How far away, on a thin line that leads from the curve to its name; single points may need longer ones.
_LEADERS = {"curve": (17.0, 32.0), "point": (18.0, 34.0, 54.0, 76.0)}


class Boxes(NamedTuple):
    """Candidates for one label."""

    point: np.ndarray
    """On the curve, [candidate, 2]."""
    side: np.ndarray
    """Which side of it, (right, up) in {-1, 0, 1}², [candidate, 2]; (0, 0) for a sloping text."""
    offset: np.ndarray
    """From the point to the text's nearest corner or edge, or a sloping text's middle, [candidate, 2]."""
    angle: np.ndarray
    """Radians, anticlockwise, [candidate]."""
    half: np.ndarray
    """Half width and half height, [2]."""
    led: np.ndarray
    """Whether a leader is needed, [candidate]."""

    @property
    def centre(self) -> np.ndarray:
        """[candidate, 2]."""
        middle: np.ndarray = self.point + self.offset + self.side * self.half
        return middle

    def gaps(self, points: np.ndarray) -> np.ndarray:
        """Distance from each box to each point, [candidate, point]; 0 inside."""
        (x, y), (middle_x, middle_y) = points.T, self.centre.T
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        along = _beyond(cos, x, sin, y, middle_x * cos + middle_y * sin, self.half[0])
        across = _beyond(-sin, x, cos, y, middle_y * cos - middle_x * sin, self.half[1])
        along *= along
        across *= across
        along += across
        result: np.ndarray = np.sqrt(along, out=along)
        return result

    def filled(self, grid: np.ndarray) -> np.ndarray:
        """Points of the boxes at `grid` [n, 2] in units of their half sizes, [candidate, n, 2]."""
        x, y = (grid * self.half).T
        cos, sin = np.cos(self.angle)[:, None], np.sin(self.angle)[:, None]
        result: np.ndarray = self.centre[:, None] + np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)
        return result


def _beyond(
    a: np.ndarray, x: np.ndarray, b: np.ndarray, y: np.ndarray, middle: np.ndarray, half: float
) -> np.ndarray:
    """How far a x + b y is from within `half` of the middle, [candidate, point].

    In place: these arrays are most of what drawing a figure costs.
    """
    result: np.ndarray = a[:, None] * x
    result += b[:, None] * y
    result -= middle[:, None]
    np.abs(result, out=result)
    result -= half
    np.maximum(result, 0.0, out=result)
    return result


def text_size(text: str, font: float) -> tuple[float, float]:
    """Width and height in pixels of a semi-bold text, about; `<br>` starts a line, other tags are nothing."""
    lines = [re.sub(r"<[^>]*>", "", line) for line in text.split("<br>")]
    return 0.55 * font * max(map(len, lines)) + 4, LINE * font * len(lines)


def wrapped(text: str, width: float, font: float) -> str:
    """The text in two lines, broken at the space nearest its middle, if it is wider than `width` in one."""
    spaces = [i for i, letter in enumerate(text) if letter == " "]
    if "<br>" in text or not spaces or text_size(text, font)[0] <= width:
        return text
    middle = min(spaces, key=lambda i: abs(i - len(text) / 2))
    return f"{text[:middle]}<br>{text[middle + 1 :]}"


def candidates(curve: np.ndarray, size: tuple[float, float], clear: float = 0.0) -> Boxes:
    """All boxes of `size` that may name the curve [point, 2]; `clear`: radius of a lone point's marker."""
    half = np.array(size) / 2
    points = resample(curve, 40)
    reaches = [np.array(side) * (OFFSET + clear * (0.6 if 0 not in side else 1.0)) for side in _SIDES]
    sides = list(_SIDES)
    for radius in _LEADERS["point" if len(points) == 1 else "curve"]:
        for right, up in _SIDES:
            ways = (
                [(right, up)]
                if 0 in (right, up) or len(points) > 1
                else [(right, up), (right, up / 3), (right / 3, up)]
            )
            reaches += [np.array(way) * (radius + clear) for way in ways]
            sides += [(right, up)] * len(ways)
    count = len(points)
    point = np.repeat(points, len(sides), axis=0)
    side = np.tile(np.array(sides, dtype=float), (count, 1))
    offset = np.tile(np.array(reaches), (count, 1))
    led = np.tile(np.arange(len(sides)) >= len(_SIDES), count)
    angle = np.zeros(len(point))
    if count > 2:
        anchor, normal, slope = _along(curve, points, half)
        point, offset = np.concatenate([point, anchor]), np.concatenate([offset, normal])
        side = np.concatenate([side, np.zeros_like(normal)])
        angle = np.concatenate([angle, slope])
        led = np.concatenate([led, np.zeros(len(slope), dtype=bool)])
    return Boxes(point, side, offset, angle, half, led)


def _along(
    curve: np.ndarray, points: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a text can lie along the curve: points, ways from there to the text's middle, slopes.

    The slope is that of the chord as long as the text, the distance what keeps the text clear of the arc.
    """
    fine = resample(curve, 400)
    steps = max(int(np.ceil(half[0] / max(np.hypot(*(fine[1] - fine[0])), 1e-9))), 1)
    anchors, ways, slopes = [], [], []
    for i, at in enumerate(np.linspace(0, 399, len(points)).astype(int)):
        if at - steps < 0 or at + steps > 399:
            continue
        arc = fine[at - steps : at + steps + 1]
        slope = math.atan2(arc[-1, 1] - arc[0, 1], arc[-1, 0] - arc[0, 0])
        if not math.radians(6) < abs(slope) < _STEEPEST:
            continue
        for normal in (
            np.array([-math.sin(slope), math.cos(slope)]),
            np.array([math.sin(slope), -math.cos(slope)]),
        ):
            bulge = max(float(((arc - points[i]) @ normal).max()), 0.0)
            anchors.append(points[i])
            ways.append(normal * (_ALONG + bulge + half[1]))
            slopes.append(slope)
    return np.array(anchors).reshape(-1, 2), np.array(ways).reshape(-1, 2), np.array(slopes)


def resample(curve: np.ndarray, count: int) -> np.ndarray:
    """Points at equal distances along the curve."""
    if len(curve) == 1:
        return curve
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    if length[-1] == 0:
        return curve[:1]
    at = np.linspace(0.0, length[-1], count)
    return np.column_stack([np.interp(at, length, curve[:, 0]), np.interp(at, length, curve[:, 1])])
