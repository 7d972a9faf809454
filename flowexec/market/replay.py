"""A recorded order book as a market: sampled at fixed times and cut into horizons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..checks import check_choice, check_count, check_kind, check_real
from .order_book import DAY_SECONDS, OrderBook, clock
from .paths import MarketPaths
from .sampling import sample_events, trailing_variance
from .streams import check_simulation, generator


@dataclass(frozen=True, eq=False)
class OrderBookReplay:
    """A market that replays a recorded order book, horizon by horizon.

    The session is cut at boundaries every `interval` seconds, each of which takes a message
    (`sample_events`); the first boundary, the opening, is dropped. Samples are then cut, in order and without
    overlap, into horizons of `n_steps`; samples that do not fill a last horizon are left out. A session of
    6.5 hours at 5 seconds has 4,680 samples: 390 horizons of 12 steps, the first 293 (`train_share` 0.75,
    rounded up) to train, 97 to test.

    In a horizon's paths

    - `mid`, `spread` and `depth` of a step are those of its sample; the closing mid is the next horizon's
      first, and for the last horizon of the day the mid after the last message;
    - `volume` is what was traded (visible and hidden) after the step's sample up to the next one;
    - `variance` is the trader's estimate from this day so far (`trailing_variance`), never from what follows.

    Parameters
    ----------
    book : OrderBook
    interval : float
        Seconds between decisions, greater than 0.
    part : {"all", "train", "test"}
        Which horizons `simulate` draws from.
    train_share : float
        Share of the horizons, the earliest, that belong to "train"; in (0, 1).
    half_life : float
        Of the variance estimate, seconds, greater than 0.
    gaps : {"refuse", "skip"}
        What to do with horizons in which a sample falls into a trading halt or on a book with an empty side:
        raise an error, or leave them out (`left_out` counts them; the split by `train_share` is made before).

    Raises
    ------
    ValueError
        Naming the argument, the rule and the value.

    Notes
    -----
    This is the protocol of the MathWorks example "Deep Reinforcement Learning for Optimal Trade Execution".
    That example measures shortfall from the *best bid* of a horizon's first sample when selling (the best ask
    when buying); shortfall here is from the mid, half a spread a share more. On the free samples of
    2012-06-21 TWAP of 60 shares, sold in 12 steps, costs in all 293 horizons of training and in all 97 of
    testing: AMZN $110.52 and $13.22 by the example's measure, $1,262.22 and $325.22 from the mid; GOOG
    $499.30 and $218.11, $3,053.80 and $833.71. Pinned by `tests/market/test_replay.py` and
    `tests/execution/test_walk_the_book.py`.
    """

    book: OrderBook
    interval: float = 5.0
    part: str = "all"
    train_share: float = 0.75
    half_life: float = 300.0
    gaps: str = "refuse"

    def __post_init__(self) -> None:
        check_kind("book", self.book, OrderBook)
        check_real("interval", self.interval, above=0)
        check_choice("part", self.part, ("all", "train", "test"))
        check_real("train_share", self.train_share, above=0, below=1)
        check_real("half_life", self.half_life, above=0)
        check_choice("gaps", self.gaps, ("refuse", "skip"))
        if len(self.samples) < 1:
            raise ValueError(
                f"`interval` must fit into the recording, {self.interval:g} s give no sample after the first"
            )

    @cached_property
    def _sampled(self) -> np.ndarray:
        """Message of every boundary, the dropped first one included."""
        begin, end = self.book.session
        count = math.floor((end - begin) / self.interval + 1e-9)
        return sample_events(self.book.times, begin + self.interval * np.arange(count + 1))

    @property
    def samples(self) -> np.ndarray:
        """Message number of every sample [sample]."""
        return self._sampled[1:]

    @cached_property
    def _series(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mid and variance [sample+1] (the last entry the close), volume and spread [sample]."""
        samples = self.samples
        days = self.interval / DAY_SECONDS
        event_mid = np.where(self.book.halted, np.nan, self.book.mid)  # an empty side has no mid either
        mid = event_mid[np.append(samples, self.book.n_events - 1)]
        past = np.concatenate([event_mid[self._sampled[:1]], mid])
        variance = trailing_variance(past, days, self.half_life / DAY_SECONDS)
        traded = np.concatenate([[0.0], np.cumsum(self.book.traded)])
        until = np.append(samples, self.book.n_events - 1) + 1
        return mid, variance, np.diff(traded[until]), self.book.spread[samples]

    def n_horizons(self, n_steps: int) -> int:
        """How many horizons of `n_steps` the day holds, those with gaps included."""
        check_count("n_steps", n_steps)
        return len(self.samples) // n_steps

    def _part(self, n_steps: int, which: str) -> np.ndarray:
        """Numbers of the horizons of one part of the day, those with gaps included."""
        check_choice("which", which, ("all", "train", "test"))
        count = self.n_horizons(n_steps)
        if count == 0:
            raise ValueError(
                f"`n_steps` must be at most {len(self.samples)}, the day's samples, got {n_steps}"
            )
        cut = math.ceil(self.train_share * count)
        begin, end = {"all": (0, count), "train": (0, cut), "test": (cut, count)}[which]
        if begin == end:
            raise ValueError(f"the {count} horizons of {n_steps} steps leave none for {which!r}")
        return np.arange(begin, end)

    def _chosen(self, n_steps: int, which: str) -> np.ndarray:
        """Numbers of the horizons of one part that can be traded."""
        numbers = self._part(n_steps, which)
        mid, variance, *_ = self._series
        gap = np.isnan(mid) | np.isnan(variance)
        touched = np.array([gap[h * n_steps : (h + 1) * n_steps + 1].any() for h in numbers])
        if touched.any() and self.gaps == "refuse":
            first = numbers[touched][0] * n_steps
            at = np.append(self.samples, self.book.n_events - 1)[first + int(np.argmax(gap[first:]))]
            raise ValueError(
                f"{self.book.ticker} cannot be traded at {clock(self.book.times[at])}: trading is halted or "
                f"a side of the book is empty; so it is in {touched.sum()} of {len(numbers)} horizons. "
                '`gaps="skip"` leaves them out'
            )
        if touched.all():
            raise ValueError(f"every horizon of {self.book.ticker} meets a halt or an empty side of the book")
        usable: np.ndarray = numbers[~touched]
        return usable

    def n_tradable(self, n_steps: int) -> int:
        """How many horizons of `part` can be traded: as many paths are no repetition of others."""
        return len(self._chosen(n_steps, self.part))

    def left_out(self, n_steps: int, which: str = "all") -> int:
        """How many horizons of a part `gaps="skip"` leaves out."""
        return len(self._part(n_steps, which)) - len(self._chosen(n_steps, which))

    def horizons(self, n_steps: int, which: str = "all") -> MarketPaths:
        """The horizons of a part of the day as paths, in the order of time."""
        return self._paths(self._chosen(n_steps, which), n_steps)

    def _paths(self, numbers: np.ndarray, n_steps: int) -> MarketPaths:
        mid, variance, volume, spread = self._series
        rows = numbers * n_steps + np.arange(n_steps + 1)[:, None]  # [step+1, path]
        steps = rows[:-1]
        at = self.samples[steps]
        return MarketPaths(
            times=np.arange(n_steps + 1) * (self.interval / DAY_SECONDS),
            mid=mid[rows],
            variance=variance[rows],
            volume=volume[steps],
            spread=spread[steps],
            depth=np.stack([self.book.prices[at], self.book.sizes[at]], axis=-1),
        )

    def simulate(
        self,
        n_paths: int,
        n_steps: int,
        horizon: float,
        *,
        seed: int,
        first_path: int = 0,
        threads: int | None = None,
    ) -> MarketPaths:
        """Draw horizons of `part` without replacement, like cards, and shuffle the deck anew when it is used
        up.

        Path p is card p mod H of shuffle p // H, with H the number of horizons: the same whatever the batch
        it is drawn in. Beyond H paths horizons repeat, which lengthens a training run but adds no
        information: all come from one day, and neighbours are not independent.

        Raises
        ------
        ValueError
            When `horizon` is not `n_steps` intervals.
        """
        check_simulation(n_paths, n_steps, horizon, seed, first_path, threads)
        seconds = horizon * DAY_SECONDS
        if abs(seconds - n_steps * self.interval) > 1e-6 * seconds:
            raise ValueError(
                f"`horizon` must be `n_steps` intervals, {n_steps} · {self.interval:g}/23400 = "
                f"{n_steps * self.interval / DAY_SECONDS:.6g} days, got {horizon!r}. Set `interval` to suit"
            )
        deck = self._chosen(n_steps, self.part)
        wanted = np.arange(first_path, first_path + n_paths)
        shuffles = wanted // len(deck)
        drawn = np.empty(n_paths, dtype=np.int64)
        for shuffle in np.unique(shuffles):
            here = shuffles == shuffle
            drawn[here] = generator(seed, int(shuffle)).permutation(deck)[wanted[here] % len(deck)]
        return self._paths(drawn, n_steps)
