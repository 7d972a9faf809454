"""What a league keeps of a block of paths: sums that merge, and of the first paths the costs themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..execution.observation import Strategy
from ..execution.problem import ExecutionProblem
from ..execution.scenario import Scenario
from ..market.streams import STREAM_PATHS
from .drift import conditional_drift
from .league_play import Costs, Played, difference, play
from .metrics import SavingMetrics
from .shortfall import COMPONENTS
from .statistics import Estimate

FIGURES = (
    *COMPONENTS, "mean", "controlled_mean", "risk", "objective", "controlled_objective", "completion",
    "participation", "difference", "controlled", "cost", "martingale", "regret"
)  # fmt: skip
BY_STEP = ("running_cost", "inventory", "efficiency")


@dataclass(frozen=True, eq=False)
class Profile:
    """`Moments` of many quantities at once.

    Pinned by `tests/analytics/test_league.py`, by way of the figures it gives.
    """

    count: int
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Profile:
        """Of `rows` [quantity, path]."""
        with np.errstate(invalid="ignore"):  # an infinite participation: nobody else traded on some path
            mean = rows.mean(axis=1)
            deviation = rows - mean[:, None]
            return cls(rows.shape[1], mean, np.square(deviation, out=deviation).sum(axis=1))

    def merge(self, other: Profile) -> Profile:
        count = self.count + other.count
        with np.errstate(invalid="ignore"):
            delta = other.mean - self.mean
            mean = self.mean + delta * (other.count / count)
            squares = self.squares + other.squares + delta**2 * (self.count * other.count / count)
        return Profile(count, mean, squares)

    @property
    def estimates(self) -> list[Estimate]:
        error = np.sqrt(self.squares / max(self.count - 1, 1) / self.count)
        return [Estimate(*pair) for pair in zip(self.mean.tolist(), error.tolist(), strict=True)]


class Sums(NamedTuple):
    """One strategy on one random stream, or on several merged in the order of the paths."""

    rows: Profile
    """Of `FIGURES`, then of every step of each of `BY_STEP`."""
    saving: SavingMetrics
    """Of the baseline's cost less the strategy's."""
    reward: SavingMetrics
    """Of minus the cost."""

    def merge(self, other: Sums) -> Sums:
        return Sums(
            self.rows.merge(other.rows), self.saving.merge(other.saving), self.reward.merge(other.reward)
        )


class Block(NamedTuple):
    """All strategies on one block of paths."""

    sums: dict[str, list[Sums]]
    """For each strategy, one entry a random stream."""
    batches: np.ndarray
    """Mean controlled objective [strategy, batch] of consecutive paths; an incomplete batch is left out."""
    costs: dict[str, Costs]
    """Empty where it was not asked for."""
    self_difference: float
    """Largest difference of the baseline against itself, executed once more; 0 where it was not."""
    arrival_value: float
    """Currency; the mean where it differs between paths."""
    control: str
    """See `Drift`."""


def reduce_block(
    problem: ExecutionProblem,
    players: Mapping[str, Strategy],
    scenario: Scenario,
    *,
    baseline: str,
    optimum: str | None,
    unit: str,
    batch: int,
    keep: bool,
) -> Block:
    """Run every strategy on one block of paths, and reduce what it cost."""
    drift = conditional_drift(scenario.market, problem.paths)

    def run(name: str) -> Played:
        try:
            return play(players[name], problem, drift, risk_aversion=scenario.risk_aversion, unit=unit)
        except ValueError as error:
            raise ValueError(f"`strategies[{name!r}]` failed: {error}") from error

    ready = {name: run(name) for name in players if name in (baseline, optimum)}
    standard = ready[baseline]
    best = None if optimum is None else ready[optimum].costs.controlled
    sums: dict[str, list[Sums]] = {}
    costs: dict[str, Costs] = {}
    batches = []
    for name in players:
        played = ready[name] if name in ready else run(name)
        costs[name] = played.costs
        sums[name] = _sums(played, standard, best, unit)
        whole = played.total.size // batch * batch
        batches.append(costs[name].controlled[:whole].reshape(-1, batch).mean(axis=1))
    again = run(baseline).costs if keep else costs[baseline]
    self_difference = max(
        float(np.abs(one - two).max()) for one, two in zip(costs[baseline], again, strict=True)
    )
    arrival_value = float(problem.order.shares * problem.paths.mid[0].mean())
    return Block(
        sums, np.stack(batches), costs if keep else {}, self_difference, arrival_value, drift.control
    )


def _sums(own: Played, standard: Played, best: np.ndarray | None, unit: str) -> list[Sums]:
    problem = own.execution.problem
    arrival = problem.order.shares * problem.paths.mid[0]
    ours, theirs = own.costs, standard.costs

    def gap(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return difference(one, two, unit, arrival)

    cost = gap(own.running_cost[-1], standard.running_cost[-1])
    figures = {
        **dict(zip(COMPONENTS, own.components, strict=True)),
        "mean": ours.total,
        "controlled_mean": own.running_cost[-1],
        "risk": own.risk,
        "objective": ours.objective,
        "controlled_objective": ours.controlled,
        "completion": own.completion,
        "participation": own.participation,
        "difference": gap(ours.objective, theirs.objective),
        "controlled": gap(ours.controlled, theirs.controlled),
        "cost": cost,
        "martingale": gap(ours.total - theirs.total, cost),
        "regret": np.zeros_like(ours.total) if best is None else gap(ours.controlled, best),
    }
    steps = [
        own.running_cost,
        own.execution.inventory[1:] / problem.order.shares,
        (standard.running_cost + standard.running_charge) - (own.running_cost + own.running_charge),
    ]
    rows = np.concatenate([np.stack([figures[name] for name in FIGURES]), *steps])
    saving = -gap(ours.total, theirs.total)
    reward = -ours.total if unit == "bps" else -ours.total / arrival
    cuts = [slice(i, i + STREAM_PATHS) for i in range(0, arrival.size, STREAM_PATHS)]
    return [
        Sums(Profile.of(rows[:, cut]), SavingMetrics.of(saving[cut]), SavingMetrics.of(reward[cut]))
        for cut in cuts
    ]
