"""Which of two strategies costs less: differences on common paths, each with its standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..checks import check_choice, check_count
from ..execution.problem import Strategy, execute
from ..execution.scenario import Scenario
from ..market.streams import STREAM_PATHS, default_threads
from .shortfall import Shortfall, shortfall
from .statistics import Estimate, Moments


@dataclass(frozen=True)
class PairedDifference:
    """Mean cost of a strategy less that of its baseline, on the same paths; negative is cheaper.

    A path's cost is C = M + R with M the martingale part, s Σ x_{k+1}(S_{k+1} − S_k), and R the rest. Hence

        difference = controlled + martingale,   E[martingale] = 0 for all who cannot see the future,

    so that `controlled` estimates the same mean with less noise, and `martingale` tests whether it may.

    Attributes
    ----------
    difference : Estimate
        Mean of C − C₀, in the unit of the costs.
    controlled : Estimate
        Mean of R − R₀: the difference to report when the mid is a martingale and nobody cheats.
    martingale : Estimate
        Mean of M − M₀. Many standard errors from 0 means a drift in the market or a look into the future.
    unpaired_error : float
        Standard error the difference would have on two independent samples of this size each.
    n_paths : int
    """

    difference: Estimate
    controlled: Estimate
    martingale: Estimate
    unpaired_error: float
    n_paths: int

    @property
    def martingale_z(self) -> float:
        """`martingale` in standard errors from 0; 0 where there is neither."""
        value, error = self.martingale
        return value / error if error > 0 else math.copysign(math.inf, value) if value else 0.0


_Sample = dict[str, list[Moments]]


def paired_difference(cost: Shortfall, baseline: Shortfall) -> PairedDifference:
    """Compare two executions of the same paths, path by path.

    Raises
    ------
    ValueError
        When the two were not executed on the same paths, or are not in the same unit.
    """
    if cost.unit != baseline.unit:
        raise ValueError(f"`baseline` must be in the unit of `cost`, {cost.unit}, got {baseline.unit}")
    ours, theirs = cost.execution.problem.paths.mid, baseline.execution.problem.paths.mid
    if ours is not theirs and not np.array_equal(ours, theirs):
        raise ValueError("`baseline` must have been executed on the same paths as `cost`, got others")
    return _difference(_moments(cost, baseline))


def compare(
    strategies: Mapping[str, Strategy],
    scenario: Scenario,
    n_paths: int,
    *,
    baseline: str,
    seed: int,
    unit: str = "bps",
    block_paths: int = 8192,
    threads: int | None = None,
) -> dict[str, PairedDifference]:
    """Every strategy against `strategies[baseline]` on the same `n_paths` fresh paths, block by block.

    The paths are those of `evaluate` for the same seed. Memory is flat, and the result depends neither on
    `block_paths` (rounded up to whole random streams) nor on `threads`, not even in the last bit.

    Parameters
    ----------
    strategies : mapping of name to Strategy
    scenario : Scenario
    n_paths : int
    baseline : str
        Which of the strategies the others are compared with; it is absent from the answer.
    seed : int
    unit : {"bps", "currency"}

    Raises
    ------
    ValueError
        When `baseline` is not one of the strategies, or another argument breaks its rule.

    Notes
    -----
    Pinned by `tests/analytics/test_compare.py`.
    """
    check_choice("unit", unit, ("bps", "currency"))
    check_choice("baseline", baseline, tuple(strategies))
    check_count("n_paths", n_paths)
    check_count("block_paths", block_paths)
    threads = default_threads() if threads is None else threads
    check_count("threads", threads)
    block = -(-block_paths // STREAM_PATHS) * STREAM_PATHS
    others = [name for name in strategies if name != baseline]

    def run(first_path: int) -> dict[str, _Sample]:
        width = min(block, n_paths - first_path)
        problem = scenario.sample(width, seed=seed, first_path=first_path, threads=1)

        def cost(name: str) -> Shortfall:
            result = shortfall(execute(strategies[name], problem))
            return result.bps() if unit == "bps" else result

        standard = cost(baseline)
        return {name: _moments(cost(name), standard) for name in others}

    starts = range(0, n_paths, block)
    if threads == 1:
        blocks = [run(first) for first in starts]
    else:
        with ThreadPoolExecutor(threads) as pool:
            blocks = list(pool.map(run, starts))
    return {
        name: _difference({key: [m for part in blocks for m in part[name][key]] for key in blocks[0][name]})
        for name in others
    }


def _moments(cost: Shortfall, baseline: Shortfall) -> _Sample:
    """Moments of each quantity in each random stream; a stream has the same paths in every block size."""
    total, standard = cost.total, baseline.total
    martingale = cost.martingale - baseline.martingale
    quantities = {
        "difference": total - standard,
        "controlled": total - standard - martingale,
        "martingale": martingale,
        "cost": total,
        "baseline": standard,
    }
    streams = range(0, total.size, STREAM_PATHS)
    return {name: [Moments.of(q[i : i + STREAM_PATHS]) for i in streams] for name, q in quantities.items()}


def _difference(sample: _Sample) -> PairedDifference:
    whole = {name: reduce(Moments.merge, parts) for name, parts in sample.items()}
    return PairedDifference(
        difference=whole["difference"].estimate,
        controlled=whole["controlled"].estimate,
        martingale=whole["martingale"].estimate,
        unpaired_error=math.hypot(
            whole["cost"].estimate.standard_error, whole["baseline"].estimate.standard_error
        ),
        n_paths=whole["cost"].count,
    )
