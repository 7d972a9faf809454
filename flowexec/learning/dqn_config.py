"""Settings of deep Q-learning."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_choice, check_count, check_flag, check_real, check_widths
from .actions import RateMultiples
from .q_network import RateActions


@dataclass(frozen=True)
class DQNConfig:
    """Settings of `train_dqn`.

    Parameters
    ----------
    actions : RateMultiples or PriceDivergenceRule
    features : tuple of str, optional
        Names of `Features`; by default those of `Features.calibrate`.
    hidden : tuple of int
        Width of each hidden layer.
    memory : {"gru", "lstm"}, optional
        The kind of recurrent `Cell` that reads the price path; by default none does.
    memory_size : int
    iterations : int
        How often orders are played.
    orders : int
        Orders played in an iteration.
    updates : int
        Steps of descent after each.
    batch_orders : int
        Remembered orders that a step of descent is made of, each with all its decisions.
    capacity : int
        Orders that are remembered.
    n_step : int
        Rewards that a target holds before it asks the network.
    double : bool
        Whether the action that a target values is chosen by the learning network rather than by the target
        network, whose errors the maximum would collect.
    target_every : int
        Steps of descent between two copies into the target network.
    learning_rate : float
        Of Adam (Kingma and Ba 2015); falls to 0 along half a cosine.
    curiosity : tuple of float
        Probability ε of a random action at the start, and at the end of `exploration`.
    exploration : float
        Part of the iterations over which ε falls, in (0, 1].
    """

    actions: RateActions = RateMultiples((0.0, 0.5, 1.0, 1.5, 2.0))  # noqa: RUF009, as frozen as all else
    features: tuple[str, ...] | None = None
    hidden: tuple[int, ...] = (64, 64)
    memory: str | None = None
    memory_size: int = 16
    iterations: int = 100
    orders: int = 64
    updates: int = 8
    batch_orders: int = 64
    capacity: int = 8192
    n_step: int = 1
    double: bool = True
    target_every: int = 32
    learning_rate: float = 2e-3
    curiosity: tuple[float, float] = (1.0, 0.05)
    exploration: float = 0.5

    def __post_init__(self) -> None:
        if isinstance(self.actions, type) or not isinstance(self.actions, RateActions):
            raise ValueError(
                f"`actions` must be RateMultiples or a PriceDivergenceRule, got {self.actions!r}"
            )
        if not (self.features is None or isinstance(self.features, tuple)):
            raise ValueError(f"`features` must be a tuple of names, got {self.features!r}")
        check_widths("hidden", self.hidden)
        if self.memory is not None:
            check_choice("memory", self.memory, ("gru", "lstm"))
        for name in ("memory_size", "iterations", "orders", "updates", "batch_orders", "capacity", "n_step",
                     "target_every"):  # fmt: skip
            check_count(name, getattr(self, name))
        if self.capacity < self.orders:
            raise ValueError(
                f"`capacity` must hold the {self.orders} `orders` of an iteration, got {self.capacity}"
            )
        check_flag("double", self.double)
        check_real("learning_rate", self.learning_rate, above=0)
        if not isinstance(self.curiosity, tuple) or len(self.curiosity) != 2:
            raise ValueError(f"`curiosity` must be two probabilities, got {self.curiosity!r}")
        for epsilon in self.curiosity:
            check_real("curiosity", epsilon, at_least=0, at_most=1)
        check_real("exploration", self.exploration, above=0, at_most=1)

    def epsilon(self, iteration: int) -> float:
        """Probability of a random action in an iteration, falling in a straight line."""
        first, last = self.curiosity
        return first + (last - first) * min(1.0, iteration / (self.exploration * self.iterations))
