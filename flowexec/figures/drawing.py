"""One frame for all figures: linked rows over one x axis, names beside their curves, uncertainty, and a phone's layout.

A `Drawing` collects traces and labels, knows the extent of its data, and places every label twice: for a page's
width and, in `layout.meta.narrow`, for a phone's, which the page's script takes over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .axes import Axis, log_ticks
from .labels import OFFSET, place_labels, stack_lanes, text_size
from .theme import GRID, INK, MUTED, PAPER, translucent

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_POINTS = 2000
"""No trace holds more: more than two points to a pixel show nothing, and cost the reader's page."""

_GAP = 0.07  # of the height, between rows
_ANCHOR_X = {1: "left", 0: "center", -1: "right"}
_ANCHOR_Y = {1: "bottom", 0: "middle", -1: "top"}


class Frame(NamedTuple):
    """A layout's size: figure height, and the inner width and height left for data, in pixels."""

    height: int
    inner: tuple[float, float]
    font: float


@dataclass
class _Label:
    row: int
    curve: np.ndarray
    text: str
    colour: str


@dataclass
class _Mark:
    x: float
    text: str
    colour: str


@dataclass
class Drawing:
    """A figure in the making.

    Parameters
    ----------
    x : Axis
        Shared by all rows.
    rows : sequence of Axis
        y axes from top to bottom.
    shares : sequence of float
        Relative heights of the rows.
    height, narrow_height : int
        Pixels, on a page and on a phone.
    margin : tuple of float
        Extra room left and right of the data as a fraction of the x axis' extent.
    """

    x: Axis
    rows: Sequence[Axis]
    shares: Sequence[float] = (1.0,)
    height: int = 420
    narrow_height: int = 330
    margin: float = 0.0
    traces: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    layout: dict[str, Any] = field(default_factory=dict)
    _labels: list[_Label] = field(default_factory=list)
    _marks: list[_Mark] = field(default_factory=list)
    _obstacles: list[tuple[int, np.ndarray]] = field(default_factory=list)

    # Traces -------------------------------------------------------------------------------------------------

    def line(self, x: Any, y: Any, *, colour: str, row: int = 0, dash: str = "solid", width: float = 2.2,
             name: str = "", label: str = "", hover: str | None = None, step: bool = False, alpha: float = 1.0,
             extend: bool = True) -> None:  # fmt: skip
        """A curve; `label` is placed beside it, `name` shows in the hover."""
        x, y = thin(np.asarray(x, float), np.asarray(y, float))
        self._add(row, x, y, extend=extend, mode="lines", name=name or label, hover=hover,
                  line={"color": colour if alpha == 1.0 else translucent(colour, alpha), "width": width, "dash": dash,
                        "shape": "hv" if step else "linear"})  # fmt: skip
        if label:
            self.label(x, y, label, colour, row=row, step=step)

    def band(self, x: Any, low: Any, high: Any, *, colour: str, alpha: float, row: int = 0, step: bool = False,
             name: str = "") -> None:  # fmt: skip
        """The area between two curves."""
        x, low, high = (np.asarray(a, float) for a in (x, low, high))
        keep = spaced(x.size, MAX_POINTS // 2 - 1 if not step else MAX_POINTS // 4 - 1)
        x, low, high = x[keep], low[keep], high[keep]
        if step:
            x, low, high = np.repeat(x, 2)[1:], np.repeat(low, 2)[:-1], np.repeat(high, 2)[:-1]
        self.extend(row, np.concatenate([x, x]), np.concatenate([low, high]))
        self._add(row, np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]]), mode="lines", name=name,
                  extend=False, line={"width": 0}, fill="toself", fillcolor=translucent(colour, alpha),
                  hoverinfo="skip")  # fmt: skip

    def points(self, x: Any, y: Any, *, colour: str, row: int = 0, error: Any = None, error_x: Any = None,
               hollow: Any = None, symbol: str = "circle", size: Any = 8, name: str = "", label: str = "",
               hover: str | None = None, joined: str = "", extra: Any = None) -> None:  # fmt: skip
        """Markers with whiskers; `error` is a half-width [n] or a pair (down, up), `joined` a dash that joins them."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        keep = spaced(x.size, MAX_POINTS)
        down, up = (None, None) if error is None else [np.asarray(e, float)[keep] for e in (
            error if isinstance(error, tuple) else (error, error))]  # fmt: skip
        x, y = x[keep], y[keep]
        marker: dict[str, Any] = {"color": colour, "size": size, "symbol": symbol, "line": {"color": colour, "width": 1.8}}
        if hollow is not None:
            marker["color"] = [PAPER if h else colour for h in np.asarray(hollow)[keep]]
        trace: dict[str, Any] = {"mode": "lines+markers" if joined else "markers", "marker": marker}
        if joined:
            trace["line"] = {"color": translucent(colour, 0.55), "width": 1.5, "dash": joined}
        whisker = {"color": colour, "thickness": 1.6, "width": 4}
        if up is not None:
            trace["error_y"] = {"type": "data", "array": up, "arrayminus": down, **whisker}
            ends = np.concatenate([y - down, y + up])
            if self.rows[row].log:
                ends = ends[ends > 0]
            self.extend(row, x, ends)
            for end in (y - down, y + up):
                self.obstacle(x, end, row)
        if error_x is not None:
            half = np.asarray(error_x, float)[keep]
            trace["error_x"] = {"type": "data", "array": half, **whisker}
            self.extend(row, np.concatenate([x - half, x + half]), y)
        if extra is not None:
            trace["customdata"] = np.asarray(extra)[keep]
        self._add(row, x, y, name=name or label, hover=hover, **trace)
        self.obstacle(x, y, row)
        if label:
            self.label(x, y, label, colour, row=row)

    def bars(self, left: Any, right: Any, height: Any, *, colour: str, alpha: float = 0.35, row: int = 0,
             name: str = "", hover: str | None = None, base: Any = None) -> None:  # fmt: skip
        """Upright bars that fill [left, right], without gaps of their own."""
        left, right, height = (np.asarray(a, float) for a in (left, right, height))
        self.extend(row, np.concatenate([left, right]), height if base is None else np.concatenate([height + base, base]))
        self.traces.append({
            "type": "bar", "x": (left + right) / 2, "y": height, "width": right - left, "name": name,
            "base": 0.0 if base is None else base, "xaxis": "x", "yaxis": _axis("y", row), "showlegend": False,
            "marker": {"color": translucent(colour, alpha), "line": {"width": 0}}, **_hover(hover),
        })  # fmt: skip

    def _add(self, row: int, x: np.ndarray, y: np.ndarray, *, extend: bool = True, hover: str | None = None,
             **trace: Any) -> None:  # fmt: skip
        if extend:
            self.extend(row, x, y)
        skip = {} if trace.get("hoverinfo") else _hover(hover)
        self.traces.append(
            {"type": "scatter", "x": x, "y": y, "xaxis": "x", "yaxis": _axis("y", row), "showlegend": False, **trace, **skip}
        )

    # Extent, labels and marks -------------------------------------------------------------------------------

    def extend(self, row: int, x: Any, y: Any) -> None:
        """Let the axes reach these points."""
        self.x.reach(x)
        self.rows[row].reach(y)

    def obstacle(self, x: Any, y: Any, row: int = 0) -> None:
        """Points that no label should cover."""
        self._obstacles.append((row, np.column_stack([np.asarray(x, float), np.asarray(y, float)])))

    def label(self, x: Any, y: Any, text: str, colour: str, *, row: int = 0, step: bool = False) -> None:
        """Put `text` beside the curve (x, y), wherever it is clearest."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        if step:
            x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
        self._labels.append(_Label(row, np.column_stack([x, y]), text, colour))

    def vertical(self, x: float, text: str, *, colour: str = MUTED, dash: str = "dot") -> None:
        """A line through all rows, its text at the top."""
        self.x.reach([x])
        self.shapes.append({"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1,
                            "line": {"color": colour, "width": 1.5, "dash": dash}, "layer": "below"})  # fmt: skip
        if text:
            self._marks.append(_Mark(x, text, colour))

    def horizontal(self, y: float, *, row: int = 0, colour: str = MUTED, dash: str = "solid", width: float = 1.2) -> None:
        """A level line across a row."""
        self.rows[row].reach([y])
        self.shapes.append({"type": "line", "xref": "paper", "yref": _axis("y", row), "x0": 0, "x1": 1, "y0": y, "y1": y,
                            "line": {"color": colour, "width": width, "dash": dash}, "layer": "below"})  # fmt: skip

    def note(self, text: str, x: float, y: float, *, row: int = 0, side: tuple[int, int] = (1, 0), colour: str = MUTED,
             bold: bool = False, shift: tuple[float, float] | None = None) -> None:  # fmt: skip
        """A text at a fixed place, in data units."""
        self.notes.append(
            _annotation(text, (self.x.place(x), self.rows[row].place(y)), side, colour, row, 13, bold=bold, shift=shift)
        )

    # The figure ---------------------------------------------------------------------------------------------

    def figure(self, alt: str) -> Figure:
        """The finished figure, with `alt` as its text for readers who cannot see it."""
        import plotly.graph_objects as go  # a third of a second; only drawing needs it

        from .theme import _layout

        ranges = [self.x.range(self.margin), *(axis.range(0.05) for axis in self.rows)]
        wide = Frame(self.height, (636.0, self.height - 72.0), 13)
        narrow = Frame(self.narrow_height, (286.0, self.narrow_height - 74.0), 12)
        domains = self._domains()
        layout: dict[str, Any] = {
            "height": self.height,
            "margin": {"l": 64, "r": 24, "t": 16, "b": 56},
            "showlegend": False,
            "barmode": "overlay",
            "bargap": 0,
            "shapes": self.shapes,
            "annotations": self._annotations(wide, ranges, domains),
            "xaxis": {**self.x.layout(ranges[0]), "anchor": _axis("y", len(self.rows) - 1)},
        }
        layout["xaxis"]["showgrid"] = self.x.log
        for row, axis in enumerate(self.rows):
            layout["yaxis" + (str(row + 1) if row else "")] = {
                **axis.layout(ranges[row + 1]), "domain": domains[row], "anchor": "x", "zeroline": axis.zero_line,
            }  # fmt: skip
        phone: dict[str, Any] = {
            "height": self.narrow_height,
            "annotations": self._annotations(narrow, ranges, domains),
            "xaxis": {"tickfont": {"size": 12}, "title": {"font": {"size": 13}}, **self.x.narrow_ticks(ranges[0])},
        }
        for row in range(len(self.rows)):
            name = "yaxis" + (str(row + 1) if row else "")
            phone[name] = {"tickfont": {"size": 12}, "title": {"font": {"size": 13}}}
        layout = {**layout, **self.layout, "meta": {"alt": alt, "narrow": phone}}
        return go.Figure(data=self.traces, layout={"template": {"layout": _layout()}, **layout})

    def _domains(self) -> list[list[float]]:
        room = 1.0 - _GAP * (len(self.rows) - 1)
        domains, top = [], 1.0
        for share in self.shares:
            bottom = top - room * share / sum(self.shares)
            domains.append([max(round(bottom, 6), 0.0), round(top, 6)])
            top = bottom - _GAP
        return domains

    def _annotations(
        self, frame: Frame, ranges: list[tuple[float, float]], domains: list[list[float]]
    ) -> list[dict[str, Any]]:
        result = [{**note, "font": {**note["font"], "size": frame.font}} for note in self.notes]
        width = frame.inner[0]

        def pixels(points: np.ndarray, row: int) -> np.ndarray:
            tall = frame.inner[1] * (domains[row][1] - domains[row][0])
            spans = [(self.x, ranges[0], width), (self.rows[row], ranges[row + 1], tall)]
            return np.column_stack(
                [(axis.place(points[:, i]) - low) / (high - low) * size for i, (axis, (low, high), size) in enumerate(spans)]
            )

        lanes = stack_lanes(
            [float(pixels(np.array([[m.x, np.nan]]), 0)[0, 0]) for m in self._marks],
            [text_size(m.text, frame.font)[0] for m in self._marks],
            width,
        )
        mark_boxes = []
        for mark, (lane, side) in zip(self._marks, lanes, strict=True):
            result.append({
                "text": mark.text, "x": self.x.place(mark.x), "xref": "x", "y": 1, "yref": "paper", "yanchor": "top",
                "xanchor": _ANCHOR_X[side], "xshift": 4 * side, "yshift": -lane * 1.3 * frame.font, "showarrow": False,
                "font": {"size": frame.font, "color": mark.colour, "weight": 600},
            })  # fmt: skip
            at = float(pixels(np.array([[mark.x, np.nan]]), 0)[0, 0])
            across = np.linspace(at, at + side * text_size(mark.text, frame.font)[0], 30)
            top = frame.inner[1] * (domains[0][1] - domains[0][0])
            mark_boxes += [np.column_stack([across, np.full(30, top - (lane + 0.5) * 1.3 * frame.font)])]
        for row in range(len(self.rows)):
            labels = [label for label in self._labels if label.row == row]
            obstacles = [pixels(points, row) for at, points in self._obstacles if at == row]
            obstacles = [o[np.isfinite(o).all(axis=1)] for o in obstacles] + (mark_boxes if row == 0 else [])
            tall = frame.inner[1] * (domains[row][1] - domains[row][0])
            curves = [_inside(pixels(label.curve, row), (width, tall)) for label in labels]
            places = place_labels(
                curves,
                [text_size(label.text, frame.font) for label in labels],
                (width, tall),
                np.concatenate(obstacles) if obstacles else np.empty((0, 2)),
            )
            for label, place in zip(labels, places, strict=True):
                (low_x, high_x), (low_y, high_y) = ranges[0], ranges[row + 1]
                at = (
                    low_x + place.point[0] / width * (high_x - low_x),
                    low_y + place.point[1] / tall * (high_y - low_y),
                )
                result.append(_annotation(label.text, at, place.side, label.colour, row, frame.font, bold=True))
        return result


