"""Names of the curves, each beside its own; and a legend where that cannot be clear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .annotations import name, standing
from .boxes import LINE, text_size
from .labels import UNCLEAR, place_labels
from .lanes import Lane

if TYPE_CHECKING:
    from .axes import Axis
    from .drawing import Drawing

_RING = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)])


class Label(NamedTuple):
    """A name that wants a place beside its curve [point, 2], in data units."""

    row: int
    curve: np.ndarray
    text: str
    colour: str
    clear: float
    """Radius of its marker, pixels."""
    traced: bool
    """Whether a legend could name it instead."""


class Obstacle(NamedTuple):
    """Points [point, 2] in data units that no name should cover, and their markers' radius in pixels."""

    row: int
    points: np.ndarray
    radius: float


class Panel(NamedTuple):
    """Where a row of the figure lies."""

    row: int
    bottom: float
    """Share of the figure's area for data."""
    top: float
    x_span: tuple[float, float]
    """In axis units."""
    y_span: tuple[float, float]
    size: tuple[float, float]
    """Pixels."""

    def pixels(self, points: np.ndarray, x: Axis, y: Axis) -> np.ndarray:
        """Points [n, 2] in data units, those that can be shown, in pixels from the lower left corner."""
        placed = np.column_stack([x.place(points[:, 0]), y.place(points[:, 1])])
        (x0, x1), (y0, y1) = self.x_span, self.y_span
        scaled = (placed - [x0, y0]) / [x1 - x0, y1 - y0] * np.array(self.size)
        result: np.ndarray = scaled[np.isfinite(scaled).all(axis=1)]
        return result

    def units(self, pixels: tuple[float, float]) -> tuple[float, float]:
        """Pixels to axis units."""
        (x0, x1), (y0, y1) = self.x_span, self.y_span
        return x0 + pixels[0] / self.size[0] * (x1 - x0), y0 + pixels[1] / self.size[1] * (y1 - y0)


def name_curves(
    drawing: Drawing, panels: Sequence[Panel], lanes: Sequence[Lane], font: int
) -> tuple[list[dict[str, Any]], bool]:
    """Annotations that name the curves, and whether the traced ones among them need a legend instead.

    They do when a single place is unclear: half a legend would be worse than a whole one.
    """
    found: list[tuple[bool, dict[str, Any]]] = []
    unclear = False
    for panel in panels:
        labels = [label for label in drawing.labels if label.row == panel.row]
        if not labels:
            continue
        y = drawing.rows[panel.row]
        places = place_labels(
            [_shown(panel.pixels(label.curve, drawing.x, y), panel.size) for label in labels],
            [text_size(label.text, font) for label in labels],
            panel.size,
            _obstacles(drawing, panel, lanes if panel.row == 0 else [], font),
            [label.clear for label in labels],
            [label.colour for label in labels],
        )
        unclear |= any(
            place.price > UNCLEAR and label.traced for place, label in zip(places, labels, strict=True)
        )
        for label, place in zip(labels, places, strict=True):
            at_x, at_y = panel.units(place.point)
            axes = {"xref": "x", "yref": "y" + (str(panel.row + 1) if panel.row else "")}
            note = {
                **name(label.text, label.colour, font),
                "x": at_x,
                "y": at_y,
                **axes,
                **standing(place, label.colour),
            }
            found.append((label.traced, note))
    return [note for traced, note in found if not (unclear and traced)], unclear


def legend(texts: Sequence[str], width: float, font: int) -> tuple[dict[str, Any], int]:
    """Plotly's form of a legend above the figure, and how many lines it takes."""
    rows, used = 1, 0.0
    for text in texts:
        needed = text_size(text, font)[0] + 48
        rows, used = (rows + 1, needed) if used + needed > width + 50 and used else (rows, used + needed)
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": 1.0, "yref": "paper", "yanchor": "bottom"}
    return {
        "orientation": "h",
        **place,
        "font": {"size": font},
        "itemclick": False,
        "itemdoubleclick": False,
    }, rows


def _obstacles(drawing: Drawing, panel: Panel, lanes: Sequence[Lane], font: int) -> np.ndarray:
    """What no name may cover: points with their markers, marks and their texts, [point, 2] in pixels."""
    blocked = [np.empty((0, 2))]
    for obstacle in drawing.obstacles:
        if obstacle.row == panel.row:
            points = panel.pixels(obstacle.points, drawing.x, drawing.rows[panel.row])
            blocked += [points + obstacle.radius * way for way in (_RING if obstacle.radius else _RING[:1])]
    (low, high), (width, tall) = panel.x_span, panel.size
    for mark, lane in zip(drawing.marks if lanes else [], lanes, strict=True):
        at = (drawing.x.place(mark.x) - low) / (high - low) * width
        across = np.linspace(at, at + lane.side * text_size(mark.text, font)[0], 40)
        blocked.append(np.column_stack([across, np.full(40, tall - (lane.number + 0.5) * LINE * font)]))
        blocked.append(np.column_stack([np.full(60, at), np.linspace(0, tall, 60)]))
    return np.concatenate(blocked)


def _shown(points: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """The part of a curve inside the panel; all of it where that would be nothing."""
    seen = ((points >= -1) & (points <= np.array(size) + 1)).all(axis=1)
    return points[seen] if seen.any() else points
