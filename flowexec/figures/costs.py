"""What it cost: where a cost comes from, and how it is distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..analytics.evaluate import Summary
from ..analytics.shortfall import COMPONENTS
from ..analytics.statistics import NORMAL_95
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_named
from .theme import INK, MUTED, SERIES_COLOURS, translucent
from .wording import UNITS, decimals, estimate, fixed, listed

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def cost_waterfall(
    summary: Summary, *, zeros: bool = False, alt: str | None = None, height: int | None = None
) -> Figure:
    """From the components of the implementation shortfall to their sum, each with its 95 % interval.

    Parameters
    ----------
    summary : Summary
        What `evaluate` or `summarise` returns.
    zeros : bool
        Whether components that are exactly 0 get a row.
    alt, height
        As in `path_fan`; by default as high as the rows need.

    Notes
    -----
    Each bar begins where the one above ends; the last is their sum. Pinned by `tests/figures/test_costs.py`.
    """
    if not isinstance(summary, Summary):
        raise ValueError(
            f"`summary` must be a Summary, what `evaluate` returns, got {type(summary).__name__}"
        )
    parts = {name: summary.components[name] for name in COMPONENTS if zeros or any(summary.components[name])}
    rows = len(parts) + 1
    height = height if height is not None else 100 + 42 * rows
    ticks = {float(rows - 1 - i): name for i, name in enumerate([*parts, "total"])}
    drawing = Drawing(
        Axis(f"Mean cost ({UNITS[summary.unit]})", zero=True, zero_line=True),
        [Axis("", limits=(-0.6, rows - 0.4), ticks=ticks)],
        height=height,
        narrow_height=height,
        margin=0.02,
        room=(0.0, 60.0),
        row_names=ticks,
    )
    places = max(1, decimals(summary.mean.standard_error))
    level = 0.0
    for i, (name, part) in enumerate([*parts.items(), ("total", summary.mean)]):
        row, start = rows - 1 - i, 0.0 if name == "total" else level
        half, end = NORMAL_95 * part.standard_error, start + part.value
        colour = SERIES_COLOURS[name]
        drawing.extend(0, [start, end - half, end + half], [row, row, row])
        drawing.traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [part.value],
                "base": [start],
                "y": [row],
                "width": [0.62],
                "name": name,
                "showlegend": False,
                "marker": {
                    "color": translucent(colour, 0.5 if name == "total" else 0.85),
                    "line": {"width": 0},
                },
                "error_x": {"type": "data", "array": [half], "color": INK, "thickness": 1.6, "width": 5},
                "hovertemplate": f"{name}: {estimate(part)} (s.e.)<extra></extra>",
            }
        )
        drawing.note(
            fixed(part.value, places),
            max(start, end) + half,
            row,
            colour=INK,
            bold=name == "total",
            shift=(8, 0),
        )
        if name != "total":
            drawing.shapes.append(
                {
                    "type": "line",
                    "xref": "x",
                    "yref": "y",
                    "x0": end,
                    "x1": end,
                    "y0": row + 0.31,
                    "y1": row - 0.69,
                    "line": {"color": MUTED, "width": 1, "dash": "dot"},
                }
            )
        level = end
    words = [f"{name} {estimate(part)}" for name, part in parts.items()]
    figure = drawing.figure(
        alt
        or f"Mean cost of {summary.n_paths:,} paths in {UNITS[summary.unit]}, ± standard error: "
        f"{listed(words)} make {estimate(summary.mean)} in total."
    )
    return figure.update_xaxes(showgrid=False)  # every bar says its own value


def cost_components(
    summaries: Mapping[str, Summary],
    *,
    components: Sequence[str] | None = None,
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """The same components of several strategies' costs, side by side, each with its 95 % interval.

    Parameters
    ----------
    summaries : mapping of str to Summary
        In one unit.
    components : sequence of str, optional
        Which, from top to bottom; "total" is allowed. By default those that are not 0 throughout, and it.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_costs.py`.
    """
    summaries = check_named("summaries", summaries)
    units = {s.unit if isinstance(s, Summary) else None for s in summaries.values()}
    if len(units) != 1 or None in units:
        raise ValueError("`summaries` must be Summaries in one unit")
    if components is None:
        components = [c for c in COMPONENTS if any(any(s.components[c]) for s in summaries.values())] + [
            "total"
        ]
    for component in components:
        if component not in (*COMPONENTS, "total"):
            raise ValueError(
                f"`components` must be among {', '.join((*COMPONENTS, 'total'))}, got {component!r}"
            )
    rows, many = len(components), len(summaries)
    height = height if height is not None else 90 + rows * (17 * many + 14)
    ticks = {float(rows - 1 - i): name for i, name in enumerate(components)}
    drawing = Drawing(
        Axis(f"Mean cost ({UNITS[units.pop()]})", zero=True, zero_line=True),
        [Axis("", limits=(-0.6, rows - 0.4), ticks=ticks)],
        height=height,
        narrow_height=height,
        margin=0.04,
        row_names=ticks,
    )
    looks = identities(summaries)
    most = max(abs(s.mean.value) for s in summaries.values()) or 1.0
    words = []
    for j, (name, summary) in enumerate(summaries.items()):
        values = [summary.mean if c == "total" else summary.components[c] for c in components]
        at = np.array([rows - 1 - i for i in range(rows)]) + 0.8 * ((many - 1) / 2 - j) / many
        x = np.array([v.value for v in values])
        drawing.points(
            x,
            at,
            error_x=[NORMAL_95 * v.standard_error for v in values],
            colour=looks[name].colour,
            symbol=looks[name].symbol,
            size=8,
            hover=f"{name}: " + "%{customdata}",
            extra=[estimate(v) for v in values],
        )
        half = NORMAL_95 * values[-1].standard_error
        inwards = -1 if values[-1].value >= 0.4 * most else 1  # names stand where the axis has room
        drawing.note(
            name,
            x[-1] + inwards * half,
            at[-1],
            side=(inwards, 0),
            colour=looks[name].colour,
            bold=True,
            shift=(9 * inwards, 0),
        )
        words.append(f"{name} {estimate(summary.mean)}")
    return drawing.figure(alt or f"Components of the mean cost; in total {listed(words)} (± standard error).")
