"""What trading against a recorded book costs, and what the recording knows of the reaction to trades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..checks import check_count, check_numbers, check_real
from .book_statistics import durations, market_orders
from .jackknife import jackknife_error, leave_one_out
from .order_book import OrderBook, walk_levels
from .paths import ASK, BID


@dataclass(frozen=True)
class WalkingCost:
    """Cost of market orders of several sizes against the recorded book; arrays [2, size], `BID` is hit by
    sales.

    Attributes
    ----------
    shares : array [size]
    cost : array [2, size]
        Mean cost beyond the half spread (average price against the best price), bps of the mid.
    standard_error : array [2, size]
    half_spread : float
        Mean half spread, bps: what every size pays on top.
    excess : array [2, size]
        Share of all shares that exceeded the visible levels, and whose cost is therefore understated.
    exponent, exponent_error : array [2]
        β of cost ∝ shares^β, fitted by least squares on logarithms over the sizes with a positive cost and at
        most `excess_limit` of excess, and its standard error; NaN where fewer than two sizes qualify.
    """

    shares: np.ndarray
    cost: np.ndarray
    standard_error: np.ndarray
    half_spread: float
    excess: np.ndarray
    exponent: np.ndarray
    exponent_error: np.ndarray


def _exponent(shares: np.ndarray, cost: np.ndarray, usable: np.ndarray) -> float:
    if usable.sum() < 2 or not (cost[usable] > 0).all():
        return float("nan")
    return float(np.polyfit(np.log(shares[usable]), np.log(cost[usable]), 1)[0])


def walking_cost(
    book: OrderBook,
    shares: Sequence[float],
    *,
    interval: float = 5.0,
    blocks: int = 13,
    excess_limit: float = 0.05,
) -> WalkingCost:
    """What market orders would have cost against the book as it stood, every `interval` seconds of the day.

    Standard errors are of the delete-one-block jackknife over `blocks` equal pieces of the session (13 half
    hours of a day), since neighbouring books are nearly the same book.

    Parameters
    ----------
    book : OrderBook
    shares : sequence of float
        Order sizes, positive and increasing.
    interval : float
        Seconds between readings.
    blocks : int
        At least 2.
    excess_limit : float
        Largest `excess` of a size that the fit of the exponent uses, in [0, 1].

    Notes
    -----
    Pinned by `tests/market/test_book_costs.py`.
    """
    sizes = check_numbers("shares", shares)
    if not (np.diff(sizes, prepend=0.0) > 0).all():
        raise ValueError(f"`shares` must be positive and increasing, got {shares!r}")
    check_real("interval", interval, above=0)
    check_count("blocks", blocks, at_least=2)
    check_real("excess_limit", excess_limit, at_least=0, at_most=1)
    begin, end = book.session
    moments = np.arange(begin + interval, end, interval)
    rows = np.searchsorted(book.times, moments, side="right") - 1  # the book as it stood: the row before
    good = (rows >= 0) & (durations(book) > 0)[rows]
    rows, moments = rows[good], moments[good]
    if len(rows) == 0:
        raise ValueError(f"`interval` must leave a moment at which the book can be traded, got {interval!r}")
    price, size, mid = book.prices[rows], book.sizes[rows], book.mid[rows, None, None]
    orders = np.broadcast_to(sizes, (len(rows), 2, len(sizes)))
    walked, beyond = walk_levels(price[:, :, None, :], size[:, :, None, :], orders)
    bps = np.abs(walked - price[:, :, :1]) / mid * 1e4
    excess = (beyond / sizes).mean(axis=0)
    fit = excess <= excess_limit
    cost = bps.mean(axis=0)
    without = leave_one_out(bps, moments, book.session, blocks)
    fit &= (cost > 0) & (without > 0).all(axis=0)
    exponents = np.array([[_exponent(sizes, c[side], fit[side]) for side in (BID, ASK)] for c in without])
    return WalkingCost(
        shares=sizes,
        cost=cost,
        standard_error=jackknife_error(without),
        half_spread=float((0.5 * book.spread[rows] / book.mid[rows]).mean() * 1e4),
        excess=excess,
        exponent=np.array([_exponent(sizes, cost[side], fit[side]) for side in (BID, ASK)]),
        exponent_error=jackknife_error(exponents),
    )


class Response(NamedTuple):
    """How the mid moves after market orders, and how many more of them follow; arrays [lag]."""

    lags: np.ndarray
    """Seconds after the trade."""
    move: np.ndarray
    """R: mean move of the mid in the direction of the trade since just before it, bps."""
    standard_error: np.ndarray
    trades: int
    """Market orders that count."""
    mean_size: float
    """Their mean size, shares, visible executions only."""
    net_trades: np.ndarray
    """N: market orders in the direction of the trade less those against it, from the trade itself on."""
    net_trades_error: np.ndarray
    per_trade: np.ndarray
    """R/N, bps: what one order moves the mid for good, if moves last and add up; NaN at N = 0."""
    per_trade_error: np.ndarray
    change_error: np.ndarray
    """Standard error of R/N less its value at the first lag: the two share most of their noise."""


def response_function(
    book: OrderBook,
    lags: Sequence[float],
    *,
    sizes: tuple[float, float] = (0.0, math.inf),
    gap: float = 0.0,
    blocks: int = 13,
) -> Response:
    """What a replay leaves out: by how much the recorded market moved after somebody traded.

        R(ℓ) = E[ s_t (m_{t+ℓ} − m_{t−}) / m_{t−} ],   N(ℓ) = E[ Σ_{t ≤ u ≤ t+ℓ} s_t s_u ]

    over market orders that begin at times t, s_t = +1 for a purchase (Bouchaud, Gefen, Potters and Wyart
    2004). R is not the impact of one order, since orders come in series in the same direction, N of them on
    balance. If every order moved the mid by g for good, and nothing else moved it on average, R(ℓ) would be
    g·N(ℓ) at every lag. A replay, whose book comes back untouched in the next step, has R = 0 for the
    trader's own orders.

    Parameters
    ----------
    book : OrderBook
    lags : sequence of float
        Seconds, at least 0.
    sizes : (float, float)
        Only orders of more than the first and at most the second number of shares begin a response; all
        orders count in N.
    gap : float
        Executions on one side that follow one another within so many seconds are one order; 0 joins only
        those of the same time stamp. The file does not say how a larger order was cut up, and what is called
        one order decides how R divides into N and R/N.
    blocks : int
        For the standard errors, as in `walking_cost`.

    Notes
    -----
    Trades within the longest lag of the session's end do not count, nor do those around a halt or an empty
    side. Pinned by `tests/market/test_book_costs.py`.
    """
    seconds = check_numbers("lags", lags)
    if not (seconds >= 0).all():
        raise ValueError(f"`lags` must be seconds, at least 0, got {lags!r}")
    check_count("blocks", blocks, at_least=2)
    check_real("gap", gap, at_least=0)
    smallest, largest = sizes
    if not smallest < largest:
        raise ValueError(f"`sizes` must be (more than, at most) with the first smaller, got {sizes!r}")
    mid = np.where(book.halted | book.one_sided, np.nan, book.mid)
    start, begun, sign, size = market_orders(book, gap)
    after = np.searchsorted(book.times, begun[:, None] + seconds, side="right") - 1
    before = mid[start - 1]
    moves = sign[:, None] * (mid[after] / before[:, None] - 1.0) * 1e4
    signed = np.append(0.0, np.cumsum(sign))
    upto = np.searchsorted(begun, begun[:, None] + seconds, side="right")
    following = sign[:, None] * (signed[upto] - signed[: len(start), None])
    good = (start > 0) & (begun + seconds.max() <= book.session[1]) & np.isfinite(moves).all(axis=1)
    good &= (size > smallest) & (size <= largest)
    if not good.any():
        raise ValueError(f"`book` must hold market orders with {seconds.max():g} s of session after them")
    moves, following = moves[good], following[good]
    both = leave_one_out(np.stack([moves, following], axis=1), begun[good], book.session, blocks)
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN where as many trades follow against as with
        per_trade = moves.mean(axis=0) / following.mean(axis=0)
        without = both[:, 0] / both[:, 1]
        per_trade_error = jackknife_error(without)
        change_error = jackknife_error(without - without[:, :1])
    return Response(
        lags=seconds,
        move=moves.mean(axis=0),
        standard_error=jackknife_error(both[:, 0]),
        trades=int(good.sum()),
        mean_size=float(size[good].mean()),
        net_trades=following.mean(axis=0),
        net_trades_error=jackknife_error(both[:, 1]),
        per_trade=per_trade,
        per_trade_error=per_trade_error,
        change_error=change_error,
    )
