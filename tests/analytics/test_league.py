"""The league: it knows the closed forms, agrees with the smaller tools, shows neither blocks nor threads."""

import csv
import io
import json
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from flowexec import (
    GBM,
    POV,
    TWAP,
    VWAP,
    AlmgrenChriss,
    Bachelier,
    ExponentialDecay,
    Heston,
    Immediate,
    Order,
    PowerImpact,
    Scenario,
    TransientImpact,
    VolumeCurve,
    WalkTheBook,
    compare,
    evaluate,
    execute,
    paired_difference,
    shortfall,
)
from flowexec.analytics import league_tally
from flowexec.analytics.bootstrap import block_bootstrap_interval
from flowexec.analytics.drift import conditional_drift
from flowexec.analytics.inference import diebold_mariano, holm, wilcoxon
from flowexec.analytics.league import League, league
from flowexec.analytics.league_play import play
from flowexec.analytics.metrics import SavingMetrics
from flowexec.analytics.ranking import rank_stability
from flowexec.analytics.statistics import var_cvar
from flowexec.market.order_book import DAY_SECONDS
from flowexec.market.replay import OrderBookReplay
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier
from flowexec.market.synthetic_book import ZeroIntelligence
from flowexec.strategies.optimal import Grid, solve_optimal

LINEAR = Scenario(
    Order("sell", 1e6, 5.0, 5),
    Bachelier(50.0, 0.95, spread=0.125),
    PowerImpact(2.5e-6, permanent=2.5e-7),
    risk_aversion=1e-6,
)
"""Almgren and Chriss (2000)."""
HESTON = Scenario(
    Order("buy", 656_100, 1.0, 12),
    Heston(100.0, 2.5e-4, 5.0, 2.5e-4, 0.04, -0.5, spread=0.01, volume=VolumeCurve.u_shape(6.6e6)),
    PowerImpact.almgren_2005(price=100, volatility=0.0157, daily_volume=6.561e6, shares_outstanding=1.728e9),
    risk_aversion=1e-6,
)
FIVE = {
    "TWAP": TWAP(),
    "VWAP": VWAP(),
    "POV": POV(0.12),
    "Immediate": Immediate(),
    "Almgren–Chriss": lambda scenario: AlmgrenChriss(scenario.risk_aversion),
}
PATHS = 3000


@pytest.fixture(scope="module")
def heston():
    return league(FIVE, {"one": HESTON}, n_paths=PATHS, seed=3, optimum=None)


def costs(strategy, scenario=HESTON, n_paths=PATHS, seed=3):
    return shortfall(execute(strategy, scenario.sample(n_paths, seed=seed))).bps()


def test_almgren_and_chriss_to_the_cent():
    answer = league(
        {"TWAP": TWAP(), "Almgren–Chriss": AlmgrenChriss(1e-6), "Immediate": Immediate()},
        {"2000": LINEAR},
        n_paths=1000,
        seed=1,
        optimum="Almgren–Chriss",
        unit="currency",
    )
    entry = answer.entry("2000", "Almgren–Chriss")
    assert entry.summary.controlled_mean.value == pytest.approx(911_226.99, abs=0.01)
    assert entry.summary.risk.value == pytest.approx(3.641286e11, rel=1e-6)
    assert entry.summary.controlled_objective.value == pytest.approx(1_275_356, abs=1)
    assert [e.value * 1e6 for e in entry.inventory] == pytest.approx(
        [541_956, 289_855, 147_898, 62_142, 0], abs=1
    )
    # nothing but the martingale is random here: the control takes all the noise away
    assert entry.comparison.controlled.standard_error < 1e-8
    assert entry.comparison.variance_reduction.value == math.inf
    assert entry.regret == (0.0, 0.0)
    regret = answer.entry("2000", "TWAP").regret.value
    assert regret == pytest.approx(662_500 + 1e-6 * 1.0830e12 - 1_275_356, rel=1e-4)
    assert answer.scenarios["2000"].ranking == ("Almgren–Chriss", "TWAP", "Immediate")
    # each pays less for more risk; by cost alone they would stand in three layers
    assert [entry.pareto_layer for entry in answer.scenarios["2000"].entries.values()] == [1, 1, 1]
    value, error = answer.entry("2000", "TWAP").variance  # of a normal cost
    assert abs(value - 1.0830e12) < 3 * error
    assert error == pytest.approx(value * math.sqrt(2 / 1000), rel=0.15)


