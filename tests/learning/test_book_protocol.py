"""Learning on order books: the protocol's rules, its split, what nothing earns, and what can be earned."""

import numpy as np
import pytest

from flowexec import (
    TWAP,
    ExecutionProblem,
    Order,
    OrderBookReplay,
    WalkTheBook,
    ZeroIntelligence,
    execute,
    league,
    shortfall,
)
from flowexec.analytics.metrics import SavingMetrics
from flowexec.learning.book_protocol import BOOK_ACTIONS, BookProtocol, PriceDivergenceRule, RandomRates
from flowexec.learning.dqn import train_dqn
from flowexec.learning.dqn_config import DQNConfig
from flowexec.market.driftless import driftless_copies
from flowexec.market.paths import ASK, BID, PRICE, SIZE, MarketPaths


@pytest.fixture(scope="module")
def replay():
    """A synthetic day: its spread comes and goes, and nobody in it knows anything."""
    return OrderBookReplay(ZeroIntelligence().simulate_day(seed=5), gaps="skip")


def deep_book(*bids, n_paths=1):
    """The sale of 2,738 shares in 12 steps in a book of one-cent levels and spread, too deep to be walked."""
    best = np.array([*bids, *[bids[-1]] * (12 - len(bids))])
    depth = np.empty((12, n_paths, 2, 5, 2))
    levels = 0.01 * np.arange(5)
    depth[..., BID, :, PRICE] = best[:, None, None] - levels
    depth[..., ASK, :, PRICE] = best[:, None, None] + 0.01 + levels
    depth[..., SIZE] = 1e6
    rows = np.tile(best[:, None], n_paths)
    mid = np.append(rows, rows[-1:], axis=0) + 0.005
    paths = MarketPaths(
        np.arange(13) / 4680, mid, 0 * mid + 1e-4, 0 * rows + 1.0, 0 * rows + 0.01, depth=depth
    )
    return ExecutionProblem(Order("sell", 2738.0, 12 / 4680, 12), paths, WalkTheBook())


class Asked:
    """Trades as it is told, then TWAP."""

    def __init__(self, *shares):
        self.shares = shares

    def trade(self, observation):
        k = observation.step
        if k < len(self.shares):
            return self.shares[k] + 0.0 * observation.inventory
        return observation.inventory / observation.steps_remaining


def test_the_actions_go_evenly_from_nothing_to_twice_twap():
    rates = np.array(BOOK_ACTIONS.multiples)
    assert rates.size == 39
    assert (rates[0], rates[19], rates[38]) == (0.0, 1.0, 2.0)
    np.testing.assert_allclose(np.diff(rates), 1 / 19, atol=1e-15)


@pytest.mark.parametrize(("stale", "first"), [(True, 114.0), (False, 228.0)])
def test_the_first_step_compares_with_a_stale_arrival_only_under_its_flag(stale, first):
    """Best bids 27.46, 27.49, 27.49: of 228 asked for first, 114 are traded if the arrival is stale."""
    rule = PriceDivergenceRule(stale_arrival=stale)
    shares = execute(rule.around(Asked(228.0, 10.0, 35.0)), deep_book(27.46, 27.49)).shares[:, 0]
    np.testing.assert_array_equal(shares[:3], [first, 5.0, 17.5])  # later the price is better than on arrival
    assert shares.sum() == pytest.approx(2738.0)


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_the_rule_halves_while_the_price_is_better_than_on_arrival(replay, side):
    problem = BookProtocol(replay, side).problem("test")
    plain, ruled = (
        execute(s, problem).shares
        for s in (RandomRates((1.0,), seed=0), PriceDivergenceRule().around(RandomRates((1.0,), seed=0)))
    )
    mid, sign = problem.paths.mid, problem.order.sign
    better = (mid[:-1] - mid[0] > 0) if sign < 0 else (mid[:-1] - mid[0] < 0)
    assert 0.2 < better[1:].mean() < 0.6
    np.testing.assert_array_equal(ruled[:-1], (plain * np.where(better, 0.5, 1.0))[:-1])


