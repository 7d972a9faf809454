"""The worth of adapting: none where there is nothing to watch, and what simulation finds where there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from flowexec import (
    GBM,
    OrnsteinUhlenbeck,
    Strategy,
    WithSignal,
    book_scenario,
    execute,
    mean_estimate,
    shortfall,
    solve_optimal,
    static_optimum,
    worth_of_adapting,
)

HIGH = book_scenario("HH", n_steps=20)


def test_nothing_to_watch_is_worth_nothing() -> None:
    quiet = replace(HIGH, market=GBM(100.0, 0.02, spread=0.01))
    worth = worth_of_adapting(quiet)
    assert abs(worth.saving) <= worth.error + 1e-9 * worth.static
    assert worth_of_adapting(replace(HIGH, risk_aversion=0.0)).share == pytest.approx(0.0, abs=1e-6)


def test_it_is_what_a_paired_simulation_finds() -> None:
    worth = worth_of_adapting(HIGH)
    assert 0.0 < worth.share < 0.03
    problem = HIGH.sample(50_000, seed=4)

    def objective(strategy: Strategy) -> np.ndarray:
        cost = shortfall(execute(strategy, problem))
        return cost.total - cost.martingale + HIGH.risk_aversion * cost.execution.risk

    saving = mean_estimate(objective(static_optimum(HIGH).strategy) - objective(solve_optimal(HIGH)))
    assert saving.standard_error < 0.1 * worth.saving
    assert abs(saving.value - worth.saving) < 3 * saving.standard_error
    assert worth.sunk < worth.adaptive < worth.static
    # what is paid whatever one does makes adapting neither more nor less of a part of the rest
    dear = worth_of_adapting(replace(HIGH, order=replace(HIGH.order, fee_per_share=1.0)))
    assert dear.share == pytest.approx(worth.share, rel=1e-9)


def test_faster_reversion_is_worth_less_in_the_limit_and_a_stronger_signal_more() -> None:
    def share(**parameters: float) -> float:
        return worth_of_adapting(replace(HIGH, market=replace(HIGH.market, **parameters))).share

    assert share(kappa=100.0) < 0.1 * share(kappa=5.0)
    assert share(xi=0.3 * HIGH.market.xi) < 0.3 * share(xi=HIGH.market.xi)
    signals = [
        worth_of_adapting(
            replace(HIGH, market=WithSignal(GBM(100.0, 0.02), OrnsteinUhlenbeck(5.0, eta)))
        ).saving
        for eta in (0.5, 1.0, 2.0)
    ]
    # quadratic in the signal while the schedule never has to wait
    assert signals[1] / signals[0] == pytest.approx(4.0, rel=0.1)
    assert signals[2] > signals[1]