def test_running_figures_are_what_the_steps_cost():
    answer = league(
        {"TWAP": TWAP(), "Immediate": Immediate()},
        {"a": LINEAR},
        n_paths=500,
        seed=1,
        optimum=None,
        unit="currency",
    )
    n, gamma, eta = 2e5, 2.5e-7, 2.5e-6
    paid = np.cumsum([n * (0.0625 + gamma * n * k + eta * n) for k in range(5)])
    entry = answer.entry("a", "TWAP")
    assert [e.value for e in entry.running_cost] == pytest.approx(paid, rel=1e-12)
    at_once = answer.entry("a", "Immediate")
    charge = 1e-6 * 0.95**2 * np.cumsum(np.array([8e5, 6e5, 4e5, 2e5, 0.0]) ** 2)
    assert [e.value for e in at_once.efficiency] == pytest.approx(paid + charge - 2_562_500, rel=1e-9)
    assert at_once.efficiency[-1].value == pytest.approx(-at_once.comparison.controlled.value, rel=1e-12)
    assert [tuple(e) for e in entry.efficiency] == [(0.0, 0.0)] * 5
    assert answer.scenarios["a"].times == (1.0, 2.0, 3.0, 4.0, 5.0)


def test_a_fixed_fee_is_paid_with_the_first_share():
    order = replace(HESTON.order, fixed_fee=500.0)
    answer = league(
        {"POV": POV(0.1), "TWAP": TWAP()},
        {"fee": replace(HESTON, order=order), "none": HESTON},
        n_paths=200,
        seed=1,
        optimum=None,
        unit="currency",
    )
    for name, first in (("POV", 0.0), ("TWAP", 500.0)):  # POV has seen no volume yet in the first step
        fee, none = (answer.entry(scenario, name).running_cost for scenario in ("fee", "none"))
        paid = [one.value - other.value for one, other in zip(fee, none, strict=True)]
        assert paid == pytest.approx([first] + 11 * [500.0])


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_running_cost_ends_at_the_shortfall_whatever_is_charged(side):
    order = Order(side, 656_100, 1.0, 12, complete=False, fee_per_share=0.003, fixed_fee=500.0)
    for market in (HESTON.market, Bachelier(100.0, 1.5, drift=0.8, volume=HESTON.market.volume)):
        problem = replace(HESTON, order=order, market=market).sample(400, seed=1)
        drift = conditional_drift(market, problem.paths)
        for strategy in (POV(0.05), Immediate(), TWAP()):  # POV leaves shares untraded
            played = play(strategy, problem, drift, risk_aversion=1e-6, unit="currency")
            cost = shortfall(execute(strategy, problem))
            gained = order.sign * (played.execution.inventory[1:] * (drift.moves + np.zeros((12, 1)))).sum(
                axis=0
            )
            expected = cost.total - cost.martingale + gained
            assert played.running_cost[-1] == pytest.approx(expected, rel=1e-10)
            assert played.total.tolist() == cost.total.tolist()
            assert played.risk == pytest.approx(cost.execution.risk, rel=1e-12)


def test_it_agrees_with_the_tools_for_one_strategy_and_for_two(heston):
    pairs = compare(
        {name: FIVE[name] for name in ("TWAP", "VWAP", "POV")}, HESTON, PATHS, baseline="TWAP", seed=3
    )
    for name in ("VWAP", "POV"):
        entry, alone = heston.entry("one", name), evaluate(FIVE[name], HESTON, PATHS, seed=3, unit="bps")
        ours = vars(entry.summary) | {f"of {k}": v for k, v in entry.summary.components.items()}
        theirs = vars(alone) | {f"of {k}": v for k, v in alone.components.items()}
        for figure in ours.keys() - {"components", "slippage", "unit", "n_paths"}:
            assert ours[figure] == pytest.approx(theirs[figure], rel=1e-9, abs=1e-11), figure
        pair = pairs[name]
        assert entry.comparison.cost == pytest.approx(pair.controlled, rel=1e-9)
        assert entry.comparison.martingale == pytest.approx(pair.martingale, rel=1e-9)


