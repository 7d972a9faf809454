"""Differences with their intervals, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..analytics.statistics import NORMAL_95, Estimate
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
    items = {name: check_estimate(f"differences[{name!r}]", e) for name, e in differences.items()}
    rows = len(items)
    height = height if height is not None else 110 + 38 * rows
    ticks = {float(rows - 1 - i): name for i, name in enumerate(items)}
    words = [f"← {better}" if better else "", f"{worse} →" if worse else ""]
    drawing = Drawing(
        Axis(x_title, zero=True, zero_line=True),
        [Axis("", limits=(-0.6, rows - 0.3), ticks=ticks)],
        height=height,
        narrow_height=height,
        margin=0.06,
        room=(0.0, 56.0),
        top=22,
        row_names=ticks,
    )
    drawing.notes.append(note(zero, (0, 1), ("x", "paper"), (0, 1), colour=MUTED, bold=True, shift=(0, 2)))
    side_room = text_size(zero, 13)[0] / 2 + 12
    for side, word in zip((-1, 1), words, strict=True):
        if word:
            at = (0, 1), ("x", "paper")
            drawing.notes.append(
                note(word, *at, (side, 1), colour=MUTED, bold=False, shift=(side * side_room, 2))
            )
    if better:  # the axis reaches far enough left for the word, also on a phone
        widest = max(abs(e.value) + NORMAL_95 * e.standard_error for e in items.values())
        drawing.x.reach([-widest * (side_room + text_size(words[0], 13)[0]) / 160])
    groups = {name: name.split(",")[0] for name in items}
    looks = identities(dict.fromkeys(groups.values()))
    places = decimals(max(item.standard_error for item in items.values()))
    clear = []
    for i, (name, item) in enumerate(items.items()):
        half = NORMAL_95 * item.standard_error
        undecided = abs(item.value) <= half
        if not undecided:
            clear.append(f"{name} ({estimate(item, signed=True)})")
        drawing.points(
            [item.value],
            [rows - 1 - i],
            error_x=[half],
            colour=looks[groups[name]].colour,
            size=9,
            hollow=[undecided],
            hover=f"{name}: {estimate(item, signed=True)} (s.e.)",
        )
        drawing.note(
            fixed(item.value, places, signed=True), item.value + half, rows - 1 - i, colour=INK, shift=(9, 0)
        )
    return drawing.figure(
        alt
        or f"{x_title} of {rows} rows with 95 % intervals; away from {zero} "
        + (f"lie {listed(clear)}" if clear else "lies none")
        + f"; {rows - len(clear)} of {rows} intervals hold zero."
    )
