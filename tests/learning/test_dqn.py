"""Double deep Q-learning: its pieces by hand, its learning against optima that are known."""

import itertools
import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch

from flowexec import (
    GBM,
    TWAP,
    Bachelier,
    Order,
    PowerImpact,
    Scenario,
    Schedule,
    evaluate_saving,
    execute,
    simple_market,
)
from flowexec.execution.simple_market import SIMPLE_MULTIPLES
from flowexec.learning.actions import RateMultiples
from flowexec.learning.dqn import DQN, best_values, n_step_targets, temporal_difference, train_dqn
from flowexec.learning.dqn_config import DQNConfig
from flowexec.learning.experience import play
from flowexec.learning.features import Features
from flowexec.learning.networks import Network
from flowexec.learning.pathwise import controlled_objective
from flowexec.learning.q_network import QNetwork, QPolicy
from flowexec.learning.recurrent import Cell
from flowexec.learning.savings import decision_savings
from flowexec.learning.training import Monitor
from flowexec.market.paths import MarketPaths
from flowexec.market.streams import generator

# The pieces, by hand ----------------------------------------------------------------------------------------


def test_one_network_chooses_and_the_other_values():
    """The learning network prefers action 1, which the target network values at 2; its own maximum is 7."""
    choosing = torch.tensor([[[3.0], [5.0], [4.0]]])
    valuing = torch.tensor([[[7.0], [2.0], [6.0]]])
    possible = torch.ones(1, 3, 1, dtype=torch.bool)
    assert best_values(choosing, valuing, possible).item() == 2.0
    assert best_values(valuing, valuing, possible).item() == 7.0
    possible[0, 1] = False  # now action 2 is the best that can be done
    assert best_values(choosing, valuing, possible).item() == 6.0


@pytest.mark.parametrize(
    ("n_step", "expected"),
    [
        (1, [1 + 20, 2 + 30, 4 + 40, 8]),
        (2, [1 + 2 + 30, 2 + 4 + 40, 4 + 8, 8]),
        (3, [1 + 2 + 4 + 40, 2 + 4 + 8, 4 + 8, 8]),
        (4, [15, 14, 12, 8]),
        (9, [15, 14, 12, 8]),
    ],
)
def test_targets_of_several_steps(n_step, expected):
    """Rewards 1, 2, 4, 8 in states worth 10, 20, 30, 40; nothing follows the last decision."""
    rewards, values = np.array([[1.0], [2.0], [4.0], [8.0]]), np.array([[10.0], [20.0], [30.0], [40.0]])
    np.testing.assert_array_equal(n_step_targets(rewards, values, n_step)[:, 0], expected)
    tensors = n_step_targets(torch.from_numpy(rewards), torch.from_numpy(values), n_step)
    np.testing.assert_array_equal(tensors[:, 0].numpy(), expected)


def constant_q(*answers):
    """A network that answers the same everywhere: a state value, then advantages."""
    bias = torch.tensor([[float(a)] for a in answers], requires_grad=True)
    return QNetwork(Network((torch.zeros(len(answers), 1),), (bias,)))


@pytest.mark.parametrize(("double", "errors"), [(True, [2 - 3, 2 - 0.25]), (False, [2 - 8, 2 - 0.25])])
def test_the_loss_is_huber_s_of_the_temporal_difference(double, errors):
    """Action 1, worth 2 here, was played twice, for savings 1 and ¼. The learning network would play action 1
    next, which the target network values at 2; the target network would play action 0, which it values at 7.
    """
    learning, target = constant_q(1, -1, 1), constant_q(4.5, 2.5, -2.5)
    batch = remembered([[1.0], [0.25]])
    loss, best = temporal_difference(learning, target, batch, n_step=1, double=double)
    huber = [0.5 * e**2 if abs(e) <= 1 else abs(e) - 0.5 for e in errors]
    assert loss.item() == pytest.approx(np.mean(huber))
    assert best[1].item() == (2.0 if double else 7.0)
    loss.backward()  # of the played action alone, and not of the target
    assert learning.head.biases[0].grad is not None
    assert target.head.biases[0].grad is None


def remembered(savings):
    """Orders of which nothing is known but the savings [decision, order] of action 1, played throughout."""
    saving = np.array(savings)
    steps, orders = saving.shape
    return {
        "features": np.zeros((steps, 1, orders)),
        "possible": np.ones((steps, 2, orders), dtype=bool),
        "unfinished": np.ones((steps, orders), dtype=bool),
        "action": np.ones((steps, orders), dtype=int),
        "saving": saving,
    }


