"""Values, the actions that make sense, and the strategy that takes the best of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flowexec import GBM, Order, PowerImpact, Scenario, execute
from flowexec.learning.actions import RateMultiples
from flowexec.learning.features import Features
from flowexec.learning.networks import Network
from flowexec.learning.q_network import QNetwork, QPolicy, greedy, sensible
from flowexec.learning.recurrent import Cell

RATES = (0.0, 0.5, 1.0, 2.0)
SCENARIO = Scenario(Order("sell", 800.0, 1.0, 8), GBM(100.0, 0.02), PowerImpact(0.001))
FEATURES = Features(("time", "inventory"), variance_scale=4e-4)


def network(memory=None, *, seed=1):
    """Random weights in all layers, and so different actions on different paths."""
    cell = None if memory is None else Cell.initial(memory, 4, seed=seed)
    head = Network.initial((2 + (0 if cell is None else 4), 16, 1 + len(RATES)), seed=seed)
    rng = np.random.default_rng(seed)
    return QNetwork(head.map(lambda a: a + rng.normal(size=a.shape)), cell)


def test_values_are_a_state_value_and_centered_advantages():
    """mean_a Q(s, a) is the first output, and differences of Q are those of the other outputs."""
    q = network()
    features = np.random.default_rng(2).normal(size=(3, 2, 5))
    values = q(features)
    answers = np.stack([q.head(step) for step in features])
    assert values.shape == (3, 4, 5)
    np.testing.assert_allclose(values.mean(axis=1), answers[:, 0], atol=1e-13)
    np.testing.assert_allclose(np.diff(values, axis=1), np.diff(answers[:, 1:], axis=1), atol=1e-13)


@pytest.mark.parametrize("memory", [None, "gru", "lstm"])
def test_numpy_and_torch_agree(memory):
    q = network(memory)
    rng = np.random.default_rng(3)
    features, market = rng.normal(size=(6, 2, 5)), rng.normal(size=(6, 2, 5))
    on_torch = q.map(torch.from_numpy)(torch.from_numpy(features), torch.from_numpy(market))
    np.testing.assert_allclose(q(features, market), on_torch.numpy(), atol=1e-13)


@pytest.mark.parametrize("memory", ["gru", "lstm"])
def test_a_memory_step_by_step_is_the_memory_of_the_whole_path(memory):
    """What the policy sees in step k is what training saw in step k of the whole order."""
    policy = QPolicy(network(memory), FEATURES, RateMultiples(RATES))
    seen = []

    class Watched:
        def trade(self, observation):
            seen.append((policy.features(observation), policy.values(observation)))
            return policy.trade(observation)

    execution = execute(Watched(), SCENARIO.sample(6, seed=4))
    market = policy.market(execution.problem.paths.mid[:-1], SCENARIO.order.step_length)
    whole = policy.network(np.stack([features for features, _ in seen]), market)
    np.testing.assert_allclose(np.stack([values for _, values in seen]), whole, atol=1e-12)
    assert np.ptp(execution.shares[1:-1], axis=1).max() > 0  # the memory matters


@pytest.mark.parametrize("memory", [None, "gru"])
def test_a_path_is_traded_alike_alone_and_in_a_block(memory):
    policy = QPolicy(network(memory), FEATURES, RateMultiples(RATES))
    problem = SCENARIO.sample(40, seed=5)
    shares = execute(policy, problem).shares
    for path in (0, 17, 39):
        alone = replace(problem, paths=problem.paths.select(np.array([path])))
        np.testing.assert_array_equal(execute(policy, alone).shares[:, 0], shares[:, path])


def test_actions_beyond_what_is_left_are_senseless():
    """With 0.7 of TWAP's trades left 1.0 is enough, 2.0 does the same; with nothing left, only nothing."""
    left = np.array([8.0, 2.0, 0.7, 0.5, 0.0])
    possible = sensible(RATES, left, 8)
    np.testing.assert_array_equal(
        possible.T, [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    )


def test_an_order_must_stay_completable_at_the_highest_rate():
    """3.5 left and two steps of at most 2.0: what is left after this one, 1.5 or more is needed now."""
    np.testing.assert_array_equal(sensible(RATES, np.array([3.5]), 2)[:, 0], [0, 0, 0, 1])
    np.testing.assert_array_equal(sensible(RATES, np.array([2.5]), 2)[:, 0], [0, 1, 1, 1])
    np.testing.assert_array_equal(sensible(RATES, np.array([9.0]), 2)[:, 0], [0, 0, 0, 1])  # too late anyway


def test_whoever_plays_sensible_actions_completes_at_the_highest_rate():
    class Random:
        def __init__(self):
            self.rng, self.last = np.random.default_rng(6), None

        def trade(self, observation):
            left = observation.inventory * 8 / 800.0
            possible = sensible(RATES, left, observation.steps_remaining)
            assert possible.any(axis=0).all()
            action = greedy(self.rng.random(possible.shape), possible)
            return np.array(RATES)[action] * 100.0

    execution = execute(Random(), SCENARIO.sample(500, seed=7))
    assert execution.shares.max() <= 200.0 + 1e-9
    assert (np.ptp(execution.shares, axis=1) > 0).all()
    np.testing.assert_allclose(execution.inventory[-1], 0.0, atol=1e-9)


def test_the_best_possible_action_is_taken():
    values = np.array([[3.0, 1.0], [2.0, 5.0], [9.0, 5.0]])
    possible = np.array([[1, 1], [1, 1], [0, 1]], dtype=bool)
    np.testing.assert_array_equal(greedy(values, possible), [0, 1])  # not the 9; the first of equals


def test_a_policy_that_does_not_fit_is_refused():
    actions = RateMultiples(RATES)
    with pytest.raises(ValueError, match="must have 3 inputs and 5 outputs, got 2 and 5"):
        QPolicy(network(), Features(("time", "inventory", "signal"), signal_scale=1.0), actions)
    with pytest.raises(ValueError, match="must have 2 inputs and 4 outputs, got 2 and 5"):
        QPolicy(network(), FEATURES, RateMultiples(RATES[:3]))
    with pytest.raises(ValueError, match="`features` must have a `variance_scale`"):
        QPolicy(network("gru"), Features(("time", "inventory")), actions)
