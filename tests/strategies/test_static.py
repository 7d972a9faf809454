"""Static schedules under power-law impact: cost by hand, the optimum by its equations, and Almgren (2003)."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from flowexec import Almgren2003, AlmgrenChriss, Order, PowerImpact, Schedule, solve_static, static_plan

# what a schedule costs ----------------------------------------------------------------------------


def test_cost_and_variance_by_hand():
    order = Order("buy", 100.0, 1.5, 3)
    impact = PowerImpact(0.1, 0.5, 0.01, permanent_exponent=2.0)
    plan = static_plan(order, [32, 50, 18], volatility=2.0, impact=impact, spread=0.04, risk_aversion=1e-3)
    # rates 64, 100, 36; own displacement 0.5·0.01·rate² = 20.48, 50, …
    expected = 32 * (0.02 + 0.8) + 50 * (20.48 + 0.02 + 1.0) + 18 * (70.48 + 0.02 + 0.6)
    assert plan.expected_cost == pytest.approx(expected, rel=1e-14)
    assert plan.variance == pytest.approx(4 * 0.5 * (68**2 + 18**2), rel=1e-14)
    assert plan.sd == pytest.approx(math.sqrt(plan.variance))
    assert plan.objective == pytest.approx(expected + 1e-3 * plan.variance)
    np.testing.assert_allclose(plan.inventory, [100, 68, 18, 0], rtol=1e-14)
    np.testing.assert_allclose(plan.times, [0, 0.5, 1.0, 1.5])
    assert plan.strategy == Schedule((32, 50, 18))


def test_inventory_ends_at_zero_and_never_below():
    order = Order("sell", 1.0, 1.0, 7)
    for trades in ([0.1, 0.2, 0.3, 0.1, 0.2, 0.1, 0.0], [1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0]):
        inventory = static_plan(order, np.array(trades), volatility=1.0, impact=PowerImpact(1.0)).inventory
        assert (inventory >= 0).all()
        assert inventory[-1] == 0.0
        assert inventory[0] == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize(
    ("trades", "sentence"),
    [
        ([50.0, 50.0], "`trades` must have shape (3,), one entry a step, got (2,)"),
        ([[50.0, 50.0, 0.0]], "`trades` must be an array of at least 1 numbers, got [[50.0, 50.0, 0.0]]"),
        ([60.0, 60.0, -20.0], "`trades` must be at least 0 in every step, got -20"),
        ([60.0, math.nan, 40.0], "`trades` must be finite throughout, got nan"),
        ([60.0, 60.0, 20.0], "`trades` must sum to the order's 100 shares, got 140"),
    ],
)
def test_trades_that_are_not_a_schedule_are_refused(trades, sentence, refused):
    with refused(sentence):
        static_plan(Order("buy", 100.0, 1.0, 3), trades, volatility=1.0, impact=PowerImpact(1.0))


@pytest.mark.parametrize("name", ["volatility", "spread", "risk_aversion"])
def test_bad_market_numbers_are_refused(name, refused):
    order, terms = Order("buy", 100.0, 1.0, 2), {"volatility": 1.0, "impact": PowerImpact(1.0)}
    for value in (-1.0, math.nan, "1"):
        sentence = f"`{name}` must be at least 0, got {value!r}"
        for call in (
            lambda **bad: static_plan(order, [50, 50], **bad),
            lambda **bad: solve_static(order, **bad),
        ):
            with refused(sentence):
                call(**(terms | {name: value}))


# the best schedule --------------------------------------------------------------------------------


@pytest.mark.parametrize("n_steps", [1, 2, 5, 60])
@pytest.mark.parametrize("risk_aversion", [0.0, 1e-7, 1e-6, 1e-4])
def test_linear_impact_gives_almgren_and_chriss(n_steps, risk_aversion):
    order = Order("sell", 1e6, 5.0, n_steps)
    impact = PowerImpact(2.5e-6, permanent=2.5e-7)
    found = solve_static(order, volatility=0.95, impact=impact, spread=0.125, risk_aversion=risk_aversion)
    exact = AlmgrenChriss(risk_aversion).plan(order, volatility=0.95, impact=impact, spread=0.125)
    assert found.objective == pytest.approx(exact.objective, rel=1e-9)
    np.testing.assert_allclose(found.inventory, exact.inventory, atol=1e-5 * 1e6)
    assert 0.0 <= found.gap < 1e-5 * found.objective


def marginal_costs(plan, order, impact, volatility, risk_aversion):
    """∂(E + λV)/∂n_k in continuous variables n: equal wherever the optimum trades, no smaller elsewhere."""
    tau, n = order.step_length, plan.trades
    own = (1 + impact.exponent) * impact.temporary * (n / tau) ** impact.exponent - impact.permanent * n
    held = np.append(plan.inventory[1:-1], 0.0)
    return own - 2 * risk_aversion * volatility**2 * tau * np.cumsum(held[::-1])[::-1]


@pytest.mark.parametrize(
    "impact",
    [
        PowerImpact(1e-3, 0.3),
        PowerImpact(1e-3, 0.6, 1e-9),
        PowerImpact(2e-6, 1.0, 1e-6),
        PowerImpact(1e-11, 2.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("risk_aversion", [0.0, 1e-7, 1e-6])
def test_the_optimum_satisfies_its_first_order_conditions(impact, risk_aversion):
    order = Order("buy", 1e6, 2.0, 24)
    plan = solve_static(order, volatility=0.95, impact=impact, risk_aversion=risk_aversion)
    marginal = marginal_costs(plan, order, impact, 0.95, risk_aversion)
    traded = plan.trades > 1e-4 * 1e6
    scale = plan.objective / 1e6
    assert np.ptp(marginal[traded]) < 2e-5 * scale
    assert (marginal[~traded] > marginal[traded].min() - 2e-5 * scale).all()
    if risk_aversion == 0:
        np.testing.assert_allclose(plan.trades, 1e6 / 24, rtol=1e-5)  # TWAP, whatever the exponent


def exact_optimum(order, impact, volatility, risk_aversion):
    """Without permanent impact it follows from its last trade: h(n_k) − h(n_{k+1}) = 2λσ²τ x_{k+1}."""
    tau, beta = order.step_length, impact.exponent
    slope = (1 + beta) * impact.temporary * tau**-beta

    def trades(last):
        backwards, held = [last], last
        for _ in range(order.n_steps - 1):
            charge = 2 * risk_aversion * volatility**2 * tau * held
            rate = min((backwards[-1] ** beta + charge / slope) ** (1 / beta), 1e20)  # the bracket's far end
            backwards.append(rate)
            held += rate
        return np.array(backwards[::-1])

    def excess(log_last):
        return math.log(trades(math.exp(log_last)).sum() / order.shares)

    log_last = brentq(excess, -650, math.log(order.shares), xtol=1e-13)
    found = trades(math.exp(log_last))
    found *= order.shares / found.sum()
    return static_plan(order, found, volatility=volatility, impact=impact, risk_aversion=risk_aversion)


@pytest.mark.parametrize("urgency", [0.1, 1.0, 100.0, 7000.0])
@pytest.mark.parametrize("beta", [0.2, 0.5, 1.0, 1.5])
def test_the_solver_finds_the_exact_optimum_and_bounds_what_it_missed(beta, urgency):
    order, impact = Order("buy", 1e5, 2.0, 6), PowerImpact(0.5 / 5e4**beta, beta)
    risk_aversion = urgency * 0.5 * 1e5 / (2.0 * 1e10)  # risk to cost when traded evenly
    plan = solve_static(order, volatility=1.0, impact=impact, risk_aversion=risk_aversion)
    exact = exact_optimum(order, impact, 1.0, risk_aversion)
    assert plan.objective == pytest.approx(exact.objective, rel=1e-10)
    rounding = 1e-14 * plan.objective
    assert plan.objective - exact.objective >= -rounding
    assert plan.gap >= plan.objective - exact.objective - rounding
    assert plan.gap < 1e-3 * plan.objective


def test_a_market_without_costs_or_risks_is_served_too():
    order = Order("buy", 100.0, 1.0, 4)
    free = solve_static(order, volatility=1.0, impact=PowerImpact(0.0), risk_aversion=1.0)
    np.testing.assert_allclose(free.trades, [100, 0, 0, 0], atol=1e-6)  # only risk counts: at once
    assert solve_static(order, volatility=0.0, impact=PowerImpact(0.0)).objective == 0.0


def test_lumpy_programmes_are_refused_with_the_bound_that_failed(refused):
    order = Order("buy", 100.0, 4.0, 4)
    # β(1+β)ετ^(−β)X^(β−1) = 0.75·0.2/10 = 0.015
    with refused("`impact.permanent` must be at most 0.015 for a convex problem, got 0.0151"):
        solve_static(order, volatility=1.0, impact=PowerImpact(0.2, 0.5, 0.0151))
    assert solve_static(order, volatility=1.0, impact=PowerImpact(0.2, 0.5, 0.0149)).gap < 1e-6
    # the same bound as Almgren and Chriss have, η ≥ γτ/2
    with pytest.raises(ValueError, match=r"must be at most 0\.4 for a convex problem, got 0\.41"):
        solve_static(order, volatility=1.0, impact=PowerImpact(0.2, 1.0, 0.41))
    # without any temporary cost a lump is best whatever the exponent
    for exponent in (0.5, 1.0, 2.0):
        with pytest.raises(ValueError, match=r"must be at most 0 for a convex problem, got 0\.1"):
            solve_static(order, volatility=1.0, impact=PowerImpact(0.0, exponent, 0.1))


def test_nonlinear_permanent_impact_is_refused(refused):
    order = Order("buy", 100.0, 1.0, 4)
    with refused("`impact.permanent_exponent` must be 1 here, got 0.5"):
        solve_static(order, volatility=1.0, impact=PowerImpact(0.2, 0.5, 0.01, permanent_exponent=0.5))
    assert solve_static(order, volatility=1.0, impact=PowerImpact(0.2, 0.5, 0.0, permanent_exponent=0.5))


def brute_force(order, impact, volatility, risk_aversion, cells):
    """Least E + λV on a grid of the two free trades of three, by the definition of the cost."""
    fine = np.linspace(0.0, order.shares, cells + 1)
    first, second = np.meshgrid(fine, fine, indexing="ij")
    n = np.stack([first, second, order.shares - first - second])
    n = n[:, n[2] >= -1e-9 * order.shares].clip(min=0.0)
    tau = order.step_length
    displacement = impact.permanent * (np.cumsum(n, axis=0) - n)
    cost = (n * (displacement + impact.temporary * (n / tau) ** impact.exponent)).sum(axis=0)
    risk = volatility**2 * tau * ((n[1] + n[2]) ** 2 + n[2] ** 2)
    return (cost + risk_aversion * risk).min()


@pytest.mark.parametrize("risk_aversion", [0.0, 0.0003, 0.001, 0.01, 0.1])
@pytest.mark.parametrize("permanent", [0.0, 0.02, 0.1, 0.3, 3.0])
@pytest.mark.parametrize("exponent", [1.3, 2.0, 3.0])
def test_the_gap_bounds_what_brute_force_can_still_save(exponent, permanent, risk_aversion):
    """β > 1 with γ > 0 is not convex: the schedule may not be the best, but it says by how much at most."""
    order, impact = Order("buy", 90.0, 3.0, 3), PowerImpact(0.1 * 30 ** (1 - exponent), exponent, permanent)
    plan = solve_static(order, volatility=1.0, impact=impact, risk_aversion=risk_aversion)
    best = brute_force(order, impact, 1.0, risk_aversion, cells=900)
    best *= 1 + 1e-12  # the two sum the same costs in another order
    assert plan.objective - plan.gap <= best  # a bound for every schedule
    assert plan.objective <= best  # and here, where it is tight enough to tell, none is better
    if permanent == 0.0:
        assert plan.gap < 1e-5 * plan.objective


def test_the_gap_of_a_problem_that_is_not_convex():
    """Two lumps of 45 beat three of 30, and the envelope is the line to its touching point 37.5: by hand."""
    order, impact = Order("buy", 90.0, 3.0, 3), PowerImpact(0.1 / 30, 2.0, 0.5)
    plan = solve_static(order, volatility=1.0, impact=impact, risk_aversion=1e-9)
    np.testing.assert_allclose(plan.trades, [45, 45, 0], atol=1e-3)
    assert plan.objective == pytest.approx(2 * 45**3 / 300 + 0.5 * 45**2, rel=1e-8)
    touch = 0.5 / (2 * 2 * 0.1 / 30)
    bound = 90 / touch * (touch**3 / 300 - 0.25 * touch**2) + 0.25 * 90**2
    assert plan.objective - plan.gap == pytest.approx(bound, rel=1e-6)
    assert plan.gap > 16


def test_an_exponent_just_above_one_is_no_accident():
    """The tangent's touching point is a 1/(β−1)-th power: beyond all numbers, or below them."""
    order = Order("buy", 90.0, 3.0, 3)
    for permanent in (0.001, 0.19, 0.21, 5.0):
        plan = solve_static(
            order, volatility=1.0, impact=PowerImpact(0.1, 1 + 1e-9, permanent), risk_aversion=0.001
        )
        assert np.isfinite(plan.objective)
        if permanent < 0.2:  # η > γτ/2
            linear = AlmgrenChriss(0.001).plan(order, volatility=1.0, impact=PowerImpact(0.1, 1.0, permanent))
            assert plan.objective == pytest.approx(linear.objective, rel=1e-6)


