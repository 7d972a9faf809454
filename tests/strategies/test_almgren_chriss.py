"""Almgren and Chriss (2000): the paper's numbers, equations and frontier; and the strategy's calibration."""

import math

import numpy as np
import pytest

from flowexec import (
    GBM,
    TWAP,
    AlmgrenChriss,
    Bachelier,
    ExponentialDecay,
    Order,
    PowerImpact,
    Scenario,
    TransientImpact,
    efficient_frontier,
    execute,
    static_plan,
)

ORDER = Order("sell", 1e6, 5.0, 5)
IMPACT = PowerImpact(temporary=2.5e-6, permanent=2.5e-7)
TERMS = {"volatility": 0.95, "impact": IMPACT, "spread": 2 * 0.0625}


def test_published_optimum_to_the_cent():
    plan = AlmgrenChriss(1e-6).plan(ORDER, **TERMS)
    np.testing.assert_array_equal(np.round(plan.trades), [458_044, 252_101, 141_957, 85_756, 62_142])
    assert round(plan.expected_cost, 2) == 911_226.99
    assert plan.variance == pytest.approx(3.641286e11, rel=5e-7)
    assert round(plan.sd, 1) == 603_430.7
    assert round(plan.objective) == 1_275_356
    assert (plan.risk_aversion, plan.gap) == (1e-6, 0.0)
    np.testing.assert_array_equal(plan.times, [0, 1, 2, 3, 4, 5])
    np.testing.assert_allclose(-np.diff(plan.inventory), plan.trades, rtol=1e-12)
    assert (plan.inventory[0], plan.inventory[-1]) == (pytest.approx(1e6), 0.0)


def test_published_neutral_optimum_is_twap():
    plan = AlmgrenChriss(0.0).plan(ORDER, **TERMS)
    np.testing.assert_allclose(plan.trades, 2e5, rtol=1e-14)
    assert round(plan.expected_cost, 2) == 662_500.00
    assert plan.variance == pytest.approx(1.0830e12, rel=1e-12)
    assert round(plan.sd) == 1_040_673


def test_published_urgency_and_half_life():
    kappa = AlmgrenChriss(1e-6).urgency(ORDER, volatility=0.95, impact=IMPACT)
    assert round(kappa, 5) == 0.60708
    assert AlmgrenChriss(1e-6).half_life(ORDER, volatility=0.95, impact=IMPACT) == pytest.approx(1 / kappa)
    assert AlmgrenChriss(0.0).half_life(ORDER, volatility=0.95, impact=IMPACT) == math.inf
    assert AlmgrenChriss(1e-6, volatility=0.95).urgency(ORDER, volatility=7.0, impact=IMPACT) == kappa


def test_the_trajectory_is_the_hyperbolic_sine_and_solves_the_difference_equation():
    order = Order("buy", 3e5, 2.0, 40)
    plan = AlmgrenChriss(2e-6).plan(order, **TERMS)
    kappa = AlmgrenChriss(2e-6).urgency(order, volatility=0.95, impact=IMPACT)
    x, tau = plan.inventory, order.step_length
    sinh = np.sinh(kappa * (order.horizon - plan.times)) / np.sinh(kappa * order.horizon)
    np.testing.assert_allclose(x, 3e5 * sinh, rtol=1e-11, atol=1e-6)
    adjusted = 2.5e-6 - 0.5 * 2.5e-7 * tau
    curvature = (x[:-2] - 2 * x[1:-1] + x[2:]) / tau**2
    np.testing.assert_allclose(curvature, 2e-6 * 0.95**2 / adjusted * x[1:-1], rtol=1e-9)
    middle = order.horizon - plan.times[:-1] - tau / 2
    published = 2 * np.sinh(kappa * tau / 2) / np.sinh(kappa * order.horizon) * np.cosh(kappa * middle) * 3e5
    np.testing.assert_allclose(plan.trades, published, rtol=1e-10)


def test_no_neighbouring_schedule_is_better():
    plan = AlmgrenChriss(1e-6).plan(ORDER, **TERMS)
    rng = np.random.default_rng(1)
    for _ in range(100):
        shift = rng.standard_normal(5)
        shift -= shift.mean()
        other = static_plan(ORDER, plan.trades + 1e3 * shift, **TERMS, risk_aversion=1e-6)
        assert other.objective > plan.objective


