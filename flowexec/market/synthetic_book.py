"""A synthetic limit order book of zero intelligence: orders arrive, wait and are cancelled at random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..checks import check_count, check_real, check_text, check_weights
from .order_book import PRICE_UNIT, SESSION, OrderBook
from .paths import ASK, BID
from .streams import generator
from .volume import VolumeCurve


def _u_shape() -> tuple[float, ...]:
    return VolumeCurve.u_shape(depth=0.4, bins=390).profile


@dataclass(frozen=True)
class ZeroIntelligence:
    """A limit order book driven by independent Poisson flows: Cont, Stoikov and Talreja (2010).

    On each side limit orders arrive i ticks from the opposite best price at the rate λ_i (i = 1, …, D),
    market orders arrive at the rate μ and take one order from the best price, oldest first, and every resting
    order is cancelled at the rate θ. All orders have the same size. With λ_i constant this is the model of
    Smith, Farmer, Gillemot and Krishnamurthy (2003). Nobody in it reacts to anything: its prices carry no
    news, its liquidity no strategy, which is what it is good for. All rates follow the day's `profile`
    together, which changes the clock and nothing else: every stationary law of the model holds at all hours.

    Parameters
    ----------
    limit_rates : tuple of float
        λ_1, …, λ_D, orders per second on each side, on average over the day.
    market_rate : float
        μ, orders per second on each side, on average over the day.
    cancel_rate : float
        θ per second and order, on average over the day, greater than 0.
    mid : float
        Price around which the day begins, currency per share.
    tick : float
        Currency per share, a multiple of 0.0001.
    lot : int
        Shares of an order.
    profile : tuple of float
        Relative activity in equal bins of the day (`VolumeCurve.profile`), all positive.
    levels : int
        Visible levels of each side.
    ticker : str

    Notes
    -----
    The defaults make some 100,000 messages a day, a spread of 1.4 ticks (4.5 bps), 1.3 % of daily
    volatility and 1.4 million shares a day: a liquid stock of no particular name.

    Facts the tests use: a price that neither best ever reaches, with constant λ, holds a Poisson(λ/θ) number
    of orders (M/M/∞); each flow is Poisson; and at a spread of one tick the queues at the two bests are
    independent birth–death processes until one is empty, which gives the probability that the mid moves up
    (Cont, Stoikov and Talreja 2010). Pinned by `tests/market/test_synthetic_book.py`.
    """

    limit_rates: tuple[float, ...] = tuple(0.3 * i**-0.5 for i in range(1, 41))
    market_rate: float = 0.3
    cancel_rate: float = 0.05
    mid: float = 30.0
    tick: float = 0.01
    lot: int = 100
    profile: tuple[float, ...] = _u_shape()
    levels: int = 5
    ticker: str = "SYNTHETIC"

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit_rates", check_weights("limit_rates", self.limit_rates))
        if self.limit_rates[0] <= 0:
            raise ValueError(f"`limit_rates` must begin with a positive rate, got {self.limit_rates!r}")
        check_real("market_rate", self.market_rate, at_least=0)
        check_real("cancel_rate", self.cancel_rate, above=0)
        check_real("mid", self.mid, above=0)
        check_real("tick", self.tick, above=0)
        units = self.tick * PRICE_UNIT
        if abs(units - round(units)) > 1e-9:
            raise ValueError(f"`tick` must be a multiple of 0.0001, the files' unit, got {self.tick!r}")
        if self.mid < 2 * len(self.limit_rates) * self.tick:
            raise ValueError(
                f"`mid` must lie at least {2 * len(self.limit_rates)} ticks above 0, twice the reach of "
                f"`limit_rates`, got {self.mid!r}"
            )
        check_count("lot", self.lot)
        check_count("levels", self.levels)
        check_text("ticker", self.ticker)
        object.__setattr__(self, "profile", check_weights("profile", self.profile, above=0))

    def simulate_day(
        self, *, seed: int, session: tuple[float, float] = SESSION, date: str = "2000-01-03"
    ) -> OrderBook:
        """One session, begun in the stationary state; equal seeds give equal books.

        Raises
        ------
        ValueError
            When a side of the book runs dry or the price leaves (0, 2·mid): rates that make no lasting
            market.
        """
        check_count("seed", seed, at_least=0)
        begin, end = session
        check_real("session", end - begin, above=0)
        # numba: half a second, only for who needs it
        from .book_kernel import MESSAGE, ORDER, RAN_DRY, simulate

        rng = generator(seed, 0)
        rates = np.asarray(self.limit_rates, dtype=float)
        # begin at one tick of spread with Poisson queues, then let the book forget that: 10/θ
        middle = round(self.mid / self.tick)
        queues = rng.poisson(rates / self.cancel_rate, (2, len(rates)))
        queues[:, 0] = np.maximum(queues[:, 0], 1)
        counts = np.zeros((2, 2 * middle), np.int64)
        counts[BID, middle - 1 - np.arange(len(rates))] = queues[BID]
        counts[ASK, middle + np.arange(len(rates))] = queues[ASK]
        resting = int(queues.sum())
        warm_up = 10.0 / self.cancel_rate
        until = warm_up + (end - begin)
        # an order arrives once and leaves at most once, so twice a bound of the arrivals holds every message
        expected = 2 * rates.sum() * until
        capacity = 2 * (resting + int(expected + 10 * math.sqrt(expected) + 100))
        orders = np.zeros(capacity, ORDER)
        sides, ticks = np.nonzero(counts)
        repeats = counts[sides, ticks]
        orders["tick"][:resting], orders["side"][:resting] = (
            np.repeat(ticks, repeats),
            np.repeat(sides, repeats),
        )
        orders["id"][:resting] = np.arange(1, resting + 1)
        messages = np.empty(capacity, MESSAGE)
        books = np.empty((capacity, 2, self.levels, 2), np.int32)
        recorded = simulate(
            rng,
            counts,
            orders,
            resting,
            rates,
            self.market_rate,
            self.cancel_rate,
            warm_up,
            until,
            messages,
            books,
        )
        if recorded < 0:
            reason = (
                "a side of the book ran dry" if recorded == RAN_DRY else "the price left the range (0, 2·mid)"
            )
            raise ValueError(
                f"{reason}: raise `limit_rates`, or lower `market_rate` and `cancel_rate` (seed {seed})"
            )
        messages, books = messages[:recorded], books[:recorded]
        # the profile's clock: the share of the day's activity that has gone by decides the time of day
        bins = len(self.profile)
        activity = np.concatenate([[0.0], np.cumsum(self.profile)]) / np.sum(self.profile)
        share = (messages["time"] - warm_up) / (end - begin)
        times = begin + (end - begin) * np.interp(share, activity, np.linspace(0.0, 1.0, bins + 1))
        units = round(self.tick * PRICE_UNIT)
        prices = books[..., 0] * units / PRICE_UNIT
        sizes = books[..., 1] * float(self.lot)
        for level in range(1, self.levels):  # a missing level repeats the deepest visible price
            prices[..., level] = np.where(sizes[..., level] > 0, prices[..., level], prices[..., level - 1])
        return OrderBook(
            ticker=self.ticker,
            times=np.round(times, 9),
            event=messages["event"].astype(np.int8),
            order_id=messages["id"].copy(),
            size=np.full(recorded, float(self.lot)),
            price=messages["tick"] * units / PRICE_UNIT,
            direction=np.where(messages["side"] == BID, 1, -1).astype(np.int8),
            prices=prices,
            sizes=sizes,
            date=date,
            session=session,
            source=f"synthetic, zero-intelligence order flow, seed {seed}",
        )
