"""Any number of paths of a scenario, in blocks and on several threads, with a result that shows neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from ..checks import check_count, check_kind
from ..execution.problem import ExecutionProblem
from ..execution.scenario import Scenario
from ..market.replay import OrderBookReplay
from ..market.streams import STREAM_PATHS, default_threads
from .statistics import Moments

Result = TypeVar("Result")

BLOCK_PATHS = 8192
"""Paths at a time: one step's row is 64 KiB, so that a step of the engine stays in the second-level cache."""


def map_blocks(
    work: Callable[[ExecutionProblem], Result],
    scenario: Scenario,
    n_paths: int,
    *,
    seed: int,
    first_path: int = 0,
    block_paths: int = BLOCK_PATHS,
    threads: int | None = None,
) -> Iterator[Result]:
    """What `work` makes of each block of paths of `scenario`, in the order of the paths.

    `block_paths` is rounded up to whole random streams, so that a stream has the same paths in every block.

    Raises
    ------
    ValueError
        When an argument breaks its rule, or a replayed day has fewer horizons than `n_paths`: more would
        repeat them, and be taken for new evidence.

    Notes
    -----
    Pinned by `tests/analytics/test_evaluate.py`: the same bits for every block size and number of threads.
    """
    check_kind("scenario", scenario, Scenario)
    check_count("n_paths", n_paths)
    check_count("first_path", first_path, at_least=0)
    distinct = distinct_paths(scenario)
    if distinct is not None and n_paths > distinct:
        raise ValueError(
            f"`n_paths` must be at most the {distinct} horizons that the market replays, since more would "
            f"repeat them, got {n_paths}"
        )
    check_count("block_paths", block_paths)
    threads = default_threads() if threads is None else threads
    check_count("threads", threads)
    block = -(-block_paths // STREAM_PATHS) * STREAM_PATHS

    def run(start: int) -> Result:
        width = min(block, n_paths - start)
        return work(scenario.sample(width, seed=seed, first_path=first_path + start, threads=1))

    starts = range(0, n_paths, block)
    if threads == 1:
        yield from map(run, starts)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(run, starts)


def distinct_paths(scenario: Scenario) -> int | None:
    """How many paths of `scenario` are no repetition of others; None where there is no end of them."""
    if isinstance(scenario.market, OrderBookReplay):
        return scenario.market.n_tradable(scenario.order.n_steps)
    return None


def stream_moments(quantities: Mapping[str, np.ndarray]) -> list[dict[str, Moments]]:
    """Moments of each quantity [path] in each random stream; merged in this order they give the same bits."""
    n_paths = next(iter(quantities.values())).size
    return [
        {name: Moments.of(q[i : i + STREAM_PATHS]) for name, q in quantities.items()}
        for i in range(0, n_paths, STREAM_PATHS)
    ]
