"""What a strategy costs in a scenario: any number of paths, flat memory, every figure with its error."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..checks import check_choice, check_count
from ..execution.problem import Strategy, execute
from ..execution.scenario import Scenario
from ..market.streams import STREAM_PATHS, default_threads
from .shortfall import BPS, COMPONENTS, Shortfall, shortfall
from .statistics import Estimate, Moments, sd_estimate, var_cvar
from .table import Table

BENCHMARKS = ("arrival", "interval_vwap", "interval_twap", "close")
SINGLE_FIGURES = (
    "mean", "controlled_mean", "risk", "objective", "controlled_objective", "completion", "participation"
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """The distribution of a strategy's cost, each figure an `Estimate` with its standard error.

    Attributes
    ----------
    unit : {"currency", "bps"}
    n_paths : int
    components : dict of Estimate
        Mean of each component of the shortfall; they sum to `mean`.
    mean, sd : Estimate
    var95, cvar95, var99, cvar99 : Estimate
        Value at risk and expected shortfall of the cost.
    controlled_mean : Estimate
        Mean cost less its martingale part: of the same mean *when the mid is a martingale*, with less noise.
    risk : Estimate
        Mean quadratic variation held, currency².
    objective, controlled_objective : Estimate
        Mean shortfall + risk aversion · risk; the second with `controlled_mean` for the mean.
    slippage : dict of Estimate
        Mean slippage in bps against each benchmark; absent where some path traded nothing.
    completion, participation : Estimate
    """

    unit: str
    n_paths: int
    components: dict[str, Estimate]
    mean: Estimate
    sd: Estimate
    var95: Estimate
    cvar95: Estimate
    var99: Estimate
    cvar99: Estimate
    controlled_mean: Estimate
    risk: Estimate
    objective: Estimate
    controlled_objective: Estimate
    slippage: dict[str, Estimate]
    completion: Estimate
    participation: Estimate

    def table(self, digits: int = 2) -> Table:
        """Every figure and its standard error, as a table."""
        rows: list[tuple[str, Estimate]] = [(name, self.components[name]) for name in COMPONENTS]
        rows += [("implementation shortfall", self.mean), ("standard deviation", self.sd)]
        rows += [("VaR 95 %", self.var95), ("CVaR 95 %", self.cvar95)]
        rows += [("VaR 99 %", self.var99), ("CVaR 99 %", self.cvar99)]
        text = [(label, f"{e.value:,.{digits}f}", f"{e.standard_error:,.{digits}f}") for label, e in rows]
        text += [
            (f"slippage to {name.replace('_', ' ')} (bps)", f"{e.value:,.2f}", f"{e.standard_error:,.2f}")
            for name, e in self.slippage.items()
        ]
        for label, e in (("completion", self.completion), ("participation", self.participation)):
            text.append((label, f"{e.value:.2%}", f"{e.standard_error:.2%}"))
        unit = "currency" if self.unit == "currency" else "bps of arrival value"
        return Table((f"{self.n_paths:,} paths", unit, "s.e."), tuple(text))


@dataclass(frozen=True)
class _Part:
    """One block of paths, reduced: totals path by path, everything else to moments of each random stream."""

    total: np.ndarray
    moments: list[dict[str, Moments]]


def summarise(cost: Shortfall, *, risk_aversion: float = 0.0, unit: str = "currency") -> Summary:
    """Summary of one execution's shortfall; equals `evaluate` on the same paths."""
    check_choice("unit", unit, ("currency", "bps"))
    return _summary([_reduce(cost, risk_aversion, unit)], unit)


def evaluate(
    strategy: Strategy,
    scenario: Scenario,
    n_paths: int,
    *,
    seed: int,
    unit: str = "currency",
    block_paths: int = 8192,
    threads: int | None = None,
) -> Summary:
    """Run `strategy` on `n_paths` fresh paths of `scenario`, block by block.

    Memory is flat but for one number a path (the cost, needed for its quantiles). The result does not depend
    on `block_paths` (rounded up to whole random streams) nor on `threads`, not even in the last bit.

    Pinned by `tests/analytics/test_evaluate.py`.
    """
    check_choice("unit", unit, ("currency", "bps"))
    check_count("n_paths", n_paths)
    check_count("block_paths", block_paths)
    threads = default_threads() if threads is None else threads
    check_count("threads", threads)
    block = -(-block_paths // STREAM_PATHS) * STREAM_PATHS

    def run(first_path: int) -> _Part:
        width = min(block, n_paths - first_path)
        problem = scenario.sample(width, seed=seed, first_path=first_path, threads=1)
        return _reduce(shortfall(execute(strategy, problem)), scenario.risk_aversion, unit)

    starts = range(0, n_paths, block)
    if threads == 1:
        return _summary(map(run, starts), unit)
    with ThreadPoolExecutor(threads) as pool:
        return _summary(pool.map(run, starts), unit)


def _reduce(cost: Shortfall, risk_aversion: float, unit: str) -> _Part:
    risk = cost.execution.risk
    charge = risk_aversion * risk
    if unit == "bps":
        cost, charge = cost.bps(), charge * (BPS / cost.arrival_value)
    total = cost.total
    controlled = total - cost.martingale
    quantities = {name: getattr(cost, name) for name in COMPONENTS}
    quantities |= {"mean": total, "controlled_mean": controlled, "risk": risk}
    quantities |= {"objective": total + charge, "controlled_objective": controlled + charge}
    quantities |= {"completion": cost.completion, "participation": cost.participation}
    if bool((cost.traded > 0).all()):
        quantities |= {f"slippage {name}": cost.slippage(name) for name in BENCHMARKS}
    streams = range(0, total.size, STREAM_PATHS)
    moments = [{name: Moments.of(q[i : i + STREAM_PATHS]) for name, q in quantities.items()} for i in streams]
    return _Part(total, moments)


def _merge(one: dict[str, Moments], other: dict[str, Moments]) -> dict[str, Moments]:
    """Moments of two samples together, of the quantities that both have."""
    return {name: moments.merge(other[name]) for name, moments in one.items() if name in other}


def _summary(parts: Iterable[_Part], unit: str) -> Summary:
    totals: list[np.ndarray] = []
    merged: dict[str, Moments] = {}
    for part in parts:
        totals.append(part.total)
        # stream by stream in the order of the paths, whoever computed them: the same bits every time
        merged = reduce(_merge, [merged, *part.moments] if merged else part.moments)
    total = np.concatenate(totals)
    totals.clear()  # every path's cost twice is a lot of memory
    estimates = {name: moments.estimate for name, moments in merged.items()}
    var95, cvar95 = var_cvar(total, 0.95)
    var99, cvar99 = var_cvar(total, 0.99)
    return Summary(
        unit=unit,
        n_paths=total.size,
        components={name: estimates[name] for name in COMPONENTS},
        sd=sd_estimate(total),
        var95=var95,
        cvar95=cvar95,
        var99=var99,
        cvar99=cvar99,
        slippage={
            name: estimates[f"slippage {name}"] for name in BENCHMARKS if f"slippage {name}" in estimates
        },
        **{name: estimates[name] for name in SINGLE_FIGURES},
    )
