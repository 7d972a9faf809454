"""Almgren and Chriss (2000): the optimal schedule under linear impact, in discrete time and closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import check_real
from ..execution.impact import Impact, PowerImpact
from ..execution.observation import Observation
from ..execution.order import Order
from ..market.paths import Array
from .convex import solve_static
from .static import StaticPlan, static_plan


def linear_coefficients(impact: Impact, order: Order) -> tuple[float, float]:
    """(η, γ) of the linear impact that costs the order as much as `impact` does when it is traded evenly.

    For h(ν) = εν^β that is the secant η = εν̄^(β−1) at TWAP's rate ν̄ = X/T, and likewise for the
    permanent part; both are exact for exponent 1.
    """
    if not isinstance(impact, PowerImpact):
        raise ValueError(
            f"`temporary` and `permanent` must be given with a {type(impact).__name__}: "
            "only a PowerImpact says by itself what they are"
        )
    rate = order.shares / order.horizon
    return (
        impact.temporary * rate ** (impact.exponent - 1),
        impact.permanent * rate ** (impact.permanent_exponent - 1),
    )


def _decay(order: Order, temporary: float, permanent: float, risk_aversion: float, variance: Array) -> Array:
    """cosh κτ = 1 + λσ²τ²/(2η̃), η̃ = η − γτ/2 (Almgren and Chriss 2000, eq. 16), from σ² in currency²."""
    tau = order.step_length
    adjusted = temporary - 0.5 * permanent * tau
    if not adjusted > 0:
        raise ValueError(
            f"`temporary` must exceed permanent·τ/2 = {0.5 * permanent * tau:g} for a well-posed problem, "
            f"got {temporary:g}"
        )
    return 1.0 + 0.5 * risk_aversion * variance * tau**2 / adjusted


def kept_fraction(cosh: Array, steps_remaining: int) -> Array:
    """x_{k+1}/x_k = sinh(κ(m−1)τ)/sinh(κmτ) with m steps remaining, from cosh κτ ≥ 1.

    By the addition theorem r_m = 1/(2 cosh κτ − r_{m−1}) from r_1 = 0: no overflow at any urgency, exactly
    (m−1)/m when κ = 0, and nothing but arithmetic, so it serves arrays and tensors alike.
    """
    kept = 0.0 * cosh
    for _ in range(steps_remaining - 1):
        kept = 1.0 / (2.0 * cosh - kept)
    return kept


@dataclass(frozen=True)
class AlmgrenChriss:
    """Trade x_k − x_{k+1} on the optimal trajectory x_k = X sinh(κ(T − t_k))/sinh(κT).

    The strategy calibrates itself when the order arrives: σ² is the arrival price squared times the
    variance it observes then, η and γ are the impact's (for a concave impact the secant, see
    `linear_coefficients`). Give any of the three to overrule it. Later changes of volatility are ignored:
    the schedule is static.

    Parameters
    ----------
    risk_aversion : float
        λ ≥ 0, 1/currency; 0 is TWAP.
    volatility : float, optional
        σ, currency per share and √day.
    temporary, permanent : float, optional
        η and γ, currency per share for a rate of one share a day, and currency per share and share.

    Raises
    ------
    ValueError
        When η ≤ γτ/2: trading in lumps would then pay.

    Notes
    -----
    Almgren and Chriss (2000), eq. 16–18. Pinned to the cent by `tests/strategies/test_almgren_chriss.py`.
    """

    risk_aversion: float
    volatility: float | None = None
    temporary: float | None = None
    permanent: float | None = None

    def __post_init__(self) -> None:
        check_real("risk_aversion", self.risk_aversion, at_least=0)
        if self.volatility is not None:
            check_real("volatility", self.volatility, at_least=0)
        if self.temporary is not None:
            check_real("temporary", self.temporary, above=0)
        if self.permanent is not None:
            check_real("permanent", self.permanent, at_least=0)

    def trade(self, observation: Observation) -> Array:
        kept = kept_fraction(self.decay(observation), observation.steps_remaining)
        return observation.inventory * (1.0 - kept)

    def decay(self, observation: Observation) -> Array:
        """cosh κτ as calibrated on arrival: a number where σ is given or common to all paths, else [path]."""
        temporary, permanent = self._coefficients(observation.impact, observation.order)
        if self.volatility is None:
            variance = observation.arrival_price**2 * observation.past_variance[0]
            # paths that start alike share one recursion: N times faster
            if bool((variance == variance[0]).all()):
                variance = variance[0]
        else:
            variance = self.volatility**2
        return _decay(observation.order, temporary, permanent, self.risk_aversion, variance)

    def urgency(self, order: Order, *, volatility: float, impact: Impact) -> float:
        """κ per day: far from the end the holding shrinks like e^(−κt). Its inverse is the half-life.

        Almgren and Chriss (2000, section 2.3) call 1/κ the half-life: in it the holding shrinks e-fold.
        """
        check_real("volatility", volatility, at_least=0)
        temporary, permanent = self._coefficients(impact, order)
        sigma = volatility if self.volatility is None else self.volatility
        cosh = float(_decay(order, temporary, permanent, self.risk_aversion, sigma**2))
        return math.acosh(cosh) / order.step_length

    def half_life(self, order: Order, *, volatility: float, impact: Impact) -> float:
        """1/κ, days; infinite without risk aversion."""
        urgency = self.urgency(order, volatility=volatility, impact=impact)
        return math.inf if urgency == 0 else 1.0 / urgency

    def plan(
        self, order: Order, *, volatility: float, impact: PowerImpact, spread: float = 0.0
    ) -> StaticPlan:
        """The schedule, with its mean cost and variance under all of `impact`, not only its linear part."""
        check_real("volatility", volatility, at_least=0)
        temporary, permanent = self._coefficients(impact, order)
        sigma = volatility if self.volatility is None else self.volatility
        cosh = _decay(order, temporary, permanent, self.risk_aversion, sigma**2)
        kept = [kept_fraction(cosh, order.n_steps - k) for k in range(order.n_steps)]
        inventory = order.shares * np.concatenate([[1.0], np.cumprod(kept)])
        return static_plan(
            order,
            -np.diff(inventory),
            volatility=volatility,
            impact=impact,
            spread=spread,
            risk_aversion=self.risk_aversion,
        )

    def _coefficients(self, impact: Impact, order: Order) -> tuple[float, float]:
        if self.temporary is not None and self.permanent is not None:
            return self.temporary, self.permanent
        temporary, permanent = linear_coefficients(impact, order)
        return (
            temporary if self.temporary is None else self.temporary,
            permanent if self.permanent is None else self.permanent,
        )


def efficient_frontier(
    order: Order,
    *,
    volatility: float,
    impact: PowerImpact,
    risk_aversions: Sequence[float],
    spread: float = 0.0,
) -> list[StaticPlan]:
    """The static schedules of least cost for each variance, one for each λ.

    In closed form where the impact is linear, by convex optimisation (`solve_static`) where it is not.
    """
    terms: dict[str, Any] = {"volatility": volatility, "impact": impact, "spread": spread}
    if impact.exponent == impact.permanent_exponent == 1.0:
        return [AlmgrenChriss(risk_aversion).plan(order, **terms) for risk_aversion in risk_aversions]
    return [solve_static(order, **terms, risk_aversion=risk_aversion) for risk_aversion in risk_aversions]
