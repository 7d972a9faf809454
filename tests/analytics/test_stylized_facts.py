"""Facts of a day: against the functions that measure them one by one, and against a flow without memory."""

import os

import numpy as np
import pytest

from flowexec.analytics.stylized_facts import stylized_facts
from flowexec.market.book_costs import response_function
from flowexec.market.book_statistics import depth_profile, spread_statistics
from flowexec.market.lobster import read_lobster
from flowexec.market.synthetic_book import ZeroIntelligence

LOBSTER = os.environ.get("FLOWEXEC_LOBSTER")
needs_lobster = pytest.mark.skipif(
    not LOBSTER, reason="set FLOWEXEC_LOBSTER to the folder of the LOBSTER zips"
)


@pytest.fixture(scope="module")
def day():
    return ZeroIntelligence().simulate_day(seed=13)


def test_they_are_what_other_functions_measure(day):
    facts, depth = stylized_facts(day), depth_profile(day)
    assert facts["spread (bps)"].value == pytest.approx(spread_statistics(day).bps, rel=1e-12)
    assert facts["size at the best price (shares)"].value == pytest.approx(depth.size[:, 0].mean(), rel=1e-12)
    assert facts["size on a level behind (shares)"].value == pytest.approx(
        depth.size[:, 1:].mean(), rel=1e-12
    )
    assert facts["distance of the last level (bps)"].value == pytest.approx(
        depth.distance[:, -1].mean(), rel=1e-12
    )
    following = response_function(day, [60.0]).net_trades[0] - 1.0
    assert facts["following trades, 1 minute"].value == pytest.approx(following, abs=1e-12)
    minutes = np.searchsorted(day.times, np.arange(34_260.0, 57_601.0, 60.0), side="right") - 1
    returns = np.diff(np.log(day.mid[minutes]))
    expected = 100 * np.sqrt((returns**2).mean() * 390)
    assert facts["volatility (% per √day)"].value == pytest.approx(expected, rel=1e-9)


def test_a_flow_without_memory_shows_none_and_the_errors_are_honest():
    days = [stylized_facts(ZeroIntelligence().simulate_day(seed=s)) for s in range(20, 32)]
    for name in ("memory of signs", "following trades, 1 minute"):
        values, errors = np.array([day[name] for day in days]).T
        assert abs(values.mean()) < 4 * np.sqrt((errors**2).mean() / len(days))
        assert 0.5 < values.std(ddof=1) / np.sqrt((errors**2).mean()) < 1.7
    for name in ("spread (bps)", "volatility (% per √day)", "size at the best price (shares)"):
        values, errors = np.array([day[name] for day in days]).T
        assert 0.4 < values.std(ddof=1) / np.sqrt((errors**2).mean()) < 1.8


def test_jackknife_of_a_mean_is_the_textbook_error(day):
    error = stylized_facts(day, blocks=13)["spread (bps)"].standard_error
    lengths = np.diff(day.times, append=day.session[1])
    piece = np.minimum((day.times - 34_200) / 1800, 12).astype(int)
    bps = 1e4 * day.spread / day.mid
    means = [np.average(bps[piece == p], weights=lengths[piece == p]) for p in range(13)]
    assert error == pytest.approx(np.std(means, ddof=1) / np.sqrt(13), rel=0.01)


@needs_lobster
@pytest.mark.parametrize("ticker", ["AMZN", "GOOG"])
def test_a_real_day_remembers(ticker):
    facts = stylized_facts(read_lobster(LOBSTER, ticker=ticker))
    for name in ("memory of signs", "following trades, 1 minute"):
        value, error = facts[name]
        assert value > 5 * error
    assert 0.8 < facts["volatility (% per √day)"].value < 1.6


def test_refuses(day):
    with pytest.raises(ValueError, match="`blocks` must be a whole number, at least 2"):
        stylized_facts(day, blocks=1)
    with pytest.raises(ValueError, match=r"must have data on the .* in each of 20000 pieces"):
        stylized_facts(day, blocks=20_000)
