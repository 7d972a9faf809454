"""Descent through the engine lands on closed forms, on the static optimum and on the dynamic programme."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from flowexec import (
    GBM,
    TWAP,
    Bachelier,
    ExponentialDecay,
    Heston,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    Schedule,
    TransientImpact,
    evaluate,
    execute,
    shortfall,
)
from flowexec.execution.presets import book_scenario
from flowexec.learning.pathwise import (
    PathwiseConfig,
    controlled_objective,
    optimize_schedule,
    train_policy,
)
from flowexec.market.paths import MarketPaths
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier, WithSignal
from flowexec.strategies.expected_cost import schedule_cost
from flowexec.strategies.heston_riccati import solve_riccati
from flowexec.strategies.optimal import solve_optimal
from flowexec.strategies.static_optimum import static_optimum
from flowexec.strategies.transient import solve_transient

SHARES, THETA = 1e5, 2e-4
ORDER = Order("sell", SHARES, 1.0, 20)
IMPACT = PowerImpact(0.05 / SHARES**0.6, 0.6)
"""5 cents at TWAP's rate."""


def risk_aversion(ratio, variance):
    """λ at which λσ²X²T is `ratio` times TWAP's impact; `variance` in currency² per share² and day."""
    return ratio * 0.05 / (variance * SHARES)


HESTON = Scenario(
    ORDER,
    Heston(100.0, THETA, 5.0, THETA, 3.0 * math.sqrt(THETA), -0.5),
    IMPACT,
    risk_aversion(10.0, 1e4 * THETA),
)
"""Mean reversion 5 a day, volatility of variance 3 in units of the mean, 10 times as much risk as impact."""
SIGNAL = Scenario(
    ORDER,
    SignalBachelier(100.0, 1.4, OrnsteinUhlenbeck(5.0, 2.0)),
    IMPACT,
    risk_aversion(3.0, 1.4**2),
)


LINEAR = replace(HESTON, impact=PowerImpact(0.05 / SHARES, permanent=0.02 / SHARES))


def regret(strategy, optimum, scenario, n_paths=20_000, seed=7):
    """Mean objective above that of `optimum` on the same fresh paths, and its standard error."""
    problem = scenario.sample(n_paths, seed=seed)
    ours, best = (controlled_objective(execute(s, problem), scenario) for s in (strategy, optimum))
    return (ours - best).mean(), (ours - best).std() / math.sqrt(n_paths)


@pytest.mark.parametrize(
    ("scenario", "solve"),
    [(HESTON, solve_optimal), (book_scenario("HH"), solve_optimal), (LINEAR, solve_riccati)],
    ids=["10 to 1", "HH", "Riccati"],
)
def test_policy_lands_on_the_optimum(scenario, solve):
    optimum, static = solve(scenario), static_optimum(scenario)
    trained = train_policy(scenario, PathwiseConfig(n_paths=2048, iterations=35), seed=1)
    worse, error = regret(trained.policy, optimum, scenario)
    assert worse > -3 * error  # or else the optimum is none
    assert worse + 3 * error < 2e-4 * optimum.value
    assert worse + 3 * error < 0.03 * (static.objective - optimum.value)  # it has learned to adapt
    # in units of TWAP's objective: from 1 to the optimum's
    twap = evaluate(TWAP(), scenario, 2048, seed=7).controlled_objective.value
    loss = trained.history["loss"]
    assert loss[0] == pytest.approx(1.0, rel=1e-12)
    assert loss[-1] == pytest.approx(optimum.value / twap, rel=0.05)
    assert loss[-1] == pytest.approx(loss.min(), rel=1e-5)


def test_policy_lands_on_the_optimum_with_a_signal():
    """Where adapting is worth a third of the cost, and the problem is harder: to wait, then to hurry."""
    optimum, static = solve_optimal(SIGNAL), static_optimum(SIGNAL)
    assert static.objective > 1.5 * optimum.value
    trained = train_policy(SIGNAL, PathwiseConfig(n_paths=3072, iterations=70), seed=2)
    worse, error = regret(trained.policy, optimum, SIGNAL)
    assert worse > -3 * error
    assert worse + 3 * error < 3e-3 * optimum.value


