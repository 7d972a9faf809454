"""A league at a glance: who is better than whom, how far from the best, and at what risk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..analytics.league import League
from ..analytics.league_entry import LeagueEntry, ScenarioResult
from ..analytics.shortfall import BPS
from ..analytics.statistics import Estimate
from ..checks import check_choice, check_kind
from ..strategies.static import StaticPlan
from .axes import Axis
from .board import Choice, Control, View, board
from .drawing import Drawing
from .forest import Row, forest_drawing
from .frontier import FRONTIER, MANY, Curve, frontier_drawing, given_curve
from .inputs import check_named
from .wording import estimate, listed, value_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def league_board(
    league: League,
    *,
    frontiers: Mapping[str, Sequence[StaticPlan] | tuple[Any, Any]] | None = None,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Each scenario of a league in three panels, with a drop-down over the scenarios.

    Differences to the baseline and, in the same rows, regrets to the optimum, the best strategy first; below,
    cost against risk. Both are of the objective, on common paths, with the league's bootstrap intervals; a
    difference is hollow where it is not significant after Holm's correction.

    Parameters
    ----------
    league : League
        Regrets need its optimum.
    frontiers : mapping of scenario to list of StaticPlan, or to a pair of arrays (risk, cost), optional
        Static schedules of some risk aversions, what `efficient_frontier` returns; a pair must be in the
        league's unit already.
    alt : str, optional
        As in `path_fan`.
    height : int
        Of the panel of cost against risk; the others are as high as their rows need.

    Notes
    -----
    Risk is the root of the mean quadratic variation of what is held, E[Σ x²σ²τ]^½: the standard deviation of
    the cost but for what random volumes add. Pinned by `tests/figures/test_league_board.py`.
    """
    check_kind("league", league, League)
    frontiers = {} if frontiers is None else check_named("frontiers", frontiers)
    for name in frontiers:
        check_choice("frontiers", name, tuple(league.scenarios))
    several = len(league.scenarios) > 1
    views: dict[Choice, View] = {}
    for i, (name, result) in enumerate(league.scenarios.items()):
        scale = BPS / result.arrival_value if league.unit == "bps" else 1.0
        curves = {FRONTIER: given_curve(name, frontiers[name], scale)} if name in frontiers else {}
        drawings = (*_forests(league, result), _plane(league, result, curves, scale, height))
        views[(i,) if several else ()] = View(drawings, alt or f"{name}: {_said(league, result)}")
    controls = [Control("Scenario", tuple(league.scenarios))] if several else []
    beside = (1.0,) if league.optimum is None else (1.0, 1.0)
    return board(views, controls, columns=(beside, (1.0,)))


def _forests(league: League, result: ScenarioResult) -> list[Drawing]:
    """Differences to the baseline and, where there is one, regrets to the optimum."""
    differences = [_difference(name, result.entries[name]) for name in result.ranking]
    title = f"Objective less {league.baseline}'s ({league.unit})"
    drawings = [forest_drawing(differences, x_title=title, zero=league.baseline)]
    if league.optimum is not None:
        regrets = [_regret(name, result.entries[name]) for name in result.ranking]
        title = f"Objective less the optimum's ({league.unit})"
        drawings.append(forest_drawing(regrets, x_title=title, zero=league.optimum, page_names=False))
    return drawings


def _difference(name: str, entry: LeagueEntry) -> Row:
    compared = entry.comparison
    if compared is None:  # the baseline less itself
        return Row(name, Estimate(0.0, 0.0), 0.0, 0.0, False)
    return Row(name, compared.controlled, compared.interval.low, compared.interval.high, compared.significant)


def _regret(name: str, entry: LeagueEntry) -> Row:
    item, interval = entry.regret, entry.regret_interval
    if item is None or interval is None or item == (0.0, 0.0):
        return Row(name, Estimate(0.0, 0.0), 0.0, 0.0, False)
    return Row(name, item, interval.low, interval.high, not interval.low <= 0.0 <= interval.high)


def _plane(
    league: League, result: ScenarioResult, curves: Mapping[str, Curve], scale: float, height: int
) -> Drawing:
    """Cost against risk: all strategies, over the frontier of static schedules."""
    points = {
        name: (entry.summary.controlled_mean, _root(entry.summary.risk, scale))
        for name, entry in result.entries.items()
    }
    costs = [mean.value for mean, _ in points.values()]
    return frontier_drawing(
        curves,
        points,
        x=Axis(f"Risk, √E[Σ x²σ²τ] ({league.unit})", zero=True),
        y=Axis(f"Expected cost ({league.unit})", log=0 < MANY * min(costs) < max(costs)),
        height=height,
    )


def _root(risk: Estimate, scale: float) -> Estimate:
    """The root of a mean risk with the error that the delta method gives it, times `scale`."""
    root = math.sqrt(risk.value)
    return Estimate(scale * root, scale * risk.standard_error / (2 * root) if root else 0.0)


def _said(league: League, result: ScenarioResult) -> str:
    """A scenario in sentences: who won, by how much over the baseline, and how far all are from the best."""
    first = result.ranking[0]
    entry = result.entries[first]
    unit = league.unit
    words = [f"of {len(result.ranking)} strategies {first} has the least objective"]
    if entry.comparison is not None:
        ahead = estimate(entry.comparison.controlled, signed=True)
        words.append(f"{ahead} {unit} (s.e.) against {league.baseline}")
    text = ", ".join(words) + "."
    if league.optimum is not None:
        regrets = [f"{name} {value_of(_regret(name, e).item)}" for name, e in result.entries.items()]
        text += f" Regrets to the optimum in {unit}: {listed(regrets)}."
    return text
