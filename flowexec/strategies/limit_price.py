"""A limit price around any strategy: trade only while the market shows at least that price."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_kind, check_real
from ..execution.observation import Observation, Strategy
from ..market.paths import Array


@dataclass(frozen=True)
class LimitPrice:
    """Trade as `strategy` does while the price is within the limit, and not at all while it is beyond it.

    The limit stands `distance_bps` against the order from the arrival price S₀; step k trades when

        s (S_k − S₀) + D_k ≤ distance · S₀,

    where S_k + s D_k is the mid that the market shows, moved by D_k by the order's own trades. A strategy
    that works from what is left, such as TWAP, catches up once the price is back. With `complete=False` the
    rest stays untraded, otherwise the last step takes it at any price.

    Parameters
    ----------
    strategy : Strategy
    distance_bps : float
        In basis points of the arrival price; negative asks for a better price than on arrival.

    Notes
    -----
    Pinned by `tests/strategies/test_limit_price.py`.
    """

    strategy: Strategy
    distance_bps: float = 0.0

    def __post_init__(self) -> None:
        check_kind("strategy", self.strategy, Strategy)
        check_real("distance_bps", self.distance_bps)

    def trade(self, observation: Observation) -> Array:
        arrival = observation.arrival_price
        against = observation.order.sign * (observation.mid - arrival) + observation.displacement
        return self.strategy.trade(observation) * (against <= 1e-4 * self.distance_bps * arrival)
