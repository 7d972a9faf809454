"""Time averages of a book, on one small enough to work out by hand and on flows whose averages are known."""

import numpy as np
import pytest

from flowexec.market.book_statistics import (
    depth_profile,
    durations,
    imbalance_curve,
    spread_statistics,
    volume_curve,
)
from flowexec.market.order_book import OrderBook
from flowexec.market.paths import ASK, BID
from flowexec.market.synthetic_book import ZeroIntelligence


def by_hand(**changes):
    """Three books that stand 10, 30 and 60 seconds: spreads 0.02, 0.04, 0.02; an ask level comes late."""
    values = {
        "ticker": "ABC",
        "times": np.array([100.0, 110.0, 140.0]),
        "event": np.array([1, 4, 5]),
        "order_id": np.zeros(3, int),
        "size": np.array([1.0, 20.0, 5.0]),
        "price": np.full(3, 10.0),
        "direction": np.ones(3, int),
        "prices": np.array(
            [
                [[9.99, 9.98], [10.01, 10.01]],
                [[9.98, 9.97], [10.02, 10.03]],
                [[9.99, 9.97], [10.01, 10.02]],
            ]
        ),
        "sizes": np.array(
            [
                [[100.0, 10.0], [30.0, 0.0]],
                [[50.0, 20.0], [40.0, 7.0]],
                [[10.0, 30.0], [90.0, 8.0]],
            ]
        ),
        "session": (100.0, 200.0),
    }
    return OrderBook(**(values | changes))


def test_durations_leave_out_halts_and_empty_sides():
    np.testing.assert_array_equal(durations(by_hand()), [10.0, 30.0, 60.0])
    halted = by_hand(event=np.array([1, 7, 7]), price=np.array([10.0, -1.0, 1.0]))
    np.testing.assert_array_equal(durations(halted), [10.0, 0.0, 60.0])
    prices, sizes = by_hand().prices.copy(), by_hand().sizes.copy()
    prices[0, ASK], sizes[0, ASK] = np.nan, 0.0
    np.testing.assert_array_equal(durations(by_hand(prices=prices, sizes=sizes)), [0.0, 30.0, 60.0])


def test_depth_profile_by_hand():
    profile = depth_profile(by_hand())
    np.testing.assert_allclose(
        profile.size[BID], [0.1 * 100 + 0.3 * 50 + 0.6 * 10, 0.1 * 10 + 0.3 * 20 + 0.6 * 30]
    )
    np.testing.assert_allclose(profile.size[ASK], [0.1 * 30 + 0.3 * 40 + 0.6 * 90, 0.3 * 7 + 0.6 * 8])
    np.testing.assert_allclose(profile.present, [[1.0, 1.0], [1.0, 0.9]])
    np.testing.assert_allclose(
        profile.distance[ASK], [0.7 * 10 + 0.3 * 20, (0.3 * 30 + 0.6 * 20) / 0.9], rtol=1e-9
    )
    np.testing.assert_allclose(profile.distance[BID], [0.7 * 10 + 0.3 * 20, 0.1 * 20 + 0.9 * 30], rtol=1e-9)


def test_a_level_that_is_never_there_has_no_distance():
    sizes = by_hand().sizes.copy()
    sizes[:, ASK, 1] = 0.0
    profile = depth_profile(by_hand(sizes=sizes))
    assert profile.present[ASK, 1] == profile.size[ASK, 1] == 0.0
    assert np.isnan(profile.distance[ASK, 1])


def test_spread_statistics_by_hand():
    spread = spread_statistics(by_hand())
    assert spread.mean == pytest.approx(0.7 * 0.02 + 0.3 * 0.04)
    assert spread.bps == pytest.approx(26.0)
    assert spread.quantiles == pytest.approx((0.02, 0.02, 0.04))
    assert spread.tightest == pytest.approx(0.02)


def test_statistics_ignore_what_stands_while_trading_is_halted():
    prices = by_hand().prices.copy()
    prices[1, ASK] += 5.0
    halted = by_hand(event=np.array([1, 7, 7]), price=np.array([10.0, -1.0, 1.0]), prices=prices)
    assert spread_statistics(halted).mean == pytest.approx(0.02)
    assert depth_profile(halted).size[BID, 0] == pytest.approx((10 * 100 + 60 * 10) / 70)
    assert depth_profile(halted).distance[ASK, 0] == pytest.approx(10.0)


