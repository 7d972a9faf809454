"""The frontier is sorted, falls, and points stand where their strategies do."""

import numpy as np
import pytest

from flowexec.analytics import Estimate
from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures import frontier
from flowexec.figures.theme import STRATEGY_COLOURS
from tests.figures.gallery import ORDER, plan, plans, summaries


def trace(figure, name, mode):
    return next(t for t in figure.data if t.name == name and t.mode == mode)


def test_curve_is_sorted_by_risk_and_falls_whatever_the_order_of_the_plans():
    curve = trace(frontier(plans()), "efficient frontier", "lines")
    assert (np.diff(curve.x) > 0).all()
    assert (np.diff(curve.y) < 0).all()
    assert sorted(curve.x) == pytest.approx(sorted(p.sd for p in plans()))


def test_hover_shows_the_risk_aversion_of_each_plan():
    dots = next(t for t in frontier(plans()).data if t.customdata is not None)
    assert list(dots.customdata) == ["10⁻⁵", "3·10⁻⁶", "10⁻⁶", "10⁻⁷", "10⁻⁸"]


def test_scale_applies_to_plans_and_not_to_summaries():
    to_bps = 1e4 / (ORDER.shares * 100.0)
    figure = frontier(
        plans(), points={"TWAP": summaries()["TWAP"], "Static": plan(1e-6)}, unit="bps", scale=to_bps
    )
    measured, planned = trace(figure, "TWAP", "markers"), trace(figure, "Static", "markers")
    assert measured.y[0] == summaries()["TWAP"].mean.value
    assert measured.error_x.array[0] == NORMAL_95 * summaries()["TWAP"].sd.standard_error
    assert measured.marker.color == STRATEGY_COLOURS["TWAP"]
    assert planned.y[0] == plan(1e-6).expected_cost * to_bps
    assert planned.x[0] == plan(1e-6).sd * to_bps
    assert planned.error_x.array is None


def test_pairs_of_numbers_and_of_estimates():
    figure = frontier(plans(), points={"a": (5.0, 2.0), "b": (Estimate(6.0, 0.5), Estimate(3.0, 0.1))})
    assert (trace(figure, "a", "markers").x[0], trace(figure, "a", "markers").y[0]) == (2.0, 5.0)
    assert trace(figure, "b", "markers").error_y.array[0] == NORMAL_95 * 0.5


def test_bad_input_is_named():
    with pytest.raises(
        ValueError, match=r"\A`plans` must hold at least two StaticPlans for 'efficient frontier'"
    ):
        frontier(plans()[:1])
    with pytest.raises(ValueError, match=r"\A`points\['TWAP'\]` must be a StaticPlan, a Summary or a pair"):
        frontier(plans(), points={"TWAP": 3.0})
