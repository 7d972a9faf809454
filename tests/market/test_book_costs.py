"""The cost of walking a book and the market's response to trades: exact books, known exponents, errors."""

import os

import numpy as np
import pytest

from flowexec.market.book_costs import response_function, walking_cost
from flowexec.market.lobster import read_lobster
from flowexec.market.order_book import OrderBook
from flowexec.market.paths import BID
from flowexec.market.synthetic_book import ZeroIntelligence

LOBSTER = os.environ.get("FLOWEXEC_LOBSTER")
needs_lobster = pytest.mark.skipif(
    not LOBSTER, reason="set FLOWEXEC_LOBSTER to the folder of the LOBSTER zips"
)


def standing_book(prices, sizes, times=None, mid_moves=0.0, **changes):
    """A book of one side pattern, mirrored, standing for a day; `mid_moves` [event] shifts all of it."""
    times = np.arange(34_200.0, 57_600.0, 60.0) if times is None else times
    n = len(times)
    one = np.stack([100.0 - np.asarray(prices), 100.0 + np.asarray(prices)])
    values = {
        "ticker": "ABC",
        "times": times,
        "event": np.ones(n, int),
        "order_id": np.zeros(n, int),
        "size": np.ones(n),
        "price": np.ones(n),
        "direction": np.ones(n, int),
        "prices": one + np.broadcast_to(mid_moves, n)[:, None, None],
        "sizes": np.tile(np.asarray(sizes, float), (n, 2, 1)),
    }
    return OrderBook(**(values | changes))


def test_cost_by_hand():
    cost = walking_cost(standing_book([0.01, 0.02, 0.04], [100, 100, 50]), [50, 150, 250, 500])
    beyond = np.array([0.0, 50 * 0.01 / 150, (100 * 0.01 + 50 * 0.03) / 250, (100 * 0.01 + 300 * 0.03) / 500])
    np.testing.assert_allclose(cost.cost, [beyond * 100, beyond * 100], rtol=1e-9)  # bps of a mid of 100
    np.testing.assert_allclose(cost.excess, [[0, 0, 0, 0.5]] * 2)
    assert cost.half_spread == pytest.approx(1.0)
    np.testing.assert_allclose(cost.standard_error, 0.0, atol=1e-12)  # nothing ever changes


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.7])
def test_the_exponent_of_a_power_law_book_is_found(beta):
    # marginal price p(n) = 0.01 + c n^β in many thin levels: the average beyond the best is c n^β/(1 + β)
    sizes = np.full(2000, 1.0)
    prices = 0.01 + 1e-4 * (np.arange(2000) + 0.5) ** beta
    prices[0] = 0.01
    times = np.arange(34_200.0, 57_600.0, 900.0)
    cost = walking_cost(standing_book(prices, sizes, times), [100, 200, 400, 800, 1600], interval=900.0)
    np.testing.assert_allclose(cost.exponent, beta, atol=0.01)
    np.testing.assert_allclose(cost.exponent_error, 0.0, atol=1e-9)
    expected = 1e-4 * 400**beta / (1 + beta) / 100 * 1e4
    np.testing.assert_allclose(cost.cost[:, 2], expected, rtol=0.02)


def test_sizes_beyond_the_visible_levels_stay_out_of_the_fit():
    book = standing_book(0.01 * np.arange(1, 21), np.full(20, 50.0))
    within = walking_cost(book, [200, 400, 800])
    beyond = walking_cost(book, [200, 400, 800, 5000])
    np.testing.assert_allclose(beyond.exponent, within.exponent, rtol=1e-12)
    np.testing.assert_allclose(beyond.excess[:, 3], 0.8, rtol=1e-12)
    everything = walking_cost(book, [200, 400, 800, 5000], excess_limit=1.0)
    assert (everything.exponent < within.exponent - 0.1).all()
    assert np.isnan(walking_cost(book, [10, 20]).exponent).all()  # never leaves the best level: no exponent


