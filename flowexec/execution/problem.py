"""The execution problem: one order in one market, stepped through by a strategy.

`ExecutionProblem.step` is the only place where shares change hands. Replays, learning environments and
evaluations all call it, on numpy arrays or on torch tensors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..checks import check_choice, check_kind
from ..market.paths import Array, MarketPaths
from .impact import Bar, Impact
from .observation import Observation, Strategy
from .order import Order

ESTIMATE_DECAY = 0.94
"""Weight of the past in the estimated variance, per step: RiskMetrics (1996)."""


class State(NamedTuple):
    """Where an order stands at the beginning of a step."""

    step: int
    inventory: Array
    """Shares still to trade, [path], never negative."""
    impact: Any
    """The impact's own state; `impact.displacement` [path] is what earlier trades have done to the price."""


class Fill(NamedTuple):
    """What one step traded."""

    shares: Array
    """[path], between 0 and the inventory."""
    price: Array
    """Average price, currency per share, [path]; meaningless where no share was traded."""


@dataclass(frozen=True)
class ExecutionProblem:
    """An order, the paths it meets, and the impact of its trades.

    In step k the trader holds x_k, trades n_k at S_k ± (impact), and holds x_{k+1} = x_k − n_k while the mid
    moves from S_k to S_{k+1}.

    Parameters
    ----------
    order : Order
    paths : MarketPaths
        With as many steps, and as long, as the order; the steps of equal length.
    impact : Impact
    information : {"model", "estimated"}
        Which variance strategies observe: the model's spot variance, or an exponentially weighted estimate
        v̂_{k+1} = 0.94 v̂_k + 0.06 r_k²/τ from past returns r, started at the variance on arrival.

    Notes
    -----
    Pinned by `tests/execution/test_laws.py` (laws), `test_problem.py` (decisions) and `test_torch.py`
    (numpy = torch).
    """

    order: Order
    paths: MarketPaths
    impact: Impact
    information: str = "model"

    def __post_init__(self) -> None:
        check_kind("order", self.order, Order)
        check_kind("paths", self.paths, MarketPaths)
        check_kind("impact", self.impact, Impact)
        check_choice("information", self.information, ("model", "estimated"))
        if self.paths.n_steps != self.order.n_steps:
            raise ValueError(
                f"`paths` must have the order's {self.order.n_steps} steps, got {self.paths.n_steps}"
            )
        tolerance = 1e-6 * self.order.horizon  # times in float32 have seven digits
        if abs(self.paths.horizon - self.order.horizon) > tolerance:
            raise ValueError(
                f"`paths` must last as long as the order, {self.order.horizon:g} days, "
                f"got {self.paths.horizon:g}"
            )
        lengths = self.paths.times[1:] - self.paths.times[:-1]
        if float(lengths.max() - lengths.min()) > tolerance:
            raise ValueError(
                f"`paths` must have steps of equal length, got lengths from {float(lengths.min()):g} to "
                f"{float(lengths.max()):g} days"
            )

    @cached_property
    def observed_variance(self) -> Array:
        """[step+1, path], row k known at the beginning of step k."""
        if self.information == "model":
            return self.paths.variance
        mid, estimate = self.paths.mid, [self.paths.variance[0]]
        for k in range(self.order.n_steps):
            squared_return = (mid[k + 1] / mid[k] - 1.0) ** 2 / self.order.step_length
            estimate.append(ESTIMATE_DECAY * estimate[-1] + (1.0 - ESTIMATE_DECAY) * squared_return)
        return stack(estimate)

    def start(self) -> State:
        """The whole order, untouched."""
        like = 0.0 * self.paths.mid[0]
        return State(0, like + self.order.shares, self.impact.start(like))

    def observe(self, state: State) -> Observation:
        """What the trader may know at `state`: every array ends with the present."""
        k, paths = state.step, self.paths
        return Observation(
            order=self.order,
            impact=self.impact,
            step=k,
            inventory=_read_only(state.inventory),
            past_mid=_read_only(paths.mid[: k + 1]),
            past_variance=_read_only(self.observed_variance[: k + 1]),
            past_volume=_read_only(paths.volume[:k]),
            spread=_read_only(paths.spread[k]),
            displacement=_read_only(state.impact.displacement),
            signal=None if paths.signal is None else _read_only(paths.signal[k]),
            depth=None if paths.depth is None else _read_only(paths.depth[k]),
        )

    def step(self, state: State, shares: Array) -> tuple[State, Fill]:
        """Trade `shares`, between 0 and what is left; the last step of a `complete` order trades it all."""
        k, order, paths = state.step, self.order, self.paths
        if order.complete and k == order.n_steps - 1:
            filled = state.inventory
        else:
            filled = shares.clip(min=0.0).clip(max=state.inventory)
        depth = None if paths.depth is None else paths.depth[k]
        bar = Bar(paths.mid[k], paths.spread[k], order.step_length, depth)
        price, impact = self.impact.trade(state.impact, filled, bar, order.sign)
        return State(k + 1, state.inventory - filled, impact), Fill(filled, price)

    def to_torch(self, device: str = "cpu", dtype: Any = None) -> ExecutionProblem:
        """The same problem on torch tensors, differentiable in the shares traded."""
        return replace(self, paths=self.paths.to_torch(device, dtype))


