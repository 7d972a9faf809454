"""Almgren and Chriss with a signal: exact in a tree, optimal against a linear system, right in the limit."""

import math
from itertools import product

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.integrate import quad

from flowexec import (
    AlmgrenChriss,
    Bachelier,
    ExecutionProblem,
    MarketPaths,
    Order,
    PowerImpact,
    Scenario,
    execute,
    shortfall,
)
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier
from flowexec.strategies.cartea_jaimungal import CarteaJaimungal

IMPACT = PowerImpact(1e-5, 1.0, 1e-6)
SIGMA, PRICE, SPREAD = 1.0, 50.0, 0.02
LAMBDAS = [0.0, 1e-5, 1e-4]


def on_paths(order: Order, signal: np.ndarray, drift: float) -> ExecutionProblem:
    """A price that moves by drift·α_k and nothing else: whatever is linear in the price has its mean."""
    n, paths = signal.shape
    mid = PRICE + np.vstack([np.zeros(paths), drift * np.cumsum(signal, axis=0)])
    market = MarketPaths(
        times=np.linspace(0.0, order.horizon, n + 1),
        mid=mid,
        variance=np.full(mid.shape, (SIGMA / PRICE) ** 2),
        volume=np.full((n, paths), 1e6),
        spread=np.full((n, paths), SPREAD),
        signal=np.vstack([signal, np.zeros(paths)]),
    )
    return ExecutionProblem(order, market, IMPACT)


def objective(execution, risk_aversion: float) -> np.ndarray:
    return shortfall(execution).total + risk_aversion * execution.risk


@pytest.mark.parametrize("alpha", [-0.8, 0.0, 0.5])
@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("risk_aversion", LAMBDAS)
def test_the_value_is_exact(risk_aversion, side, alpha):
    """Costs are quadratic in the signal, so a tree with three normal nodes a step has their exact mean."""
    order = Order(side, 1e5, 0.5, 5, fee_per_share=0.002, fixed_fee=9.0)
    signal = OrnsteinUhlenbeck(3.0, 1.5, alpha)
    nodes, weights = hermegauss(3)
    z = np.array(list(product(nodes, repeat=4))).T
    weight = np.prod(np.array(list(product(weights / weights.sum(), repeat=4))), axis=1)
    path = [np.full(z.shape[1], alpha)]
    for noise in z:
        path.append(signal.mean(path[-1], 0.1) + signal.sd(0.1) * noise)
    problem = on_paths(order, np.array(path), signal.integrated_mean(1.0, 0.1))
    strategy = CarteaJaimungal(risk_aversion, signal)
    execution = execute(strategy, problem)
    assert execution.shares.min() > 0  # nothing was cut
    assert execution.inventory[:-1].min() > 0
    mean = weight @ objective(execution, risk_aversion)
    value = strategy.value(order, volatility=SIGMA, impact=IMPACT, spread=SPREAD)
    assert value == pytest.approx(mean, rel=1e-12)
    # and no other rule has a lower one: neither a blind nor an exaggerating one
    for other in (
        AlmgrenChriss(risk_aversion),
        CarteaJaimungal(risk_aversion, OrnsteinUhlenbeck(2.0, 1.5)),
        CarteaJaimungal(risk_aversion, OrnsteinUhlenbeck(4.5, 1.5)),
    ):
        assert weight @ objective(execute(other, problem), risk_aversion) > value * (1 + 1e-8)


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("risk_aversion", LAMBDAS)
def test_a_trade_is_the_first_of_the_best_plan_for_the_expected_signal(risk_aversion, side):
    """Certainty equivalence: the best plan against the drift E[α_j | α_k] solves a linear system."""
    order = Order(side, 1e5, 1.0, 8)
    signal = OrnsteinUhlenbeck(3.0, 1.0, 0.7)
    tau, n, s = order.step_length, order.n_steps, order.sign
    drift = signal.integrated_mean(1.0, tau)
    problem = on_paths(order, signal.mean(0.7, 1.0) * np.ones((n, 1)), drift)
    state = problem.start()
    for k in range(3):
        left = n - 1 - k  # holdings to be chosen, x_{k+1} … x_{N−1}
        a = IMPACT.temporary / tau - 0.5 * IMPACT.permanent
        form = a * (2 * np.eye(left) - np.eye(left, k=1) - np.eye(left, k=-1))
        form += risk_aversion * SIGMA**2 * tau * np.eye(left)
        alpha = problem.observe(state).signal[0]
        right = -0.5 * s * drift * alpha * np.exp(-signal.reversion * tau * np.arange(left))
        right[0] += a * state.inventory[0]
        best = np.linalg.solve(form, right)
        wanted = CarteaJaimungal(risk_aversion, signal).trade(problem.observe(state))
        assert wanted[0] == pytest.approx(state.inventory[0] - best[0], rel=1e-10)
        state, _ = problem.step(state, wanted)


