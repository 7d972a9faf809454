"""Schedules that need no model: at once, evenly, with the expected volume, with the volume just seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..checks import check_kind, check_real, check_weights
from ..execution.observation import Observation
from ..market.paths import Array
from ..market.volume import VolumeCurve


@dataclass(frozen=True)
class Immediate:
    """Everything in the first step: no risk, all the impact."""

    def trade(self, observation: Observation) -> Array:
        return observation.inventory


@dataclass(frozen=True)
class TWAP:
    """Equal shares in every step, x_k = X (1 − k/N): optimal when neither risk nor signal matters."""

    def trade(self, observation: Observation) -> Array:
        return observation.inventory / observation.steps_remaining


def _next_fraction(weights: Sequence[float], step: int) -> float:
    """Part of what is left that is traded in `step`: relative, so that rounding never leaves a residue."""
    left = sum(weights[step:])
    return float(weights[step] / left) if left > 0 else 0.0


@dataclass(frozen=True)
class Schedule:
    """Any deterministic schedule, by the weight of each step.

    Parameters
    ----------
    weights : tuple of float
        Relative shares of each step, none negative, not all 0; only their ratios matter. An order of another
        number of steps is refused.
    """

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", check_weights("weights", self.weights))

    def trade(self, observation: Observation) -> Array:
        if len(self.weights) != observation.order.n_steps:
            raise ValueError(
                f"`weights` must have one entry for each of the order's {observation.order.n_steps} steps, "
                f"got {len(self.weights)}"
            )
        return observation.inventory * _next_fraction(self.weights, observation.step)


@dataclass(frozen=True)
class VWAP:
    """Follow the *expected* volume of each step, whatever the market does.

    Parameters
    ----------
    curve : VolumeCurve
        The forecast; by default a U-shape that the order meets from the open.
    """

    curve: VolumeCurve = field(default_factory=VolumeCurve.u_shape)

    def __post_init__(self) -> None:
        check_kind("curve", self.curve, VolumeCurve)

    def trade(self, observation: Observation) -> Array:
        order = observation.order
        expected = self.curve.expected(order.n_steps, order.horizon)
        return observation.inventory * _next_fraction(expected.tolist(), observation.step)


@dataclass(frozen=True)
class POV:
    """Percentage of volume: in each step trade `rate` times what the market traded in the step *before*.

    Volume is known only afterwards, so participation lags one step and the first step trades nothing. On a
    `complete` order the last step trades whatever is left; otherwise it may stay unfilled.

    Parameters
    ----------
    rate : float
        Own shares per share of the rest of the market, in (0, 1].
    """

    rate: float

    def __post_init__(self) -> None:
        check_real("rate", self.rate, above=0, at_most=1)

    def trade(self, observation: Observation) -> Array:
        if observation.step == 0:
            return 0.0 * observation.inventory
        return self.rate * observation.past_volume[-1]