def test_jackknife_error_of_independent_blocks_is_the_textbook_one():
    # the touch is thin in some half hours and not in others: one value a block, so the error is s/√13
    rng = np.random.default_rng(0)
    times = np.arange(34_200.0, 57_600.0, 60.0)
    thin = np.repeat(rng.uniform(10, 90, 13), 30)
    book = standing_book([0.01, 0.02], [100, 1000], times)
    book.sizes[:, :, 0] = thin[:, None]
    cost = walking_cost(book, [100], interval=60.0)
    per_block = (100 - thin[::30]) / 100 * 0.01 / 100 * 1e4
    assert cost.cost[BID, 0] == pytest.approx(per_block.mean(), rel=0.01)
    assert cost.standard_error[BID, 0] == pytest.approx(per_block.std(ddof=1) / np.sqrt(13), rel=0.02)


def test_response_by_hand():
    # a purchase at 34300 (two fills) and a sale at 34400; the mid follows by 0.02 at once, 0.05 later
    times = np.array([34_200.0, 34_300, 34_300, 34_301, 34_400, 34_401])
    mid = np.array([0.0, 0.02, 0.02, 0.05, 0.03, 0.0])
    book = standing_book(
        [0.01],
        [100],
        times,
        mid,
        event=np.array([1, 4, 4, 1, 4, 1]),
        direction=np.array([1, -1, -1, 1, 1, 1]),
        size=np.array([1.0, 60.0, 40.0, 1.0, 30.0, 1.0]),
    )
    response = response_function(book, [0.0, 1.0], blocks=200)
    assert (response.trades, response.mean_size) == (2, 65.0)
    first, second = np.array([0.02, 0.05]), np.array([0.02, 0.05]) * 100 / 100.05
    np.testing.assert_allclose(response.move, (first + second) / 2 * 100, rtol=1e-9)


def test_following_trades_by_hand():
    # two purchases a second apart, a sale five seconds later, then nothing: signs + + −
    times = np.array([34_200.0, 34_300, 34_301, 34_306, 40_000])
    mid = np.array([0.0, 0.01, 0.02, 0.01, 0.01])
    book = standing_book(
        [0.01],
        [100],
        times,
        mid,
        event=np.array([1, 4, 4, 4, 1]),
        direction=np.array([1, -1, -1, 1, 1]),
        size=np.array([1.0, 10.0, 200.0, 30.0, 1.0]),
    )
    response = response_function(book, [0.0, 1.0, 10.0], blocks=23_400)
    np.testing.assert_allclose(response.net_trades, [1.0, (2 + 1 + 1) / 3, (1 + 0 + 1) / 3])
    np.testing.assert_allclose(response.move, [1.0, 4 / 3, 2 / 3], rtol=1e-3)  # a bp a trade, for good …
    np.testing.assert_allclose(response.per_trade, 1.0, rtol=1e-3)  # … and that is what R/N finds
    large = response_function(book, [0.0, 10.0], sizes=(10.0, 200.0), blocks=23_400)
    assert (large.trades, large.mean_size) == (2, 115.0)  # more than 10, at most 200
    np.testing.assert_allclose(large.net_trades, [1.0, 0.5])
    joined = response_function(book, [1.0, 10.0], gap=2.0, blocks=23_400)  # the two purchases are one order
    assert (joined.trades, joined.mean_size) == (2, 120.0)
    np.testing.assert_allclose(joined.net_trades, [1.0, 0.5])
    np.testing.assert_allclose(joined.move, [1.5, 1.0], rtol=1e-3)
    with pytest.raises(ValueError, match="`sizes` must be"):
        response_function(book, [0.0], sizes=(5.0, 5.0))
    with pytest.raises(ValueError, match="must hold market orders"):
        response_function(book, [0.0], sizes=(1000.0, 2000.0))


def test_permanent_moves_and_a_flow_with_memory_are_told_apart():
    # signs repeat with probability 0.8; each moves the mid by 0.01 for good: R grows, R/N does not
    rng = np.random.default_rng(5)
    n = 4000
    sign = np.cumprod(np.where(rng.random(n) < 0.8, 1, -1))
    times = 34_200.0 + 5.0 * np.arange(1, n + 1)
    mid = np.cumsum(0.01 * sign)
    book = standing_book([0.01], [1e6], times, mid, event=np.full(n, 4), direction=-sign)
    response = response_function(book, [0.0, 5.0, 10.0, 25.0])
    assert response.move[-1] > 2 * response.move[0]
    np.testing.assert_allclose(response.net_trades, [1, 1.6, 1.96, np.sum(0.6 ** np.arange(6))], rtol=0.05)
    np.testing.assert_allclose(response.per_trade, 1.0, rtol=0.03)
    assert (response.net_trades_error[1:] > 0).all()
    z = (response.per_trade - response.per_trade[0])[1:] / response.change_error[1:]
    assert abs(z).max() < 3
    assert response.change_error[0] == 0
    assert response.net_trades_error[0] == 0


