"""From messages at any time to samples at fixed times, and the variance a trader estimates from them."""

from __future__ import annotations

import math

import numpy as np


def sample_events(times: np.ndarray, boundaries: np.ndarray) -> np.ndarray:
    """Which message stands for each boundary: the first at or after it that no earlier boundary has taken.

    The messages are walked once; boundary k takes message

        i_k = max(first message at or after b_k, i_{k−1} + 1) = k + max_{j≤k} (first_j − j),

    so after a silence the boundaries that passed in it take the next messages one by one. Boundaries for
    which no message is left fall away, and the last boundary always takes the last message.

    Parameters
    ----------
    times : array [event]
        Seconds, never going back.
    boundaries : array [boundary]
        Seconds, increasing.

    Returns
    -------
    array [sample]
        Message numbers, increasing, the last of them the last message.

    Notes
    -----
    Pinned against the loop it replaces by `tests/market/test_replay.py`.
    """
    order = np.arange(len(boundaries))
    taken = order + np.maximum.accumulate(np.searchsorted(times, boundaries) - order)
    last = len(times) - 1
    taken = taken[:-1][taken[:-1] < last]
    return np.append(taken, last)


def trailing_variance(mid: np.ndarray, interval: float, half_life: float) -> np.ndarray:
    """Spot variance of relative returns per day at each sample but the first, from samples up to it.

        v̂_k = Σ_{j≤k} w^{k−j} r_j² / (Δ Σ_{j≤k} w^{k−j}),   r_j = S_j/S_{j−1} − 1,   w = 2^(−Δ/half-life):

    the exponentially weighted realised variance, with weights that sum to 1 from the first return on. A
    return from or to a mid that is NaN (there was none) is left out; before the first return the estimate is
    NaN.

    Parameters
    ----------
    mid : array [sample+1]
    interval, half_life : float
        Δ and the half-life, trading days.

    Returns
    -------
    array [sample]

    Notes
    -----
    Pinned by `tests/market/test_replay.py`.
    """
    keep = 0.5 ** (interval / half_life)
    squares = np.diff(mid) ** 2 / mid[:-1] ** 2
    estimate = np.empty(len(squares))
    total = weight = 0.0
    for k, square in enumerate(squares.tolist()):
        known = square == square
        total = keep * total + (square if known else 0.0)
        weight = keep * weight + known
        estimate[k] = total / (weight * interval) if weight > 0 else math.nan
    return estimate
