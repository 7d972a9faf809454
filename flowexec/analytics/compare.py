"""Which of two strategies costs less: differences on common paths, each with its standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..checks import check_choice
from ..execution.observation import Strategy
from ..execution.problem import ExecutionProblem, execute
from ..execution.scenario import Scenario
from .blocks import BLOCK_PATHS, map_blocks, stream_moments
from .drift import Drift, conditional_drift, martingale_part
from .shortfall import Shortfall, shortfall
from .statistics import Estimate, Moments, merge_moments


@dataclass(frozen=True)
class PairedDifference:
    """Mean cost of a strategy less that of its baseline, on the same paths; negative is cheaper.

    A path's cost is C = M + R with M the martingale part, s Σ x_{k+1}(S_{k+1} − S_k − d_k), d the market's
    `conditional_drift` (0 in `paired_difference`, which does not know the market), and R the rest. Hence

        difference = controlled + martingale,   E[martingale] = 0 for all who cannot see the future,

    so that `controlled` estimates the same mean with less noise, and `martingale` tests whether it may.

    Attributes
    ----------
    difference : Estimate
        Mean of C − C₀, in the unit of the costs.
    controlled : Estimate
        Mean of R − R₀: the difference to report when nobody cheats.
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
    return _difference(_moments(cost, baseline, Drift("martingale", 0.0)))


def compare(
    strategies: Mapping[str, Strategy],
    scenario: Scenario,
    n_paths: int,
    *,
    baseline: str,
    seed: int,
    unit: str = "bps",
    block_paths: int = BLOCK_PATHS,
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
    others = [name for name in strategies if name != baseline]

    def work(problem: ExecutionProblem) -> dict[str, list[dict[str, Moments]]]:
        def cost(name: str) -> Shortfall:
            return shortfall(execute(strategies[name], problem)).in_unit(unit)

        drift = conditional_drift(scenario.market, problem.paths)
        standard = cost(baseline)
        return {name: _moments(cost(name), standard, drift) for name in others}

    parts = map_blocks(work, scenario, n_paths, seed=seed, block_paths=block_paths, threads=threads)
    blocks = list(parts)
    return {name: _difference([m for block in blocks for m in block[name]]) for name in others}


def _moments(cost: Shortfall, baseline: Shortfall, drift: Drift) -> list[dict[str, Moments]]:
    """Moments of each quantity in each random stream; a stream has the same paths in every block size."""
    total, standard = cost.total, baseline.total
    martingale = martingale_part(cost, drift) - martingale_part(baseline, drift)
    return stream_moments(
        {
            "difference": total - standard,
            "controlled": total - standard - martingale,
            "martingale": martingale,
            "cost": total,
            "baseline": standard,
        }
    )


def _difference(streams: list[dict[str, Moments]]) -> PairedDifference:
    whole = merge_moments(streams)
    return PairedDifference(
        difference=whole["difference"].estimate,
        controlled=whole["controlled"].estimate,
        martingale=whole["martingale"].estimate,
        unpaired_error=math.hypot(
            whole["cost"].estimate.standard_error, whole["baseline"].estimate.standard_error
        ),
        n_paths=whole["cost"].count,
    )
