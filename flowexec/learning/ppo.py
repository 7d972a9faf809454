"""Proximal policy optimization (Schulman et al. 2017) on a page, with its pieces as functions.

Orders play out from start to end, all at once; the advantage of each action is estimated from what
followed; and the policy climbs the clipped objective for a few epochs before the next orders play. Three
things are fitted to execution. Actions are logits centred on TWAP (see `fraction_of_remaining`), and the
policy says in each state how far to explore around them. Several orders meet the same market path: what their
advantages have in common is noise of the path, and is taken out. And nothing is worth nothing: the value
function is a price per share times what is held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from ..analytics.shortfall import BPS
from ..checks import check_count, check_kind
from ..execution.problem import execute
from ..execution.scenario import Scenario
from ..market.paths import Array
from ..strategies.schedules import TWAP
from .actions import Logits
from .actor_critic import ActorCritic
from .environment import Environment
from .features import Features
from .networks import NetworkPolicy, TrainedPolicy
from .pathwise import controlled_objective
from .policy_gradient import (
    center_on_paths,
    clipped_objective,
    clipped_share,
    entropy,
    generalized_advantages,
    kl_estimate,
    log_density,
    value_loss,
)
from .ppo_config import PPOConfig
from .training import Monitor, train

CALIBRATION_PATHS = 4096
"""Paths that the scales of features and rewards are measured on."""


def train_ppo(
    scenario: Scenario,
    config: PPOConfig | None = None,
    *,
    seed: int,
    monitor: Monitor | None = None,
    device: str = "cpu",
) -> TrainedPolicy:
    """Learn to execute `scenario` by playing it.

    Parameters
    ----------
    scenario : Scenario
    config : PPOConfig, optional
    seed : int
        Decides the first weights, the paths and the exploration, and so, to the last bit, the result.
    monitor : Monitor, optional
        Checkpoints, TensorBoard, progress.
    device : {"cpu", "cuda"}

    Returns
    -------
    TrainedPolicy
        `.policy`, a `NetworkPolicy`, trades the mean logit; `.history` has an array [iteration] each of
        "objective" (mean of the exploring policy, bps of the arrival value), "std" (mean, of the logits),
        "value_error" (part of the variance of the returns that the value function does not explain), "kl",
        "clipped" (part of the actions) and "learning_rate".

    Notes
    -----
    Pinned by `tests/learning/test_ppo.py`.
    """
    config = PPOConfig() if config is None else config
    learner = PPO(scenario, config, seed=seed, device=device)
    identity = {"algorithm": "PPO", "scenario": scenario, "config": config, "seed": seed}
    return train(learner, config.iterations, identity=identity, monitor=monitor)


class Rollout(NamedTuple):
    """What the orders of an iteration saw, did and were worth; torch."""

    seen: Array
    """Features, [feature, step, order]."""
    held: Array
    """Part of the order left before the step, [step, order]."""
    logits: Array
    """The actions, [step, order]."""
    log_density: Array
    """Of the actions under the policy that chose them, [step, order]."""
    advantages: Array
    """[step, order], of standard deviation 1."""
    targets: Array
    """What the value function should have said, [step, order]."""


class PPO:
    """The `Learner` behind `train_ppo`."""

    def __init__(self, scenario: Scenario, config: PPOConfig, *, seed: int, device: str = "cpu") -> None:
        check_kind("scenario", scenario, Scenario)
        check_kind("config", config, PPOConfig)
        check_count("seed", seed, at_least=0)
        check_count("scenario.order.n_steps", scenario.order.n_steps, at_least=2)  # one step leaves no choice
        if device != "cpu" and not (device == "cuda" and torch.cuda.is_available()):
            raise ValueError(f"`device` must be 'cpu', or 'cuda' where there is a GPU, got {device!r}")
        self.scenario, self.config, self.device = scenario, config, device
        *weights, self.noise, paths, calibration = np.random.SeedSequence(seed).spawn(5)
        self.paths_seed, calibration_seed = (
            int(s.generate_state(1, np.uint64)[0]) for s in (paths, calibration)
        )
        sample = scenario.sample(CALIBRATION_PATHS, seed=calibration_seed, threads=1)
        self.environment = Environment(
            scenario,
            Features.calibrate(sample, config.features),
            Logits(config.centered),
            control=config.control,
        )
        twap = controlled_objective(execute(TWAP(), sample), scenario) / sample.paths.mid[0]
        self.unit = float(np.sqrt(np.mean(twap**2))) * BPS / scenario.order.shares or 1.0
        self.agent = ActorCritic(
            self.environment.features,
            config.hidden,
            initial_std=config.initial_std,
            smallest_std=config.smallest_std,
            seeds=weights,
            device=device,
        )

    def iterate(self, iteration: int) -> dict[str, float]:
        """Play, judge, improve."""
        rollout, objective = self.play(iteration)
        return {"objective": objective} | self.improve(rollout, iteration)

    def play(self, iteration: int) -> tuple[Rollout, float]:
        """Fresh orders from start to end, several on each path, and their mean objective."""
        n, each, agent = self.config.n_paths, self.config.orders_per_path, self.agent
        problem = self.scenario.sample(n, seed=self.paths_seed, first_path=iteration * n, threads=1)
        shared = replace(problem, paths=problem.paths.select(np.repeat(np.arange(n), each)))
        on_cpu = self.device == "cpu"  # where the small steps of a market take numpy half as long as torch
        episode = self.environment.start(shared if on_cpu else shared.to_torch(self.device))
        noise = self._noise(iteration, (problem.order.n_steps, n * each))
        steps = []
        with torch.no_grad():
            while not episode.done:
                seen = self._single(self.environment.observe(episode))
                held = self._single(episode.state.inventory / problem.order.shares)
                mean, log_std = agent.logits(seen)
                logit = mean + torch.exp(log_std) * noise[episode.state.step]
                action = logit.double()
                episode, reward = self.environment.step(episode, action.numpy() if on_cpu else action)
                steps.append((seen, held, logit, mean, log_std, self._single(reward / self.unit)))
            seen, held, logit, mean, log_std, reward = (
                torch.stack(rows, -2) for rows in zip(*steps, strict=True)
            )
            density, value = log_density(logit, mean, log_std), agent.values(seen, held)
            advantages = generalized_advantages(reward, value, self.config.gae_lambda)
            targets = advantages + value
            advantages = center_on_paths(advantages, each)
            advantages = advantages / advantages.std()
        objective = -self.unit * float(reward.sum(0).mean())
        return Rollout(seen, held, logit, density, advantages, targets), objective

    def improve(self, rollout: Rollout, iteration: int) -> dict[str, float]:
        """Epochs of Adam on the clipped objective, until the policy is too far from the one that played.

        Minibatches are blocks of paths, which are independent.
        """
        config, agent = self.config, self.agent
        rate = 0.5 * config.learning_rate * (1.0 + math.cos(math.pi * iteration / config.iterations))
        edges = [config.n_paths * i // config.minibatches for i in range(config.minibatches + 1)]
        blocks = [slice(config.orders_per_path * i, config.orders_per_path * j) for i, j in pairwise(edges)]
        said = []
        for block in config.epochs * blocks:
            batch = Rollout(*(rows[..., block] for rows in rollout))
            mean, log_std = agent.logits(batch.seen)
            log_ratio = log_density(batch.logits, mean, log_std) - batch.log_density
            moved = kl_estimate(log_ratio.detach())
            if moved > config.max_kl:
                break
            error = value_loss(agent.values(batch.seen, batch.held), batch.targets)
            agent.descend(
                -clipped_objective(log_ratio, batch.advantages, config.clip)
                + config.value_weight * error
                - config.entropy_weight * entropy(log_std),
                learning_rate=rate,
                max_gradient_norm=config.max_gradient_norm,
            )
            said.append(
                torch.stack([moved, clipped_share(log_ratio, config.clip), error, log_std.exp().mean()])
            )
        kl, clipped, squared, std = torch.stack(said).detach().mean(0).tolist()
        unexplained = 2.0 * squared / float(rollout.targets.var())
        return {"kl": kl, "clipped": clipped, "value_error": unexplained, "std": std, "learning_rate": rate}

    def policy(self) -> NetworkPolicy:
        """The mean logit, without exploration."""
        return replace(self.agent.policy(), centered=self.config.centered)

    def tensors(self) -> dict[str, np.ndarray]:
        """Weights and optimizer; all else follows from the seed and the iteration."""
        return self.agent.tensors()

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """The way back from `tensors`."""
        self.agent.restore(tensors)

    def _single(self, array: Array) -> Array:
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    def _noise(self, iteration: int, shape: tuple[int, int]) -> Array:
        rng = np.random.default_rng([*self.noise.generate_state(4), iteration])
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(self.device)
