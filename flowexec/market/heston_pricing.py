"""Heston without simulation: characteristic function, European prices, laws of return and variance."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_choice, check_real

if TYPE_CHECKING:
    from .heston import Heston


def characteristic_function(model: Heston, u: Any, t: float) -> np.ndarray:
    """φ(u) = E[exp(iu ln(S_t/S₀))] under the model's own drift, for real or complex `u`.

    With β = κ − iρξu, d = √(β² + ξ²(u² + iu)) of positive real part and E = (1 − e^{−dt})/(2d),

        φ = exp(iuμt + C + D v₀),
        C = (κθ/ξ²) [(β − d)t − 2 ln(1 + (β − d)E)],   D = −(u² + iu) E / (1 + (β − d)E).

    This is the form of Albrecher, Mayer, Schoutens & Tistaert (2007), whose logarithm never leaves its
    principal branch. Heston's own (1993, eq. 17) has the other sign of d; as a formula it is equal, as a
    program it jumps where the principal logarithm does, at long maturities.

    Parameters
    ----------
    u : array_like
        Any shape. Complex arguments give moments, φ(−ip) = E[(S_t/S₀)^p]; where that moment is infinite the
        value is without meaning. Moments for p in [0, 1] always exist.
    t : float
        Trading days, at least 0.

    Notes
    -----
    Pinned by `tests/market/test_heston_pricing.py`, against the Riccati equations it solves.
    """
    from scipy.special import log1p  # numpy's complex log1p loses the digits near 0 for which one calls it

    check_real("t", t, at_least=0)
    u = np.asarray(u, dtype=complex)
    kappa, xi = model.kappa, model.xi
    w = u * u + 1j * u
    beta = kappa - 1j * model.rho * xi * u
    d = np.sqrt(beta * beta + xi**2 * w)
    nonzero = np.where(d == 0, 1.0, d)
    e = np.where(d == 0, 0.5 * t, -np.expm1(-d * t) / (2 * nonzero))
    # β − d cancels for small ξ, and its conjugate form −ξ²w/(β + d) where β is negative (ρξ > κ near u = −i)
    forward = (beta.real >= 0) & (beta + d != 0)
    q = np.where(forward, -(xi**2) * w / np.where(forward, beta + d, 1.0), beta - d)
    c = kappa * model.theta / xi**2 * (q * t - 2 * log1p(q * e))
    return np.asarray(np.exp(1j * u * model.drift * t + c - w * e / (1 + q * e) * model.v0))


def european_price(
    model: Heston, strike: Any, maturity: float, *, rate: float = 0.0, kind: str = "call"
) -> float | np.ndarray:
    """Price of a European option, to 1e-8 of the spot price.

    The pricing measure replaces the model's drift by `rate`. With F = S₀e^{rT}, k = ln(F/K) and V = E[∫v dt],

        C e^{rT} = Black(F, K, V) + √(FK)/π ∫₀^∞ Re{e^{iuk} [e^{−V(u²+¼)/2} − φ(u − i/2)]} / (u² + ¼) du

    (Lewis 2001; the Black price as control after Andersen & Piterbarg 2010, which keeps the integrand small
    near u = 0 at short maturities). Puts by parity.

    Parameters
    ----------
    strike : float or array_like
        Currency per share, greater than 0.
    maturity : float
        Trading days, greater than 0.
    rate : float
        Continuously compounded, per trading day.
    kind : {"call", "put"}

    Returns
    -------
    float, or an array of the shape of `strike`

    Raises
    ------
    ValueError
        When an argument breaks its rule.
    ArithmeticError
        When the integral does not reach its tolerance.

    Notes
    -----
    Pinned by `tests/market/test_heston_pricing.py`: published prices, parity, the Black–Scholes limit.
    """
    from scipy.integrate import quad_vec  # only pricing integrates
    from scipy.special import ndtr

    strikes = np.asarray(strike, dtype=float)
    for value in strikes.flat:
        check_real("strike", float(value), above=0)
    check_real("maturity", maturity, above=0)
    check_real("rate", rate)
    check_choice("kind", kind, ("call", "put"))

    martingale = replace(model, drift=0.0)
    forward = model.price * math.exp(rate * maturity)
    k = np.log(forward / strikes)
    variance = model.mean_integrated_variance(maturity)
    deviation = math.sqrt(variance)

    def integrand(x: float) -> np.ndarray:
        u = x / deviation  # the characteristic function varies on the scale of 1/deviation
        gap = math.exp(-0.5 * variance * (u * u + 0.25)) - characteristic_function(
            martingale, u - 0.5j, maturity
        )
        return np.asarray((np.exp(1j * u * k) * gap).real / (u * u + 0.25) / deviation)

    integral, error, info = quad_vec(
        integrand, 0.0, np.inf, epsabs=1e-10, epsrel=0.0, norm="max", limit=20_000, full_output=True
    )
    if not info.success or not np.all(np.isfinite(integral)):
        raise ArithmeticError(
            f"the price of {model!r} at {maturity} days did not converge (error {error:.1e})"
        )
    d_1 = k / deviation + 0.5 * deviation
    black = forward * ndtr(d_1) - strikes * ndtr(d_1 - deviation)
    call = black + np.sqrt(forward * strikes) / math.pi * integral
    undiscounted = call if kind == "call" else call - (forward - strikes)
    price = math.exp(-rate * maturity) * undiscounted
    return float(price) if price.ndim == 0 else price


def log_return_density(model: Heston, x: Any, t: float) -> np.ndarray:
    """Density of ln(S_t/S₀) at `x` (any shape): π⁻¹ ∫₀^∞ Re[e^{−iux}φ(u)] du by the midpoint rule.

    The rule's error is what the density has beyond its period, and that is 40 standard deviations longer than
    the farthest `x` on either side. Pinned by `tests/market/test_heston_pricing.py`.
    """
    x, u, transform = _transform(model, x, t)
    total = sum(
        (np.exp(-1j * np.multiply.outer(x, u_part)) @ part).real for u_part, part in _parts(u, transform)
    )
    return np.asarray(total * (2 * u[0] / math.pi))


def log_return_distribution(model: Heston, x: Any, t: float) -> np.ndarray:
    """P(ln(S_t/S₀) ≤ x) at `x` (any shape): ½ − π⁻¹ ∫₀^∞ Im[e^{−iux}φ(u)]/u du (Gil-Pelaez 1951).

    By the same rule as the density. Pinned by `tests/market/test_heston_pricing.py`.
    """
    x, u, transform = _transform(model, x, t)
    total = sum(
        (np.exp(-1j * np.multiply.outer(x, u_part)) @ part).imag for u_part, part in _parts(u, transform / u)
    )
    return np.asarray(0.5 - total * (2 * u[0] / math.pi))


def variance_density(model: Heston, v: Any, t: float) -> np.ndarray:
    """Density of v_t at `v` (any shape).

    v_t = c·χ′²_d(λ), with c = ξ²(1−e^{−κt})/(4κ), d = 4κθ/ξ² degrees of freedom, λ = v₀e^{−κt}/c. The
    noncentral chi-square law of Cox, Ingersoll & Ross (1985, eq. 18). It is unbounded at 0 when d < 2.
    Pinned by `tests/market/test_heston_pricing.py`.
    """
    from scipy.stats import ncx2  # the slowest import of all; only this needs it

    check_real("t", t, above=0)
    scale = -(model.xi**2) * math.expm1(-model.kappa * t) / (4 * model.kappa)
    freedom = 4 * model.kappa * model.theta / model.xi**2
    return np.asarray(ncx2.pdf(v, freedom, model.v0 * math.exp(-model.kappa * t) / scale, scale=scale))


def _transform(model: Heston, x: Any, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points, and frequencies (j + ½)·step up to where φ has died out, with φ there."""
    check_real("t", t, above=0)
    x = np.asarray(x, dtype=float)
    if not np.all(np.isfinite(x)):
        raise ValueError("`x` must hold finite numbers only")
    mean, deviation = model.mean_log_return(t), math.sqrt(model.variance_of_log_return(t))
    half_period = float(np.max(np.abs(x - mean), initial=0.0)) + 40 * deviation
    step = math.pi / half_period
    top = 1 / deviation
    while abs(characteristic_function(model, top, t)) > 1e-13:
        top *= 1.5
        if top / step > 3e6:
            raise ArithmeticError(
                f"the characteristic function of {model!r} at {t} days decays too slowly to invert"
            )
    u = step * (np.arange(math.ceil(top / step)) + 0.5)
    return x, u, characteristic_function(model, u, t)


def _parts(u: np.ndarray, transform: np.ndarray, size: int = 1024) -> list[tuple[np.ndarray, np.ndarray]]:
    """Frequencies a thousand at a time, so that points times frequencies stays small."""
    return [(u[i : i + size], transform[i : i + size]) for i in range(0, len(u), size)]
