"""Execution as a Markov decision process: what is seen, what may be done, what it is rewarded with.

One environment serves every learner. It holds any number of orders at once, keeps no state of its own, and
trades through `ExecutionProblem.step` alone, on numpy arrays or on torch tensors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ..analytics.drift import conditional_drift
from ..analytics.shortfall import BPS
from ..checks import check_count, check_flag, check_kind
from ..execution.problem import ExecutionProblem, Fill, State
from ..execution.scenario import Scenario
from ..market.paths import Array
from ..market.streams import STREAM_PATHS
from .actions import Actions, Logits
from .features import Features


class Episode(NamedTuple):
    """A batch of orders under way."""

    problem: ExecutionProblem
    moves: Array | float
    """What of a move of the mid the reward holds: all of it, or what was to be expected, [step, order]."""
    state: State

    @property
    def done(self) -> bool:
        """All orders end together."""
        return self.state.step == self.problem.order.n_steps


@dataclass(frozen=True)
class Environment:
    """The decision process of a scenario.

    A step is rewarded with minus what it cost, in bps of the arrival value X·S₀: with s = +1 for a buy and
    −1 for a sale, n_k traded at P_k, x_{k+1} held while the mid moves from S_k to S_{k+1} and the order's own
    displacement of it from D_k to D_{k+1},

        −r_k ∝ n_k [s(P_k − S_k) − D_k] + x_{k+1} [s(S_{k+1} − S_k) + D_{k+1} − D_k]
               + fees + λ S₀² v_k τ x_{k+1}².

    What is held is marked at the price the market shows, so that a step answers for its own moves only, and
    what is left at the close is charged without a further term. Hence Σ_k r_k is minus the shortfall and
    λ · risk of the engine, path by path.

    With `control` the martingale part of each step, s x_{k+1} (S_{k+1} − S_k − E[S_{k+1} − S_k | F_k]), is
    left out (see `conditional_drift`). Its mean is 0 whatever the strategy, so that the mean of every return
    and the optimal policy stay as they are, and the noise that a learner has to average away is that of the
    variance and the signal alone.

    Parameters
    ----------
    scenario : Scenario
    features : Features
    actions : Fractions, Logits or RateMultiples
    control : bool

    Raises
    ------
    ValueError
        In `step`, for an action of the wrong shape, kind or range, after the last step, and for a reward that
        is not finite, naming the step, the order and the cause; in `observe`, for a feature that is not
        finite.

    Notes
    -----
    Pinned by `tests/learning/test_environment.py`.
    """

    scenario: Scenario
    features: Features
    actions: Actions = field(default_factory=Logits)
    control: bool = True

    def __post_init__(self) -> None:
        check_kind("scenario", self.scenario, Scenario)
        check_kind("features", self.features, Features)
        check_kind("actions", self.actions, Actions)
        check_flag("control", self.control)

    def start(self, problem: ExecutionProblem) -> Episode:
        """The orders of `problem`, untouched; numpy or torch."""
        check_kind("problem", problem, ExecutionProblem)
        mid = problem.paths.mid
        if self.control:
            return Episode(
                problem, conditional_drift(self.scenario.market, problem.paths).moves, problem.start()
            )
        return Episode(problem, mid[1:] - mid[:-1], problem.start())

    def episodes(self, n_orders: int, *, seed: int) -> Iterator[Episode]:
        """Batches of `n_orders` fresh orders without end: paths 0 … n−1 of `seed`, then n … 2n−1, and on."""
        check_count("n_orders", n_orders)
        check_count("seed", seed, at_least=0)
        batches = -(-STREAM_PATHS // n_orders)  # random streams are drawn whole, so that few orders share one
        first_path = 0
        while True:
            drawn = self.scenario.sample(n_orders * batches, seed=seed, first_path=first_path)
            for i in range(batches):
                part = drawn.paths.select(slice(i * n_orders, (i + 1) * n_orders))
                yield self.start(replace(drawn, paths=part))
            first_path += n_orders * batches

    def observe(self, episode: Episode) -> Array:
        """What the learner sees, [feature, order]."""
        seen = self.features(episode.problem.observe(episode.state))
        if not math.isfinite(seen.sum().item()):  # no feature is large
            bad = ~np.isfinite(np.asarray(seen.tolist()))
            feature, order = np.argwhere(bad)[0]
            raise ValueError(
                f"the feature {self.features.names[feature]!r} of order {order} is "
                f"{float(seen[feature, order]):g} in step {episode.state.step}"
            )
        return seen

    def step(self, episode: Episode, action: Array) -> tuple[Episode, Array]:
        """The batch one step later, and the rewards [order], bps."""
        problem, moves, before = episode
        if episode.done:
            raise ValueError(f"`episode` must not be over; its {before.step} steps have been taken")
        shares = self.actions.shares(action, problem.observe(before))
        after, fill = problem.step(before, shares)
        move = moves if isinstance(moves, float) else moves[before.step]
        reward = self._reward(problem, before, after, fill, move)
        if not bool(abs(reward).max() < math.inf):  # nor NaN
            raise ValueError(_cause(problem, before, fill, reward))
        return Episode(problem, moves, after), reward

    def _reward(
        self, problem: ExecutionProblem, before: State, after: State, fill: Fill, move: Array | float
    ) -> Array:
        order, paths, k = problem.order, problem.paths, before.step
        old, new = before.impact.displacement, after.impact.displacement
        held, arrival = after.inventory, paths.mid[0]
        cost = fill.shares * (order.sign * (fill.price - paths.mid[k]) - old)
        cost = cost + held * (order.sign * move + (new - old))
        if order.fee_per_share or order.fixed_fee:
            first = (before.inventory == order.shares) & (fill.shares > 0)
            cost = cost + order.fee_per_share * fill.shares + order.fixed_fee * first
        risk = (arrival**2 * order.step_length) * paths.variance[k] * held**2
        return (cost + self.scenario.risk_aversion * risk) * (-BPS / order.shares) / arrival


def _cause(problem: ExecutionProblem, before: State, fill: Fill, reward: Array) -> str:
    """Why a reward is not finite: the first of the numbers it is made of that is not."""
    k, paths = before.step, problem.paths
    order = int(np.flatnonzero(~np.isfinite(np.asarray(reward.tolist())))[0])
    parts = {
        f"`mid` of step {k}": paths.mid[k],
        f"`mid` of step {k + 1}": paths.mid[k + 1],
        f"`spread` of step {k}": paths.spread[k],
        f"`variance` of step {k}": paths.variance[k],
        "the average price of its trade": fill.price,
        "the displacement by its own trades": before.impact.displacement,
    }
    guilty = [f"{name} is {float(a[order]):g}" for name, a in parts.items() if not math.isfinite(a[order])]
    why = guilty[0] if guilty else "its cost exceeds all numbers"
    return f"the reward of order {order} is {float(reward[order]):g} in step {k}: {why}"
