"""The environment is the engine: rewards sum to its objective; nobody sees the future; faults have a name."""

from dataclasses import replace

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
    Scenario,
    TransientImpact,
    VolumeCurve,
    execute,
    shortfall,
)
from flowexec.execution.presets import book_scenario
from flowexec.learning.actions import Fractions, Logits, RateMultiples
from flowexec.learning.book_protocol import BookProtocol
from flowexec.learning.environment import Environment
from flowexec.learning.features import Features
from flowexec.learning.networks import Network, NetworkPolicy
from flowexec.learning.pathwise import controlled_objective
from flowexec.market.replay import OrderBookReplay
from flowexec.market.signal import OrnsteinUhlenbeck, WithSignal
from flowexec.market.synthetic_book import ZeroIntelligence

HESTON = Heston(100.0, 4e-4, 5.0, 2e-4, 0.04, -0.5, spread=0.02, volume=VolumeCurve(1e6, dispersion=0.3))
ORDER = Order("sell", 1e5, 0.7, 8)
IMPACT = PowerImpact(1e-4, 0.6, 1e-8)
FEATURES = Features(("time", "inventory", "volatility", "momentum"), 3e-4)
SCENARIO = Scenario(ORDER, HESTON, IMPACT, 1e-6)
ENVIRONMENT = Environment(SCENARIO, FEATURES)
BOOK = BookProtocol(
    OrderBookReplay(ZeroIntelligence().simulate_day(seed=1, session=(34_200.0, 36_000.0))), "sell", 100.0, 8
).training
SCENARIOS = {
    "Heston": SCENARIO,
    "buy": replace(SCENARIO, order=replace(ORDER, side="buy")),
    "fees": replace(SCENARIO, order=replace(ORDER, fee_per_share=0.003, fixed_fee=50.0)),
    "left over": replace(SCENARIO, order=replace(ORDER, complete=False, fixed_fee=50.0)),
    "drift": Scenario(ORDER, Bachelier(50.0, 1.0, drift=2.0), IMPACT, 1e-6),
    "GBM drift": Scenario(replace(ORDER, side="buy"), GBM(50.0, 0.02, drift=0.03), IMPACT),
    "signal": replace(SCENARIO, market=WithSignal(HESTON, OrnsteinUhlenbeck(5.0, 2.0))),
    "permanent": replace(SCENARIO, impact=PowerImpact(1e-4, 0.6, 1e-6, 0.5)),
    "transient": replace(SCENARIO, impact=TransientImpact(1e-4, ExponentialDecay(3.0), 0.8)),
    "estimated": replace(SCENARIO, information="estimated"),
    "book": replace(BOOK, risk_aversion=1e-3),
}
N_ORDERS = 300


class Recorded:
    """Trades what was recorded."""

    def __init__(self, shares):
        self.shares = shares

    def trade(self, observation):
        return self.shares[observation.step]


def play(environment, problem, actions):
    """Rewards [step, order] and trades of `actions` [step, order]."""
    episode, rewards, trades = environment.start(problem), [], []
    for action in actions:
        held = episode.state.inventory
        episode, reward = environment.step(episode, action)
        rewards.append(reward)
        trades.append(held - episode.state.inventory)
    assert episode.done
    return np.stack(rewards), np.stack(trades)


# ---- rewards ----


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("control", [False, True])
def test_rewards_add_up_to_minus_the_objective_of_the_engine(name, control):
    """Path by path, to 1e-9, whatever is done; some orders wait at first."""
    scenario = SCENARIOS[name]
    problem = scenario.sample(N_ORDERS, seed=1)
    fractions = np.random.default_rng(2).random((8, N_ORDERS)) * (np.arange(8)[:, None] != 0)
    fractions[:, :5] = 0.0  # five that never trade, unless they must
    environment = Environment(scenario, FEATURES, Fractions(), control)
    rewards, trades = play(environment, problem, fractions)
    execution = execute(Recorded(trades), problem)
    objective = shortfall(execution).total + scenario.risk_aversion * execution.risk
    if control:
        objective = controlled_objective(execution, scenario)
    bps = 1e4 * objective / (scenario.order.shares * problem.paths.mid[0])
    np.testing.assert_allclose(rewards.sum(axis=0), -bps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["Heston", "drift", "signal"])
