"""A fee for each child order, whatever its size: the reason not to trade in every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import check_kind, check_real
from ..market.paths import Array
from .impact import Bar, Impact


@dataclass(frozen=True)
class TicketFee:
    """Any impact, with a fixed fee for each child order on top.

    A trade of n > 0 shares that `impact` does at P is done at P ± fee/n, with the plus for a buy, so that it
    costs `fee` more; a step without a trade costs nothing. A `Shortfall` counts the fee as temporary, being
    paid with the trade.

    Under linear temporary impact η and without risk aversion, m equal trades in any m of the N steps cost

        m fee + η X²/(m τ),

    the least for m = X √(η/(τ fee)). The problem is not convex: which steps are traded in does not matter,
    but the mean of two best schedules trades in the steps of both.

    Parameters
    ----------
    impact : Impact
    fee : float
        At least 0, currency for each child order.

    Notes
    -----
    Fixed costs of trades: Lobo, Fazel and Boyd (2007). On numpy and torch; the gradient in the
    shares is that of the impact, since the fee jumps at 0 and is flat elsewhere. Pinned by
    `tests/execution/test_ticket_fee.py`.
    """

    impact: Impact
    fee: float

    def __post_init__(self) -> None:
        check_kind("impact", self.impact, Impact)
        check_real("fee", self.fee, at_least=0)

    def start(self, like: Array) -> Any:
        return self.impact.start(like)

    def trade(self, state: Any, shares: Array, bar: Bar, side: int) -> tuple[Array, Any]:
        price, left = self.impact.trade(state, shares, bar, side)
        traded = shares > 0
        return price + (side * self.fee) * traded / (shares + ~traded), left