def test_it_agrees_with_the_statistics_of_every_path(heston):
    def objective(cost):
        charge = HESTON.risk_aversion * cost.execution.risk * 1e4 / cost.arrival_value
        return cost.total + charge, cost.total - cost.martingale + charge

    twap, pov = costs(TWAP()), costs(POV(0.12))
    plain, quiet = (a - b for a, b in zip(objective(pov), objective(twap), strict=True))
    saving, comparison = twap.total - pov.total, heston.entry("one", "POV").comparison
    assert comparison.difference.value == pytest.approx(plain.mean(), rel=1e-9)
    assert comparison.controlled.value == pytest.approx(quiet.mean(), rel=1e-9)
    assert comparison.controlled.standard_error == pytest.approx(quiet.std(ddof=1) / PATHS**0.5, rel=1e-9)
    assert comparison.statistic == pytest.approx(
        comparison.controlled.value / comparison.controlled.standard_error
    )
    assert comparison.wilcoxon == pytest.approx(wilcoxon(quiet), rel=1e-6)
    apart = math.hypot(objective(pov)[0].std(ddof=1), objective(twap)[0].std(ddof=1)) / PATHS**0.5
    assert comparison.unpaired_error == pytest.approx(apart, rel=1e-9)
    assert comparison.variance_reduction.value == pytest.approx(plain.var() / quiet.var(), rel=1e-9)
    assert comparison.saving_var95 == pytest.approx(var_cvar(-saving, 0.95)[0], rel=1e-9)
    metrics = SavingMetrics.of(saving)
    for name in ("information_ratio", "win_rate", "total_gain_loss_ratio", "gain_loss_ratio"):
        assert getattr(comparison, name) == pytest.approx(getattr(metrics, name), rel=1e-9)
    sharpe = heston.entry("one", "POV").sharpe
    assert sharpe.value == pytest.approx(-pov.total.mean() / pov.total.std(ddof=1), rel=1e-9)
    low, high, _ = comparison.interval  # batches of four paths: about 1.96 standard errors either way
    assert (high - low) / 2 == pytest.approx(1.96 * comparison.controlled.standard_error, rel=0.1)


def test_it_shows_neither_blocks_nor_threads_nor_how_many_paths_were_kept(monkeypatch):
    monkeypatch.setattr(league_tally, "KEPT_PATHS", 3072)

    def run(**how):
        return league(FIVE, {"one": HESTON}, n_paths=5500, seed=3, optimum="Almgren–Chriss", **how)

    first = run(block_paths=1024, threads=1)
    for block_paths, threads in ((2000, 2), (8192, 3)):
        assert run(block_paths=block_paths, threads=threads).to_json() == first.to_json()
    assert (first.scenarios["one"].n_paths, first.scenarios["one"].n_kept) == (5500, 3072)
    monkeypatch.setattr(league_tally, "KEPT_PATHS", 10**6)
    whole = run()
    assert whole.scenarios["one"].n_kept == 5500
    for name in FIVE:
        some, all_ = first.entry("one", name), whole.entry("one", name)
        assert some.summary.objective == all_.summary.objective  # what is added up needs no path to be kept
        assert some.running_cost == all_.running_cost
        assert some.regret_interval == all_.regret_interval
        (some_cvar, error), (all_cvar, _) = some.summary.cvar95, all_.summary.cvar95
        assert abs(some_cvar - all_cvar) <= 3 * error


def test_batches_are_no_longer_than_a_random_stream_however_many_paths(monkeypatch):
    """Longer ones would not fit into a block, and the interval would depend on the blocks."""
    monkeypatch.setattr(league_tally, "BATCHES", 2)

    def interval(block_paths):
        answer = league(
            FIVE, {"one": HESTON}, n_paths=10_240, seed=3, optimum=None, block_paths=block_paths, threads=1
        )
        return answer.entry("one", "POV").comparison.interval

    assert interval(1024) == interval(8192)


def test_a_strategy_has_the_same_figures_in_any_company(heston):
    other = league(
        {"POV": FIVE["POV"], "TWAP": TWAP()}, {"x": HESTON}, n_paths=PATHS, seed=3, optimum=None
    ).entry("x", "POV")
    entry = heston.entry("one", "POV")
    assert other.summary == entry.summary
    assert replace(other.comparison, p_holm=0.0, wilcoxon_holm=0.0) == replace(
        entry.comparison, p_holm=0.0, wilcoxon_holm=0.0
    )


