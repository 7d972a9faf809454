"""Almgren and Chriss made to watch the price: hurry after gains (Almgren and Lorenz 2007)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..checks import check_kind, check_real
from ..execution.observation import Observation
from ..market.paths import Array
from .almgren_chriss import AlmgrenChriss, kept_fraction


@dataclass(frozen=True)
class AggressiveInTheMoney:
    """Almgren and Chriss, planned anew in every step with a risk aversion that grows with the gains so far.

        λ_k = λ e^(tilt · g_k),   g_k = −s (S_k − S₀)/(σ√T),

    s = +1 for a buy and −1 for a sale, so that g_k is the price's move in the order's favor, in standard
    deviations of the whole horizon. A positive `tilt` spends gains on haste; a negative one hurries after
    losses; 0 is the base strategy itself.

    Hurrying after gains lowers the *variance of the total cost*, because the extra impact falls on lucky
    paths, and so beats every static schedule in mean + λ · variance (Almgren and Lorenz 2007; Lorenz and
    Almgren 2011). It does not lower mean + λ · quadratic variation, for which the static schedule is optimal.
    This family is not the optimum of Lorenz and Almgren, only a one-parameter step in its direction.

    Parameters
    ----------
    base : AlmgrenChriss
        λ, and whatever else it overrules.
    tilt : float
        Change of ln λ for a gain of one standard deviation.

    Notes
    -----
    Pinned by `tests/strategies/test_price_adaptive.py`: symmetry, the base at 0, and the slope of the
    mean–variance objective at 0 against its closed form.
    """

    base: AlmgrenChriss
    tilt: float

    def __post_init__(self) -> None:
        check_kind("base", self.base, AlmgrenChriss)
        check_real("tilt", self.tilt)

    def trade(self, observation: Observation) -> Array:
        order, price = observation.order, observation.arrival_price
        if self.base.volatility is None:
            scale = price * (observation.past_variance[0] * order.horizon) ** 0.5
        else:
            scale = self.base.volatility * order.horizon**0.5
        still = scale + (scale == 0)  # a price that cannot move has made no gain: 0/1, not 0/0
        gain = -order.sign * (observation.mid - price) / still
        # cosh κτ − 1 is proportional to λ; a number to the power of an array serves tensors as well as arrays
        cosh = 1.0 + (self.base.decay(observation) - 1.0) * math.e ** (self.tilt * gain)
        return observation.inventory * (1.0 - kept_fraction(cosh, observation.steps_remaining))