def test_a_book_that_can_never_be_traded_has_no_statistics():
    halted = by_hand(event=np.array([7, 1, 1]), price=np.array([-1.0, 10.0, 10.0]))
    for function in (depth_profile, spread_statistics):
        with pytest.raises(ValueError, match="must show both sides outside halts"):
            function(halted)


def test_volume_curve_counts_visible_and_hidden_executions():
    book = by_hand(session=(0.0, 23_400.0), times=np.array([100.0, 9_000.0, 20_000.0]))
    curve = volume_curve(book, bins=4)
    assert curve.daily_volume == 25.0
    assert curve.profile == (0.0, 20.0, 0.0, 5.0)
    np.testing.assert_allclose(curve.expected(4, 1.0), [0.0, 20.0, 0.0, 5.0])
    with pytest.raises(ValueError, match="must record a whole day"):
        volume_curve(by_hand())
    with pytest.raises(ValueError, match="must hold executions"):
        volume_curve(by_hand(session=(0.0, 23_400.0), event=np.array([1, 2, 3])))
    with pytest.raises(ValueError, match="`bins`"):
        volume_curve(book, bins=0)


@pytest.fixture(scope="module")
def day():
    return ZeroIntelligence().simulate_day(seed=31)


def test_volume_curve_of_a_day_follows_its_activity(day):
    curve = volume_curve(day, bins=6)
    model = ZeroIntelligence()
    expected = 2 * model.market_rate * 23_400 * model.lot
    assert abs(curve.daily_volume - expected) < 4 * model.lot * np.sqrt(2 * model.market_rate * 23_400)
    activity = np.array(model.profile).reshape(6, -1).sum(1) / np.sum(model.profile)
    orders = np.array(curve.profile) / model.lot
    z = (orders - activity * orders.sum()) / np.sqrt(activity * orders.sum())
    assert abs(z).max() < 4


def test_a_symmetric_model_has_a_symmetric_book(day):
    profile = depth_profile(day)
    np.testing.assert_allclose(profile.size[BID], profile.size[ASK], rtol=0.1)
    np.testing.assert_allclose(profile.distance[BID, 0], profile.distance[ASK, 0], rtol=1e-9)
    assert (np.diff(profile.distance, axis=1) > 0).all()
    np.testing.assert_allclose(profile.distance[BID, 0], spread_statistics(day).bps / 2, rtol=1e-6)


def test_the_longer_queue_wins(day):
    curve = imbalance_curve(day, bins=5)
    assert curve.moves.sum() > 8000
    np.testing.assert_allclose(curve.imbalance, [-0.8, -0.4, 0.0, 0.4, 0.8], atol=1e-12)
    assert (np.diff(curve.up[1:4]) > 4 * curve.standard_error[2]).all()
    # up with imbalance i is as likely as down with −i
    z = (curve.up + curve.up[::-1] - 1) / np.hypot(curve.standard_error, curve.standard_error[::-1])
    assert abs(z).max() < 4


def test_imbalance_curve_by_hand():
    bids = np.array([9.99, 10.00, 10.00, 9.99, 9.98, 9.98])  # moves: up, down, down
    sizes = np.array([[5.0, 5.0], [90.0, 10.0], [20.0, 80.0], [50.0, 50.0], [1.0, 1.0], [1.0, 1.0]])
    n = len(bids)
    book = OrderBook(
        ticker="ABC",
        times=np.arange(100.0, 106.0),
        event=np.ones(n, int),
        order_id=np.zeros(n, int),
        size=np.ones(n),
        price=np.ones(n),
        direction=np.ones(n, int),
        prices=np.stack([bids, bids + 0.02], axis=1)[..., None],
        sizes=sizes[..., None],
        session=(100.0, 200.0),
    )
    curve = imbalance_curve(book, bins=4)
    # read after the first move (0.8, next down) and after the second (0, next down); the last has no next
    np.testing.assert_array_equal(curve.moves, [0, 0, 1, 1])
    np.testing.assert_array_equal(curve.up[2:], [0.0, 0.0])
    assert np.isnan(curve.up[:2]).all()
