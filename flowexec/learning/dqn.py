"""Double deep Q-learning on a page: play with some curiosity, remember, learn from what is remembered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..checks import check_count, check_kind
from ..execution.scenario import Scenario
from ..market.paths import Array
from .dqn_config import DQNConfig
from .experience import play
from .features import Features
from .networks import Network, TrainedPolicy
from .q_network import QNetwork, QPolicy
from .recurrent import Cell
from .replay_buffer import ReplayBuffer
from .training import Monitor, optimizer_tensors, restore_optimizer, train

CALIBRATION_PATHS = 1024
"""Paths on which the scales of the features are measured."""

NO_SAVING = 1e-9
"""Savings of so few bps are rounding: whatever was played was TWAP."""


def train_dqn(
    scenario: Scenario, config: DQNConfig | None = None, *, seed: int, monitor: Monitor | None = None
) -> TrainedPolicy:
    """Double deep Q-learning of the rate at which to trade, as a multiple of TWAP's.

    A decision is rewarded with what it saves over TWAP of what was left, on the same path
    (`decision_savings`): its risk is charged, what is known to be noise is left out, and the rewards of an
    order sum to its saving over TWAP. The optimal policy is that of the engine's objective.

    Parameters
    ----------
    scenario : Scenario
        On an `OrderBookReplay` with `part="train"`, the horizons for training and no others are played.
    config : DQNConfig, optional
    seed : int
        Decides weights, paths, exploration and what is remembered when, and so, to the last bit, the result.
    monitor : Monitor, optional
        Checkpoints, TensorBoard, progress.

    Returns
    -------
    TrainedPolicy
        `.policy` is a `QPolicy` on numpy; `.history` has an array [iteration] each of "saving" (mean saving
        over TWAP of the orders played, curiosity included, bps), "loss" (of `temporal_difference`), "value"
        (the mean highest value of arrival, bps: the saving that is believed in) and "epsilon".

    Raises
    ------
    ValueError
        When an argument breaks its rule, or a feature or saving is not finite, naming order, step and cause.
    RuntimeError
        When training diverges, naming the iteration.

    Notes
    -----
    Mnih et al. (2015); van Hasselt, Guez and Silver (2016). Pinned by `tests/learning/test_dqn.py`.
    """
    config = DQNConfig() if config is None else config
    learner = DQN(scenario, config, seed=seed)
    identity = {"algorithm": "DQN", "scenario": scenario, "config": config, "seed": seed}
    return train(learner, config.iterations, identity=identity, monitor=monitor)


class DQN:
    """The `Learner` behind `train_dqn`."""

    def __init__(self, scenario: Scenario, config: DQNConfig, *, seed: int) -> None:
        check_kind("scenario", scenario, Scenario)
        check_kind("config", config, DQNConfig)
        check_count("seed", seed, at_least=0)
        check_count("scenario.order.n_steps", scenario.order.n_steps, at_least=2)  # one step leaves no choice
        self.scenario, self.config = scenario, config
        weights, cells, self.chance, *paths = np.random.SeedSequence(seed).spawn(5)
        self.paths_seed, calibration_seed = (int(s.generate_state(1, np.uint64)[0]) for s in paths)
        sample = scenario.sample(CALIBRATION_PATHS, seed=calibration_seed, threads=1)
        self.features = Features.calibrate(sample, config.features)
        if config.memory is not None:  # which measures moves in standard deviations
            scale = float(np.mean(sample.observed_variance))
            if not scale > 0:
                raise ValueError(
                    f"`memory` needs a market with a variance; the mean of this one's is {scale:g}"
                )
            self.features = replace(self.features, variance_scale=scale)
        cell = None if config.memory is None else Cell.initial(config.memory, config.memory_size, seed=cells)
        inputs = len(self.features.names) + (0 if cell is None else cell.hidden)
        outputs = 1 + len(config.actions.multiples)
        head = Network.initial((inputs, *config.hidden, outputs), seed=weights)
        self.learning = QNetwork(head, cell).map(_parameter)
        self.target = self.learning.map(_copy)
        self.optimizer = torch.optim.Adam(self.learning.arrays)
        self.memory = ReplayBuffer(config.capacity)
        self.unit = 0.0

    def iterate(self, iteration: int) -> dict[str, float]:
        """Play orders, remember them, and learn from orders that are remembered."""
        config = self.config
        rng = np.random.default_rng([*self.chance.generate_state(4), iteration])
        problem = self.scenario.sample(
            config.orders, seed=self.paths_seed, first_path=iteration * config.orders, threads=1
        )
        epsilon = config.epsilon(iteration)
        played = play(self.policy(), problem, self.scenario, epsilon=epsilon, rng=rng)
        self.memory.add(**played)
        if self.unit == 0.0:  # the values are learned in units of what the first orders saved or lost
            typical = math.sqrt(np.mean(played["saving"] ** 2))
            self.unit = typical if typical > NO_SAVING else 1.0
        losses, believed = [], []
        for update in range(iteration * config.updates, (iteration + 1) * config.updates):
            if update % config.target_every == 0:
                self.target = self.learning.map(_copy)
            batch = self.memory.sample(config.batch_orders, rng)
            batch["saving"] = batch["saving"] / self.unit
            loss, best = temporal_difference(
                self.learning, self.target, batch, n_step=config.n_step, double=config.double
            )
            progress = update / (config.iterations * config.updates)
            self.optimizer.param_groups[0]["lr"] = (
                0.5 * config.learning_rate * (1.0 + math.cos(math.pi * progress))
            )
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            believed.append(best[0].mean().item())
        return {
            "saving": float(played["saving"].sum(axis=0).mean()),
            "loss": float(np.mean(losses)),
            "value": self.unit * believed[-1],
            "epsilon": epsilon,
        }

    def policy(self) -> QPolicy:
        """The action of the highest value, without curiosity."""
        return QPolicy(self.learning.map(_numpy), self.features, self.config.actions)

    def tensors(self) -> dict[str, np.ndarray]:
        """Both networks, the optimizer and the memory; all else follows from the seed and the iteration."""
        networks = {"learning": self.learning, "target": self.target}
        arrays = {f"{n}.{i}": _numpy(a) for n, q in networks.items() for i, a in enumerate(q.arrays)}
        remembered = {f"memory.{name}": array for name, array in self.memory.arrays.items()}
        state = np.array([self.unit, self.memory.added])
        return {**arrays, **remembered, **optimizer_tensors(self.optimizer), "state": state}

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """The way back from `tensors`."""
        for name, network in (("learning", self.learning), ("target", self.target)):
            for i, array in enumerate(network.arrays):
                array.data.copy_(torch.from_numpy(np.array(tensors[f"{name}.{i}"])))
        restore_optimizer(self.optimizer, tensors)
        self.unit, added = tensors["state"].tolist()
        prefix = "memory."
        kept = {name.removeprefix(prefix): a for name, a in tensors.items() if name.startswith(prefix)}
        self.memory.restore(kept, int(added))


def temporal_difference(
    learning: QNetwork, target: QNetwork, batch: Mapping[str, np.ndarray], *, n_step: int, double: bool
) -> tuple[Any, Any]:
    """How far the values of the actions played are from their targets, and the best values of all states.

    Parameters
    ----------
    learning, target : QNetwork
        Of tensors.
    batch : mapping
        As `play` gives it, the savings in the unit of the values.
    n_step, double
        See `DQNConfig`.

    Returns
    -------
    loss : tensor
        The mean Huber loss (Huber 1964) of all decisions on unfinished orders.
    best : tensor [decision, order]
        See `best_values`; 0 where nothing is left, for nothing can be saved there.
    """
    features, saving, market = (
        None if name not in batch else torch.as_tensor(batch[name], dtype=torch.float32)
        for name in ("features", "saving", "market")
    )
    action, possible, unfinished = (
        torch.as_tensor(batch[name]) for name in ("action", "possible", "unfinished")
    )
    values = learning(features, market)
    with torch.no_grad():
        reference = target(features, market)
        best = best_values(values if double else reference, reference, possible) * unfinished
        targets = n_step_targets(saving, best, n_step)
    played = values.gather(1, action[:, None])[:, 0]
    loss = torch.nn.functional.smooth_l1_loss(played * unfinished, targets * unfinished, reduction="sum")
    return loss / unfinished.sum(), best


def best_values(choosing: Any, valuing: Any, possible: Any) -> Any:
    """Q_valuing(s, argmax_a Q_choosing(s, a)) over possible actions, tensors [decision, action, order].

    In double Q-learning the learning network chooses and the target network values; where one does both, its
    errors bias the maximum upward.

    Returns
    -------
    tensor [decision, order]

    Notes
    -----
    Van Hasselt, Guez and Silver (2016), eq. 4. Pinned by `tests/learning/test_dqn.py`.
    """
    chosen = torch.where(possible, choosing, -torch.inf).argmax(dim=1, keepdim=True)
    return valuing.gather(1, chosen)[:, 0]


def n_step_targets(rewards: Array, values: Array, n_step: int) -> Array:
    """G_k = Σ_{i<n} r_{k+i} + V_{k+n} [decision, order], of nothing beyond the last decision.

    Parameters
    ----------
    rewards, values : array or tensor [decision, order]
        r_k, and V_k of the state in which decision k is made.
    n_step : int
        With more than one, the rewards after the first are those of the curious trader who was playing.

    Notes
    -----
    Sutton (1988), undiscounted, since orders end. Pinned by `tests/learning/test_dqn.py`.
    """
    targets = 0.0 * rewards
    for lead in range(min(n_step, len(rewards))):
        targets[: len(rewards) - lead] += rewards[lead:]
    targets[:-n_step] += values[n_step:]
    return targets


def _parameter(array: np.ndarray) -> Any:
    return torch.tensor(array, dtype=torch.float32, requires_grad=True)


def _copy(parameter: Any) -> Any:
    return parameter.detach().clone()


def _numpy(parameter: Any) -> np.ndarray:
    numbers: np.ndarray = parameter.detach().numpy().astype(np.float64)
    return numbers