def test_a_strategy_that_is_the_baseline_but_for_rounding_is_the_baseline():
    same = {"TWAP": TWAP(), "twin": AlmgrenChriss(0.0)}
    answer = league(same, {"one": HESTON}, n_paths=PATHS, seed=3, optimum=None)
    twin = answer.entry("one", "twin").comparison
    assert (twin.controlled, twin.p_value, twin.win_rate.value) == ((0.0, 0.0), 1.0, 0.0)
    assert answer.entry("one", "twin").pareto_layer == 1
    assert answer.scenarios["one"].ranking == ("TWAP", "twin")
    assert answer.controls["one"].passed


def test_the_control_of_a_signal_keeps_what_the_signal_is_worth():
    market = SignalBachelier(100.0, 1.5, OrnsteinUhlenbeck(5.0, 8.0), spread=0.01)
    scenario = Scenario(Order("sell", 1e5, 1.0, 10), market, PowerImpact(2e-6, permanent=1e-7), 1e-6)
    players = {"TWAP": TWAP(), "Optimum": solve_optimal(scenario, grid=Grid(61, 9, 31))}
    answer = league(players, {"signal": scenario}, n_paths=20_000, seed=5)
    result, entry = answer.scenarios["signal"], answer.entry("signal", "Optimum")
    assert result.control == "drift"
    value, error = entry.summary.controlled_objective
    assert abs(value - result.optimum_value) < 3 * error + result.optimum_error
    comparison = entry.comparison
    assert (
        abs(comparison.controlled.value - comparison.difference.value)
        < 3 * comparison.martingale.standard_error
    )
    assert comparison.variance_reduction.value > 3
    assert comparison.martingale_p > 0.01
    # taking the whole of Σ x ΔS for noise would take the signal's worth, most of the 8 bps, for noise too
    problem = scenario.sample(20_000, seed=5)
    twap, best = (shortfall(execute(player, problem)).bps() for player in players.values())
    naive = paired_difference(best, twap)
    assert naive.martingale_z < -20
    assert naive.controlled.value > comparison.cost.value + 5
    # compare and evaluate know the market, and agree with the league
    pair = compare(players, scenario, 20_000, baseline="TWAP", seed=5)["Optimum"]
    assert pair.controlled == pytest.approx(comparison.cost)
    assert abs(pair.martingale_z) < 3
    alone = evaluate(players["Optimum"], scenario, 20_000, seed=5, unit="bps")
    assert alone.controlled_objective == pytest.approx(entry.summary.controlled_objective)
    assert answer.controls["signal"].passed  # without the signal it loses to TWAP
    assert answer.controls["signal"].zero_alpha["Optimum"].difference.value > 0


def test_the_optimum_under_heston_costs_its_value_and_nobody_regrets_less():
    players = FIVE | {"Optimum": lambda s: solve_optimal(s, grid=Grid(61, 31))}
    answer = league(players, {"one": HESTON}, n_paths=20_000, seed=5)
    result = answer.scenarios["one"]
    value, error = answer.entry("one", "Optimum").summary.controlled_objective
    assert abs(value - result.optimum_value) < 3 * error + result.optimum_error
    assert result.ranking[0] == "Optimum"
    for name in FIVE:
        entry, best = answer.entry("one", name), answer.entry("one", "Optimum")
        assert entry.regret.value > 3 * entry.regret.standard_error > 0
        low, high, _ = entry.regret_interval
        assert low < entry.regret.value < high
        gap = entry.summary.controlled_objective.value - best.summary.controlled_objective.value
        assert entry.regret.value == pytest.approx(gap, rel=1e-9)
        (line,) = (line for line in str(answer.table("one")).splitlines() if f". {name} " in line)
        assert line.endswith(f"{entry.regret:+,.3f}")
    assert answer.entry("one", "Optimum").rank_share == 1.0
    assert result.control == "martingale"


