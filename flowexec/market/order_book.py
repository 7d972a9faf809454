"""A day of a limit order book, message by message, and the arithmetic of walking its levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import check_text
from .paths import ASK, BID, Array

SUBMISSION, CANCELLATION, DELETION, EXECUTION, HIDDEN_EXECUTION, CROSS, HALT = 1, 2, 3, 4, 5, 6, 7
"""Event types as LOBSTER numbers them; a cancellation is partial, a deletion total."""

PRICE_UNIT = 10_000
"""Prices in files are whole numbers of currency / 10,000."""

SESSION = (34_200.0, 57_600.0)
"""The trading day of US equities, 9:30 to 16:00, in seconds after midnight."""

DAY_SECONDS = SESSION[1] - SESSION[0]
"""Seconds in a trading day of six and a half hours."""


def clock(seconds: float) -> str:
    """Seconds after midnight as `hh:mm:ss.mmm`, cut rather than rounded."""
    milliseconds = int(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def walk_levels(price: Array, size: Array, shares: Array) -> tuple[Array, Array]:
    """Average price of market orders that walk visible levels, and what exceeds those levels.

    With level sizes q_l at prices p_l from the best outwards, an order of n shares takes f_l = min(q_l, max(n
    − Σ_{j<l} q_j, 0)) from level l; what exceeds Σ q_l is done at the last visible price:

        P̄ = p_1 + [Σ_l f_l (p_l − p_1) + (n − Σ q_l)⁺ (p_last − p_1)] / n .

    Parameters
    ----------
    price, size : array [..., level]
        One side of the book, from the best level outwards. A level of size 0 is missing; its price must still
        be a number, but does not count.
    shares : array [...]
        n ≥ 0, fractions allowed.

    Returns
    -------
    average : array [...]
        P̄, the best price where n is 0. Exactly the best price while the order stays within the best level.
    excess : array [...]
        Shares beyond the visible levels.

    Notes
    -----
    numpy and torch alike. Pinned by `tests/execution/test_walk_the_book.py`.
    """
    best = price[..., 0]
    ahead = size.cumsum(-1) - size
    taken = (shares[..., None] - ahead).clip(min=0.0).clip(max=size)
    excess = (shares - size.sum(-1)).clip(min=0.0)
    last = best
    for level in range(1, price.shape[-1]):
        visible = size[..., level] > 0
        last = visible * price[..., level] + ~visible * last
    paid_beyond_best = (taken * (price - best[..., None])).sum(-1) + excess * (last - best)
    return best + paid_beyond_best / (shares + (shares == 0)), excess


@dataclass(frozen=True, eq=False, repr=False)
class OrderBook:
    """Messages of one stock and one session, each with the visible book just after it.

    Attributes
    ----------
    ticker : str
    times : array [event]
        Seconds after midnight, never going back.
    event : array [event]
        1 submission, 2 cancellation (partial), 3 deletion, 4 execution, 5 execution of a hidden order,
        6 cross, 7 trading halt.
    order_id : array [event]
    size : array [event]
        Shares.
    price : array [event]
        Currency per share. In a message of type 7 it is LOBSTER's code: −1 halt, 0 quoting resumes, 1 trading
        resumes.
    direction : array [event]
        +1 the message is about a buy order, −1 about a sell order. The execution of a resting sell order is a
        purchase by the other party.
    prices, sizes : array [event, 2, level]
        Visible book after the message: side (`BID`, `ASK`), level from the best outwards; currency per share,
        and shares. A missing level has size 0 and repeats the deepest visible price of its side, so that
        arithmetic on it stays finite; a side without any visible level has price NaN.
    date : str
        ISO date, "" where there is none.
    session : tuple of float
        Beginning and end of the recording, seconds after midnight.
    source : str
        Where the book comes from, a phrase for captions.

    Raises
    ------
    ValueError
        When shapes disagree, times go back or leave the session, an event type is unknown, levels are out of
        order, a level is missing in front of a visible one, or bid ≥ ask outside a trading halt. The sentence
        names the row, counted from 1 as in the file.

    Notes
    -----
    An empty side is not an error: it is how a thin stock, or a stock before its first quotes, looks.
    Such rows are marked in `one_sided`, have no mid (NaN), and `OrderBookReplay` refuses or skips horizons
    that meet one. Pinned by `tests/market/test_order_book.py`.
    """

    ticker: str
    times: np.ndarray
    event: np.ndarray
    order_id: np.ndarray
    size: np.ndarray
    price: np.ndarray
    direction: np.ndarray
    prices: np.ndarray
    sizes: np.ndarray
    date: str = ""
    session: tuple[float, float] = SESSION
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("ticker", "date", "source"):
            check_text(name, getattr(self, name))
        if len(np.shape(self.times)) != 1 or len(self.times) == 0:
            raise ValueError(f"`times` must hold at least one message, got shape {np.shape(self.times)}")
        rows = len(self.times)
        for name in ("event", "order_id", "size", "price", "direction"):
            if np.shape(getattr(self, name)) != (rows,):
                raise ValueError(f"`{name}` must have shape {(rows,)}, got {np.shape(getattr(self, name))}")
        shape = np.shape(self.prices)
        if len(shape) != 3 or shape[:2] != (rows, 2) or shape[2] < 1:
            raise ValueError(f"`prices` must have shape {(rows, 2, 'level')}, got {shape}")
        if np.shape(self.sizes) != shape:
            raise ValueError(f"`sizes` must have the shape of `prices`, {shape}, got {np.shape(self.sizes)}")
        if np.shape(self.session) != (2,) or not self.session[0] < self.session[1]:
            raise ValueError(
                f"`session` must be (begin, end) in seconds with begin < end, got {self.session!r}"
            )
        self._check_messages()
        self._check_levels()

    @property
    def _name(self) -> str:
        return f"{self.ticker} {self.date}".strip()

    def __repr__(self) -> str:
        return f"<OrderBook {self._name}: {self.n_events:,} messages, {self.n_levels} levels; {self.source}>"

    def _refuse(self, wrong: Array, sentence: str) -> None:
        """Raise, naming the first row of `wrong` [event] that is true."""
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(f"{self._name}, row {row + 1} ({clock(self.times[row])}): {sentence}")

    def _check_messages(self) -> None:
        begin, end = self.session
        if not np.isfinite(self.times).all():
            raise ValueError(
                f"`times` must be finite, got {self.times[~np.isfinite(self.times)][0]} for {self._name}"
            )
        self._refuse(
            np.diff(self.times, prepend=self.times[0]) < 0,
            "`times` must not go back. Sort nothing: take the file as it was downloaded",
        )
        self._refuse(
            (self.times < begin) | (self.times > end),
            f"`times` must lie in the session from {clock(begin)} to {clock(end)}",
        )
        self._refuse(
            ~np.isin(self.event, range(SUBMISSION, HALT + 1)), "`event` must be a LOBSTER type, 1 to 7"
        )
        self._refuse(~(self.size >= 0), "`size` must be at least 0")
        self._refuse(~np.isin(self.direction, (-1, 1)), "`direction` must be 1 (buy) or -1 (sell)")

    def _check_levels(self) -> None:
        visible = self.sizes > 0
        self._refuse(~(self.sizes >= 0).all((1, 2)), "`sizes` must be at least 0")
        self._refuse(
            (visible[..., 1:] & ~visible[..., :-1]).any((1, 2)),
            "a level is empty in front of one that is not",
        )
        self._refuse(
            (visible & ~((self.prices > 0) & np.isfinite(self.prices))).any((1, 2)),
            "`prices` must be positive",
        )
        outwards = np.diff(self.prices, axis=2) * np.array([[-1.0], [1.0]])
        self._refuse(
            (visible[..., 1:] & ~(outwards > 0)).any((1, 2)), "levels must go from the best price outwards"
        )
        # while trading is halted orders may cross without being matched; everywhere else it is a broken file
        # (a side without levels has price NaN, which compares false)
        crossed = ~self.halted & (self.prices[:, BID, 0] >= self.prices[:, ASK, 0])
        if crossed.any():
            row = int(np.argmax(crossed))
            bid, ask = self.prices[row, :, 0]
            self._refuse(
                crossed,
                f"the book is crossed, bid {bid:g} ≥ ask {ask:g}. Rows of an auction, or rows out of order, "
                "look so; take a file of the continuous session as it was downloaded",
            )

    @property
    def n_events(self) -> int:
        return len(self.times)

    @property
    def n_levels(self) -> int:
        return int(self.prices.shape[2])

    @property
    def mid(self) -> np.ndarray:
        """Mid price after each message [event], NaN where a side is empty."""
        mid: np.ndarray = self.prices[:, :, 0].mean(axis=1)
        return mid

    @property
    def spread(self) -> np.ndarray:
        """Quoted bid–ask spread after each message [event], NaN where a side is empty."""
        spread: np.ndarray = self.prices[:, ASK, 0] - self.prices[:, BID, 0]
        return spread

    @property
    def one_sided(self) -> np.ndarray:
        """Whether a side has no visible level after the message [event]."""
        empty: np.ndarray = (self.sizes[:, :, 0] == 0).any(axis=1)
        return empty

    @property
    def halted(self) -> np.ndarray:
        """Whether trading is halted after the message [event]: from a type 7 of code −1 to one of code 1."""
        halt: np.ndarray = self.event == HALT
        if not halt.any():
            return halt
        last = np.maximum.accumulate(np.where(halt, np.arange(self.n_events), -1))
        halted: np.ndarray = (last >= 0) & (self.price[last] < 1)
        return halted

    @property
    def traded(self) -> np.ndarray:
        """Shares traded in each message [event], against visible and hidden orders; crosses do not count."""
        return np.where((self.event == EXECUTION) | (self.event == HIDDEN_EXECUTION), self.size, 0.0)