# Almgren (2003) -----------------------------------------------------------------------------------


def almgren(exponent):
    """The paper's example: 0.50 a share of impact at 1e5 shares a day."""
    return Almgren2003(1e5, 1.0, 0.5 / 1e5**exponent, exponent, 1e-5)


def test_published_example():
    example = almgren(0.5)
    assert round(example.characteristic_time, 2) == 0.40
    assert round(example.expected_cost / 1e3) == 48
    assert round(math.sqrt(example.variance) / 1e3) == 49


EXPONENTS = [0.3, 0.5, 0.9, 1.0, 1.1, 2.0, 3.0]


@pytest.mark.parametrize("k", EXPONENTS)
def test_the_trajectory_is_optimal_at_every_moment(k):
    """Beltrami: along the optimum of ∫ ην^(k+1) + λσ²x² dt on an infinite horizon, kην^(k+1) = λσ²x²."""
    example = almgren(k)
    times = np.linspace(0.01, 0.9, 20) * example.characteristic_time
    step = 1e-6 * example.characteristic_time
    rate = (example.inventory(times - step) - example.inventory(times + step)) / (2 * step)
    left = k * example.coefficient * rate ** (k + 1)
    np.testing.assert_allclose(left, 1e-5 * example.inventory(times) ** 2, rtol=1e-7)
    assert example.inventory(0.0) == 1e5


