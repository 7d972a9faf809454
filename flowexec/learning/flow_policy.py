"""A flow as a strategy: noise in, a few steps along a learned field, and out comes what to trade."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..checks import check_choice, check_count, check_flag, check_kind
from ..execution.observation import Observation
from ..market.paths import Array
from .features import Features
from .flow_kernel import FlowKernel
from .flow_matching import METHODS, constant, follow, time_embedding
from .networks import BLOCK, Network, fraction_of_remaining, product

FREQUENCIES = 1
"""Waves that tell a field the time; see `time_embedding`."""

INPUTS_OF_TIME = 2 + 2 * FREQUENCIES
"""Rows that say where on the road a point is, and how long a step it takes."""


@dataclass(frozen=True, eq=False)
class FlowField:
    """u(x, t, h | c): mean velocity over [t, t + h] of a flow in the condition c, for h = 0 its velocity.

    Parameters
    ----------
    network : Network
        Inputs: x, c, `time_embedding` of t and h; outputs as many as x has dimensions.

    Notes
    -----
    Numpy or torch, whichever its network is. Pinned by `tests/learning/test_flow_policy.py`.
    """

    network: Network

    def __post_init__(self) -> None:
        check_kind("network", self.network, Network)
        if self.n_conditions < 1:
            raise ValueError(
                f"`network` must have at least {self.dimension + INPUTS_OF_TIME + 1} inputs for "
                f"{self.dimension} outputs, got {self.network.n_inputs}"
            )

    @classmethod
    def initial(
        cls, dimension: int, n_conditions: int, hidden: tuple[int, ...], *, seed: int | np.random.SeedSequence
    ) -> FlowField:
        """The field 0, with hidden layers of the widths `hidden`; without any it stays affine."""
        sizes = (dimension + n_conditions + INPUTS_OF_TIME, *hidden, dimension)
        return cls(Network.initial(sizes, seed=seed))

    @property
    def dimension(self) -> int:
        return self.network.n_outputs

    @property
    def arrays(self) -> list[Array]:
        """All weights and biases, in a fixed order."""
        return [*self.network.weights, *self.network.biases]

    @property
    def n_conditions(self) -> int:
        return self.network.n_inputs - self.dimension - INPUTS_OF_TIME

    def given(self, condition: Array) -> Callable[[Array, Array, Array], Array]:
        """u(·, ·, · | c) in the conditions [condition, sample]: what these have to say is computed once.

        Returns
        -------
        callable (x [dimension, sample], t [sample or 1], h [sample or 1]) -> array [dimension, sample]
        """
        (first, *weights), (bias, *biases) = self.network.weights, self.network.biases
        seen = self.dimension + self.n_conditions
        of_x, of_condition, of_time = (
            first[:, : self.dimension],
            first[:, self.dimension : seen],
            first[:, seen:],
        )
        known = product(of_condition, condition) + bias
        rest = Network(tuple(weights), tuple(biases)) if weights else None

        def field(x: Array, t: Array, h: Array) -> Array:
            time = _concatenate([time_embedding(t, FREQUENCIES), h[None]])
            hidden = known + product(of_x, x) + product(of_time, time)
            return hidden if rest is None else rest(hidden / (1.0 + abs(hidden)))

        return field

    def map(self, transform: Callable[[Array], Array]) -> FlowField:
        """The same field with `transform` applied to every array."""
        return FlowField(self.network.map(transform))


@dataclass(frozen=True, eq=False)
class FlowPolicy:
    """A strategy that follows a `FlowField` from noise to logits of the part of what is left to trade.

    From x_0 it takes `n_steps` steps to x_1; z = shift + scale · x_1 are logits of `fraction_of_remaining`:

    - of dimension 1, an *action*: z is decided anew in every step, for the `features` of the moment;
    - of dimension N, a *schedule*: in step p, a multiple of `replan_every`, z_j is decided for all the steps
      p + j to come. Its `features` look at the time and past prices, variances and volumes alone: the
      inventory follows from the plan, and an observation remembers no other past.

    Parameters
    ----------
    field : FlowField
        With a condition for each feature.
    features : Features
    n_steps : int
    shift, scale : tuple of float
        One for each dimension.
    jumps : bool
        Whether the field was taught mean velocities over 1/`n_steps`, as a distilled one is, or the velocity.
    method : {"euler", "midpoint", "heun"}
        Of `follow`; the others than "euler" need a velocity.
    replan_every : int, optional
        Of a schedule; by default it is planned once, on arrival.
    noise : array [dimension] or [dimension, path], optional
        x_0, by default 0, the middle of the noise. Where there are several good ways to trade it decides
        among them.
    trained_in : mapping, optional
        The scenario it was trained in, as plain data (`checkpoint.describe`).

    Raises
    ------
    ValueError
        When the parts do not fit each other; in `trade`, when the market does not show a feature, or an order
        has other than N steps.

    Notes
    -----
    Needs no torch. With a field of tensors it trades torch problems, differentiably. Pinned by
    `tests/learning/test_flow_policy.py`.
    """

    field: FlowField
    features: Features
    n_steps: int
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    jumps: bool = False
    method: str = "euler"
    replan_every: int | None = None
    noise: Array | None = None
    trained_in: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check_kind("field", self.field, FlowField)
        check_kind("features", self.features, Features)
        check_count("n_steps", self.n_steps)
        check_flag("jumps", self.jumps)
        check_choice("method", self.method, METHODS)
        if self.field.n_conditions != len(self.features.names):
            raise ValueError(
                f"`field` must have one condition for each of the {len(self.features.names)} `features`, "
                f"got {self.field.n_conditions}"
            )
        for name in ("shift", "scale"):
            values = getattr(self, name)
            if len(values) != self.dimension or not all(map(math.isfinite, values)):
                raise ValueError(
                    f"`{name}` must be {self.dimension} finite numbers, one a dimension, got {values!r}"
                )
        if self.jumps and self.method != "euler":
            raise ValueError(f"`method` must be 'euler' where the field jumps, got {self.method!r}")
        if self.replan_every is not None:
            check_count("replan_every", self.replan_every)
        if self.dimension > 1:
            check_schedule_features(self.features.names)
        shape = tuple(getattr(self.noise, "shape", ()))
        if self.noise is not None and (shape[:1] != (self.dimension,) or len(shape) > 2):
            raise ValueError(
                f"`noise` must have shape ({self.dimension},) or ({self.dimension}, path), got "
                f"{shape or type(self.noise).__name__}"
            )

    @property
    def dimension(self) -> int:
        return self.field.dimension

    @property
    def decides_every(self) -> int:
        """Steps for which a decision stands: 1 for an action."""
        return 1 if self.dimension == 1 else self.replan_every or self.dimension

    def trade(self, observation: Observation) -> Array:
        logit = self.logits(observation)
        return observation.inventory * fraction_of_remaining(logit, observation.steps_remaining)

    def logits(self, observation: Observation) -> Array:
        """z of this step, [path]."""
        if self.dimension not in (1, observation.order.n_steps):
            raise ValueError(
                f"the schedule is for orders of {self.dimension} steps, got {observation.order.n_steps}"
            )
        age = observation.step % self.decides_every
        return self.decide(self.features(as_of(observation, observation.step - age)))[age]

    def decide(self, condition: Array) -> Array:
        """z [dimension, sample] in the conditions [feature, sample]: the flow from noise to logits."""
        if not isinstance(condition, np.ndarray):
            condition = condition.to(self.field.network.weights[0].dtype)
        elif self.method == "euler" and len(self.field.network.weights) > 1:
            for_all = self.noise is None or self.noise.ndim == 1
            return self._kernel(condition, None if for_all else self.noise)
        noise = self._column(np.zeros(self.dimension) if self.noise is None else self.noise, condition)
        if not isinstance(condition, np.ndarray) or condition.shape[1] <= BLOCK:
            return self._flow(condition, noise)
        edges = range(BLOCK, condition.shape[1], BLOCK)
        conditions = np.split(condition, edges, axis=1)
        noises = np.split(np.broadcast_to(noise, (self.dimension, condition.shape[1])), edges, axis=1)
        return np.concatenate(list(map(self._flow, conditions, noises)), axis=1)

    @property
    def times(self) -> Array:
        """What the field is told of the time in each step of Euler's, [input, step]."""
        t = np.arange(self.n_steps) / self.n_steps
        h = np.full_like(t, 1.0 / self.n_steps if self.jumps else 0.0)
        return _concatenate([time_embedding(t, FREQUENCIES), h[None]])

    @cached_property
    def _kernel(self) -> FlowKernel:
        """The same on numpy by Euler's method, with all that no condition changes computed beforehand."""
        x_0 = np.zeros(self.dimension) if self.noise is None or self.noise.ndim > 1 else self.noise
        return FlowKernel.of(
            self.field.network, self.times, x_0=x_0[:, None], shift=self.shift, scale=self.scale
        )

    def _flow(self, condition: Array, noise: Array) -> Array:
        field = self.field.given(condition)
        h = constant(1.0 / self.n_steps if self.jumps else 0.0, condition)
        x_1 = follow(
            lambda x, t: field(x, t, h), 0.0 * condition[:1] + noise, self.n_steps, method=self.method
        )
        return self._column(self.shift, condition) + self._column(self.scale, condition) * x_1

    def map(self, transform: Callable[[Array], Array]) -> FlowPolicy:
        """The same policy with `transform` applied to every array of its field."""
        return replace(self, field=self.field.map(transform))

    def _column(self, values: Array | tuple[float, ...], like: Array) -> Array:
        """`values` [dimension] or [dimension, sample] as an array beside `like` [row, sample]."""
        if isinstance(like, np.ndarray):
            array = np.asarray(values, dtype=like.dtype)
        else:
            array = like.new_tensor(values) if not hasattr(values, "to") else values.to(like.dtype)
        return array.reshape(self.dimension, -1)


FORGOTTEN = ("inventory", "signal", "imbalance", "spread")
"""Features of what an `Observation` shows of the present alone."""


def check_schedule_features(names: Sequence[str]) -> None:
    """Raise `ValueError` unless an observation remembers what the features are made of."""
    for name in names:
        if name in FORGOTTEN:
            raise ValueError(
                f"`features` of a schedule must be of time, prices, variances and volumes, got {name!r}"
            )


def as_of(observation: Observation, step: int) -> Observation:
    """What was observed in an earlier `step`, but for inventory, spread, displacement, signal and book.

    These are the present ones: an observation remembers prices, variances and volumes only.
    """
    if step == observation.step:
        return observation
    return replace(
        observation,
        step=step,
        past_mid=observation.past_mid[: step + 1],
        past_variance=observation.past_variance[: step + 1],
        past_volume=observation.past_volume[:step],
    )


def _concatenate(rows: list[Array]) -> Array:
    if isinstance(rows[0], np.ndarray):
        return np.concatenate(rows)
    import torch

    return torch.cat(rows)
