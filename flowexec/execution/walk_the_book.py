"""Impact by walking a visible order book: what a replayed market charges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..market.order_book import walk_levels
from ..market.paths import ASK, BID, Array
from .impact import Bar


class Walked(NamedTuple):
    """State of a walked book."""

    displacement: Array
    """Always 0 [path]: the recorded book does not react."""
    excess: Array
    """Shares so far that exceeded the visible levels and were filled at the last visible price [path]."""


@dataclass(frozen=True)
class WalkTheBook:
    """Each trade is a market order that walks the visible levels of the recorded book.

    A sale of n shares takes the bids from the best downwards, a purchase the asks upwards (`walk_levels` has
    the equation). What exceeds the visible levels is filled at the last visible price and counted in the
    state's `excess`: a lower bound of its cost. The price includes the half spread, so the difference to mid
    ± spread/2 is the temporary impact. Nothing is left behind: the next step meets the book as it was
    recorded, as if one's own trade had never been, and `displacement` is 0. That is the limit of every
    replay, not a property of markets.

    Raises
    ------
    ValueError
        In `trade`, when the market shows no depth, or the side to be hit is empty on a path that trades.

    Notes
    -----
    Follows the protocol of the MathWorks example "Deep Reinforcement Learning for Optimal Trade Execution".
    Pinned by `tests/execution/test_walk_the_book.py`.
    """

    def start(self, like: Array) -> Walked:
        return Walked(0.0 * like, 0.0 * like)

    def trade(self, state: Walked, shares: Array, bar: Bar, side: int) -> tuple[Array, Walked]:
        if bar.depth is None:
            raise ValueError(
                "WalkTheBook needs a market that shows its book (`depth`), such as OrderBookReplay; "
                "with model markets use PowerImpact or TransientImpact"
            )
        book = bar.depth[:, ASK if side > 0 else BID]
        price, size = book[..., 0], book[..., 1]
        empty = (size.sum(-1) == 0) & (shares > 0)
        if bool(empty.any()):
            path = int(empty.nonzero()[0][0])
            raise ValueError(
                f"the {'ask' if side > 0 else 'bid'} side of the book is empty on path {path}: there "
                "is nobody to trade with. Leave such horizons out of the replay"
            )
        average, excess = walk_levels(price, size, shares)
        return average, Walked(state.displacement, state.excess + excess)
