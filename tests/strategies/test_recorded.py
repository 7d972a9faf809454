"""Recorded trades are played back; the planted cheat cheats, by as much as theory says."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from flowexec import TWAP, Bachelier, Order, PowerImpact, Scenario, execute, shortfall
from flowexec.strategies.recorded import Recorded, foresight, peeking


def problem(side="sell", complete=True, n_paths=20_000):
    order = Order(side, 1000.0, 1.0, 10, complete=complete)
    return Scenario(order, Bachelier(100.0, 2.0), PowerImpact(0.0)).sample(n_paths, seed=4)


def test_it_trades_what_was_recorded_and_no_more_than_is_left():
    here = problem(complete=False, n_paths=3)
    trades = np.zeros((10, 3))
    trades[2] = [100.0, 700.0, 5000.0]
    execution = execute(Recorded(trades), here)
    np.testing.assert_array_equal(execution.shares[2], [100.0, 700.0, 1000.0])
    np.testing.assert_array_equal(execution.inventory[-1], [900.0, 300.0, 0.0])


def test_a_recording_of_an_execution_is_that_execution():
    here = problem(n_paths=50)
    twap = execute(TWAP(), here)
    np.testing.assert_array_equal(execute(Recorded(twap.shares), here).price, twap.price)
    np.testing.assert_allclose(peeking(here, boldness=0.0).shares, twap.shares)


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_the_cheat_gains_its_closed_form(side):
    # In a step with m to go its holding after the trade has mean (1 − 1/m) of what it had, and deviates from
    # that by boldness/m of it, always on the right side of a move of mean size σ√τ √(2/π).
    boldness, here = 0.4, problem(side)
    order = here.order
    mean_left = order.shares * np.arange(order.n_steps, 0, -1) / order.n_steps
    m = np.arange(order.n_steps, 0, -1)
    move = 2.0 * math.sqrt(order.step_length) * math.sqrt(2 / math.pi)
    gain = float((mean_left[:-1] * boldness / m[:-1]).sum() * move)
    cost = shortfall(execute(peeking(here, boldness=boldness), here)).total
    assert abs(cost.mean() + gain) < 4 * cost.std() / math.sqrt(cost.size)
    assert gain > 20 * cost.std() / math.sqrt(cost.size)


def test_it_is_complete_and_never_negative():
    execution = execute(peeking(problem(n_paths=200), boldness=1.0), problem(n_paths=200))
    assert execution.shares.min() >= 0
    np.testing.assert_allclose(execution.shares.sum(axis=0), 1000.0)


def test_bad_recordings_are_refused():
    with pytest.raises(ValueError, match=r"`shares` must have shape \[step, path\]"):
        Recorded(np.ones(3))
    with pytest.raises(ValueError, match="`shares` must be at least 0"):
        Recorded(np.array([[1.0], [math.nan]]))
    with pytest.raises(ValueError, match="`shares` must have the problem's shape"):
        execute(Recorded(np.ones((9, 3))), problem(n_paths=3))
    with pytest.raises(ValueError, match="`boldness` must lie in"):
        peeking(problem(n_paths=3), boldness=1.1)


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("pace", [1.0, 1.7, 2.0, 10.0, 25.0])
def test_foresight_is_the_linear_programme(side, pace):
    """min s Σ n_k S_k with Σ n_k = X and n_k within the rate, on paths whose spread moves too."""
    order = Order(side, 1000.0, 1.0, 10)
    here = Scenario(order, Bachelier(100.0, 2.0, spread=0.5), PowerImpact(0.0)).sample(5, seed=4)
    spread = np.random.default_rng(1).uniform(0.0, 3.0, here.paths.spread.shape)
    here = replace(here, paths=replace(here.paths, spread=spread))
    cost = shortfall(execute(foresight(here, pace=pace), here)).total
    for path in range(5):
        quotes = order.sign * here.paths.mid[:-1, path] + here.paths.spread[:, path] / 2
        best = linprog(quotes, A_eq=np.ones((1, 10)), b_eq=[1000.0], bounds=(0.0, 100.0 * pace))
        assert cost[path] == pytest.approx(best.fun - order.sign * 1000.0 * here.paths.mid[0, path], abs=1e-6)
    if pace == 1.0:
        np.testing.assert_allclose(foresight(here, pace=1.0).shares, 100.0)


def test_foresight_refuses_a_pace_that_does_not_get_done():
    with pytest.raises(ValueError, match=r"`pace` must be at least 1, got 0\.9"):
        foresight(problem(n_paths=3), pace=0.9)
