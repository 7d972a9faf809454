"""The cost of every path, for experiments that need more than its summary."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ..checks import check_choice, check_count
from ..execution.problem import Strategy, execute
from ..execution.scenario import Scenario
from ..market.streams import default_threads
from .shortfall import shortfall


class CostSample(NamedTuple):
    """Implementation shortfall path by path."""

    total: np.ndarray
    """[path]"""
    controlled: np.ndarray
    """The total less its martingale part, [path]: of the same mean when the mid is a martingale."""


def cost_sample(
    strategy: Strategy,
    scenario: Scenario,
    n_paths: int,
    *,
    seed: int,
    first_path: int = 0,
    unit: str = "bps",
    block_paths: int = 8192,
    threads: int | None = None,
) -> CostSample:
    """What `strategy` costs on each of `n_paths` paths of `scenario`, in the memory of two numbers a path.

    The paths are those of `evaluate` and `compare` for the same seed, so two samples are paired; disjoint
    pieces of a sample are independent trials of an experiment with fewer paths.

    Pinned by `tests/analytics/test_samples.py`.
    """
    check_choice("unit", unit, ("bps", "currency"))
    check_count("n_paths", n_paths)
    check_count("block_paths", block_paths)
    threads = default_threads() if threads is None else threads
    check_count("threads", threads)
    total, controlled = np.empty(n_paths), np.empty(n_paths)

    def run(start: int) -> None:
        width = min(block_paths, n_paths - start)
        problem = scenario.sample(width, seed=seed, first_path=first_path + start, threads=1)
        cost = shortfall(execute(strategy, problem))
        cost = cost.bps() if unit == "bps" else cost
        total[start : start + width] = cost.total
        controlled[start : start + width] = cost.total - cost.martingale

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(0, n_paths, block_paths)))
    return CostSample(total, controlled)