def test_a_recorded_book_is_played_once_in_the_order_of_time():
    replay = OrderBookReplay(ZeroIntelligence().simulate_day(seed=21))
    order = Order("sell", 600, 60 / DAY_SECONDS, 12)
    scenario = Scenario(order, replay, WalkTheBook(), risk_aversion=1e-3)
    players = {"TWAP": TWAP(), "Immediate": Immediate(), "POV": POV(0.05)}
    answer = league(players, {"day": scenario}, n_paths=5000, seed=1, optimum="TWAP", unit="currency")
    result, entry = answer.scenarios["day"], answer.entry("day", "Immediate")
    assert (result.serial, result.control, result.n_paths) == (True, "none", replay.n_horizons(12))
    problem = scenario.sample(1, seed=1)
    problem = replace(problem, paths=replay.horizons(12))
    one, two = (shortfall(execute(players[name], problem)) for name in ("Immediate", "TWAP"))
    series = (one.total + 1e-3 * one.execution.risk) - (two.total + 1e-3 * two.execution.risk)
    comparison = entry.comparison
    assert comparison.test == "Diebold–Mariano"
    assert (comparison.statistic, comparison.p_value) == pytest.approx(diebold_mariano(series), rel=1e-9)
    assert comparison.controlled.value == pytest.approx(series.mean())
    error = abs(series.mean() / comparison.statistic)  # that of a series, not of independent paths
    assert comparison.controlled.standard_error == pytest.approx(error)
    assert comparison.controlled == comparison.difference
    assert entry.regret == pytest.approx(comparison.controlled)
    assert math.isnan(comparison.martingale_p)
    assert comparison.interval == pytest.approx(block_bootstrap_interval(series, seed=1), rel=1e-9)
    assert entry.running_cost[-1].value == pytest.approx(entry.summary.mean.value)
    assert "OrderBookReplay" in answer.controls["day"].zero_alpha_reason
    # one family: all strategies of the scenario but the baseline
    others = {name: answer.entry("day", name).comparison for name in ("Immediate", "POV")}
    for p, adjusted in (
        ({n: c.p_value for n, c in others.items()}, {n: c.p_holm for n, c in others.items()}),
        ({n: c.wilcoxon.p_value for n, c in others.items()}, {n: c.wilcoxon_holm for n, c in others.items()}),
    ):
        assert adjusted == holm(p)
        assert adjusted != p
    assert answer.entry("day", "TWAP").comparison is None
    totals = {n: shortfall(execute(player, problem)) for n, player in players.items()}
    stability = rank_stability({n: c.total + 1e-3 * c.execution.risk for n, c in totals.items()}, seed=1)
    assert result.ranking == stability.names
    shares = {name: answer.entry("day", name).rank_share for name in stability.names}
    assert shares == stability.kept
    assert 0.5 < min(shares.values()) < 1.0


def test_a_recorded_book_of_a_few_horizons_is_refused():
    replay = OrderBookReplay(ZeroIntelligence().simulate_day(seed=21))
    long = Scenario(Order("sell", 600, 3000 / DAY_SECONDS, 600), replay, WalkTheBook())
    with pytest.raises(
        ValueError, match="in scenario 'day': `market` must hold at least 8 horizons of 600 steps, got 7"
    ):
        league({"TWAP": TWAP(), "POV": POV(0.1)}, {"day": long}, n_paths=500, seed=1, optimum=None)


