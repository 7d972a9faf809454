"""Gatheral and Schied: the published value by simulation, the optimum by its equations, the order in τ."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from flowexec import (
    GBM,
    TWAP,
    AlmgrenChriss,
    Bachelier,
    ExecutionProblem,
    Heston,
    Immediate,
    MarketPaths,
    Order,
    PowerImpact,
    Scenario,
    TransientImpact,
    execute,
)
from flowexec.execution import ExponentialDecay
from flowexec.strategies.gatheral_schied import GatheralSchied

#: (X, S₀, T, σ, λ, η) = (1, 1, 1, 0.5, 1, 1)
UNIT, IMPACT, RULE = GBM(1.0, 0.5), PowerImpact(1.0), GatheralSchied(1.0)
PUBLISHED = 1.4777967


def unit_order(n_steps: int, side: str = "sell") -> Order:
    return Order(side, 1.0, 1.0, n_steps)


def mean_and_error(sample):
    return sample.mean(), sample.std(ddof=1) / math.sqrt(sample.size)


def test_the_published_value():
    assert RULE.continuous_value(unit_order(1), market=UNIT, impact=IMPACT) == pytest.approx(
        PUBLISHED, abs=5e-8
    )


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_simulation_reaches_the_published_value(side):
    """To 3 standard errors of 0.03 %, and of 0.005 % with TWAP, whose mean is known, on the same paths."""
    problem = Scenario(unit_order(128, side), UNIT, IMPACT).sample(50_000, seed=5)
    execution = execute(RULE, problem)
    assert execution.inventory[:-1].min() > 0  # the formula's x never met 0, and so the engine never cut it
    cost = RULE.criterion(execution)
    mean, error = mean_and_error(cost)
    assert error < 5e-4 * PUBLISHED
    assert abs(mean - PUBLISHED) < 3 * error
    twap_mean = 1.0 + 0.5  # ηX²/T + λTXS₀/2, exact in discrete time too
    mean, error = mean_and_error(cost - RULE.criterion(execute(TWAP(), problem)) + twap_mean)
    assert error < 6e-5 * PUBLISHED
    assert abs(mean - PUBLISHED) < 3 * error


@pytest.mark.parametrize("n_steps", [1, 2, 5, 20])
def test_few_steps_cost_their_own_value(n_steps):
    problem = Scenario(unit_order(n_steps), UNIT, IMPACT).sample(100_000, seed=8)
    difference = RULE.criterion(execute(RULE, problem)) - RULE.criterion(execute(TWAP(), problem))
    mean, error = mean_and_error(difference + 1.5)
    value = RULE.value(unit_order(n_steps), market=UNIT, impact=IMPACT)
    assert abs(mean - value) < 3 * error + 1e-12
    assert error < 5e-5
    if n_steps < 20:  # where the two values can be told apart, it is the discrete one
        assert abs(mean - PUBLISHED) > 10 * error


def test_the_bias_of_steps_is_of_first_order():
    values = [RULE.value(unit_order(n), market=UNIT, impact=IMPACT) for n in (128, 1000, 2000, 4000)]
    bias = np.array(values) - RULE.continuous_value(unit_order(1), market=UNIT, impact=IMPACT)
    assert (bias > 0).all()  # constant rates are among the strategies of continuous time
    assert bias[0] < 2e-5 * PUBLISHED  # nothing beside the standard errors above
    assert bias[1] / bias[2] == pytest.approx(2.0, abs=0.01)
    assert bias[2] / bias[3] == pytest.approx(2.0, abs=0.005)


@pytest.mark.parametrize("volatility", [0.0, 1e-4, 0.02, 0.5, 2.0, 6.0])
def test_the_continuous_value_at_any_volatility(volatility):
    """η/16 L²S₀² ∫(T − t)² e^{σ²t} dt is what adapting and hurrying save against TWAP."""
    order, market = Order("sell", 3.0, 0.7, 1), GBM(2.0, volatility)
    integral = quad(lambda t: (0.7 - t) ** 2 * math.exp(volatility**2 * t), 0, 0.7, epsabs=0, epsrel=1e-13)[0]
    expected = 0.4 * (9 / 0.7 + 5 * 0.7 * 3 * 2 / 2 - 25 * 4 / 16 * integral)
    value = GatheralSchied(2.0).continuous_value(order, market=market, impact=PowerImpact(0.4))
    assert value == pytest.approx(expected, rel=1e-12)


def on_price(mid: np.ndarray, order: Order) -> ExecutionProblem:
    shape = (order.n_steps, mid.shape[1])
    times = np.linspace(0.0, order.horizon, order.n_steps + 1)
    paths = MarketPaths(times, mid, np.ones_like(mid), np.ones(shape), np.zeros(shape))
    return ExecutionProblem(order, paths, IMPACT)


def test_inventory_is_the_formula_with_past_prices():
    order = Order("sell", 1.0, 0.8, 40)
    mid = GBM(1.0, 0.5).simulate(20, 40, 0.8, seed=3).mid
    left = 0.8 - order.step_length * np.arange(41)
    gone = np.vstack([np.zeros(20), order.step_length * np.cumsum(mid[:-1], axis=0)])
    formula = (left / 0.8)[:, None] * (1.0 - 1.5 * 0.8 / 4 * gone)
    execution = execute(GatheralSchied(1.5), on_price(mid, order))
    np.testing.assert_allclose(execution.inventory, formula, rtol=1e-10, atol=1e-12)


def test_the_rule_is_the_best_in_a_tree():
    """Three steps of a binomial martingale: no other adapted trades have a lower mean, in any direction."""
    order, ups = (
        Order("sell", 1.0, 1.0, 3),
        np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1, 1, 1, -1, -1]]),
    )
    growth = np.vstack([np.ones(8), *np.cumprod(1 + 0.3 * ups, axis=0), np.ones(8)])
    growth[3] = growth[2]
    problem = on_price(2.0 * growth, order)
    best = execute(RULE, problem)
    mean = RULE.criterion(best).mean()
    rng = np.random.default_rng(0)
    for size in (1e-6, 1e-3, 0.1) * 20:
        change = size * rng.normal(size=(3, 4))
        first, second = np.full(8, change[0, 0]), np.repeat(change[1, :2], 4)  # known at t_0, and at t_1
        trades = best.shares + np.stack([first, second, -first - second])
        state, left = problem.start(), []
        for k in range(3):
            left.append(state.inventory)
            state, _ = problem.step(state, trades[k])
        held = np.stack([*left, state.inventory])
        moved = type(best)(problem, held, -np.diff(held, axis=0), best.price, best.displacement, None)
        assert RULE.criterion(moved).mean() > mean * (1 - 1e-14)
        slope = (RULE.criterion(moved).mean() - mean) / size**2  # of second order: the mean is stationary
        assert slope == pytest.approx(
            3 * ((moved.shares - best.shares) ** 2).sum(axis=0).mean() / size**2, rel=1e-4
        )


@pytest.mark.parametrize(
    "market", [UNIT, Bachelier(1.0, 0.3), Heston(1.0, 0.25, 2.0, 0.25, 0.8, -0.7)], ids=str
)
def test_it_beats_the_others_in_every_martingale(market):
    problem = Scenario(unit_order(30), market, IMPACT).sample(20_000, seed=2)
    best = RULE.criterion(execute(RULE, problem))
    for other in (TWAP(), AlmgrenChriss(1.0), AlmgrenChriss(4.0), Immediate(), GatheralSchied(0.7)):
        mean, error = mean_and_error(RULE.criterion(execute(other, problem)) - best)
        assert mean > 4 * error


def test_a_soaring_price_ends_the_order_early():
    mid = np.full((11, 1), 40.0)
    execution = execute(RULE, on_price(mid, Order("sell", 1.0, 1.0, 10)))
    assert execution.inventory[1] == pytest.approx(0.0)
    assert (execution.shares >= 0).all()


def test_tensors_trade_as_arrays_do():
    pytest.importorskip("torch")
    problem = Scenario(unit_order(10), UNIT, IMPACT).sample(16, seed=1)
    arrays, tensors = execute(RULE, problem), execute(RULE, problem.to_torch())
    np.testing.assert_allclose(RULE.criterion(tensors).numpy(), RULE.criterion(arrays), rtol=1e-13)


def test_refusals(refused):
    with refused("`risk_aversion` must be at least 0, got -0.5"):
        GatheralSchied(-0.5)
    with refused("`market.drift` must be 0 for a martingale, got 0.1"):
        RULE.value(unit_order(2), market=GBM(1.0, 0.5, drift=0.1), impact=IMPACT)
    with pytest.raises(ValueError, match="`market` must be a GBM, got Bachelier"):
        RULE.continuous_value(unit_order(2), market=Bachelier(1.0, 0.5), impact=IMPACT)
    with pytest.raises(ValueError, match="only a PowerImpact says by itself"):
        execute(
            RULE, Scenario(unit_order(2), UNIT, TransientImpact(1.0, ExponentialDecay(1.0))).sample(1, seed=1)
        )
    with refused("`impact.temporary` must be greater than 0, got 0: trading at once is free"):
        RULE.value(unit_order(2), market=UNIT, impact=PowerImpact(0.0))
