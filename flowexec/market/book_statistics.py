"""What a day of a limit order book looks like: depth, spread, imbalance and volume."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..checks import check_count
from .order_book import DAY_SECONDS, EXECUTION, OrderBook
from .paths import ASK, BID
from .volume import VolumeCurve


def durations(book: OrderBook) -> np.ndarray:
    """Seconds for which each row of the book stands [event]; 0 while trading is halted or a side is empty.

    The last row stands to the end of the session. The weights of every time average in this module, which
    `tests/market/test_book_statistics.py` pins.
    """
    lengths = np.diff(book.times, append=book.session[1])
    return np.where(book.halted | book.one_sided, 0.0, lengths)


def _weights(book: OrderBook) -> np.ndarray:
    """`durations` as shares of the time for which the book can be traded [event]."""
    lengths = durations(book)
    if lengths.sum() == 0:
        raise ValueError(f"`book` must show both sides outside halts at some time, {book.ticker} never does")
    weight: np.ndarray = lengths / lengths.sum()
    return weight


def volume_curve(book: OrderBook, bins: int = 78, dispersion: float = 0.0) -> VolumeCurve:
    """The day's traded volume (messages of type 4 and 5) as a `VolumeCurve` of equal bins.

    One day estimates a profile badly: a bin of 5 minutes is a single draw. Use few bins, or average over
    days.

    Raises
    ------
    ValueError
        When the recording is not a whole day of 6.5 hours, or nothing was traded.
    """
    check_count("bins", bins)
    begin, end = book.session
    if abs(end - begin - DAY_SECONDS) > 1.0:
        raise ValueError(f"`book` must record a whole day of {DAY_SECONDS:g} s, got {end - begin:g} s")
    shares, _ = np.histogram(book.times, bins=np.linspace(begin, end, bins + 1), weights=book.traded)
    if shares.sum() == 0:
        raise ValueError(f"`book` must hold executions (types 4 and 5), {book.ticker} has none")
    return VolumeCurve(float(shares.sum()), tuple(shares.tolist()), dispersion)


class MarketOrders(NamedTuple):
    """Market orders as a recording shows them; arrays [order], in the order of time."""

    row: np.ndarray
    """Number of the message with which the order begins."""
    time: np.ndarray
    """When it begins, seconds after midnight."""
    sign: np.ndarray
    """+1 for a purchase, −1 for a sale."""
    size: np.ndarray
    """Shares, visible executions only."""


def market_orders(book: OrderBook, gap: float = 0.0) -> MarketOrders:
    """Executions on one side, each within `gap` seconds of the one before, put together to one order."""
    fills = np.flatnonzero(book.event == EXECUTION)
    time, sign = book.times[fills], -book.direction[fills].astype(float)
    first = np.append(True, (np.diff(time) > gap) | (np.diff(sign) != 0))[: len(fills)]
    size = np.add.reduceat(book.size[fills], np.flatnonzero(first)) if len(fills) else np.zeros(0)
    return MarketOrders(fills[first], time[first], sign[first], size)


class DepthProfile(NamedTuple):
    """Time-averaged depth by level, arrays [2, level] with the sides `BID` and `ASK`."""

    size: np.ndarray
    """Shares; a missing level counts as 0."""
    distance: np.ndarray
    """From the mid, in bps of it, while the level is there."""
    present: np.ndarray
    """Share of the time for which the level is there."""


def depth_profile(book: OrderBook) -> DepthProfile:
    """How much stands how far from the mid, on time average."""
    weight = _weights(book)
    there = (book.sizes > 0) & (weight > 0)[:, None, None]
    present = np.einsum("e,esl->sl", weight, there.astype(float))
    mid = np.where(weight > 0, book.mid, 1.0)[:, None, None]
    bps = np.where(there, np.abs(book.prices / mid - 1.0), 0.0) * 1e4
    with np.errstate(invalid="ignore"):  # a level that is never there has no distance: NaN
        distance = np.einsum("e,esl->sl", weight, bps) / present
    return DepthProfile(np.einsum("e,esl->sl", weight, np.where(there, book.sizes, 0.0)), distance, present)


class SpreadStatistics(NamedTuple):
    """Time-weighted facts of the quoted spread, currency per share unless said otherwise."""

    mean: float
    bps: float
    """Mean of spread over mid, in bps."""
    quantiles: tuple[float, float, float]
    """5 %, 50 % and 95 %."""
    tightest: float
    """The narrowest spread that stood at all."""


def spread_statistics(book: OrderBook) -> SpreadStatistics:
    """Mean, quantiles and minimum of the quoted spread, each value weighted by how long it stood."""
    weight = _weights(book)
    stood = weight > 0
    weight, spread, mid = weight[stood], book.spread[stood], book.mid[stood]
    order = np.argsort(spread, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    low, median, high = (float(spread[order][np.searchsorted(reached, q)]) for q in (0.05, 0.5, 0.95))
    return SpreadStatistics(
        float(np.average(spread, weights=weight)),
        float(np.average(spread / mid, weights=weight) * 1e4),
        (low, median, high),
        float(spread.min()),
    )


class ImbalanceCurve(NamedTuple):
    """How often the mid's next move is up, by the imbalance of the best queues; arrays [bin]."""

    imbalance: np.ndarray
    """Centre of the bin, in [−1, 1]."""
    up: np.ndarray
    """Share of next moves that go up; NaN in an empty bin."""
    standard_error: np.ndarray
    moves: np.ndarray
    """How many moves the bin counts."""


def imbalance_curve(book: OrderBook, bins: int = 9) -> ImbalanceCurve:
    """Does the book know where the mid goes next?

    The imbalance (q_bid − q_ask)/(q_bid + q_ask) of the best queues is read once for every move of the mid,
    just after the move before, and compared with the move's sign. One reading a move keeps the moves nearly
    independent; the standard error √(p(1−p)/n) supposes they are. With an odd number of bins the balanced
    book is in the middle of one.
    """
    check_count("bins", bins, at_least=2)
    usable = np.flatnonzero(durations(book) > 0)
    mid = book.mid[usable]
    moves = np.flatnonzero(np.diff(mid) != 0)
    read, moved = moves[:-1] + 1, mid[moves[1:] + 1] - mid[moves[1:]]
    bid, ask = book.sizes[usable[read], BID, 0], book.sizes[usable[read], ASK, 0]
    imbalance = (bid - ask) / (bid + ask)
    edges = np.linspace(-1.0, 1.0, bins + 1)
    count, _ = np.histogram(imbalance, edges)
    ups, _ = np.histogram(imbalance, edges, weights=(moved > 0).astype(float))
    with np.errstate(invalid="ignore"):
        share = ups / count
        error = np.sqrt(share * (1.0 - share) / count)
    return ImbalanceCurve(0.5 * (edges[1:] + edges[:-1]), share, error, count)
