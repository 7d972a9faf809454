"""Several quantities of the same steps, one row each; and one quantity of each order against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_estimates, check_named, check_series
from .theme import MUTED
from .wording import estimate, listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def step_by_step(
    rows: Mapping[str, Mapping[str, Sequence[Estimate]]],
    *,
    x_title: str = "Step",
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """What happens in each step, a row for each quantity over one x axis, with 95 % bands.

    Parameters
    ----------
    rows : mapping of str to mapping of str to list of Estimate [step]
        Title of the y axis, with its unit: name of the strategy: its means. All of equal length.
    x_title : str
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_steps.py`.
    """
    panels = {title: check_named(title, series) for title, series in check_named("rows", rows).items()}
    steps = len(next(iter(next(iter(panels.values())).values())))
    at = np.arange(1.0, steps + 1)
    drawing = Drawing(
        Axis(x_title),
        [Axis(title, zero=True, zero_line=True) for title in panels],
        (1.0,) * len(panels),
        height=height if height is not None else 180 + 190 * len(panels),
        narrow_height=140 + 190 * len(panels),
    )
    looks = identities(dict.fromkeys(name for series in panels.values() for name in series))
    said = []
    for row, (title, series) in enumerate(panels.items()):
        ends = []
        for name, items in series.items():
            values, errors = check_estimates(f"rows[{title!r}][{name!r}]", items, length=steps)
            look, half = looks[name], NORMAL_95 * errors
            drawing.band(at, values - half, values + half, colour=look.colour, alpha=0.2, row=row)
            hover = f"{name}: " + "%{y:,.4~f} in step %{x}"
            drawing.line(at, values, colour=look.colour, dash=look.dash, row=row, label=name, hover=hover)
            ends.append(f"{name} {estimate(items[0])} first and {estimate(items[-1])} last")
        said.append(f"{title}: {listed(ends)}")
    return drawing.figure(alt or f"Means of {steps} steps, ± standard errors. {'. '.join(said)}.")


def cloud(
    points: Mapping[str, tuple[Any, Any]],
    *,
    x_title: str,
    y_title: str,
    diagonal: str | None = None,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """One quantity against another, a point for each order.

    Parameters
    ----------
    points : mapping of str to (x, y), arrays [order]
    x_title, y_title : str
        With units.
    diagonal : str, optional
        What to write at the line y = x, which is drawn if it is given.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_steps.py`.
    """
    points = check_named("points", points)
    drawing = Drawing(
        Axis(x_title, zero=True, zero_line=True),
        [Axis(y_title, zero=True, zero_line=True)],
        height=height,
        margin=0.04,
    )
    looks, words = identities(points), []
    ends: list[float] = []
    for name, (across, up) in points.items():
        x = check_series(f"points[{name!r}][0]", across, least=2)
        y = check_series(f"points[{name!r}][1]", up, length=x.size)
        hover = f"{name}: " + "%{x:,.3~f}, %{y:,.3~f}"
        look = looks[name]
        drawing.points(
            x,
            y,
            colour=look.colour,
            symbol=look.symbol,
            size=6,
            label=name if len(points) > 1 else "",
            hover=hover,
        )
        ends += [float(x.min()), float(x.max())]
        spread = float(x.std() * y.std())
        correlation = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread if spread > 0 else 0.0
        words.append(f"{name}, {x.size} points with correlation {number(correlation)}")
    if diagonal is not None:
        line = np.array([min(ends), max(ends)])
        drawing.line(line, line, colour=MUTED, dash="dash", width=1.2)
        drawing.label(line, line, diagonal, MUTED)
    return drawing.figure(alt or f"{y_title} against {x_title}: {listed(words)}.")
