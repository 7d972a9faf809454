"""How long the exact optimum takes, on one thread, and how far off its value may be."""

from __future__ import annotations

import time
from dataclasses import replace

from flowexec import Grid, OrnsteinUhlenbeck, WithSignal, book_scenario, solve_optimal

from .timing import Figure

HIGH = book_scenario("HH", n_steps=20)
SIGNAL = replace(HIGH, market=WithSignal(HIGH.market, OrnsteinUhlenbeck(reversion=5.0, volatility=3.0)))


def run(rounds: int) -> tuple[str, list[Figure]]:
    """Seconds of `solve_optimal`, its error estimate (coarser grids solved besides) included."""
    figures = []
    for label, scenario, grid, target in (
        ("20 steps × 121 inventories × 61 variances", HIGH, Grid(121, 61), 2.0),
        ("  the same × 41 signals", SIGNAL, Grid(121, 61, 41), 20.0),
    ):
        seconds = []
        for _ in range(rounds + 1):  # the first round imports
            start = time.perf_counter()
            control = solve_optimal(scenario, grid=grid)
            seconds.append(time.perf_counter() - start)
        best, median = min(seconds[1:]), sorted(seconds[1:])[rounds // 2]
        figures.append(Figure(f"s, {label}", f"{best:.2f}", f"{median:.2f}", f"≤ {target:g}", best <= target))
        figures.append(
            Figure("  its error, part of the value", f"{control.error / control.value:.0e}", "", "", None)
        )
    return "solve_optimal", figures
