"""A figure in the making: linked rows over one x axis, curves with names, points with whiskers, bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .annotations import note
from .axes import Axis, ColourAxis
from .composition import axis_key, compose
from .inputs import MAX_POINTS, spaced, thin
from .lanes import Mark
from .naming import Label, Obstacle
from .theme import MUTED, PAPER, theme_layout, translucent

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass
class Drawing:
    """Collects traces, labels and marks, and knows the extent of its data.

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
    margin : float
        Room left and right of the data, as a fraction of their extent.
    room : (left, right)
        More of it in pixels, for texts that stand there.
    top : int
        Pixels above the data.
    row_names : mapping of float to str
        Where the y axis has named rows instead of numbers, the names and where they stand.
    page_names : bool
        Whether a page shows them: beside a drawing with the same rows it need not.
    colours : ColourAxis, optional
        Of the maps in it.
    """

    x: Axis
    rows: Sequence[Axis]
    shares: Sequence[float] = (1.0,)
    height: int = 420
    narrow_height: int = 340
    margin: float = 0.0
    room: tuple[float, float] = (0.0, 0.0)
    top: int = 0
    row_names: dict[float, str] = field(default_factory=dict)
    page_names: bool = True
    colours: ColourAxis | None = None
    traces: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)

    def line(
        self, x: Any, y: Any, *, colour: str, row: int = 0, dash: str = "solid", width: float = 2.2,
        name: str = "", label: str = "", hover: str | None = None, step: bool = False, alpha: float = 1.0,
        blocks: bool = False,
    ) -> None:  # fmt: skip
        """A curve; `label` is placed beside it, `blocks` keeps labels off it."""
        x, y = thin(np.asarray(x, float), np.asarray(y, float))
        self.extend(row, x, y)
        stroke = {
            "color": colour if alpha == 1.0 else translucent(colour, alpha),
            "width": width,
            "dash": dash,
            "shape": "hv" if step else "linear",
        }
        self._scatter(row, x, y, hover, mode="lines", name=name or label, line=stroke, showlegend=bool(label))
        if label:
            self.label(x, y, label, colour, row=row, step=step, traced=True)
        if blocks:
            self.obstacle(x, y, row)

    def band(
        self, x: Any, low: Any, high: Any, *, colour: str, alpha: float, row: int = 0, step: bool = False
    ) -> None:
        """The area between two curves."""
        x, low, high = (np.asarray(a, float) for a in (x, low, high))
        keep = spaced(x.size, (MAX_POINTS // 4 if step else MAX_POINTS // 2) - 1)
        x, low, high = x[keep], low[keep], high[keep]
        if step:
            x, low, high = np.repeat(x, 2)[1:], np.repeat(low, 2)[:-1], np.repeat(high, 2)[:-1]
        outline = np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]])
        self.extend(row, *outline)
        self._scatter(
            row,
            *outline,
            None,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=translucent(colour, alpha),
        )

    def points(
        self, x: Any, y: Any, *, colour: str, row: int = 0, error: Any = None, error_x: Any = None,
        hollow: Any = None, symbol: str = "circle", size: Any = 8, name: str = "", label: str = "",
        hover: str | None = None, joined: str = "", extra: Any = None, cap: int = 4,
    ) -> None:  # fmt: skip
        """Markers with whiskers, each a half-width [n] or a pair (down, up); `joined` is a line's dash."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        keep = spaced(x.size, MAX_POINTS)
        x, y = x[keep], y[keep]
        outline = {"color": colour, "width": 1.8}
        marker = {"color": colour, "size": size, "symbol": symbol, "line": outline}
        if hollow is not None:
            marker["color"] = [PAPER if h else colour for h in np.asarray(hollow)[keep]]
        trace: dict[str, Any] = {
            "mode": "lines+markers" if joined else "markers",
            "marker": marker,
            "cliponaxis": False,
        }
        if joined:
            trace["line"] = {"color": translucent(colour, 0.5), "width": 1.4, "dash": joined}
        whisker = {"type": "data", "color": colour, "thickness": 1.5, "width": cap}
        self.extend(row, x, y)
        radius = 0.5 * float(np.max(size)) + 1
        self.obstacle(x, y, row, radius)
        if error is not None:
            down, up = (
                np.asarray(e, float)[keep] for e in (error if isinstance(error, tuple) else (error, error))
            )
            trace["error_y"] = {"array": up, "arrayminus": down, **whisker}
            for share in np.linspace(0.2, 1.0, 5):
                self.obstacle(np.append(x, x), np.append(y - share * down, y + share * up), row)
            self.extend(row, x, y - down)
            self.extend(row, x, y + up)
        if error_x is not None:
            left, right = (
                np.asarray(e, float)[keep]
                for e in (error_x if isinstance(error_x, tuple) else (error_x, error_x))
            )
            trace["error_x"] = {"array": right, "arrayminus": left, **whisker}
            self.extend(row, np.append(x - left, x + right), y)
            for share in np.linspace(0.0, 1.0, 5):
                self.obstacle(np.append(x - share * left, x + share * right), np.append(y, y), row)
        if extra is not None:
            trace["customdata"] = np.asarray(extra)[keep]
        self._scatter(row, x, y, hover, name=name or label, showlegend=bool(label), **trace)
        if label:
            self.label(x, y, label, colour, row=row, traced=True, clear=radius if x.size == 1 else 0.0)

    def bars(
        self, left: Any, right: Any, height: Any, *, colour: str, alpha: float = 0.35, row: int = 0,
        hover: str | None = None,
    ) -> None:  # fmt: skip
        """Upright bars from 0 that fill [left, right]."""
        left, right, height = (np.asarray(a, float) for a in (left, right, height))
        keep = spaced(left.size, MAX_POINTS)
        left, right, height = left[keep], right[keep], height[keep]
        self.extend(row, np.append(left, right), np.append(height, 0.0))
        self.traces.append(
            {
                "type": "bar",
                "x": (left + right) / 2,
                "y": height,
                "width": right - left,
                "xaxis": "x",
                "yaxis": axis_key("y", row),
                "showlegend": False,
                "marker": {"color": translucent(colour, alpha), "line": {"width": 0}},
                **_hover(hover),
            }
        )

    def _scatter(self, row: int, x: np.ndarray, y: np.ndarray, hover: str | None, **trace: Any) -> None:
        axes = {"xaxis": "x", "yaxis": axis_key("y", row)}
        trace = {"showlegend": False, **trace, **_hover(hover)}
        self.traces.append({"type": "scatter", "x": x, "y": y, **axes, **trace})

    def extend(self, row: int, x: Any, y: Any) -> None:
        """Let the axes reach these points."""
        self.x.reach(x)
        self.rows[row].reach(y)

    def obstacle(self, x: Any, y: Any, row: int = 0, radius: float = 0.0) -> None:
        """Points that no label should cover."""
        self.obstacles.append(
            Obstacle(row, np.column_stack([np.asarray(x, float), np.asarray(y, float)]), radius)
        )

    def label(
        self, x: Any, y: Any, text: str, colour: str, *, row: int = 0, step: bool = False, clear: float = 0.0,
        traced: bool = False,
    ) -> None:  # fmt: skip
        """Put `text` beside the curve (x, y), wherever it is clearest."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        if step:
            x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
        self.labels.append(Label(row, np.column_stack([x, y]), text, colour, clear, traced))

    def vertical(self, x: float, text: str, *, colour: str = MUTED, dash: str = "dot") -> None:
        """A line through all rows, its text at the top."""
        self.x.reach([x])
        self.marks.append(Mark(x, text, colour, dash))

    def horizontal(self, y: float, *, row: int = 0, colour: str = MUTED, dash: str = "solid") -> None:
        """A level line across a row."""
        self.rows[row].reach([y])
        stroke = {"color": colour, "width": 1.2, "dash": dash}
        self.shapes.append(
            {"type": "line", "xref": "paper", "yref": axis_key("y", row), "x0": 0, "x1": 1, "y0": y, "y1": y,
             "line": stroke, "layer": "below"}
        )  # fmt: skip

    def note(
        self, text: str, x: float, y: float, *, row: int = 0, side: tuple[int, int] = (1, 0),
        colour: str = MUTED, bold: bool = False, shift: tuple[float, float] = (0.0, 0.0),
    ) -> None:  # fmt: skip
        """A text at a fixed place, in data units, `shift` pixels away."""
        place = self.x.place(x), self.rows[row].place(y)
        self.notes.append(
            note(text, place, ("x", axis_key("y", row)), side, colour=colour, bold=bold, shift=shift)
        )

    def figure(self, alt: str) -> Figure:
        """The finished figure, with `alt` as its text for readers who cannot see it."""
        import plotly.graph_objects as go  # a third of a second; only drawing needs it

        layout = compose(self)
        layout["meta"]["alt"] = alt
        return go.Figure(data=self.traces, layout={"template": {"layout": theme_layout()}, **layout})


def _hover(template: str | None) -> dict[str, Any]:
    return {"hoverinfo": "skip"} if template is None else {"hovertemplate": template + "<extra></extra>"}
