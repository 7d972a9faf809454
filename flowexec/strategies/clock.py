"""On which clock impact runs, and what a schedule pays for keeping another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks import check_numbers, check_real


def clock_penalty(
    schedule: Sequence[float] | np.ndarray, clock: Sequence[float] | np.ndarray, exponent: float
) -> float:
    """Temporary cost of `schedule` relative to the cheapest one, when impact runs on `clock`.

    Let step k have the length c_k on the clock, and n_k shares cost n_k ε(n_k/c_k)^β: c_k is its minutes when
    impact depends on the rate (`PowerImpact`), its market volume when impact depends on participation. With
    p_k = n_k/X and q_k = c_k/Σc the cost is ε X^{1+β} (Σc)^{−β} times

        Σ_k p_k^{1+β} q_k^{−β} ≥ 1,   with equality for p = q alone,

    which is exp(β R) for the Rényi divergence R of order 1 + β of p from q (van Erven and Harremoës 2014,
    eq. 1). TWAP keeps the clock on the wall, VWAP that of the volume.

    Parameters
    ----------
    schedule : array [step]
        Shares or weights of each step, none negative, not all 0.
    clock : array [step]
        Length of each step on the clock, all greater than 0.
    exponent : float
        β > 0.

    Returns
    -------
    float
        At least 1 (up to rounding).

    Notes
    -----
    Pinned by `tests/strategies/test_clock.py`.
    """
    check_real("exponent", exponent, above=0)
    p, q = check_numbers("schedule", schedule), check_numbers("clock", clock)
    if p.shape != q.shape:
        raise ValueError(
            f"`schedule` and `clock` must have one entry a step each, got shapes {p.shape} and {q.shape}"
        )
    if p.min() < 0 or p.sum() == 0:
        raise ValueError("`schedule` must hold numbers of at least 0, not all of them 0")
    if not q.min() > 0:
        raise ValueError(f"`clock` must be greater than 0 in every step, got {q.min():g}")
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p * (p / q) ** exponent))
