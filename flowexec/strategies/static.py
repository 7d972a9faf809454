"""Static schedules under power-law impact: what one costs, and the best one for any exponent.

A schedule fixed in advance faces a mean cost and a variance that are plain functions of its trades, so
the best one solves a convex programme.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..checks import check_real
from ..execution.impact import PowerImpact
from ..execution.order import Order
from ..market.paths import Array
from .schedules import Schedule
from .shooting import shoot


@dataclass(frozen=True)
class StaticPlan:
    """A schedule and what it is expected to cost, when the mid is a martingale of constant volatility.

    Attributes
    ----------
    times : array [step+1]
        Trading days.
    trades : array [step]
        Shares traded in each step.
    inventory : array [step+1]
        Shares held at `times`, from X to 0.
    expected_cost : float
        E, currency.
    variance : float
        V, currency², of the cost; `sd` is its root.
    risk_aversion : float
        λ the schedule was made for, 1/currency.
    gap : float
        Bound on what any other static schedule could still save in E + λV, currency: the solver's
        tolerance where the programme is convex, and 0 for a schedule that nobody optimised.
    """

    times: np.ndarray
    trades: np.ndarray
    inventory: np.ndarray
    expected_cost: float
    variance: float
    risk_aversion: float
    gap: float = 0.0

    @property
    def sd(self) -> float:
        return math.sqrt(self.variance)

    @property
    def objective(self) -> float:
        """E + λV, currency."""
        return self.expected_cost + self.risk_aversion * self.variance

    @property
    def strategy(self) -> Schedule:
        """The schedule as a Strategy, for orders with as many steps."""
        return Schedule(tuple(self.trades))


def static_plan(
    order: Order,
    trades: np.ndarray,
    *,
    volatility: float,
    impact: PowerImpact,
    spread: float = 0.0,
    risk_aversion: float = 0.0,
    gap: float = 0.0,
) -> StaticPlan:
    """Mean and variance of the cost of trading `trades` [step], in the engine's discrete convention.

    With D_k = Σ_{j<k} τγ(n_j/τ)^δ:  E = Σ_k n_k (D_k + spread/2 + ε(n_k/τ)^β),  V = σ²τ Σ_{k≥1} x_k².
    For β = δ = 1 these are Almgren and Chriss (2000, eq. 4–5). `volatility` is σ in currency per share
    and √day.

    Pinned by `tests/strategies/test_static.py` and, path by path, by `tests/test_truths.py`.
    """
    check_real("volatility", volatility, at_least=0)
    check_real("spread", spread, at_least=0)
    check_real("risk_aversion", risk_aversion, at_least=0)
    trades = np.asarray(trades, dtype=float)
    if trades.shape != (order.n_steps,):
        raise ValueError(f"`trades` must have shape {(order.n_steps,)}, one entry a step, got {trades.shape}")
    if not trades.min() >= 0:  # false for NaN as well
        raise ValueError(f"`trades` must be at least 0 in every step, got {trades.min():g}")
    if abs(trades.sum() - order.shares) > 1e-9 * order.shares:
        raise ValueError(f"`trades` must sum to the order's {order.shares:g} shares, got {trades.sum():g}")
    tau = order.step_length
    left = tau * impact.permanent * (trades / tau) ** impact.permanent_exponent
    displacement = np.cumsum(left) - left
    temporary = impact.temporary * (trades / tau) ** impact.exponent
    # summed from the end, so that no rounding makes it negative, nor other than 0 at the end
    inventory = np.append(np.cumsum(trades[::-1])[::-1], 0.0)
    return StaticPlan(
        times=np.linspace(0.0, order.horizon, order.n_steps + 1),
        trades=trades,
        inventory=inventory,
        expected_cost=float(trades @ (displacement + 0.5 * spread + temporary)),
        variance=float(volatility**2 * tau * (inventory[1:] @ inventory[1:])),
        risk_aversion=risk_aversion,
        gap=gap,
    )


def solve_static(
    order: Order, *, volatility: float, impact: PowerImpact, spread: float = 0.0, risk_aversion: float = 0.0
) -> StaticPlan:
    """The static schedule of least E + λV, for any temporary exponent β > 0 and linear permanent impact.

    Permanent impact telescopes, so up to constants the programme is

        min Σ_k g(n_k) + λσ²τ Σ_{k≥1} x_k²,   g(n) = ετ^(−β) n^(1+β) − γn²/2,   n_k ≥ 0, Σ n_k = X.

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
    volatility : float
        σ, currency per share and √day.
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
    from scipy.optimize import (  # half a second to import; only this function needs it
        LinearConstraint,
        minimize,
    )

    check_real("volatility", volatility, at_least=0)
    check_real("risk_aversion", risk_aversion, at_least=0)
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

    chord = float(step_cost(np.asarray(touch))) / touch if touch > 0 else 0.0

    def solve(start: np.ndarray, linear_up_to: float) -> tuple[np.ndarray, float, float]:
        """Trades as fractions of the order, the programme's value, and the most that is left to gain if it is
        convex, max ∇f·(x − y) over all schedules y (Frank and Wolfe 1956); g is made linear up to
        `linear_up_to`.
        """

        def programme(fractions: np.ndarray) -> tuple[float, np.ndarray]:
            n = shares * np.maximum(fractions, 0.0)  # the solver may step over 0 by a rounding
            held = shares * (1.0 - np.cumsum(fractions))[:-1]
            small = n < linear_up_to
            value = np.where(small, chord * n, step_cost(n)).sum() + risk * (held @ held)
            slope = np.where(small, chord, step_slope(n))
            slope[:-1] -= 2 * risk * np.cumsum(held[::-1])[::-1]
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

    risk = risk_aversion * volatility**2 * tau
    if touch == 0 and (1 + beta) * cost * shares ** (beta - 1) > gamma:  # strictly convex: no search needed
        trades = shares * shoot(n_steps, cost * shares ** (beta - 1), beta, gamma, risk)
        slope = step_slope(trades)
        slope[:-1] -= 2 * risk * np.cumsum(shares - np.cumsum(trades)[-2::-1])[::-1]
        return static_plan(
            order,
            trades,
            volatility=volatility,
            impact=impact,
            spread=spread,
            risk_aversion=risk_aversion,
            gap=max(float(slope @ trades - shares * slope.min()), 0.0),  # Frank and Wolfe (1956)
        )

    # in units of the order and of TWAP's cost and risk, so that tolerances mean the same for every order
    scale = n_steps * cost * (shares / n_steps) ** (1 + beta) + risk * n_steps * shares**2 / 3 or 1.0
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
    gap = max(value - bound, 0.0) * scale
    trades = shares * best
    return static_plan(
        order,
        trades,
        volatility=volatility,
        impact=impact,
        spread=spread,
        risk_aversion=risk_aversion,
        gap=gap,
    )
