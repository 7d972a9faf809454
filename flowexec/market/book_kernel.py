"""The event loop of the zero-intelligence book, compiled; `synthetic_book` says what it simulates.

Imports numba, half a second, and is therefore imported only where a book is simulated.
"""

from __future__ import annotations

import numba
import numpy as np

from .order_book import DELETION, EXECUTION, SUBMISSION
from .paths import ASK, BID

RAN_DRY, LEFT_GRID = -1, -2

ORDER = np.dtype([("tick", np.int64), ("side", np.int64), ("id", np.int64)])
MESSAGE = np.dtype(
    [("time", np.float64), ("event", np.int64), ("id", np.int64), ("tick", np.int64), ("side", np.int64)]
)


@numba.njit(cache=True)
def draw_index(rates: np.ndarray, position: float) -> int:
    """The i with Σ_{j<i} rates ≤ position < Σ_{j≤i} rates."""
    for i in range(len(rates) - 1):
        if position < rates[i]:
            return i
        position -= rates[i]
    return len(rates) - 1


@numba.njit(cache=True)
def oldest(orders: np.ndarray, n_orders: int, side: int, tick: int) -> int:
    """Place of the oldest order of one side at one price; the book is small, a search is fast enough."""
    found = -1
    for i in range(n_orders):
        if (
            orders[i].side == side
            and orders[i].tick == tick
            and (found < 0 or orders[i].id < orders[found].id)
        ):
            found = i
    return found


@numba.njit(cache=True)
def view(counts: np.ndarray, best: np.ndarray, visible: np.ndarray) -> bool:
    """Write the occupied levels from the best outwards into `visible` [side, level, (tick, orders)]; any
    change?"""
    changed = False
    for side in range(2):
        outwards = 1 if side == ASK else -1
        tick = best[side]
        for level in range(visible.shape[1]):
            while 0 < tick < counts.shape[1] and counts[side, tick] == 0:
                tick += outwards
            inside = 0 < tick < counts.shape[1]
            there = counts[side, tick] if inside else 0
            shown = tick if inside else 0
            if visible[side, level, 0] != shown or visible[side, level, 1] != there:
                visible[side, level, 0], visible[side, level, 1] = shown, there
                changed = True
            tick += outwards
    return changed


@numba.njit(cache=True, nogil=True)
def simulate(
    rng: np.random.Generator,
    counts: np.ndarray,
    orders: np.ndarray,
    n_orders: int,
    limit_rates: np.ndarray,
    market_rate: float,
    cancel_rate: float,
    warm_up: float,
    end: float,
    messages: np.ndarray,
    books: np.ndarray,
) -> int:
    """Gillespie's (1977) algorithm; fills `messages` and `books` and returns how many, or a negative code.

    `counts` [side, tick] are the resting orders, `orders` the same one by one. A message is recorded when the
    visible levels change, as LOBSTER does, and from `warm_up` on.
    """
    best = np.array([np.nonzero(counts[BID])[0][-1], np.nonzero(counts[ASK])[0][0]])
    visible = np.zeros(books.shape[1:], np.int64)
    view(counts, best, visible)
    arrival = limit_rates.sum()
    steady = 2.0 * (arrival + market_rate)
    now, recorded, next_id = 0.0, 0, n_orders + 1
    while True:
        total = steady + cancel_rate * n_orders
        now += rng.standard_exponential() / total
        if now >= end:
            return recorded
        position = rng.random() * total
        if position < 2.0 * arrival:
            event = SUBMISSION
            side = BID if position < arrival else ASK
            distance = 1 + draw_index(limit_rates, position - side * arrival)
            tick = best[ASK] - distance if side == BID else best[BID] + distance
            if tick < 1 or tick >= counts.shape[1]:
                return LEFT_GRID
            identity = next_id
            next_id += 1
            orders[n_orders].tick, orders[n_orders].side, orders[n_orders].id = tick, side, identity
            n_orders += 1
            counts[side, tick] += 1
            best[side] = max(best[BID], tick) if side == BID else min(best[ASK], tick)
        else:
            if position < steady:
                event = EXECUTION
                side = BID if position < 2.0 * arrival + market_rate else ASK  # the side that is hit
                leaving = oldest(orders, n_orders, side, best[side])
            else:
                event = DELETION
                leaving = min(int((position - steady) / cancel_rate), n_orders - 1)
                side = orders[leaving].side
            tick, identity = orders[leaving].tick, orders[leaving].id
            n_orders -= 1
            orders[leaving].tick, orders[leaving].side = orders[n_orders].tick, orders[n_orders].side
            orders[leaving].id = orders[n_orders].id
            counts[side, tick] -= 1
            while counts[side, best[side]] == 0:
                best[side] += 1 if side == ASK else -1
                if best[side] < 1 or best[side] >= counts.shape[1]:
                    return RAN_DRY
        if view(counts, best, visible) and now >= warm_up:
            messages[recorded].time, messages[recorded].event, messages[recorded].id = now, event, identity
            messages[recorded].tick, messages[recorded].side = tick, side
            books[recorded] = visible
            recorded += 1
