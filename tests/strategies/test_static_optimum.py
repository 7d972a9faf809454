"""The best schedule fixed on arrival: equal to simulation in every market, and to closed forms in some."""

import numpy as np
import pytest
from scipy.linalg import solveh_banded

from flowexec import (
    GBM,
    TWAP,
    AlmgrenChriss,
    Bachelier,
    ExponentialDecay,
    Heston,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    TransientImpact,
    WalkTheBook,
    evaluate,
    solve_static,
    static_plan,
)
from flowexec.execution.presets import regime_market
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier, WithSignal
from flowexec.strategies.shooting import shoot
from flowexec.strategies.static_optimum import mean_variances, static_optimum

ORDER = Order("sell", 1e5, 1.0, 12, fee_per_share=0.003, fixed_fee=25.0)
CALMING = Heston(50.0, 1.6e-3, 5.0, 4e-4, 0.06, -0.5, spread=0.02)  # 4 % a day on arrival, 2 % later
SIGNAL = OrnsteinUhlenbeck(4.0, 3.0)
CONCAVE = PowerImpact(2e-4, 0.6, 1e-7)
MARKETS = {
    "Bachelier": Bachelier(50.0, 1.0, spread=0.02),
    "GBM": GBM(50.0, 0.02, spread=0.02),
    "Heston": CALMING,
    "Heston ivi": Heston(50.0, 1e-4, 3.0, 4e-4, 0.06, 0.5, scheme="ivi"),
    "signal": SignalBachelier(50.0, 1.0, SIGNAL, spread=0.02),
    "Heston with signal": WithSignal(CALMING, SIGNAL),
}


