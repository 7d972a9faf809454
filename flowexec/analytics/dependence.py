"""Observations that follow one another in time: the error of their mean, and how much they remember."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_count, check_numbers
from .statistics import Estimate


def batch_estimate(sample: ArrayLike, batches: int = 13) -> Estimate:
    """Sample mean, with the standard error of the means of `batches` consecutive stretches.

        error = s_b/√b,   s_b² = Σ_i (m_i − m̄)²/(b − 1),

    with m_i the mean of stretch i. Right for dependent observations too when a stretch is much longer than
    their memory; with few stretches it is itself noisy, by 1/√(2(b − 1)) of its value, and an interval of
    ±1.96 errors should be one of ± the quantile of Student's law with b − 1 degrees of freedom.

    Parameters
    ----------
    sample : array [observation]
        In the order of time.
    batches : int
        b, at least 2 and at most the number of observations.

    Notes
    -----
    Flegal and Jones (2010) give conditions for consistency. Pinned by `tests/analytics/test_dependence.py`.
    """
    check_count("batches", batches, at_least=2)
    values = check_numbers("sample", sample, at_least=batches)
    means = np.array([part.mean() for part in np.array_split(values, batches)])
    return Estimate(float(values.mean()), float(means.std(ddof=1)) / math.sqrt(batches))


def autocorrelation(sample: ArrayLike, lags: Sequence[int]) -> list[Estimate]:
    """Correlation of a series with itself `lags` observations later, with Bartlett's error 1/√n.

    The error is that of a series without memory, which is the hypothesis to be tested with it.

    Parameters
    ----------
    sample : array [observation]
        In the order of time, not constant.
    lags : sequence of int
        Each at least 1 and less than the number of observations.

    Notes
    -----
    Pinned by `tests/analytics/test_dependence.py`.
    """
    for lag in lags:
        check_count("lags", lag)
    values = check_numbers("sample", sample)
    if len(values) <= max(lags, default=1):
        raise ValueError(f"`sample` must be an array longer than the longest lag, got {len(values)} numbers")
    centred = values - values.mean()
    squares = float(centred @ centred)
    if squares == 0.0:
        raise ValueError("`sample` must not be constant: it has no correlation")
    error = 1.0 / math.sqrt(len(values))
    return [Estimate(float(centred[lag:] @ centred[:-lag]) / squares, error) for lag in lags]
