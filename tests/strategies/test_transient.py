"""Cost, memory and optimum of schedules under transient impact."""

import math

import numpy as np
import pytest

from flowexec import (
    GBM,
    ExponentialDecay,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    Schedule,
    TransientImpact,
    execute,
    shortfall,
    static_plan,
)
from flowexec.strategies.expected_cost import (
    decay_matrix,
    displacement_path,
    scale_to_cost,
    schedule_cost,
)
from flowexec.strategies.transient import one_sided_trades, solve_transient

IMPACTS = [
    PowerImpact(2e-3, 0.6, 3e-7),
    PowerImpact(2e-3, 1.4, 3e-5, 0.6),
    TransientImpact(2e-6, ExponentialDecay(7.0)),
    TransientImpact(2e-6, PowerLawDecay(0.02, 0.4)),
    TransientImpact(1e-3, PowerLawDecay(0.02, 0.4), 0.5),
]


@pytest.mark.parametrize("impact", IMPACTS)
@pytest.mark.parametrize("side", ["sell", "buy"])
def test_cost_is_what_the_engine_charges_on_every_path(impact, side):
    order = Order(side, 1e5, 0.5, 7)
    weights = (3.0, 0.0, 1.0, 4.0, 1.0, 5.0, 9.0)
    problem = Scenario(order, GBM(100.0, 0.02, spread=0.03), impact).sample(40, seed=5)
    cost = shortfall(execute(Schedule(weights), problem))
    trades = 1e5 * np.array(weights) / sum(weights)
    expected = schedule_cost(trades, impact, step_length=order.step_length, spread=0.03)
    assert cost.total - cost.martingale == pytest.approx(np.full(40, expected), rel=1e-9)


def test_power_impact_agrees_with_the_static_plan():
    order, trades = Order("sell", 100.0, 1.0, 3), np.array([50.0, 20.0, 30.0])
    plan = static_plan(order, trades, volatility=1.0, impact=IMPACTS[0], spread=0.01)
    assert schedule_cost(trades, IMPACTS[0], step_length=1 / 3, spread=0.01) == pytest.approx(
        plan.expected_cost, rel=1e-12
    )


def test_linear_impulses_give_a_quadratic_form():
    rng, tau = np.random.default_rng(2), 0.1
    for impact in IMPACTS[2:4]:
        kernel = decay_matrix(impact.decay, tau * np.arange(9))
        for _ in range(20):
            n = rng.normal(size=9)
            assert schedule_cost(n, impact, step_length=tau) == pytest.approx(
                0.5 * impact.coefficient * n @ kernel @ n, rel=1e-11
            )


@pytest.mark.parametrize("impact", IMPACTS)
def test_cost_does_not_know_which_side_is_called_positive(impact):
    n = np.array([3.0, -1.0, 0.0, 2.0, -5.0])
    assert schedule_cost(-n, impact, step_length=0.2, spread=0.1) == pytest.approx(
        schedule_cost(n, impact, step_length=0.2, spread=0.1), rel=1e-14
    )


@pytest.mark.parametrize("impact", IMPACTS[2:])
def test_scaled_impact_sends_the_bill(impact):
    trades = np.array([3.0, 1.0, 2.0])
    scaled = scale_to_cost(impact, trades, 7.0, step_length=0.1)
    assert schedule_cost(trades, scaled, step_length=0.1) == pytest.approx(7.0, rel=1e-12)
    assert (scaled.decay, scaled.exponent) == (impact.decay, impact.exponent)
    with pytest.raises(ValueError, match="`cost` must be greater than 0"):
        scale_to_cost(impact, trades, 0.0, step_length=0.1)


def test_a_manipulated_schedule_has_no_scale():
    impact = TransientImpact(1.0, ExponentialDecay(1e-9), 0.5)
    trades = np.array([1.0, 1.0, 1.0, 1.0, -4.0])
    with pytest.raises(ValueError, match="`trades` must cost more than 0"):
        scale_to_cost(impact, trades, 1.0, step_length=0.1)


def test_decay_matrix():
    times = np.array([0.0, 0.3, 0.1])
    matrix = decay_matrix(ExponentialDecay(2.0), times)
    assert matrix == pytest.approx(np.exp(-2.0 * np.abs(times[:, None] - times)))
    assert np.linalg.eigvalsh(decay_matrix(PowerLawDecay(0.01, 0.5), np.linspace(0, 1, 30)))[0] > 0