@pytest.mark.parametrize(
    "impact",
    [
        CONCAVE,
        PowerImpact(1e-6, 1.0, 1e-6),
        PowerImpact(1e-11, 2.0, 1e-7),
        TransientImpact(2e-6, PowerLawDecay(0.05, 0.5)),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", MARKETS)
def test_the_objective_is_that_of_the_scenario(name, impact):
    """Exactly: to 3 standard errors and, where nothing is random, to rounding."""
    scenario = Scenario(ORDER, MARKETS[name], impact, risk_aversion=1e-6)
    plan = static_optimum(scenario)
    run = evaluate(plan.strategy, scenario, 4096, seed=7)
    cost, risk, objective = run.mean, run.risk, run.controlled_objective
    if "signal" in name:  # the price is no martingale, its mean is 0 all the same
        objective = run.objective
    else:
        assert run.controlled_mean.value == pytest.approx(plan.expected_cost, rel=1e-9)
    rounding = 1e-9 * plan.objective
    assert abs(plan.expected_cost - cost.value) < 3 * cost.standard_error
    assert abs(plan.variance - risk.value) < 3 * risk.standard_error + 1e-9 * plan.variance
    assert abs(plan.objective - objective.value) < 3 * objective.standard_error + rounding


@pytest.mark.parametrize("market", [MARKETS["Bachelier"], MARKETS["GBM"]], ids=["Bachelier", "GBM"])
def test_constant_volatility_gives_almgren_and_chriss(market):
    impact = PowerImpact(1e-6, 1.0, 1e-6)
    plan = static_optimum(Scenario(ORDER, market, impact, risk_aversion=1e-6))
    exact = AlmgrenChriss(1e-6).plan(ORDER, volatility=1.0, impact=impact, spread=0.02)
    np.testing.assert_allclose(plan.trades, exact.trades, rtol=1e-9)
    assert plan.objective == pytest.approx(exact.objective, rel=1e-12)


def test_linear_impact_under_heston_solves_its_tridiagonal_system():
    """(η̃/τ)(2x_k − x_{k−1} − x_{k+1}) + λS₀²τE[v_{k−1}] x_k = 0, with x_0 = X and x_N = 0."""
    impact, tau, n = PowerImpact(1e-6, 1.0, 1e-6), ORDER.step_length, ORDER.n_steps
    plan = static_optimum(Scenario(ORDER, CALMING, impact, risk_aversion=1e-6))
    adjusted = (1e-6 - 0.5 * 1e-6 * tau) / tau
    charge = 1e-6 * 50.0**2 * tau * mean_variances(CALMING, tau * np.arange(n - 1))
    bands = np.vstack([np.full(n - 1, -adjusted), 2 * adjusted + charge])
    right = np.zeros(n - 1)
    right[0] = adjusted * ORDER.shares
    np.testing.assert_allclose(plan.inventory[1:-1], solveh_banded(bands, right), rtol=1e-9)


@pytest.mark.parametrize("v0", [1e-4, 4e-4, 1.6e-3])
def test_no_other_constant_volatility_plans_as_well(v0):
    """Those who reckon with today's or with the long-run variance pay for it, by its objective here."""
    market = Heston(50.0, v0, 5.0, 4e-4, 0.06, -0.5)
    best = static_optimum(Scenario(ORDER, market, CONCAVE, risk_aversion=1e-5))
    sigma = 50.0 * np.sqrt(mean_variances(market, ORDER.step_length * np.arange(12)))
    terms = {"impact": CONCAVE, "risk_aversion": 1e-5}
    for constant in (0.01, 0.02, 0.04):
        naive = solve_static(ORDER, volatility=50.0 * constant, **terms)
        there = static_plan(ORDER, naive.trades, volatility=sigma, **terms).objective
        if v0 == constant**2 == market.theta:
            assert there == pytest.approx(best.objective, rel=1e-12)
        else:
            assert there > best.objective * (1 + 1e-5)


@pytest.mark.parametrize(
    "impact", [CONCAVE, PowerImpact(1e-11, 2.0, 1e-7)], ids=["convex programme", "not convex"]
)
def test_volatility_step_by_step_is_in_every_branch_of_the_solver(impact):
    """First-order conditions under a volatility that jumps about, and agreement with a constant array."""
    sigma = np.array([0.5, 3.0, 0.0, 1.0, 2.0, 0.2, 4.0, 1.0, 1.0, 0.1, 2.0, 9.0])
    plan = solve_static(ORDER, volatility=sigma, impact=impact, risk_aversion=1e-6)
    n, tau, x = plan.trades, ORDER.step_length, plan.inventory
    own = (1 + impact.exponent) * impact.temporary * (n / tau) ** impact.exponent - impact.permanent * n
    charge = 2e-6 * tau * sigma**2 * x[1:]
    marginal = own - np.append(np.cumsum(charge[:-1][::-1])[::-1], 0.0)
    assert np.ptp(marginal) < 1e-4 * plan.objective / ORDER.shares
    assert plan.variance == pytest.approx(tau * sigma**2 @ x[1:] ** 2, rel=1e-12)
    constant = {"impact": impact, "risk_aversion": 1e-6}
    one = solve_static(ORDER, volatility=1.0, **constant)
    each = solve_static(ORDER, volatility=[1.0] * 12, **constant)
    np.testing.assert_array_equal(one.trades, each.trades)


def test_charges_meet_the_steps_they_belong_to_when_the_last_steps_trade_nothing():
    """A charge of 5 after the first step, none later: solved by hand with f_0 > f_1 = f_2 = f_3."""
    f = shoot(4, 1.0, 1.0, 0.0, np.array([5.0, 0.0, 0.0, 99.0]))
    # 2f_0 = 2f_1 + 2·5(1 − f_0), 3f_1 = 1 − f_0  ⇒  f_0 = (1/3 + 5)/(1 + 1/3 + 5)
    assert f[0] == pytest.approx((1 / 3 + 5) / (4 / 3 + 5), rel=1e-12)
    np.testing.assert_allclose(f[1:], (1 - f[0]) / 3, rtol=1e-12)
    # convex impact and a charge that only comes late: done before it, all of the trade in the first steps
    late = shoot(60, 1.0, 2.0, 0.0, np.where(np.arange(60) < 30, 0.0, 1e6))
    assert (late[40:] == 0).all()
    np.testing.assert_allclose(late[:31], 1 / 31, rtol=1e-2)


def test_transient_impact_meets_the_same_mean_variances():
    """No schedule moved a little from it, in one direction, has a lower mean in the scenario itself."""
    scenario = Scenario(ORDER, CALMING, TransientImpact(2e-6, ExponentialDecay(4.0)), 1e-6)
    plan = static_optimum(scenario)
    sigma = 50.0 * np.sqrt(mean_variances(CALMING, ORDER.step_length * np.arange(12)))
    rng = np.random.default_rng(3)
    for size in (1e-4, 1e-2, 0.3) * 10:
        weights = plan.trades * (1 + size * rng.uniform(-1, 1, 12))
        trades = ORDER.shares * weights / weights.sum()
        other = static_plan(
            ORDER, trades, volatility=sigma, impact=scenario.impact, spread=0.02, risk_aversion=1e-6
        )
        assert other.objective > plan.objective


def test_without_risk_aversion_it_is_twap_at_twaps_cost():
    scenario = Scenario(ORDER, CALMING, CONCAVE)
    plan = static_optimum(scenario)
    np.testing.assert_allclose(plan.trades, 1e5 / 12, rtol=1e-9)
    twap = evaluate(TWAP(), scenario, 256, seed=1).controlled_mean
    assert plan.objective == pytest.approx(twap.value, rel=1e-9)


def test_what_it_does_not_know_is_refused_by_name(refused):
    def refuse(sentence, *, order=ORDER, market=CALMING, impact=CONCAVE):
        with refused(sentence):
            static_optimum(Scenario(order, market, impact, 1e-6))

    refuse("`market.drift` must be 0 for a static optimum, got 0.1", market=Bachelier(50.0, 1.0, drift=0.1))
    refuse("`market.signal.initial` must be 0 for a static optimum, got 0.5",
           market=SignalBachelier(50.0, 1.0, OrnsteinUhlenbeck(4.0, 3.0, 0.5)))  # fmt: skip
    transient = TransientImpact(1e-6, ExponentialDecay(2.0), 0.5)
    refuse(f"`impact` must be a TransientImpact with exponent 1, got {transient!r}", impact=transient)
    refuse(
        "`scenario.impact` must be a PowerImpact or a TransientImpact, got WalkTheBook()",
        impact=WalkTheBook(),
    )
    refuse("`scenario.order.complete` must be True for a static optimum, got False",
           order=Order("sell", 1e5, 1.0, 12, complete=False))  # fmt: skip
    with pytest.raises(ValueError, match="`market` must be a Bachelier, GBM, Heston or SignalBachelier, or"):
        static_optimum(Scenario(ORDER, WithSignal(WithSignal(CALMING, SIGNAL), SIGNAL), CONCAVE))
    # a market of many numbers does not bury the reason under them
    with pytest.raises(ValueError, match=r"got RegimeSwitch.{1,30}: its future depends on more than one"):
        static_optimum(Scenario(ORDER, regime_market(), CONCAVE))
    with refused("`scenario` must be a Scenario, got 3"):
        static_optimum(3)
    terms = {"impact": CONCAVE}
    with refused("`volatility` must have one entry for each of the 12 steps, got 2"):
        solve_static(ORDER, volatility=[1.0, 2.0], **terms)
    with refused("`volatility` must be at least 0 in every step, got -1"):
        static_plan(ORDER, np.full(12, 1e5 / 12), volatility=[-1.0] * 12, **terms)
