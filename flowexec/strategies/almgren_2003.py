"""Almgren (2003): the continuous optimum under power-law impact, in closed form on an infinite horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import check_real


@dataclass(frozen=True)
class Almgren2003:
    """The continuous optimum on an infinite horizon for temporary impact h(ν) = η ν^k (Almgren 2003).

        T* = (k η X^(k−1) / (λσ²))^(1/(k+1)),
        E = (k+1)/(3k+1) · η (X/T*)^(k+1) T*,   V = (k+1)/(3k+1) · σ² T* X²,
        x(t) = X [1 + (1−k) t/((1+k) T*)]^(−(1+k)/(1−k)), X e^(−t/T*) for k = 1,
        and X [1 − (k−1) t/((k+1) T*)]₊^((k+1)/(k−1)) for k > 1, which ends in finite time.

    Parameters
    ----------
    shares : float
        X.
    volatility : float
        σ, currency per share and √day.
    coefficient, exponent : float
        η and k.
    risk_aversion : float
        λ > 0, 1/currency.

    Notes
    -----
    Pinned by `tests/strategies/test_static.py`: by quadrature of x(t), and as the limit of `solve_static`.
    """

    shares: float
    volatility: float
    coefficient: float
    exponent: float
    risk_aversion: float

    def __post_init__(self) -> None:
        for name in ("shares", "volatility", "coefficient", "exponent", "risk_aversion"):
            check_real(name, getattr(self, name), above=0)

    @property
    def characteristic_time(self) -> float:
        """T*, trading days."""
        k = self.exponent
        ratio = k * self.coefficient * self.shares ** (k - 1) / (self.risk_aversion * self.volatility**2)
        return float(ratio ** (1 / (k + 1)))

    @property
    def expected_cost(self) -> float:
        """E, currency."""
        k, time = self.exponent, self.characteristic_time
        return float((k + 1) / (3 * k + 1) * self.coefficient * (self.shares / time) ** (k + 1) * time)

    @property
    def variance(self) -> float:
        """V, currency²."""
        k = self.exponent
        return (k + 1) / (3 * k + 1) * self.volatility**2 * self.characteristic_time * self.shares**2

    def inventory(self, times: np.ndarray) -> np.ndarray:
        """x(t), shares."""
        k, t = self.exponent, np.asarray(times, dtype=float) / self.characteristic_time
        if k == 1:
            return self.shares * np.exp(-t)
        return self.shares * np.maximum(1 + (1 - k) / (1 + k) * t, 0.0) ** (-(1 + k) / (1 - k))
