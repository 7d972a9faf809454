"""Evaluation in blocks and threads: the same bits always, and what numpy finds on all paths at once."""

import math
import tracemalloc
from dataclasses import dataclass, fields

import numpy as np
import pytest

from flowexec import (
    GBM,
    POV,
    TWAP,
    AlmgrenChriss,
    Bachelier,
    ExponentialDecay,
    Immediate,
    Order,
    OrderBookReplay,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    TransientImpact,
    VolumeCurve,
    WalkTheBook,
    ZeroIntelligence,
    evaluate,
    execute,
    shortfall,
    summarise,
)
from flowexec.analytics.evaluate import SINGLE_FIGURES
from flowexec.analytics.shortfall import BENCHMARKS, COMPONENTS
from flowexec.market.order_book import DAY_SECONDS

NOISY = VolumeCurve.u_shape(4e5, dispersion=0.6)
ORDER = Order("buy", 1e5, 0.7, 13, fee_per_share=0.002, fixed_fee=9.0)
SCENARIO = Scenario(ORDER, GBM(50.0, 0.02, spread=0.02, volume=NOISY), PowerImpact(1e-4, 0.6, 1e-7), 1e-6)


@pytest.mark.parametrize("n_paths", [1, 2, 1023, 1025, 2049, 5000])
@pytest.mark.parametrize(
    ("strategy", "impact"),
    [
        (AlmgrenChriss(1e-6), SCENARIO.impact),
        (POV(0.3), TransientImpact(1e-4, PowerLawDecay(0.1, 0.6), 0.6)),
        (TWAP(), TransientImpact(1e-6, ExponentialDecay(3.0))),
    ],
    ids=["Almgren-Chriss", "POV", "TWAP"],
)
def test_blocks_and_threads_do_not_change_a_bit(strategy, impact, n_paths):
    """Also with a last block of one path, whose sums numpy would group in another way."""
    scenario = Scenario(ORDER, SCENARIO.market, impact, 1e-6, information="estimated")
    for unit in ("currency", "bps"):
        whole = evaluate(strategy, scenario, n_paths, seed=1, unit=unit, block_paths=8192, threads=1)
        assert whole == summarise(
            shortfall(execute(strategy, scenario.sample(n_paths, seed=1))), risk_aversion=1e-6, unit=unit
        )
        for block, threads in ((1, 1), (1024, 2), (1025, 1), (2048, 3)):
            again = evaluate(
                strategy, scenario, n_paths, seed=1, unit=unit, block_paths=block, threads=threads
            )
            assert again == whole
    assert evaluate(strategy, scenario, n_paths, seed=2) != evaluate(strategy, scenario, n_paths, seed=1)


@pytest.mark.parametrize("unit", ["currency", "bps"])
def test_every_figure_is_what_numpy_finds_on_all_paths(unit):
    n_paths = 3000
    summary = evaluate(POV(0.2), SCENARIO, n_paths, seed=3, unit=unit)
    execution = execute(POV(0.2), SCENARIO.sample(n_paths, seed=3))
    cost = shortfall(execution)
    scaled = cost.bps() if unit == "bps" else cost
    scale = 1e4 / (1e5 * 50.0) if unit == "bps" else 1.0
    assert (summary.unit, summary.n_paths) == (unit, n_paths)
    samples = {name: getattr(scaled, name) for name in COMPONENTS}
    samples |= {"mean": scaled.total, "controlled_mean": scaled.total - scaled.martingale}
    samples |= {"risk": execution.risk, "objective": scaled.total + 1e-6 * execution.risk * scale}
    samples |= {"controlled_objective": samples["controlled_mean"] + 1e-6 * execution.risk * scale}
    samples |= {"completion": execution.shares.sum(axis=0) / 1e5}
    samples |= {"participation": execution.shares.sum(axis=0) / execution.problem.paths.volume.sum(axis=0)}
    samples |= {f"slippage {name}": cost.slippage(name) for name in BENCHMARKS}
    figures = summary.components | {name: getattr(summary, name) for name in SINGLE_FIGURES}
    figures |= {f"slippage {name}": estimate for name, estimate in summary.slippage.items()}
    assert figures.keys() == samples.keys()
    for name, sample in samples.items():
        assert figures[name].value == pytest.approx(np.mean(sample), rel=1e-12, abs=1e-12), name
        error = np.std(sample, ddof=1) / math.sqrt(n_paths)
        assert figures[name].standard_error == pytest.approx(error, rel=1e-9, abs=1e-12), name
    assert summary.sd.value == pytest.approx(np.std(scaled.total, ddof=1), rel=1e-12)
    for level, var, cvar in ((0.95, summary.var95, summary.cvar95), (0.99, summary.var99, summary.cvar99)):
        worst = np.sort(scaled.total)[round(level * n_paths) :]
        assert var.value == worst[0]
        assert cvar.value == pytest.approx(worst.mean(), rel=1e-12)
    total = sum(estimate.value for estimate in summary.components.values())
    assert summary.mean.value == pytest.approx(total, rel=1e-12)


