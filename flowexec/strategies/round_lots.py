"""Whole lots around any strategy: what exchanges take, and what leaves no crumbs."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_kind, check_real
from ..execution.observation import Observation, Strategy
from ..market.paths import Array


@dataclass(frozen=True)
class RoundLots:
    """Trade what `strategy` wants to, rounded to the nearest whole number of lots.

    A strategy that works from what is left makes up for it later. The last step of a `complete` order takes
    the rest, whatever its size.

    Parameters
    ----------
    strategy : Strategy
    lot : float
        Greater than 0, shares; 100 on most US exchanges.

    Notes
    -----
    Pinned by `tests/strategies/test_round_lots.py`.
    """

    strategy: Strategy
    lot: float = 100.0

    def __post_init__(self) -> None:
        check_kind("strategy", self.strategy, Strategy)
        check_real("lot", self.lot, above=0)

    def trade(self, observation: Observation) -> Array:
        return self.lot * (self.strategy.trade(observation) / self.lot).round()