@pytest.mark.parametrize("k", EXPONENTS)
def test_mean_and_variance_are_those_of_the_trajectory(k):
    example = almgren(k)
    times = example.characteristic_time
    end = (k + 1) / (k - 1) * times if k > 1 else math.inf

    def rate(t):
        return (1e-5 * example.inventory(t) ** 2 / (k * example.coefficient)) ** (1 / (k + 1))

    cuts = [0.0, times, 10 * times, 100 * times, end] if k <= 1 else [0.0, end]

    def integral(f):
        return sum(quad(f, a, b, epsrel=1e-11)[0] for a, b in pairwise(cuts))

    cost = integral(lambda t: example.coefficient * rate(t) ** (k + 1))
    assert cost == pytest.approx(example.expected_cost, rel=1e-7)
    assert integral(lambda t: example.inventory(t) ** 2) == pytest.approx(example.variance, rel=1e-7)
    if k > 1:
        np.testing.assert_array_equal(example.inventory(end * np.array([1.0, 1.5])), 0.0)
        assert example.inventory(0.99 * end) > 0


@pytest.mark.parametrize(("k", "horizon"), [(0.5, 40.0), (1.0, 12.0), (2.0, 6.0)])
def test_the_discrete_optimum_tends_to_almgren_at_first_order(k, horizon):
    """E + λV of N steps lacks the risk of half a step, λσ²X²τ/2, and is else right to the second order."""
    example = almgren(k)
    limit = example.expected_cost + 1e-5 * example.variance
    times = example.characteristic_time
    impact = PowerImpact(example.coefficient, k)
    errors, steps = [], (times / 4, times / 8)
    for tau in steps:
        n_steps = round(horizon * times / tau)
        order = Order("sell", 1e5, n_steps * tau, n_steps)
        plan = solve_static(order, volatility=1.0, impact=impact, risk_aversion=1e-5)
        errors.append(limit - plan.objective)
    rest = [error - 0.5e-5 * 1e10 * tau for error, tau in zip(errors, steps, strict=True)]
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.1)
    assert rest[0] / rest[1] == pytest.approx(4.0, rel=0.2)


@pytest.mark.parametrize("name", ["shares", "volatility", "coefficient", "exponent", "risk_aversion"])
def test_almgren_2003_refuses_what_has_no_infinite_horizon_optimum(name, refused):
    good = {"shares": 1.0, "volatility": 1.0, "coefficient": 1.0, "exponent": 1.0, "risk_aversion": 1.0}
    for value in (0.0, -1.0, math.nan):
        with refused(f"`{name}` must be greater than 0, got {value!r}"):
            Almgren2003(**(good | {name: value}))