def thin(x: np.ndarray, y: np.ndarray, limit: int = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most `limit` points of a curve: of each run of points the first, the last, the lowest or the highest survive.

    Lowest and highest of every run are kept, so no spike is lost, and the same curve always gives the same points.
    """
    if x.size <= limit:
        return x, y
    edges = np.linspace(0, x.size, limit // 2).astype(int)
    keep = {0, x.size - 1}
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        keep |= {begin + int(np.argmin(y[begin:end])), begin + int(np.argmax(y[begin:end]))}
    chosen = np.array(sorted(keep))
    return x[chosen], y[chosen]


def spaced(size: int, limit: int) -> np.ndarray:
    """Indices of at most `limit` of `size` points, evenly spaced, the first and the last among them."""
    return np.arange(size) if size <= limit else np.unique(np.linspace(0, size - 1, limit).astype(int))


def _inside(points: np.ndarray, frame: tuple[float, float]) -> np.ndarray:
    """The part of a curve that the frame shows; all of it where that would be nothing."""
    points = points[np.isfinite(points).all(axis=1)]
    seen = ((points >= -1) & (points <= np.array(frame) + 1)).all(axis=1)
    return points[seen] if seen.any() else points


def _annotation(text: str, at: tuple[float, float], side: tuple[int, int], colour: str, row: int, font: float, *,
                bold: bool = False, shift: tuple[float, float] | None = None) -> dict[str, Any]:  # fmt: skip
    shift = (OFFSET * side[0], OFFSET * side[1] * 0.4) if shift is None else shift
    return {
        "text": text, "x": at[0], "y": at[1], "xref": "x", "yref": _axis("y", row), "showarrow": False, "borderpad": 0,
        "xanchor": _ANCHOR_X[side[0]], "yanchor": _ANCHOR_Y[side[1]], "xshift": shift[0], "yshift": shift[1],
        "align": {1: "left", 0: "center", -1: "right"}[side[0]],
        "font": {"size": font, "color": colour, "weight": 600 if bold else 400},
    }  # fmt: skip


def _axis(letter: str, row: int) -> str:
    return letter + (str(row + 1) if row else "")


def _hover(template: str | None) -> dict[str, Any]:
    return {"hoverinfo": "skip"} if template is None else {"hovertemplate": template + "<extra></extra>"}


__all__ = ["Axis", "Drawing", "GRID", "INK", "MAX_POINTS", "MUTED", "log_ticks", "spaced", "thin"]
