"""Differences with their intervals, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..analytics.statistics import Estimate
from .annotations import note
from .axes import Axis
from .boxes import text_size
from .drawing import Drawing
from .identity import identities
from .inputs import check_estimate, check_named
from .theme import INK, MUTED
from .wording import decimals, estimate, fixed, listed

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_FAR = 12.0  # times as far as all before it: a row that would press the others together


class Row(NamedTuple):
    """A difference, its 95 % interval, and whether it is told from zero."""

    name: str
    item: Estimate
    low: float
    high: float
    clear: bool

    @classmethod
    def of(cls, name: str, item: Estimate) -> Row:
        """With the normal interval, and clear where that does not hold zero."""
        low, high = item.interval
        return cls(name, item, low, high, not low <= 0 <= high)

    @property
    def reach(self) -> float:
        """How far from zero it reaches."""
        return max(abs(self.low), abs(self.high))


def forest(
    differences: Mapping[str, Estimate],
    *,
    x_title: str,
    zero: str = "no difference",
    better: str = "",
    worse: str = "",
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """Differences with their 95 % intervals, one row each; hollow where the interval holds zero.

    A row many times further from zero than the others is off the axis: an arrow at the edge has its value.

    Parameters
    ----------
    differences : mapping of str to Estimate
        From top to bottom, for instance paired differences of mean cost to TWAP. Names that agree up to their
        first comma share a colour.
    x_title : str
        With the unit.
    zero : str
        What zero means; stands at the zero line.
    better, worse : str
        What lies left and right of it.
    alt, height
        As in `path_fan`; by default as high as the rows need.

    Notes
    -----
    Pinned by `tests/figures/test_comparisons.py`.
    """
    differences = check_named("differences", differences)
    rows = [
        Row.of(name, check_estimate(f"differences[{name!r}]", item)) for name, item in differences.items()
    ]
    drawing = forest_drawing(rows, x_title=x_title, zero=zero, better=better, worse=worse, height=height)
    return drawing.figure(alt or forest_words(rows, x_title, zero))


def forest_words(rows: Sequence[Row], x_title: str, zero: str) -> str:
    """A forest in a sentence."""
    clear = [f"{row.name} ({estimate(row.item, signed=True)})" for row in rows if row.clear]
    return (
        f"{x_title} of {len(rows)} rows with 95 % intervals; away from {zero} "
        + (f"lie {listed(clear)}" if clear else "lies none")
        + f"; {len(rows) - len(clear)} of {len(rows)} intervals hold zero."
    )


def forest_drawing(
    rows: Sequence[Row],
    *,
    x_title: str,
    zero: str,
    better: str = "",
    worse: str = "",
    height: int | None = None,
    page_names: bool = True,
) -> Drawing:
    """The forest alone; `page_names` as in `Drawing`."""
    count = len(rows)
    height = height if height is not None else 110 + 38 * count
    ticks = {float(count - 1 - i): row.name for i, row in enumerate(rows)}
    drawing = Drawing(
        Axis(x_title, zero=True, zero_line=True),
        [Axis("", limits=(-0.6, count - 0.3), ticks=ticks)],
        height=height,
        narrow_height=height,
        margin=0.06,
        room=(
            0.0 if any(row.low < 0 for row in rows) else 10.0,
            56.0,
        ),  # a marker at zero is no name's neighbor
        top=22,
        row_names=ticks,
        page_names=page_names,
    )
    _say_sides(drawing, rows, zero, better, worse)
    groups = {row.name: row.name.split(",")[0] for row in rows}
    looks = identities(dict.fromkeys(groups.values()))
    places = decimals(max(row.item.standard_error for row in rows))
    far = _far(rows)
    for at, row in zip(ticks, rows, strict=True):
        colour, value = looks[groups[row.name]].colour, fixed(row.item.value, places, signed=True)
        if row in far:
            right = row.item.value > 0
            text = f"{value} ▶" if right else f"◀ {value}"
            side = (-1 if right else 1, 0)
            place = (1 if right else 0, at), ("paper", "y")
            drawing.notes.append(note(text, *place, side, colour=colour, bold=True, shift=(0, 0)))
            drawing.extend(0, [], [at])
            continue
        drawing.points(
            [row.item.value],
            [at],
            error_x=([row.item.value - row.low], [row.high - row.item.value]),
            colour=colour,
            size=9,
            hollow=[not row.clear],
            hover=f"{row.name}: {estimate(row.item, signed=True)} (s.e.)",
        )
        drawing.note(value, row.high, at, colour=INK, shift=(9, 0))
    return drawing


def _far(rows: Sequence[Row]) -> list[Row]:
    """The rows, less than half of all, that lie beyond a gap in the rows' reaches."""
    ordered = sorted(rows, key=lambda row: row.reach)
    reaches = np.array([row.reach for row in ordered])
    for i in range(len(ordered) // 2 + 1, len(ordered)):
        if reaches[i] > _FAR * reaches[i - 1] > 0:
            return ordered[i:]
    return []


def _say_sides(drawing: Drawing, rows: Sequence[Row], zero: str, better: str, worse: str) -> None:
    """What zero means, at its line, and what lies left and right of it."""
    words = [f"← {better}" if better else "", f"{worse} →" if worse else ""]
    drawing.notes.append(note(zero, (0, 1), ("x", "paper"), (0, 1), colour=MUTED, bold=True, shift=(0, 2)))
    side_room = text_size(zero, 13)[0] / 2 + 12
    for side, word in zip((-1, 1), words, strict=True):
        if word:
            at = (0, 1), ("x", "paper")
            drawing.notes.append(
                note(word, *at, (side, 1), colour=MUTED, bold=False, shift=(side * side_room, 2))
            )
    if better:  # the axis reaches far enough left for the word, also on a phone
        far = _far(rows)
        widest = max(row.reach for row in rows if row not in far)
        drawing.x.reach([-widest * (side_room + text_size(words[0], 13)[0]) / 160])
