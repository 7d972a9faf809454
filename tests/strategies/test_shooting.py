"""Shooting from the last trade: closed form, first-order conditions, an optimizer that knows neither."""

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from flowexec import AlmgrenChriss, Order, PowerImpact
from flowexec.strategies.shooting import shoot


def value(fractions: np.ndarray, c: float, beta: float, q: float, r: float) -> float:
    held = np.cumsum(fractions[::-1])[::-1][1:]
    return float(np.sum(c * fractions ** (1 + beta) - q * fractions**2 / 2) + r * held @ held)


@pytest.mark.parametrize("n_steps", [1, 2, 7, 200])
@pytest.mark.parametrize("risk_aversion", [0.0, 1e-8, 1e-6, 1e-4, 1.0])
def test_linear_impact_is_almgren_and_chriss(n_steps: int, risk_aversion: float) -> None:
    order, eta, gamma, sigma = Order("sell", 1e6, 5.0, n_steps), 2.5e-6, 2.5e-7, 0.95
    tau = order.step_length
    exact = AlmgrenChriss(risk_aversion).plan(order, volatility=sigma, impact=PowerImpact(eta, 1.0, gamma))
    found = shoot(n_steps, eta / tau, 1.0, gamma, risk_aversion * sigma**2 * tau)
    np.testing.assert_allclose(found, exact.trades / 1e6, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    ("beta", "q"), [(0.3, 0.0), (0.6, 0.0), (0.6, 0.9), (1.0, 1.5), (1.7, 0.0), (3.0, 0.0)]
)
@pytest.mark.parametrize("r", [0.0, 0.1, 3.0])
def test_first_order_conditions(beta: float, q: float, r: float) -> None:
    f = shoot(20, 1.0, beta, q, r)
    held = np.cumsum(f[::-1])[::-1]
    slope = (1 + beta) * f**beta - q * f
    assert f.sum() == pytest.approx(1.0, rel=1e-14)
    assert (np.diff(f) <= 1e-14).all()
    traded = f[1:] > 0
    np.testing.assert_allclose(
        (slope[:-1] - slope[1:])[traded], (2 * r * held[1:])[traded], rtol=1e-7, atol=1e-12
    )


@pytest.mark.parametrize(("beta", "q", "r"), [(0.5, 0.0, 0.5), (0.6, 0.9, 0.2), (2.0, 0.0, 1.0)])
def test_a_general_optimizer_finds_nothing_better(beta: float, q: float, r: float) -> None:
    n = 8
    found = value(shoot(n, 1.0, beta, q, r), 1.0, beta, q, r)
    searched = minimize(
        lambda f: value(np.maximum(f, 0), 1.0, beta, q, r),
        np.full(n, 1 / n),
        bounds=[(0, 1)] * n,
        method="SLSQP",
        constraints=LinearConstraint(np.ones((1, n)), 1.0, 1.0),
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    assert found <= searched.fun + 1e-12
    assert searched.fun == pytest.approx(found, rel=1e-6)


def test_convex_impact_without_a_binding_deadline_ends_early() -> None:
    f = shoot(300, 1.0, 2.0, 0.0, 100.0)
    assert (f[-50:] == 0).all()
    assert f[0] > 0.1
    assert f.sum() == pytest.approx(1.0)
