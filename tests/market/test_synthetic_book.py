"""The zero-intelligence book against what is known of it exactly: flows, queues, and where the mid goes."""

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.sparse.linalg import spsolve

from flowexec.market.order_book import DELETION, EXECUTION, SUBMISSION
from flowexec.market.paths import ASK, BID
from flowexec.market.synthetic_book import ZeroIntelligence
from flowexec.market.volume import VolumeCurve

SECONDS = 5_400.0
SESSION = (34_200.0, 34_200.0 + SECONDS)
FLAT = (1.0,)


@pytest.fixture(scope="module")
def everything():
    """The default model on a flat clock, with every level visible, so that every event is a message."""
    model = ZeroIntelligence(profile=FLAT, levels=75)
    book = model.simulate_day(seed=11, session=SESSION)
    assert (book.sizes[:, :, -1] == 0).all(), "all levels must be visible for these tests"
    return model, book


def ticks(prices, model):
    return np.rint(prices / model.tick).astype(int)


def test_limit_orders_arrive_at_their_rates(everything):
    model, book = everything
    sent = np.flatnonzero(book.event[1:] == SUBMISSION) + 1
    buys = book.direction[sent] > 0
    opposite = np.where(buys, book.prices[sent - 1, ASK, 0], book.prices[sent - 1, BID, 0])
    distance = np.abs(ticks(opposite, model) - ticks(book.price[sent], model))
    for side in (buys, ~buys):
        counts = np.bincount(distance[side], minlength=len(model.limit_rates) + 1)
        assert counts[0] == 0
        expected = SECONDS * np.array(model.limit_rates)
        z = (counts[1:] - expected) / np.sqrt(expected)
        assert abs(z).max() < 4.5  # the largest of 40
        assert stats.chi2.sf((z**2).sum(), len(z)) > 1e-3


def test_market_orders_and_cancellations_arrive_at_their_rates(everything):
    model, book = everything
    for direction in (-1, 1):
        hits = ((book.event == EXECUTION) & (book.direction == direction)).sum()
        assert abs(hits - model.market_rate * SECONDS) < 4 * np.sqrt(model.market_rate * SECONDS)
    orders = book.sizes.sum((1, 2)) / model.lot
    exposure = (orders[:-1] * np.diff(book.times)).sum()  # order-seconds
    expected = model.cancel_rate * exposure
    assert abs((book.event == DELETION).sum() - expected) < 4 * np.sqrt(expected)


def test_every_book_follows_from_its_message(everything):
    model, book = everything
    for row in range(1, 5000):
        side = BID if book.direction[row] > 0 else ASK
        before, after = (
            {p: s for p, s in zip(book.prices[r, side], book.sizes[r, side], strict=True) if s > 0}
            for r in (row - 1, row)
        )
        if book.event[row] == EXECUTION:
            assert book.price[row] == book.prices[row - 1, side, 0]
        change = model.lot if book.event[row] == SUBMISSION else -model.lot
        before[book.price[row]] = before.get(book.price[row], 0) + change
        if before[book.price[row]] == 0:
            del before[book.price[row]]
        assert before == after
        np.testing.assert_array_equal(book.prices[row, 1 - side], book.prices[row - 1, 1 - side])


def test_orders_have_one_life_and_the_oldest_is_executed_first(everything):
    _, book = everything
    for ids in (book.order_id[book.event == SUBMISSION], book.order_id[book.event != SUBMISSION]):
        assert len(np.unique(ids)) == len(ids)
    waiting: dict[float, set[int]] = {}
    checked = 0
    for event, ident, price in zip(
        book.event[:20_000], book.order_id[:20_000], book.price[:20_000], strict=True
    ):
        queue = waiting.setdefault(price, set())
        if event == SUBMISSION:
            queue.add(ident)
        elif ident in queue:
            if event == EXECUTION:
                assert ident == min(queue)
                checked += 1
            queue.remove(ident)
    assert checked > 500


def test_a_price_out_of_reach_is_an_m_m_infinity_queue():
    model = ZeroIntelligence(
        limit_rates=(0.15,) * 40, market_rate=0.02, cancel_rate=0.05, profile=FLAT, levels=40, mid=50.0
    )
    book = model.simulate_day(seed=5, session=(34_200.0, 39_200.0))
    mean = 0.15 / 0.05
    middle = round(model.mid / model.tick)
    best = ticks(book.prices[:, :, 0], model)
    far = np.arange(17, 31)
    assert best[:, BID].min() > middle - 17  # never reached …
    assert best[:, ASK].max() - 40 < middle - 30  # … and always within reach of new orders
    moments = np.arange(book.times[0] + 1, book.times[-1], 60.0)
    rows = np.searchsorted(book.times, moments, side="right") - 1
    level, size = ticks(book.prices[rows, BID], model), book.sizes[rows, BID]
    queue = np.stack([np.where(level == middle - d, size, 0).sum(1) / model.lot for d in far])
    kept = np.exp(-0.05 * 60.0)  # correlation of one reading with the next, known exactly
    n = queue.size
    assert abs(queue.mean() - mean) < 4 * np.sqrt(mean / n * (1 + kept) / (1 - kept))
    seen = np.bincount(np.minimum(queue.ravel().astype(int), 10), minlength=11)
    law = np.append(stats.poisson.pmf(range(10), mean), stats.poisson.sf(9, mean))
    assert stats.chisquare(seen, n * law).pvalue > 1e-3
    wrong = np.append(stats.poisson.pmf(range(10), 1.2 * mean), stats.poisson.sf(9, 1.2 * mean))
    assert stats.chisquare(seen, n * wrong).pvalue < 1e-6  # the test can fail


