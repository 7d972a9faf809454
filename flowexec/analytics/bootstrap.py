"""Intervals without a law: BCa for independent observations, circular blocks for a series."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_count, check_numbers, check_real
from ..market.streams import generator
from .dependence import autocorrelation

BATCHES = 1000
CHUNK = 2**17
"""Observations drawn at a time: 1 MiB of indices and as much of values stay in the second-level cache."""
QUIET = 5
"""Correlations in a row that are indistinguishable from 0 where the memory of a series has ended."""
ROUNDING = 1e-12
"""Resamples that differ by less than this part of the largest observation differ by rounding."""
RESAMPLING = 6
"""The purpose of the random stream, see `flowexec.market.streams.generator`."""


class BootstrapInterval(NamedTuple):
    """A confidence interval, and the two-sided p-value of the hypothesis that the truth is 0.

    The p-value is the level at which the interval ends at 0, so the two never contradict each other.
    """

    low: float
    high: float
    p_value: float


def bca_interval(
    sample: ArrayLike,
    statistic: Callable[..., np.ndarray] = np.mean,
    *,
    seed: int,
    level: float = 0.95,
    resamples: int = 2000,
) -> BootstrapInterval:
    """Efron's bias-corrected and accelerated interval from independent observations.

    With Ĝ the distribution of the statistic over resamples, θ̂ its value, θ̂_(i) its value without
    observation i, and u_i = θ̂_(·) − θ̂_(i),

        z₀ = Φ⁻¹(Ĝ(θ̂)),   a = Σ u_i³ / (6 (Σ u_i²)^(3/2)),
        θ_α = Ĝ⁻¹(Φ(z₀ + (z₀ + z_α)/(1 − a(z₀ + z_α)))),

    and the p-value solves θ_{p/2} = 0 or θ_{1−p/2} = 0, but is at least 1/resamples: they can tell no more.
    Right to second order: the coverage errs by O(1/n), not O(1/√n).

    Parameters
    ----------
    sample : array [observation]
        At least two. For the mean, more than 1,000 are first averaged in batches (`batch_means`): the first
        three cumulants of the mean stay the same, hence also the interval to second order, and a million
        paths take as long as a thousand.
    statistic : callable, optional
        Of an array over its last axis, called as `statistic(values, axis=-1)`, such as `np.median`.
    seed : int
    level : float
        In (0, 1).
    resamples : int
        At least 100.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Efron (1987); Efron and Tibshirani (1993), eqs. 14.10, 14.14 and 14.15. SciPy's has no p-value. Pinned to
    SciPy's interval by `tests/analytics/test_bootstrap.py`, and its size by `tests/analytics/test_null.py`.
    """
    from scipy.special import ndtr, ndtri

    check_real("level", level, above=0, below=1)
    values = check_numbers("sample", sample, at_least=2)
    if statistic is np.mean:
        values = batch_means(values)
    estimate = float(statistic(values, axis=-1))
    draws = resample(values, statistic, seed=seed, resamples=resamples)
    if np.ptp(draws) <= ROUNDING * np.abs(values).max():
        return BootstrapInterval(estimate, estimate, float(estimate == 0.0))
    influence = _without_one(values, statistic)
    influence = influence.mean() - influence
    acceleration = float((influence**3).sum() / (6.0 * (influence**2).sum() ** 1.5))
    bias = float(ndtri(_share_below(draws, estimate)))
    shifted = bias + ndtri(np.array([1.0 - level, 1.0 + level]) / 2.0)
    low, high = np.quantile(draws, ndtr(bias + shifted / (1.0 - acceleration * shifted)))
    null = float(ndtri(_share_below(draws, 0.0))) - bias
    null = null / (1.0 + acceleration * null) - bias
    return BootstrapInterval(float(low), float(high), max(2.0 * float(ndtr(-abs(null))), 1.0 / resamples))


def block_bootstrap_interval(
    series: ArrayLike,
    *,
    seed: int,
    block: int | None = None,
    level: float = 0.95,
    resamples: int = 2000,
) -> BootstrapInterval:
    """Interval of the mean of a stationary series, from resamples of whole blocks of neighbors.

    Blocks of `block` consecutive observations, on the series closed to a circle, are drawn until a resample
    is as long as the series. With m* their mean, m̂ that of the series and q the `level` quantile of
    |m* − m̂|, the interval is m̂ ± q and the p-value the share of |m* − m̂| ≥ |m̂|: the resamples stand for a
    world in which the mean is 0, and so are centered. Deviations are multiplied by √(n/(n − block)),
    since the blocks were centered by a mean that is made of them.

    Parameters
    ----------
    series : array [observation]
        In the order of time, at least eight.
    seed : int
    block : int, optional
        At most half of the series; by default that of `block_length`.
    level : float
        In (0, 1).
    resamples : int
        At least 100, and enough that one of them is beyond the level.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Politis and Romano (1992); centered as Hall and Wilson (1991) require. Pinned by
    `tests/analytics/test_bootstrap.py`, and its size by `tests/analytics/test_null.py`.
    """
    check_real("level", level, above=0, below=1)
    check_count("resamples", resamples, at_least=max(100, math.ceil(1.0 / (1.0 - level))))
    values = check_numbers("series", series, at_least=8)
    n, mean = values.size, float(values.mean())
    if np.ptp(values) == 0.0:
        return BootstrapInterval(mean, mean, float(mean == 0.0))
    block = block_length(values) if block is None else block
    check_count("block", block)
    check_real("block", block, at_most=n // 2)
    centered = values - mean
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([centered, centered[:block]]))])
    whole, rest = divmod(n, block)
    lengths = np.append(np.full(whole, block), rest)  # the last block is cut off where the series ends
    rng = _generator(seed)
    portions = (rng.integers(n, size=(rows, whole + 1)) for rows in _portions(resamples, whole + 1))
    totals = np.concatenate([(sums[start + lengths] - sums[start]).sum(axis=1) for start in portions])
    deviation = np.abs(totals) / n * math.sqrt(n / (n - block))
    beyond = math.floor(round((1.0 - level) * (resamples + 1), 6))  # of 100.00…01 or 99.99…99 resamples, 100
    half = float(np.partition(deviation, resamples - beyond)[resamples - beyond])
    p_value = (1 + np.count_nonzero(deviation >= abs(mean))) / (resamples + 1)
    return BootstrapInterval(mean - half, mean + half, float(p_value))


def block_length(series: ArrayLike) -> int:
    """Length of circular blocks with the least error of the bootstrap variance of the mean.

        b = (2 Ĝ²/D̂)^(1/3) n^(1/3),   Ĝ = Σ_k λ(k/M)|k|ρ̂_k,   D̂ = (4/3)(Σ_k λ(k/M) ρ̂_k)²,

    with λ the trapezoid that is 1 up to ½ and falls to 0 at 1, and M twice the lag after which the
    correlations ρ̂ are indistinguishable from 0: five of them in a row below 2 √(log₁₀ n/n). At most
    min(3√n, n/3), and 1 or 2 for a series without memory.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Politis and White (2004), with the correction of Patton, Politis and White (2009), for circular blocks.
    Pinned by `tests/analytics/test_bootstrap.py`.
    """
    values = check_numbers("series", series, at_least=8)
    n = values.size
    longest = min(math.ceil(math.sqrt(n)) + QUIET, n - 1)
    rho = np.array([e.value for e in autocorrelation(values, range(1, longest + 1))])
    loud = 1 + np.flatnonzero(np.abs(rho) >= 2.0 * math.sqrt(math.log10(n) / n))
    quiet = np.diff(np.concatenate([[0], loud, [longest + QUIET + 1]])) - 1  # lags after each until the next
    memory = max(1, int(np.append(0, loud)[np.argmax(quiet >= QUIET)]))
    lags = np.arange(1, min(2 * memory, longest) + 1)
    weighted = np.minimum(1.0, 2.0 - lags / memory) * rho[: lags.size]
    slope, level = 2.0 * float((weighted * lags).sum()), 1.0 + 2.0 * float(weighted.sum())
    largest = max(1, math.ceil(min(3.0 * math.sqrt(n), n / 3.0)))
    if 1.5 * slope**2 * n >= level**2 * largest**3:  # and where the level is 0
        return largest
    return max(1, round(math.cbrt(1.5 * (slope / level) ** 2 * n)))


def batch_means(sample: ArrayLike, batches: int = BATCHES) -> np.ndarray:
    """Means of at most `batches` stretches of consecutive observations, equally long up to one observation.

    Of at most `batches` observations each is its own mean. Pinned by `tests/analytics/test_bootstrap.py`.
    """
    check_count("batches", batches, at_least=2)
    values = check_numbers("sample", sample)
    length = -(-values.size // batches)
    ends = np.linspace(0, values.size, values.size // length + 1).astype(int)
    return np.asarray(np.add.reduceat(values, ends[:-1]) / np.diff(ends))


def resample(
    values: np.ndarray, statistic: Callable[..., np.ndarray] = np.mean, *, seed: int, resamples: int = 2000
) -> np.ndarray:
    """The statistic of resamples of the last axis with replacement, [..., resample].

    All rows of `values` [..., observation] share their draws: paired observations stay paired.
    """
    check_count("resamples", resamples, at_least=100)
    rng, n = _generator(seed), values.shape[-1]
    parts = [
        statistic(values[..., rng.integers(n, size=(rows, n))], axis=-1)
        for rows in _portions(resamples, values.size)
    ]
    return np.concatenate(parts, axis=-1)


def _portions(rows: int, width: int) -> list[int]:
    """Numbers of rows of `width` observations that add up to `rows`, each within `CHUNK` if it can."""
    most = max(1, CHUNK // width)
    return [min(most, rows - start) for start in range(0, rows, most)]


def _generator(seed: int) -> np.random.Generator:
    check_count("seed", seed, at_least=0)
    return generator(seed, 0, RESAMPLING)


def _share_below(draws: np.ndarray, value: float) -> float:
    """Ĝ(value), ties by halves, half a draw away from 0 and 1 at least."""
    below = 0.5 * (np.count_nonzero(draws < value) + np.count_nonzero(draws <= value))
    return min(max(below, 0.5), draws.size - 0.5) / draws.size


def _without_one(values: np.ndarray, statistic: Callable[..., np.ndarray]) -> np.ndarray:
    """The statistic without each of the observations in turn."""
    n = values.size
    if statistic is np.mean:
        without: np.ndarray = (values.sum() - values) / (n - 1)
        return without
    others, every = np.arange(n - 1), np.arange(n)[:, None]
    parts = np.split(every, np.cumsum(_portions(n, n))[:-1])
    return np.concatenate([statistic(values[others + (others >= left)], axis=-1) for left in parts])
