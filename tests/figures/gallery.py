"""Every figure once or more, on small real results of the package: what tests check and a browser draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from flowexec import (
    GBM,
    POV,
    TWAP,
    VWAP,
    AlmgrenChriss,
    Execution,
    Immediate,
    Order,
    PowerImpact,
    Shortfall,
    StaticPlan,
    Summary,
    efficient_frontier,
    execute,
    figures,
    shortfall,
    solve_static,
    static_plan,
    summarise,
)
from flowexec.analytics import Estimate, mean_estimate
from flowexec.analytics.league import League, league
from flowexec.execution import ExecutionProblem
from flowexec.execution.presets import book_scenarios
from flowexec.market import Heston, VolumeCurve, ZeroIntelligence, call_bias, log_return_density, walking_cost
from flowexec.market import characteristic_function as exact_characteristic_function
from flowexec.strategies.optimal import Grid, solve_optimal
from flowexec.strategies.static_optimum import static_optimum

VOLUME = VolumeCurve.u_shape(5e6, dispersion=0.3)
MARKET = GBM(100.0, 0.02, spread=0.02, volume=VOLUME)
ORDER = Order("sell", 200_000, 1.0, 26)
IMPACT = PowerImpact(temporary=2e-7, permanent=5e-8)
HESTON = Heston.from_annual(100.0, v0=0.04, kappa=6.0, theta=0.05, xi=0.8, rho=-0.7)


@cache
def problem() -> ExecutionProblem:
    return ExecutionProblem(ORDER, MARKET.simulate(2048, 26, 1.0, seed=5), IMPACT)


@cache
def executions() -> dict[str, Execution]:
    strategies = {
        "TWAP": TWAP(),
        "VWAP": VWAP(VOLUME),
        "POV 5 %": POV(0.05),
        "Almgren–Chriss": AlmgrenChriss(5e-6),
    }
    return {name: execute(strategy, problem()) for name, strategy in strategies.items()}


@cache
def costs() -> dict[str, Shortfall]:
    return {name: shortfall(execution).bps() for name, execution in executions().items()}


@cache
def summaries() -> dict[str, Summary]:
    return {name: summarise(shortfall(execution), unit="bps") for name, execution in executions().items()}


def plan(risk_aversion: float) -> StaticPlan:
    return AlmgrenChriss(risk_aversion).plan(ORDER, volatility=2.0, impact=IMPACT, spread=0.02)


@cache
def plans(exponent: float = 1.0) -> list[StaticPlan]:
    impact = PowerImpact(temporary=0.04 / 200_000**exponent, exponent=exponent)
    return efficient_frontier(
        ORDER, volatility=2.0, impact=impact, risk_aversions=[3e-6, 1e-7, 1e-5, 1e-6, 1e-8]
    )


@cache
def book() -> Any:
    return ZeroIntelligence().simulate_day(seed=3, session=(34_200.0, 36_000.0))


def depth(row: int = 500) -> np.ndarray:
    return np.stack((book().prices[row], book().sizes[row]), axis=-1)


def book_sizes() -> np.ndarray:
    rows = np.searchsorted(book().times, np.arange(34_210.0, 36_000.0, 20.0)) - 1
    return np.asarray(book().sizes[rows])


@cache
def log_returns() -> np.ndarray:
    mid = HESTON.simulate(4096, 20, 5.0, seed=2).mid
    return np.asarray(np.log(mid[-1] / mid[0]))


def _path_fan() -> Any:
    paths = HESTON.simulate(1024, 60, 5.0, seed=1)
    exact = [1e4 * HESTON.mean_variance(t) for t in paths.times]
    return figures.path_fan(
        paths.times, 1e4 * paths.variance, y_title="Variance ((% per √day)²)", exact=exact
    )


def _density() -> Any:
    return figures.density(log_returns(), lambda x: log_return_density(HESTON, x, 5.0), x_title="Log-return")


def _characteristic_function() -> Any:
    u = np.linspace(0.0, 100.0, 81)
    return figures.characteristic_function(u, exact_characteristic_function(HESTON, u, 5.0), log_returns())


@cache
def biases() -> dict[str, list[Estimate]]:
    rows = {}
    for scheme in ("euler", "qe_m", "ivi"):
        model = replace(HESTON, scheme=scheme)
        runs = [call_bias(model, 100.0, 252.0, n, n_paths=4096, seed=1) for n in (1, 2, 4, 8)]
        rows[scheme] = [Estimate(run.bias, run.standard_error) for run in runs]
    return rows


STEPS = [1.0, 0.5, 0.25, 0.125]
RISK_AVERSIONS = [1e-8, 1e-7, 1e-6, 1e-5]


def _smile() -> Any:
    strikes = np.linspace(80.0, 120.0, 9)
    skew = 20 - 0.12 * (strikes - 100) + 0.004 * (strikes - 100) ** 2
    noise = np.random.default_rng(1).normal(0, 0.15, 9)
    points = {"1 month": [Estimate(v + e, 0.15) for v, e in zip(skew, noise, strict=True)]}
    return figures.smile(strikes, {"1 month": skew, "1 year": 0.4 * skew + 11.5}, points=points)


def _estimates_against() -> Any:
    rows = {
        name: [
            summarise(shortfall(execute(AlmgrenChriss(lam), problem())), unit="bps") for lam in RISK_AVERSIONS
        ]
        for name in ("Almgren–Chriss",)
    }
    series = {name: [s.mean for s in row] for name, row in rows.items()}
    exact = {
        "closed form": [1e4 * plan(lam).expected_cost / (ORDER.shares * 100.0) for lam in RISK_AVERSIONS]
    }
    return figures.estimates_against(
        RISK_AVERSIONS, series, x_title="Risk aversion (1/currency)", y_title="Mean cost (bps)", exact=exact,
        log_x=True,
    )  # fmt: skip


def _curves() -> Any:
    t = np.linspace(0.0, 1.0, 3001)
    lines = {f"ρ = {r:g}": np.exp(-r * t) for r in (1, 4, 16)}
    points = {"ρ = 4": (np.array([0.2, 0.6]), [Estimate(0.45, 0.02), Estimate(0.09, 0.01)])}
    return figures.curves(
        t, lines, points=points, x_title="Time (days)", y_title="Share left", zero=True, marks={"noon": 0.5}
    )


def _impact(log: bool) -> Any:
    rates = np.linspace(1e3, 4e5, 100)
    curves = {f"β = {b:g}": 0.4 * (rates / 2e5) ** b for b in (0.4, 0.6, 1.0, 1.5)}
    return figures.impact_curves(rates, curves, marks={"the order": 2e5}, log=log)


def _decay() -> Any:
    t = np.linspace(0.0, 1.0, 200)
    return figures.decay_kernels(
        t, {"exponential, ρ = 5": np.exp(-5 * t), "power law": (1 + t / 0.02) ** -0.5}
    )


def _schedules(quantity: str) -> Any:
    if quantity == "inventory":
        named: dict[str, Any] = {
            f"Almgren–Chriss, λ = 10{e}": plan(10.0**p) for e, p in (("⁻⁷", -7), ("⁻⁶", -6))
        }
        named["TWAP"] = executions()["TWAP"]
        return figures.schedules(named, percent=True)
    named = {}
    for beta in (0.5, 1.0, 1.5):
        impact = PowerImpact(temporary=0.04 / 200_000**beta, exponent=beta)
        named[f"β = {beta:g}"] = solve_static(ORDER, volatility=2.0, impact=impact, risk_aversion=1e-7)
    return figures.schedules(named, quantity="trades")


def _forest() -> Any:
    rows = {n: mean_estimate(c.total - costs()["TWAP"].total) for n, c in costs().items() if n != "TWAP"}
    rows["PPO"] = Estimate(0.02, 0.04)
    return figures.forest(
        rows, x_title="Mean cost less TWAP's (bps)", zero="TWAP", better="cheaper", worse="dearer"
    )


def _frontier(points: bool) -> Any:
    if not points:
        return figures.frontier({f"β = {b:g}": plans(b) for b in (0.6, 1.0)})
    at_once = static_plan(
        ORDER, np.r_[ORDER.shares, np.zeros(25)], volatility=2.0, impact=IMPACT, spread=0.02
    )
    to_bps = 1e4 / (ORDER.shares * 100.0)
    return figures.frontier(plans(), points={**summaries(), "Immediate": at_once}, unit="bps", scale=to_bps)


def _walking(fit: bool) -> Any:
    walked = walking_cost(book(), [150, 300, 600, 1200, 2400], blocks=6)
    rows = {
        name: [Estimate(*pair) for pair in zip(walked.cost[side], walked.standard_error[side], strict=True)]
        for side, name in enumerate(("sell", "buy"))
    }
    if not fit:
        return figures.walking_cost(walked.shares, rows["buy"], fit=(1e-3, 1.0))
    return figures.walking_cost(
        walked.shares, rows, fit={"sell": 0.9, "buy": Estimate(0.9, 0.1)},
        understated={name: walked.excess[side] > 0.05 for side, name in enumerate(rows)},
    )  # fmt: skip


def _over_the_day() -> Any:
    best = book().sizes[:, :, 0]
    imbalance = (best[:, 0] - best[:, 1]) / best.sum(axis=1)
    series = {"Spread (cents)": 100 * book().spread, "Imbalance (−1 to 1)": imbalance}
    return figures.over_the_day(book().times, series, bins=12, session=book().session)


def _volume_curve() -> Any:
    observed = VOLUME.sample(20, 39, 1.0, seed=3)
    return figures.volume_curve({"U-shape": VOLUME.expected(39, 1.0)}, observed=observed)


def _policy_map() -> Any:
    """Almgren–Chriss's pace at each variance; with a signal below −α/x it pays to wait."""
    inventory, variance = np.linspace(5.0, 100.0, 20), np.linspace(0.25, 6.0, 24)
    left = np.array([20.0, 15.0, 10.0, 5.0])[:, None, None]
    urgency = np.sqrt(0.01 * variance)[None, None]
    pace = left * (1 - np.sinh(urgency * (left - 1)) / np.sinh(urgency * left))
    return figures.policy_map(
        np.maximum(pace - 0.5 * 20 / inventory[None, :, None], 0.0),
        steps=["1 of 20", "6 of 20", "11 of 20", "16 of 20"],
        inventory=inventory,
        variance=variance,
        x_title="Variance ((% per √day)²)",
    )


