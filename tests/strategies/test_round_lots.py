"""Whole lots: the nearest number of them, and an order that is done all the same."""

import numpy as np
import pytest

from flowexec import TWAP, VWAP, Bachelier, Order, PowerImpact, Scenario, execute
from flowexec.strategies.round_lots import RoundLots


def problem(shares, n_steps=6, **order):
    return Scenario(
        Order("buy", shares, 1.0, n_steps, **order), Bachelier(50.0, 1.0), PowerImpact(1e-5)
    ).sample(4, seed=1)


@pytest.mark.parametrize("shares", [1200.0, 1234.0, 77.0])
@pytest.mark.parametrize("strategy", [TWAP(), VWAP()], ids=str)
def test_all_but_the_last_trade_are_the_nearest_lots_of_what_was_wanted(strategy, shares):
    bought = execute(RoundLots(strategy, 50.0), problem(shares))
    lots = bought.shares[:-1] / 50.0
    np.testing.assert_array_equal(lots, lots.round())
    np.testing.assert_allclose(bought.shares.sum(axis=0), shares, rtol=1e-12)
    assert (bought.inventory >= 0).all()
    for k, rounded in enumerate(bought.shares[:-1]):
        state = bought.problem.start()._replace(step=k, inventory=bought.inventory[k])
        wanted = strategy.trade(bought.problem.observe(state))
        assert (abs(np.minimum(rounded, bought.inventory[k]) - wanted) <= 25.0).all()


def test_a_strategy_of_whole_lots_is_left_alone():
    np.testing.assert_array_equal(
        execute(RoundLots(TWAP(), 100.0), problem(1200.0)).shares, execute(TWAP(), problem(1200.0)).shares
    )


def test_torch_is_numpy():
    ours, theirs = (execute(RoundLots(VWAP(), 10.0), p) for p in (problem(777.0), problem(777.0).to_torch()))
    np.testing.assert_array_equal(theirs.shares.numpy(), ours.shares)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: RoundLots(TWAP(), 0.0), "`lot` must be greater than 0, got 0.0"),
        (lambda: RoundLots(None), "`strategy` must be a Strategy, got None"),
    ],
)
def test_bad_parameters_are_refused_by_name(make, sentence, refused):
    with refused(sentence):
        make()
