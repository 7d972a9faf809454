"""The optimal control as a strategy: what a solved dynamic programme says of every state it may come to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_count
from ..execution.impact import PowerImpact
from ..execution.observation import Observation
from ..execution.scenario import Scenario
from ..market.paths import Array
from .market_law import driftless


@dataclass(frozen=True)
class OptimalControl:
    """The strategy of least E[shortfall] + λ E[risk] among all that do not see the future.

    Attributes
    ----------
    scenario : Scenario
        What it is optimal for. It trades orders of the same side, shares, horizon and steps, in any market.
    impact : PowerImpact
        That of the scenario.
    value : float
        E[shortfall] + λ E[risk] from the start, currency.
    error : float
        How far off `value` may be for being computed on a grid, currency: what it changes by when the cells
        of one axis are made twice as wide, summed over the axes. The method is of fourth order, so that this
        is some fifteen times the true error, a margin for optima that wait, whose values have kinks. Where a
        step takes all but a crumb, at TWAP's risk of a thousand times its impact or close to the limit of
        convexity, there are too few cells for an order, and it says no more than the size of the error.
    inventory : array [inventory]
        Shares, dense near 0.
    variance, signal : array [variance], array [signal]
        Per day, and currency per share and day; a single node where the market has no such state.
    cost_to_go : array [step, inventory, variance, signal]
        Temporary impact less what permanent impact forgives, drift, and λ · risk, still to come; currency.
    kept : array [step, inventory, variance, signal]
        Part of the inventory that the step does not trade.
    """

    scenario: Scenario
    impact: PowerImpact
    value: float
    error: float
    inventory: np.ndarray = field(repr=False)
    variance: np.ndarray = field(repr=False)
    signal: np.ndarray = field(repr=False)
    cost_to_go: np.ndarray = field(repr=False)
    kept: np.ndarray = field(repr=False)

    def trade(self, observation: Observation) -> Array:
        ours, theirs = self.scenario.order, observation.order
        if ours.n_steps != theirs.n_steps or (ours.side, ours.shares, ours.horizon) != (
            theirs.side,
            theirs.shares,
            theirs.horizon,
        ):
            raise ValueError(f"`order` must be the one the control was made for, {ours!r}, got {theirs!r}")
        return self.trade_at(
            observation.step, observation.inventory, observation.variance, observation.signal
        )

    def trade_at(
        self, step: int, inventory: ArrayLike, variance: ArrayLike = 0.0, signal: ArrayLike | None = 0.0
    ) -> np.ndarray:
        """Shares to trade in `step`; the arguments broadcast, and beyond the grid its edge serves.

        Linear in √x, √v and α between the nodes. A state the market does not have need not be given.

        Raises
        ------
        ValueError
            When there is no such step, a state is missing, or an inventory or variance is negative or NaN.
        """
        inventory, variance = self._state(step, inventory, variance, signal)
        cells = [_cell(np.sqrt(inventory), np.sqrt(self.inventory))]
        if self.variance.size > 1:
            cells.append(_cell(np.sqrt(variance), np.sqrt(self.variance)))
        if self.signal.size > 1:
            cells.append(_cell(np.asarray(signal), self.signal))
        return np.asarray(inventory * (1.0 - _multilinear(self.kept[step], cells)))

    def value_at(
        self, step: int, inventory: ArrayLike, variance: ArrayLike = 0.0, signal: ArrayLike | None = 0.0
    ) -> np.ndarray:
        """E[shortfall] + λ E[risk] of what is left at `step`, currency, cubic between the nodes.

        The shortfall is that against the mid of the moment; it includes what the shares already traded have
        moved the price, and fees (the fixed fee in step 0, before it is paid). Arguments as in `trade_at`;
        but the inventory is at most the order.
        """
        from scipy.interpolate import NdBSpline, make_interp_spline  # a third of a second to import

        inventory, variance = self._state(step, inventory, variance, signal)
        shares = self.scenario.order.shares
        if not bool((inventory <= shares).all()):
            raise ValueError(f"`inventory` must be at most the order's {shares:g}, got {inventory.max():g}")
        grids, point = [np.sqrt(self.inventory)], [np.sqrt(inventory)]
        if self.variance.size > 1:
            grids.append(np.sqrt(self.variance))
            point.append(np.clip(np.sqrt(variance), grids[-1][0], grids[-1][-1]))
        if self.signal.size > 1:
            grids.append(self.signal)
            point.append(np.clip(np.asarray(signal, dtype=float), self.signal[0], self.signal[-1]))
        knots, table = [], self.cost_to_go[step].reshape([g.size for g in grids])
        for (
            grid
        ) in grids:  # axis by axis; the one that is done goes last, so that in the end all are in place
            spline = make_interp_spline(grid, table)
            knots.append(spline.t)
            table = np.moveaxis(spline.c, 0, -1)
        to_come = NdBSpline(tuple(knots), table, 3)(np.stack(np.broadcast_arrays(*point), axis=-1))
        return np.asarray(to_come + self._unavoidable(step, inventory))

    def _state(
        self, step: int, inventory: ArrayLike, variance: ArrayLike, signal: ArrayLike | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Inventory and variance as arrays, if the control has an answer for them in `step`."""
        check_count("step", step, at_least=0)
        if step >= len(self.kept):
            raise ValueError(f"`step` must be less than the order's {len(self.kept)} steps, got {step}")
        inventory = np.asarray(inventory, dtype=float)
        variance = np.asarray(variance if self.variance.size > 1 else 0.0, dtype=float)
        for name, values in (("inventory", inventory), ("variance", variance)):
            if not bool((values >= 0).all()):
                raise ValueError(f"`{name}` must be at least 0, got {values[~(values >= 0)].flat[0]:g}")
        if self.signal.size > 1 and signal is None:
            raise ValueError("`signal` must be given for a market with a signal, got None")
        return inventory, variance

    @property
    def sunk(self) -> float:
        """What every schedule pays, currency: half the spread, fees and ½γX²."""
        return float(self._unavoidable(0, np.asarray(self.scenario.order.shares)))

    def _unavoidable(self, step: int, held: np.ndarray) -> np.ndarray:
        order = self.scenario.order
        permanent = self.impact.permanent * held * (order.shares - 0.5 * held)
        per_share = 0.5 * driftless(self.scenario.market).spread + order.fee_per_share
        return np.asarray(permanent + per_share * held + (order.fixed_fee if step == 0 else 0.0))


def _cell(points: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the cell of evenly spaced `nodes` that each point lies in, and how far into it, in [0, 1]."""
    place = (points - nodes[0]) * ((nodes.size - 1) / (nodes[-1] - nodes[0]))
    cell = np.clip(place, 0, nodes.size - 2).astype(np.intp)
    return cell, np.clip(place - cell, 0.0, 1.0)


def _multilinear(table: np.ndarray, cells: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Interpolation in a table whose axes of one node are left out of `cells`."""
    shape = [size for size in table.shape if size > 1]
    flat = table.ravel()

    def corner(axis: int, place: np.ndarray) -> np.ndarray:
        """Value at cell `place` of the axes before, interpolated in those from `axis` on."""
        if axis == len(cells):
            return np.asarray(flat[place])
        cell, weight = cells[axis]
        low = place * shape[axis] + cell
        below, above = corner(axis + 1, low), corner(axis + 1, low + 1)
        return np.asarray(below + weight * (above - below))

    return corner(0, np.zeros((), dtype=np.intp))