def _worth_map(several: bool) -> Any:
    reversion, uncertainty = np.array([0.5, 1.0, 2.0, 5.0, 10.0]), np.array([0.5, 1.0, 2.0, 3.0])
    worth = uncertainty[:, None] ** 2 / (1.0 + reversion)
    values = {
        f"{lam:g} × the book's": lam / (1 + lam) * worth for lam in ((0.3, 1.0, 3.0) if several else (1.0,))
    }
    return figures.worth_map(
        values, x=reversion, y=uncertainty, x_title="Mean reversion (per day)", y_title="Vol of vol (in √θ)",
        z_title="Worth of adapting (%)",
    )  # fmt: skip


@cache
def season() -> League:
    scenarios = {name: s for name, s in book_scenarios(n_steps=13).items() if name in ("HH", "LL")}
    strategies = {
        "Immediate": Immediate(),
        "TWAP": TWAP(),
        "VWAP": VWAP(scenarios["HH"].market.volume),
        "Almgren–Chriss": lambda s: AlmgrenChriss(s.risk_aversion),
        "Static": lambda s: static_optimum(s).strategy,
        "Optimum": lambda s: solve_optimal(s, grid=Grid(inventory=31, variance=15)),
    }
    return league(strategies, scenarios, n_paths=400, seed=1)


