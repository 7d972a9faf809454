"""What a trial of tuning does: train with some settings, and see what the policy saves on fixed paths."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..analytics.blocks import map_blocks, stream_moments
from ..analytics.shortfall import BPS
from ..analytics.statistics import Estimate, Moments, merge_moments
from ..checks import check_kind
from ..execution.observation import Strategy
from ..execution.problem import ExecutionProblem, execute
from ..execution.scenario import Scenario
from ..strategies.schedules import TWAP
from .networks import TrainedPolicy
from .pathwise import controlled_objective
from .search_space import SearchRange
from .study import ERROR, FAILURE, announce, seed_sampler
from .training import Monitor

Trainer = Callable[..., TrainedPolicy]
"""`train(scenario, config, *, seed)`; where it also takes a `monitor`, trials that lag behind are pruned."""

_LOG = logging.getLogger(__name__)


def paired_saving(
    strategy: Strategy, scenario: Scenario, n_paths: int, *, seed: int, baseline: Strategy | None = None
) -> Estimate:
    """By how much `strategy` lowers the objective of `baseline` (TWAP) on the same paths, bps of the arrival
    value; larger is better.

    The objective is shortfall + λ risk, each less its martingale part where the market's drift is known
    (`controlled_objective`). The paths are those of `evaluate` for the same seed.

    Notes
    -----
    Pinned by `tests/learning/test_tuning.py`.
    """
    baseline = TWAP() if baseline is None else baseline
    check_kind("strategy", strategy, Strategy)
    check_kind("baseline", baseline, Strategy)

    def work(problem: ExecutionProblem) -> list[dict[str, Moments]]:
        ours, theirs = (controlled_objective(execute(s, problem), scenario) for s in (strategy, baseline))
        return stream_moments(
            {"saving": (theirs - ours) * BPS / (problem.order.shares * problem.paths.mid[0])}
        )

    blocks = list(map_blocks(work, scenario, n_paths, seed=seed))
    return merge_moments(moments for block in blocks for moments in block)["saving"].estimate


@dataclass(frozen=True)
class Judge:
    """What the policy of a trial is worth: its `paired_saving` on paths that are the same for all trials."""

    validation: Scenario
    n_paths: int
    seed: int
    baseline: Strategy

    def __call__(self, policy: Strategy) -> Estimate:
        saving = paired_saving(policy, self.validation, self.n_paths, seed=self.seed, baseline=self.baseline)
        if not math.isfinite(saving.value):
            raise ArithmeticError(f"the saving is {saving.value}")
        return saving


@dataclass(frozen=True)
class TrialObjective:
    """What Optuna calls for each trial: settings are drawn, a policy is trained, its saving is the value.

    It is NaN, with which a trial counts as failed, when nothing is learned with these settings: the config
    refuses them, the training diverges, or the saving is no number. The reason is logged, and kept with the
    trial.
    """

    train: Trainer
    scenario: Scenario
    config: Any
    search: Mapping[str, SearchRange]
    judge: Judge
    seed: int
    look_every: int

    def __call__(self, trial: Any) -> float:
        seed_sampler(trial.study, self.seed, trial.number)
        settings = {name: values.suggest(trial, name) for name, values in self.search.items()}
        announce(trial, settings)
        try:
            policy = self._train(trial, replace(self.config, **settings))
            saving = self.judge(policy)
        except (ArithmeticError, RuntimeError, ValueError) as error:  # settings with which nothing is learned
            trial.set_user_attr(FAILURE, str(error))
            _LOG.warning("trial %d failed with %s: %s", trial.number, settings, error)
            return math.nan
        trial.set_user_attr(ERROR, saving.standard_error)
        return saving.value

    def _train(self, trial: Any, config: Any) -> Strategy:
        from optuna import TrialPruned

        def look(iteration: int, policy: Strategy) -> None:
            if iteration % self.look_every == 0:
                trial.report(self.judge(policy).value, iteration)
                if trial.should_prune():
                    raise TrialPruned(f"below the median after {iteration} iterations")

        watched: dict[str, Any] = {}
        if "monitor" in inspect.signature(self.train).parameters:
            watched["monitor"] = Monitor(on_iteration=look)
        return self.train(self.scenario, config, seed=self.seed, **watched).policy
