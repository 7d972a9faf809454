"""Distillation of a flow of many steps to one of a few, by any of three methods."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from ..checks import check_choice, check_count, check_kind
from ..execution.observation import Observation, Strategy
from ..execution.problem import execute
from ..execution.scenario import Scenario
from ..market.paths import Array
from .checkpoint import describe, first_difference
from .distillation_losses import LOSSES, Batch
from .flow_config import DistillationConfig
from .flow_matching import trajectory
from .flow_policy import FlowPolicy
from .imitation import imitate, to_bps
from .networks import NetworkPolicy, TrainedPolicy, fraction_of_remaining
from .pathwise import controlled_objective
from .training import Monitor, optimizer_tensors, restore_optimizer, train

BURST = 25
"""Steps of Adam in an iteration."""

COST_PATHS = 256
"""Paths on which a student's own cost is measured in each step."""


def distill(
    teacher: Strategy,
    scenario: Scenario,
    config: DistillationConfig | None = None,
    *,
    n_steps: int,
    method: str,
    seed: int,
    monitor: Monitor | None = None,
) -> TrainedPolicy:
    """A student that does in `n_steps` steps what `teacher` does in many.

    Parameters
    ----------
    teacher : FlowPolicy or other Strategy
        A strategy that is no flow, such as that of `train_ppo`, is first imitated by one that looks at the
        same features.
    scenario : Scenario
        Where the teacher was trained.
    config : DistillationConfig, optional
    n_steps : int
        1 to 5.
    method : {"progressive", "shortcut", "meanflow"}
        See `progressive_loss`, `shortcut_loss` and `mean_flow_loss`.
    seed : int
    monitor : Monitor, optional

    Returns
    -------
    TrainedPolicy
        `.policy` is a `FlowPolicy` that jumps; `.history["loss"]` is the loss of the method at
        the end of each iteration.

    Raises
    ------
    ValueError
        When an argument breaks its rule, or the teacher jumps itself, or says that it was trained in another
        scenario, with the first difference.

    Notes
    -----
    Pinned by `tests/learning/test_distillation.py`.
    """
    config = DistillationConfig() if config is None else config
    check_kind("config", config, DistillationConfig)
    check_kind("scenario", scenario, Scenario)
    check_count("scenario.order.n_steps", scenario.order.n_steps, at_least=2)  # one step leaves no choice
    check_kind("teacher", teacher, Strategy)
    check_count("n_steps", n_steps)
    if n_steps > 5:
        raise ValueError(f"`n_steps` must be at most 5, got {n_steps}")
    check_choice("method", method, tuple(LOSSES))
    check_count("seed", seed, at_least=0)
    flow: Any = teacher
    if not isinstance(teacher, FlowPolicy):
        imitation = config.imitation
        if imitation.features is None and isinstance(teacher, NetworkPolicy):
            imitation = replace(imitation, features=teacher.features.names)
        flow = imitate({"teacher": teacher}, scenario, imitation, seed=seed).policy
    if flow.jumps:
        raise ValueError("`teacher` must be a flow of velocities, got one that jumps")
    if flow.trained_in is not None:
        other = first_difference(flow.trained_in, describe(scenario), "scenario")
        if other:
            raise ValueError(f"`teacher` must have been trained in this `scenario`: {other}")
    learner = Distillation(flow, scenario, config, n_steps=n_steps, method=method, seed=seed)
    identity = {
        "algorithm": f"distillation, {method}",
        "teacher": flow,
        "scenario": scenario,
        "config": config,
        "n_steps": n_steps,
        "seed": seed,
    }
    return train(learner, learner.iterations, identity=identity, monitor=monitor)


