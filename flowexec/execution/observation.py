"""What a trader sees, and what a strategy is: from what is seen to the shares to trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..market.paths import Array
from .impact import Impact
from .order import Order


@dataclass(frozen=True)
class Observation:
    """What a trader knows at the beginning of a step: the task, what is left, and the past. Never the future.

    Attributes
    ----------
    order, impact
        The task and the impact the trader reckons with.
    step : int
        Number of the step about to be traded.
    inventory : array [path]
        Shares still to trade.
    past_mid : array [step+1, path]
        Mids so far, the current one last, without the impact of one's own trades.
    past_variance : array [step+1, path]
        Spot variance per day so far, the current one last: the model's, or the trader's own estimate from
        past mids when the problem says `information="estimated"`.
    past_volume : array [step, path]
        Market volume of the steps gone by.
    spread : array [path]
        The quoted spread.
    displacement : array [path]
        By how much the order has moved the price against itself.
    signal : array [path], optional
        Current expected drift.
    depth : array [path, 2, level, 2], optional
        Current visible book.
    """

    order: Order
    impact: Impact
    step: int
    inventory: Array
    past_mid: Array
    past_variance: Array
    past_volume: Array
    spread: Array
    displacement: Array
    signal: Array | None = None
    depth: Array | None = None

    @property
    def mid(self) -> Array:
        return self.past_mid[-1]

    @property
    def arrival_price(self) -> Array:
        """The mid when the order arrived, [path]."""
        return self.past_mid[0]

    @property
    def variance(self) -> Array:
        """Current spot variance of the relative return, per day, [path]."""
        return self.past_variance[-1]

    @property
    def time(self) -> float:
        """Days since the order arrived."""
        return self.step * self.order.step_length

    @property
    def time_remaining(self) -> float:
        """Days to the end of the order."""
        return self.steps_remaining * self.order.step_length

    @property
    def steps_remaining(self) -> int:
        """Steps still to trade, this one included: N at the start, 1 in the last step."""
        return self.order.n_steps - self.step


@runtime_checkable
class Strategy(Protocol):
    """How to trade."""

    def trade(self, observation: Observation) -> Array:
        """Shares [path] to trade in this step, each at least 0; more than what is left means all of it."""
        ...
