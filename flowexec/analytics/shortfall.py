"""Implementation shortfall and its exact decomposition, path by path (Perold 1988; Kissell 2006)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..checks import check_choice
from ..execution.problem import Execution, sum_over_steps
from ..market.paths import Array

BPS = 1e4
COMPONENTS = ("spread", "temporary", "permanent", "timing", "opportunity", "fees")
BENCHMARKS = ("arrival", "interval_vwap", "interval_twap", "close")


@dataclass(frozen=True)
class Shortfall:
    """What an execution cost against doing it all at the arrival mid for nothing; positive is a cost.

    With s = +1 for a buy and −1 for a sale, n_k traded at P_k, S_k the mid without the order, D_k the order's
    displacement of it, and u what stayed untraded:

        spread = Σ n_k spread_k/2                   temporary = Σ n_k [s(P_k − S_k) − D_k − spread_k/2]
        permanent = Σ n_k D_k                       timing = s Σ n_k (S_k − S₀)
        opportunity = u [s(S_N − S₀) + D_N]         fees = commission
        total = their sum = s [Σ n_k P_k − (X − u) S₀] + opportunity + fees.

    `permanent` holds all the displacement by the order's own earlier trades, also that which decays; what
    a walked book costs beyond its best quote is `temporary`. Opportunity values what is left at the close
    that the market shows, the order's displacement included (Perold's paper portfolio).

    Attributes
    ----------
    spread, temporary, permanent, timing, opportunity, fees : array [path]
        In currency, or in bps of the arrival value X·S₀ (see `bps`).
    execution : Execution
        What it was computed from.

    Notes
    -----
    Pinned by `tests/analytics/test_shortfall.py`, among others with the worked example of 0.19 %.
    """

    execution: Execution
    spread: Array
    temporary: Array
    permanent: Array
    timing: Array
    opportunity: Array
    fees: Array
    unit: str = "currency"

    @property
    def total(self) -> Array:
        """The implementation shortfall [path]: the sum of the six components."""
        return self.spread + self.temporary + self.permanent + self.timing + self.opportunity + self.fees

    @property
    def arrival_value(self) -> Array:
        """X·S₀, currency, [path]."""
        problem = self.execution.problem
        return problem.order.shares * problem.paths.mid[0]

    def bps(self) -> Shortfall:
        """The same in basis points of the arrival value."""
        return self.in_unit("bps")

    def in_unit(self, unit: str) -> Shortfall:
        """The same in "currency" or "bps"; itself where it is so already."""
        check_choice("unit", unit, ("currency", "bps"))
        if unit == self.unit:
            return self
        scale = BPS / self.arrival_value if unit == "bps" else self.arrival_value / BPS
        return replace(self, **{name: getattr(self, name) * scale for name in COMPONENTS}, unit=unit)

    @cached_property
    def martingale(self) -> Array:
        """s Σ x_{k+1} (S_{k+1} − S_k) [path]: has mean 0 for every strategy when the mid is a martingale.

        Timing plus what the untraded shares moved; subtracting it from `total` leaves the same mean with
        far less noise: for a fixed schedule under linear impact, none at all.
        """
        execution = self.execution
        paths, sign = execution.problem.paths, execution.problem.order.sign
        moved = sign * execution.inventory[-1] * (paths.mid[-1] - paths.mid[0])
        return self.timing + (moved if self.unit == "currency" else moved * BPS / self.arrival_value)

    # What traders compare with ------------------------------------------------------------------------------

    @cached_property
    def traded(self) -> Array:
        """Shares traded, [path]."""
        return sum_over_steps(self.execution.shares)

    @property
    def completion(self) -> Array:
        """Share of the order that was traded, [path]."""
        return self.traded / self.execution.problem.order.shares

    @property
    def participation(self) -> Array:
        """Own shares per share traded by the rest of the market over the whole horizon, [path]."""
        return self.traded / sum_over_steps(self.execution.problem.paths.volume)

    @property
    def average_price(self) -> Array:
        """Average price of the fills, currency per share, [path]; NaN where nothing was traded."""
        paid = sum_over_steps(self.execution.shares * self.execution.price)
        with np.errstate(invalid="ignore"):  # 0/0 is meant
            return paid / self.traded

    def benchmark(self, name: str, *, on_tape: bool = False) -> Array:
        """Benchmark price [path]: "arrival", "interval_vwap", "interval_twap" or "close".

        By default all are mids of the market without the order, so that no trader can improve a benchmark by
        moving it. With `on_tape` they are what the market shows: every mid as the order has displaced it, and
        in the VWAP the order's own fills beside the volume of all others. Only these can be observed, and
        they can be moved. "interval" is from the order's arrival to its end, not the whole day.
        """
        check_choice("name", name, BENCHMARKS)
        execution, paths = self.execution, self.execution.problem.paths
        mid = paths.mid + execution.problem.order.sign * execution.displacement if on_tape else paths.mid
        if name == "arrival":
            return mid[0]
        if name == "interval_vwap":
            value, volume = sum_over_steps(mid[:-1] * paths.volume), sum_over_steps(paths.volume)
            if on_tape:
                return (value + sum_over_steps(execution.shares * execution.price)) / (volume + self.traded)
            return value / volume
        if name == "interval_twap":
            return sum_over_steps(mid[:-1]) / paths.n_steps
        return mid[-1]

    def slippage(self, name: str, *, on_tape: bool = False) -> Array:
        """s (average price − benchmark)/benchmark in bps, [path]; positive is worse than the benchmark."""
        price = self.benchmark(name, on_tape=on_tape)
        return self.execution.problem.order.sign * (self.average_price - price) / price * BPS


def shortfall(execution: Execution) -> Shortfall:
    """Decompose what `execution` cost, in currency; works on numpy and on torch executions."""
    problem = execution.problem
    order, paths, sign = problem.order, problem.paths, problem.order.sign
    shares, displacement = execution.shares, execution.displacement
    mid, half_spread = paths.mid[:-1], 0.5 * paths.spread
    unfilled = execution.inventory[-1]
    traded = sum_over_steps(shares)
    beyond_mid = sign * (execution.price - mid)
    return Shortfall(
        execution=execution,
        spread=sum_over_steps(shares * half_spread),
        temporary=sum_over_steps(shares * (beyond_mid - displacement[:-1] - half_spread)),
        permanent=sum_over_steps(shares * displacement[:-1]),
        timing=sign * sum_over_steps(shares * (mid - mid[0])),
        opportunity=unfilled * (sign * (paths.mid[-1] - mid[0]) + displacement[-1]),
        fees=order.fee_per_share * traded + order.fixed_fee * (traded > 0),
    )