def test_moves_that_fade_are_seen_to_fade():
    # each purchase lifts the mid by 0.01, half of which is gone two seconds later
    times = (34_200.0 + 20.0 * np.arange(1, 1001)[:, None] + np.array([0.0, 2.0])).ravel()
    sign = np.random.default_rng(6).choice([-1, 1], 1000)
    mid = np.cumsum(np.stack([0.01 * sign, -0.005 * sign], axis=1).ravel())
    event, direction = np.tile([4, 1], 1000), np.repeat(-sign, 2)
    response = response_function(
        standing_book([0.01], [1e6], times, mid, event=event, direction=direction), [0, 10]
    )
    np.testing.assert_allclose(response.per_trade, [1.0, 0.5], rtol=1e-3)
    assert (response.per_trade[1] - response.per_trade[0]) / response.change_error[1] < -10


def test_trades_without_a_full_lag_behind_them_do_not_count():
    times = np.array([34_200.0, 34_300.0, 57_550.0])
    book = standing_book([0.01], [100], times, event=np.array([1, 4, 4]))
    assert response_function(book, [50.0], blocks=2).trades == 2
    with pytest.raises(ValueError, match="one of the 2 `blocks`"):
        response_function(book, [60.0], blocks=2)
    with pytest.raises(ValueError, match="must hold market orders"):
        response_function(standing_book([0.01], [100]), [1.0])


def test_nobody_follows_a_trade_in_the_zero_intelligence_book():
    response = response_function(ZeroIntelligence().simulate_day(seed=41), [0.0, 1.0, 5.0, 30.0])
    assert response.move[0] / response.standard_error[0] > 10  # the mechanical part: a queue that is gone
    z = (response.move[1:] - response.move[0]) / response.standard_error[1:]
    assert abs(z).max() < 4  # and nothing after it


@needs_lobster
@pytest.mark.parametrize("ticker", ["AMZN", "GOOG"])
def test_a_real_market_goes_on_moving_after_a_trade(ticker):
    response = response_function(read_lobster(LOBSTER, ticker=ticker), [0.0, 5.0])
    assert response.trades > 4000
    assert response.move[1] > 2 * response.move[0]
    assert (response.move[1] - response.move[0]) / response.standard_error[1] > 3
    assert response.net_trades[1] > 2  # orders come in series …
    assert response.per_trade[1] == pytest.approx(response.per_trade[0], rel=0.2)  # … and that is all of it


@needs_lobster
def test_walking_a_real_book_costs_more_the_more_one_wants():
    cost = walking_cost(read_lobster(LOBSTER, ticker="AMZN"), [50, 100, 200, 400, 800])
    assert (np.diff(cost.cost, axis=1) > 0).all()
    assert (np.diff(cost.excess, axis=1) >= 0).all()
    assert 2.5 < cost.half_spread < 3.3
    assert ((cost.exponent > 0.5) & (cost.exponent < 1.5)).all()


def test_refuses():
    book = standing_book([0.01], [100])
    for arguments, sentence in (
        ({"shares": []}, "`shares` must be an array of at least 1 numbers"),
        ({"shares": [10, 10]}, "`shares` must be positive and increasing"),
        ({"shares": [-1.0]}, "`shares` must be positive and increasing"),
        ({"shares": [1.0], "interval": 0.0}, "`interval` must be greater than 0"),
        ({"shares": [1.0], "interval": 1e6}, "`interval` must leave a moment"),
        ({"shares": [1.0], "blocks": 1}, "`blocks` must be a whole number, at least 2"),
        ({"shares": [1.0], "excess_limit": 1.5}, r"`excess_limit` must lie in \[0, 1\]"),
    ):
        with pytest.raises(ValueError, match=sentence):
            walking_cost(book, **arguments)
    with pytest.raises(ValueError, match="`lags` must be seconds"):
        response_function(book, [-1.0])
