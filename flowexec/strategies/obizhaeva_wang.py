"""Obizhaeva and Wang (2013): the best schedule when impact is linear and decays exponentially."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..checks import check_real
from ..execution.impact import ExponentialDecay, Impact, TransientImpact
from ..execution.observation import Observation
from ..execution.order import Order
from ..market.paths import Array
from .static import StaticPlan, static_plan


@dataclass(frozen=True)
class ObizhaevaWang:
    """A block, then exactly as much as the market heals, then a block.

    With N trades τ apart and a = e^(−ρτ),

        n_0 = n_{N−1} = X / (2 + (N − 2)(1 − a)),   n_k = (1 − a) n_0 between,

    so that the displacement stands at the same height after every trade but the last. Obizhaeva and Wang
    count N + 1 trades and write N − 1 for N − 2.

    Parameters
    ----------
    rate : float, optional
        ρ per day, the market's resilience. By default that of the impact the trader reckons with, which must
        then be a `TransientImpact` with `ExponentialDecay`. 0, impact that never decays, makes every schedule
        cost the same; two halves are then traded.

    Notes
    -----
    Obizhaeva and Wang (2013); risk-neutral, and the schedule is best among all adapted ones
    when the mid is a martingale. Pinned by `tests/strategies/test_obizhaeva_wang.py`.
    """

    rate: float | None = None

    def __post_init__(self) -> None:
        if self.rate is not None:
            check_real("rate", self.rate, at_least=0)

    def trade(self, observation: Observation) -> Array:
        order = observation.order
        healed = -math.expm1(-self._resilience(observation.impact) * order.step_length)
        if observation.step == 0:
            return observation.inventory * (
                1.0 / (2.0 + (order.n_steps - 2) * healed) if order.n_steps > 1 else 1.0
            )
        later = observation.steps_remaining - 1
        return observation.inventory * (healed / (1.0 + later * healed) if later else 1.0)

    def plan(
        self, order: Order, impact: TransientImpact, *, volatility: float = 0.0, spread: float = 0.0
    ) -> StaticPlan:
        """The schedule, its mean cost and variance; `volatility` in currency per share and √day."""
        healed = -math.expm1(-self._resilience(impact) * order.step_length)
        trades = np.full(order.n_steps, healed)
        trades[[0, -1]] = 1.0
        return static_plan(
            order,
            trades * (order.shares / trades.sum()),
            volatility=volatility,
            impact=impact,
            spread=spread,
        )

    def _resilience(self, impact: Impact) -> float:
        if self.rate is not None:
            return self.rate
        if isinstance(impact, TransientImpact) and isinstance(impact.decay, ExponentialDecay):
            return impact.decay.rate
        raise ValueError(f"`rate` must be given unless the impact decays exponentially, got {impact!r}")


class ContinuousObizhaevaWang(NamedTuple):
    """The limit of ever shorter steps: see `obizhaeva_wang_limit`."""

    block: float
    """Shares at once at the beginning, and again at the end."""
    speed: float
    """Shares a day between."""
    expected_cost: float
    """Currency, without spread."""


def obizhaeva_wang_limit(
    shares: float, horizon: float, *, rate: float, coefficient: float
) -> ContinuousObizhaevaWang:
    """Blocks X/(ρT + 2) at 0 and T, speed ρX/(ρT + 2) between, cost κX²/(ρT + 2).

    Obizhaeva and Wang (2013). Pinned by `tests/strategies/test_obizhaeva_wang.py`.
    """
    check_real("shares", shares, above=0)
    check_real("horizon", horizon, above=0)
    check_real("rate", rate, at_least=0)
    check_real("coefficient", coefficient, at_least=0)
    block = shares / (rate * horizon + 2.0)
    return ContinuousObizhaevaWang(block, rate * block, coefficient * shares * block)