def test_control_leaves_the_mean_and_takes_the_noise(name):
    scenario = SCENARIOS[name]
    problem = scenario.sample(20_000, seed=3)
    actions = np.zeros((8, 20_000)) + 0.4 * problem.paths.mid[:-1] / problem.paths.mid[0]  # of the past only
    plain, controlled = (
        play(Environment(scenario, FEATURES, Logits(), control), problem, actions)[0].sum(axis=0)
        for control in (False, True)
    )
    difference = plain - controlled
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(20_000)
    assert plain.std() > 5 * controlled.std()


def test_each_reward_answers_for_its_own_step():
    """Doing nothing in step k costs what the mid and the risk do in step k, and nothing else."""
    problem = SCENARIO.sample(N_ORDERS, seed=4)
    paths, tau = problem.paths, ORDER.step_length
    environment = replace(ENVIRONMENT, actions=Fractions(), control=False)
    rewards, _ = play(environment, problem, np.zeros((8, N_ORDERS)))
    for k in range(7):
        moved = paths.mid[k] - paths.mid[k + 1]  # a fall hurts who sells
        risk = 1e-6 * 1e4 * paths.variance[k] * tau * ORDER.shares
        np.testing.assert_allclose(rewards[k], -(moved + risk) / 100 * 1e4, rtol=1e-9, atol=1e-9)


def test_environment_is_the_engine_for_a_policy():
    """A network in the environment and the same network as a strategy trade the same to the last bit."""
    problem = SCENARIO.sample(N_ORDERS, seed=5)
    rng = np.random.default_rng(6)
    network = Network.initial((4, 8, 1), seed=7).map(lambda a: a + 0.5 * rng.standard_normal(a.shape))
    episode, trades = ENVIRONMENT.start(problem), []
    while not episode.done:
        held = episode.state.inventory
        episode, _ = ENVIRONMENT.step(episode, network(ENVIRONMENT.observe(episode))[0])
        trades.append(held - episode.state.inventory)
    expected = execute(NetworkPolicy(network, FEATURES), problem)
    assert np.array_equal(np.stack(trades), -np.diff(expected.inventory, axis=0))
    assert expected.shares.std(axis=1)[1:-1].min() > 1.0


# ---- actions ----


def test_three_ways_to_say_twap():
    problem = SCENARIO.sample(N_ORDERS, seed=8)
    expected = execute(TWAP(), problem).shares
    fractions = 1.0 / np.arange(8, 0, -1)[:, None] + np.zeros((8, N_ORDERS))
    ones = np.full((8, N_ORDERS), 2)
    for actions, said in (
        (Fractions(), fractions),
        (Logits(), 0.0 * fractions),
        (RateMultiples((0.0, 0.5, 1.0, 3.0)), ones),
    ):
        _, trades = play(replace(ENVIRONMENT, actions=actions), problem, said)
        np.testing.assert_allclose(trades, expected, rtol=1e-12)


def test_a_multiple_is_of_the_rate_of_twap_and_ends_with_what_is_left():
    problem = SCENARIO.sample(3, seed=9)
    said = np.tile([0, 1, 2], (8, 1))
    _, trades = play(replace(ENVIRONMENT, actions=RateMultiples((0.0, 0.5, 3.0))), problem, said)
    unit = 1e5 / 8
    expected = unit * np.array([[0.0] * 7 + [8], [0.5] * 7 + [4.5], [3, 3, 2] + [0] * 5]).T
    np.testing.assert_allclose(trades, expected, atol=1e-9)