def excess(schedule, scenario):
    """Exact objective of a schedule less that of the static optimum, in units of the latter."""
    order, market = scenario.order, scenario.market
    trades = order.shares * np.array(schedule.weights)
    held = order.shares - np.cumsum(trades)
    cost = schedule_cost(trades, scenario.impact, step_length=order.step_length, spread=market.spread)
    risk = scenario.risk_aversion * market.price**2 * market.theta * order.step_length * (held @ held)
    return (cost + risk) / static_optimum(scenario).objective - 1.0


@pytest.mark.parametrize("scenario", [HESTON, book_scenario("LH", side="buy")], ids=["10 to 1", "LH"])
def test_schedule_lands_on_the_static_optimum(scenario):
    trained = optimize_schedule(scenario, iterations=40, seed=3)
    assert sum(trained.policy.weights) == pytest.approx(1.0, rel=1e-12)
    assert 0 <= excess(trained.policy, scenario) < 5e-4


def test_regret_falls_as_one_over_the_number_of_paths():
    """Sixteen times the paths, a sixteenth of the regret: logarithms within 3 standard errors of 8 seeds."""
    regrets = np.array([
        [
            excess(optimize_schedule(HESTON, n_paths=n, iterations=25, seed=seed).policy, HESTON)
            for seed in range(8)
        ]
        for n in (16, 256)
    ])  # fmt: skip
    few, many = regrets.mean(axis=1)
    error = np.hypot(*(regrets.std(axis=1, ddof=1) / math.sqrt(8) / (few, many)))
    assert error < 0.6
    assert abs(math.log(few / many) - math.log(16)) < 3 * error


@pytest.mark.parametrize(
    "impact",
    [
        TransientImpact(1e-6, ExponentialDecay(3.0)),
        TransientImpact(1e-6, PowerLawDecay(0.1, 0.6)),
    ],
    ids=["Obizhaeva–Wang", "power law"],
)
@pytest.mark.parametrize("lam", [0.0, 1e-6])
def test_schedule_lands_on_closed_forms_of_transient_impact(impact, lam):
    """One path is enough where the volatility does not move; nothing is left but the solver's tolerance."""
    scenario = Scenario(Order("buy", 1e5, 1.0, 10), Bachelier(50.0, 0.5), impact, lam)
    plan = solve_transient(scenario.order, impact, volatility=0.5, risk_aversion=lam)
    trained = optimize_schedule(scenario, n_paths=1, iterations=300, seed=1)
    np.testing.assert_allclose(trained.policy.weights, plan.trades / 1e5, atol=2e-5)
    worse, _ = regret(trained.policy, plan.strategy, scenario, n_paths=1)
    assert abs(worse) < 1e-9 * plan.objective


def test_nothing_is_learned_where_there_is_nothing_to_learn():
    """Without risk aversion or signal TWAP is optimal, and on any sample, because the noise is controlled."""
    scenario = replace(HESTON, risk_aversion=0.0)
    trained = train_policy(scenario, PathwiseConfig(n_paths=64, iterations=10), seed=4)
    problem = scenario.sample(100, seed=5)
    np.testing.assert_allclose(execute(trained.policy, problem).shares, SHARES / 20, rtol=1e-9)


MARKETS = [
    HESTON.market,
    GBM(100.0, 0.02, drift=0.03),
    SignalBachelier(100.0, 1.0, OrnsteinUhlenbeck(5.0, 6.0, initial=2.0)),
    WithSignal(HESTON.market, OrnsteinUhlenbeck(20.0, 6.0, initial=-2.0)),
]


