"""What experts do and what it leads to: the data that an imitator learns from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..analytics.shortfall import BPS
from ..checks import check_count, check_flag, check_kind, check_real
from ..execution.observation import Observation, Strategy
from ..execution.problem import Execution, ExecutionProblem, execute
from ..execution.scenario import Scenario
from ..market.paths import Array
from .features import Features
from .networks import fraction_of_remaining
from .pathwise import controlled_objective

LARGEST_LOGIT = 8.0
"""Beyond it, less than a thousandth of TWAP's share is traded, or all but that; experts are cut there."""


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """States, what each expert does there, and what follows if it goes on.

    Attributes
    ----------
    experts : tuple of str
    features : Features
    conditions : array [feature, sample]
        What was seen.
    logits : array [expert, dimension, sample]
        What each expert does: of its next part of what is left (dimension 1), or of those of all the steps to
        come; 0 after the last, and where nothing is left.
    cost_to_go : array [expert, sample]
        Objective of the expert from here on, less the mean over the experts, bps of the arrival value.
    held : array [sample]
        Part of the order that is left.
    step : array [sample]

    Raises
    ------
    ValueError
        When an array has another shape, or holds what is no finite number, naming array, expert and sample.

    Notes
    -----
    Pinned by `tests/learning/test_demonstrations.py`.
    """

    experts: tuple[str, ...]
    features: Features
    conditions: np.ndarray
    logits: np.ndarray
    cost_to_go: np.ndarray
    held: np.ndarray
    step: np.ndarray

    def __post_init__(self) -> None:
        experts, samples = len(self.experts), self.held.size
        if self.logits.ndim != 3:
            raise ValueError(
                f"`logits` must be an array [expert, dimension, sample], got {self.logits.shape}"
            )
        shapes = {
            "conditions": (len(self.features.names), samples),
            "logits": (experts, self.dimension, samples),
            "cost_to_go": (experts, samples),
            "held": (samples,),
            "step": (samples,),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"`{name}` must have shape {shape}, got {array.shape}")
            if not np.isfinite(array).all():
                *row, sample = (int(i) for i in np.argwhere(~np.isfinite(array))[0])
                whose = self.features.names if name == "conditions" else self.experts
                of = f" of {whose[row[0]]!r}" if row else ""
                raise ValueError(
                    f"`{name}` must be finite, got {array[(*row, sample)]}{of} in sample {sample}"
                )

    @property
    def dimension(self) -> int:
        return int(self.logits.shape[1])


def demonstrate(
    experts: Mapping[str, Strategy],
    scenario: Scenario,
    features: Features,
    *,
    n_paths: int,
    schedules: bool = False,
    replan_every: int | None = None,
    shake: float = 0.3,
    seed: int,
) -> Demonstrations:
    """Let `experts` show what they do in states that they or others of them have led to.

    On each path an expert drawn at random trades, its logits shaken by noise, so that the states cover what
    an imitator that errs may come to (as in DAgger; Ross, Gordon and Bagnell 2011). From every state of every
    path each expert goes on alone: all meet the same market, so their costs to go compare without its noise.

    Parameters
    ----------
    experts : mapping of str to Strategy
    scenario : Scenario
    features : Features
    n_paths : int
    schedules : bool
        Whether the experts show all that they have in mind to trade instead of the next trade.
    replan_every : int, optional
        Steps between two such shows; by default there is one, on arrival.
    shake : float
        Standard deviation of the noise in the logits that are traded.
    seed : int

    Raises
    ------
    ValueError
        When an expert is no strategy, or breaks a strategy's rules, naming it.

    Notes
    -----
    Pinned by `tests/learning/test_demonstrations.py`.
    """
    check_kind("scenario", scenario, Scenario)
    check_kind("features", features, Features)
    check_count("n_paths", n_paths)
    check_flag("schedules", schedules)
    if replan_every is not None:
        check_count("replan_every", replan_every)
    check_real("shake", shake, at_least=0)
    check_count("seed", seed, at_least=0)
    check_count("scenario.order.n_steps", scenario.order.n_steps, at_least=2)  # one step leaves no choice
    if not isinstance(experts, Mapping) or not experts:
        raise ValueError(f"`experts` must map names to strategies, at least one, got {experts!r}")
    for name, expert in experts.items():
        check_kind(f"experts[{name!r}]", expert, Strategy)
    paths_seed, chance = np.random.SeedSequence(seed).spawn(2)
    problem = scenario.sample(n_paths, seed=int(paths_seed.generate_state(1, np.uint64)[0]), threads=1)
    rng = np.random.default_rng(chance)
    for name, expert in experts.items():
        _run(name, expert, problem)
    walk = _Shaken(experts, rng.integers(len(experts), size=n_paths), shake, rng, features)
    walked = execute(walk, problem)
    steps = problem.order.n_steps
    dimension = steps if schedules else 1
    to_bps = BPS / (problem.order.shares * problem.paths.mid[0])
    starts = range(0, steps - 1, (replan_every or steps) if schedules else 1)
    logits, costs = [], []
    for start in starts:
        runs = [_run(name, _GoOn(name, expert, walked, start), problem) for name, expert in experts.items()]
        logits.append([_logits(run, start, dimension) for run in runs])
        cost = np.array([controlled_objective(run, scenario) * to_bps for run in runs])
        costs.append(cost - cost.mean(axis=0))
    held = walked.inventory[list(starts)] / problem.order.shares
    return Demonstrations(
        tuple(experts),
        features,
        np.concatenate([walk.seen[start] for start in starts], axis=1),
        np.concatenate(logits, axis=2),
        np.concatenate(costs, axis=1),
        held.ravel(),
        np.repeat(starts, n_paths),
    )


