"""Impact has a clock, and keeping it is cheapest."""

import numpy as np
import pytest
from scipy.optimize import minimize

from flowexec import Order, PowerImpact, VolumeCurve, static_plan
from flowexec.strategies.clock import clock_penalty

VOLUME = VolumeCurve.u_shape(1e6, depth=0.7).expected(13, 1.0)


@pytest.mark.parametrize("exponent", [0.3, 0.6, 1.0, 2.0])
def test_no_schedule_is_cheaper_than_the_clock(exponent):
    assert clock_penalty(7.0 * VOLUME, VOLUME, exponent) == pytest.approx(1.0, rel=1e-14)

    def cost(logits):
        weights = np.exp(logits - logits.max())
        return clock_penalty(weights, VOLUME, exponent)

    found = minimize(cost, np.random.default_rng(1).normal(0, 0.5, 13), tol=1e-14)
    assert found.fun >= 1 - 1e-12
    weights = np.exp(found.x - found.x.max())
    np.testing.assert_allclose(weights / weights.sum(), VOLUME / VOLUME.sum(), rtol=1e-3)


def test_on_the_wall_clock_it_is_what_the_engine_charges():
    order, impact = Order("sell", 1e5, 1.0, 13), PowerImpact(2e-5, 0.6)
    twap, vwap = (
        static_plan(order, order.shares * w / w.sum(), volatility=0.0, impact=impact).expected_cost
        for w in (np.ones(13), VOLUME)
    )
    assert clock_penalty(VOLUME, np.ones(13), 0.6) == pytest.approx(vwap / twap, rel=1e-12)
    assert vwap > 1.02 * twap


def test_on_the_volume_clock_twap_pays():
    # Σ n_k ε(n_k/V_k)^β by hand
    n, beta = np.full(13, 1 / 13), 0.6
    by_hand = (n * (n / VOLUME) ** beta).sum() / (1 / VOLUME.sum()) ** beta
    assert clock_penalty(n, VOLUME, beta) == pytest.approx(by_hand, rel=1e-12)
    assert by_hand > 1.02


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="`clock` must be greater than 0"):
        clock_penalty([1, 1], [1, 0], 0.6)
    with pytest.raises(ValueError, match="`schedule` must hold numbers"):
        clock_penalty([0, 0], [1, 1], 0.6)
    with pytest.raises(ValueError, match="one entry a step"):
        clock_penalty([1, 1], [1, 1, 1], 0.6)
    with pytest.raises(ValueError, match="`exponent`"):
        clock_penalty([1, 1], [1, 1], 0.0)
