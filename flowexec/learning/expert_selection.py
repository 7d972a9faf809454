"""Whom an imitator should believe: the experts by what each is to be expected to cost from here on."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np

from ..checks import check_count, check_real
from .demonstrations import Demonstrations

SAMPLES_A_TERM = 10
"""So many samples are asked for each coefficient of a regression."""


def expected_cost_to_go(demonstrations: Demonstrations, *, degree: int = 4) -> np.ndarray:
    """What each expert is to be expected to cost from here, [expert, sample], bps of the arrival value.

    For each step, the regression of the costs to go, for a share that is left, on all polynomials of the
    conditions up to `degree`. What happened on a path after a state was not known there: to choose the expert
    that did best on that path would be to choose with hindsight, and teach an imitator what it cannot see.

    Parameters
    ----------
    demonstrations : Demonstrations
    degree : int
        At most; it is lower where there are fewer than `SAMPLES_A_TERM` samples for each polynomial, which
        would fit what is chance.

    Notes
    -----
    Least squares Monte Carlo (Longstaff and Schwartz 2001). Pinned by
    `tests/learning/test_demonstrations.py`.
    """
    check_count("degree", degree, at_least=0)
    expected = np.empty_like(demonstrations.cost_to_go)
    for step in np.unique(demonstrations.step):
        here = demonstrations.step == step
        held = np.maximum(demonstrations.held[here], 1e-6)
        basis = held * _polynomials(demonstrations.conditions[:, here], degree)
        expected[:, here] = _projection(demonstrations.cost_to_go[:, here], basis)
    return expected


def selection_weights(cost: np.ndarray, temperature: float) -> np.ndarray:
    """How much each expert is believed, [expert, sample]: exp(−C_e/T), normalized over the experts.

    The soft minimum: w minimizes Σ w_e C_e + T Σ w_e ln w_e. At T = 0 it is the hard choice of the cheapest
    (the first of equals), for large T all are believed alike.

    Parameters
    ----------
    cost : array [expert, sample]
    temperature : float
        T ≥ 0, in the unit of `cost`.
    """
    check_real("temperature", temperature, at_least=0)
    excess = cost - cost.min(axis=0)
    if temperature == 0:
        weights = (np.arange(len(cost))[:, None] == cost.argmin(axis=0)).astype(float)
    else:
        with np.errstate(over="ignore"):  # e^-inf is 0
            weights = np.exp(-excess / temperature)
    normalized: np.ndarray = weights / weights.sum(axis=0)
    return normalized


def _polynomials(conditions: np.ndarray, degree: int) -> np.ndarray:
    """Products of up to `degree` of the conditions that vary, [polynomial, sample]."""
    varying, samples = conditions[np.ptp(conditions, axis=1) > 1e-9], conditions.shape[1]
    while degree and SAMPLES_A_TERM * math.comb(len(varying) + degree, degree) > samples:
        degree -= 1
    terms = [np.ones(samples)]
    for power in range(1, degree + 1):
        terms += [
            varying[list(rows)].prod(axis=0)
            for rows in combinations_with_replacement(range(len(varying)), power)
        ]
    return np.array(terms)


def _projection(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What rows of `basis` [row, sample] can make of `values` [expert, sample]: least squares.

    Gram and Schmidt, modified. LAPACK would sum in another order on another number of threads.
    """
    rest, directions = values.copy(), list[np.ndarray]()
    for row in basis:
        remainder = row
        for direction in directions:
            remainder = remainder - (direction * remainder).sum() * direction
        size = math.sqrt((remainder * remainder).sum())
        if size > 1e-8 * math.sqrt((row * row).sum()):  # or it is made of those before
            directions.append(remainder / size)
            rest -= (directions[-1] * rest).sum(axis=1)[:, None] * directions[-1]
    projected: np.ndarray = values - rest
    return projected
