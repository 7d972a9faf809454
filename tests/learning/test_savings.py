"""What a decision saved: exact sums for every impact, a closed form, nothing for TWAP, and no look-ahead."""

from dataclasses import replace

import numpy as np
import pytest

from flowexec import (
    GBM,
    POV,
    TWAP,
    ExponentialDecay,
    Heston,
    Immediate,
    Order,
    PowerImpact,
    Scenario,
    TransientImpact,
    execute,
)
from flowexec.learning.book_protocol import RandomRates
from flowexec.learning.pathwise import controlled_objective
from flowexec.learning.savings import decision_savings
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier

ORDER = Order("sell", 1000.0, 1.0, 6)
LINEAR = Scenario(ORDER, GBM(100.0, 0.02), PowerImpact(0.001, 1.0, 0.003))
SCENARIOS = {
    "linear": LINEAR,
    "concave, with risk": Scenario(
        Order("buy", 1000.0, 1.0, 6), Heston(100.0, 4e-4, 5.0, 4e-4, 0.04, -0.5), PowerImpact(0.01, 0.6), 1e-3
    ),
    "transient": replace(LINEAR, impact=TransientImpact(0.002, ExponentialDecay(3.0))),
    "signal": replace(LINEAR, market=SignalBachelier(100.0, 1.0, OrnsteinUhlenbeck(5.0, 2.0))),
    "untraded rest": replace(LINEAR, order=replace(ORDER, complete=False, fee_per_share=0.01, fixed_fee=2.0)),
}
RATES = (0.0, 0.5, 1.0, 1.5, 2.0)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("strategy", [RandomRates(RATES, seed=3), Immediate(), POV(0.2)])
def test_savings_sum_to_the_saving_on_every_path(name, strategy):
    """Σ δ_k = objective of TWAP − objective of the strategy, without martingale parts, in bps."""
    scenario = SCENARIOS[name]
    problem = scenario.sample(7, seed=1)
    twap, ours = (execute(s, problem) for s in (TWAP(), strategy))
    saved = controlled_objective(twap, scenario) - controlled_objective(ours, scenario)
    arrival_value = scenario.order.shares * problem.paths.mid[0]
    savings = decision_savings(ours, scenario)
    assert savings.shape == (6, 7)
    np.testing.assert_allclose(savings.sum(axis=0), 1e4 * saved / arrival_value, rtol=0, atol=1e-9)
    if scenario.order.complete:
        np.testing.assert_allclose(savings[-1], 0.0, atol=1e-10)  # nothing is left to decide


@pytest.mark.parametrize("name", SCENARIOS)
def test_who_trades_like_twap_saves_nothing_in_any_step(name):
    savings = decision_savings(execute(TWAP(), SCENARIOS[name].sample(5, seed=2)), SCENARIOS[name])
    np.testing.assert_allclose(savings, 0.0, atol=1e-9)


def test_the_advantage_is_that_of_the_closed_form():
    """Linear impact ε n²/τ: n of x with m steps left costs (ε/τ) (n − x/m)² m/(m − 1) more than TWAP.

    Linear permanent impact costs γX²/2, whatever the schedule, but for −γ Σ n²/2.
    """
    execution = execute(RandomRates(RATES, seed=5), LINEAR.sample(50, seed=3))
    left, traded = execution.inventory[:-1], execution.shares
    per_step = 0.001 / ORDER.step_length - 0.003 / 2
    steps = np.arange(6, 0, -1)[:, None]
    expected = -per_step * (traded - left / steps) ** 2 * steps / np.maximum(steps - 1, 1)
    bps = 1e4 / (1000.0 * 100.0)
    assert np.ptp(expected[:-1]) * bps > 1.0
    np.testing.assert_allclose(decision_savings(execution, LINEAR)[:-1], expected[:-1] * bps, atol=1e-9)


def test_what_was_saved_before_does_not_depend_on_later_decisions():
    problem = LINEAR.sample(9, seed=4)
    early = execute(RandomRates(RATES, seed=6), problem)

    class Turned:
        def trade(self, observation):
            k = observation.step
            return early.shares[k] if k < 3 else observation.inventory

    late = execute(Turned(), problem)
    np.testing.assert_allclose(
        decision_savings(late, LINEAR)[:3], decision_savings(early, LINEAR)[:3], atol=1e-10
    )
