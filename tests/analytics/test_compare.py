"""Paired differences: they are the mean of the differences, they stream, and they tell a cheat."""

import math

import numpy as np
import pytest

from flowexec import (
    GBM,
    POV,
    TWAP,
    VWAP,
    Immediate,
    Order,
    PowerImpact,
    Scenario,
    VolumeCurve,
    execute,
    shortfall,
)
from flowexec.analytics.compare import compare, paired_difference
from flowexec.strategies.recorded import peeking

CURVE = VolumeCurve.u_shape(6.561e6, dispersion=0.5)
SCENARIO = Scenario(
    Order("sell", 656_100, 1.0, 26),
    GBM(100.0, 0.0157, spread=0.02, volume=CURVE),
    PowerImpact.almgren_2005(
        price=100.0, volatility=0.0157, daily_volume=6.561e6, shares_outstanding=1.728e9
    ),
)
STRATEGIES = {"TWAP": TWAP(), "VWAP": VWAP(CURVE), "POV": POV(0.12)}
PATHS = 3000


def costs(strategy, problem):
    return shortfall(execute(strategy, problem)).bps()


def test_it_is_the_mean_of_the_differences():
    problem = SCENARIO.sample(PATHS, seed=1)
    pov, twap = costs(POV(0.12), problem), costs(TWAP(), problem)
    answer = paired_difference(pov, twap)
    difference = pov.total - twap.total
    quiet = (pov.total - pov.martingale) - (twap.total - twap.martingale)
    for estimate, sample in ((answer.difference, difference), (answer.controlled, quiet)):
        assert estimate.value == pytest.approx(sample.mean(), rel=1e-12)
        assert estimate.standard_error == pytest.approx(sample.std(ddof=1) / math.sqrt(PATHS), rel=1e-12)
    independent = math.sqrt((pov.total.var(ddof=1) + twap.total.var(ddof=1)) / PATHS)
    assert answer.unpaired_error == pytest.approx(independent, rel=1e-12)
    assert answer.n_paths == PATHS
    assert answer.difference.value == pytest.approx(
        answer.controlled.value + answer.martingale.value, abs=1e-10
    )


def test_pairing_and_the_control_take_noise_away():
    answer = compare(STRATEGIES, SCENARIO, PATHS, baseline="TWAP", seed=1)["POV"]
    assert (
        answer.controlled.standard_error
        < 0.2 * answer.difference.standard_error
        < 0.1 * answer.unpaired_error
    )


def test_a_fixed_schedule_differs_by_its_closed_form_and_by_nothing_else():
    answer = compare(STRATEGIES, SCENARIO, PATHS, baseline="TWAP", seed=1, unit="currency")["VWAP"]
    order, impact = SCENARIO.order, SCENARIO.impact
    expected = CURVE.expected(order.n_steps, order.horizon)
    n = order.shares * expected / expected.sum()
    even = np.full(order.n_steps, order.shares / order.n_steps)
    cost = [
        impact.temporary * order.step_length**-impact.exponent * (x ** (1 + impact.exponent)).sum()
        - impact.permanent / 2 * (x**2).sum()
        for x in (n, even)
    ]
    assert answer.controlled.value == pytest.approx(cost[0] - cost[1], rel=1e-9)
    assert answer.controlled.standard_error < 1e-9 * abs(answer.controlled.value)


def test_streaming_changes_no_bit():
    whole = compare(STRATEGIES, SCENARIO, PATHS, baseline="TWAP", seed=1, block_paths=PATHS, threads=1)
    pieces = compare(STRATEGIES, SCENARIO, PATHS, baseline="TWAP", seed=1, block_paths=1000, threads=2)
    assert whole == pieces
    assert set(whole) == {"VWAP", "POV"}
    problem = SCENARIO.sample(PATHS, seed=1)
    assert whole["POV"] == paired_difference(costs(POV(0.12), problem), costs(TWAP(), problem))


def test_the_honest_pass_and_the_cheat_is_caught():
    problem = SCENARIO.sample(20_000, seed=3)
    twap = costs(TWAP(), problem)
    for strategy in (VWAP(CURVE), POV(0.12), Immediate()):
        assert abs(paired_difference(costs(strategy, problem), twap).martingale_z) < 4
    assert paired_difference(twap, twap).martingale_z == 0
    cheat = paired_difference(costs(peeking(problem), problem), twap)
    assert cheat.difference.value < -10 * cheat.difference.standard_error
    assert cheat.martingale_z == pytest.approx(cheat.martingale.value / cheat.martingale.standard_error)
    assert cheat.martingale_z < -10
    assert cheat.controlled.value > 0  # uneven trading costs him what it costs everybody


def test_other_paths_and_other_units_are_refused():
    here, there = SCENARIO.sample(100, seed=1), SCENARIO.sample(100, seed=2)
    with pytest.raises(ValueError, match="same paths"):
        paired_difference(costs(TWAP(), here), costs(TWAP(), there))
    with pytest.raises(ValueError, match="`baseline` must be in the unit"):
        paired_difference(costs(TWAP(), here), shortfall(execute(TWAP(), here)))
    with pytest.raises(ValueError, match="`baseline` must be one of"):
        compare(STRATEGIES, SCENARIO, 100, baseline="DQN", seed=1)
