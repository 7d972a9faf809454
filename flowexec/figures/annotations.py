"""Texts on a figure, in Plotly's form: names beside curves, marks, rows, and notes at fixed places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .boxes import LINE
from .labels import Place
from .lanes import Lane, Mark
from .theme import INK, PAPER

if TYPE_CHECKING:
    from .axes import Axis

_ANCHOR_X = {1: "left", 0: "center", -1: "right"}
_ANCHOR_Y = {1: "bottom", 0: "middle", -1: "top"}
_HALO = ", ".join([f"0 0 2px {PAPER}"] * 2 + [f"0 0 4px {PAPER}"])


def name(text: str, colour: str, font: int) -> dict[str, Any]:
    """A name in its curve's colour, with a halo of the page's."""
    look = {"size": font, "color": colour, "weight": 600, "shadow": _HALO}
    return {"text": text, "showarrow": False, "borderpad": 0, "font": look}


def standing(place: Place, colour: str) -> dict[str, Any]:
    """How a text stands beside its point: level, on a leader, or along the curve."""
    (right, up), (across, along) = place.side, place.offset
    anchors = {"xanchor": _ANCHOR_X[right], "yanchor": _ANCHOR_Y[up]}
    if place.angle:
        return {**anchors, "textangle": -float(np.degrees(place.angle)), "xshift": across, "yshift": along}
    if place.led:
        leader = {"arrowhead": 0, "arrowwidth": 1, "arrowcolor": colour, "standoff": 2}
        return {**anchors, "showarrow": True, **leader, "ax": across, "ay": -along}
    return {**anchors, "xshift": across, "yshift": 0.5 * along}  # a line of text has air above and below


def note(
    text: str,
    place: tuple[Any, Any],
    refs: tuple[str, str],
    side: tuple[int, int],
    *,
    colour: str,
    bold: bool,
    shift: tuple[float, float],
) -> dict[str, Any]:
    """A text at a fixed place, in the axes' units."""
    return {
        **name(text, colour, 13),
        "font": {"size": 13, "color": colour, "weight": 600 if bold else 400, "shadow": _HALO},
        "x": place[0],
        "y": place[1],
        "xref": refs[0],
        "yref": refs[1],
        "xanchor": _ANCHOR_X[side[0]],
        "yanchor": _ANCHOR_Y[side[1]],
        "xshift": shift[0],
        "yshift": shift[1],
    }


def resized(annotation: dict[str, Any], font: int) -> dict[str, Any]:
    """The same text in another size."""
    return {**annotation, "font": {**annotation["font"], "size": font}}


def named_rows(rows: Mapping[float, str], font: int) -> list[dict[str, Any]]:
    """Names above their rows, from the left edge: for a phone, where beside them they take half the width."""
    return [
        resized(note(text, (0, y + 0.2), ("paper", "y"), (1, 1), colour=INK, bold=False, shift=(0, 0)), font)
        for y, text in rows.items()
    ]


def vertical_marks(
    marks: Sequence[Mark], lanes: Sequence[Lane], x: Axis, font: int, tall: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Names and lines of marks; each line ends at its name, so that names above it are not struck through."""
    texts, lines = [], []
    for mark, lane in zip(marks, lanes, strict=True):
        drop = lane.number * LINE * font
        place = {"x": x.place(mark.x), "xref": "x", "y": 1, "yref": "paper"}
        anchors = {
            "xanchor": _ANCHOR_X[lane.side],
            "yanchor": "top",
            "xshift": 4 * lane.side,
            "yshift": -drop,
        }
        texts.append({**name(mark.text, mark.colour, font), **place, **anchors})
        ends = {"x0": mark.x, "x1": mark.x, "y0": 0, "y1": 1 - drop / tall}
        stroke = {"color": mark.colour, "width": 1.4, "dash": mark.dash}
        lines.append({"type": "line", "xref": "x", "yref": "paper", **ends, "layer": "below", "line": stroke})
    return texts, lines
