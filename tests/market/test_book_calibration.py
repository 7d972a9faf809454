"""Counting flows: the rates of a simulated day come back within their Poisson errors."""

import os
from dataclasses import replace

import numpy as np
import pytest

from flowexec.market.book_calibration import calibrate_zero_intelligence
from flowexec.market.book_statistics import spread_statistics
from flowexec.market.lobster import read_lobster
from flowexec.market.order_book import OrderBook
from flowexec.market.synthetic_book import ZeroIntelligence

LOBSTER = os.environ.get("FLOWEXEC_LOBSTER")
needs_lobster = pytest.mark.skipif(
    not LOBSTER, reason="set FLOWEXEC_LOBSTER to the folder of the LOBSTER zips"
)


@pytest.mark.parametrize("profile", [(1.0,), (2.0, 1.0, 0.5, 1.5)])
def test_the_rates_of_a_simulated_day_come_back(profile):
    model = ZeroIntelligence(levels=15, profile=profile, lot=70)
    day = model.simulate_day(seed=6)
    found = calibrate_zero_intelligence(day, bins=4)
    assert (found.lot, found.tick, found.levels) == (70, 0.01, 15)
    known = 12
    true, seen = np.array(model.limit_rates[:known]), np.array(found.limit_rates[:known])
    seconds = 2 * 23_400
    z = (seen - true) / np.sqrt(true / seconds)
    assert abs(z).max() < 4.5
    assert abs(found.market_rate - model.market_rate) < 4 * np.sqrt(model.market_rate / seconds)
    assert found.cancel_rate == pytest.approx(model.cancel_rate, rel=0.02)
    relative = np.array(model.profile) / np.mean(model.profile)
    np.testing.assert_allclose(found.profile, np.repeat(relative, 4 // len(relative)), rtol=0.04)
    assert found.mid == pytest.approx(day.mid.mean(), abs=0.3)


def test_a_market_twice_as_fast_has_rates_twice_as_high():
    model = ZeroIntelligence()
    twice = replace(
        model,
        limit_rates=tuple(2 * rate for rate in model.limit_rates),
        market_rate=2 * model.market_rate,
        cancel_rate=2 * model.cancel_rate,
    )
    one, two = (calibrate_zero_intelligence(m.simulate_day(seed=2)) for m in (model, twice))
    np.testing.assert_allclose(np.array(two.limit_rates[:5]) / one.limit_rates[:5], 2.0, rtol=0.06)
    assert two.market_rate / one.market_rate == pytest.approx(2.0, rel=0.05)
    assert two.cancel_rate / one.cancel_rate == pytest.approx(2.0, rel=0.05)


def test_the_calibrated_market_has_the_spread_of_the_one_it_was_counted_in():
    day = ZeroIntelligence().simulate_day(seed=9)
    again = calibrate_zero_intelligence(day).simulate_day(seed=10)
    assert spread_statistics(again).bps == pytest.approx(spread_statistics(day).bps, rel=0.05)


def by_hand(**changes):
    """Five rows of one level: two submissions at distances 3 and 2, an execution, a cancellation, 100 s."""
    values = {
        "ticker": "ABC",
        "times": np.array([0.0, 20.0, 40.0, 60.0, 80.0]),
        "event": np.array([1, 1, 1, 4, 2]),
        "order_id": np.arange(5),
        "size": np.array([10.0, 10.0, 30.0, 20.0, 10.0]),
        "price": np.array([9.99, 9.99, 10.01, 10.01, 9.99]),
        "direction": np.array([1, 1, -1, -1, 1]),
        "prices": np.array([[[9.99], [10.02]]] + [[[9.99], [10.02]]] + [[[9.99], [10.01]]] * 3),
        "sizes": np.array([[[10.0], [50]], [[20], [50]], [[20], [30]], [[20], [10]], [[10], [10]]]),
        "session": (0.0, 100.0),
    }
    return OrderBook(**(values | changes))


def test_by_hand():
    found = calibrate_zero_intelligence(by_hand(), bins=1)
    assert found.lot == 20  # the two submissions after the first row, 10 and 30 shares
    # distance 3 is visible in the first 40 s on each side, distances 1 and 2 always
    expected = [0.5 / 200, (30 / 20 + 0.5) / 200, (10 / 20 + 0.5) / 80]
    np.testing.assert_allclose(found.limit_rates[:3], expected, rtol=1e-12)
    np.testing.assert_allclose(found.limit_rates[3:], 10 / 20 / 80, rtol=1e-12)
    assert len(found.limit_rates) == 40
    assert found.market_rate == pytest.approx(20 / 20 / 200)
    shares_seconds = 20 * (60 + 70 + 50 + 30 + 20)
    assert found.cancel_rate == pytest.approx(10 / shares_seconds)
    assert found.ticker == "ABC by zero intelligence"


def test_refuses():
    for arguments, sentence in (
        ({"tick": 0.0}, "`tick` must be greater than 0"),
        ({"least_seen": 1.0}, r"`least_seen` must lie in \(0, 1\)"),
        ({"bins": 0}, "`bins` must be a whole number"),
    ):
        with pytest.raises(ValueError, match=sentence):
            calibrate_zero_intelligence(by_hand(), **arguments)
    with pytest.raises(ValueError, match="must hold submissions, executions and cancellations"):
        calibrate_zero_intelligence(by_hand(event=np.array([1, 1, 1, 5, 2])))


@needs_lobster
@pytest.mark.parametrize("ticker", ["AMZN", "GOOG"])
def test_flows_of_a_real_day_make_a_market_that_lasts(ticker):
    book = read_lobster(LOBSTER, ticker=ticker)
    model = calibrate_zero_intelligence(book)
    day = model.simulate_day(seed=1)
    assert 0.5 < day.n_events / book.n_events < 1.2
    # narrower than the market's, and of its size (Farmer, Patelli and Zovko 2005)
    assert 0.4 < spread_statistics(day).bps / spread_statistics(book).bps < 0.9
