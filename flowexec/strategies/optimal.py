"""The best that any strategy can do: exact dynamic programming on time, inventory, variance and signal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..checks import check_count, check_kind, check_real
from ..execution.impact import PowerImpact
from ..execution.scenario import Scenario
from .bellman import StepCost, Value, last_step, step_back
from .market_law import MarketLaw, market_law
from .optimal_control import OptimalControl

USELESS = 0.05
"""Largest error that a solution may have, in units of what it can influence or of trading all at once."""


@dataclass(frozen=True)
class Grid:
    """How finely the dynamic programme looks.

    Parameters
    ----------
    inventory : int
        Nodes from 0 to X, dense near 0, at least 9.
    variance : int
        Nodes of a moving variance, at least 9.
    signal : int
        Nodes of a signal, at least 9.
    max_variance : float, optional
        Largest variance on the grid, per day; by default what is exceeded in a step with probability 10⁻⁹.
    """

    inventory: int = 121
    variance: int = 61
    signal: int = 41
    max_variance: float | None = None

    def __post_init__(self) -> None:
        for name in ("inventory", "variance", "signal"):
            check_count(name, getattr(self, name), at_least=9)
        if self.max_variance is not None:
            check_real("max_variance", self.max_variance, above=0)


class _Sizes(NamedTuple):
    inventory: int
    variance: int
    signal: int

    def halved(self, axis: str) -> _Sizes:
        """Cells twice as wide along one axis."""
        return self._replace(**{axis: (getattr(self, axis) + 1) // 2})


class _Tables(NamedTuple):
    """What the induction finds, [step, inventory, variance, signal]."""

    market: MarketLaw
    cost: StepCost
    roots: np.ndarray
    """√(x/X) [inventory], even."""
    cost_to_go: np.ndarray
    """V, currency."""
    slope: np.ndarray
    """V', in parts of the order and of the cost of trading it at once."""

    @property
    def start(self) -> float:
        """V where the order starts, currency."""
        weights = self.market.variance.start, self.market.signal.start
        return float(weights[0] @ self.cost_to_go[0, -1] @ weights[1])


def solve_optimal(scenario: Scenario, *, grid: Grid | None = None) -> OptimalControl:
    """Solve `scenario` by backward induction.

    With x what is held before the step and y = x − n what is kept,

        V_k(x, v, α) = min_{0 ≤ n ≤ x}  n h(n/τ) − ½γn² + λS₀²τ v y² + s y E[ΔS|α]
                                        + E[V_{k+1}(y, v', α')|v, α],

    s = +1 for a buy and −1 for a sale, from V_{N−1}, in which n = x; spread, fees and ½γX² come on top for
    every schedule. The price is no state: it is a martingale but for the signal, so that only its next
    expected move counts, and its correlation with the variance does not. Trades come from their first-order
    condition without a search (`bellman`), expected values from the exact laws of v' and α' (`transition`).

    Parameters
    ----------
    scenario : Scenario
        A Bachelier, GBM, Heston or SignalBachelier market, or WithSignal around one of them; a drift only
        where it does not depend on the price. A PowerImpact with linear permanent impact, the cost of a step
        convex.
    grid : Grid, optional

    Raises
    ------
    ValueError
        When the scenario's state is more than the above, its problem is not convex, or the grid does not hold
        the variance or is too coarse to say anything; the sentence says which.

    Notes
    -----
    Exact to about 10⁻⁷ of the value on the default grid, 10⁻⁵ with a signal that makes it wait. Pinned by
    `tests/strategies/test_optimal.py` against Almgren and Chriss, the best static schedule, the Riccati
    solution, Cartea and Jaimungal, and simulation.
    """
    check_kind("scenario", scenario, Scenario)
    grid = Grid() if grid is None else grid
    check_kind("grid", grid, Grid)
    sizes = _Sizes(grid.inventory, grid.variance, grid.signal)
    control = _control(scenario, _induction(scenario, sizes, grid.max_variance))
    axes = [axis for axis in _Sizes._fields if getattr(control, axis).size > 1]
    coarser = (_induction(scenario, sizes.halved(axis), grid.max_variance) for axis in axes)
    # axis by axis: errors of opposite sign would hide one another
    error = sum(abs(control.value - control.sunk - tables.start) for tables in coarser)
    if error > USELESS * max(abs(control.value - control.sunk), _at_once(scenario)):
        raise ValueError(
            f"`grid` must be finer for a risk or a drift so large next to the impact: on {grid!r} the value "
            f"is {control.value:.4g} with an error of up to {error:.2g}"
        )
    return replace(control, error=error)