def test_odd_problems_are_played_like_any_other():
    """No noise, no impact, one step, no risk aversion; the baseline twice; one path alone in a stream."""
    quiet = replace(LINEAR, market=Bachelier(50.0, 0.0))
    for scenario in (
        quiet,
        replace(LINEAR, impact=PowerImpact(0.0)),
        replace(LINEAR, order=Order("buy", 1e6, 5.0, 1)),
        replace(LINEAR, risk_aversion=0.0),
        replace(LINEAR, impact=TransientImpact(1e-6, ExponentialDecay(1.0))),
        replace(HESTON, information="estimated"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            players = {"TWAP": TWAP(), "again": TWAP(), "Immediate": Immediate()}
            answer = league(players, {"odd": scenario}, n_paths=1025, seed=1, optimum="Immediate")
        again = answer.entry("odd", "again")
        assert (again.comparison.controlled, again.comparison.p_holm) == ((0.0, 0.0), 1.0)
        assert again.comparison.interval == (0.0, 0.0, 1.0)
        assert again.summary == answer.entry("odd", "TWAP").summary
        assert answer.controls["odd"].passed
        assert League.from_json(answer.to_json()).to_json() == answer.to_json()


def test_a_callable_is_asked_once_for_each_scenario():
    asked = []

    def calibrated(scenario):
        asked.append(scenario)
        return AlmgrenChriss(scenario.risk_aversion)

    scenarios = {"calm": LINEAR, "careful": replace(LINEAR, risk_aversion=4e-6)}
    answer = league(
        {"TWAP": TWAP(), "AC": calibrated, "Immediate": Immediate()},
        scenarios,
        n_paths=200,
        seed=1,
        optimum=None,
    )
    assert asked == list(scenarios.values())
    early = [answer.entry(name, "AC").inventory[0].value for name in scenarios]
    assert early[1] < early[0] - 0.1
    agreement = answer.rank_agreement
    assert agreement["calm"]["calm"] == 1.0
    # Immediate overtakes TWAP when risk weighs four times as much: one pair of three is reversed
    assert agreement["calm"]["careful"] == agreement["careful"]["calm"] == pytest.approx(1 / 3)


# As data ---------------------------------------------------------------------------------------------------


def strict(text):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_is_json_and_comes_back_as_it_was(heston):
    exact = league(
        {"TWAP": TWAP(), "AC": AlmgrenChriss(1e-6)}, {"a": LINEAR}, n_paths=200, seed=1, optimum=None
    )
    assert exact.entry("a", "AC").comparison.variance_reduction.value == math.inf  # what JSON has no word for
    for answer in (heston, exact):
        text = answer.to_json()
        data = strict(text)
        assert (data["schema"], data["version"]) == ("flowexec.league", 1)
        again = League.from_json(text)
        assert again.to_json() == text
        assert type(again.entry(*_first(again)).comparison) is type(answer.entry(*_first(answer)).comparison)
    assert League.from_dict(exact.to_dict()).entry("a", "AC").regret is None
    assert League.from_dict(exact.to_dict()).entry("a", "AC").comparison.variance_reduction.value == math.inf


def _first(answer):
    return next(iter(answer.scenarios)), answer.strategies[-1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.update(version=2), "version 1, got .*2"),
        (lambda d: d.pop("seed"), "`league` must have the keys"),
        (
            lambda d: d["scenarios"]["one"]["entries"]["POV"].update(rank=1.5),
            r"one\.entries\.POV\.rank` must be a whole",
        ),
        (
            lambda d: d["scenarios"]["one"]["entries"]["POV"]["sharpe"].update(value=None),
            r"POV\.sharpe\.value` must be a number",
        ),
        (lambda d: d["scenarios"]["one"].update(serial=0), "serial` must be true or false"),
        (lambda d: d["scenarios"]["one"].update(times="now"), "times` must be a list"),
        (lambda d: d.update(scenarios=[]), "scenarios` must be an object"),
        (lambda d: d.update(scenarios={}), "`scenarios` must hold"),
        (lambda d: d.update(baseline="nobody"), "`baseline` must be one of"),
    ],
)
def test_what_is_no_league_is_refused_by_place(heston, change, sentence):
    data = strict(heston.to_json())
    change(data)
    with pytest.raises(ValueError, match=sentence):
        League.from_dict(data)


def test_text_that_is_no_json_is_refused():
    with pytest.raises(ValueError, match="`text` must be JSON"):
        League.from_json("{")
    with pytest.raises(ValueError, match="`data` must have schema"):
        League.from_json("[1]")


def test_csv_holds_every_number_once(heston):
    rows = list(csv.DictReader(io.StringIO(heston.to_csv())))
    assert list(rows[0]) == ["scenario", "strategy", "metric", "value", "standard_error"]
    found = {(row["scenario"], row["strategy"], row["metric"]): row for row in rows}
    assert len(found) == len(rows)
    entry = heston.entry("one", "POV")
    for metric, number in (
        ("summary.controlled_mean", entry.summary.controlled_mean),
        ("summary.components.temporary", entry.summary.components["temporary"]),
        ("running_cost.3", entry.running_cost[2]),
        ("comparison.win_rate", entry.comparison.win_rate),
    ):
        row = found["one", "POV", metric]
        assert (float(row["value"]), float(row["standard_error"])) == tuple(number)
    assert found["one", "POV", "rank"]["standard_error"] == ""
    assert float(found["one", "POV", "comparison.p_holm"]["value"]) == entry.comparison.p_holm
    assert ("one", "TWAP", "comparison.p_holm") not in found


def test_the_table_has_everybody_best_first(heston):
    lines = str(heston.table("one")).splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [
        f"{i}. {name}" for i, name in enumerate(heston.scenarios["one"].ranking, 1)
    ]
    pov = heston.entry("one", "POV").comparison
    (line,) = (line for line in lines if "POV" in line)
    assert f"{pov.controlled:+,.3f}" in line
    assert f"{pov.win_rate.value:.1%}" in line


# Bad input -------------------------------------------------------------------------------------------------


