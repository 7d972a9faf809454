"""The optimum under Heston and linear impact, by a Riccati recursion in the variance alone."""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_count, check_kind
from ..execution.impact import PowerImpact
from ..execution.observation import Observation
from ..execution.scenario import Scenario
from ..market.heston import Heston
from ..market.paths import Array


@dataclass(frozen=True)
class HestonRiccati:
    """Trade the fraction f_k(v) of what is left: the strategy that `solve_riccati` finds.

    Attributes
    ----------
    scenario : Scenario
        What it is optimal for. Neither the side nor the size of the order matters to f.
    value : float
        E[C] + λE[risk] from the start, currency.
    charge : float
        A = η/τ − γ/2, currency per squared share.
    bend : float
        L, the variance per day around which f bends.
    series : array [step, term]
        Chebyshev coefficients of f_k in (√v − √L)/(√v + √L).
    """

    scenario: Scenario
    value: float
    charge: float
    bend: float
    series: np.ndarray = field(repr=False)

    def trade(self, observation: Observation) -> Array:
        ours, theirs = self.scenario.order, observation.order
        if (ours.n_steps, ours.horizon) != (theirs.n_steps, theirs.horizon):
            raise ValueError(
                f"`order` must have {ours.n_steps} steps in {ours.horizon:g} days as solved for, "
                f"got {theirs.n_steps} in {theirs.horizon:g}"
            )
        return observation.inventory * _sum_series(
            self.series[observation.step], self.bend, observation.variance
        )

    def fraction_at(self, step: int, variance: ArrayLike) -> np.ndarray:
        """f: part of what is left that is traded in `step` at a variance per day, of any shape.

        Raises
        ------
        ValueError
            When there is no such step, or a variance is negative or NaN.
        """
        check_count("step", step, at_least=0)
        if step >= len(self.series):
            raise ValueError(f"`step` must be less than the order's {len(self.series)} steps, got {step}")
        variance = np.asarray(variance, dtype=float)
        if not bool((variance >= 0).all()):
            raise ValueError(f"`variance` must be at least 0, got {variance[~(variance >= 0)].flat[0]:g}")
        return np.asarray(_sum_series(self.series[step], self.bend, variance))

    def cost_at(self, step: int, inventory: ArrayLike, variance: ArrayLike) -> np.ndarray:
        """A x² f_k(v), currency: what is still to come from `step` on and can be influenced."""
        return np.asarray(self.charge * np.square(inventory) * self.fraction_at(step, variance))


