"""The endogenous grid step against a search, and the inverse of marginal cost against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from flowexec.strategies.bellman import StepCost, Value, last_step, step_back


@pytest.mark.parametrize(
    ("exponent", "curvature"),
    [(0.3, 0.0), (0.6, 0.5), (0.6, 0.96), (1.0, 0.0), (1.0, 1.5), (1.0, 1.999999), (2.0, 0.0)],
)
def test_trade_inverts_the_slope(exponent: float, curvature: float) -> None:
    cost = StepCost(exponent, curvature)
    f = np.linspace(0.0, 1.0, 201)[:-1]
    assert cost.trade(cost.slope(f)) == pytest.approx(f, abs=1e-9)
    assert cost.trade(np.array([-3.0, 0.0])) == pytest.approx(0.0)


def test_trade_goes_on_rising_beyond_the_order() -> None:
    for cost in (StepCost(0.6, 0.96), StepCost(0.6), StepCost(1.0, 1.5), StepCost(2.0)):
        slopes = cost.slope(np.array(1.0)) + np.array([0.0, 0.1, 1.0])
        trades = cost.trade(slopes)
        assert np.all(np.diff(trades) > 0)
        assert cost.slope(trades) == pytest.approx(slopes, rel=1e-7)
        # and the slope is that of the cost, across f = 1 too
        f = np.array([0.4, 0.999, 1.001, 1.7])
        assert (cost(f + 1e-6) - cost(f - 1e-6)) / 2e-6 == pytest.approx(cost.slope(f), rel=1e-7)


@pytest.mark.parametrize("curvature", [0.0, 0.5])
def test_a_step_finds_what_a_search_finds(curvature: float) -> None:
    """W(y) = a y² + b y with b of either sign: trading all at once, part, and nothing all occur."""
    cost, roots = StepCost(0.6, curvature), np.linspace(0.0, 1.0, 121)
    a, b = np.array([0.5, 5.0, 0.8, 2.0]), np.array([0.0, 0.0, 0.7, -0.9])
    y = roots[:, None] ** 2
    found = step_back(cost, roots, Value(a * y**2 + b * y, 2 * a * y + b))
    for state in range(a.size):
        for i in range(3, 121, 13):
            x = roots[i] ** 2

            def total(f: float, x: float = x, state: int = state) -> float:
                return float(cost(np.array(f))) + a[state] * (x - f) ** 2 + b[state] * (x - f)

            inside = minimize_scalar(total, bounds=(0.0, x), method="bounded", options={"xatol": 1e-12})
            best = min(inside.fun, total(0.0), total(x))
            assert found.cost[i, state] == pytest.approx(best, abs=2e-7)
    # the first share is worth its own marginal cost, 0, or, where holding it gains, what it gains
    assert found.slope[0] == pytest.approx(np.minimum(b, 0.0), abs=1e-15)


def test_without_risk_the_value_is_that_of_equal_trades() -> None:
    cost, roots = StepCost(0.6), np.linspace(0.0, 1.0, 121)
    value = last_step(cost, roots, 1)
    for steps in range(2, 8):
        value = step_back(cost, roots, value)
        x = roots[:, None] ** 2
        assert value.cost == pytest.approx(steps * (x / steps) ** 1.6, abs=1e-8)
        assert value.slope == pytest.approx(1.6 * (x / steps) ** 0.6, abs=1e-4)
