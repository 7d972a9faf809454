"""The order: what has to be traded, by when, in how many steps."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_choice, check_count, check_flag, check_real


@dataclass(frozen=True)
class Order:
    """An instruction to buy or sell `shares` within `horizon`, traded in `n_steps` equal steps.

    Parameters
    ----------
    side : {"sell", "buy"}
    shares : float
        X, greater than 0 whatever the side.
    horizon : float
        T, trading days, greater than 0.
    n_steps : int
        N, at least 1; step k covers [kτ, (k+1)τ] with τ = T/N.
    complete : bool
        Whether the last step trades all that is left. If not, what is left at the end stays untraded and is
        charged as opportunity cost at the close.
    fee_per_share, fixed_fee : float
        Commission, currency per traded share and currency for the order, at least 0.

    Raises
    ------
    ValueError
        Naming the argument, the rule and the value.
    """

    side: str
    shares: float
    horizon: float
    n_steps: int
    complete: bool = True
    fee_per_share: float = 0.0
    fixed_fee: float = 0.0

    def __post_init__(self) -> None:
        check_choice("side", self.side, ("sell", "buy"))
        check_real("shares", self.shares, above=0)
        check_real("horizon", self.horizon, above=0)
        check_count("n_steps", self.n_steps)
        check_flag("complete", self.complete)
        check_real("fee_per_share", self.fee_per_share, at_least=0)
        check_real("fixed_fee", self.fixed_fee, at_least=0)

    @property
    def sign(self) -> int:
        """+1 to buy, −1 to sell: the direction in which the order moves the price."""
        return 1 if self.side == "buy" else -1

    @property
    def step_length(self) -> float:
        """τ = T/N, trading days."""
        return self.horizon / self.n_steps
