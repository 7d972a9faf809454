"""How many paths, or orders, an answer needs; and whether an interval holds the truth as often as it says."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_real
from .statistics import NORMAL_95, Estimate


def observations_needed(sd: float, effect: float, *, power: float = 0.9, level: float = 0.05) -> int:
    """Observations with which a two-sided test at `level` sees a mean of `effect` with probability `power`.

        n = ⌈((z_{1−level/2} + z_power) · sd/effect)²⌉,

    for observations of standard deviation `sd`: the cost difference of two runs on one path, say. For the
    difference between two independent samples, `sd` is √(sd₁² + sd₂²) and n is the size of each. The normal
    approximation leaves out the other tail, which is negligible for `power` ≥ 0.5.

    Parameters
    ----------
    sd : float
        At least 0, in the unit of `effect`; 0 needs a single observation.
    effect : float
        Greater than 0.
    power, level : float
        In (0, 1).

    Notes
    -----
    Pinned by `tests/analytics/test_power.py`: rejections are counted at the size that it asks for.
    """
    check_real("sd", sd, at_least=0)
    check_real("effect", effect, above=0)
    z = _both_quantiles(power, level)
    return max(1, math.ceil((z * sd / effect) ** 2))


def power_of_test(sd: float, effect: float, n: int, *, level: float = 0.05) -> float:
    """Probability that n observations show `effect` at `level`: the inverse of `observations_needed`."""
    check_real("sd", sd, at_least=0)
    check_real("effect", effect, above=0)
    check_real("n", n, at_least=1)
    check_real("level", level, above=0, below=1)
    if sd == 0.0:
        return 1.0
    normal = NormalDist()
    return normal.cdf(effect * math.sqrt(n) / sd - normal.inv_cdf(1.0 - level / 2.0))


def _both_quantiles(power: float, level: float) -> float:
    check_real("power", power, above=0, below=1)
    check_real("level", level, above=0, below=1)
    normal = NormalDist()
    return normal.inv_cdf(1.0 - level / 2.0) + normal.inv_cdf(power)


def variance_ratio(noisy: np.ndarray, quiet: np.ndarray) -> Estimate:
    """Var(noisy)/Var(quiet) of paired observations: how many times fewer paths the quiet one needs.

    By the delta method on the two sample variances, which need be neither normal nor independent: the
    relative error is the standard error of the mean of (a − ā)²/s_a² − (b − b̄)²/s_b². Infinite where `quiet`
    is constant up to the rounding of `noisy`.

    Pinned by `tests/analytics/test_power.py`.
    """
    if noisy.shape != quiet.shape or noisy.ndim != 1 or noisy.size < 2:
        raise ValueError(
            f"`noisy` and `quiet` must be two arrays [path] of the same length, at least 2, "
            f"got shapes {noisy.shape} and {quiet.shape}"
        )
    a, b = (noisy - noisy.mean()) ** 2, (quiet - quiet.mean()) ** 2
    n = noisy.size
    va, vb = float(a.sum()) / (n - 1), float(b.sum()) / (n - 1)
    if vb <= va * 1e-20:
        return Estimate(math.inf, 0.0) if va > 0 else Estimate(math.nan, math.nan)
    influence = a / va - b / vb
    return Estimate(va / vb, va / vb * float(influence.std(ddof=1)) / math.sqrt(n))


def proportion(events: ArrayLike) -> Estimate:
    """Share of `events` [trial] that are true: the size of a test, its power, the wins of a strategy.

    The error is √(p(1−p)/n) at Agresti and Coull's (1998) center p = (hits + 2)/(n + 4), so that it is not 0
    where all of the trials, or none, were hits.

    Raises
    ------
    ValueError
        When `events` is no array of at least one truth value.

    Notes
    -----
    Pinned by `tests/analytics/test_power.py`.
    """
    happened = np.asarray(events)
    if happened.ndim != 1 or happened.size == 0 or happened.dtype != bool:
        raise ValueError(f"`events` must be an array of at least one truth value, got {reprlib.repr(events)}")
    n, hits = happened.size, int(np.count_nonzero(happened))
    center = (hits + 2) / (n + 4)
    return Estimate(hits / n, math.sqrt(center * (1.0 - center) / (n + 4)))


def coverage(estimates: Sequence[Estimate], truth: float) -> Estimate:
    """Share of 95 % intervals that hold `truth`, with the error of a `proportion`.

    Pinned by `tests/analytics/test_power.py`.
    """
    if len(estimates) == 0:
        raise ValueError("`estimates` must hold at least one estimate, got none")
    return proportion([abs(e.value - truth) <= NORMAL_95 * e.standard_error for e in estimates])
