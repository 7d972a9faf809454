"""Is a mean difference of cost real: tests of paired differences, serial ones and many at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_count, check_numbers, check_real
from .statistics import Moments

EXACT = 50
"""Differences up to which Wilcoxon's p-value is counted out rather than approximated; with ties, 13."""


class TestResult(NamedTuple):
    """A statistic and its two-sided p-value, uniform on (0, 1) when there is no difference."""

    statistic: float
    p_value: float


def t_test(differences: ArrayLike | Moments) -> TestResult:
    """Student's t test that independent differences have mean 0; the statistic is mean/standard error.

    Differences that are all 0 give (0, 1); all the same and not 0, (±∞, 0).

    Parameters
    ----------
    differences : array [path] or Moments
        Cost less the baseline's cost on each path, at least two; or their moments, for a sample that was
        never in memory at once.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Pinned by `tests/analytics/test_inference.py`, and its size and power by `tests/analytics/test_null.py`.
    """
    if not isinstance(differences, Moments):
        differences = Moments.of(check_numbers("differences", differences, at_least=2))
    check_count("differences.count", differences.count, at_least=2)
    mean, error = differences.estimate
    return _student(mean, error, differences.count - 1)


def wilcoxon(differences: ArrayLike) -> TestResult:
    """Wilcoxon's signed-rank test that independent differences are symmetric about 0.

    The statistic is the matched-pairs rank-biserial correlation (Kerby 2014): positive less negative rank
    sum as a share of both, from −1 (always cheaper) to 1. Zeros are left out as Wilcoxon did, tied ranks
    are averaged; the p-value is exact up to 50 differences, 13 if some are tied. All zeros give (0, 1).

    The null hypothesis is *symmetry*. Skewed differences of mean 0 are rejected, rightly: read it beside
    `t_test`, not in place of it.

    Parameters
    ----------
    differences : array [path]

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Wilcoxon (1945), by `scipy.stats.wilcoxon`. Pinned by `tests/analytics/test_inference.py`.
    """
    from scipy.special import ndtr
    from scipy.stats import wilcoxon as signed_rank  # heavy, and needed here alone

    values = check_numbers("differences", differences)
    values = values[values != 0.0]
    if values.size == 0:
        return TestResult(0.0, 1.0)
    if values.size > EXACT:  # ranking a million differences takes long, and the one-sided z has the sign too
        test = signed_rank(values, alternative="greater", method="approx")
        p_value = 2.0 * float(ndtr(-abs(test.zstatistic)))  # type: ignore[attr-defined]
    else:
        test = signed_rank(values, alternative="greater")
        p_value = float(signed_rank(values).pvalue)
    biserial = 4.0 * float(test.statistic) / (values.size * (values.size + 1.0)) - 1.0
    return TestResult(biserial, p_value)


def diebold_mariano(differences: ArrayLike, *, cosines: int | None = None) -> TestResult:
    """Diebold and Mariano's test that a stationary *series* of differences has mean 0.

    The long-run variance is the mean square of the first B cosine transforms of the series,

        Λ_j = √(2/n) Σ_{t=1}^n d_t cos(πj(t − ½)/n),   ω̂² = Σ_{j=1}^B Λ_j²/B,   √n d̄/ω̂ ~ Student's t with B
        degrees of freedom,

    whose small-sample law keeps the size that the normal law of a Newey–West variance loses. Few cosines are
    robust to a long memory, many are powerful; by default B = ⌊0.4 n^(2/3)⌋, at least 1.

    Parameters
    ----------
    differences : array [horizon]
        In the order of time, at least two.
    cosines : int, optional
        B, less than the number of differences.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Diebold and Mariano (1995), with the variance, the law and the default that Lazarus, Lewis, Stock and
    Watson (2018) recommend; Coroneo and Iacone (2020) show what such a variance gains for this very test.
    Pinned by `tests/analytics/test_inference.py`, and its size by `tests/analytics/test_null.py`.
    """
    from scipy.fft import dct

    values = check_numbers("differences", differences, at_least=2)
    if cosines is None:
        cosines = max(1, int(0.4 * values.size ** (2 / 3)))
    check_count("cosines", cosines)
    check_real("cosines", cosines, below=values.size)
    if np.ptp(values) == 0.0:  # the transforms of a constant are rounding
        return _student(float(values[0]), 0.0, cosines)
    transforms = dct(values, norm="ortho")  # the first is √n d̄
    error = math.sqrt(float(np.mean(transforms[1 : cosines + 1] ** 2)))
    return _student(float(transforms[0]), error, cosines)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values: those below a level hold together, with that probability of a single mistake.

        p̃_(i) = max_{j ≤ i} min(1, (m − j + 1) p_(j)),   p_(1) ≤ … ≤ p_(m),

    whatever the dependence of the tests, which share their paths.

    Parameters
    ----------
    p_values : mapping of name to float
        In [0, 1], one for each comparison that was looked at.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Holm (1979). Pinned by `tests/analytics/test_inference.py`.
    """
    for name, p in p_values.items():
        check_real(f"p_values[{name!r}]", p, at_least=0, at_most=1)
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def _student(mean: float, error: float, degrees: int) -> TestResult:
    from scipy.special import stdtr

    if error == 0.0:
        return TestResult(math.copysign(math.inf, mean), 0.0) if mean else TestResult(0.0, 1.0)
    return TestResult(mean / error, 2.0 * float(stdtr(degrees, -abs(mean / error))))