class Distillation:
    """The `Learner` behind `distill`."""

    def __init__(
        self,
        teacher: FlowPolicy,
        scenario: Scenario,
        config: DistillationConfig,
        *,
        n_steps: int,
        method: str,
        seed: int,
    ) -> None:
        self.teacher, self.scenario, self.config = teacher, scenario, config
        self.loss = LOSSES[method]
        self.chance, chance, *paths = np.random.SeedSequence(seed).spawn(4)
        walk_seed, self.cost_seed = (int(s.generate_state(1, np.uint64)[0]) for s in paths)
        walk = _Shaken(teacher, config.shake, np.random.default_rng(chance))
        execute(walk, scenario.sample(config.n_paths, seed=walk_seed, threads=1))
        seen = walk.seen[: -1 : teacher.decides_every]  # the last step decides nothing
        self.conditions = torch.tensor(np.concatenate(seen, axis=1), dtype=torch.float32)
        self.velocity = teacher.field.map(lambda a: torch.tensor(a, dtype=torch.float32))
        self.field = teacher.field.map(lambda a: torch.tensor(a, dtype=torch.float32, requires_grad=True))
        self.previous = self.velocity
        self.student = replace(teacher, field=self.field, n_steps=n_steps, jumps=True, method="euler")
        self.optimizer = torch.optim.Adam(self.field.arrays)
        halvings = max(0, math.ceil(math.log2(config.finest / n_steps)))
        self.steps = tuple(n_steps * 2**i for i in range(halvings, -1, -1))
        if method == "progressive" and self.iterations < len(self.steps):
            raise ValueError(
                f"`config.steps` must be at least {BURST} for each of the {len(self.steps)} generations, "
                f"got {config.steps}"
            )

    @property
    def iterations(self) -> int:
        return -(-self.config.steps // BURST)

    def iterate(self, iteration: int) -> dict[str, float]:
        """Steps of Adam; a new generation looks up to the one before."""
        config = self.config
        rng = np.random.default_rng([*self.chance.generate_state(4), iteration])
        generation = iteration * len(self.steps) // self.iterations
        if generation > (iteration - 1) * len(self.steps) // self.iterations and generation > 0:
            self.previous = self.field.map(lambda a: a.detach().clone())
        progress = iteration / self.iterations
        self.optimizer.param_groups[0]["lr"] = (
            0.5 * config.learning_rate * (1.0 + math.cos(math.pi * progress))
        )
        for _ in range(min(BURST, config.steps - iteration * BURST)):
            loss = self.loss(self.batch(generation, rng))
            total = loss + (config.cost_weight * self.cost(rng) if config.cost_weight else 0.0)
            if not bool(torch.isfinite(total)):
                return {"loss": float(total.detach())}
            self.optimizer.zero_grad()
            total.backward()
            self.optimizer.step()
        return {"loss": float(loss.detach())}

    def batch(self, generation: int, rng: np.random.Generator) -> Batch:
        """Roads of the teacher's, in states that it comes to; from 0, where it trades, and from noise."""
        sample = torch.from_numpy(rng.integers(self.conditions.shape[1], size=self.config.batch))
        condition = self.conditions[:, sample]
        velocity = self.velocity.given(condition)
        noise = rng.standard_normal((self.field.dimension, self.config.batch), dtype=np.float32)
        noise[:, : self.config.batch // 2] = 0.0
        with torch.no_grad():
            start = torch.from_numpy(noise)
            road = trajectory(lambda x, t: velocity(x, t, 0.0 * t), start, self.config.finest)
        return Batch(
            student=self.field.given(condition),
            velocity=lambda x, t, h: velocity(x, t, 0.0 * h),
            previous=self.previous.given(condition)
            if generation
            else lambda x, t, h: velocity(x, t, 0.0 * h),
            road=torch.stack(road),
            generation=generation,
            steps=self.steps,
            velocity_share=self.config.velocity_share,
            rng=rng,
        )

    def cost(self, rng: np.random.Generator) -> Array:
        """Mean objective of the student's own orders on fresh paths, bps of the order's arrival value."""
        first = COST_PATHS * int(rng.integers(2**31))
        problem = self.scenario.sample(COST_PATHS, seed=self.cost_seed, first_path=first, threads=1)
        cost = controlled_objective(execute(self.student, problem.to_torch()), self.scenario).mean()
        return cost * to_bps(problem)

    def policy(self) -> FlowPolicy:
        """The student on numpy, in double precision."""
        return self.student.map(lambda a: a.detach().double().numpy())

    def tensors(self) -> dict[str, np.ndarray]:
        """The student, the generation before, the optimizer; all else follows from seed and iteration."""
        fields = {"student": self.field, "previous": self.previous}
        arrays = {
            f"{name}.{i}": a.detach().numpy().copy()
            for name, f in fields.items()
            for i, a in enumerate(f.arrays)
        }
        return arrays | optimizer_tensors(self.optimizer)

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """The way back from `tensors`."""
        with torch.no_grad():
            for i, parameter in enumerate(self.field.arrays):
                parameter.copy_(torch.tensor(tensors[f"student.{i}"]))
        layers = iter(range(len(self.field.arrays)))
        self.previous = self.field.map(lambda a: torch.tensor(tensors[f"previous.{next(layers)}"]))
        restore_optimizer(self.optimizer, tensors)


@dataclass(frozen=True, eq=False)
class _Shaken:
    """The teacher, not quite as it would, and what it saw."""

    teacher: FlowPolicy
    shake: float
    rng: np.random.Generator
    seen: list[np.ndarray] = field(default_factory=list)

    def trade(self, observation: Observation) -> Array:
        self.seen.append(self.teacher.features(observation))
        logit = self.teacher.logits(observation)
        scale = self.teacher.scale[observation.step % self.teacher.decides_every]
        noise = self.shake * scale * self.rng.standard_normal(logit.size)
        return observation.inventory * fraction_of_remaining(logit + noise, observation.steps_remaining)
