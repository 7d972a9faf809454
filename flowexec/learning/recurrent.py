"""Memory for a network: recurrent cells that read the price path so far, on numpy and on torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..checks import check_choice, check_count
from ..market.paths import Array
from .networks import Network

GATES = {"gru": 3, "lstm": 4}
INPUTS = 2
"""What a cell reads of a step: the last move of the mid, and where it stands since arrival."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A recurrent cell: one step of memory h [hidden, path] from what is new, u [input, path].

    With a = W u + b, c = U h + d, cut into the gates in their order, and ∘ elementwise:

    - "gru": r = σ(a₁ + c₁), z = σ(a₂ + c₂), h⁺ = (1 − z) ∘ tanh(a₃ + r ∘ c₃) + z ∘ h
    - "lstm": i, f, g, o = σ(a₁ + c₁), σ(a₂ + c₂), tanh(a₃ + c₃), σ(a₄ + c₄), m⁺ = f ∘ m + i ∘ g,
      h⁺ = o ∘ tanh m⁺, with a second memory m beside h

    Parameters
    ----------
    kind : {"gru", "lstm"}
    read, recall : Network
        The linear maps u ↦ a and h ↦ c.

    Raises
    ------
    ValueError
        When an argument breaks its rule, or the two maps do not fit each other.

    Notes
    -----
    Cho et al. (2014); Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000). Gates in
    the order of PyTorch. Pinned to PyTorch's cells by `tests/learning/test_recurrent.py`.
    """

    kind: str
    read: Network
    recall: Network

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, tuple(GATES))
        if self.read.n_inputs != INPUTS:
            raise ValueError(f"`read` must have {INPUTS} inputs, got {self.read.n_inputs}")
        wanted = GATES[self.kind] * self.hidden
        for name, linear in (("read", self.read), ("recall", self.recall)):
            if len(linear.weights) != 1 or linear.n_outputs != wanted:
                raise ValueError(
                    f"`{name}` must be a single layer of {wanted} outputs, got {linear.n_outputs}"
                )

    @classmethod
    def initial(cls, kind: str, hidden: int, *, seed: int | np.random.SeedSequence) -> Cell:
        """Weights and biases uniform in ±1/√hidden, as in PyTorch."""
        check_choice("kind", kind, tuple(GATES))
        check_count("hidden", hidden)
        rng, rows, bound = np.random.default_rng(seed), GATES[kind] * hidden, 1.0 / math.sqrt(hidden)

        def linear(inputs: int) -> Network:
            weight, bias = (rng.uniform(-bound, bound, (rows, columns)) for columns in (inputs, 1))
            return Network((weight,), (bias,))

        return cls(kind, linear(INPUTS), linear(hidden))

    @property
    def hidden(self) -> int:
        return self.recall.n_inputs

    def map(self, transform: Callable[[Array], Array]) -> Cell:
        """The same cell with `transform` applied to every array."""
        return Cell(self.kind, self.read.map(transform), self.recall.map(transform))

    def __call__(self, inputs: Array) -> list[Array]:
        """Memories h [hidden, path] after each step of `inputs` [step, input, path], from nothing on."""
        hidden = memory = 0.0 * self.read(inputs[0])[: self.hidden]
        states = []
        for row in inputs:
            a, c = self._gates(self.read(row)), self._gates(self.recall(hidden))
            if self.kind == "gru":
                reset, keep = _sigmoid(a[0] + c[0]), _sigmoid(a[1] + c[1])
                hidden = (1.0 - keep) * _tanh(a[2] + reset * c[2]) + keep * hidden
            else:
                add, forget, new, show = (x + y for x, y in zip(a, c, strict=True))
                memory = _sigmoid(forget) * memory + _sigmoid(add) * _tanh(new)
                hidden = _sigmoid(show) * _tanh(memory)
            states.append(hidden)
        return states

    def _gates(self, rows: Array) -> list[Array]:
        return [rows[i * self.hidden : (i + 1) * self.hidden] for i in range(GATES[self.kind])]


def market_inputs(past_mid: np.ndarray, variance_scale: float, step_length: float) -> np.ndarray:
    """What a cell reads [step, input, path] of mids [step, path]: row k of nothing after the k-th mid.

    The last move and the move since arrival, in standard deviations S₀ √(v̄ m τ) of m steps, squashed by
    u/(1 + |u|); 0 on arrival.

    Parameters
    ----------
    past_mid : array [step, path]
    variance_scale : float
        v̄ per day.
    step_length : float
        τ, days.
    """
    unit = past_mid[0] * math.sqrt(variance_scale * step_length)
    last = np.diff(past_mid, axis=0, prepend=past_mid[:1]) / unit
    steps = np.sqrt(np.maximum(np.arange(len(past_mid)), 1.0))[:, None]
    since = (past_mid - past_mid[0]) / (unit * steps)
    both = np.stack([last, since], axis=1)
    squashed: np.ndarray = both / (1.0 + np.abs(both))
    return squashed


def _sigmoid(u: Array) -> Array:
    return 0.5 + 0.5 * _tanh(0.5 * u)


def _tanh(u: Array) -> Array:
    if isinstance(u, np.ndarray):
        return np.tanh(u)
    return u.tanh()
