"""A handful of numbers by which one day of an order book can be compared with another, or with a model."""

from __future__ import annotations

import math

import numpy as np

from ..checks import check_count
from ..market.book_statistics import durations, market_orders
from ..market.jackknife import jackknife_error, session_piece
from ..market.order_book import DAY_SECONDS, OrderBook
from .statistics import Estimate

MINUTE = 60.0
VOLATILITY = "volatility (% per √day)"
CLUSTERING_LAGS = range(2, 11)
EVENTS = 1500
"""Pieces of equally many messages in which returns are taken for the clustering: no clock, no time of day."""


def stylized_facts(book: OrderBook, *, blocks: int = 13) -> dict[str, Estimate]:
    """Spread, depth, volatility and memory of a book, each with the error of a jackknife over half hours.

    =========================================  ===============================================================
    spread (bps)                               time average of spread over mid
    size at the best price (shares)            time average, mean of both sides
    size on a level behind (shares)            time average over levels 2 to L and both sides
    distance of the last level (bps)           from the mid, time average, mean of both sides
    volatility (% per √day)                    root mean square of one-minute returns of the mid
    memory of signs                            E[s_i s_{i+1}] of consecutive market orders
    following trades, 1 minute                 N(60 s) of `response_function`, the order itself left out
    clustering                                 mean autocorrelation of |returns| over messages, lags 2 to 10
    =========================================  ===============================================================

    Every fact is a function of sums over the pieces of the session; leaving out one piece at a time gives its
    jackknife error. Pieces are treated as independent.

    Parameters
    ----------
    book : OrderBook
        A whole session, with executions.
    blocks : int
        Pieces of the session, at least 2.

    Raises
    ------
    ValueError
        When a piece has nothing to contribute to one of the facts.

    Notes
    -----
    Pinned by `tests/analytics/test_stylized_facts.py`.
    """
    check_count("blocks", blocks, at_least=2)
    sums = _standing_sums(book, blocks) | _return_sums(book, blocks) | _trade_sums(book, blocks)
    for name, (_, weight) in sums.items():
        if not (weight > 0).all():
            raise ValueError(f"`book` must have data on the {name} in each of {blocks} pieces of its session")
    facts = {}
    for name, (total, weight) in sums.items():
        transform = _daily_volatility if name == VOLATILITY else float
        without = np.array(
            [transform((total.sum() - t) / (weight.sum() - w)) for t, w in zip(total, weight, strict=True)]
        )
        facts[name] = Estimate(transform(total.sum() / weight.sum()), float(jackknife_error(without)))
    return facts


_Sums = dict[str, tuple[np.ndarray, np.ndarray]]


def _daily_volatility(minute_variance: float) -> float:
    return 100.0 * math.sqrt(minute_variance * DAY_SECONDS / MINUTE)


def _standing_sums(book: OrderBook, blocks: int) -> _Sums:
    """Time integrals of what stands in the book, and the time, [block] each."""
    weight = durations(book)
    there = weight > 0
    mid = np.where(there, book.mid, 1.0)
    last = np.where(there, np.abs(book.prices[:, :, -1] / mid[:, None] - 1.0).mean(axis=1), 0.0)
    values = {
        "spread (bps)": 1e4 * np.where(there, book.spread, 0.0) / mid,
        "size at the best price (shares)": book.sizes[:, :, 0].mean(axis=1),
        "distance of the last level (bps)": 1e4 * last,
    }
    if book.n_levels > 1:
        values["size on a level behind (shares)"] = book.sizes[:, :, 1:].mean(axis=(1, 2))
    piece = session_piece(book.times, book.session, blocks)
    time = np.bincount(piece, weight, blocks)
    return {name: (np.bincount(piece, weight * value, blocks), time) for name, value in values.items()}


def _return_sums(book: OrderBook, blocks: int) -> _Sums:
    """Squares of returns by the clock, and products of absolute returns by the message, [block] each."""
    begin, end = book.session
    minutes = np.arange(begin + MINUTE, end + 1e-9, MINUTE)
    mid = np.where(book.halted | book.one_sided, np.nan, book.mid)
    rows = np.searchsorted(book.times, minutes, side="right") - 1
    known = rows >= 0
    squares = np.diff(np.log(mid[rows[known]])) ** 2
    good = np.isfinite(squares)
    piece = session_piece(minutes[known][1:][good] - 1e-6, book.session, blocks)
    minute = (np.bincount(piece, squares[good], blocks), np.bincount(piece, minlength=blocks).astype(float))

    rows = np.linspace(0, book.n_events - 1, min(EVENTS, book.n_events // 2) + 1).astype(int)
    size = np.abs(np.diff(np.log(mid[rows])))
    size = np.where(np.isfinite(size), size, np.nanmean(size))
    centred = size - size.mean()
    piece = np.arange(len(size)) * blocks // len(size)  # equally many messages, not equally long
    products = np.zeros(blocks)
    for lag in CLUSTERING_LAGS:
        products += np.bincount(piece[:-lag], centred[lag:] * centred[:-lag], blocks)
    variance = np.bincount(piece, centred**2, blocks)
    return {VOLATILITY: minute, "clustering": (products / len(CLUSTERING_LAGS), variance)}


def _trade_sums(book: OrderBook, blocks: int) -> _Sums:
    """Products of the signs of market orders, [block] each; executions at one time and side are one order."""
    _, time, sign, _ = market_orders(book)
    signed = np.append(0.0, np.cumsum(sign))
    upto = np.searchsorted(time, time + MINUTE, side="right")
    following = sign * (signed[upto] - signed[:-1]) - 1.0
    whole = time + MINUTE <= book.session[1]
    piece = session_piece(time, book.session, blocks)
    pairs = np.bincount(piece[:-1], sign[1:] * sign[:-1], blocks), np.bincount(piece[:-1], minlength=blocks)
    after = np.bincount(piece[whole], following[whole], blocks), np.bincount(piece[whole], minlength=blocks)
    return {"memory of signs": pairs, "following trades, 1 minute": after}
