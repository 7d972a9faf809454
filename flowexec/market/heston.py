"""Heston's stochastic volatility: the model, its moments, and paths by three schemes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..checks import check_choice, check_kind, check_real
from .paths import MarketPaths
from .streams import STREAM_PATHS, StreamSlice, check_simulation, for_each_stream, generator
from .volume import VolumeCurve

SLAB_STEPS = 16
"""Steps drawn and computed at a time: their normals, 256 KiB, stay in the second-level cache."""


@dataclass(frozen=True)
class Heston:
    """Heston (1993): dS = μS dt + √v S dW, dv = κ(θ − v) dt + ξ√v dB, dW dB = ρ dt, time in trading days.

    Parameters
    ----------
    price : float
        S₀, currency per share, greater than 0.
    v0 : float
        Variance of the relative return per day at the start, at least 0 (0.0004 is 2 % a day).
    kappa : float
        Speed of mean reversion κ, per day, greater than 0.
    theta : float
        Variance θ to which v reverts, per day, greater than 0.
    xi : float
        Volatility of variance ξ, per day, greater than 0.
    rho : float
        Correlation of price and variance, in [-1, 1].
    drift : float
        μ per day; 0 makes the price a martingale.
    scheme : {"qe_m", "euler", "ivi"}
        How a step is drawn: quadratic–exponential with martingale correction (Andersen 2008), full-truncation
        Euler (Lord, Koekkoek & van Dijk 2010), or integrated variance first (Abi Jaber 2024).
    spread : float
        Quoted bid–ask spread, currency per share, at least 0.
    volume : VolumeCurve
        What the rest of the market trades.

    Raises
    ------
    ValueError
        When a parameter breaks its rule.

    Notes
    -----
    Under all three schemes E[S_T] = S₀e^{μT} exactly, whatever the step; they differ in the law of v and in
    how the price depends on it. Pinned by `tests/market/test_heston.py`.
    """

    price: float
    v0: float
    kappa: float
    theta: float
    xi: float
    rho: float
    drift: float = 0.0
    scheme: str = "qe_m"
    spread: float = 0.0
    volume: VolumeCurve = field(default_factory=VolumeCurve)

    def __post_init__(self) -> None:
        check_real("price", self.price, above=0)
        check_real("v0", self.v0, at_least=0)
        check_real("kappa", self.kappa, above=0)
        check_real("theta", self.theta, above=0)
        check_real("xi", self.xi, above=0)
        check_real("rho", self.rho, at_least=-1, at_most=1)
        check_real("drift", self.drift)
        check_choice("scheme", self.scheme, ("qe_m", "euler", "ivi"))
        check_real("spread", self.spread, at_least=0)
        check_kind("volume", self.volume, VolumeCurve)

    @classmethod
    def from_annual(
        cls,
        price: float,
        v0: float,
        kappa: float,
        theta: float,
        xi: float,
        rho: float,
        drift: float = 0.0,
        scheme: str = "qe_m",
        spread: float = 0.0,
        volume: VolumeCurve | None = None,
        *,
        days: float = 252,
    ) -> Heston:
        """The model from textbook parameters: annual variances `v0`, `theta`; `kappa`, `xi`, `drift` a year.

        Measured in days, v₀, θ, κ, ξ and μ are all divided by `days`, the number of trading days in a year
        (ξ√v dB loses √days with √v and √days with dB, and dv must lose `days` once); ρ stays.
        """
        check_real("days", days, above=0)
        volume = VolumeCurve() if volume is None else volume
        # before they are divided, so that a message quotes the number the caller wrote
        annual = cls(price, v0, kappa, theta, xi, rho, drift, scheme, spread, volume)
        return cls(
            price,
            annual.v0 / days,
            annual.kappa / days,
            annual.theta / days,
            annual.xi / days,
            rho,
            annual.drift / days,
            scheme,
            spread,
            volume,
        )

    @property
    def feller(self) -> float:
        """Feller's ratio 2κθ/ξ²: the variance never reaches 0 when it is at least 1."""
        return 2 * self.kappa * self.theta / self.xi**2

    def mean_variance(self, t: float) -> float:
        """E[v_t] = θ + (v₀ − θ)e^{−κt}."""
        check_real("t", t, at_least=0)
        return self.theta + (self.v0 - self.theta) * math.exp(-self.kappa * t)

    def variance_of_variance(self, t: float) -> float:
        """Var[v_t] = v₀ ξ²e^{−κt}(1 − e^{−κt})/κ + θξ²(1 − e^{−κt})²/(2κ)."""
        check_real("t", t, at_least=0)
        gone = -math.expm1(-self.kappa * t)
        return self.xi**2 * gone / self.kappa * (self.v0 * (1 - gone) + 0.5 * self.theta * gone)

    def mean_integrated_variance(self, t: float) -> float:
        """E[I_t] = θt + (v₀ − θ)(1 − e^{−κt})/κ, where I_t = ∫₀ᵗ v ds."""
        check_real("t", t, at_least=0)
        return self.theta * t - (self.v0 - self.theta) * math.expm1(-self.kappa * t) / self.kappa

    def variance_of_integrated_variance(self, t: float) -> float:
        """Var[I_t] = ξ²∫₀ᵗ E[v_s] B(t−s)² ds, where B(τ) = (1 − e^{−κτ})/κ.

        It follows from I_t − E[I_t] = ξ∫₀ᵗ B(t−s)√v_s dB_s (integrate κ(θ − v) by parts).
        """
        return self.xi**2 * self._mean_variance_against(t, 2)

    def mean_log_return(self, t: float) -> float:
        """E[ln S_t/S₀] = μt − E[I_t]/2."""
        return self.drift * t - 0.5 * self.mean_integrated_variance(t)

    def variance_of_log_return(self, t: float) -> float:
        """Var[ln S_t/S₀] = E[I_t] − ρξ∫₀ᵗ E[v_s]B(t−s) ds + Var[I_t]/4."""
        covariance = self.rho * self.xi * self._mean_variance_against(t, 1)
        return self.mean_integrated_variance(t) - covariance + 0.25 * self.variance_of_integrated_variance(t)

    def _mean_variance_against(self, t: float, power: int) -> float:
        """∫₀ᵗ E[v_s] B(t−s)^power ds by Gauss–Legendre: the closed forms lose all digits at small κt."""
        check_real("t", t, at_least=0)
        nodes, weights = np.polynomial.legendre.leggauss(16)
        panels = max(1, math.ceil(self.kappa * t))
        edges = np.linspace(0.0, t, min(panels, 1000) + 1)
        half = 0.5 * np.diff(edges)[:, None]
        s = edges[:-1, None] + half * (1 + nodes)
        mean = self.theta + (self.v0 - self.theta) * np.exp(-self.kappa * s)
        return float(np.sum(half * weights * mean * (-np.expm1(-self.kappa * (t - s)) / self.kappa) ** power))

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
        """Draw paths [step+1, path]; path number `first_path + i` is the same whatever batch it is drawn in.

        Raises
        ------
        ValueError
            When an argument breaks its rule, or when the step is so long and ρ so positive that the scheme's
            price has no mean: a larger `n_steps` helps.
        """
        # numba takes longer to import than all the rest of the package
        from .heston_schemes import SCHEMES, Block

        check_simulation(n_paths, n_steps, horizon, seed, first_path, threads)
        make_constants, kernel = SCHEMES[self.scheme]
        constants = make_constants(self.kappa, self.theta, self.xi, self.rho, self.drift, horizon / n_steps)
        mid = np.empty((n_steps + 1, n_paths))
        variance = np.empty((n_steps + 1, n_paths))
        mid[0] = self.price
        variance[0] = self.v0

        def draw(cut: StreamSlice) -> None:
            rng, roots = generator(seed, cut.stream), generator(seed, cut.stream, purpose=2)
            # The stream is computed whole, in here: its bits cannot depend on the part that is wanted.
            shape = (SLAB_STEPS, STREAM_PATHS)
            block = Block(
                normals=np.empty((SLAB_STEPS, 2, STREAM_PATHS)),
                uniforms=np.empty(shape),
                state=np.full(STREAM_PATHS, float(self.v0)),
                variance=np.full((SLAB_STEPS + 1, STREAM_PATHS), float(self.v0)),
                log_growth=np.empty(shape),
                factor=np.ones(shape),
            )
            for first in range(0, n_steps, SLAB_STEPS):
                steps = min(SLAB_STEPS, n_steps - first)
                normals, growth = block.normals[:steps], block.log_growth[:steps]
                rng.standard_normal(out=normals)
                if self.scheme == "ivi":
                    roots.random(out=block.uniforms[:steps])
                kernel(constants, block._replace(normals=normals))
                np.exp(growth, out=growth)
                growth *= block.factor[:steps]
                for k in range(first, first + steps):
                    np.multiply(mid[k, cut.output], growth[k - first, cut.inside], out=mid[k + 1, cut.output])
                after = slice(first + 1, first + steps + 1)
                variance[after, cut.output] = block.variance[1 : steps + 1, cut.inside]
                block.variance[0] = block.variance[steps]

        for_each_stream(draw, n_paths, first_path=first_path, threads=threads)
        return MarketPaths(
            times=np.linspace(0.0, horizon, n_steps + 1),
            mid=mid,
            variance=variance,
            volume=self.volume.sample(
                n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads
            ),
            spread=np.broadcast_to(self.spread, (n_steps, n_paths)),
        )