def test_a_gaussian_cost_has_the_closed_form_tails():
    """Under Bachelier the cost of a fixed schedule is N(E, V): all figures within 4 of their own errors."""
    order = Order("sell", 1e6, 5.0, 5)
    scenario = Scenario(
        order, Bachelier(50.0, 0.95, spread=0.125), PowerImpact(2.5e-6, permanent=2.5e-7), 1e-6
    )
    plan = AlmgrenChriss(1e-6).plan(order, volatility=0.95, impact=scenario.impact, spread=0.125)
    summary = evaluate(AlmgrenChriss(1e-6), scenario, 60_000, seed=4)
    z95, z99 = 1.6448536269514722, 2.3263478740408408
    expected = {
        "mean": plan.expected_cost,
        "sd": plan.sd,
        "var95": plan.expected_cost + z95 * plan.sd,
        "var99": plan.expected_cost + z99 * plan.sd,
        "cvar95": plan.expected_cost + plan.sd * math.exp(-(z95**2) / 2) / math.sqrt(2 * math.pi) / 0.05,
        "cvar99": plan.expected_cost + plan.sd * math.exp(-(z99**2) / 2) / math.sqrt(2 * math.pi) / 0.01,
    }
    for name, value in expected.items():
        estimate = getattr(summary, name)
        assert abs(estimate.value - value) < 4 * estimate.standard_error, name
        assert estimate.standard_error < 0.02 * plan.sd, name
    # the errors that theory gives: s/√n and s/√2n
    assert summary.mean.standard_error == pytest.approx(plan.sd / math.sqrt(60_000), rel=0.02)
    assert summary.sd.standard_error == pytest.approx(plan.sd / math.sqrt(120_000), rel=0.05)
    # and what the control variate leaves: nothing but rounding
    assert summary.controlled_mean.value == pytest.approx(plan.expected_cost, rel=1e-12)
    assert summary.controlled_mean.standard_error < 1e-9 * plan.expected_cost
    assert summary.controlled_objective.value == pytest.approx(plan.objective, rel=1e-12)
    assert summary.risk.value == pytest.approx(plan.variance, rel=1e-12)


@dataclass(frozen=True)
class OnlyIfCheap:
    """Buys only where the price has fallen: on some paths nothing."""

    def trade(self, observation):
        return observation.inventory * (observation.mid < observation.arrival_price - 0.5)


def test_slippage_is_left_out_when_some_path_traded_nothing(recwarn):
    order = Order("buy", 1e5, 0.7, 5, complete=False)
    scenario = Scenario(order, SCENARIO.market, SCENARIO.impact)
    summary = evaluate(OnlyIfCheap(), scenario, 3000, seed=5)
    assert summary.slippage == {}
    assert 0.1 < summary.completion.value < 0.9
    assert all(math.isfinite(getattr(summary, name).value) for name in SINGLE_FIGURES)
    assert "slippage" not in str(summary.table())
    assert not recwarn.list


@dataclass(frozen=True)
class WaitsUnlessDear:
    """Buys all at the last moment, unless the price is then 3.3 standard deviations up."""

    def trade(self, observation):
        dear = observation.mid > 1.064 * observation.arrival_price
        return observation.inventory * ~dear * (observation.steps_remaining == 1)


def test_slippage_is_left_out_also_when_only_some_blocks_lack_it():
    order = Order("buy", 1e5, 1.0, 13, complete=False)
    scenario = Scenario(order, SCENARIO.market, SCENARIO.impact)
    idle = execute(WaitsUnlessDear(), scenario.sample(8 * 1024, seed=5)).shares.sum(axis=0) == 0
    assert 0 < idle.reshape(8, 1024).any(axis=1).sum() < 8
    whole = evaluate(WaitsUnlessDear(), scenario, 8 * 1024, seed=5, block_paths=8 * 1024)
    assert whole.slippage == {}
    assert evaluate(WaitsUnlessDear(), scenario, 8 * 1024, seed=5, block_paths=1024) == whole