def test_where_nothing_is_left_nothing_can_be_saved():
    """The second of two orders is complete after its first trade. Its next state is worth 0 and not 2, as the
    target network believes, and what is played there is not learned from: errors 2 − 3, 2 − ¼, 2 − 1.
    """
    learning, target = constant_q(1, -1, 1), constant_q(4.5, 2.5, -2.5)
    batch = remembered([[1.0, 1.0], [0.25, 100.0]])
    batch["unfinished"][1, 1] = False
    loss, best = temporal_difference(learning, target, batch, n_step=1, double=True)
    assert best.tolist() == [[2.0, 2.0], [2.0, 0.0]]
    assert loss.item() == pytest.approx((0.5 + 1.25 + 0.5) / 3)


def test_curiosity_falls_in_a_straight_line():
    config = DQNConfig(iterations=100, curiosity=(0.8, 0.2), exploration=0.5)
    assert [config.epsilon(i) for i in (0, 25, 50, 99)] == pytest.approx([0.8, 0.5, 0.2, 0.2])


def test_the_curious_play_everything_and_the_others_the_best():
    """With ε = 0 the record is the policy's own; with ε = 1 each sensible action is played equally often."""
    scenario = Scenario(Order("sell", 400.0, 1.0, 4), GBM(100.0, 0.02), PowerImpact(1e-4))
    actions, features = RateMultiples((0.0, 1.0, 2.0)), Features(("time", "inventory"))
    rng = np.random.default_rng(1)
    head = Network.initial((2, 8, 4), seed=2).map(lambda a: a + rng.normal(size=a.shape))
    policy = QPolicy(QNetwork(head), Features(("time", "inventory"), variance_scale=4e-4), actions)
    problem = scenario.sample(6000, seed=3)
    best = play(policy, problem, scenario, epsilon=0.0, rng=rng)
    execution = execute(policy, problem)
    np.testing.assert_array_equal(best["action"], np.rint(execution.shares[:-1] / 100.0))
    np.testing.assert_array_equal(best["unfinished"], execution.inventory[:-2] > 1e-6)
    left = np.rint(execution.inventory[:-2] / 100.0)[:, None]  # 0, 1 or 2 of it, and at most 2 later
    table, after = np.arange(3.0)[:, None], np.array([3, 2, 1])[:, None, None]
    np.testing.assert_array_equal(best["possible"], (table <= left) & (left - table <= 2 * after))
    assert not best["unfinished"].all()
    assert "market" not in best  # which nobody reads
    np.testing.assert_array_equal(best["saving"], decision_savings(execution, scenario)[:-1])
    assert best["features"].shape == (3, len(features.names), 6000)
    counts = np.bincount(play(policy, problem, scenario, epsilon=1.0, rng=rng)["action"][0])
    assert np.abs(counts / 6000 - 1 / 3).max() < 5 * math.sqrt(2 / 9 / 6000)


# Learning ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CoinDrift:
    """A mid that drifts up or down in each step as a coin says, and says so beforehand."""

    drift: float

    def simulate(self, n_paths, n_steps, horizon, *, seed, first_path=0, threads=None):
        rng, tau = generator(seed, first_path), horizon / n_steps
        signal = self.drift * rng.choice([-1.0, 1.0], size=(n_steps + 1, n_paths))
        moves = signal[:-1] * tau + 0.5 * math.sqrt(tau) * rng.standard_normal((n_steps, n_paths))
        mid = 100.0 + np.concatenate([np.zeros((1, n_paths)), moves.cumsum(axis=0)])
        zeros = np.zeros_like(moves)
        return MarketPaths(
            np.linspace(0, horizon, n_steps + 1), mid, 0 * mid + 25e-6, zeros + 1, zeros, signal=signal
        )

    def expected_moves(self, paths):
        return paths.signal[:-1] * (paths.horizon / paths.n_steps)


@dataclass(frozen=True)
class CoinOptimum:
    """Backward induction: one share sold costs ε n²/τ = 0.1 n², one held gains the coming drift."""

    rates: tuple[float, ...]
    move: float
    steps: int

    def trade(self, observation):
        coins = observation.signal > 0
        left = np.rint(observation.inventory).astype(int)
        table = {
            (x, up): self.best(observation.step, x, up)[1]
            for x in range(self.steps + 1)
            for up in (False, True)
        }
        return np.array([table[x, up] for x, up in zip(left.tolist(), coins.tolist(), strict=True)])

    @cache  # noqa: B019, as long as the test
    def best(self, step, left, up):
        if step == self.steps - 1:
            return 0.1 * left**2, float(left)
        held = {n: left - min(n, left) for n in self.rates}
        gain = self.move if up else -self.move
        return min((0.1 * (left - x) ** 2 - gain * x + self.value(step + 1, x), n) for n, x in held.items())

    def value(self, step, left):
        return 0.5 * (self.best(step, left, True)[0] + self.best(step, left, False)[0])


