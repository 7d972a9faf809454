"""What adapting is worth: the exact optimum against the best schedule that is fixed on arrival."""

from __future__ import annotations

from typing import NamedTuple

from ..execution.scenario import Scenario
from .optimal import Grid, solve_optimal
from .static_optimum import static_optimum


class Worth(NamedTuple):
    """Two optima of one scenario, E[shortfall] + λ E[risk] in currency."""

    static: float
    """Of the best schedule that is fixed on arrival."""
    adaptive: float
    """Of the best strategy."""
    error: float
    """Discretization error of `adaptive`; `static` has none to speak of."""
    sunk: float
    """What of either is the same for every schedule: spread, fees and ½γX²."""

    @property
    def saving(self) -> float:
        """What watching the market saves, currency."""
        return self.static - self.adaptive

    @property
    def share(self) -> float:
        """The saving as a part of what schedules can influence, static − sunk."""
        return self.saving / (self.static - self.sunk)


def worth_of_adapting(scenario: Scenario, *, grid: Grid | None = None) -> Worth:
    """How much less the best strategy costs than the best schedule, without any simulation.

    Raises
    ------
    ValueError
        As `solve_optimal` and `static_optimum`: the scenario must be within the reach of both.

    Notes
    -----
    Pinned by `tests/strategies/test_worth.py`.
    """
    control = solve_optimal(scenario, grid=grid)
    return Worth(static_optimum(scenario).objective, control.value, control.error, control.sunk)
