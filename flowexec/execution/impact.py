"""What trading does to the price: power-law and transient impact.

Every impact prices one step's trade from the step's `Bar` and from its own state. All use arithmetic,
slicing, comparison and clipping only, so the same lines run on numpy arrays and on torch tensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ..checks import check_real
from ..market.paths import Array


class Bar(NamedTuple):
    """The market at the beginning of one step; arrays have shape [path]."""

    mid: Array
    """Mid price, currency per share, as if one's own order did not exist."""
    spread: Array
    """Quoted bid–ask spread, currency per share."""
    step_length: float
    """τ, trading days."""
    depth: Array | None = None
    """Visible book [path, 2, level, 2], where the market has one."""


@runtime_checkable
class Impact(Protocol):
    """How a trade is paid for, and what it leaves behind.

    A state is a NamedTuple with the field `displacement` [path]: by how much earlier trades of the same order
    have moved the price against it, currency per share, at the moment the next trade is priced.
    """

    def start(self, like: Array) -> Any:
        """The state before the first trade; `like` is an array [path] of the right kind."""
        ...

    def trade(self, state: Any, shares: Array, bar: Bar, side: int) -> tuple[Array, Any]:
        """Average price for `shares` ≥ 0 [path], and the state at the beginning of the next step."""
        ...


def _power(base: Array, exponent: float) -> Array:
    """base^exponent for base ≥ 0, with gradient 0 instead of infinity at base 0 (a step without a trade)."""
    if exponent == 1.0:
        return base
    traded = base > 0
    return (base + (base <= 0)) ** exponent * traded


class Displaced(NamedTuple):
    """State of an impact whose only memory is the present displacement."""

    displacement: Array


@dataclass(frozen=True)
class PowerImpact:
    """Power-law temporary impact with power-law permanent impact.

    A trade of n shares in a step of length τ, at the rate ν = n/τ, is done at

        P = S ± (D + spread/2 + ε ν^β),   and leaves   D ← D + τ γ ν^δ,

    with the plus for a buy and the minus for a sale. S is the mid before the step's own permanent impact,
    D the displacement left by the order's earlier steps. β = δ = 1 is Almgren and Chriss (2000, eq. 6–7),
    with spread/2 for their ε.

    Parameters
    ----------
    temporary : float
        ε ≥ 0, currency per share at a rate of one share a day (currency/share per (share/day)^β).
    exponent : float
        β > 0; 0.6 in Almgren, Thum, Hauptmann and Li (2005).
    permanent : float
        γ ≥ 0, currency per share and share for δ = 1.
    permanent_exponent : float
        δ > 0. Only δ = 1 rules out gains from round trips (Huberman and Stanzl 2004).

    Notes
    -----
    The spread is a fact of the market and comes with the bar. Pinned by `tests/execution/test_impact.py`.
    """

    temporary: float
    exponent: float = 1.0
    permanent: float = 0.0
    permanent_exponent: float = 1.0

    def __post_init__(self) -> None:
        check_real("temporary", self.temporary, at_least=0)
        check_real("exponent", self.exponent, above=0)
        check_real("permanent", self.permanent, at_least=0)
        check_real("permanent_exponent", self.permanent_exponent, above=0)

    @classmethod
    def almgren_2005(
        cls, *, price: float, volatility: float, daily_volume: float, shares_outstanding: float
    ) -> PowerImpact:
        """The impact measured on US equities by Almgren, Thum, Hauptmann and Li (2005, section 4).

        Permanent I = γ σ (X/V) (Θ/V)^¼ and temporary η σ |X/(VT)|^0.6 of the price, with γ = 0.314
        and η = 0.142.

        Parameters
        ----------
        price : float
            S₀, currency per share.
        volatility : float
            σ, relative volatility per √day.
        daily_volume, shares_outstanding : float
            V and Θ, shares a day and shares.
        """
        for name, value in (("price", price), ("volatility", volatility), ("daily_volume", daily_volume),
                            ("shares_outstanding", shares_outstanding)):  # fmt: skip
            check_real(name, value, above=0)
        turnover = (shares_outstanding / daily_volume) ** 0.25
        return cls(
            temporary=0.142 * volatility * price / daily_volume**0.6,
            exponent=0.6,
            permanent=0.314 * volatility * price * turnover / daily_volume,
        )

    def start(self, like: Array) -> Displaced:
        return Displaced(0.0 * like)

    def trade(self, state: Displaced, shares: Array, bar: Bar, side: int) -> tuple[Array, Displaced]:
        rate = shares / bar.step_length
        against = state.displacement + 0.5 * bar.spread + self.temporary * _power(rate, self.exponent)
        price = bar.mid + side * against
        if self.permanent == 0.0:
            return price, state
        left = (self.permanent * bar.step_length) * _power(rate, self.permanent_exponent)
        return price, Displaced(state.displacement + left)


