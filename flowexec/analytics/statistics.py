"""Estimates that always carry their standard error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_numbers, check_real

NORMAL_95 = 1.959963984540054
"""97.5 % quantile of the standard normal."""


class Estimate(NamedTuple):
    """A number and its standard error, in the same unit."""

    value: float
    standard_error: float

    @property
    def interval(self) -> tuple[float, float]:
        """Normal 95 % confidence interval."""
        half = NORMAL_95 * self.standard_error
        return self.value - half, self.value + half

    def __format__(self, spec: str) -> str:
        """`f"{estimate:.2f}"` gives `1.23 ± 0.04`, value and standard error alike, with a true minus sign."""
        value = format(self.value, spec).replace("-", "−")
        return f"{value} ± {format(self.standard_error, spec.lstrip('+'))}"


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of a sample; two of them merge without a rounding blow-up.

    Chan, Golub and LeVeque (1983), eq. 1.5. Pinned by `tests/analytics/test_statistics.py`.
    """

    count: int
    mean: float
    squares: float

    @classmethod
    def of(cls, sample: np.ndarray) -> Moments:
        mean = float(np.mean(sample))
        return cls(sample.size, mean, float(np.sum((sample - mean) ** 2)))

    def merge(self, other: Moments) -> Moments:
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * other.count / count
        squares = self.squares + other.squares + delta**2 * self.count * other.count / count
        return Moments(count, mean, squares)

    @property
    def estimate(self) -> Estimate:
        """The mean with its standard error; infinite for a single observation."""
        if self.count < 2:
            return Estimate(self.mean, math.inf)
        return Estimate(self.mean, math.sqrt(self.squares / (self.count - 1) / self.count))


@dataclass(frozen=True, eq=False)
class JointMoments:
    """Means of several quantities of each path, with their scatter, so that functions of them have an error.

    For g smooth at the means m of n independent paths, by the delta method,

        Var[g(m)] ≈ ∇g(m)ᵀ Σ ∇g(m) / n,   Σ = scatter/(n − 1).

    Two samples merge as those of `Moments` do (Pébay 2008, eq. 3.11, is the same formula for a covariance).

    Attributes
    ----------
    count : int
    mean : array [quantity]
    scatter : array [quantity, quantity]
        Σ_paths (q − m)(q − m)ᵀ.

    Notes
    -----
    Pinned by `tests/analytics/test_metrics.py`.
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, *quantities: np.ndarray) -> JointMoments:
        deviation = np.stack(quantities).astype(float, copy=False)
        mean = deviation.mean(axis=1)
        deviation -= mean[:, None]
        # not a matrix product, whose bits depend on the threads of the BLAS
        return cls(deviation.shape[1], mean, np.einsum("ip,jp->ij", deviation, deviation))

    def merge(self, other: JointMoments) -> JointMoments:
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        between = np.multiply.outer(delta, delta) * (self.count * other.count / count)
        return JointMoments(count, mean, self.scatter + other.scatter + between)

    def estimate(self, value: float, gradient: Sequence[float]) -> Estimate:
        """`value` = g(mean) with the delta method's error, from ∇g(mean) [quantity]."""
        if self.count < 2:
            return Estimate(value, math.inf)
        slope = np.asarray(gradient)
        variance = float(slope @ self.scatter @ slope) / (self.count - 1) / self.count
        return Estimate(value, math.sqrt(max(variance, 0.0)))


def merge_moments(samples: Iterable[dict[str, Moments]]) -> dict[str, Moments]:
    """Moments of several samples together, of the quantities that all of them have."""

    def merge(one: dict[str, Moments], other: dict[str, Moments]) -> dict[str, Moments]:
        return {name: moments.merge(other[name]) for name, moments in one.items() if name in other}

    return reduce(merge, samples)


def mean_estimate(sample: ArrayLike) -> Estimate:
    """Sample mean and s/√n."""
    return Moments.of(check_numbers("sample", sample)).estimate


def sd_estimate(sample: ArrayLike) -> Estimate:
    """Standard deviation s; by the delta method its error is √((m₄ − m₂²)/n) / 2s, whatever the law."""
    values = check_numbers("sample", sample)
    n = values.size
    if n < 2:
        return Estimate(0.0, math.inf)
    squares = values - values.mean()
    squares *= squares
    m2 = float(squares.sum()) / n
    if m2 == 0.0:
        return Estimate(0.0, 0.0)
    squares *= squares  # and not a dot product, whose bits depend on the threads of the BLAS
    m4 = float(squares.sum()) / n
    sd = math.sqrt(m2 * n / (n - 1))
    return Estimate(sd, math.sqrt(max(m4 - m2**2, 0.0) / n) / (2.0 * sd))


def var_cvar(cost: ArrayLike, level: float) -> tuple[Estimate, Estimate]:
    """Value at risk and expected shortfall of a *cost* (large is bad) at `level`, e.g. 0.95.

    VaR is the empirical `level` quantile q; its error is half the distance of the order statistics one
    binomial standard deviation either side, which assumes no density (infinite when the sample is too
    small to have the upper one). CVaR = q + E[(C − q)₊]/(1 − level) (Rockafellar and Uryasev 2000,
    eq. 4); at the quantile its derivative in q vanishes, so its error is that of the mean of (C − q)₊.

    Pinned by `tests/analytics/test_statistics.py`.
    """
    check_real("level", level, above=0, below=1)
    values = check_numbers("cost", cost)
    n = values.size
    deviation = math.sqrt(n * level * (1.0 - level))
    rank = int(n * level)  # below n for every float below 1
    low, high = int(n * level - deviation), int(n * level + deviation)
    ordered = np.partition(values, sorted({low, rank, min(high, n - 1)}))
    quantile = float(ordered[rank])
    half_width = float(ordered[high] - ordered[low]) / 2.0 if high < n else math.inf
    excess = ordered[rank:] - quantile  # (C − q)₊ is 0 for all others
    mean = float(excess.sum()) / n
    excess *= excess
    squares = max(float(excess.sum()) - n * mean**2, 0.0)
    error = math.sqrt(squares / (n - 1) / n) if n > 1 else math.inf
    return Estimate(quantile, half_width), Estimate(quantile + mean / (1.0 - level), error / (1.0 - level))
