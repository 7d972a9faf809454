"""The execution engine's speed, the memory of a long evaluation, and what an import costs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from flowexec import TWAP, Heston, Order, PowerImpact, Scenario, execute

from .timing import Figure, Timing, rate, take_turns

ORDERS, STEPS = 10_000, 50
SCENARIO = Scenario(
    Order("sell", 656_100, horizon=1.0, n_steps=STEPS),
    Heston.from_annual(price=100, v0=0.0625, kappa=5, theta=0.0625, xi=0.6, rho=-0.6, spread=0.01),
    PowerImpact(temporary=1e-4, exponent=0.6, permanent=2e-8),
    risk_aversion=1e-6,
)


def run_engine(rounds: int) -> tuple[str, list[Figure]]:
    """Order-steps a second at 10,000 orders, one thread: the market's paths are drawn beforehand."""
    problem = SCENARIO.sample(ORDERS, seed=1)
    fractions = np.random.default_rng(2).random((STEPS, ORDERS)) * (2 * SCENARIO.order.shares / STEPS)

    def step() -> object:
        state = problem.start()
        for k in range(STEPS):
            state, fill = problem.step(state, fractions[k])
        return fill

    def step_and_observe() -> object:
        state = problem.start()
        for k in range(STEPS):
            problem.observe(state)
            state, fill = problem.step(state, fractions[k])
        return fill

    work = ORDERS * STEPS
    timing = take_turns(
        {
            "step": (step, work),
            "observe": (step_and_observe, work),
            "execute": (lambda: execute(TWAP(), problem), work),
        },
        rounds,
    )
    title = f"Engine, {ORDERS:,} orders, power impact ν^0.6, one thread"
    return title, [
        rate("step, random actions", timing["step"], "order-steps", 12),
        rate("observe and step, random actions", timing["observe"], "order-steps", 12),
        rate("execute(TWAP()), everything recorded", timing["execute"], "order-steps", 12),
    ]


EVALUATION = """
import sys, time
from dataclasses import replace
from flowexec import TWAP, evaluate
from tests.benchmarks.engine import SCENARIO, peak_megabytes
scenario = replace(SCENARIO, order=replace(SCENARIO.order, n_steps=10))
start = time.perf_counter()
evaluate(TWAP(), scenario, int(sys.argv[1]), seed=1, threads=2)
print(peak_megabytes(), time.perf_counter() - start)
"""


def peak_megabytes() -> float:
    """The most memory this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux hands getrusage's peak down from the parent, but not this one
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def run_memory(n_paths: int = 10_000_000) -> tuple[str, list[Figure]]:
    """Peak memory of a process that evaluates ten million paths, and of one that evaluates a hundredth."""
    figures = []
    for paths, target in ((n_paths, 500), (n_paths // 100, None)):
        answer = _python(EVALUATION, str(paths)).split()
        peak, seconds = float(answer[0]), float(answer[1])
        figures.append(
            Figure(
                f"peak MB, {paths:,} paths × 10 steps in {seconds:.1f} s",
                f"{peak:.0f}",
                "",
                "" if target is None else f"≤ {target}",
                None if target is None else peak <= target,
            )
        )
    return "Memory of evaluate(TWAP(), Heston scenario), two threads", figures


HEAVY = ("torch", "numba", "plotly", "pandas", "scipy.stats")


def run_import(rounds: int) -> tuple[str, list[Figure]]:
    """Seconds of `import flowexec` above those of starting Python, and what it drags in."""
    seconds: dict[str, list[float]] = {"pass": [], "import numpy": [], "import flowexec": []}
    for _ in range(2 * rounds):
        for statement, times in seconds.items():
            start = time.perf_counter()
            _python(statement)
            times.append(time.perf_counter() - start)
    best = {name: min(t) for name, t in seconds.items()}
    median = {name: sorted(t)[len(t) // 2] for name, t in seconds.items()}
    loaded = _python(f"import flowexec, sys; print(*[m for m in {HEAVY!r} if m in sys.modules])").split()
    cost = Timing(best["import flowexec"] - best["pass"], median["import flowexec"] - median["pass"])
    return "Import", [
        Figure(
            "seconds of `import flowexec`",
            f"{cost.best:.2f}",
            f"{cost.median:.2f}",
            "≤ 0.5",
            cost.best <= 0.5,
        ),
        Figure(
            "  of which numpy",
            f"{best['import numpy'] - best['pass']:.2f}",
            f"{median['import numpy'] - median['pass']:.2f}",
            "",
            None,
        ),
        Figure(f"of {', '.join(HEAVY)} it loads", " ".join(loaded) or "none", "", "none", not loaded),
    ]


def _python(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the measured program failed:\n{done.stderr}")
    return done.stdout