@pytest.mark.parametrize("impact", IMPACTS)
def test_displacement_is_the_engines(impact):
    order, weights = Order("buy", 1e5, 0.5, 6), (3.0, 0.0, 1.0, 4.0, 1.0, 5.0)
    problem = Scenario(order, GBM(100.0, 0.02), impact).sample(2, seed=5)
    execution = execute(Schedule(weights), problem)
    trades, tau = 1e5 * np.array(weights) / sum(weights), order.step_length
    # the engine's rows are just before a trade, displacement_path counts it from its own moment on
    before = displacement_path(trades, impact, tau * np.arange(7) - 1e-6 * tau, step_length=tau)
    assert before == pytest.approx(execution.displacement[:, 0], rel=1e-4)
    after = displacement_path(trades, impact, np.array([0.0]), step_length=tau)
    assert after == pytest.approx(displacement_path(trades[:1], impact, np.array([0.0]), step_length=tau))


def test_impact_relaxes_after_the_order_by_its_kernel():
    trades, late = np.array([2.0, 1.0]), np.array([5.0])
    assert displacement_path(trades, PowerImpact(1.0, permanent=3.0), late, step_length=0.1) == pytest.approx(
        9.0
    )
    fading = TransientImpact(3.0, ExponentialDecay(0.7))
    left = 6.0 * math.exp(-3.5) + 3.0 * math.exp(-0.7 * 4.9)
    assert displacement_path(trades, fading, late, step_length=0.1) == pytest.approx(left)
    assert displacement_path(trades, fading, np.array([-1.0]), step_length=0.1) == pytest.approx(0.0)


@pytest.mark.parametrize("risk_aversion", [0.0, 1e-6, 1e-4])
@pytest.mark.parametrize("decay", [ExponentialDecay(5.0), PowerLawDecay(0.03, 0.4)])
def test_solution_is_stationary_and_minimal(decay, risk_aversion):
    order, impact = Order("sell", 1e5, 1.0, 10), TransientImpact(2e-6, decay)
    terms = {"volatility": 1.5, "risk_aversion": risk_aversion, "spread": 0.02}
    plan = solve_transient(order, impact, **terms)
    assert plan.trades.sum() == pytest.approx(1e5, rel=1e-12)
    assert plan.trades.min() > 0
    rng = np.random.default_rng(4)
    for size in (1e-4, 1e-2, 1.0) * 30:
        change = rng.normal(size=10)
        trades = plan.trades + size * 1e4 * (change - change.mean())
        held = 1e5 - np.cumsum(trades)[:-1]
        # without spread on what is traded back and forth: the programme is that of one-sided orders
        objective = schedule_cost(trades, impact, step_length=0.1) + 0.01 * 1e5
        objective += risk_aversion * 1.5**2 * 0.1 * held @ held
        assert objective > plan.objective * (1 - 1e-12)


def test_risk_aversion_trades_earlier_and_time_symmetry_holds_without_it():
    order, impact = Order("sell", 1e5, 1.0, 12), TransientImpact(2e-6, PowerLawDecay(0.03, 0.4))
    neutral = solve_transient(order, impact)
    averse = solve_transient(order, impact, volatility=1.5, risk_aversion=1e-5)
    assert neutral.trades == pytest.approx(neutral.trades[::-1], rel=1e-9)
    assert (averse.inventory[1:-1] < neutral.inventory[1:-1]).all()
    assert averse.expected_cost > neutral.expected_cost


KERNELS = {
    "Gauss": lambda t: math.exp(-((3 * t) ** 2)),
    "Cauchy": lambda t: 1 / (1 + 25 * t * t),
    "waves": lambda t: 0.5 * (1 + math.cos(9 * t)) * math.exp(-0.5 * t),
    "Matérn": lambda t: (1 + 8 * t) * math.exp(-8 * t),
}


@pytest.mark.parametrize(
    ("name", "n"), [("Gauss", 8), ("Cauchy", 20), ("waves", 50), ("Matérn", 50), ("Matérn", 200)]
)
def test_one_sided_trades_satisfy_their_optimality_conditions(name, n):
    """Kernels with a flat top want trades in both directions, and do not get them."""
    form = decay_matrix(KERNELS[name], np.linspace(0.0, 1.0, n))
    unconstrained = np.linalg.solve(form, np.ones(n))
    unconstrained /= unconstrained.sum()
    assert unconstrained.min() < -0.01
    trades = one_sided_trades(form)
    assert trades.min() == 0.0
    assert trades.sum() == pytest.approx(1.0, rel=1e-14)
    slope, mu = form @ trades, trades @ form @ trades
    np.testing.assert_allclose(slope[trades > 0], mu, rtol=1e-12)
    assert slope.min() > mu * (1 - 1e-12)
    assert mu > unconstrained @ form @ unconstrained
    np.testing.assert_allclose(trades, trades[::-1], atol=1e-9)  # as symmetric as the form


