"""A flow on numpy, with all that does not depend on the condition computed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..market.paths import Array
from .networks import BLOCK, Network, product


@dataclass(frozen=True, eq=False)
class FlowKernel:
    """The Euler steps x ← x + h u(x, t | c) of a flow, and the answer z = shift + scale · x_1.

    The first layer of the field u is linear in x, c and the time. What c adds is the same in all steps, and
    what the time adds is the same in all conditions, so that a step costs what its network costs without
    either. Where x_0 is the same everywhere, the first step costs no product with x.

    Attributes
    ----------
    of_x, of_condition : array [hidden, dimension], [hidden, feature]
        Of the first layer.
    of_time : tuple of array [hidden, 1]
        What it adds in each step, biases included.
    hidden : tuple of (array, array)
        Weights and biases of the layers between the first and the last.
    last : (array, array)
        Of h u.
    answer : (array, array)
        Of shift + scale · h u, which is all that the last step has to say.
    x_0, of_x_0 : array [dimension, 1], [hidden, 1]
        Where the flow starts, unless it is called with another, and what the first layer makes of it.
    scale : array [dimension, 1]

    Notes
    -----
    A sample has the same answer alone as in a batch, to rounding. Pinned by
    `tests/learning/test_flow_export.py`.
    """

    of_x: np.ndarray
    of_condition: np.ndarray
    of_time: tuple[np.ndarray, ...]
    hidden: tuple[tuple[np.ndarray, np.ndarray], ...]
    last: tuple[np.ndarray, np.ndarray]
    answer: tuple[np.ndarray, np.ndarray]
    x_0: np.ndarray
    of_x_0: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(
        cls,
        network: Network,
        times: Array,
        *,
        x_0: Array,
        shift: Sequence[float],
        scale: Sequence[float],
    ) -> FlowKernel:
        """The kernel of a field on numpy with a hidden layer at least.

        Parameters
        ----------
        network : Network
            Inputs x, c, time.
        times : array [input, step]
            What it is told of the time in each step.
        x_0 : array [dimension, 1]
        shift, scale : sequence of float
        """
        dimension, n_steps = network.n_outputs, times.shape[1]
        (first, *middle, final), (bias, *biases, final_bias) = network.weights, network.biases
        before_time = network.n_inputs - len(times)
        column, spread = np.reshape(shift, (-1, 1)), np.reshape(scale, (-1, 1))
        step, step_bias = final / n_steps, final_bias / n_steps
        of_time = bias + product(first[:, before_time:], times)
        of_x, start = np.ascontiguousarray(first[:, :dimension]), np.asarray(x_0, dtype=float)
        return cls(
            of_x=of_x,
            of_condition=np.ascontiguousarray(first[:, dimension:before_time]),
            of_time=tuple(np.ascontiguousarray(of_time[:, k : k + 1]) for k in range(n_steps)),
            hidden=tuple(zip(middle, biases, strict=True)),
            last=(_even(step), step_bias),
            answer=(_even(spread * step), column + spread * step_bias),
            x_0=start,
            of_x_0=product(of_x, start),
            scale=spread,
        )

    def __call__(self, condition: np.ndarray, x_0: np.ndarray | None = None) -> np.ndarray:
        """z [dimension, sample] in the conditions [feature, sample], from `x_0` [dimension, sample or 1]."""
        n_samples = condition.shape[1]
        if 1 < n_samples <= BLOCK:
            return self._block(condition, x_0)
        if n_samples == 1:
            return self._block(np.concatenate([condition, condition], axis=1), x_0)[:, :1]
        answer = np.empty((len(self.scale), n_samples))
        for start in range(0, n_samples, BLOCK):
            here = slice(start, start + BLOCK)
            noise = x_0 if x_0 is None or x_0.shape[1] == 1 else x_0[:, here]
            answer[:, here] = self(condition[:, here], noise)
        return answer

    def _block(self, condition: np.ndarray, x_0: np.ndarray | None) -> np.ndarray:
        known = product(self.of_condition, condition)
        x, of_x = (self.x_0, self.of_x_0) if x_0 is None else (x_0, product(self.of_x, x_0))
        dimension, last_step = len(x), len(self.of_time) - 1
        for k, of_time in enumerate(self.of_time):
            hidden = known + (of_time + (of_x if k == 0 else product(self.of_x, x)))
            hidden /= 1.0 + np.abs(hidden)
            for weight, bias in self.hidden:
                hidden = product(weight, hidden)
                hidden += bias
                hidden /= 1.0 + np.abs(hidden)
            weight, bias = self.last if k < last_step else self.answer
            moved = (weight @ hidden)[:dimension]
            x = moved + (bias + (x if k < last_step else self.scale * x))
        return x


def _even(weight: np.ndarray) -> np.ndarray:
    """The last of an odd number of rows twice: numpy would sum it in an order of its own, see `product`."""
    return np.concatenate([weight, weight[-1:]]) if len(weight) % 2 else weight
