"""The zero-intelligence book whose flows are those of a recorded day: nothing is fitted to prices."""

from __future__ import annotations

import numpy as np

from ..checks import check_count, check_real
from .book_statistics import durations
from .jackknife import session_piece
from .order_book import CANCELLATION, DELETION, EXECUTION, SUBMISSION, OrderBook
from .paths import ASK, BID
from .synthetic_book import ZeroIntelligence


def calibrate_zero_intelligence(
    book: OrderBook, *, tick: float = 0.01, least_seen: float = 0.1, bins: int = 13
) -> ZeroIntelligence:
    """Count the flows of a day and hand them to `ZeroIntelligence`, as Farmer, Patelli and Zovko (2005) do.

    With the mean submission as the unit of size, both sides taken together, and time weighted by the day's
    activity (messages in `bins` equal pieces of the session),

        λ_i = orders that arrive i ticks from the opposite best price / time for which that price is visible,
        μ   = shares of visible orders executed / time,
        θ   = shares cancelled or deleted / ∫ visible shares dt .

    Half an order is added to each count of λ_i, so that none is 0. A file of few levels shows a distance only
    some of the time. Distances seen for less than `least_seen` of it take the mean rate of the outermost
    quarter of the others, out to twice as far, at least 40 ticks.

    The spread, the depth and the volatility of the model are then predictions without a free parameter.

    Parameters
    ----------
    book : OrderBook
    tick : float
        Currency per share.
    least_seen : float
        Share of the time, in (0, 1).
    bins : int
        Pieces of the session for the activity profile.

    Raises
    ------
    ValueError
        When an argument breaks its rule, or the book lacks submissions, executions or cancellations.

    Notes
    -----
    The rates of a simulated day come back within their Poisson errors:
    `tests/market/test_book_calibration.py`.
    """
    check_real("tick", tick, above=0)
    check_real("least_seen", least_seen, above=0, below=1)
    check_count("bins", bins)
    begin, end = book.session
    counts, _ = np.histogram(book.times, np.linspace(begin, end, bins + 1))
    activity = np.maximum(counts, 1) / np.maximum(counts, 1).mean()
    lasting = durations(book) * activity[session_piece(book.times, book.session, bins)]

    arrivals = np.flatnonzero(book.event == SUBMISSION)
    arrivals = arrivals[arrivals > 0]
    executed = book.size[book.event == EXECUTION].sum()
    withdrawn = book.size[np.isin(book.event, (CANCELLATION, DELETION))].sum()
    if len(arrivals) == 0 or executed == 0 or withdrawn == 0:
        raise ValueError(f"`book` must hold submissions, executions and cancellations, got {book!r}")
    lot = max(1, round(float(book.size[arrivals].mean())))

    # how deep each side can be seen from the opposite best price, in ticks
    best, deepest = book.prices[:, ::-1, 0], book.prices[:, :, -1]
    reach = np.rint(np.nan_to_num(np.abs(best - deepest)) / tick).astype(int)
    side = np.where(book.direction[arrivals] > 0, BID, ASK)
    away = np.abs(best[arrivals - 1, side] - book.price[arrivals])
    distance = np.rint(np.nan_to_num(away) / tick).astype(int)
    seen = (distance >= 1) & (distance <= reach[arrivals - 1, side])
    furthest = int(reach.max())
    arrived = np.bincount(distance[seen], book.size[arrivals][seen], furthest + 1) / lot
    time_at = np.bincount(reach[:, BID], lasting, furthest + 1)
    time_at += np.bincount(reach[:, ASK], lasting, furthest + 1)
    visible = np.cumsum(time_at[::-1])[::-1]  # seconds for which distance i lies within reach, both sides
    total = float(lasting.sum())
    often = np.flatnonzero(visible[1:] > least_seen * 2 * total) + 1
    if len(often) == 0:
        raise ValueError(f"`book` must show some distance for {least_seen:g} of the time, got {book!r}")
    known = int(often[-1])
    rates = (arrived[1 : known + 1] + 0.5) / visible[1 : known + 1]
    outer = slice(known - max(1, known // 4) + 1, known + 1)
    beyond = float(arrived[outer].sum() / visible[outer].sum())
    far = max(2 * known, 40) - known
    return ZeroIntelligence(
        limit_rates=(*rates.tolist(), *([beyond] * far)),
        market_rate=float(executed / lot / (2 * total)),
        cancel_rate=float(withdrawn / (book.sizes.sum(axis=(1, 2)) @ lasting)),
        mid=round(round(float(book.mid[lasting > 0].mean()) / tick) * tick, 4),
        tick=tick,
        lot=lot,
        profile=tuple(activity.tolist()),
        levels=book.n_levels,
        ticker=f"{book.ticker} by zero intelligence",
    )
