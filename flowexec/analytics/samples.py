"""The cost of every path, for experiments that need more than its summary."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..checks import check_choice, check_count
from ..execution.observation import Strategy
from ..execution.problem import ExecutionProblem, execute
from ..execution.scenario import Scenario
from .blocks import BLOCK_PATHS, map_blocks
from .drift import conditional_drift, martingale_part
from .shortfall import shortfall


class CostSample(NamedTuple):
    """Implementation shortfall path by path."""

    total: np.ndarray
    """[path]"""
    controlled: np.ndarray
    """The total less its martingale part, [path]: of the same mean (see `conditional_drift`)."""


def cost_sample(
    strategy: Strategy,
    scenario: Scenario,
    n_paths: int,
    *,
    seed: int,
    first_path: int = 0,
    unit: str = "bps",
    block_paths: int = BLOCK_PATHS,
    threads: int | None = None,
) -> CostSample:
    """What `strategy` costs on each of `n_paths` paths of `scenario`, in the memory of two numbers a path.

    The paths are those of `evaluate` and `compare` for the same seed, so two samples are paired; disjoint
    pieces of a sample are independent trials of an experiment with fewer paths.

    Pinned by `tests/analytics/test_samples.py`.
    """
    check_choice("unit", unit, ("bps", "currency"))
    check_count("n_paths", n_paths)

    def work(problem: ExecutionProblem) -> CostSample:
        cost = shortfall(execute(strategy, problem)).in_unit(unit)
        drift = conditional_drift(scenario.market, problem.paths)
        return CostSample(cost.total, cost.total - martingale_part(cost, drift))

    parts = map_blocks(
        work,
        scenario,
        n_paths,
        seed=seed,
        first_path=first_path,
        block_paths=block_paths,
        threads=threads,
    )
    sample = CostSample(np.empty(n_paths), np.empty(n_paths))
    end = 0
    for part in parts:
        begin, end = end, end + part.total.size
        sample.total[begin:end] = part.total
        sample.controlled[begin:end] = part.controlled
    return sample