def _induction(scenario: Scenario, sizes: _Sizes, max_variance: float | None) -> _Tables:
    """Backwards from the last step, in parts of the order and in `unit` currency."""
    order, impact = scenario.order, _impact(scenario)
    market = market_law(
        scenario.market,
        order,
        variance_nodes=sizes.variance,
        signal_nodes=sizes.signal,
        max_variance=max_variance,
    )
    unit = _at_once(scenario)
    cost = StepCost(impact.exponent, impact.permanent * order.shares**2 / unit)
    per_risk = scenario.risk_aversion * (market.price * order.shares) ** 2 * order.step_length / unit
    drift = order.sign * order.shares / unit * market.expected_move

    roots = np.linspace(0.0, 1.0, sizes.inventory)
    y = (roots**2)[:, None, None]
    held = per_risk * market.variance.nodes[:, None] * y**2 + drift * y
    held_slope = 2 * per_risk * market.variance.nodes[:, None] * y + drift
    shape = (sizes.inventory, market.variance.nodes.size, market.signal.nodes.size)

    def expected(table: np.ndarray) -> np.ndarray:
        return np.asarray(market.variance.expectation @ table.reshape(shape) @ market.signal.expectation.T)

    value = last_step(cost, roots, shape[1] * shape[2])
    cost_to_go, slope = [unit * value.cost], [value.slope]
    for _ in range(order.n_steps - 1):
        after = Value(
            (expected(value.cost) + held).reshape(sizes.inventory, -1),
            (expected(value.slope) + held_slope).reshape(sizes.inventory, -1),
        )
        value = step_back(cost, roots, after)
        cost_to_go.append(unit * value.cost)
        slope.append(value.slope)
    return _Tables(
        market,
        cost,
        roots,
        np.stack(cost_to_go[::-1]).reshape(order.n_steps, *shape),
        np.stack(slope[::-1]).reshape(order.n_steps, *shape),
    )


def _control(scenario: Scenario, tables: _Tables) -> OptimalControl:
    """By the envelope theorem V'(x) = g'(n): the value's slope is all one has to know of the best trade."""
    x = tables.roots[1:, None, None] ** 2
    kept = 1.0 - np.clip(tables.cost.trade(tables.slope[:, 1:]) / x, 0.0, 1.0)
    control = OptimalControl(
        scenario=scenario,
        impact=_impact(scenario),
        value=0.0,
        error=0.0,
        inventory=scenario.order.shares * tables.roots**2,
        variance=tables.market.variance.nodes,
        signal=tables.market.signal.nodes,
        cost_to_go=tables.cost_to_go,
        kept=np.concatenate([kept[:, :1], kept], axis=1),  # at x = 0 the limit
    )
    return replace(control, value=control.sunk + tables.start)


def _at_once(scenario: Scenario) -> float:
    """Temporary impact cost of trading all in one step, currency."""
    order, impact = scenario.order, _impact(scenario)
    return float(impact.temporary * order.shares * (order.shares / order.step_length) ** impact.exponent)


def _impact(scenario: Scenario) -> PowerImpact:
    """The scenario's impact, if what it leaves behind needs no state and the cost of a step is convex."""
    order, impact = scenario.order, scenario.impact
    if not isinstance(impact, PowerImpact):
        raise ValueError(
            f"`impact` must be a PowerImpact, got {impact!r}: what its trades leave behind would be one more "
            "state"
        )
    if impact.permanent > 0 and impact.permanent_exponent != 1.0:
        raise ValueError(
            f"`impact.permanent_exponent` must be 1, got {impact.permanent_exponent:g}: otherwise the "
            "displacement depends on how the shares were traded, and would be one more state"
        )
    if not impact.temporary > 0:
        raise ValueError(
            f"`impact.temporary` must be greater than 0, got {impact.temporary:g}: trading at once is free"
        )
    beta = impact.exponent
    largest = beta * (1 + beta) * impact.temporary * order.step_length**-beta * order.shares ** (beta - 1)
    if beta > 1:
        largest = 0.0  # the second derivative of n h(n/τ) is 0 at n = 0
    # under linear impact, equality would make trades free of every size
    if impact.permanent > largest or (beta == 1 and impact.permanent == largest):
        rule, bound = ("η > γτ/2, ", "less than") if beta == 1 else ("", "at most")
        raise ValueError(
            f"`impact.permanent` must be {bound} {largest:g} for a convex problem ({rule}β(1+β)ετ^−β n^(β−1) "
            f"≥ γ for every trade n up to the order), got {impact.permanent:g}: trading in lumps would pay"
        )
    if not order.complete:
        raise ValueError("`order.complete` must be True: on average, shares left untraded cost nothing")
    if scenario.information != "model":
        raise ValueError(
            f"`information` must be 'model', got {scenario.information!r}: the next estimate of the variance "
            "depends on more than this one"
        )
    return impact