@pytest.mark.parametrize("actions", [Fractions(), Logits(), RateMultiples((0.0, 0.5, 1.0, 3.0))], ids=repr)
@pytest.mark.parametrize("name", ["Heston", "fees", "signal"])
def test_tensors_do_what_arrays_do(actions, name):
    scenario = SCENARIOS[name]
    problem = scenario.sample(50, seed=10)
    rng = np.random.default_rng(11)
    said = rng.integers(0, 4, (8, 50)) if isinstance(actions, RateMultiples) else rng.random((8, 50))
    environment = Environment(scenario, FEATURES, actions)
    rewards, _ = play(environment, problem, said)
    episode, total = environment.start(problem.to_torch()), 0.0
    for action in said:
        episode, reward = environment.step(episode, torch.tensor(action))
        total = total + reward
    np.testing.assert_allclose(total.numpy(), rewards.sum(axis=0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("actions", [Fractions(), Logits(), RateMultiples((0.0, 3.0))], ids=repr)
def test_whole_numbers_of_any_size_are_actions(actions):
    """Without a sign too, and bytes, of which PyTorch would make a mask."""
    problem, said = SCENARIO.sample(3, seed=17), np.array([0, 1, 1])
    environment = replace(ENVIRONMENT, actions=actions)
    _, expected = environment.step(environment.start(problem), said)
    for dtype in ("uint8", "int8", "int32", "int64"):
        action = said.astype(dtype)
        _, rewards = environment.step(environment.start(problem), action)
        assert np.array_equal(rewards, expected)
        _, rewards = environment.step(environment.start(problem.to_torch()), torch.from_numpy(action))
        np.testing.assert_allclose(rewards, expected, rtol=1e-6)


# ---- no look-ahead, no state, no dependence on batches ----


def test_neither_observation_nor_reward_sees_the_future():
    problem = SCENARIOS["signal"].sample(20, seed=12)
    environment = Environment(SCENARIOS["signal"], Features((*FEATURES.names, "signal"), 3e-4, 1.0))
    k = 4

    def walk(problem):
        episode, seen = environment.start(problem), []
        for _ in range(k + 1):
            observation = environment.observe(episode)
            episode, reward = environment.step(episode, observation.sum(axis=0))
            seen += [observation, reward[None]]
        return np.concatenate(seen)

    def cut(rows, last):
        return np.where(np.arange(len(rows))[:, None] > last, np.nan, rows)

    paths = problem.paths
    # the reward of step k knows what the mid does in it, and the control even that not
    later = {name: cut(getattr(paths, name), k) for name in ("mid", "variance", "signal", "volume", "spread")}
    blind = replace(problem, paths=replace(paths, **later))
    assert np.array_equal(walk(problem), walk(blind))


def test_steps_are_functions_and_episodes_can_branch():
    problem = SCENARIO.sample(N_ORDERS, seed=13)
    start = ENVIRONMENT.start(problem)
    once = ENVIRONMENT.step(start, np.full(N_ORDERS, 0.3))
    again = ENVIRONMENT.step(start, np.full(N_ORDERS, 0.3))
    assert np.array_equal(once[1], again[1])
    assert start.state.step == 0
    assert not np.array_equal(once[1], ENVIRONMENT.step(start, np.full(N_ORDERS, -0.3))[1])


@pytest.mark.parametrize("n_orders", [1, 300, 1024, 1500])
def test_episodes_walk_through_the_paths_of_the_seed(n_orders):
    """Path by path, without gap or repetition, whatever the size of the batch."""
    episodes = ENVIRONMENT.episodes(n_orders, seed=14)
    mids = np.concatenate(
        [next(episodes).problem.paths.mid for _ in range(1 + 4 * (n_orders < 1000))], axis=1
    )
    expected = SCENARIO.sample(mids.shape[1], seed=14).paths.mid
    assert np.array_equal(mids, expected)


# ---- bad input ----


def test_bad_actions_are_refused(refused):
    problem = SCENARIO.sample(3, seed=15)
    one = np.ones(3)

    def step(actions, action):
        environment = replace(ENVIRONMENT, actions=actions)
        environment.step(environment.start(problem), action)

    multiples = RateMultiples((0.0, 1.0))
    for actions in (Fractions(), Logits(), multiples):
        with refused("`action` must have shape (3,), one for each order, got (4,)"):
            step(actions, np.ones(4))
        with refused("`action` must have shape (3,), one for each order, got (3, 1)"):
            step(actions, np.ones((3, 1)))
        with refused("`action` must have shape (3,), one for each order, got float"):
            step(actions, 0.5)
    with refused("`action` must lie in [0, 1], got 1.5 for order 1"):
        step(Fractions(), one * [1.0, 1.5, -1.0])
    with refused("`action` must lie in [0, 1], got nan for order 2"):
        step(Fractions(), one * [1.0, 0.0, np.nan])
    with refused("`action` must be finite, got -inf for order 0"):
        step(Logits(), one * [-np.inf, 0.0, np.nan])
    with refused("`action` must be whole numbers from 0 to 1, got 2 for order 1"):
        step(multiples, np.array([0, 2, -1]))
    with refused("`action` must be whole numbers from 0 to 1, got -1 for order 1"):
        step(multiples, np.array([0, -1, 2]))
    with refused("`action` must be whole numbers, got float64"):
        step(multiples, np.array([1.0, 1.0, 0.0]))
    for actions, word in ((Fractions(), "real"), (Logits(), "real"), (multiples, "whole")):
        for action in (one > 0, one + 1j, np.array(["0", "1", "0"]), np.array([0, None, 1])):
            with refused(f"`action` must be {word} numbers, got {action.dtype}"):
                step(actions, action)
        with refused("`action` must be of numpy, as the paths are, got one of torch"):
            step(actions, torch.zeros(3))
        with refused("`action` must be of torch, as the paths are, got one of numpy"):
            environment = replace(ENVIRONMENT, actions=actions)
            environment.step(environment.start(problem.to_torch()), one)
    with refused("`multiples` must be at least 0, got -1.0"):
        RateMultiples((0.0, -1.0))
    with refused("`multiples` must hold at least one positive number, got (0.0,)"):
        RateMultiples((0.0,))


def test_a_reward_that_is_no_number_stops_with_the_step_and_the_cause(refused):
    problem = SCENARIO.sample(4, seed=16)

    def spoiled(name, step, value):
        rows = np.array(getattr(problem.paths, name))
        rows[step, 2] = value
        return replace(problem, paths=replace(problem.paths, **{name: rows}))

    def run(problem, environment=ENVIRONMENT):
        play(environment, problem, np.zeros((8, 4)))

    with refused("the reward of order 2 is nan in step 3: `mid` of step 3 is nan"):
        run(spoiled("mid", 3, np.nan))
    with refused("the reward of order 2 is nan in step 5: `spread` of step 5 is nan"):
        run(spoiled("spread", 5, np.nan))
    with refused("the reward of order 2 is -inf in step 0: `variance` of step 0 is inf"):
        run(spoiled("variance", 0, np.inf))
    with refused("the reward of order 2 is nan in step 2: `mid` of step 3 is nan"):
        run(spoiled("mid", 3, np.nan), replace(ENVIRONMENT, control=False))
    with refused("the reward of order 0 is -inf in step 0: its cost exceeds all numbers"):
        huge = replace(SCENARIO, risk_aversion=1e308)
        with np.errstate(over="ignore"):
            run(huge.sample(4, seed=16), Environment(huge, FEATURES))
    with refused("the reward of order 2 is nan in step 3: `mid` of step 3 is nan"):
        episode = ENVIRONMENT.start(spoiled("mid", 3, np.nan).to_torch())
        for _ in range(8):
            episode, _ = ENVIRONMENT.step(episode, torch.zeros(4))


def test_a_feature_that_is_no_number_stops_with_its_name_and_the_step(refused):
    """As in a market that knows of no variance in some step."""
    problem = SCENARIO.sample(4, seed=18)
    variance = np.array(problem.paths.variance)
    variance[2, 3] = np.nan
    spoiled = replace(problem, paths=replace(problem.paths, variance=variance))
    for episode, still in (
        (ENVIRONMENT.start(spoiled), np.zeros(4)),
        (ENVIRONMENT.start(spoiled.to_torch()), torch.zeros(4)),
    ):
        for _ in range(2):
            assert abs(ENVIRONMENT.observe(episode)).max() <= 3
            episode, _ = ENVIRONMENT.step(episode, still)
        with refused("the feature 'volatility' of order 3 is nan in step 2"):
            ENVIRONMENT.observe(episode)


def test_bad_environments_are_refused(refused):
    with refused("`scenario` must be a Scenario, got 3"):
        Environment(3, FEATURES)
    with refused("`features` must be a Features, got 3"):
        Environment(SCENARIO, 3)
    with refused("`actions` must be an Actions, got 'fractions'"):
        Environment(SCENARIO, FEATURES, "fractions")
    with refused("`control` must be True or False, got 'yes'"):
        Environment(SCENARIO, FEATURES, control="yes")
    with refused("`problem` must be an ExecutionProblem, got 3"):
        ENVIRONMENT.start(3)
    with refused("`n_orders` must be a whole number, at least 1, got 0"):
        next(ENVIRONMENT.episodes(0, seed=1))
    with refused("`seed` must be a whole number, at least 0, got -1"):
        next(ENVIRONMENT.episodes(5, seed=-1))
    problem = book_scenario(n_steps=2).sample(1, seed=1)
    episode = ENVIRONMENT.start(problem)
    for _ in range(2):
        episode, _ = ENVIRONMENT.step(episode, np.zeros(1))
    with refused("`episode` must not be over; its 2 steps have been taken"):
        ENVIRONMENT.step(episode, np.zeros(1))