@pytest.mark.parametrize("market", MARKETS, ids=lambda m: type(m).__name__)
def test_controlled_objective_has_the_mean_of_the_objective_and_less_noise(market):
    scenario = Scenario(Order("buy", 1e4, 1.0, 5), market, PowerImpact(1e-5), 1e-6)
    execution = execute(Schedule((3, 1, 2, 1, 1)), scenario.sample(20_000, seed=8))
    raw = shortfall(execution).total + 1e-6 * execution.risk
    controlled = controlled_objective(execution, scenario)
    assert abs((raw - controlled).mean()) < 4 * (raw - controlled).std() / math.sqrt(20_000)
    assert controlled.std() < 0.7 * raw.std()
    if getattr(market, "drift", None) == 0:
        summary = evaluate(Schedule((3, 1, 2, 1, 1)), scenario, 20_000, seed=8)
        assert controlled.mean() == pytest.approx(summary.controlled_objective.value, rel=1e-9)


@dataclass(frozen=True)
class Replay:
    """A market without a model: the paths of another, and, on demand, one that is not a number."""

    broken: bool = False

    def simulate(self, n_paths, n_steps, horizon, *, seed, first_path=0, threads=None):
        paths = Bachelier(100.0, 2.0, drift=1.5).simulate(
            n_paths, n_steps, horizon, seed=seed, first_path=first_path
        )
        return (
            replace(paths, mid=np.concatenate([paths.mid[:1], math.nan * paths.mid[1:]]))
            if self.broken
            else paths
        )


def test_nothing_is_controlled_without_a_model():
    scenario = replace(HESTON, market=Replay())
    execution = execute(TWAP(), scenario.sample(50, seed=1))
    objective = shortfall(execution).total + scenario.risk_aversion * execution.risk
    np.testing.assert_allclose(controlled_objective(execution, scenario), objective, rtol=1e-9)


def test_the_seed_decides_everything_and_nothing_else_is_touched():
    config = PathwiseConfig((4,), 300, 5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first = train_policy(HESTON, config, seed=1)
    try:
        torch.set_num_threads(threads + 1)
        again = train_policy(HESTON, config, seed=1)
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)
    other = train_policy(HESTON, config, seed=2)
    assert torch.equal(torch.get_rng_state(), state)

    def bits(trained):
        return [a.tobytes() for a in (*trained.policy.network.weights, *trained.policy.network.biases)]

    assert bits(first) == bits(again)
    assert np.array_equal(first.history["loss"], again.history["loss"])
    assert bits(first) != bits(other)


def test_evaluation_at_the_same_seed_meets_other_paths():
    seen: list[MarketPaths] = []

    @dataclass(frozen=True)
    class Recorder:
        def simulate(self, *args, **kwargs):
            seen.append(HESTON.market.simulate(*args, **kwargs))
            return seen[-1]

    scenario = replace(HESTON, market=Recorder())
    optimize_schedule(scenario, n_paths=4, iterations=1, seed=9)
    scenario.sample(4, seed=9)
    train, test = seen
    assert not np.isin(train.mid[1:], test.mid[1:]).any()


def test_bad_input_is_refused(refused):
    with refused("`scenario` must be a Scenario, got 3"):
        train_policy(3, seed=1)
    with refused("`config` must be a PathwiseConfig, got 3"):
        train_policy(HESTON, 3, seed=1)
    with refused("`seed` must be a whole number, at least 0, got -1"):
        optimize_schedule(HESTON, seed=-1)
    with refused("`n_paths` must be a whole number, at least 1, got 0"):
        optimize_schedule(HESTON, n_paths=0, seed=1)
    with refused("`iterations` must be a whole number, at least 1, got 2.5"):
        optimize_schedule(HESTON, iterations=2.5, seed=1)
    with refused("`scenario.order.n_steps` must be a whole number, at least 2, got 1"):
        train_policy(replace(HESTON, order=Order("sell", 1.0, 1.0, 1)), seed=1)
    with refused("`hidden` must be a tuple of widths, got 16"):
        PathwiseConfig(16)
    with refused("`hidden` must be a whole number, at least 1, got 0"):
        PathwiseConfig((16, 0))
    with refused("`n_paths` must be a whole number, at least 1, got 0"):
        PathwiseConfig(n_paths=0)
    with refused("`iterations` must be a whole number, at least 1, got 0"):
        PathwiseConfig(iterations=0)
    with pytest.raises(RuntimeError, match=r"the objective is nan in evaluation 0"):
        train_policy(replace(HESTON, market=Replay(broken=True)), seed=1)