def _league_board() -> Any:
    scenario = book_scenarios(n_steps=13)["HH"]
    plans = [
        static_optimum(replace(scenario, risk_aversion=m * scenario.risk_aversion)) for m in (0.1, 1.0, 10.0)
    ]
    curve = np.array([80.0, 40.0, 10.0]), np.array([15.5, 17.0, 22.0])
    return figures.league_board(season(), frontiers={"HH": plans, "LL": curve})


def _running_cost() -> Any:
    entries = season().scenarios["LL"].entries
    return figures.running_cost(
        {name: entry.running_cost for name, entry in entries.items() if name != "Immediate"},
        times=season().scenarios["LL"].times,
        efficiency={name: entries[name].efficiency for name in ("Static", "Optimum")},
        efficiency_title="Objective saved so far (bps)",
    )


OWNERS = [1e-8, 1e-7, 1e-6]


def owners(exponent: float) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Objectives and places of three schedules for three owners, in closed form, and the frontier."""
    frontier = plans(exponent)
    twap, quick = frontier[-1], frontier[0]
    chosen = {
        "TWAP": [twap] * 3,
        "Static": [quick] * 3,
        "Optimum": [next(p for p in frontier if p.risk_aversion == lam) for lam in OWNERS],
    }
    objectives = {
        name: [Estimate(p.expected_cost + lam * p.variance, 5.0) for p, lam in zip(row, OWNERS, strict=True)]
        for name, row in chosen.items()
    }
    places = {
        name: [(Estimate(p.expected_cost, 5.0), Estimate(p.sd, 50.0)) for p in row]
        for name, row in chosen.items()
    }
    return objectives, places, frontier


def _frontier_board() -> Any:
    worlds = {f"β = {b:g}": owners(b) for b in (0.6, 1.0)}
    return figures.frontier_board(
        OWNERS,
        {name: world[0] for name, world in worlds.items()},
        points={name: world[1] for name, world in worlds.items()},
        frontiers={name: world[2] for name, world in worlds.items()},
        unit="currency",
    )


def _convergence() -> Any:
    grids = np.array([16.0, 32.0, 64.0])
    return figures.convergence(
        grids, {"inventory": 3 / grids**2, "variance": 0.5 / grids}, x_title="Grid points",
        y_title="Error of the value (%)", order=(-2.0,),
    )  # fmt: skip


def _step_by_step() -> Any:
    shares = {name: executions()[name].shares for name in ("TWAP", "POV 5 %")}
    rows = {"Executed (1,000 shares)": 1e-3, "Part of the order (%)": 100.0 / ORDER.shares}
    return figures.step_by_step(
        {
            title: {name: [mean_estimate(unit * row) for row in steps] for name, steps in shares.items()}
            for title, unit in rows.items()
        }
    )


def _cloud(several: bool) -> Any:
    base, names = costs()["TWAP"].total, ("VWAP", "POV 5 %") if several else ("VWAP",)
    return figures.cloud(
        {name: (base[:150], costs()[name].total[:150]) for name in names},
        x_title="Cost of TWAP (bps)",
        y_title="Cost (bps)",
        diagonal=None if several else "equal",
    )


def _learning_curves(several: bool) -> Any:
    """Averages of more and more costs, away from the mean of all: what a learner's regret looks like."""
    at = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
    runs = {
        name: np.abs(
            [[row[: int(n)].mean() / row.mean() - 1 for n in at] for row in cost.total.reshape(4, -1)]
        )
        for name, cost in costs().items()
        if several or name == "TWAP"
    }
    return figures.learning_curves(
        at, runs, x_title="Orders", y_title="Error of the mean (1)", log_x=True, log_y=True,
        levels={"half": 0.5},
    )  # fmt: skip


