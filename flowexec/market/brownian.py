"""Markets driven by one Brownian motion: Bachelier (arithmetic) and geometric, both drawn exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..checks import check_kind, check_real
from .paths import MarketPaths
from .streams import STREAM_PATHS, StreamSlice, check_simulation, for_each_stream, generator
from .volume import VolumeCurve


def brownian_paths(
    n_paths: int, n_steps: int, horizon: float, *, seed: int, first_path: int = 0, threads: int | None = None
) -> np.ndarray:
    """Standard Brownian motion [step+1, path] on a uniform grid of [0, horizon], exact at the grid points."""
    check_simulation(n_paths, n_steps, horizon, seed, first_path, threads)
    w = np.empty((n_steps + 1, n_paths))
    w[0] = 0.0
    scale = math.sqrt(horizon / n_steps)

    def draw(cut: StreamSlice) -> None:
        rng = generator(seed, cut.stream)
        for k in range(n_steps):
            step = rng.standard_normal(STREAM_PATHS)[cut.inside]
            w[k + 1, cut.output] = w[k, cut.output] + scale * step

    for_each_stream(draw, n_paths, first_path=first_path, threads=threads)
    return w


def _check_parameters(model: Bachelier | GBM) -> None:
    check_real("price", model.price, above=0)
    check_real("volatility", model.volatility, at_least=0)
    check_real("drift", model.drift)
    check_real("spread", model.spread, at_least=0)
    check_kind("volume", model.volume, VolumeCurve)


def _constant_quotes(
    model: Bachelier | GBM, times: np.ndarray, mid: np.ndarray, variance: float, volume: np.ndarray
) -> MarketPaths:
    """Variance and spread do not move: views of one number, which cost no memory."""
    return MarketPaths(
        times=times,
        mid=mid,
        variance=np.broadcast_to(variance, mid.shape),
        volume=volume,
        spread=np.broadcast_to(model.spread, volume.shape),
    )


@dataclass(frozen=True)
class Bachelier:
    """Arithmetic Brownian motion, S_t = S₀ + μ t + σ W_t, the market of Almgren and Chriss (2000).

    Parameters
    ----------
    price : float
        S₀, currency per share, greater than 0.
    volatility : float
        σ, currency per share and √day, at least 0.
    drift : float
        μ, currency per share and day.
    spread : float
        Quoted bid–ask spread, currency per share, at least 0.
    volume : VolumeCurve
        What the rest of the market trades.

    Notes
    -----
    Exact at the grid points. Pinned by `tests/market/test_brownian.py`.
    """

    price: float
    volatility: float
    drift: float = 0.0
    spread: float = 0.0
    volume: VolumeCurve = field(default_factory=VolumeCurve)

    def __post_init__(self) -> None:
        _check_parameters(self)

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
        w = brownian_paths(n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads)
        times = np.linspace(0.0, horizon, n_steps + 1)
        w *= self.volatility
        w += self.price + self.drift * times[:, None]
        variance = (self.volatility / self.price) ** 2
        volume = self.volume.sample(
            n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads
        )
        return _constant_quotes(self, times, w, variance, volume)


@dataclass(frozen=True)
class GBM:
    """Geometric Brownian motion, S_t = S₀ exp((μ − σ²/2) t + σ W_t).

    Parameters
    ----------
    price : float
        S₀, currency per share, greater than 0.
    volatility : float
        σ per √day (0.02 is 2 % a day), at least 0.
    drift : float
        μ per day; 0 makes the price a martingale.
    spread : float
        Quoted bid–ask spread, currency per share, at least 0.
    volume : VolumeCurve
        What the rest of the market trades.

    Notes
    -----
    Exact at the grid points. Pinned by `tests/market/test_brownian.py`.
    """

    price: float
    volatility: float
    drift: float = 0.0
    spread: float = 0.0
    volume: VolumeCurve = field(default_factory=VolumeCurve)

    def __post_init__(self) -> None:
        _check_parameters(self)

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
        w = brownian_paths(n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads)
        times = np.linspace(0.0, horizon, n_steps + 1)
        w *= self.volatility
        w += (self.drift - 0.5 * self.volatility**2) * times[:, None]
        np.exp(w, out=w)
        w *= self.price
        variance = self.volatility**2
        volume = self.volume.sample(
            n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads
        )
        return _constant_quotes(self, times, w, variance, volume)
