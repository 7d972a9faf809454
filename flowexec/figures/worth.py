"""What adapting is worth: a map of numbers over two parameters, and a slider over a third."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import Axis, ColourAxis
from .board import Choice, Control, View, board
from .drawing import Drawing
from .inputs import check_named, check_table
from .maps import cells, scale_bar
from .wording import fixed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_COLUMNS, _MOST_ROWS = 9, 12


def worth_map(
    values: Mapping[str, Any],
    *,
    x: Sequence[float | str],
    y: Sequence[float | str],
    x_title: str,
    y_title: str,
    z_title: str,
    control: str = "Risk aversion",
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """Numbers over two parameters, each in a cell of its color, with a slider over a third parameter.

    Parameters
    ----------
    values : mapping of str to array [y, x]
        A map for each of the slider's texts, in its order; a single one has no slider. All share a scale.
    x, y : sequence of float or str
        The parameters' values in any steps, from the left and from the bottom; at most 9 and 12, so that the
        numbers fit on a phone.
    x_title, y_title, z_title : str
        With units.
    control : str
        What the slider chooses.
    alt, height
        As in `path_fan`; by default as high as the rows need.

    Notes
    -----
    Pinned by `tests/figures/test_maps.py`.
    """
    values = check_named("values", values)
    columns, rows = _texts("x", x, _MOST_COLUMNS), _texts("y", y, _MOST_ROWS)
    tables = {
        name: check_table(f"values[{name!r}]", table, (len(rows), len(columns)))
        for name, table in values.items()
    }
    low = min(0.0, *(float(table.min()) for table in tables.values()))
    high = max(float(table.max()) for table in tables.values())
    scale = ColourAxis(z_title, low, high if high > low else low + 1.0)
    titles = (x_title, y_title)
    height = height if height is not None else 80 + 40 * len(rows)
    views: dict[Choice, View] = {}
    for i, (name, table) in enumerate(tables.items()):
        said = alt or _said(
            table, columns, rows, titles, z_title, f"{control} {name}: " if len(tables) > 1 else ""
        )
        choice = (i,) if len(tables) > 1 else ()
        views[choice] = View((scale_bar(scale), _drawing(table, columns, rows, scale, titles, height)), said)
    controls = [Control(control, tuple(tables), slider=True)] if len(tables) > 1 else []
    return board(views, controls, columns=((1.0,), (1.0,)))


def _texts(name: str, values: Sequence[float | str], most: int) -> list[str]:
    if isinstance(values, str) or not 0 < len(values) <= most:
        raise ValueError(
            f"`{name}` must hold 1 to {most} values, so that numbers fit on a phone, got {values!r:.80}"
        )
    return [value if isinstance(value, str) else number(value) for value in values]


def _drawing(
    table: np.ndarray,
    columns: Sequence[str],
    rows: Sequence[str],
    scale: ColourAxis,
    titles: tuple[str, str],
    height: int,
) -> Drawing:
    drawing = Drawing(
        Axis(
            titles[0],
            limits=(-0.5, len(columns) - 0.5),
            ticks={float(i): text for i, text in enumerate(columns)},
            keep_ticks=True,
        ),
        [
            Axis(
                titles[1],
                limits=(-0.5, len(rows) - 0.5),
                ticks={float(j): text for j, text in enumerate(rows)},
            )
        ],
        height=height,
        narrow_height=height,
        colours=scale,
    )
    texts = [[_short(value) for value in row] for row in table]
    hovers = [
        [
            f"{titles[0]} {columns[i]}<br>{titles[1]} {rows[j]}<br>{number(table[j, i])}"
            for i in range(len(columns))
        ]
        for j in range(len(rows))
    ]
    cells(drawing, table, texts, hovers)
    return drawing


def _short(value: float) -> str:
    """Two digits of a number, one of a small one: what fits in a cell on a phone."""
    return fixed(value, 0 if abs(value) >= 9.95 else 1 if abs(value) >= 0.995 else 2)


def _said(
    table: np.ndarray,
    columns: Sequence[str],
    rows: Sequence[str],
    titles: tuple[str, str],
    z_title: str,
    begin: str,
) -> str:
    """The map in a sentence: where it is smallest and where largest."""
    across, up = (title.split(" (")[0] for title in titles)
    ends = []
    for at in (int(np.argmin(table)), int(np.argmax(table))):
        j, i = divmod(at, len(columns))
        ends.append(f"{number(table[j, i])} at {across} {columns[i]} and {up} {rows[j]}")
    return f"{begin}{z_title} over {across} and {up} goes from {ends[0]} to {ends[1]}."
