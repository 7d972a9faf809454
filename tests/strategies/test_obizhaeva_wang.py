"""Obizhaeva and Wang's schedule: closed form, optimality, limit, and the same through the engine."""

import math

import numpy as np
import pytest

from flowexec import (
    GBM,
    TWAP,
    ExponentialDecay,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    TransientImpact,
    execute,
    shortfall,
)
from flowexec.strategies.expected_cost import displacement_path, schedule_cost
from flowexec.strategies.obizhaeva_wang import ObizhaevaWang, obizhaeva_wang_limit
from flowexec.strategies.transient import solve_transient

SHARES, HORIZON, RATE, KAPPA = 656_100.0, 1.0, 8.0, 2e-6
IMPACT = TransientImpact(KAPPA, ExponentialDecay(RATE))


def order(n_steps, side="sell", shares=SHARES):
    return Order(side, shares, HORIZON, n_steps)


def test_published_closed_form():
    # N + 1 trades, a = exp(-rho T/N): first = last = X / (2 + (N - 1)(1 - a)), inner (1 - a) times that
    n = 10
    task = Order("buy", 100.0, 1.1, n + 1)  # 11 trades 0.1 apart
    a = math.exp(-RATE * 0.1)
    first = 100.0 / (2 + (n - 1) * (1 - a))
    trades = ObizhaevaWang(RATE).plan(task, IMPACT).trades
    assert trades == pytest.approx([first, *[(1 - a) * first] * (n - 1), first], rel=1e-13)


@pytest.mark.parametrize("n_steps", [2, 3, 7, 26])
@pytest.mark.parametrize("rate", [0.3, 8.0, 90.0])
def test_is_the_solution_of_the_quadratic_programme(n_steps, rate):
    impact = TransientImpact(KAPPA, ExponentialDecay(rate))
    plan, solved = ObizhaevaWang().plan(order(n_steps), impact), solve_transient(order(n_steps), impact)
    assert plan.trades == pytest.approx(solved.trades, rel=1e-9)
    a = math.exp(-rate * HORIZON / n_steps)
    cost = 0.5 * KAPPA * SHARES**2 * (1 + a) / (2 + (n_steps - 2) * (1 - a))
    assert plan.expected_cost == pytest.approx(cost, rel=1e-12)
    assert solved.expected_cost == pytest.approx(cost, rel=1e-12)


def test_any_other_schedule_costs_more():
    task = order(12)
    best = ObizhaevaWang().plan(task, IMPACT)
    rng = np.random.default_rng(1)
    for _ in range(200):
        change = rng.normal(size=12) * rng.choice([1e-3, 0.1, 1.0]) * SHARES / 12
        other = best.trades + change - change.mean()
        assert schedule_cost(other, IMPACT, step_length=task.step_length) > best.expected_cost


def test_displacement_stands_at_one_height_after_every_trade_but_the_last():
    task = order(9)
    trades = ObizhaevaWang().plan(task, IMPACT).trades
    after = displacement_path(trades, IMPACT, task.step_length * np.arange(9), step_length=task.step_length)
    assert after[:-1] == pytest.approx(KAPPA * trades[0], rel=1e-12)
    assert after[-1] == pytest.approx((1 + math.exp(-RATE * task.step_length)) * after[0], rel=1e-12)


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_engine_trades_the_plan_and_pays_its_cost_on_every_path(side):
    task = order(15, side)
    problem = Scenario(task, GBM(100.0, 0.0157, spread=0.02), IMPACT).sample(50, seed=3)
    execution = execute(ObizhaevaWang(), problem)
    plan = ObizhaevaWang().plan(task, IMPACT, spread=0.02)
    assert execution.shares == pytest.approx(np.tile(plan.trades[:, None], 50), rel=1e-11)
    cost = shortfall(execution)
    assert cost.total - cost.martingale == pytest.approx(np.full(50, plan.expected_cost), rel=1e-9)


