"""Markets with a signal: the mid drifts at a rate that the trader sees and that reverts to 0."""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ..checks import check_kind, check_real
from .brownian import Bachelier
from .paths import Array, MarketModel, MarketPaths
from .streams import STREAM_PATHS, StreamSlice, check_simulation, for_each_stream, generator
from .volume import VolumeCurve


class SignalPaths(NamedTuple):
    """A signal at the grid points and what it has added to the price, both [step+1, path]."""

    signal: np.ndarray
    """α, currency per share and day."""
    integral: np.ndarray
    """∫₀ᵗ α ds, currency per share; its first row is 0."""


@dataclass(frozen=True)
class OrnsteinUhlenbeck:
    """A drift that comes and goes: dα = −κ α dt + η dB, from α₀, independent of all else in the market.

    Given α, the signal a time t later and the drift gathered on the way are jointly normal:

        α_t ~ N(α e^{−κt}, η² (1 − e^{−2κt})/(2κ)),
        ∫₀ᵗ α ds given α_t ~ N((α + α_t) tanh(κt/2)/κ, η² (κt − 2 tanh(κt/2))/κ³),

    the trapezoidal rule with tanh(κt/2)/κ for t/2, and the noise it leaves out.

    Parameters
    ----------
    reversion : float
        κ per day, greater than 0; half of a signal is gone after ln 2/κ days.
    volatility : float
        η, currency per share and day^{3/2}, at least 0.
    initial : float
        α₀, currency per share and day; positive when the price is about to rise.

    Raises
    ------
    ValueError
        When a parameter breaks its rule.

    Notes
    -----
    The signal of Lehalle and Neuman (2019, "Incorporating signals into optimal trading"). The joint law is
    that of Gillespie (1996, "Exact numerical simulation of the Ornstein–Uhlenbeck process and its integral");
    conditioning the integral on both ends takes the cancellation out of it. Pinned by
    `tests/market/test_signal.py`.
    """

    reversion: float
    volatility: float
    initial: float = 0.0

    def __post_init__(self) -> None:
        check_real("reversion", self.reversion, above=0)
        check_real("volatility", self.volatility, at_least=0)
        check_real("initial", self.initial)

    @property
    def stationary_sd(self) -> float:
        """η/√(2κ), the standard deviation of the signal long after the start."""
        return self.volatility / math.sqrt(2 * self.reversion)

    def mean(self, alpha: Array, t: float) -> Array:
        """E[α_t | α₀ = alpha] = alpha e^{−κt}, in the shape of `alpha`."""
        check_real("t", t, at_least=0)
        return alpha * math.exp(-self.reversion * t)

    def sd(self, t: float) -> float:
        """Standard deviation of α_t given α₀."""
        check_real("t", t, at_least=0)
        return self.volatility * math.sqrt(-math.expm1(-2 * self.reversion * t) / (2 * self.reversion))

    def integrated_mean(self, alpha: Array, t: float) -> Array:
        """E[∫₀ᵗ α ds | α₀ = alpha] = alpha (1 − e^{−κt})/κ: by how much the mid is expected to move."""
        check_real("t", t, at_least=0)
        return alpha * (-math.expm1(-self.reversion * t) / self.reversion)

    def covariance(self, t: float) -> np.ndarray:
        """Covariance matrix [2, 2] of (α_t, ∫₀ᵗ α ds) given α₀."""
        variance = self.sd(t) ** 2
        weight, noise = self._integral_given_ends(t)
        cross = weight * variance
        return np.array([[variance, cross], [cross, weight * cross + noise**2]])

    def sample(
        self,
        n_paths: int,
        n_steps: int,
        horizon: float,
        *,
        seed: int,
        first_path: int = 0,
        threads: int | None = None,
    ) -> SignalPaths:
        """Draw the signal and its integral on a uniform grid, exact in their joint law at the grid points."""
        check_simulation(n_paths, n_steps, horizon, seed, first_path, threads)
        step_length = horizon / n_steps
        decay, sd = math.exp(-self.reversion * step_length), self.sd(step_length)
        weight, noise = self._integral_given_ends(step_length)
        signal, integral = np.empty((2, n_steps + 1, n_paths))
        signal[0] = self.initial
        integral[0] = 0.0

        def draw(cut: StreamSlice) -> None:
            rng = generator(seed, cut.stream, purpose=3)
            for k in range(n_steps):
                z_end, z_between = rng.standard_normal((2, STREAM_PATHS))[:, cut.inside]
                before, after = signal[k, cut.output], signal[k + 1, cut.output]
                after[:] = decay * before + sd * z_end
                gathered = weight * (before + after) + noise * z_between
                integral[k + 1, cut.output] = integral[k, cut.output] + gathered

        for_each_stream(draw, n_paths, first_path=first_path, threads=threads)
        return SignalPaths(signal, integral)

    def _integral_given_ends(self, t: float) -> tuple[float, float]:
        """Of ∫₀ᵗ α ds given α₀ and α_t: the weight of α₀ + α_t in its mean, and its standard deviation."""
        x = self.reversion * t
        weight = math.tanh(0.5 * x) / self.reversion
        if x < 0.05:  # x − 2 tanh(x/2) would cancel; what the series leaves out is below 2e-11
            shape = (1 - x**2 / 10 + 17 * x**4 / 1680) / 12
        else:
            shape = (x - 2 * math.tanh(0.5 * x)) / x**3
        return weight, self.volatility * math.sqrt(t**3 * shape)


