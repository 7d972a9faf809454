"""Cost against risk: the efficient frontier and where strategies stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.evaluate import Summary
from ..analytics.statistics import NORMAL_95, Estimate
from ..strategies.static import StaticPlan
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_estimate, check_named
from .theme import STRATEGY_COLOURS
from .wording import number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FRONTIER = "efficient frontier"


def frontier(
    plans: Sequence[StaticPlan] | Mapping[str, Sequence[StaticPlan]],
    *,
    points: Mapping[str, StaticPlan | Summary | tuple[Any, Any]] | None = None,
    unit: str = "currency",
    scale: float = 1.0,
    log_x: bool = False,
    log_y: bool = False,
    alt: str | None = None,
    height: int = 440,
) -> Figure:
    """Expected cost against its standard deviation: no static schedule lies below a frontier.

    Parameters
    ----------
    plans : list of StaticPlan, or mapping of str to such lists
        What `flowexec.efficient_frontier` returns, in any order; one list for each impact exponent, say.
    points : mapping of str to StaticPlan, Summary or (cost, sd), optional
        Where strategies stand; a Summary, or a pair of Estimates, has 95 % whiskers both ways.
    unit : str
        Of what is drawn.
    scale : float
        What costs of StaticPlans, in currency, are multiplied by to be in `unit`; 10⁴/(X S₀) for basis points
        of the arrival value. Summaries and pairs must be in `unit` already.
    log_x, log_y : bool
        For frontiers over many orders of λ.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_frontier.py`.
    """
    named = check_named("plans", plans) if isinstance(plans, Mapping) else {FRONTIER: plans}
    points = {} if points is None else check_named("points", points)
    drawing = Drawing(
        Axis(f"Standard deviation of the cost ({unit})", log=log_x),
        [Axis(f"Expected cost ({unit})", log=log_y)],
        height=height,
        margin=0.04,
        narrow_height=360,
    )
    looks = identities([*named, *points])
    words = []
    for name, line in named.items():
        ordered = _ordered(name, line)
        colour = STRATEGY_COLOURS["Almgren–Chriss"] if name == FRONTIER else looks[name].colour
        sd = scale * np.array([p.sd for p in ordered])
        cost = scale * np.array([p.expected_cost for p in ordered])
        drawing.line(sd, cost, colour=colour, dash=looks[name].dash, label=name)
        drawing.points(
            sd,
            cost,
            colour=colour,
            size=5,
            extra=[number(p.risk_aversion) for p in ordered],
            hover=name + "<br>λ = %{customdata}<br>cost %{y:,.4~s}, sd %{x:,.4~s}",
        )
        words.append(
            f"{name}: from cost {number(cost[0])} at a standard deviation of {number(sd[0])} "
            f"to {number(cost[-1])} at {number(sd[-1])}"
        )
    for name, point in points.items():
        mean, spread = _coordinates(name, point, scale)
        look = looks[name]
        drawing.points(
            [spread.value],
            [mean.value],
            colour=look.colour,
            symbol=look.symbol,
            size=11,
            label=name,
            error=[NORMAL_95 * mean.standard_error] if mean.standard_error else None,
            error_x=[NORMAL_95 * spread.standard_error] if spread.standard_error else None,
            hover=f"{name}<br>cost " + "%{y:,.4~s}, sd %{x:,.4~s}",
        )
        words.append(f"{name} at cost {number(mean.value)}, standard deviation {number(spread.value)}")
    return drawing.figure(
        alt or f"Expected cost against its standard deviation, in {unit}. {'; '.join(words)}."
    )


def _ordered(name: str, plans: Sequence[StaticPlan]) -> list[StaticPlan]:
    if not isinstance(plans, Sequence) or len(plans) < 2 or not all(isinstance(p, StaticPlan) for p in plans):
        raise ValueError(f"`plans` must hold at least two StaticPlans for {name!r}, got {plans!r:.80}")
    return sorted(plans, key=lambda p: p.sd)


def _coordinates(name: str, point: Any, scale: float) -> tuple[Estimate, Estimate]:
    """(cost, sd) of whatever may be a point."""
    if isinstance(point, StaticPlan):
        return Estimate(scale * point.expected_cost, 0.0), Estimate(scale * point.sd, 0.0)
    if isinstance(point, Summary):
        return point.mean, point.sd
    if not (isinstance(point, tuple) and len(point) == 2):
        raise ValueError(
            f"`points[{name!r}]` must be a StaticPlan, a Summary or a pair (cost, sd), got {point!r:.80}"
        )
    cost, sd = (v if isinstance(v, Estimate) else Estimate(float(v), 0.0) for v in point)
    return check_estimate(f"points[{name!r}]", cost), check_estimate(f"points[{name!r}]", sd)