def test_limit_of_short_steps():
    limit = obizhaeva_wang_limit(SHARES, HORIZON, rate=RATE, coefficient=KAPPA)
    assert limit.block == pytest.approx(SHARES / (RATE * HORIZON + 2))
    assert 2 * limit.block + limit.speed * HORIZON == pytest.approx(SHARES)
    errors = []
    for n_steps in (100, 200, 400, 800):
        plan = ObizhaevaWang().plan(order(n_steps), IMPACT)
        errors.append(
            (
                plan.trades[0] / limit.block - 1,
                plan.trades[1] * n_steps / HORIZON / limit.speed - 1,
                plan.expected_cost / limit.expected_cost - 1,
            )
        )
    order_of_convergence = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    assert order_of_convergence == pytest.approx(np.ones((3, 3)), abs=0.1)


def test_extremes_of_resilience():
    assert ObizhaevaWang(0.0).plan(order(4), IMPACT).trades == pytest.approx([SHARES / 2, 0, 0, SHARES / 2])
    assert ObizhaevaWang(1e6).plan(order(4), IMPACT).trades == pytest.approx([SHARES / 4] * 4)
    permanent = TransientImpact(KAPPA, ExponentialDecay(0.0))
    for trades in ([1.0, 0, 0, 1.0], [0.5, 0.5, 0.5, 0.5]):
        assert schedule_cost(np.array(trades), permanent, step_length=0.1) == pytest.approx(0.5 * KAPPA * 4)


@pytest.mark.parametrize("n_steps", [1, 2])
def test_one_and_two_steps(n_steps):
    problem = Scenario(order(n_steps), GBM(100.0, 0.01), IMPACT).sample(3, seed=1)
    execution = execute(ObizhaevaWang(), problem)
    assert execution.shares == pytest.approx(np.full((n_steps, 3), SHARES / n_steps))
    assert ObizhaevaWang().plan(order(n_steps), IMPACT).trades == pytest.approx([SHARES / n_steps] * n_steps)


def test_what_is_left_is_traded_in_the_same_proportions_whatever_happened_before():
    task = order(6)
    problem = Scenario(task, GBM(100.0, 0.01), IMPACT).sample(2, seed=1)
    state, _ = problem.step(problem.start(), np.array([0.5, 0.1]) * SHARES)
    wanted = ObizhaevaWang().trade(problem.observe(state))
    healed = 1 - math.exp(-RATE * task.step_length)
    assert wanted == pytest.approx(state.inventory * healed / (1 + 4 * healed))


def test_beats_twap_only_where_impact_decays():
    task = order(26)
    even = np.full(26, SHARES / 26)
    plan = ObizhaevaWang().plan(task, IMPACT)
    assert plan.expected_cost < 0.97 * schedule_cost(even, IMPACT, step_length=task.step_length)
    power = PowerImpact(0.01, 0.6)
    tau = task.step_length
    assert schedule_cost(plan.trades, power, step_length=tau) > schedule_cost(even, power, step_length=tau)


def test_runs_on_torch():
    pytest.importorskip("torch")
    problem = Scenario(order(8), GBM(100.0, 0.0157), IMPACT).sample(20, seed=3)
    numpy, torch = execute(ObizhaevaWang(), problem), execute(ObizhaevaWang(), problem.to_torch())
    assert torch.price.numpy() == pytest.approx(numpy.price, rel=1e-12)


def test_refusals():
    with pytest.raises(ValueError, match="`rate` must be at least 0, got -1"):
        ObizhaevaWang(-1.0)
    for impact in (PowerImpact(1e-3), TransientImpact(KAPPA, PowerLawDecay(0.1, 0.5))):
        problem = Scenario(order(4), GBM(100.0, 0.01), impact).sample(2, seed=1)
        with pytest.raises(ValueError, match="`rate` must be given"):
            execute(ObizhaevaWang(), problem)
        execute(ObizhaevaWang(5.0), problem)
    with pytest.raises(ValueError, match="`horizon`"):
        obizhaeva_wang_limit(1.0, 0.0, rate=1.0, coefficient=1.0)
    assert execute(TWAP(), problem).inventory[-1] == pytest.approx(0)