#: What is drawn → how; the name begins with the function's.
GALLERY: dict[str, Callable[[], Any]] = {
    "path_fan": _path_fan,
    "density": _density,
    "characteristic_function": _characteristic_function,
    "scheme_bias": lambda: figures.scheme_bias(STEPS, biases()),
    "smile": _smile,
    "volume_curve": _volume_curve,
    "inventory_fan, one": lambda: figures.inventory_fan(executions()["POV 5 %"], reference=plan(0.0)),
    "inventory_fan, two": lambda: figures.inventory_fan(
        {n: executions()[n] for n in ("POV 5 %", "Almgren–Chriss")}, reference=plan(0.0), percent=True
    ),
    "price_and_fills": lambda: figures.price_and_fills(executions()["POV 5 %"], path=3),
    "schedules, inventory": lambda: _schedules("inventory"),
    "schedules, trades": lambda: _schedules("trades"),
    "cost_waterfall": lambda: figures.cost_waterfall(summaries()["POV 5 %"]),
    "cost_components": lambda: figures.cost_components(summaries()),
    "cost_distribution, one": lambda: figures.cost_distribution(costs()["TWAP"]),
    "cost_distribution, several": lambda: figures.cost_distribution(costs()),
    "forest": _forest,
    "estimates_against": _estimates_against,
    "curves": _curves,
    "frontier, two": lambda: _frontier(False),
    "frontier, points": lambda: _frontier(True),
    "impact_curves, linear": lambda: _impact(False),
    "impact_curves, log": lambda: _impact(True),
    "decay_kernels": _decay,
    "book_depth": lambda: figures.book_depth(depth(), shares=1500),
    "mean_depth": lambda: figures.mean_depth(book_sizes()),
    "walking_cost, both": lambda: _walking(True),
    "walking_cost, one": lambda: _walking(False),
    "over_the_day": _over_the_day,
    "policy_map": _policy_map,
    "league_board": _league_board,
    "frontier_board": _frontier_board,
    "running_cost": _running_cost,
    "convergence": _convergence,
    "step_by_step": _step_by_step,
    "cloud, one": lambda: _cloud(False),
    "cloud, several": lambda: _cloud(True),
    "learning_curves, one": lambda: _learning_curves(False),
    "learning_curves, several": lambda: _learning_curves(True),
    "worth_map, one": lambda: _worth_map(False),
    "worth_map, several": lambda: _worth_map(True),
}


@cache
def figure(name: str) -> Any:
    """One of the gallery's figures, drawn once."""
    return GALLERY[name]()
