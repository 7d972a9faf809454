"""Texts on a figure, in Plotly's form: names beside curves, and notes at fixed places."""

from __future__ import annotations

from typing import Any

import numpy as np

from .labels import OFFSET, Place, text_size
from .theme import PAPER

ANCHOR_X = {1: "left", 0: "center", -1: "right"}
_ANCHOR_Y = {1: "bottom", 0: "middle", -1: "top"}
_HALO = ", ".join([f"0 0 2px {PAPER}"] * 2 + [f"0 0 4px {PAPER}"])


def standing(place: Place, colour: str, font: int) -> dict[str, Any]:
    """How a text stands beside its point: level, on a leader, or along the curve."""
    right, up = place.side
    if place.angle:
        away = text_size("x", font)[1] / 2 + place.distance
        return {
            "textangle": -float(np.degrees(place.angle)),
            "xanchor": "center",
            "yanchor": "middle",
            "xshift": right * away,
            "yshift": up * away,
        }
    anchors = {"xanchor": ANCHOR_X[round(right)], "yanchor": _ANCHOR_Y[round(up)]}
    if place.distance > OFFSET:
        return {
            **anchors,
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 1,
            "arrowcolor": colour,
            "standoff": 2,
            "ax": place.distance * right,
            "ay": -place.distance * up,
        }
    return {**anchors, "xshift": place.distance * right, "yshift": 0.5 * place.distance * up}


def name(text: str, colour: str, font: int) -> dict[str, Any]:
    """A name in its curve's colour, with a halo of the page's."""
    return {
        "text": text,
        "showarrow": False,
        "borderpad": 0,
        "font": {"size": font, "color": colour, "weight": 600, "shadow": _HALO},
    }


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
        "text": text,
        "x": place[0],
        "y": place[1],
        "xref": refs[0],
        "yref": refs[1],
        "showarrow": False,
        "borderpad": 0,
        "xanchor": ANCHOR_X[side[0]],
        "yanchor": _ANCHOR_Y[side[1]],
        "xshift": shift[0],
        "yshift": shift[1],
        "font": {"size": 13, "color": colour, "weight": 600 if bold else 400, "shadow": _HALO},
    }


def resized(annotation: dict[str, Any], font: int) -> dict[str, Any]:
    """The same text in another size."""
    return {**annotation, "font": {**annotation["font"], "size": font}}
