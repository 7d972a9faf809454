"""Who is first near the optimum: clocks that stop while a policy is looked at, and the tables of a race."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from flowexec import Strategy
from flowexec.analytics.table import Table


class Clock:
    """Wall and processor seconds, without those in which it is stopped."""

    def __init__(self) -> None:
        self.wall = self.processor = 0.0
        self.start()

    def start(self) -> None:
        self._since = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.wall += time.perf_counter() - self._since[0]
        self.processor += time.process_time() - self._since[1]


class Mark(NamedTuple):
    """When a level was reached: seconds, and orders played; infinite if it was not."""

    processor: float
    wall: float
    orders: float


NEVER = Mark(math.inf, math.inf, math.inf)


@dataclass
class Race:
    """One training on its way down the levels."""

    regret: Callable[[Strategy], float]
    levels: Sequence[float]
    limit: float
    clock: Clock = field(default_factory=Clock)
    marks: dict[float, Mark] = field(default_factory=dict)

    def over(self, strategy: Strategy, orders: int) -> bool:
        """Look at the policy while the clock stands still."""
        self.clock.stop()
        regret = self.regret(strategy)
        for level in self.levels:
            if level not in self.marks and regret <= level:
                self.marks[level] = Mark(self.clock.processor, self.clock.wall, orders)
        over = len(self.marks) == len(self.levels) or self.clock.processor > self.limit
        self.clock.start()
        return over


Races = Mapping[str, Sequence[Race]]
"""The trainings of each contender, one a seed."""


def announce(name: str, seed: int, race: Race) -> None:
    """Progress: a line for each training."""
    said = [f"{level:g} % after {mark.processor:.2f} s" for level, mark in race.marks.items()]
    print(f"  {name}, seed {seed}: {', '.join(said) or f'not within {race.limit:g} s'}", flush=True)


def times(level: float, races: Races) -> Table:
    """Processor seconds to `level` of those who aimed at it."""
    rows = []
    for name, those in races.items():
        if level not in those[0].levels:
            continue
        processor, wall, orders = zip(*_marks(those, level), strict=True)
        cells = [_shown(x, those[0].limit) for x in (*processor, median(processor), median(wall))]
        rows.append((name, *cells, f"{median(orders):,.0f}" if math.isfinite(median(orders)) else "–"))
    seeds = (f"seed {i}" for i in range(len(those)))
    return Table((f"processor seconds to {level:g} %", *seeds, "median", "wall", "orders"), tuple(rows))


def ratios(comparisons: Sequence[tuple[float, str, str, float | None]], races: Races) -> Table:
    """Of medians. Where the slower did not arrive in time, its time is more than the limit."""
    rows = []
    for level, one, other, target in comparisons:
        cells, met = [], True
        for part in (0, 1):
            ours, theirs = (median(m[part] for m in _marks(races[name], level)) for name in (one, other))
            ratio = min(theirs, races[other][0].limit) / ours
            met = met and ratio >= (target or 0.0)
            cells.append(f"{'> ' if theirs == math.inf else ''}{ratio:.1f} ×" if ours < math.inf else "never")
        verdict = "" if target is None else "met" if met else "MISSED"
        goal = "" if target is None else f"≥ {target:g} ×"
        rows.append((f"{level:g} %: {one} against {other}", *cells, goal, verdict))
    return Table(("how many times as fast", "processor", "wall", "target", ""), tuple(rows))


def _marks(races: Sequence[Race], level: float) -> list[Mark]:
    return [race.marks.get(level, NEVER) for race in races]


def _shown(seconds: float, limit: float) -> str:
    return f"{seconds:.2f}" if seconds < math.inf else f"> {limit:g}"