RATES = (0.0, 1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("double", "n_step", "seed"), [(True, 1, 0), (True, 1, 1), (True, 2, 0), (False, 1, 0)]
)
def test_a_toy_is_solved_to_one_percent_of_its_optimum(double, n_step, seed):
    """Four shares in four steps with a signal; TWAP costs 0.4, the optimum −0.25."""
    optimum = CoinOptimum(RATES, 0.4, 4)
    assert optimum.value(0, 4) == pytest.approx(-0.25)
    scenario = Scenario(Order("sell", 4.0, 1.0, 4), CoinDrift(1.6), PowerImpact(0.1 / 4))
    config = DQNConfig(
        RateMultiples(RATES), ("time", "inventory", "signal"), (32,), iterations=80, batch_orders=32,
        learning_rate=5e-3, double=double, n_step=n_step,
    )  # fmt: skip
    learned = train_dqn(scenario, config, seed=seed)
    problem = scenario.sample(20_000, seed=77)
    costs = [controlled_objective(execute(s, problem), scenario) for s in (learned.policy, optimum)]
    assert costs[1].mean() == pytest.approx(-0.25, abs=5 * costs[1].std() / math.sqrt(20_000))
    regret = costs[0] - costs[1]
    assert regret.mean() + 1.96 * regret.std() / math.sqrt(20_000) <= 0.01 * 0.65
    assert set(learned.history) == {"saving", "loss", "value", "epsilon"}
    bps = 1e4 / 400
    assert learned.history["saving"][-5:].mean() > 0.8 * 0.65 * bps > learned.history["saving"][0]
    if n_step == 1:  # it knows what it is worth; with more, curiosity is charged to the policy
        assert learned.history["value"][-1] == pytest.approx(0.65 * bps, rel=0.15)


def test_an_order_that_need_not_be_completed_is_left():
    """Without a drift to fear, what is not traded costs nothing on average, and TWAP costs 0.2: all of it, 10
    bps, is saved by doing nothing, which nobody may who has to complete at the highest rate.
    """
    scenario = Scenario(Order("sell", 2.0, 1.0, 2, complete=False), CoinDrift(0.0), PowerImpact(0.1 / 2))
    config = DQNConfig(
        RateMultiples((0.0, 1.0, 2.0)), ("time", "inventory"), (32,),
        iterations=40, updates=32, batch_orders=32,
    )  # fmt: skip
    policy, history = train_dqn(scenario, config, seed=0)
    assert execute(policy, scenario.sample(3, seed=1)).shares.max() == 0.0
    assert history["value"][-1] == pytest.approx(0.2 / 200 * 1e4, rel=1e-3)


@dataclass(frozen=True)
class FirstMove:
    """The first move is a coin and taken back at once; later the mid drifts as the coin fell."""

    pattern: tuple[float, ...] = (1.0, -1.0, 0.0, 0.5, 0.5)

    def simulate(self, n_paths, n_steps, horizon, *, seed, first_path=0, threads=None):
        coin = generator(seed, first_path).choice([-1.0, 1.0], n_paths)
        moves = np.array(self.pattern)[:, None] * coin
        mid = 100.0 + np.concatenate([np.zeros((1, n_paths)), moves.cumsum(axis=0)])
        zeros = np.zeros_like(moves)
        return MarketPaths(np.linspace(0, horizon, n_steps + 1), mid, 0 * mid + 1e-4, zeros + 1, zeros)

    def expected_moves(self, paths):
        moves = np.diff(paths.mid, axis=0)
        moves[0] = 0.0  # all else is known after the first
        return moves


@pytest.mark.parametrize("memory", ["gru", "lstm"])
def test_a_memory_remembers_what_has_left_the_price(memory):
    """From step 2 to 4 time, inventory and price say nothing of the coin. The best schedules after either
    side of it, and the best schedule for both, by enumeration.
    """

    def cost(shares, coin):
        held = 5.0 - np.cumsum(shares)
        return 0.1 * np.dot(shares, shares) - coin * np.dot(held, (0.0, *FirstMove.pattern[1:]))

    plans = [np.array([*p, 5.0 - sum(p)]) for p in itertools.product(RATES, repeat=4) if 2 <= sum(p) <= 5]
    blind = min(0.5 * (cost(p, 1) + cost(p, -1)) for p in plans)
    sighted = min(
        sum(0.5 * min(cost(p, coin) for p in plans if p[0] == first) for coin in (1, -1)) for first in RATES
    )
    assert sighted < -0.7 < 0.5 == pytest.approx(blind)
    scenario = Scenario(Order("sell", 5.0, 1.0, 5), FirstMove(), PowerImpact(0.1 / 5))
    config = DQNConfig(
        RateMultiples(RATES), ("time", "inventory", "volatility"), (32,), memory,
        iterations=60, batch_orders=32, updates=16,
    )  # fmt: skip
    policy = train_dqn(scenario, config, seed=0).policy
    problem = scenario.sample(1000, seed=9)
    coin = np.sign(problem.paths.mid[1] - 100.0)
    shares = execute(policy, problem).shares
    costs = [cost(shares[:, coin == side][:, 0], side) for side in (1, -1)]
    assert np.mean(costs) <= sighted + 0.01 * (blind - sighted)


