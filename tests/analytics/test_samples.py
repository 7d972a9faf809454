"""Costs path by path are those of the engine, in any blocks and on any number of threads."""

import numpy as np
import pytest

from flowexec import GBM, POV, Order, PowerImpact, Scenario, VolumeCurve, evaluate, execute, shortfall
from flowexec.analytics.samples import cost_sample

SCENARIO = Scenario(
    Order("buy", 1e5, 1.0, 12),
    GBM(50.0, 0.02, volume=VolumeCurve(1e6, dispersion=0.4)),
    PowerImpact(2e-5, 0.6, 1e-7),
)


def test_it_is_the_shortfall_of_each_path():
    cost = shortfall(execute(POV(0.1), SCENARIO.sample(3000, seed=3)))
    sample = cost_sample(POV(0.1), SCENARIO, 3000, seed=3, unit="currency")
    np.testing.assert_array_equal(sample.total, cost.total)
    np.testing.assert_array_equal(sample.controlled, cost.total - cost.martingale)
    assert cost_sample(POV(0.1), SCENARIO, 3000, seed=3).total.mean() == pytest.approx(
        evaluate(POV(0.1), SCENARIO, 3000, seed=3, unit="bps").mean.value, rel=1e-12
    )


def test_blocks_and_threads_change_no_bit():
    whole = cost_sample(POV(0.1), SCENARIO, 3000, seed=3, threads=1)
    pieces = cost_sample(POV(0.1), SCENARIO, 3000, seed=3, block_paths=700, threads=2)
    np.testing.assert_array_equal(whole.total, pieces.total)
    tail = cost_sample(POV(0.1), SCENARIO, 1000, seed=3, first_path=2000)
    np.testing.assert_array_equal(whole.controlled[2000:], tail.controlled)


def test_bad_units_are_refused():
    with pytest.raises(ValueError, match="`unit` must be one of"):
        cost_sample(POV(0.1), SCENARIO, 10, seed=3, unit="percent")
