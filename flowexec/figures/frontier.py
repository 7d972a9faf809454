"""Cost against risk: the efficient frontier and where strategies stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..analytics.evaluate import Summary
from ..analytics.statistics import NORMAL_95, Estimate
from ..strategies.static import StaticPlan
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_estimate, check_named, check_series
from .theme import STRATEGY_COLOURS
from .wording import number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FRONTIER = "efficient frontier"
MANY = 8.0
"""Times the least cost: beside a strategy so dear a logarithmic axis keeps the cheap ones apart."""


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
    lines = {name: plan_curve(name, plans, scale) for name, plans in named.items()}
    placed = {name: _coordinates(name, point, scale) for name, point in points.items()}
    drawing = frontier_drawing(
        lines,
        placed,
        x=Axis(f"Standard deviation of the cost ({unit})", log=log_x),
        y=Axis(f"Expected cost ({unit})", log=log_y),
        height=height,
    )
    return drawing.figure(
        alt or f"Expected cost against its standard deviation, in {unit}. {frontier_words(lines, placed)}."
    )


class Curve(NamedTuple):
    """A frontier: risk and cost of its schedules, by rising risk, and the λ each was made for."""

    sd: np.ndarray
    cost: np.ndarray
    risk_aversions: tuple[str, ...] = ()
    """One for each schedule where they are known; then each is a point."""


def plan_curve(name: str, plans: Sequence[StaticPlan], scale: float) -> Curve:
    """The frontier through these plans."""
    ordered = _ordered(name, plans)
    return Curve(
        scale * np.array([p.sd for p in ordered]),
        scale * np.array([p.expected_cost for p in ordered]),
        tuple(number(p.risk_aversion) for p in ordered),
    )


def given_curve(name: str, line: Any, scale: float) -> Curve:
    """The frontier through StaticPlans in currency, or a pair of arrays (sd, cost) already in the unit."""
    if not (isinstance(line, tuple) and len(line) == 2):
        return plan_curve(name, line, scale)
    sd = check_series(f"frontiers[{name!r}][0]", line[0], least=2)
    cost = check_series(f"frontiers[{name!r}][1]", line[1], length=sd.size)
    order = np.argsort(sd)
    return Curve(sd[order], cost[order])


def frontier_drawing(
    lines: Mapping[str, Curve],
    points: Mapping[str, tuple[Estimate, Estimate]],
    *,
    x: Axis,
    y: Axis,
    height: int,
) -> Drawing:
    """Frontiers, and points (cost, risk) with 95 % whiskers both ways."""
    drawing = Drawing(x, [y], height=height, margin=0.04, narrow_height=360)
    looks = identities([*lines, *points])
    for name, line in lines.items():
        colour = STRATEGY_COLOURS["Almgren–Chriss"] if name == FRONTIER else looks[name].colour
        drawing.line(line.sd, line.cost, colour=colour, dash=looks[name].dash, label=name)
        if line.risk_aversions:
            drawing.points(
                line.sd,
                line.cost,
                colour=colour,
                size=5,
                extra=list(line.risk_aversions),
                hover=name + "<br>λ = %{customdata}<br>cost %{y:,.4~s}, sd %{x:,.4~s}",
            )
    for name, (mean, spread) in points.items():
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
    return drawing


def frontier_words(lines: Mapping[str, Curve], points: Mapping[str, tuple[Estimate, Estimate]]) -> str:
    """Frontiers by their ends, and where the points are."""
    return "; ".join(
        [
            f"{name}: from cost {number(line.cost[0])} at a standard deviation of {number(line.sd[0])} "
            f"to {number(line.cost[-1])} at {number(line.sd[-1])}"
            for name, line in lines.items()
        ]
        + [
            f"{name} at cost {number(mean.value)}, standard deviation {number(spread.value)}"
            for name, (mean, spread) in points.items()
        ]
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
