"""The same strategies for every owner: cost and risk at a chosen risk aversion and impact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from ..checks import check_choice
from .axes import Axis
from .board import Choice, Control, View, board
from .drawing import Drawing
from .frontier import FRONTIER, MANY, frontier_drawing, given_curve
from .identity import Identity, identities
from .inputs import check_estimate, check_estimates, check_named, check_positive, check_rising, check_series
from .theme import INK
from .wording import listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST = 12  # risk aversions
_ROOM = 1.5  # factor beyond the data on the logarithmic axis

Points = Mapping[str, Sequence[tuple[Estimate, Estimate]]]


def frontier_board(
    risk_aversions: Any,
    objectives: Mapping[str, Mapping[str, Sequence[Estimate]]],
    *,
    points: Mapping[str, Points],
    frontiers: Mapping[str, Any] | None = None,
    optimum: str = "Optimum",
    control: str = "Impact",
    unit: str = "bps",
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Where strategies stand for each risk aversion, with a slider over it and a drop-down over impacts.

    Above, cost against risk at the chosen risk aversion; below, by how many per cent each strategy's
    objective is above the optimum's, for all of them, the chosen one marked.

    Parameters
    ----------
    risk_aversions : array [λ]
        At most 12, increasing, greater than 0.
    objectives : mapping of impact to mapping of strategy to list of Estimate [λ]
        E[cost] + λ E[risk]. The drop-down has the impacts' names, "β = 0.6".
    points : mapping of impact to mapping of strategy to list of (cost, sd) [λ]
        Estimates.
    frontiers : mapping of impact to list of StaticPlan, or to a pair of arrays (sd, cost), optional
        In `unit`.
    optimum : str
        Which of the strategies is the optimum.
    control : str
        What the drop-down chooses.
    unit : str
    alt, height
        As in `path_fan`; `height` is each panel's.

    Notes
    -----
    Intervals below leave out the optimum's own error, which all share. On the logarithmic axis an objective
    that is not above the optimum's has no place: there is no point for it.
    Pinned by `tests/figures/test_league_board.py`.
    """
    lambdas = check_rising("risk_aversions", check_series("risk_aversions", risk_aversions, least=2))
    check_positive("risk_aversions", lambdas)
    if lambdas.size > _MOST:
        raise ValueError(f"`risk_aversions` must be at most {_MOST}, got {lambdas.size}")
    objectives = check_named("objectives", objectives)
    points = check_named("points", points)
    frontiers = {} if frontiers is None else check_named("frontiers", frontiers)
    views: dict[Choice, View] = {}
    for i, (impact, rows) in enumerate(objectives.items()):
        check_choice("points", impact, tuple(points))
        check_choice("optimum", optimum, tuple(rows))
        excess = _excess(impact, rows, optimum, lambdas.size)
        places = _places(impact, points[impact], lambdas.size)
        if places.keys() != rows.keys():
            raise ValueError(
                f"`points[{impact!r}]` must have the strategies {listed(rows)}, got {listed(places)}"
            )
        curve = {FRONTIER: given_curve(impact, frontiers[impact], 1.0)} if impact in frontiers else {}
        looks = identities([*curve, *places])
        costs = [cost.value for row in places.values() for cost, _ in row]
        for k, risk_aversion in enumerate(lambdas):
            plane = frontier_drawing(
                curve,
                {name: row[k] for name, row in places.items()},
                x=Axis(f"Standard deviation of the cost ({unit})", zero=True),
                y=Axis(f"Expected cost ({unit})", log=0 < MANY * min(costs) < max(costs)),
                height=height,
            )
            for row in places.values():  # the axes stay while the slider moves
                plane.extend(0, [sd.value for _, sd in row], [cost.value for cost, _ in row])
            said = alt or _said(
                impact, risk_aversion, {name: values[k] for name, (values, _) in excess.items()}
            )
            drawings = (plane, _distances(lambdas, excess, looks, k, height))
            views[(i, k) if len(objectives) > 1 else (k,)] = View(drawings, said)
    slider = Control("Risk aversion λ", tuple(number(value, 2) for value in lambdas), slider=True)
    menu = [Control(control, tuple(objectives))] if len(objectives) > 1 else []
    middle = lambdas.size // 2
    return board(views, [*menu, slider], columns=((1.0,), (1.0,)), start=(0, middle) if menu else (middle,))


def _excess(
    impact: str, rows: Mapping[str, Sequence[Estimate]], optimum: str, size: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each strategy's objective above the optimum's, and its standard error, in per cent of that."""
    items = {
        name: check_estimates(f"objectives[{impact!r}][{name!r}]", row, length=size)
        for name, row in rows.items()
    }
    best = check_positive(f"objectives[{impact!r}][{optimum!r}]", items[optimum][0])
    return {
        name: (100 * (values / best - 1), 100 * errors / best)
        for name, (values, errors) in items.items()
        if name != optimum
    }


def _places(impact: str, rows: Points, size: int) -> dict[str, list[tuple[Estimate, Estimate]]]:
    """(cost, sd) of each strategy at each risk aversion, checked."""
    places = {}
    for name, row in rows.items():
        if len(row) != size:
            raise ValueError(f"`points[{impact!r}][{name!r}]` must hold {size} pairs, got {len(row)}")
        where = f"points[{impact!r}][{name!r}]"
        places[name] = [(check_estimate(where, cost), check_estimate(where, sd)) for cost, sd in row]
    return places


def _distances(
    lambdas: np.ndarray,
    excess: Mapping[str, tuple[np.ndarray, np.ndarray]],
    looks: Mapping[str, Identity],
    chosen: int,
    height: int,
) -> Drawing:
    """Objectives above the optimum's against λ, both logarithmic."""
    above = np.concatenate([values[values > 0] for values, _ in excess.values()])
    limits = (above.min() / _ROOM, above.max() * _ROOM) if above.size else (0.1, 10.0)
    drawing = Drawing(
        Axis("Risk aversion λ (1/currency)", log=True),
        [Axis("Objective above the optimum's (%)", log=True, limits=limits)],
        height=height,
        margin=0.03,
        narrow_height=360,
    )
    drawing.extend(0, lambdas, [])
    for name, (values, errors) in excess.items():
        shown = values > 0
        if not shown.any():
            continue
        half = NORMAL_95 * errors[shown]
        drawing.points(
            lambdas[shown],
            values[shown],
            error=(np.minimum(half, values[shown] - limits[0]), half),
            colour=looks[name].colour,
            symbol=looks[name].symbol,
            size=7,
            label=name,
            joined=looks[name].dash,
            hover=f"{name}: " + "%{y:.3~g} % at λ = %{x:.2~g}",
        )
    drawing.shapes.append(
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": lambdas[chosen],
            "x1": lambdas[chosen],
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "line": {"color": INK, "width": 1.4, "dash": "dot"},
        }
    )
    return drawing


def _said(impact: str, risk_aversion: float, excess: Mapping[str, float]) -> str:
    """One view in a sentence."""
    words = listed(f"{name} {number(value)} %" for name, value in excess.items())
    return f"{impact}, λ = {number(risk_aversion, 2)}: objectives above the optimum's: {words}."
