"""Schedules without a model: their shares by hand."""

import math

import numpy as np
import pytest

from flowexec import (
    POV,
    TWAP,
    VWAP,
    AlmgrenChriss,
    Bachelier,
    Immediate,
    Order,
    PowerImpact,
    Scenario,
    Schedule,
    TransientImpact,
    VolumeCurve,
    execute,
)
from flowexec.execution import ExponentialDecay


def shares(strategy, *, n_steps=4, n_paths=3, horizon=1.0, complete=True, volume=None, amount=1000.0):
    order = Order("sell", amount, horizon, n_steps, complete=complete)
    market = Bachelier(50.0, 1.0, volume=volume or VolumeCurve(1000.0))
    problem = Scenario(order, market, PowerImpact(1e-6)).sample(n_paths, seed=1)
    return execute(strategy, problem).shares, problem


def on_every_path(trades, n_paths=3):
    return np.tile(np.reshape(np.array(trades, dtype=float), (-1, 1)), n_paths)


def test_immediate_trades_all_in_the_first_step():
    np.testing.assert_array_equal(shares(Immediate())[0], on_every_path([1000, 0, 0, 0]))


def test_twap_trades_evenly():
    np.testing.assert_allclose(shares(TWAP())[0], on_every_path([250] * 4), rtol=1e-14)
    np.testing.assert_allclose(shares(TWAP(), n_steps=7)[0], on_every_path([1000 / 7] * 7), rtol=1e-14)


def test_schedule_trades_by_weight_and_does_nothing_where_they_are_zero():
    np.testing.assert_allclose(
        shares(Schedule((1, 3, 4, 2)))[0], on_every_path([100, 300, 400, 200]), rtol=1e-14
    )
    np.testing.assert_allclose(shares(Schedule((0, 3, 7, 0)))[0], on_every_path([0, 300, 700, 0]), rtol=1e-14)
    # a schedule that ends early leaves not even a rounding for later
    early = shares(Schedule((0.1, 0.2, 0.7, 0)), complete=False)[0]
    assert (early[3] == 0).all()
    np.testing.assert_array_equal(early.sum(axis=0), 1000.0)


def test_only_the_ratios_of_weights_matter():
    one, _ = shares(Schedule((1, 3, 4, 2)))
    np.testing.assert_allclose(shares(Schedule((1e-9, 3e-9, 4e-9, 2e-9)))[0], one, rtol=1e-14)


def test_vwap_follows_the_forecast_not_the_market():
    forecast = VolumeCurve(5e5, (1.0, 3.0, 4.0, 2.0))
    noisy = VolumeCurve(1000.0, (4.0, 1.0, 1.0, 4.0), dispersion=1.0)
    np.testing.assert_allclose(
        shares(VWAP(forecast), volume=noisy)[0], on_every_path([100, 300, 400, 200]), rtol=1e-13
    )


def test_vwap_of_a_flat_forecast_is_twap():
    flat = shares(VWAP(VolumeCurve(1e6)), n_steps=6)[0]
    np.testing.assert_allclose(flat, shares(TWAP(), n_steps=6)[0], rtol=1e-13)


def test_vwap_by_default_trades_most_at_both_ends():
    trades = shares(VWAP(), n_steps=13)[0][:, 0]
    np.testing.assert_allclose(trades, trades[::-1], rtol=1e-9)
    assert trades[0] > 1.5 * trades[6]


def test_vwap_with_nothing_forecast_at_the_end_is_done_before():
    """The forecast of the last steps is 0, and so is what is left: no 0/0."""
    closing_early = VolumeCurve(1e6, (1.0, 1.0, 0.0, 0.0))
    np.testing.assert_allclose(shares(VWAP(closing_early))[0], on_every_path([500, 500, 0, 0]), rtol=1e-14)


def test_vwap_reaches_the_interval_vwap_when_volumes_are_as_forecast():
    """With no impact and no noise in volume, the average price is the benchmark on every path."""
    curve = VolumeCurve.u_shape(1e6)
    order = Order("buy", 1000.0, 1.0, 13)
    problem = Scenario(order, Bachelier(50.0, 1.0, volume=curve), PowerImpact(0.0)).sample(20, seed=2)
    execution = execute(VWAP(curve), problem)
    average = (execution.shares * execution.price).sum(axis=0) / 1000.0
    paths = problem.paths
    benchmark = (paths.mid[:-1] * paths.volume).sum(axis=0) / paths.volume.sum(axis=0)
    np.testing.assert_allclose(average, benchmark, rtol=1e-12)
    assert np.ptp(average) > 0.1