@dataclass(frozen=True)
class ExponentialDecay:
    """G(t) = e^(−ρ t): the resilience of Obizhaeva and Wang (2013).

    Parameters
    ----------
    rate : float
        ρ ≥ 0 per trading day; 0 makes the impact permanent.
    """

    rate: float

    def __post_init__(self) -> None:
        check_real("rate", self.rate, at_least=0)

    def __call__(self, time: float) -> float:
        """Share of an impact that is left after `time` days."""
        return math.exp(-self.rate * time)


@dataclass(frozen=True)
class PowerLawDecay:
    """G(t) = (1 + t/t₀)^(−γ): the propagator of Bouchaud et al. (2004), bounded at 0 as in Gatheral (2010).

    Parameters
    ----------
    time_scale : float
        t₀ > 0, trading days.
    exponent : float
        γ > 0. With a concave impulse of exponent δ, Gatheral (2010) asks γ + δ ≥ 1 for no price manipulation.
    """

    time_scale: float
    exponent: float

    def __post_init__(self) -> None:
        check_real("time_scale", self.time_scale, above=0)
        check_real("exponent", self.exponent, above=0)

    def __call__(self, time: float) -> float:
        """Share of an impact that is left after `time` days."""
        return math.pow(1.0 + time / self.time_scale, -self.exponent)


class Remembered(NamedTuple):
    """State of a transient impact: what is displaced now, and the impulses it decays from."""

    displacement: Array
    impulses: tuple[Array, ...]


@dataclass(frozen=True)
class TransientImpact:
    """Impact that decays: each trade of n shares displaces the price by κ n^δ, which fades by a kernel G.

        P_k = S_k ± (D_k + spread/2 + κ n_k^δ/(1+δ)),   D_k = Σ_{j<k} κ n_j^δ G(t_k − t_j).

    The trade walks up its own impulse and so pays the average of κ u^δ over u ≤ n. With δ = 1 and
    G(t) = e^(−ρt) this is Obizhaeva and Wang (2013); other kernels and exponents are Gatheral (2010).

    Parameters
    ----------
    coefficient : float
        κ ≥ 0, currency per share and share^δ.
    decay : ExponentialDecay or PowerLawDecay
        G, a function of the time since the trade in days.
    exponent : float
        δ > 0.

    Notes
    -----
    An exponential kernel needs no history, its displacement is decayed in place; any other kernel keeps the
    impulses. Pinned by `tests/execution/test_impact.py` (Obizhaeva–Wang optimum and path-wise closed form).
    """

    coefficient: float
    decay: ExponentialDecay | PowerLawDecay
    exponent: float = 1.0

    def __post_init__(self) -> None:
        check_real("coefficient", self.coefficient, at_least=0)
        check_real("exponent", self.exponent, above=0)
        if not isinstance(self.decay, ExponentialDecay | PowerLawDecay):
            raise ValueError(f"`decay` must be an ExponentialDecay or a PowerLawDecay, got {self.decay!r}")

    def start(self, like: Array) -> Remembered:
        return Remembered(0.0 * like, ())

    def trade(self, state: Remembered, shares: Array, bar: Bar, side: int) -> tuple[Array, Remembered]:
        impulse = self.coefficient * _power(shares, self.exponent)
        price = bar.mid + side * (state.displacement + 0.5 * bar.spread + impulse / (1.0 + self.exponent))
        if isinstance(self.decay, ExponentialDecay):
            return price, Remembered((state.displacement + impulse) * self.decay(bar.step_length), ())
        impulses = (*state.impulses, impulse)
        ages = range(len(impulses), 0, -1)
        displacement = sum(
            self.decay(age * bar.step_length) * i for age, i in zip(ages, impulses, strict=True)
        )
        return price, Remembered(displacement, impulses)
