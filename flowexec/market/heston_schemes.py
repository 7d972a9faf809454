"""One step of Heston's model, three ways, for a block of paths: loops compiled by numba.

A kernel advances all paths of a `Block` by several steps. Steps are the outer loop; the inner one, over
paths, is a function of its own that sees plain rows, so that its rounds are visibly independent and become
vector instructions (as one double loop the same arithmetic takes up to seven times as long). Exponentials
are left to numpy, which has them vectorised too. Pinned by `tests/market/test_heston.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit

Row: TypeAlias = np.ndarray
Kernel = TypeVar("Kernel", bound=Callable[..., None])

PSI_CRITICAL = 1.5
"""ψ_c of Andersen (2008): where the quadratic branch hands over to the exponential one."""


def compiled(function: Kernel) -> Kernel:
    """Compile on first call. No `fastmath`: results would depend on how a loop happens to be cut."""
    # error_model: division by zero gives inf, as in numpy; the check for it would stop vectorisation
    return cast(Kernel, njit(nogil=True, cache=True, error_model="numpy")(function))


class Block(NamedTuple):
    """What a kernel reads and fills: several steps of the paths of one stream."""

    normals: np.ndarray  # [step, 2, path], independent: row 0 drives the variance, row 1 only the price
    uniforms: np.ndarray  # [step, path], read by `ivi` only
    state: np.ndarray  # [path], what a scheme remembers beside the variance: only `euler` does
    variance: np.ndarray  # [step+1, path], row 0 given, the others filled
    log_growth: np.ndarray  # [step, path], filled: in a step the price grows by factor · exp(log_growth)
    factor: np.ndarray  # [step, path], given as 1; `qe_m` fills it with a root that saves it a logarithm


class EulerConstants(NamedTuple):
    kappa: float
    theta: float
    xi: float
    rho: float
    mu: float
    dt: float


@compiled
def euler(c: EulerConstants, b: Block) -> None:
    """Full truncation (Lord, Koekkoek & van Dijk 2010); the state is their x, which may turn negative."""
    for k in range(b.normals.shape[0]):
        z = b.normals[k]
        _euler_step(c, z[0], z[1], b.state, b.variance[k], b.variance[k + 1], b.log_growth[k])


@compiled
def _euler_step(c: EulerConstants, z_v: Row, z_s: Row, x: Row, v: Row, v_next: Row, log_growth: Row) -> None:
    """x' = x + κ(θ − v)Δ + ξ√(vΔ) Z_v, v = x⁺; ln S'/S = (μ − v/2)Δ + √(vΔ)(ρZ_v + √(1−ρ²) Z_s)."""
    rho_bar = math.sqrt(1 - c.rho**2)
    for j in range(v.shape[0]):
        deviation = math.sqrt(v[j] * c.dt)
        x[j] += c.kappa * (c.theta - v[j]) * c.dt + c.xi * deviation * z_v[j]
        v_next[j] = max(x[j], 0.0)
        log_growth[j] = (c.mu - 0.5 * v[j]) * c.dt + deviation * (c.rho * z_v[j] + rho_bar * z_s[j])


class QEMConstants(NamedTuple):
    drift: float
    decay: float
    mean_intercept: float
    square_intercept: float
    square_slope: float
    k2: float
    k3: float
    a: float
    low_variance: float


def qe_m_constants(kappa: float, theta: float, xi: float, rho: float, mu: float, dt: float) -> QEMConstants:
    """The numbers of Andersen (2008) that do not depend on the path, with γ₁ = γ₂ = ½.

    With e = exp(−κΔ), E[v'|v] = m = θ(1−e) + ve and Var[v'|v] = s² = θξ²(1−e)²/(2κ) + vξ²e(1−e)/κ (his 17,
    18); K₂ and K₃ = K₄ of his (33); A = K₂ + K₄/2. ψ = s²/m² falls as v rises: ψ > ψ_c means v <
    `low_variance`.

    Raises ValueError when E[exp(A v')|v] is infinite for some v: the price then has no martingale correction
    at this step. That happens only for ρ > 0 and long steps.
    """
    decay, gone = math.exp(-kappa * dt), -math.expm1(-kappa * dt)
    k2 = 0.5 * dt * (kappa * rho / xi - 0.5) + rho / xi
    k3 = 0.5 * dt * (1 - rho**2)
    a = k2 + 0.5 * k3
    # In terms of the mean, s² = r(m − m₀/2) with r = ξ²(1−e)/κ and m ≥ m₀ = θ(1−e). So ψ = ψ_c is a quadratic
    # in m, and ψ(m₀) = r/(2m₀): for r ≤ 2ψ_c m₀ no variance is low.
    r, m_0 = xi**2 * gone / kappa, theta * gone
    critical_mean, low_variance = m_0, 0.0
    if r > 2 * PSI_CRITICAL * m_0:
        critical_mean = (r + math.sqrt(r * (r - 2 * PSI_CRITICAL * m_0))) / (2 * PSI_CRITICAL)
        low_variance = (critical_mean - m_0) / decay
    largest = _largest_scale(r, m_0, critical_mean)
    if a * largest >= 1:
        raise ValueError(
            f"`n_steps` must be larger: scheme 'qe_m' has no martingale correction for a step of {dt:g} days "
            f"with rho={rho!r} and xi={xi!r}, as E[exp(A v)] is infinite for A = {a:g} ≥ {1 / largest:g}"
        )
    return QEMConstants(mu * dt, decay, m_0, 0.5 * r * m_0, r * decay, k2, k3, a, low_variance)


def _largest_scale(r: float, m_0: float, critical_mean: float) -> float:
    """The largest 2a (quadratic branch) or 1/β (exponential) of any variance; A times it must be below 1."""
    # 2a is smooth in 1/m; its maximum may lie inside
    inverse_mean = np.linspace(0.0, 1.0 / critical_mean, 10_001)
    ratio = r * (1 - 0.5 * m_0 * inverse_mean)  # s²/m
    largest = float(np.max(ratio / (1 + np.sqrt(1 - 0.5 * ratio * inverse_mean))))
    if critical_mean > m_0:
        largest = max(largest, 0.5 * (critical_mean + float(ratio[-1])))  # 1/β rises with m, up to m_c
    return largest


@compiled
def qe_m(c: QEMConstants, b: Block) -> None:
    """Quadratic–exponential scheme with martingale correction (Andersen 2008).

    ln S'/S = K₀* + K₁v + K₂v' + √(K₃v + K₄v') Z_s, with K₀* such that E[S'|S, v] = S exp(μΔ). In K₀* + K₁v
    the K₁ cancels: what is left is −½K₃v, and a term that each branch of v' has its own.
    """
    for k in range(b.normals.shape[0]):
        z, v, v_next, log_growth = b.normals[k], b.variance[k], b.variance[k + 1], b.log_growth[k]
        _quadratic_branch(c, z[0], v, v_next, log_growth, b.factor[k])
        _exponential_branch(c, z[0], v, v_next, log_growth, b.factor[k])
        _qe_m_price(c, z[1], v, v_next, log_growth)


@compiled
def _quadratic_branch(c: QEMConstants, z: Row, v: Row, v_next: Row, log_growth: Row, factor: Row) -> None:
    """v' = a(b + Z)² (his 23, 27, 28), for all paths: a low variance gets NaN here, then the other branch.

    Its martingale correction is −A b²a/(1−2Aa) in the logarithm and √(1−2Aa) as a factor.
    """
    for j in range(v.shape[0]):
        m = c.mean_intercept + c.decay * v[j]
        two_over_psi = 2 * m * m / (c.square_intercept + c.square_slope * v[j])
        b_squared = two_over_psi - 1 + math.sqrt(two_over_psi * (two_over_psi - 1))
        a = m / (1 + b_squared)
        root = math.sqrt(b_squared) + z[j]
        v_next[j] = a * root * root
        moment = 1 - 2 * c.a * a
        log_growth[j] = -c.a * b_squared * a / moment
        factor[j] = math.sqrt(moment)


@compiled
def _exponential_branch(c: QEMConstants, z: Row, v: Row, v_next: Row, log_growth: Row, factor: Row) -> None:
    """v' = 0 with probability p, else exponential with rate β (his 25, 29, 30), where the variance is low.

    1/β = (m + s²/m)/2, 1 − p = mβ. The uniform is Φ(Z), and 1 − Φ(Z) = erfc(Z/√2)/2 keeps its digits in the
    tail that matters. The martingale correction is the factor 1/(p + β(1−p)/(β−A)).
    """
    for j in range(v.shape[0]):
        if v[j] < c.low_variance:
            m = c.mean_intercept + c.decay * v[j]
            mean_if_positive = 0.5 * (m + (c.square_intercept + c.square_slope * v[j]) / m)
            probability_positive = m / mean_if_positive
            upper_tail = 0.5 * math.erfc(z[j] * math.sqrt(0.5))
            if upper_tail < probability_positive:
                v_next[j] = mean_if_positive * math.log(probability_positive / upper_tail)
            else:
                v_next[j] = 0.0
            moment = 1 - c.a * mean_if_positive
            log_growth[j] = 0.0
            factor[j] = moment / (moment + c.a * m)


@compiled
def _qe_m_price(c: QEMConstants, z: Row, v: Row, v_next: Row, log_growth: Row) -> None:
    """What both branches share: μΔ − ½K₃v + K₂v' + √(K₃v + K₄v') Z_s (his 33)."""
    for j in range(v.shape[0]):
        deviation = math.sqrt(c.k3 * (v[j] + v_next[j]))
        log_growth[j] += c.drift - 0.5 * c.k3 * v[j] + c.k2 * v_next[j] + deviation * z[j]


class IVIConstants(NamedTuple):
    drift: float
    mean_intercept: float
    mean_slope: float
    noise: float
    next_intercept: float
    next_slope: float
    rho: float


def ivi_constants(kappa: float, theta: float, xi: float, rho: float, mu: float, dt: float) -> IVIConstants:
    """The numbers of Abi Jaber (2024) that do not depend on the path.

    B = (1 − e^{−κΔ})/κ, E[U|v] = α = vB + θ(Δ − B), s = ξB. Raises ValueError when ρs > 1: only up to there
    is the price of this scheme a martingale.
    """
    gone = -math.expm1(-kappa * dt)
    b, s = gone / kappa, xi * gone / kappa
    if rho * s > 1:
        raise ValueError(
            f"`n_steps` must be larger: in scheme 'ivi' the price is no martingale for a step of {dt:g} days "
            f"with rho={rho!r} and xi={xi!r}, as ρξ(1 − e^(−κΔ))/κ = {rho * s:g} > 1"
        )
    gain = kappa * (1 - gone) / gone  # 1/B − κ without its cancellation
    return IVIConstants(mu * dt, theta * (dt - b), b, s, theta * (1 - gain * dt), gain, rho)


@compiled
def ivi(c: IVIConstants, b: Block) -> None:
    """Integrated variance first, by an inverse Gaussian (Abi Jaber 2024)."""
    for k in range(b.normals.shape[0]):
        z = b.normals[k]
        _ivi_step(c, z[0], z[1], b.uniforms[k], b.variance[k], b.variance[k + 1], b.log_growth[k])


@compiled
def _ivi_step(
    c: IVIConstants, z_v: Row, z_s: Row, uniform: Row, v: Row, v_next: Row, log_growth: Row
) -> None:
    """U ~ IG(mean α, shape (α/s)²), Z = (U − α)/s; v' = v + κθΔ − κU + ξZ, and with ρ̄ = √(1 − ρ²)

        ln S'/S = μΔ − U/2 + ρZ + ρ̄√U Z_s.

    U by Michael, Schucany & Haas (1976), their smaller root in the form that does not cancel. v' is written
    (1/B − κ)U + θ(1 − (1/B − κ)Δ), the same number: both terms are positive, so it needs no positive part.
    """
    rho_bar = math.sqrt(1 - c.rho**2)
    for j in range(v.shape[0]):
        mean = c.mean_intercept + c.mean_slope * v[j]
        w = 0.5 * (c.noise * z_v[j]) ** 2 / mean  # mean · Z_v² / (2 · shape)
        ratio = 1 + w + math.sqrt(w * (2 + w))  # larger root : mean, which is also mean : smaller root
        smaller, larger = mean / ratio, mean * ratio
        # the smaller root is taken with probability mean/(mean + smaller root)
        u = smaller if uniform[j] * (1 + ratio) <= ratio else larger
        v_next[j] = c.next_slope * u + c.next_intercept
        z = (u - mean) / c.noise
        log_growth[j] = c.drift - 0.5 * u + c.rho * z + rho_bar * math.sqrt(u) * z_s[j]


SCHEMES: dict[str, tuple[Callable[..., Any], Callable[..., None]]] = {
    "euler": (EulerConstants, euler),
    "qe_m": (qe_m_constants, qe_m),
    "ivi": (ivi_constants, ivi),
}
"""For each scheme: the constants of a simulation, from (κ, θ, ξ, ρ, μ, Δ), and the kernel."""
