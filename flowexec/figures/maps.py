"""Maps: bands and cells in the colors of one scale, and the bar that says what these mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .axes import Axis, ColourAxis
from .drawing import Drawing
from .ramp import text_on
from .theme import INK, PAPER

_BAR = 11  # pixels
_SMOOTH = 120  # cells of a bar without steps
_AXES = {"xaxis": "x", "yaxis": "y"}


def scale_bar(scale: ColourAxis) -> Drawing:
    """A bar of the scale's colors over an axis of its own."""
    step = scale.step or (scale.high - scale.low) / _SMOOTH
    edges = scale.low + step * np.arange(round((scale.high - scale.low) / step) + 1)
    drawing = Drawing(
        Axis(scale.title, limits=(scale.low, scale.high)),
        [Axis("", limits=(0.0, 1.0), ticks={})],
        height=14 + _BAR + 56,
        narrow_height=12 + _BAR + 50,
        colours=scale,
    )
    _add(
        drawing,
        "heatmap",
        edges,
        np.array([0.0, 1.0]),
        0.5 * (edges[1:] + edges[:-1])[None],
        hoverinfo="skip",
    )
    return drawing


def bands(drawing: Drawing, x: np.ndarray, y: np.ndarray, z: np.ndarray, *, hover: str) -> None:
    """Areas between the levels of the drawing's scale, z [y, x] in its first row."""
    scale = _scale(drawing)
    levels = {"start": scale.low + scale.step, "end": scale.high - scale.step, "size": scale.step}
    _add(
        drawing,
        "contour",
        x,
        y,
        z.astype(np.float32),  # half the page's weight
        contours={"coloring": "fill", **levels},
        line={"width": 0},
        hovertemplate=hover + "<extra></extra>",
    )


def outline(drawing: Drawing, x: np.ndarray, y: np.ndarray, inside: np.ndarray) -> None:
    """The border of the region where `inside` [y, x] is true."""
    _add(
        drawing,
        "contour",
        x,
        y,
        inside.astype(np.float32),
        contours={"type": "constraint", "operation": ">", "value": 0.5},
        fillcolor="rgba(0,0,0,0)",
        line={"color": INK, "width": 1.6, "dash": "dot"},
        showlegend=False,
        hoverinfo="skip",
    )


def cells(
    drawing: Drawing, table: np.ndarray, texts: Sequence[Sequence[str]], hovers: Sequence[Sequence[str]]
) -> None:
    """A cell around each pair of whole numbers, its text in a color that can be read on it, all [y, x]."""
    scale = _scale(drawing)
    rows, columns = table.shape
    _add(
        drawing,
        "heatmap",
        np.arange(columns),
        np.arange(rows),
        table,
        xgap=1,
        ygap=1,
        hoverinfo="skip",
    )
    places = [(i, j, text_on(scale.position(table[j, i]))) for j in range(rows) for i in range(columns)]
    for colour in dict.fromkeys(own for _, _, own in places):
        chosen = [(i, j) for i, j, own in places if own == colour]
        drawing.traces.append(
            {
                "type": "scatter",
                "mode": "text",
                "x": [i for i, _ in chosen],
                "y": [j for _, j in chosen],
                "text": [texts[j][i] for i, j in chosen],
                "textfont": {"color": colour, "size": 13},
                "customdata": [hovers[j][i] for i, j in chosen],
                "hovertemplate": "%{customdata}<extra></extra>",
                "showlegend": False,
                **_AXES,
            }
        )


def cut(drawing: Drawing, x: np.ndarray, y: float, *, colour: str, dash: str) -> None:
    """A level line across a map, in a band of the page's color so that it is seen on every color."""
    ends = x[[0, -1]], [y, y]
    for look in ({"color": PAPER, "width": 5.0}, {"color": colour, "width": 2.2, "dash": dash}):
        trace = {
            "type": "scatter",
            "mode": "lines",
            "x": ends[0],
            "y": ends[1],
            "line": look,
            "cliponaxis": False,
        }
        drawing.traces.append({**trace, **_AXES, "showlegend": False, "hoverinfo": "skip"})


def _scale(drawing: Drawing) -> ColourAxis:
    if drawing.colours is None:
        raise TypeError("a map needs a Drawing with `colours`")
    return drawing.colours


def _add(drawing: Drawing, kind: str, x: np.ndarray, y: np.ndarray, z: np.ndarray, **look: Any) -> None:
    colours = {} if "fillcolor" in look else {"coloraxis": "coloraxis"}
    drawing.traces.append({"type": kind, "x": x, "y": y, "z": z, **_AXES, **colours, **look})