def solve_riccati(scenario: Scenario, *, size: int = 48) -> HestonRiccati:
    """The least E[C] + λE[risk] of all strategies under Heston and linear impact.

    Every cost is quadratic in the inventory then, and so is what remains to be paid from step k on: beside
    spread, fees and γX²/2 it is A x² f_k(v) with A = η/τ − γ/2. From f_{N−1} = 1,

        f_k(v) = b/(1 + b),   b = λS₀²τ v/A + E[f_{k+1}(v_{k+1}) | v_k = v],

    and the fraction f_k is also what is traded of the inventory: Almgren and Chriss have the same recursion
    without the expectation. f is kept as a Chebyshev series in (√v − √L)/(√v + √L), which covers all v ≥ 0:
    nothing is cut off. Given a Poisson number J, v_{k+1} is a gamma variable of shape 2κθ/ξ² + J; both laws
    have a Gauss rule of their own (by Charlier's and Laguerre's polynomials), and together they integrate
    polynomials in v without error. None of this is shared with `solve_optimal`, of which it is a check.

    Parameters
    ----------
    scenario : Scenario
        A Heston market without drift, a PowerImpact with exponents 1, an order to be completed.
    size : int
        Terms of the series, at least 8; each Gauss rule has half as many nodes.

    Raises
    ------
    ValueError
        For another market or impact, or when η ≤ γτ/2.

    Notes
    -----
    The error falls geometrically with `size`: 48 terms leave ten digits or more in the book's regimes, and
    five far outside Feller's condition (4κθ/ξ² = 0.1). The law of v is the exact one: scheme "qe_m" is close
    to it at any step, "ivi" only at short ones where ξ is large. The law: Cox, Ingersoll and Ross (1985, eq.
    18). Gauss rules: Golub and Welsch (1969). Pinned by `tests/strategies/test_heston_riccati.py`.
    """
    check_kind("scenario", scenario, Scenario)
    check_count("size", size, at_least=8)
    order, market, impact = scenario.order, scenario.market, scenario.impact
    if not isinstance(market, Heston):
        raise ValueError(f"`scenario.market` must be a Heston, got {reprlib.repr(market)}")
    if market.drift != 0:
        raise ValueError(f"`scenario.market.drift` must be 0 here, got {market.drift:g}")
    if not isinstance(impact, PowerImpact) or not impact.exponent == impact.permanent_exponent == 1.0:
        raise ValueError(f"`scenario.impact` must be a PowerImpact with exponents 1, got {impact!r}")
    if not order.complete:
        raise ValueError("`scenario.order.complete` must be True here, got False")
    tau = order.step_length
    charge = impact.temporary / tau - 0.5 * impact.permanent
    if not charge > 0:
        raise ValueError(
            f"`scenario.impact.temporary` must exceed permanent·τ/2 = {0.5 * impact.permanent * tau:g} "
            f"for a well-posed problem, got {impact.temporary:g}"
        )
    per_variance = scenario.risk_aversion * market.price**2 * tau / charge
    # without risk aversion f is flat, and any place will do for its bend
    bend = 0.1 / max(per_variance, 1e-9 / market.theta)

    angles = (np.arange(size) + 0.5) * np.pi / size
    nodes = np.cos(angles)
    variance = bend * ((1 + nodes) / (1 - nodes)) ** 2
    to_series = 2 / size * np.cos(np.arange(size)[:, None] * angles)
    to_series[0] /= 2
    expectation = _expected_terms(market, variance, tau, bend, size)
    f = np.ones(size)
    series = [to_series @ f]
    for _ in range(order.n_steps - 1):
        b = per_variance * variance + expectation @ series[-1]
        series.append(to_series @ (b / (1 + b)))
    to_come = charge * order.shares**2 * float(_sum_series(series[-1], bend, market.v0))
    sunk = 0.5 * impact.permanent * order.shares**2 + order.fixed_fee
    sunk += (0.5 * market.spread + order.fee_per_share) * order.shares
    return HestonRiccati(scenario, sunk + to_come, charge, bend, np.stack(series[::-1]))


def _sum_series(terms: np.ndarray, bend: float, variance: Array) -> Array:
    """Σ_j c_j T_j(z) by Clenshaw's recursion: arithmetic alone, for arrays and tensors."""
    root = (variance / bend) ** 0.5
    z = (root - 1.0) / (root + 1.0)
    last = before = 0.0 * z
    for term in terms[:0:-1].tolist():
        last, before = term + 2.0 * z * last - before, last
    return float(terms[0]) + z * last - before


def _expected_terms(market: Heston, variance: np.ndarray, time: float, bend: float, size: int) -> np.ndarray:
    """E[T_j(v_{t+time}) | v_t] [node, term], T_j the terms of the series."""
    scale = -(market.xi**2) * math.expm1(-market.kappa * time) / (2 * market.kappa)
    mean_count = variance * math.exp(-market.kappa * time) / scale
    order = np.arange(size // 2)
    # three-term recurrences of Charlier's polynomials, and of Laguerre's for a gamma law of each shape
    count, count_weight = _gauss_rule(order + mean_count[:, None], np.sqrt(order[1:] * mean_count[:, None]))
    shape = (2 * market.kappa * market.theta / market.xi**2 + np.maximum(count, 0.0))[..., None]
    gamma, gamma_weight = _gauss_rule(2 * order + shape, np.sqrt(order[1:] * (order[1:] + shape - 1)))
    root = np.sqrt(scale / bend * np.maximum(gamma, 0.0))  # a rounding may have made a node of 0 negative
    z, weight = (root - 1) / (root + 1), count_weight[..., None] * gamma_weight
    # node by node: all at once, memory would grow with the fourth power of the size
    return np.stack(
        [
            np.einsum("jk,jkt->t", w, np.polynomial.chebyshev.chebvander(x, size - 1))
            for w, x in zip(weight, z, strict=True)
        ]
    )


def _gauss_rule(diagonal: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights [..., node] of the law whose orthogonal polynomials have this recurrence [..., n]."""
    n = diagonal.shape[-1]
    matrix = np.zeros((*diagonal.shape, n))
    matrix[..., np.arange(n), np.arange(n)] = diagonal
    matrix[..., np.arange(1, n), np.arange(n - 1)] = beside  # eigh reads the lower triangle
    nodes, vectors = np.linalg.eigh(matrix)
    return nodes, vectors[..., 0, :] ** 2
