"""Schedules fixed in advance: their mean cost and variance are plain functions of their trades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..checks import check_numbers, check_real
from ..execution.impact import PowerImpact, TransientImpact
from ..execution.order import Order
from .expected_cost import schedule_cost
from .schedules import Schedule

Volatility: TypeAlias = float | Sequence[float] | np.ndarray
"""σ, currency per share and √day: one number, or one for each step."""


@dataclass(frozen=True)
class StaticPlan:
    """A schedule and what it is expected to cost, when the mid is a martingale of known volatility.

    Attributes
    ----------
    times : array [step+1]
        Trading days.
    trades : array [step]
        Shares traded in each step.
    inventory : array [step+1]
        Shares held at `times`, from X to 0.
    expected_cost : float
        E, currency, the order's fees included.
    variance : float
        V, currency², of the cost; `sd` is its root. Where volatility is random and σ² its mean in each step
        (`static_optimum`), the mean quadratic variation of what is held, E[`Execution.risk`].
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

    @classmethod
    def of(
        cls,
        order: Order,
        trades: np.ndarray,
        *,
        volatility: Volatility,
        impact: PowerImpact | TransientImpact,
        spread: float,
        risk_aversion: float,
        gap: float = 0.0,
    ) -> StaticPlan:
        """The plan that trades `trades` [step], of either sign, which sum to the order.

        E is `schedule_cost` plus the order's fees, and V = τ Σ_k σ_k² x_{k+1}². Checks nothing: `static_plan`
        does.
        """
        tau = order.step_length
        # summed from the end, so that no rounding makes it negative, nor other than 0 at the end
        inventory = np.append(np.cumsum(trades[::-1])[::-1], 0.0)
        return cls(
            times=np.linspace(0.0, order.horizon, order.n_steps + 1),
            trades=trades,
            inventory=inventory,
            expected_cost=schedule_cost(trades, impact, step_length=tau, spread=spread)
            + order.fee_per_share * order.shares
            + order.fixed_fee,
            variance=float(tau * (np.asarray(volatility) ** 2 * inventory[1:] ** 2).sum()),
            risk_aversion=risk_aversion,
            gap=gap,
        )

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
    volatility: Volatility,
    impact: PowerImpact | TransientImpact,
    spread: float = 0.0,
    risk_aversion: float = 0.0,
    gap: float = 0.0,
) -> StaticPlan:
    """Mean and variance of the cost of trading `trades` [step], in the engine's discrete convention.

    E is `schedule_cost` plus the order's fees, V = τ Σ_k σ_k² x_{k+1}². For a `PowerImpact` with β = δ = 1
    these are Almgren and Chriss (2000, eq. 4–5). `volatility` is σ in currency per share and √day, one number
    or one for each step.

    Pinned by `tests/strategies/test_static.py` and, path by path, by `tests/test_truths.py`.
    """
    check_plan_terms(order, volatility=volatility, spread=spread, risk_aversion=risk_aversion)
    trades = check_numbers("trades", trades)
    if trades.shape != (order.n_steps,):
        raise ValueError(f"`trades` must have shape {(order.n_steps,)}, one entry a step, got {trades.shape}")
    if trades.min() < 0:
        raise ValueError(f"`trades` must be at least 0 in every step, got {trades.min():g}")
    if abs(trades.sum() - order.shares) > 1e-9 * order.shares:
        raise ValueError(f"`trades` must sum to the order's {order.shares:g} shares, got {trades.sum():g}")
    return StaticPlan.of(
        order,
        trades,
        volatility=volatility,
        impact=impact,
        spread=spread,
        risk_aversion=risk_aversion,
        gap=gap,
    )


def check_plan_terms(
    order: Order, *, volatility: Volatility, spread: float, risk_aversion: float
) -> np.ndarray:
    """Refuse what no plan could be priced with, naming the argument; else σ_k², currency², of each step."""
    check_real("spread", spread, at_least=0)
    check_real("risk_aversion", risk_aversion, at_least=0)
    if np.ndim(volatility) == 0:
        check_real("volatility", volatility, at_least=0)
        return np.full(order.n_steps, volatility, dtype=float) ** 2
    sigma = check_numbers("volatility", volatility)
    if sigma.shape != (order.n_steps,):
        raise ValueError(
            f"`volatility` must have one entry for each of the {order.n_steps} steps, got {sigma.size}"
        )
    if sigma.min() < 0:
        raise ValueError(f"`volatility` must be at least 0 in every step, got {sigma.min():g}")
    return sigma**2
