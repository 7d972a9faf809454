"""Tables: rewards are the environment's, the optimum is that of enumeration, biases are those of theory."""

from itertools import product

import numpy as np
import pytest

from flowexec import GBM, Order, PowerImpact, Scenario
from flowexec.learning.actions import RateMultiples
from flowexec.learning.environment import Environment
from flowexec.learning.features import Features
from flowexec.learning.tabular import LotProblem, expected_maximum, learn_tables

ORDER = Order("buy", 600.0, 0.5, 3)
IMPACT = PowerImpact(1e-3, 0.6, 2e-5)
PROBLEM = LotProblem(ORDER, IMPACT, 50.0, 4e-4, 6, 1e-3)
FREE = LotProblem(Order("sell", 600.0, 0.5, 2), PowerImpact(0.0), 50.0, 4e-4, 1)
"""Nothing costs anything, so that all values are 0; one lot, now or later."""


def returns(problem, schedule):
    left, total = problem.lots, 0.0
    for traded in schedule:
        total += problem.rewards[left, traded]
        left -= traded
    return total


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_rewards_are_those_of_the_environment(side):
    """Of every schedule, on the mean of many paths: in a market without drift the environment knows it."""
    order = Order(side, ORDER.shares, ORDER.horizon, ORDER.n_steps)
    scenario = Scenario(order, GBM(50.0, 0.02), IMPACT, 1e-3)
    problem = LotProblem(order, IMPACT, 50.0, 4e-4, 6, 1e-3)
    environment = Environment(
        scenario, Features(("time",)), RateMultiples((0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0))
    )
    for schedule in ((2, 2, 2), (6, 0, 0), (0, 5, 1), (0, 0, 6)):
        episode, total = environment.start(scenario.sample(2, seed=1)), 0.0
        for traded in schedule:
            episode, reward = environment.step(episode, np.full(2, traded))
            total = total + reward
        assert total == pytest.approx(returns(problem, schedule), rel=1e-12)


def test_noise_is_the_price_noise_of_what_is_held():
    """In bps of the order: the sd of the environment's rewards without control, less those with it."""
    scenario = Scenario(ORDER, GBM(50.0, 0.02), IMPACT, 1e-3)
    rewards = []
    for control in (False, True):
        environment = Environment(scenario, Features(("time",)), RateMultiples((0.0, 0.5)), control=control)
        episode = environment.start(scenario.sample(20_000, seed=2))
        rewards.append(environment.step(episode, np.ones(20_000, int))[1])
    sd = np.std(rewards[0] - rewards[1])
    assert abs(sd / PROBLEM.noise[6, 1] - 1.0) < 4.0 / np.sqrt(2 * 20_000)


def test_optimal_values_are_those_of_enumeration():
    values = PROBLEM.optimal_values()
    for first in range(7):
        best = max(returns(PROBLEM, (first, second, 6 - first - second)) for second in range(7 - first))
        assert values[0, 6, first] == pytest.approx(best, rel=1e-12)
    greedy = values.argmax(axis=2)
    assert PROBLEM.worth(greedy) == pytest.approx(values[0, 6].max(), rel=1e-12)
    everything = [s for s in product(range(7), repeat=3) if sum(s) == 6]
    assert max(returns(PROBLEM, s) for s in everything) == pytest.approx(values[0, 6].max(), rel=1e-12)
    assert PROBLEM.worth(PROBLEM.even) == pytest.approx(returns(PROBLEM, (2, 2, 2)), rel=1e-12)


@pytest.mark.parametrize("double", [False, True])
def test_q_learning_finds_the_optimum_where_rewards_are_certain(double):
    """Everywhere if everything is tried; on the way of the optimum if only what looks good is."""
    optimal = PROBLEM.optimal_values()
    best = optimal[0, -1].max()
    possible = np.isfinite(optimal)
    possible[0, :-1] = False  # an order arrives whole
    curious, greedy = (
        learn_tables(PROBLEM, orders=40_000, learners=3, seed=1, double=double, control=True, curiosity=c)
        for c in (1.0, 0.2)
    )
    assert np.abs(curious.values - optimal)[:, possible].max() < 1e-3 * abs(best)
    for learned in (curious, greedy):
        assert learned.worth[-1] == pytest.approx(best, rel=1e-12)
        assert learned.believed[-1] == pytest.approx(best, rel=1e-3)
        assert np.isnan(learned.values[:, ~np.isfinite(optimal)]).all()


