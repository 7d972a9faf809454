"""One execution step at a time, worked out by hand; and what a problem or a strategy may not be."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from flowexec import (
    TWAP,
    Bachelier,
    ExecutionProblem,
    Immediate,
    MarketPaths,
    Order,
    PowerImpact,
    Scenario,
    execute,
)


@dataclass(frozen=True)
class Wants:
    """Asks for the given shares, step by step."""

    shares: tuple

    def trade(self, observation):
        return 0.0 * observation.inventory + self.shares[observation.step]


@dataclass(frozen=True)
class Answers:
    """Returns the same thing whatever it is asked."""

    answer: object

    def trade(self, observation):
        return self.answer


def market(mid, *, spread=0.0, volume=1e3, variance=1e-4, horizon=None):
    """One path through the given mids, a step a day unless told."""
    mid = np.array(mid, dtype=float)[:, None]
    n_steps = len(mid) - 1
    return MarketPaths(
        times=np.linspace(0.0, n_steps if horizon is None else horizon, n_steps + 1),
        mid=mid,
        variance=np.broadcast_to(np.reshape(variance, (-1, 1)), mid.shape),
        volume=np.full((n_steps, 1), volume),
        spread=np.full((n_steps, 1), spread),
    )


IMPACT = PowerImpact(temporary=0.01, permanent=0.001)


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_three_steps_by_hand(side, sign):
    problem = ExecutionProblem(Order(side, 100, 3.0, 3), market([50, 51, 49, 50], spread=0.04), IMPACT)
    execution = execute(Wants((20, 50, 0)), problem)
    assert execution.inventory[:, 0].tolist() == [100, 80, 30, 0]
    assert execution.shares[:, 0].tolist() == [20, 50, 30]  # the last step takes what is left
    against = [0.02 + 0.2, 0.02 + 0.02 + 0.5, 0.07 + 0.02 + 0.3]
    np.testing.assert_allclose(execution.displacement[:, 0], [0, 0.02, 0.07, 0.1], rtol=1e-14)
    np.testing.assert_allclose(
        execution.price[:, 0], np.array([50, 51, 49]) + sign * np.array(against), rtol=1e-15
    )
    # S₀² Σ v τ x_{k+1}²
    np.testing.assert_allclose(execution.risk, 2500 * 1e-4 * (80**2 + 30**2), rtol=1e-14)


def test_risk_uses_the_variance_of_each_step():
    paths = market([50, 51, 49, 50], variance=[1e-4, 4e-4, 9e-4, 7], horizon=1.5)
    execution = execute(Wants((20, 50, 0)), ExecutionProblem(Order("buy", 100, 1.5, 3), paths, IMPACT))
    np.testing.assert_allclose(execution.risk, 2500 * 0.5 * (1e-4 * 80**2 + 4e-4 * 30**2), rtol=1e-14)


def test_asking_for_more_than_is_left_gets_what_is_left():
    problem = ExecutionProblem(Order("sell", 100, 3.0, 3), market([50, 50, 50, 50]), IMPACT)
    execution = execute(Wants((70, np.inf, 5)), problem)
    assert execution.shares[:, 0].tolist() == [70, 30, 0]


def test_an_order_that_need_not_complete_stays_where_the_strategy_left_it():
    problem = ExecutionProblem(Order("sell", 100, 3.0, 3, complete=False), market([50, 50, 50, 50]), IMPACT)
    execution = execute(Wants((10, 0, 25)), problem)
    assert execution.shares[:, 0].tolist() == [10, 0, 25]
    assert execution.inventory[:, 0].tolist() == [100, 90, 90, 65]


def test_step_is_the_engine_and_execute_only_calls_it():
    problem = Scenario(Order("buy", 1e4, 1.0, 4), Bachelier(50.0, 1.0, spread=0.02), IMPACT).sample(5, seed=1)
    state, rows = problem.start(), []
    for k in range(4):
        assert state.step == k
        state, fill = problem.step(state, problem.observe(state).inventory * 0.3)
        rows.append((fill.shares, fill.price, state.inventory, state.impact.displacement))
    execution = execute(Wants30(), problem)
    for k, (shares, price, inventory, displacement) in enumerate(rows):
        np.testing.assert_array_equal(execution.shares[k], shares)
        np.testing.assert_array_equal(execution.price[k], price)
        np.testing.assert_array_equal(execution.inventory[k + 1], inventory)
        np.testing.assert_array_equal(execution.displacement[k + 1], displacement)


@dataclass(frozen=True)
class Wants30:
    def trade(self, observation):
        return observation.inventory * 0.3


def test_step_lets_no_shares_come_back():
    problem = ExecutionProblem(Order("sell", 100, 2.0, 2), market([50, 50, 50]), IMPACT)
    state, fill = problem.step(problem.start(), np.array([-5.0]))
    assert fill.shares[0] == 0
    assert state.inventory[0] == 100


def test_observation_tells_time_and_the_past():
    paths = replace(
        market([50, 51, 49, 52], spread=0.04, variance=[1e-4, 4e-4, 9e-4, 7], horizon=1.5),
        signal=np.array([[0.1], [0.2], [0.3], [0.4]]),
        depth=np.arange(3 * 2 * 2 * 2, dtype=float).reshape(3, 1, 2, 2, 2),
    )
    order = Order("buy", 100, 1.5, 3)
    problem = ExecutionProblem(order, paths, IMPACT)
    state, _ = problem.step(problem.start(), np.array([20.0]))
    state, _ = problem.step(state, np.array([50.0]))
    seen = problem.observe(state)
    assert (seen.order, seen.impact, seen.step, seen.steps_remaining) == (order, IMPACT, 2, 1)
    assert (seen.time, seen.time_remaining) == (1.0, 0.5)
    assert (seen.inventory[0], seen.mid[0], seen.arrival_price[0], seen.spread[0]) == (30, 49, 50, 0.04)
    assert seen.past_mid[:, 0].tolist() == [50, 51, 49]
    assert seen.past_variance[:, 0].tolist() == [1e-4, 4e-4, 9e-4]
    assert seen.variance[0] == 9e-4
    assert seen.past_volume[:, 0].tolist() == [1e3, 1e3]
    assert seen.displacement[0] == pytest.approx(0.07)
    assert seen.signal[0] == 0.3
    np.testing.assert_array_equal(seen.depth, paths.depth[2])
    first = problem.observe(problem.start())
    assert (first.time, first.time_remaining, first.steps_remaining) == (0.0, 1.5, 3)
    assert first.past_volume.shape == (0, 1)


def test_estimated_variance_by_hand():
    paths = market([100, 110, 99, 99], variance=[0.04, 1, 1, 1], horizon=1.5)
    problem = ExecutionProblem(Order("buy", 1, 1.5, 3), paths, IMPACT, information="estimated")
    first = 0.94 * 0.04 + 0.06 * 0.1**2 / 0.5
    second = 0.94 * first + 0.06 * 0.1**2 / 0.5
    np.testing.assert_allclose(
        problem.observed_variance[:, 0], [0.04, first, second, 0.94 * second], rtol=1e-12
    )
    state, _ = problem.step(problem.start(), np.array([0.5]))
    np.testing.assert_allclose(problem.observe(state).past_variance[:, 0], [0.04, first], rtol=1e-12)


def test_estimated_variance_finds_the_true_one():
    order = Order("sell", 1.0, 2.0, 400)
    problem = Scenario(order, Bachelier(50.0, 0.5), IMPACT, information="estimated").sample(2000, seed=2)
    last = problem.observed_variance[-1]
    z = (last.mean() - 1e-4) / (last.std(ddof=1) / np.sqrt(last.size))
    assert abs(z) < 4
    # an exponentially weighted mean of squared normals has variance 2 (1 − λ)/(1 + λ)
    assert last.std() / 1e-4 == pytest.approx((2 * 0.06 / 1.94) ** 0.5, rel=0.1)


GOOD = market([50, 51, 49])


@pytest.mark.parametrize(
    ("order", "paths", "sentence"),
    [
        (Order("buy", 1, 2.0, 3), GOOD, "`paths` must have the order's 3 steps, got 2"),
        (Order("buy", 1, 1.0, 2), GOOD, "`paths` must last as long as the order, 1 days, got 2"),
        (
            Order("buy", 1, 2.0, 2),
            replace(GOOD, times=np.array([0.0, 0.5, 2.0])),
            "`paths` must have steps of equal length, got lengths from 0.5 to 1.5 days",
        ),
    ],
)
def test_paths_that_do_not_fit_the_order_are_refused(order, paths, sentence, refused):
    with refused(sentence):
        ExecutionProblem(order, paths, IMPACT)


@pytest.mark.parametrize("information", ["all", None])
def test_unknown_information_is_refused(information, refused):
    sentence = f"`information` must be one of 'model', 'estimated', got {information!r}"
    with refused(sentence):
        ExecutionProblem(Order("buy", 1, 2.0, 2), GOOD, IMPACT, information)
    with refused(sentence):
        Scenario(Order("buy", 1, 2.0, 2), Bachelier(50.0, 1.0), IMPACT, information=information)


def test_negative_risk_aversion_is_refused(refused):
    with refused("`risk_aversion` must be at least 0, got -1e-06"):
        Scenario(Order("buy", 1, 2.0, 2), Bachelier(50.0, 1.0), IMPACT, risk_aversion=-1e-6)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (np.ones(3), "Answers.trade must return shares of shape (1,), got (3,)"),
        (np.ones((1, 1)), "Answers.trade must return shares of shape (1,), got (1, 1)"),
        (np.float64(1.0), "Answers.trade must return shares of shape (1,), got float64"),
        (1.0, "Answers.trade must return shares of shape (1,), got float"),
        ("all", "Answers.trade must return shares of shape (1,), got str"),
        ([1.0], "Answers.trade must return shares of shape (1,), got list"),
        (None, "Answers.trade must return shares of shape (1,), got NoneType"),
        (np.array([True]), "Answers.trade must return real numbers, got bool"),
        (np.array([1.0 + 0.0j]), "Answers.trade must return real numbers, got complex128"),
        (np.array([1.0], dtype=object), "Answers.trade must return real numbers, got object"),
        (np.array([np.nan]), "Answers.trade must return shares of at least 0, got nan in step 0"),
        (np.array([-1.0]), "Answers.trade must return shares of at least 0, got -1.0 in step 0"),
    ],
)
def test_a_strategy_with_a_bad_answer_is_named(answer, sentence, refused):
    with refused(sentence):
        execute(Answers(answer), ExecutionProblem(Order("buy", 10, 2.0, 2), GOOD, IMPACT))


def test_the_step_of_a_bad_answer_is_named():
    with pytest.raises(
        ValueError, match=r"^Wants\.trade must return shares of at least 0, got nan in step 1$"
    ):
        execute(Wants((1.0, np.nan)), ExecutionProblem(Order("buy", 10, 2.0, 2), GOOD, IMPACT))


def test_one_scenario_one_seed_one_set_of_paths():
    scenario = Scenario(Order("buy", 10, 2.0, 2), Bachelier(50.0, 1.0), IMPACT, information="estimated")
    problem = scenario.sample(30, seed=7)
    assert (problem.order, problem.impact, problem.information) == (scenario.order, IMPACT, "estimated")
    np.testing.assert_array_equal(problem.paths.mid, scenario.sample(30, seed=7).paths.mid)
    np.testing.assert_array_equal(
        problem.paths.mid[:, 10:], scenario.sample(20, seed=7, first_path=10).paths.mid
    )
    assert not np.array_equal(problem.paths.mid, scenario.sample(30, seed=8).paths.mid)


def test_single_step_orders_trade_at_once():
    problem = Scenario(Order("sell", 10, 2.0, 1), Bachelier(50.0, 1.0), IMPACT).sample(3, seed=1)
    for strategy in (TWAP(), Immediate(), Wants((0,))):
        assert execute(strategy, problem).shares.tolist() == [[10, 10, 10]]
