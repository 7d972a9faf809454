"""A small network and the policy made of it, the same lines for numpy arrays and for torch tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..checks import check_count, check_flag, check_kind
from ..execution.observation import Observation, Strategy
from ..execution.problem import sum_over_steps
from ..market.paths import Array
from .features import Features

BLOCK = 256
"""Paths that numpy answers at a time. They stay in the cache, and the BLAS does not share products of this
size among threads, which on a busy machine wait for each other most of the time."""


@dataclass(frozen=True, eq=False)
class Network:
    """Multilayer perceptron h_{l+1} = φ(W_l h_l + b_l) with a linear last layer and φ(u) = u/(1 + |u|).

    Softsign (Bergstra et al. 2009) is smooth, bounded, and needs nothing that numpy and torch write
    differently, so that one forward pass serves training and use.

    Parameters
    ----------
    weights : tuple of array [output, input]
        One for each layer, all numpy or all torch.
    biases : tuple of array [output, 1]

    Notes
    -----
    Pinned by `tests/learning/test_networks.py`.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    def __post_init__(self) -> None:
        if not self.weights or any(weight.ndim != 2 for weight in self.weights):
            raise ValueError(
                f"`weights` must be one or more arrays [output, input], got {self.weights!r:.80}"
            )
        if len(self.biases) != len(self.weights):
            raise ValueError(
                f"`biases` must have one entry for each of the {len(self.weights)} `weights`, "
                f"got {len(self.biases)}"
            )
        inputs = self.n_inputs
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            outputs = int(weight.shape[0])
            _check_array(f"weights[{layer}]", weight, (outputs, inputs))
            _check_array(f"biases[{layer}]", bias, (outputs, 1))
            inputs = outputs

    @classmethod
    def initial(cls, sizes: Sequence[int], *, seed: int | np.random.SeedSequence) -> Network:
        """Normal weights of variance 1/inputs and biases of variance ¼, but a last layer of 0: it answers 0.

        Parameters
        ----------
        sizes : sequence of int
            Inputs, width of each hidden layer, outputs.
        seed : int or SeedSequence
        """
        if len(sizes) < 2:
            raise ValueError(f"`sizes` must hold at least the inputs and the outputs, got {sizes!r}")
        for size in sizes:
            check_count("sizes", size)
        rng = np.random.default_rng(seed)
        layers = list(pairwise(sizes))
        weights = [rng.standard_normal((b, a)) / math.sqrt(a) for a, b in layers]
        biases = [0.5 * rng.standard_normal((b, 1)) for _, b in layers]
        weights[-1][:], biases[-1][:] = 0.0, 0.0
        return cls(tuple(weights), tuple(biases))

    def __repr__(self) -> str:
        """Inputs, widths and outputs: a thousand weights say nothing."""
        sizes = [self.n_inputs, *(int(weight.shape[0]) for weight in self.weights)]
        return f"<Network {'-'.join(map(str, sizes))}>"

    @property
    def n_inputs(self) -> int:
        return int(self.weights[0].shape[1])

    @property
    def n_outputs(self) -> int:
        return int(self.weights[-1].shape[0])

    def __call__(self, inputs: Array) -> Array:
        """Answers [output, path] to `inputs` [input, path]."""
        if isinstance(inputs, np.ndarray) and inputs.shape[1] > BLOCK:
            edges = range(BLOCK, inputs.shape[1], BLOCK)
            return np.concatenate([self(block) for block in np.split(inputs, edges, axis=1)], axis=1)
        hidden = inputs
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = product(weight, hidden) + bias
            hidden = hidden / (1.0 + abs(hidden))
        return product(self.weights[-1], hidden) + self.biases[-1]

    def map(self, transform: Callable[[Array], Array]) -> Network:
        """The same network with `transform` applied to every array."""
        return Network(tuple(map(transform, self.weights)), tuple(map(transform, self.biases)))


def _check_array(name: str, array: Array, shape: tuple[int, int]) -> None:
    if tuple(array.shape) != shape:
        raise ValueError(f"`{name}` must have shape {shape}, got {tuple(array.shape)}")
    if not bool((abs(array) < math.inf).all()):  # nor NaN
        raise ValueError(f"`{name}` must be finite throughout")


def product(weight: Array, inputs: Array) -> Array:
    """`weight @ inputs`, of which a path has the same bits alone as in a block."""
    if not isinstance(inputs, np.ndarray):
        return weight @ inputs
    # for a single row or column numpy calls another routine, which sums in another order, and so does one of
    # several threads that is left with a single row
    if weight.shape[0] == 1:
        return sum_over_steps(weight.T * inputs)[None]
    if weight.shape[0] % 2:  # the odd one of several rows is summed in an order of its own as well
        return product(np.concatenate([weight, weight[-1:]]), inputs)[:-1]
    if inputs.shape[1] == 1:
        return (weight @ np.repeat(inputs, 2, axis=1))[:, :1]
    return weight @ inputs


def fraction_of_remaining(logit: Array, steps_remaining: int, *, centered: bool = True) -> Array:
    """Part of what is left that is traded now: f = 1/(1 + (n − 1)e^{−z}), for n steps left and a logit z.

    The logit of f is z − ln(n − 1), so that z = 0 is TWAP's 1/n, and the last step trades everything. Not
    `centered`, it is z itself, and z = 0 half of what is left.
    """
    odds = steps_remaining - 1 if centered else min(steps_remaining - 1, 1)
    # beyond e^50 nothing is traded anyway, and single precision would overflow
    return 1.0 / (1.0 + odds * math.e ** (-logit).clip(max=50.0))


@dataclass(frozen=True, eq=False)
class NetworkPolicy:
    """A strategy whose share of what is left is `fraction_of_remaining` of a network's answer to `Features`.

    Parameters
    ----------
    network : Network
        With an input for each feature and one output.
    features : Features
    centered : bool
        Whether its answer is centred on TWAP.

    Raises
    ------
    ValueError
        When the network has other inputs or outputs; in `trade`, when the market does not show a feature.

    Notes
    -----
    Runs on numpy problems, and on torch problems with a network of tensors, in which it is differentiable.
    Pinned by `tests/learning/test_networks.py`.
    """

    network: Network
    features: Features
    centered: bool = True

    def __post_init__(self) -> None:
        check_kind("network", self.network, Network)
        check_kind("features", self.features, Features)
        check_flag("centered", self.centered)
        shape, wanted = (self.network.n_inputs, self.network.n_outputs), (len(self.features.names), 1)
        if shape != wanted:
            raise ValueError(
                f"`network` must have {wanted[0]} inputs and 1 output, got {shape[0]} and {shape[1]}"
            )

    def trade(self, observation: Observation) -> Array:
        logit = self.network(self.features(observation))[0]
        steps = observation.steps_remaining
        return observation.inventory * fraction_of_remaining(logit, steps, centered=self.centered)


class TrainedPolicy(NamedTuple):
    """What training gives."""

    policy: Strategy
    history: Mapping[str, np.ndarray]
    """One array [iteration] for each quantity that training recorded, such as "loss"."""
