"""Benchmarks without the order and on the tape, by hand and by the identity between them."""

import numpy as np
import pytest

from flowexec import (
    GBM,
    POV,
    TWAP,
    MarketPaths,
    Order,
    PowerImpact,
    Scenario,
    VolumeCurve,
    execute,
    shortfall,
)
from flowexec.execution import ExecutionProblem


@pytest.mark.parametrize(("side", "sign"), [("buy", 1.0), ("sell", -1.0)])
def test_both_by_hand(side, sign):
    mid = np.array([[10.0], [12.0], [11.0]])
    paths = MarketPaths(
        np.array([0.0, 1.0, 2.0]), mid, np.zeros((3, 1)), np.array([[300.0], [100.0]]), np.full((2, 1), 0.2)
    )
    problem = ExecutionProblem(Order(side, 200, 2.0, 2), paths, PowerImpact(0.0, permanent=0.01))
    cost = shortfall(execute(TWAP(), problem))
    assert cost.benchmark("arrival") == pytest.approx(10.0)
    assert cost.benchmark("interval_vwap") == pytest.approx((3000 + 1200) / 400)
    assert cost.benchmark("interval_twap") == pytest.approx(11.0)
    assert cost.benchmark("close") == pytest.approx(11.0)
    # 100 shares move the price by 1: the second mid is shown at 12 ± 1, the close at 11 ± 2
    fills = 100 * (10 + sign * 0.1) + 100 * (12 + sign * 1.1)
    assert cost.benchmark("arrival", on_tape=True) == pytest.approx(10.0)
    assert cost.benchmark("interval_vwap", on_tape=True) == pytest.approx(
        (3000 + 100 * (12 + sign) + fills) / 600
    )
    assert cost.benchmark("interval_twap", on_tape=True) == pytest.approx((10 + 12 + sign) / 2)
    assert cost.benchmark("close", on_tape=True) == pytest.approx(11 + 2 * sign)
    assert cost.slippage("close", on_tape=True) == pytest.approx(
        sign * (fills / 200 - 11 - 2 * sign) / (11 + 2 * sign) * 1e4
    )


def test_an_order_that_is_most_of_the_volume_cannot_miss_the_tape():
    # P − VWAP on the tape = (1 − w)(P − VWAP of the others on the tape), w the order's share of all volume
    scenario = Scenario(
        Order("sell", 5e6, 1.0, 10),
        GBM(100.0, 0.02, volume=VolumeCurve.u_shape(1e6, dispersion=0.4)),
        PowerImpact(1e-6, 0.6, 1e-8),
    )
    cost = shortfall(execute(POV(1.0), scenario.sample(500, seed=1)))
    execution, volume = cost.execution, cost.execution.problem.paths.volume
    shown = execution.problem.paths.mid - execution.displacement
    others = (shown[:-1] * volume).sum(axis=0) / volume.sum(axis=0)
    weight = cost.traded / (cost.traded + volume.sum(axis=0))
    assert weight.min() > 0.7
    np.testing.assert_allclose(
        cost.average_price - cost.benchmark("interval_vwap", on_tape=True),
        (1 - weight) * (cost.average_price - others),
        atol=1e-9,
    )


def test_an_unknown_benchmark_is_refused():
    cost = shortfall(
        execute(TWAP(), Scenario(Order("buy", 1, 1.0, 2), GBM(10, 0.01), PowerImpact(0.0)).sample(3, seed=1))
    )
    with pytest.raises(ValueError, match="`name` must be one of"):
        cost.benchmark("open", on_tape=True)
