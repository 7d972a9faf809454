"""Imitation of an ensemble of experts by a flow, and its refinement by what its own orders cost.

First the flow learns the law of what the experts do, each believed according to what it is to be expected to
cost. Then it improves on them: along gradients of the cost of its own orders through the engine, held back by
what the experts taught it, or, where there is no gradient, by imitating the best of its own actions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..analytics.shortfall import BPS
from ..checks import check_count, check_kind
from ..execution.observation import Strategy
from ..execution.problem import ExecutionProblem, execute
from ..execution.scenario import Scenario
from ..market.paths import Array
from .checkpoint import describe
from .demonstrations import Demonstrations, demonstrate
from .expert_selection import expected_cost_to_go, selection_weights
from .features import Features
from .flow_config import FlowConfig
from .flow_matching import flow_matching_loss
from .flow_policy import FlowField, FlowPolicy
from .networks import TrainedPolicy
from .pathwise import controlled_objective
from .training import Monitor, optimizer_tensors, restore_optimizer, train

CALIBRATION_PATHS = 1024
"""Paths on which the scales of the features are measured."""

BURST = 25
"""Steps of Adam in an iteration."""

DESCENT = 10
"""Steps of L-BFGS in a refinement."""

VARIANTS = 8
"""Actions of its own among which a flow is refined by advantage."""

ADVANTAGE_STEPS = 100
"""Steps of Adam in such a refinement."""


def imitate(
    experts: Mapping[str, Strategy],
    scenario: Scenario,
    config: FlowConfig | None = None,
    *,
    seed: int,
    monitor: Monitor | None = None,
) -> TrainedPolicy:
    """A flow that does what `experts` do, each where it is the best, and then better.

    Parameters
    ----------
    experts : mapping of str to Strategy
        Such as `calibrated_experts`, `train_ppo(…).policy`, or any other.
    scenario : Scenario
        Where it is to trade. The market may hide what regime it is in.
    config : FlowConfig, optional
    seed : int
        Decides weights, paths, noise, and so, to the last bit, the result.
    monitor : Monitor, optional
        Checkpoints, TensorBoard, progress.

    Returns
    -------
    TrainedPolicy
        `.policy` is a `FlowPolicy` on numpy; `.history` has, after every 25 steps of matching and after each
        refinement, "matching", the flow-matching loss of a batch, and "objective", the mean over the refining
        paths, in bps of the order's arrival value.

    Raises
    ------
    ValueError
        When an argument breaks its rule or an expert breaks a strategy's, naming it.
    RuntimeError
        When training diverges, naming the iteration.

    Notes
    -----
    After Li and Chen (2025), with targets, refinement and measurements of our own. Pinned by
    `tests/learning/test_imitation.py`.
    """
    config = FlowConfig() if config is None else config
    learner = Imitation(experts, scenario, config, seed=seed)
    identity = {
        "algorithm": "imitation",
        "experts": experts,
        "names": list(experts),  # their order decides which of equals is believed
        "scenario": scenario,
        "config": config,
        "seed": seed,
    }
    return train(learner, learner.iterations, identity=identity, monitor=monitor)


class Imitation:
    """The `Learner` behind `imitate`."""

    def __init__(
        self, experts: Mapping[str, Strategy], scenario: Scenario, config: FlowConfig, *, seed: int
    ) -> None:
        check_kind("scenario", scenario, Scenario)
        check_kind("config", config, FlowConfig)
        check_count("seed", seed, at_least=0)
        check_count("scenario.order.n_steps", scenario.order.n_steps, at_least=2)  # one step leaves no choice
        self.scenario, self.config = scenario, config
        self.weights, self.chance, *rest = np.random.SeedSequence(seed).spawn(5)
        calibration, self.demonstration_seed, self.paths_seed = (
            int(s.generate_state(1, np.uint64)[0]) for s in rest
        )
        sample = scenario.sample(CALIBRATION_PATHS, seed=calibration, threads=1)
        self.bursts = -(-config.matching_steps // BURST)
        self.features = Features.calibrate(sample, config.names)
        shown = demonstrate(
            experts, scenario, self.features, n_paths=config.demonstration_paths,
            schedules=config.schedules, replan_every=config.replan_every, seed=self.demonstration_seed,
        )  # fmt: skip
        self.data = Lesson(shown, config)
        field = FlowField.initial(shown.dimension, len(self.features.names), config.hidden, seed=self.weights)
        self.field = field.map(lambda a: torch.tensor(a, dtype=torch.float32, requires_grad=True))
        self.parameters = self.field.arrays
        self.optimizer = torch.optim.Adam(self.parameters)
        self.flow = FlowPolicy(
            self.field, self.features, config.n_steps, self.data.shift, self.data.scale,
            replan_every=config.replan_every, trained_in=describe(scenario),
        )  # fmt: skip

    @property
    def iterations(self) -> int:
        return self.bursts + self.config.refinements

    def iterate(self, iteration: int) -> dict[str, float]:
        """Match what the experts do, or refine."""
        rng = np.random.default_rng([*self.chance.generate_state(4), iteration])
        refinement = iteration - self.bursts
        if refinement < 0:
            steps = min(BURST, self.config.matching_steps - iteration * BURST)
            self.match(self.data, steps, iteration / self.bursts, rng)
        elif self.config.refinement == "advantage":
            self.imitate_the_best(refinement, rng)
        else:
            self.descend(refinement, rng)
        return self.measure(rng)

    def measure(self, rng: np.random.Generator) -> dict[str, float]:
        """The matching loss of a batch, and what the flow costs as it trades, bps."""
        with torch.no_grad():
            matching = float(self.data.loss(self.field, self.config, rng))
        if not math.isfinite(matching):
            return {"matching": matching}
        problem = self.scenario.sample(self.config.refining_paths, seed=self.paths_seed, threads=1)
        objective = np.mean(controlled_objective(execute(self.policy(), problem), self.scenario))
        return {"matching": matching, "objective": float(objective) * to_bps(problem)}

    def match(self, lesson: Lesson, steps: int, progress: float, rng: np.random.Generator) -> None:
        """Steps of Adam on the flow-matching loss."""
        rate = 0.5 * self.config.learning_rate * (1.0 + math.cos(math.pi * progress))
        self.optimizer.param_groups[0]["lr"] = rate
        for _ in range(steps):
            loss = lesson.loss(self.field, self.config, rng)
            if not bool(torch.isfinite(loss)):
                return  # `measure` says so
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def descend(self, refinement: int, rng: np.random.Generator) -> None:
        """Steps of L-BFGS on the cost of the flow's own orders, and on the matching loss as far as it counts.

        The paths and the noise are the same in all refinements, so that these are one descent. On half of the
        paths the noise is 0, as where the flow trades, on the others it is drawn: the whole law improves.
        """
        config, n = self.config, self.config.refining_paths
        problem = self.scenario.sample(n, seed=self.paths_seed, threads=1).to_torch()
        drawn = np.random.default_rng(self.paths_seed).standard_normal((self.field.dimension, n))
        drawn[:, : n // 2] = 0.0
        flow = replace(self.flow, noise=torch.from_numpy(drawn))
        in_bps = to_bps(problem)
        optimizer = torch.optim.LBFGS(
            self.parameters,
            max_iter=DESCENT,
            history_size=DESCENT,
            tolerance_grad=1e-9,
            tolerance_change=1e-12,
            line_search_fn="strong_wolfe",
        )
        sampled = rng.bit_generator.state

        def closure() -> Any:
            optimizer.zero_grad()
            rng.bit_generator.state = sampled  # the same batch in each evaluation
            cost = controlled_objective(execute(flow, problem), self.scenario).mean() * in_bps
            loss = cost + config.imitation(refinement) * self.data.loss(self.field, config, rng)
            loss.backward()
            return loss

        optimizer.step(closure)

    def imitate_the_best(self, refinement: int, rng: np.random.Generator) -> None:
        """Match variants of the flow's own actions, each believed according to what it leads to.

        Weights exp(A/T) of the advantage A, as in advantage-weighted regression (Peng et al. 2019).
        """
        noises = np.concatenate(
            [np.zeros((1, self.field.dimension)), rng.standard_normal((VARIANTS - 1, self.field.dimension))]
        )
        flow = self.policy()
        variants = {f"variant {i}": replace(flow, noise=noise) for i, noise in enumerate(noises)}
        shown = demonstrate(
            variants, self.scenario, self.features, n_paths=self.config.refining_paths,
            schedules=self.config.schedules, replan_every=self.config.replan_every,
            seed=int(rng.integers(2**63)),
        )  # fmt: skip
        lesson = Lesson(shown, self.config, self.data.shift, self.data.scale)
        progress = refinement / self.config.refinements
        self.match(lesson, ADVANTAGE_STEPS, 0.5 + 0.5 * progress, rng)

    def policy(self) -> FlowPolicy:
        """The flow on numpy, in double precision."""
        return self.flow.map(lambda a: a.detach().double().numpy())

    def tensors(self) -> dict[str, np.ndarray]:
        """Weights and optimizer; all else follows from the seed and the iteration."""
        arrays = {f"parameter.{i}": p.detach().numpy().copy() for i, p in enumerate(self.parameters)}
        return arrays | optimizer_tensors(self.optimizer)

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """The way back from `tensors`."""
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters):
                parameter.copy_(torch.tensor(tensors[f"parameter.{i}"]))
        if len(tensors) > len(self.parameters):  # no step of Adam, no state
            restore_optimizer(self.optimizer, tensors)


def to_bps(problem: ExecutionProblem) -> float:
    """What makes bps of the arrival value of currency."""
    return BPS / (problem.order.shares * float(problem.paths.mid[0].mean()))


class Lesson:
    """Demonstrations as a law to be matched: each expert as likely as it is believed.

    Parameters
    ----------
    shown : Demonstrations
    config : FlowConfig
    shift, scale : tuple of float, optional
        What makes data of logits, x_1 = (z − shift)/scale; by default to mean 0 and variance 1.
    """

    def __init__(
        self,
        shown: Demonstrations,
        config: FlowConfig,
        shift: tuple[float, ...] | None = None,
        scale: tuple[float, ...] | None = None,
    ) -> None:
        cost = expected_cost_to_go(shown) if config.foresight else shown.cost_to_go
        believed = selection_weights(cost / np.maximum(shown.held, 1e-6), config.temperature)
        mean = np.einsum("es,eds->d", believed, shown.logits) / shown.held.size
        variance = np.einsum("es,eds->d", believed, (shown.logits - mean[:, None]) ** 2) / shown.held.size
        self.shift = tuple(mean.tolist()) if shift is None else shift
        self.scale = tuple(np.sqrt(np.maximum(variance, 1e-6)).tolist()) if scale is None else scale
        data = (shown.logits - np.array(self.shift)[:, None]) / np.array(self.scale)[:, None]
        self.conditions = torch.tensor(shown.conditions, dtype=torch.float32)
        self.x_1 = torch.tensor(data, dtype=torch.float32)
        self.cumulative = torch.tensor(believed.cumsum(axis=0), dtype=torch.float32)

    def loss(self, field: FlowField, config: FlowConfig, rng: np.random.Generator) -> Array:
        """The flow-matching loss of a batch drawn by `rng`."""
        n, experts = config.batch, len(self.cumulative)
        sample = torch.from_numpy(rng.integers(self.conditions.shape[1], size=n))
        level, t = torch.from_numpy(rng.random((2, n), dtype=np.float32))
        expert = (self.cumulative[:, sample] <= level).sum(0).clamp(max=experts - 1)  # never one of weight 0
        x_1 = self.x_1[expert, :, sample].T
        x_0 = torch.from_numpy(rng.standard_normal(x_1.shape, dtype=np.float32))
        velocity = field.given(self.conditions[:, sample])
        return flow_matching_loss(lambda x, t: velocity(x, t, 0.0 * t), x_0, x_1, t, config.path)
