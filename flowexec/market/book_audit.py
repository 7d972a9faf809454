"""Does a recorded book agree with itself? Rows against their messages, executions against time priority."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .order_book import CANCELLATION, DELETION, EXECUTION, PRICE_UNIT, SUBMISSION, OrderBook, clock
from .paths import ASK, BID


class Reconciliation(NamedTuple):
    """How many rows of a book follow from the row before and the message between them."""

    rows: int
    """Rows with a row before them."""
    visible: int
    """Rows whose message changes the visible book; the others say that nothing visible changes."""
    disagree: np.ndarray
    """Row numbers, counted from 0, that do not follow."""
    first: str
    """The first of them in words, "" where there is none."""


def _ticks(prices: np.ndarray) -> np.ndarray:
    """Whole units of the files; a missing side (NaN) becomes 0, which is no price."""
    units: np.ndarray = np.rint(np.nan_to_num(prices) * PRICE_UNIT).astype(np.int64)
    return units


def _standing(at: np.ndarray, price: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Shares that stand at the prices `at` [row, k] in the levels `price`, `size` [row, level]."""
    shares: np.ndarray = np.where(at[:, :, None] == price[:, None, :], size[:, None, :], 0.0).sum(axis=2)
    return shares


def reconcile(book: OrderBook) -> Reconciliation:
    """Check every row of the book against the row before it and its message.

    A submission adds its shares at its price; a cancellation, a deletion and an execution take theirs away;
    the execution of a hidden order, a cross and a halt leave the visible book as it was. All this must hold
    at every price that both rows can see, on both sides: up to the nearer of the two deepest levels, or
    without end where a side has fewer levels than the file has room for. What enters the file from beyond
    its deepest level cannot be checked.

    `OrderBook` refuses what is impossible; this finds what is possible and wrong: a changed size, a lost
    row, a message of another moment. What it cannot find is an error that all rows share, such as a unit.

    Notes
    -----
    Pinned by `tests/market/test_book_audit.py`; in LOBSTER's samples of 2012-06-21 every row agrees.
    """
    event, side = book.event[1:], np.where(book.direction[1:] > 0, BID, ASK)
    taken_away = np.isin(event, (CANCELLATION, DELETION, EXECUTION))
    change = np.where(event == SUBMISSION, book.size[1:], np.where(taken_away, -book.size[1:], 0.0))
    wrong = np.zeros(len(event), dtype=bool)
    visible = np.zeros(len(event), dtype=bool)
    for one in (BID, ASK):
        outwards = -1 if one == BID else 1  # then larger is deeper on both sides
        price = _ticks(book.prices[:, one]) * outwards
        size = book.sizes[:, one]
        endless = np.iinfo(np.int64).max
        reach = np.where(size[:, -1] > 0, price[:, -1], endless)
        reach = np.minimum(reach[:-1], reach[1:])
        at = _ticks(book.price[1:]) * outwards
        here = np.where(side == one, change, 0.0)
        inside = (here != 0) & (at <= reach)
        visible |= inside
        # the price of the message itself, and every price that either row shows
        asked = np.column_stack([np.where(inside, at, price[1:, 0]), price[:-1], price[1:]])
        shown = np.column_stack([np.ones(len(event), bool), size[:-1] > 0, size[1:] > 0])
        expected = np.where((asked == at[:, None]) & inside[:, None], here[:, None], 0.0)
        moved = _standing(asked, price[1:], size[1:]) - _standing(asked, price[:-1], size[:-1])
        wrong |= (shown & (asked <= reach[:, None]) & (moved != expected)).any(axis=1)
    rows = np.flatnonzero(wrong) + 1
    sentence = ""
    if len(rows):
        row = int(rows[0])
        sentence = (
            f"row {row + 1} ({clock(book.times[row])}): the book does not follow from the row before and its "
            f"message of type {book.event[row]}, {book.size[row]:g} shares"
        )
    return Reconciliation(len(event), int(visible.sum()), rows, sentence)


class TimePriority(NamedTuple):
    """Executions of orders whose whole life is in the file, and whether an older order was passed over."""

    executions: int
    """Executions of orders whose submission the file holds."""
    contested: int
    """Those with another such order, provably alive, at the same price and side."""
    violations: int
    """Contested executions that took a younger order while an older one was alive."""
    away_from_best: int
    """Executions of visible orders, all of them, at another price than the best one before."""


def time_priority(book: OrderBook) -> TimePriority:
    """Are orders executed at the best price, and there the oldest first?

    An order counts as alive between its submission and its last message. One that vanishes beyond the visible
    levels leaves no last message and is therefore never used as evidence; nor is one that was there before
    the file began.

    Notes
    -----
    Pinned by `tests/market/test_book_audit.py`.
    """
    places = zip(_ticks(book.price).tolist(), book.direction.tolist(), strict=True)
    rows = list(zip(book.event.tolist(), book.order_id.tolist(), places, strict=True))
    last = {order: row for row, (event, order, _) in enumerate(rows) if event != SUBMISSION}
    queues: dict[tuple[int, int], dict[int, None]] = {}  # insertion order is the order of arrival
    executions = contested = violations = 0
    for row, (event, order, place) in enumerate(rows):
        if event == SUBMISSION and order in last:
            queues.setdefault(place, {})[order] = None
        queue = queues.get(place, {})
        if event != SUBMISSION and order in queue:
            if event == EXECUTION:
                executions += 1
                contested += len(queue) > 1
                violations += next(iter(queue)) != order
            if last[order] == row:
                del queue[order]
    done = np.flatnonzero(book.event[1:] == EXECUTION) + 1
    best = book.prices[done - 1, np.where(book.direction[done] > 0, BID, ASK), 0]
    away = int((_ticks(best) != _ticks(book.price[done])).sum())
    return TimePriority(executions, contested, violations, away)
