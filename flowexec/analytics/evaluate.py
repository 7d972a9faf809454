"""What a strategy costs in a scenario: any number of paths, flat memory, every figure with its error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..checks import check_choice, check_real
from ..execution.observation import Strategy
from ..execution.problem import ExecutionProblem, execute
from ..execution.scenario import Scenario
from .blocks import BLOCK_PATHS, map_blocks, stream_moments
from .drift import Drift, conditional_drift, martingale_part
from .shortfall import BENCHMARKS, BPS, COMPONENTS, Shortfall, shortfall
from .statistics import Estimate, Moments, merge_moments, sd_estimate, var_cvar
from .table import Table

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
        Mean cost less its martingale part, s Σ x_{k+1} (S_{k+1} − S_k − d_k) with d the `conditional_drift`:
        of the same mean, with less noise. `summarise` does not know the market, and takes d for 0.
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
    check_real("risk_aversion", risk_aversion, at_least=0)
    return _summary([_reduce(cost, Drift("martingale", 0.0), risk_aversion, unit)], unit)


def evaluate(
    strategy: Strategy,
    scenario: Scenario,
    n_paths: int,
    *,
    seed: int,
    unit: str = "currency",
    block_paths: int = BLOCK_PATHS,
    threads: int | None = None,
) -> Summary:
    """Run `strategy` on `n_paths` fresh paths of `scenario`, block by block.

    Memory is flat but for one number a path (the cost, needed for its quantiles). The result does not depend
    on `block_paths` (rounded up to whole random streams) nor on `threads`, not even in the last bit.

    Pinned by `tests/analytics/test_evaluate.py`.
    """
    check_choice("unit", unit, ("currency", "bps"))

    def work(problem: ExecutionProblem) -> _Part:
        cost = shortfall(execute(strategy, problem))
        drift = conditional_drift(scenario.market, problem.paths)
        return _reduce(cost, drift, scenario.risk_aversion, unit)

    parts = map_blocks(work, scenario, n_paths, seed=seed, block_paths=block_paths, threads=threads)
    return _summary(parts, unit)


def _reduce(cost: Shortfall, drift: Drift, risk_aversion: float, unit: str) -> _Part:
    risk = cost.execution.risk
    charge = risk_aversion * risk
    if unit == "bps":
        charge = charge * (BPS / cost.arrival_value)
    cost = cost.in_unit(unit)
    total = cost.total
    controlled = total - martingale_part(cost, drift)
    quantities = {name: getattr(cost, name) for name in COMPONENTS}
    quantities |= {"mean": total, "controlled_mean": controlled, "risk": risk}
    quantities |= {"objective": total + charge, "controlled_objective": controlled + charge}
    quantities |= {"completion": cost.completion, "participation": cost.participation}
    if bool((cost.traded > 0).all()):
        quantities |= {f"slippage {name}": cost.slippage(name) for name in BENCHMARKS}
    return _Part(total, stream_moments(quantities))


def _summary(parts: Iterable[_Part], unit: str) -> Summary:
    totals: list[np.ndarray] = []
    merged: dict[str, Moments] = {}
    for part in parts:
        totals.append(part.total)
        # stream by stream in the order of the paths, whoever computed them: the same bits every time
        merged = merge_moments([merged, *part.moments] if merged else part.moments)
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
