"""A policy that explores and a value function, as two networks and the optimizer that moves them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..market.paths import Array
from .features import Features
from .networks import Network, NetworkPolicy
from .training import optimizer_tensors, restore_optimizer


class ActorCritic:
    """A normal distribution of the logit in each state, and what is to be expected from there.

    The actor answers the mean of the logit and the logarithm of its standard deviation, the critic the value
    of each share held. Last layers start at 0: the mean is TWAP's, and the value 0.

    Parameters
    ----------
    features : Features
    hidden : sequence of int
        Width of each hidden layer of either network.
    initial_std, smallest_std : float
        Standard deviation of the logits at first, and at least.
    seeds : sequence of two SeedSequence
        Of the first weights.
    device : str

    Notes
    -----
    Single precision. Pinned by `tests/learning/test_ppo.py`.
    """

    def __init__(
        self,
        features: Features,
        hidden: Sequence[int],
        *,
        initial_std: float,
        smallest_std: float,
        seeds: Sequence[np.random.SeedSequence],
        device: str,
    ) -> None:
        self.features = features
        self.first, self.least = math.log(initial_std), math.log(smallest_std)
        self.actor, self.critic = (
            Network.initial((len(features.names), *hidden, outputs), seed=seed).map(
                lambda a: torch.tensor(a, dtype=torch.float32, device=device, requires_grad=True)
            )
            for outputs, seed in zip((2, 1), seeds, strict=True)
        )
        self.optimizer = torch.optim.Adam([p for part in self.parameters for p in part], fused=True)

    @property
    def parameters(self) -> tuple[list[Any], list[Any]]:
        """Of the actor, and of the critic."""
        actor, critic = ([*n.weights, *n.biases] for n in (self.actor, self.critic))
        return actor, critic

    def logits(self, seen: Array) -> tuple[Array, Array]:
        """Mean and log standard deviation of the logit, [...] for features [feature, ...]."""
        mean, log_std = self.actor(seen.flatten(1)).unflatten(1, seen.shape[1:])
        return mean, (log_std + self.first).clamp(min=self.least)

    def values(self, seen: Array, held: Array) -> Array:
        """What is to come, [...], for the part of the order that is `held` [...]."""
        return held * self.critic(seen.flatten(1)).unflatten(1, seen.shape[1:])[0]

    def descend(self, loss: Array, *, learning_rate: float, max_gradient_norm: float) -> None:
        """A step of Adam; the gradient of each network is cut to a length of at most `max_gradient_norm`."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad()
        loss.backward()
        for part in self.parameters:
            torch.nn.utils.clip_grad_norm_(part, max_gradient_norm)
        self.optimizer.step()

    def policy(self) -> NetworkPolicy:
        """The mean logit, without exploration, in double precision."""
        network = self.actor.map(lambda a: a.detach().cpu().double().numpy())
        *weights, last = network.weights
        *biases, last_bias = network.biases
        return NetworkPolicy(Network((*weights, last[:1]), (*biases, last_bias[:1])), self.features)

    def tensors(self) -> dict[str, np.ndarray]:
        """All that is to be known to go on from here."""
        flat = [p for part in self.parameters for p in part]
        return {
            f"parameter.{i}": p.detach().cpu().numpy().copy() for i, p in enumerate(flat)
        } | optimizer_tensors(self.optimizer)

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """The way back from `tensors`."""
        with torch.no_grad():
            for i, parameter in enumerate(p for part in self.parameters for p in part):
                parameter.copy_(torch.tensor(tensors[f"parameter.{i}"]))
        restore_optimizer(self.optimizer, tensors)
