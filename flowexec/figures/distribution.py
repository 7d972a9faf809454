"""Distributions: of a cost with its tail, and of a sample against an exact density."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.shortfall import Shortfall
from ..analytics.statistics import NORMAL_95, mean_estimate, var_cvar
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_named, check_rising, check_series
from .theme import INK, MUTED, SERIES_COLOURS
from .wording import UNITS, estimate

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SIDES = {"mean": (-1, 1), "VaR": (-1, 1), "CVaR": (1, 1)}


def cost_distribution(
    costs: Shortfall | Any,
    *,
    level: float = 0.95,
    unit: str | None = None,
    bins: int | None = None,
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """Distributions of the cost; below them mean, value at risk and expected shortfall with 95 % intervals.

    Parameters
    ----------
    costs : Shortfall or array [path], or mapping of str to such
        Total cost path by path; positive is a cost.
    level : float
        Of VaR and CVaR, in (0, 1).
    unit : str, optional
        "currency" or "bps"; a Shortfall knows its own.
    bins : int, optional
        Between the 0.1 % and 99.9 % quantile.
    alt, height
        As in `path_fan`.

    Notes
    -----
    VaR is a bar, CVaR a diamond, both by `analytics.var_cvar`. Pinned by `tests/figures/test_distribution.py`.
    """
    named = check_named("costs", costs) if isinstance(costs, Mapping) else {"cost": costs}
    totals = {}
    for name, cost in named.items():
        unit = cost.unit if isinstance(cost, Shortfall) and unit is None else unit
        totals[name] = check_series(
            f"costs[{name!r}]", cost.total if isinstance(cost, Shortfall) else cost, least=100
        )
    unit = unit or "currency"
    alone = len(named) == 1
    tails = {name: var_cvar(total, level) for name, total in totals.items()}
    everything = np.concatenate(list(totals.values()))
    low = min(float(np.quantile(t, 0.001)) for t in totals.values())
    high = max([float(np.quantile(t, 0.999)) for t in totals.values()] + [c.value for _, c in tails.values()])
    if bins is None:
        bins = int(np.clip(everything.size ** (1 / 3) * 2, 25, 70))
    rows = len(named)
    height = height if height is not None else 380 + 26 * rows
    per_cent = f"{100 * level:g} %"
    drawing = Drawing(
        Axis(f"Cost ({UNITS.get(unit, unit)})"),
        [
            Axis("Density", zero=True, ticks={}),
            Axis(
                "",
                limits=(-0.7, rows - 0.3),
                ticks={float(rows - 1 - i): "" if alone else name for i, name in enumerate(named)},
            ),
        ],
        (6.0, 0.6 + 0.6 * rows),
        height=height,
        narrow_height=min(height, 330 + 24 * rows),
    )
    looks = identities(named)
    words = []
    for i, (name, total) in enumerate(totals.items()):
        colour = SERIES_COLOURS["simulation"] if alone and name == "cost" else looks[name].colour
        count, edges = np.histogram(total, bins=bins, range=(low, high))
        width = edges[1] - edges[0]
        bar, error = count / (total.size * width), np.sqrt(np.maximum(count, 1)) / (total.size * width)
        drawing.band(
            edges,
            np.append(bar - 2 * error, (bar - 2 * error)[-1]).clip(0),
            np.append(bar + 2 * error, 0.0),
            colour=colour,
            alpha=0.25,
            step=True,
        )
        drawing.line(
            edges,
            np.append(bar, bar[-1]),
            colour=colour,
            dash="solid",
            step=True,
            label="" if alone else name,
            width=2,
            hover=f"{name}: " + "%{y:.3~g}",
        )
        mean, (var, cvar), row = mean_estimate(total), tails[name], rows - 1 - i
        if alone:
            tail = edges[1:] > var.value
            drawing.bars(
                np.maximum(edges[:-1], var.value)[tail], edges[1:][tail], bar[tail], colour=colour, alpha=0.4
            )
        for what, item, symbol in (
            ("mean", mean, "circle"),
            ("VaR", var, "line-ns-open"),
            ("CVaR", cvar, "diamond"),
        ):
            drawing.points(
                [item.value],
                [row],
                error_x=[NORMAL_95 * item.standard_error],
                symbol=symbol,
                row=1,
                colour=colour,
                size=12 if what == "VaR" else 9,
                name=f"{name} {what}",
                hover=f"{name}, {what} {per_cent if what != 'mean' else ''}: {estimate(item)}",
            )
            if i == 0:
                drawing.vertical(
                    item.value, what if what == "mean" else f"{what} {per_cent}", colour=colour
                ) if alone else (
                    drawing.note(what, item.value, row, row=1, side=SIDES[what], shift=(0, 7), colour=MUTED)
                )
        words.append(f"{name} mean {estimate(mean)}, VaR {estimate(var)}, CVaR {estimate(cvar)}")
    drawing.x.limits = (low - 0.02 * (high - low), high + 0.04 * (high - low))
    figure = drawing.figure(
        alt
        or f"Distribution of the cost over {everything.size // rows:,} paths in {UNITS.get(unit, unit)}, "
        f"{per_cent} tail, ± standard error: {'; '.join(words)}."
    )
    return figure.update_layout(
        yaxis2={"showgrid": False, "tickfont": {"color": INK}, "ticklabelstandoff": 6}
    )


def density(
    sample: Any,
    exact: Callable[[np.ndarray], np.ndarray] | tuple[Any, Any],
    *,
    x_title: str,
    exact_name: str = "exact",
    sample_name: str = "simulated",
    bins: int | None = None,
    residuals: bool = True,
    alt: str | None = None,
    height: int = 460,
) -> Figure:
    """A histogram with the error of each bar, against the exact density, and how many errors apart they are.

    Parameters
    ----------
    sample : array [draw]
    exact : callable or (x, density)
        The density, vectorised, or its values on an increasing grid that covers the bins. It is averaged over
        each bin by Gauss's rule before it is compared with the bar, so that curvature within a bin is not
        taken for an error; the rule avoids the ends, where a density may be infinite.
    x_title : str
        With the unit.
    exact_name, sample_name : str
    bins : int, optional
        Between the 0.05 % and 99.95 % quantile; by default by the rule of Freedman and Diaconis, 20 to 80.
    residuals : bool
        Whether to draw the row of z-scores, (bar − exact) / standard error, with the band ±2.
    alt, height
        As in `path_fan`.

    Notes
    -----
    A bar's standard error is √(p(1 − p)/n)/width, p exact. Pinned by `tests/figures/test_distribution.py`.
    """
    sample = check_series("sample", sample, least=100)
    low, high = np.quantile(sample, [0.0005, 0.9995])
    if not low < high:
        raise ValueError(f"`sample` must vary, got {low:g} throughout")
    pdf = exact if callable(exact) else _interpolated(exact, float(low), float(high))
    if bins is None:
        quartiles = np.quantile(sample, [0.25, 0.75])
        bins = int(
            np.clip((high - low) * sample.size ** (1 / 3) / (2 * max(np.ptp(quartiles), 1e-300)), 20, 80)
        )
    counts, edges = np.histogram(sample, bins=bins, range=(float(low), float(high)))
    width, middle = float(edges[1] - edges[0]), (edges[:-1] + edges[1:]) / 2
    nodes, weights = np.polynomial.legendre.leggauss(8)
    expected = pdf((middle[:, None] + 0.5 * width * nodes).ravel()).reshape(bins, 8) @ (0.5 * weights)
    probability = np.clip(expected * width, 1e-300, 1.0)
    error = np.sqrt(probability * (1 - np.minimum(probability, 1.0)) / sample.size) / width
    bar = counts / (sample.size * width)
    z = (bar - expected) / np.maximum(error, 1e-300)
    hue = SERIES_COLOURS["simulation"]
    rows = [Axis("Density", zero=True)]
    if residuals:
        rows.append(Axis("z-score", limits=(-4.5, 4.5), ticks={-2.0: "−2", 0.0: "0", 2.0: "2"}))
    drawing = Drawing(Axis(x_title), rows, (3.0, 1.0)[: len(rows)], height=height, narrow_height=400)
    drawing.bars(edges[:-1], edges[1:], bar, colour=hue, alpha=0.3, hover=sample_name + " %{y:.4~g}")
    drawing.points(middle, bar, error=2 * error, colour=hue, size=1, cap=0)
    drawing.label(middle, bar + 2 * error, f"{sample_name} ± 2 s.e.", hue)
    grid = np.linspace(edges[0], edges[-1], 8 * bins + 1)[1:-1]
    curve = np.asarray(pdf(grid), dtype=float)
    # a density may be infinite where its support begins: cut there, at the height of the bars
    low_enough = np.flatnonzero(curve <= 1.1 * float(np.max(bar + 2 * error)))
    shown = slice(low_enough[0], low_enough[-1] + 1) if low_enough.size else slice(None)
    drawing.line(
        grid[shown], curve[shown], colour=INK, width=2, label=exact_name, hover=exact_name + " %{y:.4~g}"
    )
    inside = float(np.mean(np.abs(z) <= 2))
    if residuals:
        drawing.band(edges[[0, -1]], [-2, -2], [2, 2], colour=MUTED, alpha=0.16, row=1)
        drawing.horizontal(0, row=1)
        drawing.points(
            middle,
            np.clip(z, -4.4, 4.4),
            colour=hue,
            size=5,
            row=1,
            hollow=np.abs(z) <= 2,
            hover="z = %{customdata:.2f}",
            extra=z,
        )
    return drawing.figure(
        alt
        or f"Histogram of {sample.size:,} values of {x_title} against {exact_name}: "
        f"{inside:.0%} of {bins} bars lie within two standard errors of it "
        f"(95 % are expected), the furthest is {np.abs(z).max():.1f} away."
    )


def _interpolated(exact: tuple[Any, Any], low: float, high: float) -> Callable[[np.ndarray], np.ndarray]:
    if not (isinstance(exact, tuple) and len(exact) == 2):
        raise ValueError(f"`exact` must be a function or a pair (x, density), got {type(exact).__name__}")
    x = check_rising("exact[0]", check_series("exact[0]", exact[0], least=2))
    values = check_series("exact[1]", exact[1], length=x.size)
    if x[0] > low or x[-1] < high:
        raise ValueError(
            f"`exact[0]` must cover the bins, from {low:g} to {high:g}, got a grid from {x[0]:g} to {x[-1]:g}"
        )
    return lambda at: np.interp(at, x, values)
