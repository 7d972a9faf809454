"""Cartea and Jaimungal (2016): Almgren and Chriss with a signal, in discrete time and closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..checks import check_kind, check_real
from ..execution.impact import Impact, PowerImpact
from ..execution.observation import Observation
from ..execution.order import Order
from ..market.paths import Array
from ..market.signal import OrnsteinUhlenbeck
from .almgren_chriss import AlmgrenChriss, linear_coefficients


@dataclass(frozen=True)
class CarteaJaimungal:
    """Trade on the optimal schedule of Almgren and Chriss, sooner or later as the signal says.

    In the step that follows the mid is expected to move by α_k B, B = (1 − e^{−κτ})/κ; s = +1 for a buy and
    −1 for a sale. The cost to go is V_k(x, α) = a_k x² + b_k xα + c_k α² + d_k, minimized by holding next

        y = r_k (x − Q_k α/(2A)),   A = η̃/τ = η/τ − γ/2,   Q_k = sB + e^{−κτ} b_{k+1},   b_k = r_k Q_k,

    with r_k = x_{k+1}/x_k on the schedule of Almgren and Chriss. Q_k α is the drift that awaits a share which
    is held now and sold off on their schedule. As the steps shrink, the rate of trading tends to

        ν = w coth(w(T−t)) x + sα/(2η) ∫_t^T e^{−κ(u−t)} sinh(w(T−u))/sinh(w(T−t)) du,   w = √(λσ²/η).

    The rule is the best of all that may trade in both directions and beyond what is left. An order may not:
    a trade below 0 is none here, and the engine cuts what exceeds the inventory. Where neither happens the
    rule is the optimum of the order too, and `value` its exact objective; where one does, `value` is a lower
    bound. σ, η and γ are found on arrival as `AlmgrenChriss` does, the secant for concave impact.

    Parameters
    ----------
    risk_aversion : float
        λ ≥ 0, 1/currency.
    signal : OrnsteinUhlenbeck
        The law of the α that is observed.

    Raises
    ------
    ValueError
        When η ≤ γτ/2, or in a market without a signal.

    Notes
    -----
    Cartea and Jaimungal (2016, "Incorporating order-flow into optimal execution"); Cartea, Jaimungal and
    Penalva (2015, section 7.3), for an infinite penalty on what is left and an Ornstein–Uhlenbeck signal.
    Pinned by `tests/strategies/test_cartea_jaimungal.py`.
    """

    risk_aversion: float
    signal: OrnsteinUhlenbeck

    def __post_init__(self) -> None:
        check_real("risk_aversion", self.risk_aversion, at_least=0)
        check_kind("signal", self.signal, OrnsteinUhlenbeck)

    def trade(self, observation: Observation) -> Array:
        order, x = observation.order, observation.inventory
        if observation.signal is None:
            raise ValueError("`observation.signal` must be there for CarteaJaimungal, got None")
        cosh = AlmgrenChriss(self.risk_aversion).decay(observation)
        drift, persistence = self._step(order)
        kept = awaited = 0.0 * cosh
        for _ in range(observation.steps_remaining - 1):
            awaited = drift + persistence * kept * awaited
            kept = 1.0 / (2.0 * cosh - kept)
        lead = awaited * observation.signal / (2.0 * _charge(observation.impact, order))
        return (x * (1.0 - kept) + order.sign * kept * lead).clip(min=0.0)

    def value(self, order: Order, *, volatility: float, impact: PowerImpact, spread: float = 0.0) -> float:
        """E[C] + λE[risk], currency, when the signal starts at `signal.initial` and no trade has to be cut.

        The plan of Almgren and Chriss plus b₀Xα + c₀α² + d₀, which is what the signal adds: less than nothing
        when α = 0. `volatility` is σ in currency per share and √day, the noise beside the signal. Impact that
        is not linear is refused.
        """
        check_kind("impact", impact, PowerImpact)
        for name in ("exponent", "permanent_exponent"):
            if getattr(impact, name) != 1.0:
                raise ValueError(f"`impact.{name}` must be 1 here, got {getattr(impact, name):g}")
        almgren_chriss = AlmgrenChriss(self.risk_aversion)
        plan = almgren_chriss.plan(order, volatility=volatility, impact=impact, spread=spread)
        charge = _charge(impact, order)
        cosh = 1.0 + 0.5 * self.risk_aversion * volatility**2 * order.step_length / charge
        drift, persistence = self._step(order)
        noise = self.signal.sd(order.step_length) ** 2
        kept = awaited = square = constant = 0.0
        for _ in range(order.n_steps - 1):
            awaited = drift + persistence * kept * awaited
            kept = 1.0 / (2.0 * cosh - kept)
            constant += square * noise
            square = persistence**2 * square - kept * awaited**2 / (4.0 * charge)
        alpha = self.signal.initial
        linear = order.sign * kept * awaited * order.shares
        return plan.objective + linear * alpha + square * alpha**2 + constant

    def _step(self, order: Order) -> tuple[float, float]:
        """B and e^{−κτ}: the drift of a step for α = 1, and what is left of α after it."""
        tau = order.step_length
        return float(self.signal.integrated_mean(1.0, tau)), math.exp(-self.signal.reversion * tau)


def _charge(impact: Impact, order: Order) -> float:
    """A = η/τ − γ/2, currency per squared share."""
    temporary, permanent = linear_coefficients(impact, order)
    return temporary / order.step_length - 0.5 * permanent