def test_one_sided_trades_are_the_best_of_all_supports():
    """Every subset of steps, solved exactly on its own: none that trades in one direction is cheaper."""
    form = decay_matrix(KERNELS["Gauss"], np.linspace(0.0, 1.0, 8))
    found = one_sided_trades(form)
    best, at = math.inf, None
    for bits in range(1, 2**8):
        chosen = np.flatnonzero([bits >> k & 1 for k in range(8)])
        part = np.linalg.solve(form[np.ix_(chosen, chosen)], np.ones(chosen.size))
        if part.min() >= 0 and 1 / part.sum() < best:
            best, at = 1 / part.sum(), chosen
    assert found @ form @ found == pytest.approx(best, rel=1e-12)
    np.testing.assert_array_equal(np.flatnonzero(found), at)


def test_a_volatility_that_jumps_makes_no_order_trade_back():
    """A charge that comes and goes: the two-sided optimum would build the position up again in a lull."""
    order, impact = Order("sell", 1e5, 1.0, 6), TransientImpact(2e-6, ExponentialDecay(0.3))
    terms = {"volatility": [5.0, 0.0, 5.0, 0.0, 5.0, 0.0], "risk_aversion": 1e-6, "spread": 0.02}
    plan = solve_transient(order, impact, **terms)
    charge = 2e-6 / 6 * np.cumsum([0.0, 25.0, 0.0, 25.0, 0.0, 25.0])
    form = 2e-6 * decay_matrix(impact.decay, np.arange(6) / 6) + np.minimum(charge[:, None], charge)
    assert np.linalg.solve(form, np.ones(6)).min() < 0
    assert plan.trades.min() == 0.0
    slope = form @ plan.trades  # nothing is to be gained from moving a share to another step
    assert slope @ plan.trades - 1e5 * slope.min() < 1e-9 * plan.objective
    assert plan.gap < 1e-9 * plan.objective
    assert plan.objective == pytest.approx(0.5 * plan.trades @ form @ plan.trades + 0.01 * 1e5, rel=1e-12)
    problem = Scenario(order, GBM(100.0, 0.02, spread=0.02), impact).sample(3, seed=1)
    np.testing.assert_allclose(execute(plan.strategy, problem).shares[:, 0], plan.trades, atol=1e-7)


def test_one_volatility_for_all_steps_or_for_each():
    order, impact = Order("sell", 1e5, 1.0, 9), TransientImpact(2e-6, PowerLawDecay(0.03, 0.4))
    one = solve_transient(order, impact, volatility=1.5, risk_aversion=1e-5)
    each = solve_transient(order, impact, volatility=[1.5] * 9, risk_aversion=1e-5)
    np.testing.assert_allclose(one.trades, each.trades, rtol=1e-12)


def test_refusals():
    order = Order("sell", 1e5, 1.0, 5)
    with pytest.raises(ValueError, match="`impact` must be a TransientImpact with exponent 1"):
        solve_transient(order, TransientImpact(1e-3, ExponentialDecay(1.0), 0.5))
    with pytest.raises(ValueError, match="`impact` must be a TransientImpact with exponent 1"):
        solve_transient(order, PowerImpact(1e-3))
    with pytest.raises(ValueError, match=r"`impact.coefficient` must be greater than 0, got 0"):
        solve_transient(order, TransientImpact(0.0, ExponentialDecay(1.0)))
    with pytest.raises(ValueError, match="positive definite"):
        solve_transient(order, TransientImpact(1e-6, ExponentialDecay(0.0)))
    with pytest.raises(ValueError, match="`trades` must be"):
        schedule_cost(np.array([1.0, math.nan]), IMPACTS[0], step_length=0.1)
    with pytest.raises(ValueError, match="`step_length` must be greater than 0"):
        schedule_cost(np.array([1.0]), IMPACTS[0], step_length=0.0)
    with pytest.raises(ValueError, match="`impact` must be a PowerImpact or a TransientImpact"):
        schedule_cost(np.array([1.0]), None, step_length=0.1)
    with pytest.raises(ValueError, match="`times`"):
        decay_matrix(ExponentialDecay(1.0), np.array([0.0, math.inf]))