@pytest.mark.parametrize("risk_aversion", [1.0, 1e6, 1e30])
def test_extreme_urgency_sells_at_once_without_overflow(risk_aversion):
    order = Order("sell", 1e6, 5.0, 500)
    plan = AlmgrenChriss(risk_aversion).plan(order, **TERMS)
    assert np.isfinite(plan.trades).all()
    assert (plan.trades >= 0).all()
    assert plan.trades[0] > 0.9 * 1e6
    assert plan.expected_cost > 0


def test_slight_urgency_is_accurate():
    """Where cosh κτ − 1 is at the edge of rounding, the schedule is TWAP and not noise."""
    order = Order("sell", 1e6, 1.0, 390)
    np.testing.assert_allclose(AlmgrenChriss(1e-18).plan(order, **TERMS).trades, 1e6 / 390, rtol=1e-9)


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_the_strategy_trades_its_plan_in_the_market_it_was_made_for(side):
    order = Order(side, 1e6, 5.0, 5)
    problem = Scenario(order, Bachelier(50.0, 0.95, spread=0.125), IMPACT).sample(20, seed=1)
    plan = AlmgrenChriss(1e-6).plan(order, **TERMS)
    np.testing.assert_allclose(
        execute(AlmgrenChriss(1e-6), problem).shares, plan.trades[:, None] + np.zeros(20), rtol=1e-9
    )
    np.testing.assert_allclose(
        execute(plan.strategy, problem).shares, plan.trades[:, None] + np.zeros(20), rtol=1e-9
    )


def test_the_strategy_calibrates_itself_on_arrival_and_stays_with_it():
    order, impact = Order("sell", 2e5, 1.0, 6), PowerImpact(1e-6, permanent=1e-7)
    problem = Scenario(order, GBM(80.0, 0.015), impact, information="estimated").sample(10, seed=2)
    assert np.ptp(problem.observed_variance[3]) > 0  # what is observed later differs from path to path,
    trades = execute(AlmgrenChriss(1e-6), problem).shares
    assert np.ptp(trades, axis=1).max() == 0  # and does not matter: the schedule is static
    told = execute(
        AlmgrenChriss(1e-6, volatility=80.0 * 0.015, temporary=1e-6, permanent=1e-7), problem
    ).shares
    np.testing.assert_allclose(trades, told, rtol=1e-12)
    half = execute(AlmgrenChriss(1e-6, volatility=0.6), problem).shares
    assert (half[0] < trades[0]).all()


def test_each_path_has_its_own_calibration_when_arrival_differs():
    order, impact = Order("sell", 2e5, 1.0, 6), PowerImpact(1e-6)
    problem = Scenario(order, GBM(80.0, 0.015), impact).sample(2, seed=3)
    paths = problem.paths
    variance = np.array(paths.variance) * np.array([1.0, 4.0])
    varied = type(problem)(
        order, type(paths)(paths.times, paths.mid, variance, paths.volume, paths.spread), impact
    )
    trades = execute(AlmgrenChriss(1e-6), varied).shares
    for path, volatility in ((0, 80 * 0.015), (1, 2 * 80 * 0.015)):
        plan = AlmgrenChriss(1e-6).plan(order, volatility=volatility, impact=impact)
        np.testing.assert_allclose(trades[:, path], plan.trades, rtol=1e-10)


def test_a_concave_impact_is_replaced_by_its_secant():
    """The linear stand-in costs what the true impact costs when the order is traded evenly."""
    order = Order("sell", 4e5, 2.0, 8)
    impact = PowerImpact(1e-4, 0.6, 1e-5, permanent_exponent=0.7)
    rate = 4e5 / 2
    linear = PowerImpact(1e-4 * rate**-0.4, 1.0, 1e-5 * rate**-0.3)
    even = np.full(8, 5e4)
    assert static_plan(order, even, volatility=1.0, impact=linear).expected_cost == pytest.approx(
        static_plan(order, even, volatility=1.0, impact=impact).expected_cost, rel=1e-12
    )
    secant = AlmgrenChriss(1e-6).plan(order, volatility=1.0, impact=impact)
    stated = AlmgrenChriss(1e-6, temporary=linear.temporary, permanent=linear.permanent)
    np.testing.assert_allclose(
        secant.trades, stated.plan(order, volatility=1.0, impact=impact).trades, rtol=1e-12
    )
    # but it is charged the true impact
    assert (
        secant.expected_cost == static_plan(order, secant.trades, volatility=1.0, impact=impact).expected_cost
    )


# the frontier -------------------------------------------------------------------------------------

RISK_AVERSIONS = np.geomspace(1e-8, 1e-5, 25)