@pytest.mark.parametrize("risk_aversion", LAMBDAS)
def test_without_noise_in_the_signal_it_is_almgren_and_chriss(risk_aversion):
    order, silent = Order("buy", 1e5, 1.0, 20), OrnsteinUhlenbeck(3.0, 0.0)
    market = SignalBachelier(PRICE, SIGMA, silent, spread=SPREAD)
    problem = Scenario(order, market, IMPACT, risk_aversion).sample(5, seed=1)
    strategy, static = CarteaJaimungal(risk_aversion, silent), AlmgrenChriss(risk_aversion)
    np.testing.assert_array_equal(execute(strategy, problem).shares, execute(static, problem).shares)
    terms = {"volatility": SIGMA, "impact": IMPACT, "spread": SPREAD}
    assert strategy.value(order, **terms) == static.plan(order, **terms).objective
    heard = CarteaJaimungal(risk_aversion, OrnsteinUhlenbeck(3.0, 2.0)).value(order, **terms)
    assert heard < static.plan(order, **terms).objective


def continuous_rate(x, alpha, t_left, signal, risk_aversion, s):
    w = math.sqrt(risk_aversion * SIGMA**2 / IMPACT.temporary)

    def held(u):  # of what is held now, u days later
        return math.sinh(w * (t_left - u)) / math.sinh(w * t_left) if w > 0 else 1 - u / t_left

    awaited = quad(lambda u: math.exp(-signal.reversion * u) * held(u), 0, t_left, epsabs=0, epsrel=1e-12)[0]
    pull = w / math.tanh(w * t_left) if w > 0 else 1 / t_left
    return pull * x + s * alpha * awaited / (2 * IMPACT.temporary)


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("risk_aversion", LAMBDAS)
def test_the_rate_tends_to_the_continuous_formula_at_first_order(risk_aversion, side):
    signal, errors = OrnsteinUhlenbeck(3.0, 1.0, 0.6), []
    for n in (200, 400, 800):
        order = Order(side, 1e5, 0.8, n)
        problem = on_paths(order, np.full((n, 1), 0.6), 0.0)
        rate = CarteaJaimungal(risk_aversion, signal).trade(problem.observe(problem.start()))[0]
        limit = continuous_rate(1e5, 0.6, 0.8, signal, risk_aversion, order.sign)
        errors.append(rate / order.step_length - limit)
    assert abs(errors[-1]) < 5e-3 * limit
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.05)
    assert errors[1] / errors[2] == pytest.approx(2.0, abs=0.025)


