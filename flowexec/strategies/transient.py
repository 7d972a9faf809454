"""The best schedule under linear transient impact, for any kernel that rules out price manipulation."""

from __future__ import annotations

import numpy as np

from ..execution.impact import TransientImpact
from ..execution.order import Order
from .expected_cost import decay_matrix
from .static import StaticPlan, check_plan_terms


def solve_transient(
    order: Order,
    impact: TransientImpact,
    *,
    volatility: float = 0.0,
    risk_aversion: float = 0.0,
    spread: float = 0.0,
) -> StaticPlan:
    """The schedule of least E + λV under linear transient impact, for any kernel that is positive definite.

    The objective is ½ n'An + const with A_jk = κ G(|t_j − t_k|) + 2λσ²τ min(j, k), so that A n ∝ 1 (Gatheral,
    Schied and Slynko 2012, plus the risk term), n = X A⁻¹1 / (1'A⁻¹1).

    Trades may come out negative where the kernel is not convex (Alfonsi, Schied and Slynko 2012); such a plan
    is returned as it is, with its cost, but its `strategy` is refused, because an order trades in one
    direction.

    Parameters
    ----------
    order : Order
    impact : TransientImpact
        With `exponent` 1.
    volatility : float
        σ, currency per share and √day.
    risk_aversion : float
        λ ≥ 0, 1/currency.
    spread : float
        Quoted spread, currency per share; for one-sided schedules it shifts E only.

    Raises
    ------
    ValueError
        When the impulse is not linear, or the quadratic form is not positive definite: no decay at all, or a
        kernel that lets a round trip gain.

    Notes
    -----
    With exponential decay and λ = 0 this is Obizhaeva and Wang. Pinned by
    `tests/strategies/test_transient.py`.
    """
    if not isinstance(impact, TransientImpact) or impact.exponent != 1.0:
        raise ValueError(f"`impact` must be a TransientImpact with exponent 1, got {impact!r}")
    check_plan_terms(order, volatility=volatility, spread=spread, risk_aversion=risk_aversion)
    steps, tau = np.arange(order.n_steps), order.step_length
    risk = 2.0 * risk_aversion * volatility**2 * tau
    form = impact.coefficient * decay_matrix(impact.decay, tau * steps) + risk * np.minimum(
        steps[:, None], steps
    )
    # relative to the mean eigenvalue, where rounding of a singular form leaves about 1e-16 of either sign
    if not np.linalg.eigvalsh(form)[0] > 1e-13 * np.trace(form) / order.n_steps:
        raise ValueError(
            f"`impact.decay` must be positive definite on the order's steps, got {impact.decay!r}"
        )
    direction = np.linalg.solve(form, np.ones(order.n_steps))
    trades = order.shares * direction / direction.sum()
    return StaticPlan.of(
        order, trades, volatility=volatility, impact=impact, spread=spread, risk_aversion=risk_aversion
    )
