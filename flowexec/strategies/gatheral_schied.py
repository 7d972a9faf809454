"""Gatheral and Schied (2011): the optimum when risk is the value of what is still held, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import check_kind, check_real
from ..execution.impact import Impact, PowerImpact
from ..execution.observation import Observation
from ..execution.order import Order
from ..execution.problem import Execution, sum_over_steps
from ..market.brownian import GBM
from ..market.paths import Array
from .almgren_chriss import linear_coefficients


@dataclass(frozen=True)
class GatheralSchied:
    """Trade faster while the price is high, because what is held is then worth more.

    The rule of least E ∫₀ᵀ (η ẋ² + λ x S) dt, with λxS the value at risk of the position: for a martingale S

        x_t = (T − t)/T · [X − (LT/4) ∫₀ᵗ S du],   or   −ẋ = x/(T − t) + L(T − t)S/4,   L = λ/η.

    In steps of length τ the rate is constant from t_k to t_{k+1}, and the best that may depend on S_k is

        n_k = x_k/(N − k) + (L/4) τ (T − t_{k+1}) S_k,

    on which x_k is the formula above with Σ_{j<k} τS_j for the integral. Neither σ nor the law of the price
    enters, only that it is a martingale. Risk is that of the shares still to trade, held or owed: a buyer
    trades like a seller. Where the price soars x would become negative in the formula; an order is done then.

    Parameters
    ----------
    risk_aversion : float
        λ ≥ 0 per day: what holding 1 currency for a day counts for. Not the λ of a `Scenario`.

    Notes
    -----
    Gatheral and Schied (2011, "Optimal trade execution under geometric Brownian motion in the Almgren and
    Chriss framework"); for all martingales: Schied (2013, "Robust strategies for optimal order execution in
    the Almgren–Chriss framework"). η is found as `AlmgrenChriss` does, with the secant of concave impact.
    Pinned by `tests/strategies/test_gatheral_schied.py`.
    """

    risk_aversion: float

    def __post_init__(self) -> None:
        check_real("risk_aversion", self.risk_aversion, at_least=0)

    def trade(self, observation: Observation) -> Array:
        order, left = observation.order, observation.steps_remaining
        eta = _linear_impact(observation.impact, order)
        haste = 0.25 * self.risk_aversion / eta * order.step_length**2 * (left - 1)
        return observation.inventory / left + haste * observation.mid

    def criterion(self, execution: Execution) -> Array:
        """∫ (η ẋ² + λ x S) dt [path], currency, of any strategy's execution: trapezoidal in x S.

        For strategies that trade at a constant rate in each step, decided at its beginning, the mean is free
        of discretization error when the mid is a martingale.
        """
        order, mid = execution.problem.order, execution.problem.paths.mid
        eta = _linear_impact(execution.problem.impact, order)
        value = execution.inventory * mid
        exposure = 0.5 * order.step_length * sum_over_steps(value[1:] + value[:-1])
        impact = eta / order.step_length * sum_over_steps(execution.shares**2)
        return impact + self.risk_aversion * exposure

    def value(self, order: Order, *, market: GBM, impact: PowerImpact) -> float:
        """Mean criterion of the rule in the order's steps, currency:

            η [X²/T + LTXS₀/2 − (L²S₀²/16) Σ_k τ (T − t_k)(T − t_{k+1}) e^{σ²t_k}].

        The least of all that trade at a constant rate in each step, if x may turn negative.
        """
        times = np.linspace(0.0, order.horizon, order.n_steps + 1)
        left = order.horizon - times
        growth = np.exp(market.volatility**2 * times[:-1])
        return self._value(order, market, impact, float(order.step_length * (left[:-1] * left[1:]) @ growth))

    def continuous_value(self, order: Order, *, market: GBM, impact: PowerImpact) -> float:
        """Its limit as the steps shrink, approached at first order in τ, currency:

        η [X²/T + LTXS₀/2 − (L²S₀²/8σ⁶)(e^z − 1 − z − z²/2)],   z = σ²T.
        """
        z = market.volatility**2 * order.horizon
        # (e^z − 1 − z − z²/2)/z³ by its series, all of whose terms are positive: nothing cancels at small z
        term, total = 1.0 / 6.0, 0.0
        n = 3
        while total + term > total:
            total, n = total + term, n + 1
            term *= z / n
        return self._value(order, market, impact, 2.0 * order.horizon**3 * total)

    def _value(self, order: Order, market: GBM, impact: PowerImpact, adapted: float) -> float:
        """With `adapted` for the sum of the discrete formula, or the integral that it tends to."""
        check_kind("market", market, GBM)
        if market.drift != 0:
            raise ValueError(f"`market.drift` must be 0 for a martingale, got {market.drift:g}")
        eta = _linear_impact(impact, order)
        exposure = self.risk_aversion * market.price
        static = eta * order.shares**2 / order.horizon + 0.5 * exposure * order.horizon * order.shares
        return static - exposure**2 / (16.0 * eta) * adapted


def _linear_impact(impact: Impact, order: Order) -> float:
    """η > 0, currency per share for a rate of one share a day."""
    eta, _ = linear_coefficients(impact, order)
    if not eta > 0:
        raise ValueError(f"`impact.temporary` must be greater than 0, got {eta:g}: trading at once is free")
    return eta
