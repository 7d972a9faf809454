"""Timing that survives a busy machine: contenders take turns, and the best of several rounds counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Timing(NamedTuple):
    """Seconds for one unit of work."""

    best: float
    median: float


class Figure(NamedTuple):
    """One line of the report."""

    name: str
    value: str
    median: str
    target: str
    met: bool | None


TURN = 1.0
"""Seconds a turn lasts at least: a fast contender is called several times in it."""


def take_turns(contenders: dict[str, tuple[Callable[[], object], float]], rounds: int) -> dict[str, Timing]:
    """Time each contender (what to call, units of work in one call) in every round, after a call to warm up.

    Turns are shares of time, not of calls: whatever the machine grants goes to all alike, and memory that a
    virtual machine took back while others ran is paid for once a turn instead of in every call.
    """
    for call, _ in contenders.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (call, units) in contenders.items():
            turn = time.perf_counter()
            while True:
                start = time.perf_counter()
                call()
                end = time.perf_counter()
                seconds[name].append((end - start) / units)
                if end - turn >= TURN:
                    break
    return {name: Timing(min(s), statistics.median(s)) for name, s in seconds.items()}


def at_least(name: str, one: Timing, other: Timing, target: float) -> Figure:
    """How many times as fast `one` is as `other`, to be at least `target`."""
    ratio = other.best / one.best
    return Figure(
        name, f"{ratio:.1f} ×", f"{other.median / one.median:.1f} ×", f"≥ {target:g} ×", ratio >= target
    )


def at_most(name: str, one: Timing, other: Timing, target: float) -> Figure:
    """How many times as long `one` takes as `other`, to be at most `target`."""
    ratio = one.best / other.best
    return Figure(
        name, f"{ratio:.2f} ×", f"{one.median / other.median:.2f} ×", f"≤ {target:g} ×", ratio <= target
    )


def rate(name: str, timing: Timing, unit: str, target: float | None = None) -> Figure:
    """Millions of units a second."""
    value, median = 1e-6 / timing.best, 1e-6 / timing.median
    goal = "" if target is None else f"≥ {target:g}"
    return Figure(
        f"{name}, M {unit}/s",
        f"{value:.1f}",
        f"{median:.1f}",
        goal,
        None if target is None else value >= target,
    )


def table(title: str, figures: Sequence[Figure]) -> str:
    """The figures as a plain table."""
    rows = [
        ("", "best", "median", "target", ""),
        *((f.name, f.value, f.median, f.target, _verdict(f)) for f in figures),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(w) for cell, w in zip(row[1:4], widths[1:4], strict=True)),
                row[4],
            ]
        )
        for row in rows
    ]
    return "\n".join([title, "-" * len(title), *(line.rstrip() for line in lines), ""])


def _verdict(figure: Figure) -> str:
    return "" if figure.met is None else "met" if figure.met else "MISSED"
