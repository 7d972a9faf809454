"""The whole problem as one value: what to trade, in which market, with which impact and appetite for risk."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_choice, check_kind, check_real
from ..market.paths import MarketModel
from .impact import Impact
from .order import Order
from .problem import ExecutionProblem


@dataclass(frozen=True)
class Scenario:
    """An execution problem before its paths are drawn. The objective is E[shortfall] + λ E[risk].

    Parameters
    ----------
    order : Order
    market : MarketModel
    impact : Impact
    risk_aversion : float
        λ ≥ 0, 1/currency.
    information : {"model", "estimated"}
        Which variance strategies observe, see `ExecutionProblem`.
    """

    order: Order
    market: MarketModel
    impact: Impact
    risk_aversion: float = 0.0
    information: str = "model"

    def __post_init__(self) -> None:
        check_kind("order", self.order, Order)
        check_kind("market", self.market, MarketModel)
        check_kind("impact", self.impact, Impact)
        check_real("risk_aversion", self.risk_aversion, at_least=0)
        check_choice("information", self.information, ("model", "estimated"))

    def sample(
        self, n_paths: int, *, seed: int, first_path: int = 0, threads: int | None = None
    ) -> ExecutionProblem:
        """Draw `n_paths` paths; equal seeds give every strategy the same paths."""
        paths = self.market.simulate(
            n_paths, self.order.n_steps, self.order.horizon, seed=seed, first_path=first_path, threads=threads
        )
        return ExecutionProblem(self.order, paths, self.impact, self.information)
