"""How far PPO's policies are from what is best: the exact optimum, Almgren and Chriss, and TWAP.

Each is trained at the default settings and judged on paths that nothing else in the project draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from flowexec import (
    TWAP,
    AlmgrenChriss,
    Bachelier,
    Estimate,
    OrnsteinUhlenbeck,
    PowerImpact,
    Scenario,
    SignalBachelier,
    Strategy,
    book_scenario,
    execute,
    solve_optimal,
    static_optimum,
)
from flowexec.analytics.blocks import map_blocks
from flowexec.analytics.compare import compare
from flowexec.analytics.shortfall import BPS
from flowexec.analytics.table import Table
from flowexec.execution.presets import REGIMES
from flowexec.execution.problem import ExecutionProblem
from flowexec.learning import paired_saving, train_ppo

PATHS = 100_000
TEST_SEED = 41_120_926
"""Of the paths that policies are judged on, and of nothing else: no setting was chosen on them."""
SEEDS = range(5)
LONGEST = 60.0
"""Seconds that a training may take, median."""


@dataclass(frozen=True)
class Row:
    """A number of each seed, and what it ought to be."""

    name: str
    values: Sequence[float]
    digits: int = 3
    target: str = ""
    met: Callable[[Sequence[float]], bool] | None = None

    def cells(self) -> tuple[str, ...]:
        numbers = (*self.values, median(self.values), max(self.values))
        verdict = "" if self.met is None else "met" if self.met(self.values) else "MISSED"
        return (self.name, *(f"{x:.{self.digits}f}" for x in numbers), self.target, verdict)


Judge = Callable[[Strategy], dict[str, float]]
"""The figures of one policy, by the name of their row."""


def at_most(limit: float) -> tuple[str, Callable[[Sequence[float]], bool]]:
    """A target for the worst seed."""
    return f"all ≤ {limit:g}", lambda values: max(values) <= limit


def regret(strategy: Strategy, best: Strategy, scenario: Scenario) -> Estimate:
    """By how much the objective is above that of `best`, bps of the arrival value, paired."""
    saving = paired_saving(strategy, scenario, PATHS, seed=TEST_SEED, baseline=best)
    return Estimate(-saving.value, saving.standard_error)


def distance(strategy: Strategy, best: Strategy, scenario: Scenario) -> float:
    """The largest distance between the two inventories, of all paths and steps, % of the order."""

    def work(problem: ExecutionProblem) -> float:
        ours, theirs = (execute(s, problem).inventory for s in (strategy, best))
        return float(np.abs(ours - theirs).max())

    blocks = map_blocks(work, scenario, PATHS, seed=TEST_SEED)
    return 100 * max(blocks) / scenario.order.shares


def bps(amount: float, scenario: Scenario) -> float:
    """Currency as bps of the arrival value."""
    return amount * BPS / (scenario.order.shares * scenario.market.price)


def trainings(title: str, scenario: Scenario, judge: Judge) -> dict[str, list[float]]:
    """Train once a seed, say how each did, and collect."""
    collected: dict[str, list[float]] = {}
    for seed in SEEDS:
        start, cpu = time.perf_counter(), time.process_time()
        policy = train_ppo(scenario, seed=seed).policy
        seconds = {SECONDS: time.perf_counter() - start, PROCESSOR: time.process_time() - cpu}
        figures = judge(policy) | seconds
        for name, value in figures.items():
            collected.setdefault(name, []).append(value)
        shown = ", ".join(
            f"{name.removeprefix(title + ': ').strip()} {value:.4g}" for name, value in figures.items()
        )
        print(f"  {title}, seed {seed}: {shown}", flush=True)
    return collected


SECONDS, PROCESSOR = "  seconds of training", "  of which processor time"
UPPER = "  upper end of its 95 % interval"


def against_optimum(title: str, scenario: Scenario, *, of_gap: bool, limit: float) -> str:
    """Regret to `solve_optimal`, as a part of its objective or of the gap to the best static schedule."""
    optimum, static = solve_optimal(scenario), static_optimum(scenario)
    gap = static.objective - optimum.value
    unit, of = (gap, "the gap") if of_gap else (optimum.value, "the optimum's objective")
    percent = bps(unit, scenario) / 100
    first = f"{title}: regret, % of {of}"

    def judge(policy: Strategy) -> dict[str, float]:
        worse = regret(policy, optimum, scenario)
        return {first: worse.value / percent, UPPER: worse.interval[1] / percent}

    collected = trainings(title, scenario, judge)
    twap = regret(TWAP(), optimum, scenario).value / percent
    remark = (
        f"In the same unit TWAP has {twap:.1f}, the best static schedule {100 * gap / unit:.2f}, and the "
        f"optimum is computed to {100 * optimum.error / unit:.1g}."
    )
    return _report(collected, {UPPER: at_most(limit)}, remark)


def almgren_chriss() -> str:
    """Linear impact and a constant variance: distance from the closed form."""
    scenario = _linear(book_scenario("HH"))
    closed = AlmgrenChriss(scenario.risk_aversion)
    first = "linear: largest distance from Almgren–Chriss, % of X"
    optimum = solve_optimal(scenario)
    percent = bps(optimum.value, scenario) / 100

    def judge(policy: Strategy) -> dict[str, float]:
        worse = regret(policy, closed, scenario)
        return {
            first: distance(policy, closed, scenario),
            "  regret, % of its objective": worse.value / percent,
        }

    collected = trainings("linear", scenario, judge)
    remark = f"TWAP is {distance(TWAP(), closed, scenario):.0f} % of X away."
    return _report(collected, {first: at_most(1.0)}, remark)


def zero_alpha() -> str:
    """A martingale and no risk aversion: TWAP is optimal among all adapted strategies, so nobody beats it."""
    scenario = book_scenario("HH", risk_aversion=0.0)
    percent = bps(solve_optimal(scenario).value, scenario) / 100
    first = "zero alpha: dearer than TWAP, % of its cost"
    z = "  standard errors cheaper, noise left in"

    def judge(policy: Strategy) -> dict[str, float]:
        pair = {"policy": policy, "TWAP": TWAP()}
        paired = compare(pair, scenario, PATHS, baseline="TWAP", seed=TEST_SEED)["policy"]
        return {
            first: paired.controlled.value / percent,
            UPPER: paired.controlled.interval[1] / percent,
            z: -paired.difference.value / paired.difference.standard_error,
            "  largest distance from TWAP, % of X": distance(policy, TWAP(), scenario),
        }

    collected = trainings("zero alpha", scenario, judge)
    # 2.33: five one-sided tests at 5 % together
    targets = {UPPER: ("all ≥ 0", lambda values: min(values) >= 0), z: at_most(2.33)}
    return _report(collected, targets, "")


def _linear(scenario: Scenario) -> Scenario:
    """The same cost at TWAP's rate under β = 1, and the variance at its mean."""
    order, market, impact = scenario.order, scenario.market, scenario.impact
    temporary = impact.temporary * (order.shares / order.horizon) ** (impact.exponent - 1)
    sigma = market.price * market.theta**0.5
    return replace(
        scenario,
        impact=PowerImpact(temporary, permanent=impact.permanent),
        market=Bachelier(market.price, sigma, spread=market.spread),
    )


