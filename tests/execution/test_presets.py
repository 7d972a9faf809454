"""The book's order and the textbook market: every number is where it should be, every range is held."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from flowexec.analytics.evaluate import evaluate
from flowexec.execution.presets import (
    BOOK_IMPACT,
    REGIMES,
    Textbook,
    book_risk_aversion,
    book_scenario,
    book_scenarios,
)
from flowexec.execution.problem import execute
from flowexec.execution.scenario import Scenario
from flowexec.strategies.schedules import TWAP, Immediate
from flowexec.strategies.static_optimum import static_optimum

BOOK = book_scenarios()
PER_DAY = 1 / 252


def twap_terms(scenario: Scenario, variance: float) -> tuple[float, float]:
    """TWAP's temporary impact cost and λ times its risk, summed step by step at a constant variance."""
    order, impact = scenario.order, scenario.impact
    n, tau = order.shares / order.n_steps, order.step_length
    cost, risk, left = 0.0, 0.0, order.shares
    for _ in range(order.n_steps):
        cost += n * impact.temporary * (n / tau) ** impact.exponent
        left -= n
        risk += scenario.market.price**2 * variance * tau * left**2
    return cost, scenario.risk_aversion * risk


# ---- the book's order ----


@pytest.mark.parametrize(("regime", "ratio"), [("LL", 3), ("LH", 3), ("HL", 10), ("HH", 10)])
def test_risk_is_three_or_ten_times_impact_for_twap(regime: str, ratio: float) -> None:
    cost, risk = twap_terms(BOOK[regime], BOOK[regime].market.theta)
    assert risk / cost == pytest.approx(ratio, rel=1e-12)


@pytest.mark.parametrize("regime", REGIMES)
def test_the_ratio_is_met_by_the_paths(regime: str) -> None:
    """TWAP's simulated risk against its (certain) temporary impact, |z| < 4, standard error below 1 %."""
    scenario = BOOK[regime]
    summary = evaluate(TWAP(), scenario, 40_000, seed=3)
    impact = summary.components["temporary"].value
    expected = {"L": 3, "H": 10}[regime[0]] * impact / scenario.risk_aversion
    assert abs(summary.risk.value - expected) < 4 * summary.risk.standard_error
    assert summary.risk.standard_error < 0.01 * expected


def test_one_risk_aversion_one_impact_and_one_order_for_all_regimes_sides_and_steps() -> None:
    for side in ("sell", "buy"):
        for n_steps in (1, 13, 26, 78):
            scenarios = book_scenarios(side=side, n_steps=n_steps)
            assert tuple(scenarios) == REGIMES
            for scenario in scenarios.values():
                assert scenario.risk_aversion == book_risk_aversion()
                assert scenario.impact == BOOK_IMPACT
                assert scenario.order == replace(BOOK["LL"].order, side=side, n_steps=n_steps)
    assert f"{book_risk_aversion():.2e}" == "6.03e-07"  # as documented
    fine = book_scenario(n_steps=20_000)
    cost, risk = twap_terms(fine, fine.market.theta)
    assert round(risk / cost, 2) == 3.18


def test_a_risk_aversion_of_ones_own_is_kept() -> None:
    assert book_scenario("HH", risk_aversion=0.0).risk_aversion == 0
    assert {s.risk_aversion for s in book_scenarios(risk_aversion=1e-5).values()} == {1e-5}


def test_levels_lie_around_the_measured_volatility_and_uncertainties_are_in_their_units() -> None:
    theta = {regime: BOOK[regime].market.theta for regime in REGIMES}
    assert theta["HH"] == theta["HL"]
    assert theta["LH"] == theta["LL"]
    assert theta["HH"] / theta["LL"] == pytest.approx(10 / 3, rel=1e-14)
    assert math.sqrt(theta["HH"] * theta["LL"]) == pytest.approx(0.0157**2, rel=1e-14)
    assert [round(100 * math.sqrt(theta[r]), 2) for r in ("LL", "HH")] == [1.16, 2.12]
    for regime in REGIMES:
        market, spread_of_variance = BOOK[regime].market, {"H": 0.95, "L": 0.32}[regime[1]]
        assert market.v0 == market.theta
        assert market.xi == pytest.approx({"H": 3, "L": 1}[regime[1]] * math.sqrt(market.theta), rel=1e-15)
        assert round(math.sqrt(market.variance_of_variance(100.0)) / market.theta, 2) == spread_of_variance
        assert market.feller >= 1
        assert round(390 * math.log(2) / market.kappa) == 54


def test_the_order_is_the_published_one_and_costs_what_was_published() -> None:
    """IBM, 10 % of a day's volume: I = 19.86 bps, J = 32.224, 24.638 and 18.418 for T = 0.1, 0.2, 0.5."""
    order, impact = BOOK["LL"].order, BOOK["LL"].impact
    permanent = 1e4 * impact.permanent * order.shares / 100
    assert round(permanent, 2) == 19.86
    for horizon, published in ((0.1, 32.224), (0.2, 24.638), (0.5, 18.418)):
        temporary = 1e4 * impact.temporary * (order.shares / horizon) ** 0.6 / 100
        assert round(permanent / 2 + temporary, 3) == published
    expected = BOOK["LL"].market.volume.expected(26, 1.0)
    assert order.shares == pytest.approx(0.1 * expected.sum(), rel=1e-12)
    assert expected.argmin() in (12, 13)
    assert {s.market.spread for s in BOOK.values()} == {0.01}