def test_the_table_says_every_figure_with_its_error():
    summary = evaluate(Immediate(), SCENARIO, 2000, seed=6, unit="bps")
    table = summary.table(digits=3)
    assert table.columns == ("2,000 paths", "bps of arrival value", "s.e.")
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows)[:8] == [*COMPONENTS, "implementation shortfall", "standard deviation"]
    assert rows["implementation shortfall"] == (
        f"{summary.mean.value:,.3f}",
        f"{summary.mean.standard_error:,.3f}",
    )
    assert rows["CVaR 99 %"] == (f"{summary.cvar99.value:,.3f}", f"{summary.cvar99.standard_error:,.3f}")
    assert rows["slippage to interval vwap (bps)"][0] == f"{summary.slippage['interval_vwap'].value:,.2f}"
    assert rows["completion"] == ("100.00%", "0.00%")
    assert evaluate(Immediate(), SCENARIO, 50, seed=6).table().columns[1] == "currency"


def test_memory_grows_by_a_few_numbers_a_path():
    """One cost a path is kept; the paths themselves, twenty numbers each here, go block by block."""
    scenario = Scenario(Order("sell", 1e5, 1.0, 4), Bachelier(50.0, 1.0), PowerImpact(1e-5))

    def peak(n_paths):
        tracemalloc.start()
        evaluate(TWAP(), scenario, n_paths, seed=8, block_paths=2048, threads=1)
        bytes_used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return bytes_used

    # at the end, the costs in pieces and then in one and a sorted copy: two numbers a path at a time
    assert peak(180_000) - peak(80_000) < 100_000 * 2.5 * 8


def test_every_estimate_of_a_summary_is_in_one_place():
    """A field added to Summary is an Estimate, a dict of them, or one of the two labels."""
    summary = evaluate(TWAP(), SCENARIO, 100, seed=7)
    for field in fields(summary):
        value = getattr(summary, field.name)
        if field.name not in ("unit", "n_paths"):
            estimates = value.values() if isinstance(value, dict) else [value]
            assert all(estimate.standard_error >= 0 for estimate in estimates), field.name


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("n_paths", 0, "`n_paths` must be a whole number, at least 1, got 0"),
        ("n_paths", 1e3, "`n_paths` must be a whole number, at least 1, got 1000.0"),
        ("block_paths", 0, "`block_paths` must be a whole number, at least 1, got 0"),
        ("threads", 0, "`threads` must be a whole number, at least 1, got 0"),
        ("threads", True, "`threads` must be a whole number, at least 1, got True"),
        ("seed", -1, "`seed` must be a whole number, at least 0, got -1"),
        ("unit", "percent", "`unit` must be one of 'currency', 'bps', got 'percent'"),
    ],
)
def test_bad_arguments_are_refused_by_name(argument, value, sentence, refused):
    arguments = {"n_paths": 10, "seed": 1} | {argument: value}
    with refused(sentence):
        evaluate(TWAP(), SCENARIO, **arguments)


def test_a_bad_strategy_is_refused_from_inside_a_thread(refused):
    @dataclass(frozen=True)
    class Negative:
        def trade(self, observation):
            return -observation.inventory

    with refused("Negative.trade must return shares of at least 0, got -100000.0 in step 0"):
        evaluate(Negative(), SCENARIO, 5000, seed=1, threads=2, block_paths=1024)


def test_the_seed_has_no_default():
    with pytest.raises(TypeError, match="seed"):
        evaluate(TWAP(), SCENARIO, 10)


def test_a_replayed_day_is_no_larger_than_it_is():
    """Beyond its horizons a replay deals the same ones again, which would pass for new evidence."""
    day = ZeroIntelligence().simulate_day(seed=1, session=(34_200.0, 36_000.0))
    replay = OrderBookReplay(day, part="test")
    scenario = Scenario(Order("sell", 20.0, 6 * replay.interval / DAY_SECONDS, 6), replay, WalkTheBook())
    horizons = replay.n_tradable(6)
    assert evaluate(TWAP(), scenario, horizons, seed=1).n_paths == horizons
    refusal = f"`n_paths` must be at most the {horizons} horizons .* got {horizons + 1}"
    with pytest.raises(ValueError, match=refusal):
        evaluate(TWAP(), scenario, horizons + 1, seed=1)