def probability_up(limit_rate, market_rate, cancel_rate, size):
    """P(ask queue empties first) from b bids and a asks, [b, a], both at most `size`: a linear system."""
    n = size + 1
    birth = np.where(np.arange(n) < size, limit_rate, 0.0)
    death = np.where(np.arange(n) > 0, market_rate + cancel_rate * np.arange(n), 0.0)
    one = sparse.diags([death[1:], -(birth + death), birth[:-1]], [-1, 0, 1])
    both = (sparse.kron(one, sparse.eye(n)) + sparse.kron(sparse.eye(n), one)).tolil()
    right = np.zeros((n, n))
    right[1:, 0] = 1.0
    for b, a in [(0, j) for j in range(n)] + [(j, 0) for j in range(1, n)]:
        row = b * n + a
        both[row] = 0
        both[row, row] = 1.0
    return spsolve(both.tocsr(), right.ravel()).reshape(n, n)


def test_the_mid_goes_where_cont_stoikov_and_talreja_say():
    model = ZeroIntelligence(levels=1)
    book = model.simulate_day(seed=8)
    up = probability_up(model.limit_rates[0], model.market_rate, model.cancel_rate, 60)
    assert up[3, 3] == pytest.approx(0.5, abs=1e-12)
    assert up[5, 1] > 0.7
    twice = np.rint(2 * book.mid / model.tick).astype(int)
    moves = np.flatnonzero(np.diff(twice) != 0)
    start, following = moves[:-1] + 1, moves[1:] + 1
    tight = np.rint(book.spread[start] / model.tick) == 1
    start, following = start[tight], following[tight]
    went_up = twice[following] > twice[start]
    bids, asks = (np.rint(book.sizes[start, side, 0] / model.lot).astype(int) for side in (BID, ASK))
    chance = up[bids, asks]
    # given where it starts, each next move is an independent coin with the probability of the theory
    z = (went_up - chance).sum() / np.sqrt((chance * (1 - chance)).sum())
    assert len(chance) > 2000
    assert abs(z) < 4
    # … and not only on average: also where one queue is much longer than the other
    for part in (bids > asks + 1, asks > bids + 1):
        z = (went_up - chance)[part].sum() / np.sqrt((chance * (1 - chance))[part].sum())
        assert part.sum() > 200
        assert abs(z) < 4
    assert np.corrcoef(went_up, chance)[0, 1] > 0.1


def test_activity_follows_the_profile():
    profile = VolumeCurve.u_shape(depth=0.6, bins=13).profile
    book = ZeroIntelligence(profile=profile).simulate_day(seed=2)
    done = book.times[book.event == EXECUTION]  # executions are always visible
    counts, _ = np.histogram(done, np.linspace(34_200, 57_600, 14))
    expected = len(done) * np.array(profile) / np.sum(profile)
    assert stats.chisquare(counts, expected).pvalue > 1e-3
    assert counts[0] > 2 * counts[6]


def test_the_default_day_looks_like_a_stock():
    model = ZeroIntelligence()
    book = model.simulate_day(seed=1)
    assert 80_000 < book.n_events < 120_000
    lengths = np.diff(book.times, append=57_600.0)
    spread = np.average(book.spread, weights=lengths) / model.tick
    assert 1.2 < spread < 1.6
    assert book.spread.min() == pytest.approx(model.tick)
    minutes = np.searchsorted(book.times, np.arange(34_260.0, 57_600.0, 60.0), side="right") - 1
    daily = np.log(book.mid[minutes])
    assert 0.008 < np.diff(daily).std() * np.sqrt(390) < 0.02
    moves = np.sign(np.diff(book.mid)[np.diff(book.mid) != 0])
    # trades bounce between the queues: the mid's moves are anti-persistent, as Smith et al. (2003) find
    assert (moves[1:] * moves[:-1]).mean() * np.sqrt(len(moves)) < -5
    assert not book.one_sided.any()


def test_seeds():
    model, session = ZeroIntelligence(), (34_200.0, 35_000.0)
    one, again, other = (model.simulate_day(seed=s, session=session) for s in (4, 4, 5))
    np.testing.assert_array_equal(one.times, again.times)
    np.testing.assert_array_equal(one.prices, again.prices)
    assert len(one.times) != len(other.times) or (one.times != other.times).any()
    assert one.source == "synthetic, zero-intelligence order flow, seed 4"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"limit_rates": ()}, "`limit_rates` must hold at least one positive number"),
        ({"limit_rates": (0.0, 1.0)}, "`limit_rates` must begin with a positive rate"),
        ({"limit_rates": (1.0, -1.0)}, "`limit_rates` must be at least 0, got -1"),
        ({"market_rate": -0.1}, "`market_rate` must be at least 0"),
        ({"cancel_rate": 0.0}, "`cancel_rate` must be greater than 0"),
        ({"cancel_rate": float("nan")}, "`cancel_rate` must be greater than 0, got nan"),
        ({"mid": 0.5}, "`mid` must lie at least 80 ticks above 0"),
        ({"tick": 0.00005}, "`tick` must be a multiple of 0.0001"),
        ({"lot": 0}, "`lot` must be a whole number"),
        ({"levels": 0}, "`levels` must be a whole number"),
        ({"profile": ()}, "`profile` must hold at least one positive number"),
        ({"profile": (1.0, 0.0)}, "`profile` must be greater than 0"),
    ],
)
def test_refuses(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        ZeroIntelligence(**changes)


def test_a_market_that_cannot_last_says_so():
    with pytest.raises(ValueError, match="a side of the book ran dry: raise `limit_rates`"):
        ZeroIntelligence(limit_rates=(0.01,), market_rate=1.0).simulate_day(seed=1)
    with pytest.raises(ValueError, match="`seed`"):
        ZeroIntelligence().simulate_day(seed=-1)