def test_the_maximum_believes_in_luck_and_double_q_learning_does_not():
    """One lot now, certain, or later, at a price known to a mean of n draws: E max(0, σZ/√n) = σ/√(2πn).

    Where two tables share the orders, what one says of the other's choice has mean 0.
    """
    orders, learners = 64, 2000
    sigma = FREE.noise[1, 0]
    waits = np.random.default_rng(0).binomial(orders, 0.5, 100_000)
    expected = sigma * np.mean(1.0 / np.sqrt(2.0 * np.pi * waits[waits > 0]))
    single, double = (
        learn_tables(
            FREE, orders=orders, learners=learners, seed=3, double=d, curiosity=1.0, decay=1.0, checkpoints=1
        )
        for d in (False, True)
    )
    error = single.believed[-1].std() / np.sqrt(learners)
    assert abs(single.believed[-1].mean() - expected) < 4.0 * error
    assert single.believed[-1].mean() > 20.0 * error
    spread = double.believed[-1]
    assert abs(spread.mean()) < 4.0 * spread.std() / np.sqrt(learners)
    assert (single.worth == 0.0).all()


def test_learners_are_a_function_of_their_seed_and_not_of_their_number():
    few, many = (learn_tables(PROBLEM, orders=50, learners=n, seed=5) for n in (2, 4))
    assert np.array_equal(few.believed, many.believed[:, :2])
    assert not np.array_equal(few.believed[:, 0], few.believed[:, 1])
    assert list(few.orders)[-1] == 50


def test_expected_maximum():
    """Closed forms of 1, 2 and 3; the seven of statistical tables; a simulation of 39."""
    assert expected_maximum(1) == 0.0
    assert expected_maximum(2) == pytest.approx(1.0 / np.sqrt(np.pi), abs=1e-10)
    assert expected_maximum(3) == pytest.approx(1.5 / np.sqrt(np.pi), abs=1e-10)
    assert expected_maximum(7) == pytest.approx(1.3521783756, abs=1e-9)
    draws = np.random.default_rng(1).standard_normal((50_000, 39)).max(axis=1)
    assert abs(draws.mean() - expected_maximum(39)) < 4.0 * draws.std() / np.sqrt(50_000)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"order": Order("buy", 1.0, 1.0, 3, complete=False)}, "`order` must be complete and without fees"),
        ({"order": Order("buy", 1.0, 1.0, 3, fixed_fee=1.0)}, "`order` must be complete and without fees"),
        ({"impact": PowerImpact(1.0, 1.0, 1.0, 0.5)}, "`impact.permanent_exponent` must be 1, got 0.5"),
        ({"lots": 0}, "`lots` must be a whole number, at least 1, got 0"),
        ({"variance": -1.0}, "`variance` must be at least 0, got -1.0"),
    ],
)
def test_refusals(change, sentence):
    arguments = {"order": ORDER, "impact": IMPACT, "price": 50.0, "variance": 4e-4, "lots": 6} | change
    with pytest.raises(ValueError, match=sentence):
        LotProblem(**arguments)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"decay": 0.5}, r"`decay` must lie in \(0.5, 1\], got 0.5"),
        ({"curiosity": 0.0}, r"`curiosity` must lie in \(0, 1\], got 0.0"),
        ({"orders": 0}, "`orders` must be a whole number, at least 1, got 0"),
        ({"double": 1}, "`double` must be True or False, got 1"),
        (
            {"problem": LotProblem(Order("buy", 1.0, 1.0, 1), IMPACT, 50.0, 4e-4, 6)},
            "n_steps` must be a whole",
        ),
    ],
)
def test_refusals_of_learning(change, sentence):
    arguments = {"problem": PROBLEM, "orders": 10, "learners": 1, "seed": 0} | change
    with pytest.raises(ValueError, match=sentence):
        learn_tables(arguments.pop("problem"), **arguments)
