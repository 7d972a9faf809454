"""What each decision saved: the advantage over TWAP of every trade on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..analytics.shortfall import BPS
from ..checks import check_kind
from ..execution.observation import Observation
from ..execution.problem import Execution, execute
from ..execution.scenario import Scenario
from ..market.paths import Array
from .pathwise import controlled_objective


def decision_savings(execution: Execution, scenario: Scenario) -> np.ndarray:
    """Advantage over TWAP of each step's trade, on its path, [step, order] in bps of the arrival value.

    With J_k the objective of the order that trades as it did before step k, and what is then left like TWAP,

        δ_k = J_k − J_{k+1},   Σ_k δ_k = J_0 − J_N = objective of TWAP − objective of `execution`,

    path by path and whatever the impact, since all N + 1 orders are executed by the engine. By the
    performance difference lemma the mean of δ_k, given what is known at step k, is the advantage of the trade
    over TWAP's, A(s, a) = Q(s, a) − V(s). To be rewarded with δ_k is to be rewarded with the saving, and a
    trader who does what TWAP would do from here is rewarded with 0, without noise. What of a price move is
    known to be noise is left out as in `controlled_objective`.

    In the last step of a complete order there is nothing to decide, and δ is 0. Time and memory are those of
    N + 1 executions.

    Raises
    ------
    ValueError
        When an argument is not of its kind.

    Notes
    -----
    Kakade and Langford (2002), lemma 6.1; also the potential-based shaping of Ng, Harada and Russell (1999)
    with the cost of TWAP as potential. Pinned by `tests/learning/test_savings.py`.
    """
    check_kind("execution", execution, Execution)
    check_kind("scenario", scenario, Scenario)
    problem = execution.problem
    steps, orders = problem.order.n_steps, problem.paths.n_paths
    turn = np.repeat(np.arange(steps + 1), orders)
    copies = replace(problem, paths=problem.paths.select(np.tile(np.arange(orders), steps + 1)))
    detours = execute(_ThenTWAP(np.tile(execution.shares, steps + 1), turn), copies)
    objective = controlled_objective(detours, scenario) * BPS / (problem.order.shares * copies.paths.mid[0])
    savings: np.ndarray = -np.diff(objective.reshape(steps + 1, orders), axis=0)
    return savings


@dataclass(frozen=True, eq=False)
class _ThenTWAP:
    """`shares` [step, order] before the step `turn` [order], and TWAP of what is left from then on."""

    shares: np.ndarray
    turn: np.ndarray

    def trade(self, observation: Observation) -> Array:
        evenly = observation.inventory / observation.steps_remaining
        return np.where(observation.step < self.turn, self.shares[observation.step], evenly)
