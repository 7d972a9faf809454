"""Fans, fills and schedules draw what the execution did."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from flowexec import POV, TWAP, Order, Scenario, execute
from flowexec.figures import inventory_fan, price_and_fills, schedules
from flowexec.figures.theme import STRATEGY_COLOURS
from tests.figures.gallery import IMPACT, MARKET, ORDER, executions, plan, plans


def line(figure, name):
    return next(t for t in figure.data if t.name == name and t.mode == "lines")


def test_fan_holds_the_quantiles_of_the_inventory():
    execution = executions()["POV 5 %"]
    figure = inventory_fan({"POV 5 %": execution})
    outer, inner = (t for t in figure.data if t.fill == "toself")
    for band, (low, high) in ((outer, (0.05, 0.95)), (inner, (0.25, 0.75))):
        half = len(band.x) // 2
        np.testing.assert_allclose(band.y[:half], np.quantile(execution.inventory, high, axis=1))
        np.testing.assert_allclose(band.y[half:][::-1], np.quantile(execution.inventory, low, axis=1))
    np.testing.assert_allclose(line(figure, "POV 5 %").y, np.median(execution.inventory, axis=1))


def test_fan_in_per_cent_begins_at_100():
    figure = inventory_fan({"TWAP": executions()["TWAP"]}, reference=plan(1e-6), percent=True)
    assert line(figure, "TWAP").y[0] == 100
    assert line(figure, "schedule").y[0] == pytest.approx(100)
    assert "TWAP" in figure.layout.meta["alt"]


def test_schedule_that_never_varies_has_no_band():
    assert not [t for t in inventory_fan(executions()["TWAP"]).data if t.fill]


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_fills_are_those_of_the_path(side):
    order = Order(side, 150_000, 1.0, 13)
    execution = execute(POV(0.05), Scenario(order, MARKET, IMPACT).sample(8, seed=3))
    figure = price_and_fills(execution, path=2)
    fills = next(t for t in figure.data if t.mode == "markers")
    traded = execution.shares[:, 2] > 0
    np.testing.assert_array_equal(fills.customdata, execution.shares[traded, 2])
    np.testing.assert_array_equal(fills.y, execution.price[traded, 2])
    share = next(t for t in figure.data if t.type == "bar")
    np.testing.assert_allclose(share.y, 100 * execution.shares[:, 2] / execution.problem.paths.volume[:, 2])
    moved = line(figure, "mid as moved by the order").y - line(figure, "mid without the order").y
    assert order.sign * moved[-1] > 0
    assert moved[0] == 0
    assert f"A {side} order" in figure.layout.meta["alt"]


@pytest.mark.parametrize("quiet", [[1, 4], range(13)])
def test_a_step_in_which_nobody_else_trades_has_no_bar(quiet):
    problem = Scenario(Order("sell", 1000.0, 1.0, 13), MARKET, IMPACT).sample(2, seed=3)
    volume = np.array(problem.paths.volume)
    volume[list(quiet), 0] = 0.0
    execution = execute(TWAP(), replace(problem, paths=replace(problem.paths, volume=volume)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = price_and_fills(execution)
    bars = next(t for t in figure.data if t.type == "bar")
    busy = volume[:, 0] > 0
    np.testing.assert_allclose(bars.y, 100 * (1000 / 13) / volume[busy, 0])
    words = "nobody else trades" if not busy.any() else "in the 11 of 13 steps in which others trade"
    assert words in figure.layout.meta["alt"]


def test_area_of_a_fill_is_in_proportion_to_its_shares_beyond_a_smallest_dot():
    fills = next(t for t in price_and_fills(executions()["POV 5 %"]).data if t.mode == "markers")
    ratio = (np.asarray(fills.marker.size) - 5) ** 2 / np.asarray(fills.customdata)
    np.testing.assert_allclose(ratio, ratio[0])


def test_both_panels_share_one_time_axis():
    figure = price_and_fills(executions()["POV 5 %"])
    assert {t.xaxis for t in figure.data} == {"x"}
    assert figure.layout.xaxis.anchor == "y2"


def test_trades_are_the_differences_of_inventories():
    by_trades = schedules({"best": plan(1e-6)}, quantity="trades")
    np.testing.assert_allclose(line(by_trades, "best").y[:-1], plan(1e-6).trades)
    by_inventory = schedules({"best": plan(1e-6)})
    np.testing.assert_allclose(line(by_inventory, "best").y, plan(1e-6).inventory)


def test_execution_enters_by_its_median_and_arrays_need_times():
    times = np.linspace(0, 1, 27)
    even = ORDER.shares * (1 - times)
    figure = schedules({"TWAP": executions()["TWAP"], "by hand": even}, times=times)
    np.testing.assert_allclose(line(figure, "TWAP").y, line(figure, "by hand").y, atol=1e-6)
    assert line(figure, "TWAP").line.color == STRATEGY_COLOURS["TWAP"]
    assert "half after 0.5" in figure.layout.meta["alt"]


def test_bad_input_is_named(refused):
    with refused("`executions` must be an Execution, what `execute` returns, got list"):
        inventory_fan(plans())
    with refused("`reference` must hold 27 numbers, got 5"):
        inventory_fan(executions()["TWAP"], reference=np.ones(5))
    with refused("`path` must lie in [0, 2047], got 2048"):
        price_and_fills(executions()["TWAP"], path=2048)
    with refused("`quantity` must be one of 'inventory', 'trades', got 'cash'"):
        schedules({"a": plan(0)}, quantity="cash")
    with refused("`times` must be given, because `plans['a']` is an array without times of its own"):
        schedules({"a": np.ones(3)})