@pytest.mark.parametrize(("side", "alpha"), [("sell", 0.0), ("sell", 1.0), ("buy", 1.0)])
@pytest.mark.parametrize("risk_aversion", LAMBDAS[:2])
def test_the_market_charges_the_value(risk_aversion, side, alpha):
    """On simulated paths whose signal never asks for a trade outside the order; the noise of the price and of
    the drift within a step is taken out.
    """
    order, signal = Order(side, 1e5, 1.0, 20), OrnsteinUhlenbeck(4.0, 3.0, alpha)
    market = SignalBachelier(PRICE, SIGMA, signal, spread=SPREAD)
    problem = Scenario(order, market, IMPACT, risk_aversion).sample(20_000, seed=3)
    strategy = CarteaJaimungal(risk_aversion, signal)
    execution = execute(strategy, problem)
    cut = np.mean((execution.shares[:-1] == 0) | (execution.inventory[1:] == 0)[:-1])
    assert cut == 0
    drift = signal.integrated_mean(problem.paths.signal[:-1], order.step_length)
    cost = objective(execution, risk_aversion) - shortfall(execution).martingale
    cost += order.sign * (execution.inventory[1:] * drift).sum(axis=0)
    value = strategy.value(order, volatility=SIGMA, impact=IMPACT, spread=SPREAD)
    error = cost.std(ddof=1) / math.sqrt(cost.size)
    assert error < 2e-3 * value
    assert abs(cost.mean() - value) < 3 * error


def test_where_trades_are_cut_the_value_is_a_lower_bound():
    order, signal = Order("sell", 1e5, 1.0, 20), OrnsteinUhlenbeck(4.0, 100.0)
    problem = Scenario(order, SignalBachelier(PRICE, SIGMA, signal), IMPACT).sample(20_000, seed=3)
    strategy = CarteaJaimungal(0.0, signal)
    execution = execute(strategy, problem)
    assert 0.3 < np.mean((execution.shares[:-1] == 0) | (execution.inventory[1:-1] == 0)) < 0.6
    cost = shortfall(execution).total
    value = strategy.value(order, volatility=SIGMA, impact=IMPACT)
    assert cost.mean() > value + 5 * cost.std() / math.sqrt(cost.size)


def test_random_volatility_is_met_path_by_path():
    """Where volatility on arrival differs between paths, each has its own schedule."""
    order, signal = Order("sell", 1e5, 1.0, 10), OrnsteinUhlenbeck(4.0, 1.0)
    problem = on_paths(order, np.zeros((10, 2)) + 0.5, 0.0)
    problem.paths.variance[:, 1] *= 9
    both = execute(CarteaJaimungal(1e-5, signal), problem).shares
    for i in (0, 1):
        alone = ExecutionProblem(order, problem.paths.select(slice(i, i + 1)), IMPACT)
        np.testing.assert_allclose(execute(CarteaJaimungal(1e-5, signal), alone).shares[:, 0], both[:, i])
    assert both[0, 1] > 1.1 * both[0, 0]


def test_tensors_trade_as_arrays_do():
    pytest.importorskip("torch")
    order, signal = Order("sell", 1e5, 1.0, 10), OrnsteinUhlenbeck(4.0, 100.0)
    problem = Scenario(order, SignalBachelier(PRICE, SIGMA, signal), IMPACT).sample(64, seed=2)
    strategy = CarteaJaimungal(1e-5, signal)
    tensors = execute(strategy, problem.to_torch()).shares.numpy()
    np.testing.assert_allclose(tensors, execute(strategy, problem).shares, rtol=1e-12, atol=1e-9)


def test_refusals(refused):
    signal = OrnsteinUhlenbeck(3.0, 1.0)
    with refused("`risk_aversion` must be at least 0, got -1.0"):
        CarteaJaimungal(-1.0, signal)
    with refused("`signal` must be an OrnsteinUhlenbeck, got 3.0"):
        CarteaJaimungal(0.0, 3.0)
    order, strategy = Order("sell", 1e5, 1.0, 4), CarteaJaimungal(0.0, signal)
    with refused("`observation.signal` must be there for CarteaJaimungal, got None"):
        execute(strategy, Scenario(order, Bachelier(PRICE, SIGMA), IMPACT).sample(1, seed=1))
    with refused("`impact.exponent` must be 1 here, got 0.6"):
        strategy.value(order, volatility=SIGMA, impact=PowerImpact(1e-5, 0.6))
    with pytest.raises(ValueError, match="`temporary` must exceed"):
        strategy.value(order, volatility=SIGMA, impact=PowerImpact(1e-7, 1.0, 1e-5))
