"""Action values of a network, and the strategy that takes the best of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..checks import check_kind
from ..execution.observation import Observation
from ..execution.problem import stack
from ..market.paths import Array
from .features import Features
from .networks import Network
from .recurrent import Cell, market_inputs

ROUNDING = 1e-9
"""Two amounts that differ by less than this part are the same."""


@runtime_checkable
class RateActions(Protocol):
    """Actions that are multiples of TWAP's rate, by their number: `RateMultiples`, or a rule around them."""

    @property
    def multiples(self) -> tuple[float, ...]: ...

    def shares(self, action: Array, observation: Observation) -> Array: ...


@dataclass(frozen=True, eq=False)
class QNetwork:
    """Q(s, ·): a network on features and, with a cell, on its memory of the price path.

    The first output is the state's value V, the others the advantages A_a of the actions,

        Q(s, a) = V(s) + A_a(s) − mean_b A_b(s),

    because what an action changes is a small part of what the state is worth.

    The cell reads the market alone, which nothing that the trader does changes; what the trader did is in
    time and inventory. So the memory is a function of the path, and needs no state that a strategy would have
    to carry from step to step.

    Parameters
    ----------
    head : Network
        Inputs: the features, then the cell's memory. Outputs: one, and one for each action.
    cell : Cell, optional

    Notes
    -----
    Wang et al. (2016), eq. 9, and Hausknecht and Stone (2015) for the recurrence. Pinned by
    `tests/learning/test_q_network.py`.
    """

    head: Network
    cell: Cell | None = None

    def __call__(self, features: Array, market: Array | None = None) -> Array:
        """Values [step, action, path] of `features` [step, feature, path].

        `market` [step, input, path] is what the cell reads, from arrival to the last of these steps; there
        may be more of it than of `features`.
        """
        steps, _, paths = features.shape
        rows = features
        if self.cell is not None:
            memory = stack(self.cell(market)[-steps:])
            rows = _concatenate([rows, memory])
        flat = rows.swapaxes(0, 1).reshape(rows.shape[1], steps * paths)
        answers = self.head(flat).reshape(self.head.n_outputs, steps, paths)
        advantages = answers[1:]
        values = answers[:1] + (advantages - advantages.mean(0))
        return values.swapaxes(0, 1)

    def map(self, transform: Callable[[Array], Array]) -> QNetwork:
        """The same network with `transform` applied to every array."""
        return QNetwork(self.head.map(transform), None if self.cell is None else self.cell.map(transform))

    @property
    def arrays(self) -> list[Array]:
        """All weights and biases, in a fixed order."""
        parts = [self.head] if self.cell is None else [self.head, self.cell.read, self.cell.recall]
        return [array for part in parts for array in (*part.weights, *part.biases)]


@dataclass(frozen=True, eq=False)
class QPolicy:
    """A strategy that trades at the rate multiple of the highest value, the first of equals.

    Parameters
    ----------
    network : QNetwork
    features : Features
        With a `variance_scale` where the network has a cell.
    actions : RateMultiples or PriceDivergenceRule

    Raises
    ------
    ValueError
        When network, features and actions do not fit each other, or the market does not show a feature.

    Notes
    -----
    Pinned by `tests/learning/test_q_network.py`.
    """

    network: QNetwork
    features: Features
    actions: RateActions

    def __post_init__(self) -> None:
        check_kind("network", self.network, QNetwork)
        check_kind("features", self.features, Features)
        check_kind("actions", self.actions, RateActions)
        head, cell = self.network.head, self.network.cell
        if cell is not None and self.features.variance_scale is None:
            raise ValueError("`features` must have a `variance_scale`, in which a memory measures moves")
        shape = (head.n_inputs, head.n_outputs)
        memory = 0 if cell is None else cell.hidden
        wanted = (len(self.features.names) + memory, 1 + len(self.actions.multiples))
        if shape != wanted:
            raise ValueError(
                f"`network` must have {wanted[0]} inputs and {wanted[1]} outputs, "
                f"got {shape[0]} and {shape[1]}"
            )

    def values(self, observation: Observation) -> np.ndarray:
        """Q of every action, [action, path]."""
        market = self.market(observation.past_mid, observation.order.step_length)
        values: np.ndarray = self.network(self.features(observation)[None], market)[0]
        return values

    def market(self, mid: np.ndarray, step_length: float) -> np.ndarray | None:
        """What the cell reads of mids [step, path], [step, input, path]; None without a cell."""
        scale = self.features.variance_scale
        if self.network.cell is None or scale is None:  # a cell has its scale
            return None
        return market_inputs(mid, scale, step_length)

    def possible(self, observation: Observation) -> np.ndarray:
        """Which actions are `sensible`, [action, path]."""
        order = observation.order
        steps = observation.steps_remaining if order.complete else math.inf
        return sensible(self.actions.multiples, observation.inventory * (order.n_steps / order.shares), steps)

    def trade(self, observation: Observation) -> Array:
        action = greedy(self.values(observation), self.possible(observation))
        return self.actions.shares(action, observation)


def sensible(multiples: tuple[float, ...], left: np.ndarray, steps: float) -> np.ndarray:
    """Which actions are worth a thought, [action, ...].

    None beyond the least that trades all that is left: they would do the same, and each be learned from fewer
    examples. And none after which the order could not be completed at the highest rate: it would end in a
    single trade that no action stands for.

    Parameters
    ----------
    multiples : tuple of float
        Of TWAP's rate.
    left : array [...]
        Inventory in trades of TWAP, x N/X.
    steps : float
        Steps in which the order is to be completed, this one included; infinite where it need not be.
    """
    table = np.array(multiples).reshape(-1, *[1] * left.ndim)
    fastest = max(multiples)
    enough = np.where(table >= left * (1.0 - ROUNDING), table, np.inf).min(axis=0)
    needed = np.minimum(left - (steps - 1) * fastest - ROUNDING * left, fastest)
    possible: np.ndarray = (table <= enough) & (table >= needed)
    return possible


def greedy(values: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """argmax_a of values [action, ...] among possible actions [action, ...]: numbers of actions [...]."""
    best: np.ndarray = np.where(possible, values, -np.inf).argmax(axis=0)
    return best


def _concatenate(parts: list[Array]) -> Array:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis=1)
    import torch

    return torch.cat(parts, dim=1)
