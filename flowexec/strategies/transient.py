"""The best schedule under linear transient impact, for any kernel that rules out price manipulation."""

from __future__ import annotations

import numpy as np

from ..execution.impact import TransientImpact
from ..execution.order import Order
from .expected_cost import decay_matrix
from .static import StaticPlan, Volatility, check_plan_terms


def solve_transient(
    order: Order,
    impact: TransientImpact,
    *,
    volatility: Volatility = 0.0,
    risk_aversion: float = 0.0,
    spread: float = 0.0,
) -> StaticPlan:
    """The schedule of least E + λV under linear transient impact, trading in one direction.

    The objective is ½ n'An + const with A_jk = κ G(|t_j − t_k|) + c_{min(j, k)}, c_j = 2λτ Σ_{i<j} σ_i², to
    be minimized over n ≥ 0 with sum X by `one_sided_trades`. That is the best schedule in both directions,
    n ∝ A⁻¹1 (Gatheral, Schied and Slynko 2012, plus the risk term), where none of its trades is negative: so
    it is for convex kernels without risk (Alfonsi, Schied and Slynko 2012), not if volatility jumps about.

    Parameters
    ----------
    order : Order
    impact : TransientImpact
        With `exponent` 1.
    volatility : float or array [step]
        σ, currency per share and √day, one number or one for each step.
    risk_aversion : float
        λ ≥ 0, 1/currency.
    spread : float
        Quoted spread, currency per share; it shifts E only.

    Raises
    ------
    ValueError
        When the impulse is not linear or 0, or the quadratic form is not positive definite: no decay at all,
        or a kernel that lets a round trip gain.

    Notes
    -----
    With exponential decay and λ = 0 this is Obizhaeva and Wang. Pinned by
    `tests/strategies/test_transient.py`.
    """
    if not isinstance(impact, TransientImpact) or impact.exponent != 1.0:
        raise ValueError(f"`impact` must be a TransientImpact with exponent 1, got {impact!r}")
    if not impact.coefficient > 0:
        raise ValueError(
            f"`impact.coefficient` must be greater than 0, got {impact.coefficient:g}: all trades are free"
        )
    variance = check_plan_terms(order, volatility=volatility, spread=spread, risk_aversion=risk_aversion)
    tau = order.step_length
    charge = 2.0 * risk_aversion * tau * np.append(0.0, np.cumsum(variance[:-1]))
    form = impact.coefficient * decay_matrix(impact.decay, tau * np.arange(order.n_steps))
    form += np.minimum(charge[:, None], charge)
    # relative to the mean eigenvalue, where rounding of a singular form leaves about 1e-16 of either sign
    if not np.linalg.eigvalsh(form)[0] > 1e-13 * np.trace(form) / order.n_steps:
        raise ValueError(
            f"`impact.decay` must be positive definite on the order's steps, got {impact.decay!r}"
        )
    trades = order.shares * one_sided_trades(form)
    slope = form @ trades
    return StaticPlan.of(
        order,
        trades,
        volatility=volatility,
        impact=impact,
        spread=spread,
        risk_aversion=risk_aversion,
        gap=max(float(slope @ trades - order.shares * slope.min()), 0.0),  # Frank and Wolfe (1956)
    )


def one_sided_trades(form: np.ndarray) -> np.ndarray:
    """The n ≥ 0 of sum 1 with the least n'An, A = `form` [trade, trade] symmetric and positive definite.

    Kernels that are not convex, such as e^(−t²), want trades of alternating sign (Alfonsi, Schied and Slynko
    2012), which no order can make. At the optimum An = μ1 on the trades that are made and An ≥ μ1 on the
    others. Up to scale, the same conditions characterize the nonnegative least squares

        min ‖R n − d‖² over n ≥ 0,   A = R'R,   R'd = 1,

    which an active-set method solves in finitely many steps (Lawson and Hanson 1974, chapter 23).

    Returns
    -------
    array [trade]

    Notes
    -----
    Pinned by `tests/strategies/test_transient.py`.
    """
    ones = np.ones(form.shape[0])
    direction = np.linalg.solve(form, ones)
    if direction.min() < 0:
        from scipy.optimize import nnls  # half a second to import, and seldom needed

        root = np.linalg.cholesky(form).T
        direction, _ = nnls(root, np.linalg.solve(root.T, ones), maxiter=30 * ones.size)
    return np.asarray(direction / direction.sum())
