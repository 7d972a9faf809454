"""A limit price is kept, on both sides, the order's own displacement included."""

import numpy as np
import pytest

from flowexec import GBM, TWAP, Order, PowerImpact, Scenario, execute, shortfall
from flowexec.strategies.limit_price import LimitPrice


def scenario(side="sell", complete=False, permanent=0.0):
    order = Order(side, 10_000.0, 1.0, 20, complete=complete)
    return Scenario(order, GBM(100.0, 0.02), PowerImpact(1e-6, 0.6, permanent))


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("distance", [-20.0, 0.0, 30.0])
def test_it_trades_within_the_limit_and_only_there(side, distance):
    problem = scenario(side, permanent=2e-5).sample(500, seed=1)
    execution = execute(LimitPrice(TWAP(), distance), problem)
    shown = problem.paths.mid + problem.order.sign * execution.displacement
    against = problem.order.sign * (shown[:-1] / shown[0] - 1.0) * 1e4
    within = against <= distance + 1e-9
    assert (execution.shares[~within] == 0).all()
    assert (execution.shares[within & (execution.inventory[:-1] > 0)] > 0).all()
    assert 0 < within.mean() < 1


def test_far_limits_change_nothing_or_everything():
    problem = scenario().sample(50, seed=1)
    np.testing.assert_array_equal(
        execute(LimitPrice(TWAP(), 1e6), problem).shares, execute(TWAP(), problem).shares
    )
    assert (execute(LimitPrice(TWAP(), -1e6), problem).shares == 0).all()


def test_a_complete_order_is_completed_at_any_price():
    execution = execute(LimitPrice(TWAP(), -1e6), scenario(complete=True).sample(50, seed=1))
    np.testing.assert_array_equal(execution.shares[-1], 10_000.0)


def test_fills_look_good_and_the_rest_pays_for_it():
    # the martingale lemma: what the limit gains on its fills, the untraded shares lose
    cost = shortfall(execute(LimitPrice(TWAP()), scenario().sample(40_000, seed=2))).bps()
    error = cost.martingale.std() / 200
    assert cost.timing.mean() < -10 * error
    assert abs(cost.martingale.mean()) < 4 * error


def test_bad_distance_is_refused():
    with pytest.raises(ValueError, match="`distance_bps`"):
        LimitPrice(TWAP(), float("nan"))
