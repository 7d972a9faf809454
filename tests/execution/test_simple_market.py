"""The simple market against its own arithmetic: schedules by hand, and what a penalty of p x² becomes."""

import math

import numpy as np
import pytest

from flowexec import TWAP, Immediate, Schedule, execute, shortfall, simple_market
from flowexec.analytics.controls import zero_alpha
from flowexec.analytics.evaluate import evaluate
from flowexec.strategies.static_optimum import static_optimum

X, N = 1000.0, 50
RANDOM = np.random.default_rng(1).dirichlet(np.ones(N))
PLANS = {
    "TWAP": (TWAP(), np.full(N, X / N)),
    "immediate": (Immediate(), np.eye(N)[0] * X),
    "random": (Schedule(tuple(RANDOM)), RANDOM * X),
}


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("plan", PLANS)
def test_every_path_costs_what_the_exercise_says(plan, side):
    """Trade by trade in its own words: the price moves by 0.05 n for this trade, by 0.01 n for later ones."""
    strategy, shares = PLANS[plan]
    problem = simple_market(side=side).sample(20, seed=2)
    sign, mid = problem.order.sign, problem.paths.mid
    paid, moved = np.zeros(20), 0.0
    for k, n in enumerate(shares):
        paid += n * (mid[k] + sign * (0.05 * n + moved))
        moved += 0.01 * n
    cost = shortfall(execute(strategy, problem))
    np.testing.assert_allclose(cost.total, sign * (paid - X * 100.0), rtol=1e-10)
    assert np.ptp(cost.total) > 100.0 or plan == "immediate"  # there is a price to run away
    expected = (0.05 - 0.01 / 2) * np.dot(shares, shares) + 0.01 * X**2 / 2
    np.testing.assert_allclose(cost.total - cost.martingale, expected, rtol=1e-12)


def test_twap_costs_590_bps_and_an_immediate_trade_5000():
    """0.045 · 50 · 20² + 5,000 = 5,900 of 100,000; and half of the order's value, for 50 a share."""
    for strategy, bps in ((TWAP(), 590.0), (Immediate(), 5000.0)):
        found = evaluate(strategy, simple_market(), 1000, seed=3, unit="bps").controlled_mean
        assert found.value == pytest.approx(bps, rel=1e-12)
        assert found.standard_error < 1e-9


def test_a_step_moves_by_a_fifth_of_a_percent_without_drift():
    """One million moves: a standard deviation is known to 1/√(2n), the mean price on the close to s/√n."""
    mid = simple_market().sample(20_000, seed=4).paths.mid
    moves = np.diff(np.log(mid), axis=0)
    assert mid.shape == (51, 20_000)
    assert abs(moves.std() / 0.002 - 1.0) < 4 / math.sqrt(2 * moves.size)
    assert abs(mid[-1].mean() - 100.0) < 4 * mid[-1].std() / math.sqrt(20_000)


@pytest.mark.parametrize("penalty", [1e-5, 0.3])
@pytest.mark.parametrize("plan", PLANS)
def test_the_risk_term_is_the_inventory_penalty(plan, penalty):
    """λ · risk = p Σ x_{k+1}² on every path; charged before each trade it is p X² more, whatever the plan."""
    strategy, shares = PLANS[plan]
    scenario = simple_market(inventory_penalty=penalty)
    charged = scenario.risk_aversion * execute(strategy, scenario.sample(5, seed=5)).risk
    after = X - np.cumsum(shares)
    np.testing.assert_allclose(charged, penalty * np.dot(after, after), rtol=1e-11, atol=1e-9)
    before = after + shares
    np.testing.assert_allclose(penalty * np.dot(before, before) - charged, penalty * X**2, rtol=1e-9)


def test_what_there_is_to_win():
    """Nothing without a penalty, a thousandth of TWAP's objective at the usual, a twentieth at tenfold."""
    twap = {p: evaluate(TWAP(), simple_market(inventory_penalty=p), 64, seed=6) for p in (0.0, 1e-5, 1e-4)}
    left = {
        p: 1.0 - static_optimum(simple_market(inventory_penalty=p)).objective / s.controlled_objective.value
        for p, s in twap.items()
    }
    assert left[0.0] == pytest.approx(0.0, abs=1e-12)
    assert 0.0005 < left[1e-5] < 0.0015
    assert 0.04 < left[1e-4] < 0.06
    null, reason = zero_alpha(simple_market(inventory_penalty=0.0))
    assert null == simple_market(inventory_penalty=0.0)
    assert reason == ""


def test_bad_arguments_are_refused(refused):
    with refused("`inventory_penalty` must be at least 0, got -1e-05"):
        simple_market(inventory_penalty=-1e-5)
    with refused("`inventory_penalty` must be at least 0, got nan"):
        simple_market(inventory_penalty=math.nan)
    with refused("`side` must be one of 'sell', 'buy', got 'short'"):
        simple_market(side="short")
