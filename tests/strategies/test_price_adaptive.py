"""The price-adaptive Almgren–Chriss: the base at tilt 0, both sides, and the slope theory gives at 0."""

from dataclasses import replace

import numpy as np
import pytest

from flowexec import AlmgrenChriss, Bachelier, Order, PowerImpact, Scenario, execute, shortfall
from flowexec.analytics import mean_estimate
from flowexec.strategies.price_adaptive import AggressiveInTheMoney

RISK_AVERSION = 1e-6
SIGMA, ETA, GAMMA = 0.95, 2.5e-6, 2.5e-7
BASE = AlmgrenChriss(RISK_AVERSION)
SCENARIO = Scenario(
    Order("sell", 1e6, 5.0, 10),
    Bachelier(50.0, SIGMA, spread=0.125),
    PowerImpact(ETA, 1.0, GAMMA),
    RISK_AVERSION,
)


def mean_variance(cost: np.ndarray) -> np.ndarray:
    """Per-path terms whose mean is E + λ Var, and whose scatter is the estimate's to first order."""
    return cost + RISK_AVERSION * (cost - cost.mean()) ** 2


def slope_at_zero() -> float:
    """d(E + λ Var)/d tilt at tilt 0, = −2λ Cov(∂impact cost, Σ x ΔS); all in it is linear in the prices."""
    order = SCENARIO.order
    n, tau = order.n_steps, order.step_length
    plan = BASE.plan(order, volatility=SIGMA, impact=SCENARIO.impact)
    held = plan.inventory
    cosh = 1 + 0.5 * RISK_AVERSION * SIGMA**2 * tau**2 / (ETA - GAMMA * tau / 2)
    kept, sensitivity = [0.0], [0.0]  # r_m and dr_m/dcosh, from m = 1 on
    for _ in range(n - 1):
        kept.append(1 / (2 * cosh - kept[-1]))
        sensitivity.append(-(kept[-1] ** 2) * (2 - sensitivity[-1]))
    gain_per_price = 1 / (SIGMA * np.sqrt(order.horizon))
    # response of x_{k+1} to S_j − S₀, [j], per unit of tilt
    response, total = np.zeros(n + 1), 0.0
    covariance = SIGMA**2 * tau * np.concatenate([[0.0], np.cumsum(held[1:])])  # of S_j − S₀ with Σ x ΔS
    for k in range(n):
        m = n - k
        response = kept[m - 1] * response
        response[k] += held[k] * sensitivity[m - 1] * (cosh - 1) * gain_per_price
        total += held[k + 1] * float(response @ covariance)
    return 4 * RISK_AVERSION**2 * SIGMA**2 * tau * total


def test_no_tilt_is_the_base_strategy() -> None:
    problem = SCENARIO.sample(200, seed=1)
    assert np.array_equal(
        execute(AggressiveInTheMoney(BASE, 0.0), problem).shares, execute(BASE, problem).shares
    )


def test_hurries_after_a_gain_and_not_before() -> None:
    problem = SCENARIO.sample(500, seed=2)
    shares, base = execute(AggressiveInTheMoney(BASE, 1.0), problem).shares, execute(BASE, problem).shares
    rose = problem.paths.mid[1] > problem.paths.mid[0]
    np.testing.assert_array_equal(shares[0], base[0])
    assert (shares[1][rose] > base[1][rose]).all()
    assert (shares[1][~rose] < base[1][~rose]).all()


def test_a_buy_in_the_mirrored_market_trades_the_same() -> None:
    problem = SCENARIO.sample(100, seed=3)
    mirrored = replace(
        problem,
        order=replace(problem.order, side="buy"),
        paths=replace(problem.paths, mid=2 * problem.paths.mid[0] - problem.paths.mid),
    )
    strategy = AggressiveInTheMoney(BASE, 0.8)
    np.testing.assert_allclose(
        execute(strategy, mirrored).shares, execute(strategy, problem).shares, rtol=1e-12
    )


def test_given_volatility_and_market_volatility_agree() -> None:
    problem = SCENARIO.sample(100, seed=4)
    given = AggressiveInTheMoney(replace(BASE, volatility=SIGMA), 0.8)
    np.testing.assert_allclose(
        execute(given, problem).shares, execute(AggressiveInTheMoney(BASE, 0.8), problem).shares, rtol=1e-12
    )


def test_a_price_that_cannot_move_is_no_gain() -> None:
    problem = replace(SCENARIO, market=Bachelier(50.0, 0.0)).sample(3, seed=5)
    np.testing.assert_allclose(execute(AggressiveInTheMoney(BASE, 1.0), problem).shares, 1e5)


def test_slope_of_mean_variance_is_the_closed_form() -> None:
    problem = SCENARIO.sample(200_000, seed=6)
    small = 0.05
    up, down = (
        mean_variance(shortfall(execute(AggressiveInTheMoney(BASE, t), problem)).total)
        for t in (small, -small)
    )
    measured = mean_estimate((up - down) / (2 * small))
    theory = slope_at_zero()
    assert theory < -20 * measured.standard_error  # the effect is far from noise …
    assert abs(measured.value - theory) < 4 * measured.standard_error  # … and is the one that theory gives


def test_quadratic_variation_objective_is_least_on_every_path_without_tilt() -> None:
    problem = SCENARIO.sample(2_000, seed=7)
    costs = []
    for strategy in (BASE, AggressiveInTheMoney(BASE, 1.0), AggressiveInTheMoney(BASE, -1.0)):
        cost = shortfall(execute(strategy, problem))
        costs.append(cost.total - cost.martingale + RISK_AVERSION * cost.execution.risk)
    assert (costs[1] > costs[0]).all()
    assert (costs[2] > costs[0]).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1e-6, 1.0), "`base` must be an AlmgrenChriss"),
        ((BASE, float("nan")), "`tilt` must be a finite number"),
    ],
)
def test_refusals(arguments: tuple, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        AggressiveInTheMoney(*arguments)