@pytest.mark.parametrize(
    "impact",
    [IMPACT, PowerImpact(1e-3, 0.6, 1e-8), PowerImpact(1e-12, 2.0)],
    ids=["linear", "concave", "convex"],
)
def test_along_the_frontier_cost_buys_variance_at_the_price_of_risk_aversion(impact):
    """E rises, V falls, and dE/dV = −λ: λ is the slope of the frontier."""
    plans = efficient_frontier(ORDER, volatility=0.95, impact=impact, risk_aversions=RISK_AVERSIONS)
    cost = np.array([p.expected_cost for p in plans])
    variance = np.array([p.variance for p in plans])
    assert (np.diff(cost) > 0).all()
    assert (np.diff(variance) < 0).all()
    # E + λV is minimal at each point: secants of a convex curve have slopes between those of their ends
    slopes = -np.diff(cost) / np.diff(variance)
    assert (slopes > RISK_AVERSIONS[:-1]).all()
    assert (slopes < RISK_AVERSIONS[1:]).all()


def test_every_point_of_the_frontier_beats_the_other_points_at_its_own_risk_aversion():
    plans = efficient_frontier(ORDER, **TERMS, risk_aversions=[0.0, 1e-7, 1e-6, 1e-5])
    for plan in plans:
        for other in plans:
            if other is not plan:
                assert other.expected_cost + plan.risk_aversion * other.variance > plan.objective


def test_the_frontier_of_a_concave_impact_beats_its_secant():
    impact = PowerImpact(1e-3, 0.5)
    (best,) = efficient_frontier(ORDER, volatility=0.95, impact=impact, risk_aversions=[1e-6])
    assert best.objective < AlmgrenChriss(1e-6).plan(ORDER, volatility=0.95, impact=impact).objective * 0.999


# what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("temporary", [1.25e-7, 1e-7, 0.0])
def test_an_ill_posed_problem_is_refused(temporary, refused):
    """η ≤ γτ/2 = 1.25e-7: trading in lumps would pay."""
    sentence = f"`temporary` must exceed permanent·τ/2 = 1.25e-07 for a well-posed problem, got {temporary:g}"
    impact = PowerImpact(temporary, permanent=2.5e-7)
    with refused(sentence):
        AlmgrenChriss(1e-6).plan(ORDER, volatility=0.95, impact=impact)
    problem = Scenario(ORDER, Bachelier(50.0, 0.95), impact).sample(2, seed=1)
    with refused(sentence):
        execute(AlmgrenChriss(1e-6), problem)
    with pytest.raises(ValueError, match="well-posed"):
        AlmgrenChriss(1e-6).half_life(ORDER, volatility=0.95, impact=impact)


def test_just_above_the_bound_is_accepted():
    impact = PowerImpact(1.26e-7, permanent=2.5e-7)
    assert AlmgrenChriss(0.0).plan(ORDER, volatility=0.95, impact=impact).trades == pytest.approx(2e5)


def test_an_impact_without_a_linear_form_needs_its_coefficients_given(refused):
    problem = Scenario(ORDER, Bachelier(50.0, 0.95), TransientImpact(1e-7, ExponentialDecay(1.0))).sample(
        2, seed=1
    )
    for strategy in (AlmgrenChriss(1e-6), AlmgrenChriss(1e-6, temporary=1e-6)):
        with refused(
            "`temporary` and `permanent` must be given with a TransientImpact: "
            "only a PowerImpact says by itself what they are"
        ):
            execute(strategy, problem)
    given = execute(AlmgrenChriss(1e-6, temporary=2.5e-6, permanent=2.5e-7), problem).shares[:, 0]
    np.testing.assert_allclose(given, AlmgrenChriss(1e-6).plan(ORDER, **TERMS).trades, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((-1e-6,), "`risk_aversion` must be at least 0, got -1e-06"),
        ((math.nan,), "`risk_aversion` must be at least 0, got nan"),
        ((1e-6, -1.0), "`volatility` must be at least 0, got -1.0"),
        ((1e-6, None, 0.0), "`temporary` must be greater than 0, got 0.0"),
        ((1e-6, None, None, -1.0), "`permanent` must be at least 0, got -1.0"),
        (("high",), "`risk_aversion` must be at least 0, got 'high'"),
    ],
)
def test_bad_parameters_are_refused_by_name(arguments, sentence, refused):
    with refused(sentence):
        AlmgrenChriss(*arguments)


def test_zero_risk_aversion_is_twap_in_every_market():
    problem = Scenario(ORDER, GBM(50.0, 0.02), IMPACT).sample(5, seed=4)
    np.testing.assert_allclose(
        execute(AlmgrenChriss(0.0), problem).shares, execute(TWAP(), problem).shares, rtol=1e-13
    )
