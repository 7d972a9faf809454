"""From a drawing to Plotly's layout, once for a page and once for a phone.

Both have axes, annotations and shapes of their own, because what fits beside a curve on a page does not on a
phone; `layout.meta.narrow` holds the phone's, and the page's script takes it over on narrow screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .annotations import ANCHOR_X, name, resized, standing
from .labels import LINE, place_labels, text_size
from .lanes import Lane, stack_lanes

if TYPE_CHECKING:
    from .drawing import Drawing

_GAP = 26.0  # pixels between rows


class Frame(NamedTuple):
    """One of the two sizes a figure has."""

    height: int
    width: float
    """Of the area for data, pixels, about: what ticks take away depends on their text."""
    margin: dict[str, int]
    font: int

    @property
    def tall(self) -> float:
        """Height of the area for data, pixels."""
        return self.height - self.margin["t"] - self.margin["b"]


def axis_name(letter: str, row: int) -> str:
    """Plotly's name of a row's axis in a trace: `y`, `y2`, …"""
    return letter + (str(row + 1) if row else "")


def compose(drawing: Drawing) -> dict[str, Any]:
    """The layout of the page, with the phone's in `meta.narrow`."""
    top = drawing.top
    wide = Frame(drawing.height, 632.0, {"l": 64, "r": 24, "t": 14 + top, "b": 56}, 13)
    narrow = Frame(drawing.narrow_height, 276.0, {"l": 8, "r": 20, "t": 12 + top, "b": 50}, 12)
    page = _fit(drawing, wide)
    phone = _fit(drawing, narrow)
    for key in [k for k in phone if "axis" in k]:
        phone[key] |= {"tickfont": {"size": 12}, "title": {"font": {"size": 13}, "standoff": 8}}
    phone["xaxis"] |= drawing.x.narrow_ticks()
    phone["margin"]["b"] = 8
    for row, axis in enumerate(drawing.rows):
        key = "yaxis" + (str(row + 1) if row else "")
        page[key] = {
            **axis.layout(page[key]["range"]),
            "anchor": "x",
            "zeroline": axis.zero_line,
            **page[key],
        }
    page["xaxis"] = {
        **drawing.x.layout(page["xaxis"]["range"]),
        "anchor": axis_name("y", len(drawing.rows) - 1),
        "showgrid": drawing.x.log,
        "zeroline": drawing.x.zero_line,
        **page["xaxis"],
    }
    return {"showlegend": False, "barmode": "overlay", "bargap": 0, **page, "meta": {"narrow": phone}}


class _Row(NamedTuple):
    """Where a row lies: share of the figure from below, and its axis' extent."""

    bottom: float
    top: float
    span: tuple[float, float]


def _fit(drawing: Drawing, frame: Frame) -> dict[str, Any]:
    x_span = drawing.x.range(drawing.margin, tuple(pad / frame.width for pad in drawing.room))
    lanes = stack_lanes(
        [(drawing.x.place(m.x) - x_span[0]) / (x_span[1] - x_span[0]) * frame.width for m in drawing.marks],
        [text_size(m.text, frame.font)[0] for m in drawing.marks],
        frame.width,
    )
    deep = LINE * frame.font * (1 + max((lane.number for lane in lanes), default=-1))
    rows = _rows(drawing, frame, deep)
    layout: dict[str, Any] = {
        "height": frame.height,
        "margin": dict(frame.margin),
        "xaxis": {"range": list(x_span)},
        "annotations": [resized(text, frame.font) for text in drawing.notes],
        "shapes": list(drawing.shapes),
    }
    for number, row in enumerate(rows):
        layout["yaxis" + (str(number + 1) if number else "")] = {
            "domain": [row.bottom, row.top],
            "range": list(row.span),
        }
    for mark, lane in zip(drawing.marks, lanes, strict=True):
        drop = lane.number * LINE * frame.font
        layout["annotations"].append(
            {
                **name(mark.text, mark.colour, frame.font),
                "x": drawing.x.place(mark.x),
                "xref": "x",
                "y": 1,
                "yref": "paper",
                "xanchor": ANCHOR_X[lane.side],
                "yanchor": "top",
                "xshift": 4 * lane.side,
                "yshift": -drop,
            }
        )
        layout["shapes"].append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": mark.x,
                "x1": mark.x,
                "y0": 0,
                "y1": 1 - drop / frame.tall,
                "layer": "below",
                "line": {"color": mark.colour, "width": 1.4, "dash": mark.dash},
            }
        )
    for number, row in enumerate(rows):
        layout["annotations"] += _row_labels(
            drawing, frame, number, row, x_span, lanes if number == 0 else []
        )
    return layout


def _rows(drawing: Drawing, frame: Frame, deep: float) -> list[_Row]:
    """Rows from top to bottom; the first leaves `deep` pixels above its data for the marks' labels."""
    gap = _GAP / frame.tall
    room = 1.0 - gap * (len(drawing.rows) - 1)
    rows, top = [], 1.0
    for number, (axis, share) in enumerate(zip(drawing.rows, drawing.shares, strict=True)):
        size = room * share / sum(drawing.shares)
        above = (deep + 4) / (size * frame.tall) if number == 0 and deep else 0.0
        span = axis.range(0.05, (0.0, above))
        rows.append(_Row(round(max(top - size, 0.0), 6), round(top, 6), span))
        top -= size + gap
    return rows


def _row_labels(
    drawing: Drawing, frame: Frame, number: int, row: _Row, x_span: tuple[float, float], lanes: Sequence[Lane]
) -> list[dict[str, Any]]:
    labels = [label for label in drawing.labels if label.row == number]
    if not labels:
        return []
    size = np.array([frame.width, frame.tall * (row.top - row.bottom)])
    low, high = np.array([x_span[0], row.span[0]]), np.array([x_span[1], row.span[1]])

    def pixels(points: np.ndarray) -> np.ndarray:
        placed = np.column_stack([drawing.x.place(points[:, 0]), drawing.rows[number].place(points[:, 1])])
        scaled = (placed - low) / (high - low) * size
        result: np.ndarray = scaled[np.isfinite(scaled).all(axis=1)]
        return result

    blocked = [pixels(points) for at, points in drawing.obstacles if at == number]
    for mark, lane in zip(drawing.marks if lanes else [], lanes, strict=True):
        at = (drawing.x.place(mark.x) - low[0]) / (high[0] - low[0]) * size[0]
        across = np.linspace(at, at + lane.side * text_size(mark.text, frame.font)[0], 40)
        blocked.append(
            np.column_stack([across, np.full(40, size[1] - (lane.number + 0.5) * LINE * frame.font)])
        )
        upwards = np.linspace(0, size[1], 60)
        blocked.append(np.column_stack([np.full(60, at), upwards]))
    places = place_labels(
        [_shown(pixels(label.curve), size) for label in labels],
        [text_size(label.text, frame.font) for label in labels],
        (float(size[0]), float(size[1])),
        np.concatenate(blocked) if blocked else np.empty((0, 2)),
    )
    result = []
    for label, place in zip(labels, places, strict=True):
        x, y = low + np.array(place.point) / size * (high - low)
        result.append(
            {
                **name(label.text, label.colour, frame.font),
                "x": float(x),
                "y": float(y),
                "xref": "x",
                "yref": axis_name("y", number),
                **standing(place, label.colour, frame.font),
            }
        )
    return result


def _shown(points: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The part of a curve inside the frame; all of it where that would be nothing."""
    seen = ((points >= -1) & (points <= size + 1)).all(axis=1)
    return points[seen] if seen.any() else points
