"""Moves keep their size and lose their direction; books go with them; who foretells has nothing to tell."""

import numpy as np
import pytest

from flowexec import (
    TWAP,
    ExecutionProblem,
    Order,
    OrderBookReplay,
    WalkTheBook,
    ZeroIntelligence,
    execute,
    shortfall,
)
from flowexec.market.driftless import driftless_copies
from flowexec.market.paths import ASK, BID, PRICE, SIZE
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier

DAY = ZeroIntelligence().simulate_day(seed=3, session=(34_200.0, 37_800.0))
PATHS = OrderBookReplay(DAY, 5.0, gaps="skip").horizons(12)
COPIES = driftless_copies(PATHS, 200, seed=1)
ORDER = Order("sell", 60.0, 60.0 / 23_400.0, 12)


class Momentum:
    """Trades at TWAP's rate, faster after a fall and slower after a rise of the mid."""

    def trade(self, observation):
        pace = observation.order.shares / observation.order.n_steps
        return pace * (1.0 - 0.5 * np.sign(observation.mid - observation.arrival_price))


def test_moves_keep_their_size_and_all_else_its_place():
    h, copies = PATHS.n_paths, 200
    assert COPIES.n_paths == copies * h
    np.testing.assert_allclose(
        np.abs(np.diff(COPIES.mid, axis=0)), np.tile(np.abs(np.diff(PATHS.mid, axis=0)), copies), atol=1e-9
    )
    for name in ("variance", "volume", "spread"):
        np.testing.assert_array_equal(getattr(COPIES, name), np.tile(getattr(PATHS, name), copies))
    np.testing.assert_array_equal(COPIES.mid[0], np.tile(PATHS.mid[0], copies))


def test_books_go_with_the_mid():
    size, price = COPIES.depth[..., SIZE], COPIES.depth[..., PRICE]
    np.testing.assert_array_equal(size, np.tile(PATHS.depth, (1, 200, 1, 1, 1))[..., SIZE])
    np.testing.assert_allclose((price[:, :, BID, 0] + price[:, :, ASK, 0]) / 2, COPIES.mid[:-1], atol=1e-9)
    np.testing.assert_allclose(price[:, :, ASK, 0] - price[:, :, BID, 0], COPIES.spread, atol=1e-9)
    missing = size == 0
    assert missing.any() or size.min() > 0
    np.testing.assert_array_equal(
        price[missing], np.tile(PATHS.depth, (1, 200, 1, 1, 1))[..., PRICE][missing]
    )


def test_every_move_is_up_or_down_with_equal_chances_and_none_knows_of_another():
    moved = np.diff(PATHS.mid, axis=0) != 0
    ups = np.sign(np.diff(COPIES.mid, axis=0)).reshape(12, 200, -1)
    for pair in (ups[:, :, :], ups[1:] * ups[:-1]):
        share = pair.sum(axis=(0, 2)) / np.abs(pair).sum(axis=(0, 2)).mean()
        assert abs(share.mean()) < 4.0 * share.std() / np.sqrt(200)
    assert moved.any()


@pytest.mark.parametrize("strategy", [TWAP(), Momentum()])
def test_nobody_gains_from_moves(strategy):
    """The timing cost has mean 0 whatever one does; the spread costs what it costs."""
    cost = shortfall(execute(strategy, ExecutionProblem(ORDER, COPIES, WalkTheBook())))
    timing = cost.timing.reshape(200, -1).sum(axis=1)
    assert abs(timing.mean()) < 4.0 * timing.std() / np.sqrt(200)
    assert timing.std() > 0


def test_copies_are_a_function_of_the_seed_and_not_of_their_number():
    few = driftless_copies(PATHS, 2, seed=1)
    np.testing.assert_array_equal(few.mid, COPIES.mid[:, : 2 * PATHS.n_paths])
    assert not np.array_equal(few.mid, driftless_copies(PATHS, 2, seed=2).mid)
    assert not np.array_equal(few.mid[:, : PATHS.n_paths], few.mid[:, PATHS.n_paths :])


def test_paths_without_a_book_are_fine_and_signals_are_refused():
    market = SignalBachelier(100.0, 2.0, OrnsteinUhlenbeck(5.0, 1.0))
    paths = market.simulate(10, 4, 1.0, seed=1)
    with pytest.raises(ValueError, match="`paths` must be without a signal"):
        driftless_copies(paths, 2, seed=1)
    with pytest.raises(ValueError, match="`copies` must be a whole number, at least 1, got 0"):
        driftless_copies(PATHS, 0, seed=1)