def test_pov_trades_a_part_of_the_volume_of_the_step_before():
    noisy = VolumeCurve(1000.0, dispersion=0.8)
    trades, problem = shares(POV(0.25), n_steps=6, volume=noisy, complete=False)
    volume = np.asarray(problem.paths.volume)
    assert (trades[0] == 0).all()
    np.testing.assert_allclose(trades[1:], 0.25 * volume[:-1], rtol=1e-14)
    completed, _ = shares(POV(0.25), n_steps=6, volume=noisy)
    np.testing.assert_array_equal(completed[:-1], trades[:-1])
    np.testing.assert_allclose(completed.sum(axis=0), 1000.0, rtol=1e-14)


def test_pov_stops_when_the_order_is_done():
    trades, _ = shares(POV(1.0), amount=300.0, complete=False)  # 250 shares a step in the market
    np.testing.assert_allclose(trades, on_every_path([0, 250, 50, 0]), rtol=1e-14)


@pytest.mark.parametrize(
    ("strategy", "part"),
    [
        (TWAP(), 1 / 3),
        (Immediate(), 1.0),
        (Schedule((5, 1, 2, 2)), 1 / 5),
        (VWAP(VolumeCurve(1e6, (5.0, 1.0, 2.0, 2.0))), 1 / 5),
        (AlmgrenChriss(0.0), 1 / 3),
    ],
)
def test_a_schedule_goes_on_from_whatever_is_left(strategy, part):
    """Also when another strategy began the order: what a selector of strategies relies on."""
    order = Order("sell", 1000.0, 1.0, 4)
    problem = Scenario(order, Bachelier(50.0, 1.0), PowerImpact(1e-6)).sample(1, seed=1)
    state, _ = problem.step(problem.start(), np.array([123.0]))
    np.testing.assert_allclose(strategy.trade(problem.observe(state)), 877.0 * part, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Schedule((1.0, -2.0)), "`weights` must be at least 0, got -2.0"),
        (lambda: Schedule((1.0, math.nan)), "`weights` must be at least 0, got nan"),
        (lambda: Schedule(("1", "2")), "`weights` must be at least 0, got '1'"),
        (lambda: Schedule("12"), "`weights` must be at least 0, got '1'"),
        (lambda: Schedule((True, False)), "`weights` must be at least 0, got True"),
        (lambda: Schedule((0.0, 0.0)), "`weights` must hold at least one positive number, got (0.0, 0.0)"),
        (lambda: Schedule(()), "`weights` must hold at least one positive number, got ()"),
        (lambda: POV(0.0), "`rate` must lie in (0, 1], got 0.0"),
        (lambda: POV(1.5), "`rate` must lie in (0, 1], got 1.5"),
        (lambda: POV(math.nan), "`rate` must lie in (0, 1], got nan"),
    ],
)
def test_bad_parameters_are_refused_by_name(make, sentence, refused):
    with refused(sentence):
        make()


def test_a_schedule_refuses_an_order_of_another_length(refused):
    with refused("`weights` must have one entry for each of the order's 4 steps, got 3"):
        shares(Schedule((1, 2, 3)))


def test_a_schedule_is_a_value():
    assert Schedule((1, 2)) == Schedule(np.array([1.0, 2.0])) == Schedule([1, 2])
    assert len({Schedule((1, 2)), Schedule([1.0, 2.0])}) == 1


def test_schedules_need_no_power_impact():
    order = Order("buy", 1000.0, 1.0, 4)
    problem = Scenario(order, Bachelier(50.0, 1.0), TransientImpact(1e-4, ExponentialDecay(1.0))).sample(
        2, seed=1
    )
    for strategy in (Immediate(), TWAP(), VWAP(), POV(0.1), Schedule((1, 2, 3, 4))):
        np.testing.assert_allclose(execute(strategy, problem).shares.sum(axis=0), 1000.0, rtol=1e-14)