@pytest.mark.parametrize("regime", REGIMES)
def test_neither_twap_nor_an_immediate_sale_is_a_good_plan(regime: str) -> None:
    """As documented for `RISK_TO_IMPACT`: the best schedule's objective is a quarter or more below both."""
    scenario = BOOK[regime]
    best = static_optimum(scenario).objective
    for plan in (TWAP(), Immediate()):
        objective = evaluate(plan, scenario, 4000, seed=4).controlled_objective
        assert objective.standard_error < 0.02 * objective.value
        assert best < 0.75 * objective.value


def test_mean_cost_and_risk_of_a_strategy_that_reads_the_variance_do_not_depend_on_the_correlation() -> None:
    """As documented for `CORRELATION`: the variance path does not depend on ρ, not even in its last bit."""
    base = BOOK["HH"]
    for rho in (0.0, 0.5):
        other = replace(base, market=replace(base.market, rho=rho))
        a, b = base.sample(500, seed=1).paths, other.sample(500, seed=1).paths
        assert np.array_equal(a.variance, b.variance)
        assert not np.array_equal(a.mid, b.mid)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"regime": "ll"}, "`regime` must be one of 'HH', 'HL', 'LH', 'LL', got 'll'"),
        ({"regime": 3}, "`regime` must be one of 'HH', 'HL', 'LH', 'LL', got 3"),
        ({"side": "short"}, "`side` must be one of 'sell', 'buy', got 'short'"),
        ({"n_steps": 0}, "`n_steps` must be a whole number, at least 1, got 0"),
        ({"risk_aversion": -1e-6}, "`risk_aversion` must be at least 0, got -1e-06"),
    ],
)
def test_bad_book_scenarios_are_refused_by_name(arguments, sentence, refused) -> None:
    with refused(sentence):
        book_scenario(**arguments)


# ---- the textbook market ----

RANGES = {
    "price": (50, 500),
    "volatility": (0.1, 1),
    "kappa": (0.1, 5),
    "theta": (0.1, 1),
    "xi": (0.1, 1),
    "rho": (-1, 1),
    "minutes": (5, 480),
    "shares": (100, 1_000_000),
    "impact": (0.001, 0.1),
    "exponent": (0.1, 2),
    "risk_aversion": (0, 10),
}


@pytest.mark.parametrize("name", RANGES)
def test_each_range_is_closed_and_each_value_beyond_it_is_named(name, refused) -> None:
    low, high = RANGES[name]
    for inside in (low, high):
        scenario = replace(Textbook(), **{name: inside}).scenario()
        paths = scenario.sample(20, seed=0).paths
        assert np.all(np.isfinite(paths.mid))
        assert np.all(paths.variance >= 0)
    for outside in (np.nextafter(low, -np.inf).item(), np.nextafter(high, np.inf).item(), math.nan, "1"):
        with refused(f"`{name}` must lie in [{low:g}, {high:g}], got {outside!r}"):
            replace(Textbook(), **{name: outside})


def test_every_corner_of_the_ranges_can_be_traded() -> None:
    """All 64 combinations of extreme market parameters and times, in few and so long steps."""
    names = ("volatility", "kappa", "theta", "xi", "rho", "minutes")
    for corner in itertools.product(*(RANGES[name] for name in names)):
        scenario = replace(Textbook(n_steps=2), **dict(zip(names, corner, strict=True))).scenario()
        execution = execute(TWAP(), scenario.sample(50, seed=0))
        assert np.all(np.isfinite(execution.price)), corner
        assert np.all(execution.risk > 0), corner


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_steps": 1}, "`n_steps` must be a whole number, at least 2, got 1"),
        ({"n_steps": 2.0}, "`n_steps` must be a whole number, at least 2, got 2.0"),
        ({"side": "hold"}, "`side` must be one of 'sell', 'buy', got 'hold'"),
    ],
)
def test_bad_textbook_orders_are_refused_by_name(arguments, sentence, refused) -> None:
    with refused(sentence):
        Textbook(**arguments)


@pytest.mark.parametrize(
    "book",
    [
        Textbook(),
        Textbook(price=250, volatility=0.6, theta=0.5, minutes=5, exponent=2, risk_aversion=7, n_steps=2),
        Textbook(
            shares=100, minutes=480, impact=0.1, exponent=0.1, risk_aversion=0.5, side="buy", n_steps=61
        ),
    ],
)
def test_annual_numbers_become_daily_ones(book: Textbook) -> None:
    scenario = book.scenario()
    order, market, impact = scenario.order, scenario.market, scenario.impact
    assert (order.side, order.shares, order.n_steps) == (book.side, book.shares, book.n_steps)
    assert order.horizon == pytest.approx(book.minutes / 390, rel=1e-15)
    assert market.v0 == pytest.approx(book.volatility**2 * PER_DAY, rel=1e-15)
    for name in ("theta", "kappa", "xi"):
        assert getattr(market, name) == pytest.approx(getattr(book, name) * PER_DAY, rel=1e-15)
    assert (market.price, market.rho, market.drift, market.spread) == (book.price, book.rho, 0, 0)
    rate = book.shares / order.horizon
    assert impact.temporary * rate**book.exponent == pytest.approx(book.impact * book.price, rel=1e-14)
    assert (impact.exponent, impact.permanent) == (book.exponent, 0)
    cost, risk = twap_terms(scenario, market.v0)
    assert risk / cost == pytest.approx(book.risk_aversion, rel=1e-12)
    volume = market.volume.expected(order.n_steps, order.horizon)
    assert volume.sum() == pytest.approx(10 * book.shares, rel=1e-12)


def test_the_textbook_variance_hardly_moves_in_a_day() -> None:
    market = Textbook().scenario().market
    assert round(math.sqrt(market.variance_of_variance(1.0)) / market.mean_variance(1.0), 2) == 0.06
