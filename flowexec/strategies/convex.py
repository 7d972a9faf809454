"""The best static schedule under power-law impact, for any exponent: a convex programme."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import check_kind
from ..execution.impact import PowerImpact
from ..execution.order import Order
from ..market.paths import Array
from .shooting import shoot
from .static import StaticPlan, Volatility, check_plan_terms, static_plan


def solve_static(
    order: Order,
    *,
    volatility: Volatility,
    impact: PowerImpact,
    spread: float = 0.0,
    risk_aversion: float = 0.0,
) -> StaticPlan:
    """The static schedule of least E + λV, for any temporary exponent β > 0 and linear permanent impact.

    Permanent impact telescopes, so up to constants the programme is

        min Σ_k g(n_k) + λτ Σ_k σ_k² x_{k+1}²,   g(n) = ετ^(−β) n^(1+β) − γn²/2,   n_k ≥ 0, Σ n_k = X.

    β ≤ 1: g is convex on [0, X] exactly when β(1+β)ετ^(−β)X^(β−1) ≥ γ; anything else is refused, because
    trading in lumps would then pay, and the best lumps are a matter of search. β > 1: g is concave for
    the smallest trades. The convex envelope of g on [0, X] (linear up to where the tangent through the
    origin touches g, or to X) then bounds every schedule from below; the answer is the best local optimum
    from the envelope's and from even lumps, and `gap` its distance to the bound. A strictly convex
    programme is solved by shooting (`shoot`), exactly but for rounding; anything else by sequential
    quadratic programming (`scipy.optimize`).

    Parameters
    ----------
    order : Order
    volatility : float or array [step]
        σ, currency per share and √day, one number or one for each step.
    impact : PowerImpact
        With `permanent_exponent` 1.
    spread : float
        Quoted spread, currency per share; it shifts E only.
    risk_aversion : float
        λ ≥ 0, 1/currency.

    Raises
    ------
    ValueError
        When the programme is not convex, with the bound that failed.

    Notes
    -----
    Checked against the closed form for β = 1 and against Almgren (2003) for other β in
    `tests/strategies/test_static.py`.
    """
    variance = check_plan_terms(order, volatility=volatility, spread=spread, risk_aversion=risk_aversion)
    check_kind("impact", impact, PowerImpact)
    if impact.permanent_exponent != 1.0 and impact.permanent > 0:
        raise ValueError(f"`impact.permanent_exponent` must be 1 here, got {impact.permanent_exponent:g}")
    n_steps, tau, shares = order.n_steps, order.step_length, order.shares
    beta, gamma = impact.exponent, impact.permanent
    cost = impact.temporary * tau**-beta
    convex_up_to = beta * (1 + beta) * cost * shares ** (beta - 1)
    if (beta <= 1 or cost == 0) and convex_up_to < gamma:
        raise ValueError(
            f"`impact.permanent` must be at most {convex_up_to:g} for a convex problem, got {gamma:g}"
        )
    # where the tangent through the origin touches g: βcn^β = γn/2
    touch = 0.0
    if beta > 1 and gamma > 0:
        touch = shares * min(gamma * shares ** (1 - beta) / (2 * beta * cost), 1.0) ** (1 / (beta - 1))

    def step_cost(n: np.ndarray) -> Array:
        return cost * n ** (1 + beta) - 0.5 * gamma * n**2

    def step_slope(n: np.ndarray) -> Array:
        return (1 + beta) * cost * n**beta - gamma * n

    # what is held after a step, but for the last one
    risk = risk_aversion * tau * variance[:-1]

    def risk_slope(held: np.ndarray) -> Array:
        """−∂/∂n_k of Σ r_j x_{j+1}², k < N − 1: a share sold earlier is no longer held in all steps after."""
        return 2 * np.cumsum((risk * held)[::-1])[::-1]

    chord = float(step_cost(np.asarray(touch))) / touch if touch > 0 else 0.0

    def solve(start: np.ndarray, linear_up_to: float) -> tuple[np.ndarray, float, float]:
        """Trades as fractions of the order, the programme's value, and the most that is left to gain if it is
        convex, max ∇f·(x − y) over all schedules y (Frank and Wolfe 1956); g is made linear up to
        `linear_up_to`.
        """
        # half a second to import, which strictly convex programmes are spared
        from scipy.optimize import LinearConstraint, minimize

        def programme(fractions: np.ndarray) -> tuple[float, np.ndarray]:
            n = shares * np.maximum(fractions, 0.0)  # the solver may step over 0 by a rounding
            held = shares * (1.0 - np.cumsum(fractions))[:-1]
            small = n < linear_up_to
            value = np.where(small, chord * n, step_cost(n)).sum() + risk @ held**2
            slope = np.where(small, chord, step_slope(n))
            slope[:-1] -= risk_slope(held)
            return value / scale, slope * shares / scale

        result = minimize(
            programme,
            start,
            jac=True,
            method="SLSQP",
            bounds=[(0.0, 1.0)] * n_steps,
            constraints=LinearConstraint(np.ones((1, n_steps)), 1.0, 1.0),
            options={"ftol": 1e-14, "maxiter": 1000},
        )
        fractions = np.maximum(result.x, 0.0)
        fractions /= fractions.sum()
        value, slope = programme(fractions)
        return fractions, value, float(slope @ fractions - slope.min())

    def even(count: int) -> np.ndarray:
        return np.where(np.arange(n_steps) < count, 1.0 / count, 0.0)

    def plan(trades: np.ndarray, gap: float) -> StaticPlan:
        terms: dict[str, Any] = {"volatility": volatility, "impact": impact, "spread": spread}
        return static_plan(order, trades, **terms, risk_aversion=risk_aversion, gap=max(gap, 0.0))

    if touch == 0 and (1 + beta) * cost * shares ** (beta - 1) > gamma:  # strictly convex: no search needed
        trades = shares * shoot(n_steps, cost * shares ** (beta - 1), beta, gamma, np.append(risk, 0.0))
        slope = step_slope(trades)
        slope[:-1] -= risk_slope(shares - np.cumsum(trades)[:-1])
        return plan(trades, gap=float(slope @ trades - shares * slope.min()))  # Frank and Wolfe (1956)

    # in units of the order and of TWAP's cost and risk, so that tolerances mean the same for every order
    scale = n_steps * cost * (shares / n_steps) ** (1 + beta) + risk.sum() * shares**2 / 3 or 1.0
    best, value, slack = solve(even(n_steps), touch)
    bound = value - slack
    # the solver's own verdict is of no use: it also complains at the optimum, where it can improve no more
    if not slack < 0.01:
        raise RuntimeError(
            f"the static schedule did not converge: {slack:.2g} of TWAP's cost might still be saved"
        )
    if touch > 0:
        lumps = {min(max(int(shares / touch) + more, 1), n_steps) for more in (0, 1)}
        best, value, _ = min(
            (solve(s, 0.0) for s in (best, *map(even, sorted(lumps)))), key=lambda found: found[1]
        )
    return plan(shares * best, gap=(value - bound) * scale)
