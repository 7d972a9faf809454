"""One strategy on one block of paths: what every path cost, and how the cost came about."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..execution.observation import Strategy
from ..execution.problem import Execution, ExecutionProblem, execute
from .drift import Drift
from .shortfall import BPS, COMPONENTS, shortfall

ROUNDING = 1e-13
"""A difference below this part of the arrival value, a billionth of a basis point, is rounding, hence 0."""


class Costs(NamedTuple):
    """The cost of every path, in the league's unit, [path]."""

    total: np.ndarray
    objective: np.ndarray
    controlled: np.ndarray
    """The objective less its martingale part."""


@dataclass(frozen=True, eq=False)
class Played:
    """One strategy on a block: its cost path by path, and how it came about step by step.

    The cost of a path so far, after step k, counts what was paid and marks what is left to the mid:

        C_k = s Σ_{j≤k} n_j (P_j − S_j) + fees + s Σ_{j≤k} x_{j+1} (S_{j+1} − S_j),

    and in the last step u D_N for u untraded shares, so that the last C is the shortfall. `running_cost` has
    the conditional drift d_j in place of the move S_{j+1} − S_j: the same mean with less noise.
    """

    execution: Execution
    components: list[np.ndarray]
    total: np.ndarray
    running_cost: np.ndarray
    running_charge: np.ndarray
    """λ times the risk taken so far, [step, path]."""
    risk: np.ndarray
    completion: np.ndarray
    participation: np.ndarray

    @property
    def costs(self) -> Costs:
        charge = self.running_charge[-1]
        return Costs(self.total, self.total + charge, self.running_cost[-1] + charge)


def play(
    strategy: Strategy, problem: ExecutionProblem, drift: Drift, *, risk_aversion: float, unit: str
) -> Played:
    """Execute `strategy`, and price it."""
    execution = execute(strategy, problem)
    order, paths = problem.order, problem.paths
    held = execution.inventory[1:]
    paid = execution.shares * (order.sign * (execution.price - paths.mid[:-1]) + order.fee_per_share)
    if drift.control != "martingale":
        paid += order.sign * held * drift.moves
    running = _accumulate(paid)
    running[-1] += held[-1] * execution.displacement[-1]
    if order.fixed_fee:
        running += order.fixed_fee * (held < order.shares)  # paid with the first share
    charge = _accumulate(paths.variance[:-1] * held**2)
    charge *= paths.mid[0] ** 2 * order.step_length
    risk = charge[-1].copy()
    cost = shortfall(execution).in_unit(unit)
    scale = BPS / cost.arrival_value if unit == "bps" else 1.0
    running *= scale
    charge *= risk_aversion * scale
    with np.errstate(divide="ignore", invalid="ignore"):  # nobody else may trade
        participation = cost.participation
    components = [getattr(cost, name) for name in COMPONENTS]
    return Played(execution, components, cost.total, running, charge, risk, cost.completion, participation)


def _accumulate(rows: np.ndarray) -> np.ndarray:
    """Sums over the steps so far, in place: `numpy.cumsum` goes across rows, and takes six times as long."""
    for before, row in pairwise(rows):
        row += before
    return rows


def difference(
    own: np.ndarray, other: np.ndarray, unit: str, arrival_value: np.ndarray | float
) -> np.ndarray:
    """own − other [path], 0 where it is rounding: a t test would tell apart strategies that are the same."""
    gap: np.ndarray = own - other
    gap[np.abs(gap) <= ROUNDING * (BPS if unit == "bps" else arrival_value)] = 0.0
    return gap
