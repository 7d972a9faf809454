"""The best static schedule under convex impact, by shooting backwards from the last trade."""

from __future__ import annotations

import math

import numpy as np

SMALLEST = 1e-120
"""Smallest last trade that is tried, as a fraction of the order: far from underflow, far below a share."""


def shoot(
    n_steps: int, coefficient: float, exponent: float, curvature: float, risk: float | np.ndarray
) -> np.ndarray:
    """Fractions [step] that minimize Σ g(f_k) + Σ r_k x_{k+1}², x_k = Σ_{j≥k} f_j, over f ≥ 0 with sum 1.

        g(f) = c f^(1+β) − ½ q f²,   convex on [0, 1]:   β(1+β)c ≥ q for β ≤ 1,   q = 0 for β > 1.

    The first-order conditions are g'(f_{k−1}) = g'(f_k) + 2r_{k−1} x_k. Since g' increases from g'(0) = 0, a
    last trade y > 0 determines all earlier ones, each positive, and their sum increases with y: a search
    for the y whose sum is 1 finds the only optimum, with no more error than rounding. Where even the
    smallest y gives too much, as for convex impact and a distant deadline, the last steps trade nothing.

    Parameters
    ----------
    n_steps : int
    coefficient, exponent, curvature : float
        c > 0, β > 0 and q ≥ 0, in units of one another.
    risk : float or array [step]
        r_k ≥ 0 in the same units, the charge on what is held after step k; the last one charges nothing.

    Returns
    -------
    array [step]
        Trades as fractions of the order, none negative, never growing, of sum 1.

    Notes
    -----
    For β = 1 this is the difference equation of Almgren and Chriss (2000). Pinned by
    `tests/strategies/test_shooting.py`.
    """
    scale = (1.0 + exponent) * coefficient
    charges = (2.0 * np.broadcast_to(risk, n_steps)).tolist()
    newton_steps = 100 if curvature > 0.0 else 0  # without curvature the first guess is the root

    def rate(slope: float) -> float:
        """f with scale·f^β − q f = slope, and 1 for whatever would be more than the whole order."""
        if slope >= scale - curvature:
            return 1.0
        if exponent == 1.0:
            return slope / (scale - curvature)
        f = (slope / scale) ** (1.0 / exponent)
        for _ in range(newton_steps):  # g' is concave, f left of the root: Newton only goes right
            slack = slope + curvature * f - scale * f**exponent
            step = slack / (scale * exponent * f ** (exponent - 1.0) - curvature)
            f += step
            if step <= 1e-16 * f:
                break
        return float(f)

    def backwards(last: float, active: int) -> list[float]:
        """Trades from the last to the first; cut short once their sum exceeds 1."""
        trades, held = [last], last
        slope = scale * last**exponent - curvature * last
        while len(trades) < active and held <= 1.0:
            slope += charges[active - 1 - len(trades)] * held
            trades.append(rate(slope))
            held += trades[-1]
        return trades

    active = n_steps
    while active > 1 and sum(backwards(SMALLEST, active)) > 1.0:
        active -= 1
    low, high = math.log(SMALLEST), 0.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if sum(backwards(math.exp(middle), active)) > 1.0:
            high = middle
        else:
            low = middle
    trades: np.ndarray = np.zeros(n_steps)
    found = backwards(math.exp(low), active)
    trades[active - len(found) : active] = found[::-1]
    trades /= trades.sum()
    return trades
