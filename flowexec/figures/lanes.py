"""Names of vertical lines: which line of text each takes, so that none covers another."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from .boxes import OFFSET


class Mark(NamedTuple):
    """A vertical line with a name."""

    x: float
    text: str
    colour: str
    dash: str


class Lane(NamedTuple):
    """Of a vertical line's label: lines of text from the top, and right (+1) or left (−1) of its line."""

    number: int
    side: int


def stack_lanes(positions: list[float], widths: list[float], frame: float) -> list[Lane]:
    """Labels of vertical lines, in as few lanes as cover neither one another nor a line.

    A line reaches up to its own label's lane, so a label may pass over lines whose labels are in lower lanes.
    Up to four labels are arranged in the best way there is, more from the edges inwards.
    """
    count = len(positions)
    spans = [
        {1: (x, x + w + OFFSET), -1: (x - w - OFFSET, x)} for x, w in zip(positions, widths, strict=True)
    ]

    def fits(i: int, one: Lane, j: int, other: Lane) -> bool:
        left, right = spans[i][one.side]
        begin, end = spans[j][other.side]
        apart = one.number != other.number or left >= end or right <= begin
        return apart and (not left < positions[j] < right or other.number > one.number)

    def charge(i: int, lane: Lane) -> float:
        left, right = spans[i][lane.side]
        return 10.0 * lane.number + (lane.side < 0) + 1e3 * (left < 0 or right > frame)

    if count <= 4:
        options = [Lane(number, side) for number in range(count) for side in (1, -1)]
        pairs = [(i, j) for i in range(count) for j in range(count) if i != j]

        def total(lanes: tuple[Lane, ...]) -> float:
            clashes = sum(not fits(i, lanes[i], j, lanes[j]) for i, j in pairs)
            return sum(charge(i, lane) for i, lane in enumerate(lanes)) + 1e4 * clashes

        arrangements: list[tuple[Lane, ...]] = list(product(options, repeat=count))
        best: tuple[Lane, ...] = min(arrangements, key=total)
        return list(best)
    chosen: dict[int, Lane] = {}
    for i in sorted(range(count), key=lambda j: min(positions[j], frame - positions[j])):
        chosen[i] = min(
            (Lane(number, side) for number in range(count) for side in (1, -1)),
            key=lambda lane: (
                charge(i, lane)
                + sum(
                    1e4
                    for j, other in chosen.items()
                    if not (fits(i, lane, j, other) and fits(j, other, i, lane))
                )
            ),
        )
    return [chosen[i] for i in range(count)]