def test_a_stale_arrival_is_that_of_the_order_before():
    """Arrivals at 27.46, 27.49, 27.40, 27.40: nobody came before the first, and the second is better off."""
    problem = deep_book(27.46, n_paths=4)
    problem.paths.mid[...] += [0.0, 0.03, -0.06, -0.06]
    rule = PriceDivergenceRule(stale_arrival=True)
    shares = execute(rule.around(Asked(228.0)), problem).shares
    np.testing.assert_array_equal(shares[0], [114.0, 114.0, 228.0, 228.0])


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_training_never_shows_a_horizon_of_the_test(replay, side):
    """293 horizons train and 97 test; 3,000 draws show all of the former and none of the latter."""
    protocol = BookProtocol(replay, side)
    train, test = (protocol.problem(part).paths for part in ("train", "test"))
    assert (train.n_paths, test.n_paths) == (293, 97)
    drawn = protocol.training.sample(3000, seed=1).paths
    seen = {path.tobytes() for path in drawn.mid.T}
    assert seen == {path.tobytes() for path in train.mid.T}
    assert seen.isdisjoint(path.tobytes() for path in test.mid.T)


def test_a_league_judges_on_each_horizon_of_the_test_once(replay):
    protocol = BookProtocol(replay, "buy")
    field = {"TWAP": TWAP(), "random": RandomRates(BOOK_ACTIONS.multiples, 1)}
    judged = league(field, {"later": protocol.testing}, n_paths=3000, seed=1, optimum=None)
    for name, entry in judged.scenarios["later"].entries.items():
        cost = shortfall(execute(field[name], protocol.problem("test"))).bps().total
        assert entry.summary.n_paths == cost.size == 97
        assert entry.summary.mean.value == pytest.approx(cost.mean())


@pytest.mark.parametrize("ruled", [False, True])
def test_a_gain_loss_ratio_above_one_comes_from_the_rule_alone(replay, ruled):
    """300 days without direction, traded at random rates: nothing is saved, and TGLR is 1. But the rule lifts
    the median GLR to 1.18, beside which published ratios of 1.19 and 1.46 are to be read.
    """
    test = BookProtocol(replay).problem("test")
    null = ExecutionProblem(test.order, driftless_copies(test.paths, 300, seed=1), WalkTheBook())
    agent = RandomRates(BOOK_ACTIONS.multiples, seed=2)
    agent = PriceDivergenceRule().around(agent) if ruled else agent
    twap, cost = (shortfall(execute(s, null)).total for s in (TWAP(), agent))
    days = [SavingMetrics.of(day) for day in (twap - cost).reshape(300, 97)]
    mean, error = SavingMetrics.of(twap - cost).mean
    assert abs(mean) < 4 * error
    totals, ratios = (
        np.array([getattr(day, name).value for day in days])
        for name in ("total_gain_loss_ratio", "gain_loss_ratio")
    )
    # standard error of a median: 1.25 standard deviations over the root of the sample
    assert abs(np.median(np.log(totals))) < 4 * 1.25 * np.log(totals).std() / np.sqrt(300)
    low, high = (1.15, 1.22) if ruled else (0.97, 1.03)
    assert low < np.median(ratios) < high
    assert (ratios > 1.1906).mean() > (0.4 if ruled else 0.1)


@pytest.mark.parametrize(("side", "seed"), [("sell", 0), ("buy", 1)])
def test_an_agent_learns_to_wait_for_a_narrow_spread(replay, side, seed):
    """In the test, which it has never seen, it saves what it can see, spread, and what it cannot is noise."""
    protocol = BookProtocol(replay, side)
    config = DQNConfig(BOOK_ACTIONS, ("time", "inventory", "spread"), iterations=60)
    policy = train_dqn(protocol.training, config, seed=seed).policy
    twap, ours = (shortfall(execute(s, protocol.problem("test"))).bps() for s in (TWAP(), policy))
    saved = twap.spread - ours.spread
    assert saved.mean() > 8 * saved.std() / np.sqrt(97)
    assert saved.mean() > 0.3
    other = (twap.total - ours.total) - saved
    assert abs(other.mean()) < 4 * other.std() / np.sqrt(97)


def test_bad_arguments_are_refused(replay):
    with pytest.raises(ValueError, match="`replay` must be an OrderBookReplay"):
        BookProtocol(replay.book)
    with pytest.raises(ValueError, match="`side` must be one of 'sell', 'buy', got 'short'"):
        BookProtocol(replay, "short")
    with pytest.raises(ValueError, match="`part` must be one of 'train', 'test', got 'all'"):
        BookProtocol(replay).problem("all")
    with pytest.raises(ValueError, match="`stale_arrival` must be True or False, got 1"):
        PriceDivergenceRule(stale_arrival=1)
    with pytest.raises(ValueError, match="`strategy` must be a Strategy"):
        PriceDivergenceRule().around(TWAP)
    with pytest.raises(ValueError, match="`seed` must be a whole number, at least 0, got -1"):
        RandomRates((1.0,), seed=-1)