def least_objective(penalty):
    """Backward induction over half lots of 20 shares: Σ 0.05 n² + 0.01 n x⁺ + p (x⁺)², in bps of 100,000."""
    left = 10.0 * np.arange(101)
    value = 0.05 * left**2  # the last step
    for _ in range(49):
        rows = []
        for multiple in SIMPLE_MULTIPLES:
            n = np.minimum(20.0 * multiple, left)
            after = left - n
            rows.append(0.05 * n**2 + (0.01 * n + penalty * after) * after + value[(after / 10).astype(int)])
        value = np.min(rows, axis=0)
    return value[-1] / 10.0


def objective(strategy, scenario):
    """Of the simple market, bps: certain, but for rounding."""
    values = controlled_objective(execute(strategy, scenario.sample(20, seed=98)), scenario) / 10.0
    assert np.ptp(values) < 1e-6
    return values[0]


SIMPLE_CONFIG = DQNConfig(
    RateMultiples(SIMPLE_MULTIPLES), ("time", "inventory"), iterations=20, orders=32, updates=16,
    batch_orders=16, learning_rate=5e-3,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_where_nothing_can_be_won_twap_is_found(seed):
    """Haste pays in the simple market, but not in steps of half of TWAP's rate, so that TWAP is the optimum.

    A planted policy, which trades a fifth faster at first than at last, is seen to be worse at once.
    """
    scenario = simple_market()
    assert objective(TWAP(), scenario) == pytest.approx(least_objective(1e-5), abs=1e-9)
    learned = evaluate_saving(train_dqn(scenario, SIMPLE_CONFIG, seed=seed).policy, scenario, 2000, seed=99)
    planted = evaluate_saving(Schedule(tuple(np.linspace(1.1, 0.9, 50))), scenario, 2000, seed=99)
    print(f"seed {seed}", learned.table(), planted.table(), sep="\n")
    assert max(abs(bound) for bound in learned.mean.interval) <= 0.1
    assert abs(learned.var95.value) <= 0.1
    assert planted.controlled_mean.interval[1] < -0.1
    assert planted.information_ratio.interval[1] < 0.0
    assert planted.win_rate.interval[1] < 0.5
    assert planted.total_gain_loss_ratio.interval[1] < 1.0
    assert planted.var95.interval[0] > 1.0


def test_where_haste_pays_it_is_learned():
    """With ten times the usual penalty the optimum is 39 bps better than TWAP."""
    scenario, optimum = simple_market(inventory_penalty=1e-4), least_objective(1e-4)
    gain = objective(TWAP(), scenario) - optimum
    assert gain == pytest.approx(38.937, abs=1e-3)
    config = replace(SIMPLE_CONFIG, iterations=40, updates=32)
    ours = objective(train_dqn(scenario, config, seed=1).policy, scenario)
    assert optimum - 1e-9 <= ours <= 1.01 * optimum
    assert objective(TWAP(), scenario) - ours > 0.9 * gain


# The rules of training --------------------------------------------------------------------------------------

SMALL = Scenario(Order("sell", 4.0, 1.0, 4), CoinDrift(1.6), PowerImpact(0.1 / 4))
SMALL_CONFIG = DQNConfig(
    RateMultiples(RATES), ("time", "inventory", "signal"), (8,), "gru", 4,
    iterations=6, orders=16, batch_orders=8, updates=3, target_every=4, capacity=40,
)  # fmt: skip


def weights(policy):
    return np.concatenate([array.ravel() for array in policy.network.arrays])


def test_a_training_is_decided_by_its_seed():
    first, again, other = (weights(train_dqn(SMALL, SMALL_CONFIG, seed=s).policy) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_an_interrupted_training_ends_alike(tmp_path):
    """Stopped after three of six iterations and resumed: the memory has wrapped around, the target is old."""
    whole = train_dqn(SMALL, SMALL_CONFIG, seed=1)

    class Stop(Exception):
        pass

    def stop(done, policy):
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        train_dqn(SMALL, SMALL_CONFIG, seed=1, monitor=Monitor(tmp_path, every=1, on_iteration=stop))
    resumed = train_dqn(SMALL, SMALL_CONFIG, seed=1, monitor=Monitor(tmp_path, every=1))
    np.testing.assert_array_equal(weights(resumed.policy), weights(whole.policy))
    for name, column in whole.history.items():
        np.testing.assert_array_equal(resumed.history[name], column)


def test_no_path_is_played_twice():
    learner = DQN(SMALL, SMALL_CONFIG, seed=1)
    for iteration in range(2):
        learner.iterate(iteration)
    seen = learner.memory.arrays["market"][..., : 2 * SMALL_CONFIG.orders]
    assert len(np.unique(seen.reshape(-1, 2 * SMALL_CONFIG.orders), axis=1).T) == 2 * SMALL_CONFIG.orders


def test_the_target_network_is_a_copy_now_and_then():
    """Copied before updates 0, 4, 8, …; after the three of the first iteration it is the first network."""
    learner = DQN(SMALL, SMALL_CONFIG, seed=1)
    first = [array.detach().clone() for array in learner.learning.arrays]
    learner.iterate(0)
    for before, now, learned in zip(first, learner.target.arrays, learner.learning.arrays, strict=True):
        assert torch.equal(before, now)
        assert not torch.equal(now, learned)
    learner.iterate(1)
    assert not torch.equal(first[0], learner.target.arrays[0])


@dataclass(frozen=True)
class Hole(CoinDrift):
    field: str = "mid"

    def simulate(self, *args, **keywords):
        paths = super().simulate(*args, **keywords)
        getattr(paths, self.field)[2, 5] = np.nan
        return paths


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`scenario` must be a Scenario"):
        train_dqn(CoinDrift(1.0), seed=0)
    with pytest.raises(ValueError, match="`config` must be a DQNConfig"):
        train_dqn(SMALL, {"iterations": 3}, seed=0)
    with pytest.raises(ValueError, match="`capacity` must hold the 64 `orders` of an iteration, got 10"):
        DQNConfig(capacity=10)
    with pytest.raises(ValueError, match=r"`curiosity` must lie in \[0, 1\], got 1.5"):
        DQNConfig(curiosity=(1.5, 0.0))
    with pytest.raises(ValueError, match=r"`curiosity` must be two probabilities, got 0\.1"):
        DQNConfig(curiosity=0.1)
    with pytest.raises(ValueError, match="`memory` must be one of 'gru', 'lstm', got 'rnn'"):
        DQNConfig(memory="rnn")
    with pytest.raises(ValueError, match="`features` must be a tuple of names, got 'time'"):
        DQNConfig(features="time")
    with pytest.raises(ValueError, match="`hidden` must be a tuple of widths, got 64"):
        DQNConfig(hidden=64)
    with pytest.raises(
        ValueError, match=r"`actions` must be RateMultiples or a PriceDivergenceRule, got \(0.0, 1.0\)"
    ):
        DQNConfig(actions=(0.0, 1.0))
    calm = Scenario(SMALL.order, Bachelier(100.0, 0.0), SMALL.impact)
    with pytest.raises(
        ValueError, match="`memory` needs a market with a variance; the mean of this one's is 0"
    ):
        train_dqn(calm, DQNConfig(features=("time",), memory="gru"), seed=0)
    with pytest.raises(ValueError, match="`read` must have 2 inputs, got 3"):
        Cell("gru", Network.initial((3, 12), seed=0), Network.initial((4, 12), seed=0))
    foreign = DQN(SMALL, replace(SMALL_CONFIG, capacity=50), seed=1)
    foreign.iterate(0)
    with pytest.raises(ValueError, match=r"`arrays\['features'\]` must have a place for each of 40 orders"):
        DQN(SMALL, SMALL_CONFIG, seed=1).restore(foreign.tensors())
    blind = DQN(SMALL, SMALL_CONFIG, seed=1)
    blind.scenario = Scenario(SMALL.order, Hole(1.6, "signal"), SMALL.impact)
    with pytest.raises(ValueError, match="the feature 'signal' of order 5 is nan in step 2"):
        blind.iterate(0)
    hole = Scenario(SMALL.order, Hole(1.6), SMALL.impact)
    with pytest.raises(
        ValueError, match=r"the saving of order 5 in step \d is nan: its `mid` is nan in step 2"
    ):
        train_dqn(hole, SMALL_CONFIG, seed=0)
