"""Orders played with curiosity, decision by decision: what a Q-learner has to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..execution.observation import Observation
from ..execution.problem import ExecutionProblem, execute
from ..execution.scenario import Scenario
from ..market.paths import Array
from .q_network import ROUNDING, QPolicy, greedy
from .savings import decision_savings


def play(
    policy: QPolicy,
    problem: ExecutionProblem,
    scenario: Scenario,
    *,
    epsilon: float,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Execute orders with curiosity: a random action with probability ε, else the policy's.

    Returns
    -------
    dict of array
        [decision, order] of "action", of "saving" (`decision_savings`), and "unfinished", whether anything
        was left to trade; [decision, feature or action, order] of "features" and "possible" (`sensible`);
        with a memory also "market" [decision, input, order], what it reads. The last step of a complete order
        is no decision.
    """
    player = _Curious(policy, epsilon, rng, [])
    savings = decision_savings(execute(player, problem), scenario)
    if not np.isfinite(savings).all():
        raise ValueError(_cause(problem, savings))
    order = problem.order
    decisions = order.n_steps - order.complete
    names = ("features", "possible", "unfinished", "action")
    rows = (np.stack(column) for column in zip(*player.record[:decisions], strict=True))
    played = {**dict(zip(names, rows, strict=True)), "saving": savings[:decisions]}
    market = policy.market(problem.paths.mid[:decisions], order.step_length)
    return played if market is None else {**played, "market": market}


def _cause(problem: ExecutionProblem, savings: np.ndarray) -> str:
    """Why a saving is not finite: the first number of its path that is not."""
    number = int(np.argwhere(~np.isfinite(savings))[0, 1])
    step = int(np.argwhere(~np.isfinite(savings[:, number]))[0, 0])
    paths, path = problem.paths, f"the saving of order {number} in step {step} is {savings[step, number]}"
    for name, rows in (("mid", paths.mid), ("variance", paths.variance), ("spread", paths.spread)):
        wrong = np.flatnonzero(~np.isfinite(rows[:, number]))
        if wrong.size:
            return f"{path}: its `{name}` is {rows[wrong[0], number]} in step {wrong[0]}"
    return path


@dataclass(frozen=True, eq=False)
class _Curious:
    policy: QPolicy
    epsilon: float
    rng: np.random.Generator
    record: list[tuple[np.ndarray, ...]]

    def trade(self, observation: Observation) -> Array:
        policy, features = self.policy, self.policy.features(observation)
        if not np.isfinite(features).all():
            feature, order = np.argwhere(~np.isfinite(features))[0]
            raise ValueError(
                f"the feature {policy.features.names[feature]!r} of order {order} is "
                f"{features[feature, order]} in step {observation.step}"
            )
        possible = policy.possible(observation)
        curious = self.rng.random(possible.shape[1]) < self.epsilon
        values = np.where(curious, self.rng.random(possible.shape), policy.values(observation))
        action = greedy(values, possible)
        left = observation.inventory > ROUNDING * observation.order.shares
        self.record.append((features, possible, left, action))
        return policy.actions.shares(action, observation)