@dataclass(frozen=True)
class WithSignal:
    """A driftless market whose mid is given the drift of a signal: S = S of `market` + ∫₀ᵗ α ds.

    S − ∫₀ᵗ α ds is the mid of `market`; variance, volumes and spread are that market's own, to the last bit.
    The trader sees the signal, `MarketPaths.signal`.

    Parameters
    ----------
    market : MarketModel
        Without a drift, a signal or a visible book of its own, e.g. `Heston`.
    signal : OrnsteinUhlenbeck

    Raises
    ------
    ValueError
        When `market` is no market or has a drift; when its paths have a signal or a visible book.

    Notes
    -----
    Pinned by `tests/market/test_signal.py`.
    """

    market: MarketModel
    signal: OrnsteinUhlenbeck

    def __post_init__(self) -> None:
        check_kind("market", self.market, MarketModel)
        check_kind("signal", self.signal, OrnsteinUhlenbeck)
        drift = getattr(self.market, "drift", 0.0)
        if drift != 0:
            raise ValueError(f"`market` must have no drift beside the signal's, got drift={drift!r}")

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
        """Draw paths [step+1, path]; path `first_path + i` is the same whatever batch it is drawn in."""
        paths = self.market.simulate(
            n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads
        )
        for name in ("signal", "depth"):
            if getattr(paths, name) is not None:
                got = reprlib.repr(self.market)
                raise ValueError(f"`market` must draw paths without `{name}`, got {got}")
        signal, mid = self.signal.sample(
            n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads
        )
        mid += paths.mid
        return replace(paths, mid=mid, signal=signal)


@dataclass(frozen=True)
class SignalBachelier:
    """Arithmetic Brownian motion with a signal: dS = α dt + σ dW, dα = −κ α dt + η dB, W and B independent.

    Parameters
    ----------
    price : float
        S₀, currency per share, greater than 0.
    volatility : float
        σ, currency per share and √day, at least 0.
    signal : OrnsteinUhlenbeck
        α, currency per share and day.
    spread : float
        Quoted bid–ask spread, currency per share, at least 0.
    volume : VolumeCurve
        What the rest of the market trades.

    Notes
    -----
    The market of Lehalle and Neuman (2019); Cartea and Jaimungal (2016) drive α by the order flow of others
    instead. Exact at the grid points. `variance` is that of σW, the risk that remains when the signal is
    known. Pinned by `tests/market/test_signal.py`.
    """

    price: float
    volatility: float
    signal: OrnsteinUhlenbeck
    spread: float = 0.0
    volume: VolumeCurve = field(default_factory=VolumeCurve)

    def __post_init__(self) -> None:
        self._parts()

    def _parts(self) -> WithSignal:
        driftless = Bachelier(self.price, self.volatility, spread=self.spread, volume=self.volume)
        return WithSignal(driftless, self.signal)

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
        """Draw paths [step+1, path]; path `first_path + i` is the same whatever batch it is drawn in."""
        return self._parts().simulate(
            n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads
        )
