"""A league of seven strategies: how long it takes, in which memory, and how both grow with the paths."""

from __future__ import annotations

import numpy as np

from .engine import _python
from .timing import Figure

PATHS = 1_000_000
SIZES = (PATHS // 8, PATHS // 4, PATHS // 2, PATHS)
STRATEGIES, STEPS = 7, 20

LEAGUE = """
import sys, time
from flowexec import (
    POV, TWAP, VWAP, AlmgrenChriss, Immediate, book_scenario, league, solve_optimal, static_optimum
)
from tests.benchmarks.engine import peak_megabytes
strategies = {
    "TWAP": TWAP(), "VWAP": VWAP(), "POV": POV(0.1), "Immediate": Immediate(),
    "Almgren–Chriss": lambda scenario: AlmgrenChriss(scenario.risk_aversion),
    "Static": lambda scenario: static_optimum(scenario).strategy,
    "Optimum": solve_optimal,
}
scenarios = {"HH": book_scenario("HH", n_steps=20)}
start, cpu = time.perf_counter(), time.process_time()
answer = league(strategies, scenarios, n_paths=int(sys.argv[1]), seed=1, threads=2)
print(time.perf_counter() - start, time.process_time() - cpu, peak_megabytes())
print(answer.controls["HH"].passed)
"""


def run() -> tuple[str, list[Figure]]:
    """Each size in a process of its own; the fit is by least squares."""
    seconds, cpu, peak = np.array([[float(x) for x in _python(LEAGUE, str(n)).split()[:3]] for n in SIZES]).T
    figures = [
        Figure(
            f"s, {PATHS:,} paths on two threads ({cpu[-1]:.0f} s of processor)",
            f"{seconds[-1]:.1f}",
            "",
            "≤ 60",
            seconds[-1] <= 60,
        ),
        Figure("  peak MB", f"{peak[-1]:.0f}", "", "≤ 500", peak[-1] <= 500),
        Figure(f"  peak MB of {SIZES[0]:,} paths", f"{peak[0]:.0f}", "", "", None),
    ]
    # processor time, because what others take of the machine is no part of the law
    millions = np.array(SIZES) / 1e6
    slope, start = np.polyfit(millions, cpu, 1)
    off = float(np.abs(cpu / (start + slope * millions) - 1).max())
    figures.append(
        Figure(
            f"largest distance from {start:.1f} s + {slope:.1f} s a million paths, {len(SIZES)} sizes",
            f"{off:.1%}",
            "",
            "≤ 10 %",
            off <= 0.1,
        )
    )
    return f"League, {STRATEGIES} strategies × {STEPS} steps, Heston, every test and control", figures