def logit_of_fraction(fraction: Array, steps_remaining: int) -> Array:
    """z of which `fraction_of_remaining` makes `fraction`, within ±`LARGEST_LOGIT`; 0 in the last step."""
    if steps_remaining == 1:
        return 0.0 * fraction
    odds = (steps_remaining - 1) * fraction / np.maximum(1.0 - fraction, 1e-300)
    logit: np.ndarray = np.log(np.clip(odds, math.exp(-LARGEST_LOGIT), math.exp(LARGEST_LOGIT)))
    return logit


@dataclass(frozen=True, eq=False)
class _Shaken:
    """Each path is traded by one of the experts, not quite as it would."""

    experts: Mapping[str, Strategy]
    which: np.ndarray
    shake: float
    rng: np.random.Generator
    features: Features
    seen: list[np.ndarray] = field(default_factory=list)

    def trade(self, observation: Observation) -> Array:
        self.seen.append(self.features(observation))
        shares = np.array([_ask(name, expert, observation) for name, expert in self.experts.items()])
        own = shares[self.which, np.arange(self.which.size)]
        left, steps = observation.inventory, observation.steps_remaining
        logit = logit_of_fraction(np.divide(own, left, out=0.0 * own, where=left > 0), steps)
        shaken = logit + self.shake * self.rng.standard_normal(left.size)
        return left * fraction_of_remaining(shaken, steps)


@dataclass(frozen=True, eq=False)
class _GoOn:
    """`walked` before the step `start`, and `expert` from then on."""

    name: str
    expert: Strategy
    walked: Execution
    start: int

    def trade(self, observation: Observation) -> Array:
        if observation.step < self.start:
            return self.walked.shares[observation.step]
        return _ask(self.name, self.expert, observation)


def _ask(name: str, expert: Strategy, observation: Observation) -> Array:
    shares = expert.trade(observation)
    if not bool((shares >= 0).all()):  # false for NaN as well
        worst = shares[~(shares >= 0)][0]
        raise ValueError(f"`experts[{name!r}]` trades {worst} shares in step {observation.step}")
    return shares


def _run(name: str, strategy: Strategy, problem: ExecutionProblem) -> Execution:
    try:
        return execute(strategy, problem)
    except ValueError as error:
        raise ValueError(f"`experts[{name!r}]` breaks the rules of a strategy: {error}") from error


def _logits(run: Execution, start: int, dimension: int) -> np.ndarray:
    """What was done from `start` on, [dimension, path]."""
    steps = run.problem.order.n_steps
    rows = np.zeros((dimension, run.shares.shape[1]))
    for j in range(min(dimension, steps - start)):
        left, traded = run.inventory[start + j], run.shares[start + j]
        held = left > 0
        rows[j, held] = logit_of_fraction(traded[held] / left[held], steps - start - j)
    return rows
