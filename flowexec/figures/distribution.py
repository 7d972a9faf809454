"""Distributions of a cost, with their tails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.shortfall import Shortfall
from ..analytics.statistics import NORMAL_95, mean_estimate, var_cvar
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_named, check_series
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
    VaR is a bar, CVaR a diamond (`analytics.var_cvar`). Pinned by `tests/figures/test_distribution.py`.
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