class Broken:
    """Right until step 2."""

    def __init__(self, answer):
        self.answer = answer

    def trade(self, observation):
        even = observation.inventory / observation.steps_remaining
        return even if observation.step < 2 else self.answer(even)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda even: even * math.nan, "at least 0, got nan in step 2"),
        (lambda even: even - 1e9, "at least 0, got -"),
        (lambda even: even[:-1], "must return shares of shape"),
        (lambda even: 3.0, "must return shares of shape .* got float"),
    ],
)
def test_a_broken_strategy_is_named_by_its_name_in_the_league(answer, sentence):
    players = {"TWAP": TWAP(), "my own idea": Broken(answer)}
    with pytest.raises(
        ValueError, match=rf"in scenario 'one': `strategies\['my own idea'\]` failed: .*{sentence}"
    ):
        league(players, {"one": HESTON}, n_paths=200, seed=1, optimum=None, threads=1)


GOOD = {"strategies": {"TWAP": TWAP(), "POV": POV(0.1)}, "scenarios": {"one": HESTON}, "n_paths": 200}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"strategies": {}}, "`strategies` must be a mapping of names to at least two"),
        ({"strategies": {"TWAP": TWAP()}}, "at least two"),
        ({"strategies": [TWAP(), POV(0.1)]}, "`strategies` must be a mapping"),
        (
            {"strategies": {"TWAP": TWAP(), "POV": POV}},
            r"`strategies\['POV'\]` must be a Strategy, got <class",
        ),
        (
            {"strategies": {"TWAP": TWAP(), "POV": lambda s: 3}},
            r"`strategies\['POV'\]` must be a Strategy, got 3",
        ),
        ({"strategies": {"TWAP": TWAP(), 3: POV(0.1)}}, "`strategies` must be a string, got 3"),
        (
            {"strategies": {"TWAP": TWAP(), "x": lambda s: POV(s.risk_aversion * 1e9)}},
            r"`strategies\['x'\]` cannot be made for 'one': `rate` must lie",
        ),
        ({"scenarios": {}}, "`scenarios` must be a mapping of names to at least one"),
        ({"scenarios": {"one": HESTON.market}}, r"`scenarios\['one'\]` must be a Scenario"),
        ({"n_paths": 99}, "`n_paths` must be a whole number, at least 100, got 99"),
        ({"n_paths": 1e4}, "`n_paths` must be a whole number"),
        ({"seed": -1}, "`seed`"),
        ({"baseline": "twap"}, "`baseline` must be one of 'TWAP', 'POV', got 'twap'"),
        ({"optimum": "Optimum"}, "`optimum` must be one of 'TWAP', 'POV', or None .*, got 'Optimum'"),
        ({"unit": "%"}, "`unit` must be one of 'bps', 'currency', got '%'"),
        ({"block_paths": 0}, "`block_paths`"),
        ({"threads": 0}, "`threads`"),
    ],
)
def test_bad_arguments_are_named(change, sentence):
    arguments = {"optimum": None, "seed": 1} | GOOD | change
    with pytest.raises(ValueError, match=sentence):
        league(**arguments)


def test_negative_risk_aversion_never_gets_as_far():
    with pytest.raises(ValueError, match="`risk_aversion` must be at least 0, got -1e-06"):
        league(
            GOOD["strategies"],
            {"one": replace(HESTON, risk_aversion=-1e-6)},
            n_paths=200,
            seed=1,
            optimum=None,
        )


def test_unknown_names_are_refused(heston):
    with pytest.raises(ValueError, match="`scenario` must be one of 'one', got 'two'"):
        heston.entry("two", "TWAP")
    with pytest.raises(ValueError, match=r"`strategy` must be one of .*'POV'.*, got 'PVO'"):
        heston.entry("one", "PVO")
    with pytest.raises(ValueError, match="`scenario` must be one of"):
        heston.table("two")


def test_gbm_that_drifts_is_controlled_around_its_drift():
    scenario = replace(HESTON, market=GBM(100.0, 0.0157, drift=0.002, volume=HESTON.market.volume))
    answer = league({"TWAP": TWAP(), "POV": POV(0.12)}, {"up": scenario}, n_paths=PATHS, seed=1, optimum=None)
    comparison = answer.entry("up", "POV").comparison
    assert answer.scenarios["up"].control == "drift"
    assert abs(comparison.martingale.value) < 3.5 * comparison.martingale.standard_error
    assert comparison.variance_reduction.value > 100
