"""Every strategy on every path of a scenario, added up in memory that does not grow with the paths."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np

from ..execution.observation import Strategy
from ..execution.problem import ExecutionProblem
from ..execution.scenario import Scenario
from ..market.replay import OrderBookReplay
from ..market.streams import STREAM_PATHS
from .blocks import map_blocks
from .bootstrap import BATCHES
from .league_play import Costs
from .league_sums import Block, Sums, reduce_block

KEPT_PATHS = 131_072
"""Paths whose costs are kept one by one, for what needs their distribution; all others are only added up."""

MIN_HORIZONS = 8
"""Of a recorded book: fewer say nothing about how they depend on one another."""


@dataclass(frozen=True, eq=False)
class Rules:
    """What all scenarios of a league have in common."""

    baseline: str
    optimum: str | None
    unit: str
    n_paths: int
    seed: int
    block_paths: int
    threads: int | None


@dataclass(frozen=True, eq=False)
class Tally:
    """What `tally` returns."""

    sums: dict[str, Sums]
    batches: dict[str, np.ndarray]
    """Mean controlled objective of consecutive paths, [batch]; of a long run one number per 1,024 paths."""
    costs: dict[str, Costs]
    """Of the kept paths."""
    self_difference: float
    arrival_value: float
    control: str


def tally(players: Mapping[str, Strategy], scenario: Scenario, rules: Rules) -> Tally:
    """Play every path, in blocks and threads that the result does not show, not even in the last bit."""
    work = partial(
        reduce_block,
        players=players,
        scenario=scenario,
        baseline=rules.baseline,
        optimum=rules.optimum,
        unit=rules.unit,
    )
    if isinstance(scenario.market, OrderBookReplay):
        # `sample` deals horizons from a shuffled deck, again and again; here each counts once, in its place
        paths = scenario.market.horizons(scenario.order.n_steps, scenario.market.part)
        if paths.n_paths < MIN_HORIZONS:
            raise ValueError(
                f"`market` must hold at least {MIN_HORIZONS} horizons of {scenario.order.n_steps} steps, "
                f"got {paths.n_paths}"
            )
        problem = ExecutionProblem(scenario.order, paths, scenario.impact, scenario.information)
        return _add_up([work(problem, batch=1, keep=True)], [])
    batch = min(STREAM_PATHS, 2 ** math.ceil(math.log2(max(rules.n_paths / BATCHES, 1.0))))
    work = partial(work, batch=batch)

    def blocks(first_path: int, n_paths: int) -> Iterator[Block]:
        return map_blocks(
            partial(work, keep=first_path == 0),
            scenario,
            n_paths,
            seed=rules.seed,
            first_path=first_path,
            block_paths=rules.block_paths,
            threads=rules.threads,
        )

    kept = min(rules.n_paths, KEPT_PATHS)
    others = rules.n_paths - kept
    return _add_up(list(blocks(0, kept)), blocks(kept, others) if others else [])


def _add_up(kept: list[Block], others: Iterable[Block]) -> Tally:
    names = list(kept[0].costs)
    costs = {
        name: Costs(*(np.concatenate(parts) for parts in zip(*(b.costs[name] for b in kept), strict=True)))
        for name in names
    }
    sums: dict[str, Sums] = {}
    batches = []
    for block in chain(kept, others):
        for name in names:
            for stream in block.sums[name]:  # in the order of the paths, whoever computed them
                sums[name] = sums[name].merge(stream) if name in sums else stream
        batches.append(block.batches)
    return Tally(
        sums,
        dict(zip(names, np.concatenate(batches, axis=1), strict=True)),
        costs,
        max(block.self_difference for block in kept),
        kept[0].arrival_value,
        kept[0].control,
    )