def signal_market(information: float, half_life: float = 0.25) -> Scenario:
    """As in the chapter on the optimum: a forecast of a step correlates with the move by `information`."""
    scenario = book_scenario("HH")
    market, step = scenario.market, scenario.order.step_length
    sigma = market.price * market.theta**0.5
    unit = OrnsteinUhlenbeck(np.log(2) / half_life, 1.0)
    volatility = information * sigma * step**0.5 / unit.integrated_mean(unit.stationary_sd, step)
    signal = replace(unit, volatility=volatility)
    return replace(scenario, market=SignalBachelier(market.price, sigma, signal, spread=market.spread))


def _report(
    collected: dict[str, list[float]],
    targets: dict[str, tuple[str, Callable[[Sequence[float]], bool]]],
    remark: str,
) -> str:
    targets = {**targets, SECONDS: (f"median ≤ {LONGEST:g}", lambda values: median(values) <= LONGEST)}
    rows = []
    for name, values in collected.items():
        target, met = targets.get(name, ("", None))
        rows.append(Row(name, values, 1 if name in (SECONDS, PROCESSOR) else 4, target, met).cells())
    columns = ("", *(f"seed {seed}" for seed in SEEDS), "median", "worst", "target", "")
    return "\n".join(filter(None, [str(Table(columns, tuple(rows))), remark, ""]))


MARKETS: dict[str, Callable[[], str]] = {
    **{
        regime: lambda regime=regime: against_optimum(regime, book_scenario(regime), of_gap=False, limit=0.5)
        for regime in REGIMES
    },
    # the chapter's, and one that pays for two thirds of the bill
    "signal": lambda: against_optimum("signal", signal_market(0.1), of_gap=True, limit=3.0),
    "strong-signal": lambda: against_optimum("strong signal", signal_market(0.3), of_gap=True, limit=3.0),
    "linear": almgren_chriss,
    "zero-alpha": zero_alpha,
}


def run(markets: Sequence[str]) -> Iterator[str]:
    """A table for each of `markets`."""
    for market in markets:
        yield MARKETS[market]()