@dataclass(frozen=True)
class Execution:
    """The record of one strategy on one problem.

    Attributes
    ----------
    problem : ExecutionProblem
    inventory : array [step+1, path]
        Shares still to trade at the beginning of each step, and at the end.
    shares : array [step, path]
        Shares traded.
    price : array [step, path]
        Average price of each step's trade, currency per share.
    displacement : array [step+1, path]
        Price displacement by the order's own earlier trades, at the beginning of each step and at the end.
    impact_state
        The impact's final state (a walked book counts in it what exceeded the visible levels).
    """

    problem: ExecutionProblem
    inventory: Array
    shares: Array
    price: Array
    displacement: Array
    impact_state: Any

    @property
    def risk(self) -> Array:
        """S₀² Σ_k v_k τ x_{k+1}² [path]: quadratic variation of what is still held, currency²."""
        paths, held = self.problem.paths, self.inventory[1:]
        quadratic_variation = sum_over_steps(paths.variance[:-1] * held**2) * self.problem.order.step_length
        return paths.mid[0] ** 2 * quadratic_variation


def execute(strategy: Strategy, problem: ExecutionProblem) -> Execution:
    """Run `strategy` through every step of `problem`, on all paths at once.

    Raises
    ------
    ValueError
        When the strategy is none, or answers with a wrong shape, no real numbers, a negative one or NaN; the
        sentence names it.
    """
    check_kind("strategy", strategy, Strategy)
    check_kind("problem", problem, ExecutionProblem)
    state = problem.start()
    shape = tuple(state.inventory.shape)
    inventory, displacement = [state.inventory], [state.impact.displacement]
    shares, price = [], []
    for k in range(problem.order.n_steps):
        wanted = strategy.trade(problem.observe(state))
        if tuple(getattr(wanted, "shape", ())) != shape:
            got = tuple(getattr(wanted, "shape", ())) or type(wanted).__name__
            raise ValueError(
                f"{type(strategy).__name__}.trade must return shares of shape {shape}, got {got}"
            )
        kind = str(wanted.dtype)  # of numpy and torch alike
        if "float" not in kind and "int" not in kind:
            raise ValueError(f"{type(strategy).__name__}.trade must return real numbers, got {kind}")
        if not bool(wanted.min() >= 0):  # false for NaN as well
            raise ValueError(
                f"{type(strategy).__name__}.trade must return shares of at least 0, "
                f"got {float(wanted.min())} in step {k}"
            )
        state, fill = problem.step(state, wanted)
        shares.append(fill.shares)
        price.append(fill.price)
        inventory.append(state.inventory)
        displacement.append(state.impact.displacement)
    return Execution(
        problem, stack(inventory), stack(shares), stack(price), stack(displacement), state.impact
    )


def _read_only(array: Array) -> Array:
    """A view that refuses writing (numpy only): no strategy changes the past or its order by accident."""
    if isinstance(array, np.ndarray):
        array = array.view()
        array.flags.writeable = False
    return array


def stack(rows: list[Array]) -> Array:
    """Rows [path] to one array [row, path], of numpy or of torch, whichever they are."""
    if isinstance(rows[0], np.ndarray):
        return np.stack(rows)
    import torch

    return torch.stack(rows)


def sum_over_steps(rows: Array) -> Array:
    """Σ_k rows[k] in the order of time: numpy would regroup the sum of a single path, and change its bits."""
    total = rows[0]
    for row in rows[1:]:
        total = total + row
    return total
