"""The Riccati recursion under Heston: its expectations, limits and digits, and what the engine charges."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ncx2

from flowexec import (
    GBM,
    TWAP,
    AlmgrenChriss,
    Heston,
    Order,
    PowerImpact,
    Scenario,
    evaluate,
    execute,
)
from flowexec.strategies.heston_riccati import solve_riccati
from flowexec.strategies.static_optimum import static_optimum

THETA = 2.5e-4
ORDER = Order("sell", 1e5, 1.0, 20, fee_per_share=0.001, fixed_fee=10.0)
IMPACT = PowerImpact(5e-6, 1.0, 1e-6)


def heston(xi: float = 3.0, v0: float = 1.0, kappa: float = 5.0, **other) -> Heston:
    """ξ in units of √θ, v₀ in units of θ."""
    return Heston(100.0, v0 * THETA, kappa, THETA, xi * math.sqrt(THETA), -0.5, spread=0.01, **other)


def scenario(market: Heston, ratio: float = 10.0, order: Order = ORDER) -> Scenario:
    """With `ratio` times as much risk as temporary impact at TWAP."""
    twap_risk = 100.0**2 * THETA * order.horizon / 3
    return Scenario(order, market, IMPACT, ratio * IMPACT.temporary / order.horizon / twap_risk)


@pytest.mark.parametrize(
    ("xi", "v0", "kappa", "digits"),
    [(3, 1, 5, 8.5), (1, 0.2, 5, 10), (0.3, 4, 0.5, 10), (4, 1, 0.5, 6.5), (9, 2, 2, 5)],
)
def test_expectations_are_those_of_the_exact_law(xi, v0, kappa, digits):
    """Two steps from the end, by hand but for one integral over the noncentral χ² density of v."""
    problem = scenario(heston(xi, v0, kappa), order=Order("sell", 1e5, 0.5, 3))
    market, tau = problem.market, problem.order.step_length
    charge = IMPACT.temporary / tau - 0.5 * IMPACT.permanent
    r = problem.risk_aversion * 100.0**2 * tau / charge
    scale = -(market.xi**2) * math.expm1(-kappa * tau) / (4 * kappa)
    freedom = 4 * kappa * THETA / market.xi**2
    distance = market.v0 * math.exp(-kappa * tau) / scale

    def second(y: float) -> float:  # f_1(y²)
        return (1 + r * scale * y**2) / (2 + r * scale * y**2)

    # in y = √χ'², and by parts, so that the pole of the density at 0 (freedom < 2) does no harm
    tail = quad(
        lambda y: 2 * r * scale * y / (2 + r * scale * y**2) ** 2 * ncx2.sf(y**2, freedom, distance),
        0, 1e3, points=[math.sqrt(distance) + 1, math.sqrt(distance) + 10], limit=500, epsabs=1e-13,
    )[0]  # fmt: skip
    b = r * market.v0 + second(0.0) + tail
    found = solve_riccati(problem)
    assert float(found.fraction_at(0, market.v0)) == pytest.approx(b / (1 + b), rel=10**-digits)
    variance = np.array([0.0, 1e-6, THETA, 1.0])
    np.testing.assert_allclose(
        found.fraction_at(1, variance), (1 + r * variance) / (2 + r * variance), rtol=1e-9
    )
    np.testing.assert_allclose(found.fraction_at(2, variance), 1.0, rtol=1e-12)


@pytest.mark.parametrize("v0", [0.2, 5.0])
def test_as_the_variance_loses_its_noise_it_becomes_the_static_optimum(v0):
    """At second order in ξ: the surprise is of first order, and so is the trade that answers it."""
    static = static_optimum(scenario(heston(v0=v0))).objective
    gains = [1 - solve_riccati(scenario(heston(xi, v0))).value / static for xi in (0.2, 0.1, 0.05)]
    assert gains[0] / gains[1] == pytest.approx(4.0, rel=0.02)
    assert gains[1] / gains[2] == pytest.approx(4.0, rel=0.005)
    tiny = scenario(heston(1e-6, v0))
    plan, found = static_optimum(tiny), solve_riccati(tiny)
    assert found.value == pytest.approx(static, rel=1e-9)
    shares = execute(found, tiny.sample(2, seed=1)).shares
    np.testing.assert_allclose(shares, np.tile(plan.trades[:, None], 2), rtol=1e-5)


def test_constant_variance_gives_almgren_and_chriss():
    problem = scenario(heston(1e-7))
    exact = AlmgrenChriss(problem.risk_aversion).plan(
        ORDER, volatility=100.0 * math.sqrt(THETA), impact=IMPACT, spread=0.01
    )
    assert solve_riccati(problem).value == pytest.approx(exact.objective, rel=1e-10)


def test_without_risk_aversion_it_is_twap():
    problem = scenario(heston(), ratio=0.0)
    found = solve_riccati(problem)
    for k in range(20):
        np.testing.assert_allclose(
            found.fraction_at(k, np.array([0.0, THETA, 1.0])), 1 / (20 - k), rtol=1e-11
        )
    twap = evaluate(TWAP(), problem, 64, seed=1)
    assert found.value == pytest.approx(twap.controlled_objective.value, rel=1e-11)


@pytest.mark.parametrize("ratio", [0.5, 10.0, 100.0])
def test_the_series_converges_geometrically(ratio):
    """Twice the terms, twice the digits: 48 of them leave at most 1e-9 of the cost that can be influenced."""
    for xi, v0 in ((1.0, 1.0), (3.0, 0.1)):
        problem = scenario(heston(xi, v0), ratio)
        values = {size: solve_riccati(problem, size=size) for size in (12, 24, 48, 64)}
        at_start = {size: float(found.cost_at(0, 1e5, v0 * THETA)) for size, found in values.items()}
        error = {size: abs(at_start[size] / at_start[64] - 1) for size in (12, 24, 48)}
        assert error[12] < 1e-1
        assert error[24] < 1e-4
        assert error[48] < 1e-9
        whole = np.geomspace(1e-2, 20, 30) * THETA
        np.testing.assert_allclose(
            values[48].fraction_at(3, whole), values[64].fraction_at(3, whole), rtol=1e-7
        )


@pytest.mark.parametrize(("side", "xi", "v0"), [("sell", 3.0, 1.0), ("buy", 3.0, 4.0), ("sell", 1.0, 0.3)])
def test_the_engine_charges_the_value(side, xi, v0):
    problem = scenario(heston(xi, v0), order=replace(ORDER, side=side))
    found = solve_riccati(problem)
    summary = evaluate(found, problem, 20_000, seed=11)
    objective = summary.controlled_objective
    assert objective.standard_error < 1.5e-3 * found.value
    assert abs(objective.value - found.value) < 3 * objective.standard_error
    assert summary.completion.value == pytest.approx(1.0, rel=1e-12)


def test_it_beats_the_best_schedule_on_the_same_paths_and_by_what_it_says():
    problem = scenario(heston(3.0))
    found, plan = solve_riccati(problem), static_optimum(problem)
    paths = problem.sample(20_000, seed=5)
    cost = {}
    for name, strategy in (("adaptive", found), ("static", plan.strategy)):
        run = execute(strategy, paths)
        tau, rate = ORDER.step_length, IMPACT.temporary / ORDER.step_length - 0.5 * IMPACT.permanent
        cost[name] = rate * (run.shares**2).sum(axis=0) + problem.risk_aversion * run.risk
        assert tau == 0.05
    saved = cost["static"] - cost["adaptive"]
    error = saved.std() / math.sqrt(saved.size)
    assert saved.mean() > 10 * error
    assert abs(saved.mean() - (plan.objective - found.value)) < 3 * error


def test_a_higher_variance_asks_for_haste():
    found = solve_riccati(scenario(heston()))
    variance = np.geomspace(1e-8, 1e-1, 60)
    for k in range(19):
        fraction = found.fraction_at(k, variance)
        assert (np.diff(fraction) > 0).all()
        assert 1 / (20 - k) < fraction[0] < fraction[-1] < 1


@pytest.mark.parametrize(
    "market",
    [
        heston(30.0, kappa=0.5),
        heston(1e-8, 3.0),
        heston(v0=0.0),
        Heston.from_annual(50, 0.01, 0.1, 0.1, 1, 0),
    ],
    ids=["freedom 0.002", "no noise", "from 0", "textbook"],
)
def test_extremes_stay_between_trading_evenly_and_at_once(market):
    for n_steps in (1, 2, 40):
        problem = scenario(market, order=Order("buy", 1e5, 5 / 390, n_steps))
        found = solve_riccati(problem)
        fraction = found.fraction_at(0, np.array([0.0, market.v0, 1e3]))
        assert ((fraction > 1 / n_steps - 1e-6) & (fraction < 1 + 1e-6)).all()
        plan = static_optimum(problem)
        assert 0.5 * plan.objective < found.value <= plan.objective * (1 + 1e-9)


def test_tensors_trade_as_arrays_do():
    pytest.importorskip("torch")
    problem = scenario(heston())
    found = solve_riccati(problem)
    paths = problem.sample(32, seed=3)
    tensors = execute(found, paths.to_torch()).shares.numpy()
    np.testing.assert_allclose(tensors, execute(found, paths).shares, rtol=1e-10)


def test_what_it_cannot_solve_is_refused_by_name(refused):
    problem = scenario(heston())
    cases = {
        "`scenario.market` must be a Heston, got GBM(price=1.0...spersion=0.0))": {"market": GBM(1.0, 0.1)},
        "`scenario.market.drift` must be 0 here, got 0.5": {"market": heston(drift=0.5)},
        f"`scenario.impact` must be a PowerImpact with exponents 1, got {PowerImpact(1e-6, 0.6)!r}": {
            "impact": PowerImpact(1e-6, 0.6)
        },
        "`scenario.order.complete` must be True here, got False": {"order": replace(ORDER, complete=False)},
        "`scenario.impact.temporary` must exceed permanent·τ/2 = 0.025 for a well-posed problem, got 0.02": {
            "impact": PowerImpact(0.02, 1.0, 1.0)
        },
    }
    for sentence, change in cases.items():
        with refused(sentence):
            solve_riccati(replace(problem, **change))
    with refused("`size` must be a whole number, at least 8, got 4"):
        solve_riccati(problem, size=4)
    found = solve_riccati(problem)
    with refused("`step` must be less than the order's 20 steps, got 20"):
        found.fraction_at(20, 1e-4)
    with refused("`step` must be a whole number, at least 0, got -1"):
        found.cost_at(-1, 1e5, 1e-4)
    with refused("`variance` must be at least 0, got -0.01"):
        found.fraction_at(0, [1e-4, -0.01])
    other = replace(problem, order=Order("sell", 1e5, 1.0, 21))
    with refused("`order` must have 20 steps in 1 days as solved for, got 21 in 1"):
        execute(found, other.sample(1, seed=1))
