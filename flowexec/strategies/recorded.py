"""Trades that were decided elsewhere: a desk's blotter, or a cheat that has read the future."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

import numpy as np

from ..checks import check_real
from ..execution.observation import Observation
from ..execution.problem import ExecutionProblem
from ..market.paths import Array


@dataclass(frozen=True, eq=False)
class Recorded:
    """Play back given trades, whatever the market does.

    Parameters
    ----------
    shares : array [step, path]
        Shares to trade in each step on each path, at least 0. As for every strategy, what exceeds the
        inventory is not traded, and the last step of a `complete` order trades whatever is left.

    Raises
    ------
    ValueError
        When `shares` is not such an array; in `trade`, when the problem has other steps or paths.
    """

    shares: Array

    def __post_init__(self) -> None:
        if getattr(self.shares, "ndim", 0) != 2:
            raise ValueError(
                f"`shares` must have shape [step, path] and be an array, got {reprlib.repr(self.shares)}"
            )
        if not bool(self.shares.min() >= 0):  # false for NaN as well
            raise ValueError(f"`shares` must be at least 0, got {float(self.shares.min())}")

    def trade(self, observation: Observation) -> Array:
        expected = (observation.order.n_steps, int(observation.inventory.shape[0]))
        if tuple(self.shares.shape) != expected:
            raise ValueError(
                f"`shares` must have the problem's shape {expected}, got {tuple(self.shares.shape)}"
            )
        return self.shares[observation.step]


def peeking(problem: ExecutionProblem, *, boldness: float = 0.5) -> Recorded:
    """A planted cheat: TWAP's pace, leaning on the price move that is about to happen.

    With x_k left and m steps to go it trades

        n_k = x_k/m · (1 ± boldness),  + if the mid is about to move against the order, − if not.

    No strategy can do this: an `Observation` ends with the present. The cheat takes the whole problem
    instead, and hands back the trades it would have made. It exists so that the tests meant to catch such a
    leak can be seen to catch it.

    Parameters
    ----------
    problem : ExecutionProblem
        With numpy paths.
    boldness : float
        In [0, 1]; 0 is TWAP.

    Notes
    -----
    Pinned by `tests/strategies/test_recorded.py`.
    """
    check_real("boldness", boldness, at_least=0, at_most=1)
    order, mid = problem.order, problem.paths.mid
    lean = boldness * np.sign(order.sign * np.diff(mid, axis=0))
    left = np.full(problem.paths.n_paths, float(order.shares))
    trades = np.empty((order.n_steps, problem.paths.n_paths))
    for k in range(order.n_steps):
        pace = left / (order.n_steps - k) * (1.0 + lean[k])
        trades[k] = left if k == order.n_steps - 1 else np.minimum(pace, left)
        left = left - trades[k]
    return Recorded(trades)


def foresight(problem: ExecutionProblem, *, pace: float = 2.0) -> Recorded:
    """The trades of somebody who knows all quotes to come, and trades at the best of them.

    The steps are ranked by the quote that the order has to meet, S_k + s · spread_k/2, and filled from the
    best on, at `pace` times TWAP's rate, until the order is done. No strategy within that rate gains more,
    as long as it finds its shares at the best quote; what a learner gains is a share of it.

    Parameters
    ----------
    problem : ExecutionProblem
        With numpy paths.
    pace : float
        At least 1, which is TWAP.

    Notes
    -----
    Pinned to linear programming by `tests/strategies/test_recorded.py`.
    """
    check_real("pace", pace, at_least=1)
    order, paths = problem.order, problem.paths
    dear = order.sign * paths.mid[:-1] + paths.spread / 2.0
    rank = dear.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return Recorded(order.shares / order.n_steps * np.clip(order.n_steps - pace * rank, 0.0, pace))
