"""The second route to the optimum: descent on the objective itself, along gradients through the engine.

All randomness is in the paths, and `ExecutionProblem.step` is differentiable in the shares traded. So the
gradient of a path's cost in a strategy's parameters is exact (the pathwise derivative of Glasserman 2003,
section 7.2), and the mean over a fixed sample of paths is a function like any other, whose minimum tends to
the optimum as the sample grows (sample average approximation; Shapiro, Dentcheva and Ruszczyński 2009,
chapter 5). L-BFGS (Liu and Nocedal 1989) finds it in a hundred steps, without a learning rate. Nothing of the
dynamic programme is used, and neither convexity nor a Markov state is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..analytics.drift import conditional_drift, martingale_part
from ..analytics.shortfall import shortfall
from ..checks import check_count, check_kind, check_widths
from ..execution.observation import Observation, Strategy
from ..execution.problem import Execution, ExecutionProblem, execute
from ..execution.scenario import Scenario
from ..market.paths import Array
from ..strategies.schedules import TWAP, Schedule
from .features import Features
from .networks import Network, NetworkPolicy, TrainedPolicy, fraction_of_remaining
from .training import one_thread


@dataclass(frozen=True)
class PathwiseConfig:
    """Settings of `train_policy`.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    n_paths : int
        Paths of the sample. The regret of having seen no others falls as 1/n_paths; memory grows by 5 KB for
        each path and step.
    iterations : int
        At most so many steps of L-BFGS.
    """

    hidden: tuple[int, ...] = (16, 16)
    n_paths: int = 4096
    iterations: int = 100

    def __post_init__(self) -> None:
        check_widths("hidden", self.hidden)
        check_count("n_paths", self.n_paths)
        check_count("iterations", self.iterations)


def train_policy(scenario: Scenario, config: PathwiseConfig | None = None, *, seed: int) -> TrainedPolicy:
    """The `NetworkPolicy` of least objective, found from TWAP on.

    Parameters
    ----------
    scenario : Scenario
        Any market, any impact. What the policy does not see, such as a transient displacement, it cannot use.
    config : PathwiseConfig, optional
    seed : int
        Decides the first weights and the paths, and so, to the last bit, the result.

    Returns
    -------
    TrainedPolicy
        `.policy` runs on numpy; `.history["loss"]` is the objective on the sample at each evaluation, those
        of the line searches included, in units of TWAP's.

    Notes
    -----
    At the default settings, a few seconds, the policy is 0.002 % above the dynamic programme where the
    variance moves, and 0.1 % where a signal makes it wait and hurry. Pinned by
    `tests/learning/test_pathwise.py`.
    """
    config = PathwiseConfig() if config is None else config
    check_kind("config", config, PathwiseConfig)
    problem, weights_seed = _sample(scenario, config.n_paths, seed)
    features = Features.calibrate(problem, _shown(problem))
    sizes = (len(features.names), *config.hidden, 1)
    network = Network.initial(sizes, seed=weights_seed).map(_parameter)
    parameters = [*network.weights, *network.biases]
    policy = NetworkPolicy(network, features)
    history = _descend(policy, parameters, scenario, problem, iterations=config.iterations)
    return TrainedPolicy(NetworkPolicy(network.map(_numpy), features), history)


def optimize_schedule(
    scenario: Scenario, *, n_paths: int = 4096, iterations: int = 100, seed: int
) -> TrainedPolicy:
    """The `Schedule` of least objective, found from TWAP on. Arguments and result as in `train_policy`.

    One logit a step, see `fraction_of_remaining`. Only the sample's mean variance and mean moves matter to a
    schedule: where they are constant, a single path gives the optimum exactly.

    Notes
    -----
    Pinned by `tests/learning/test_pathwise.py`, against the static optimum and under transient impact.
    """
    check_count("iterations", iterations)
    problem, _ = _sample(scenario, n_paths, seed)
    n_steps = scenario.order.n_steps
    logits = _parameter(np.zeros(n_steps))
    history = _descend(_LogitSchedule(logits), [logits], scenario, problem, iterations=iterations)
    weights, left = [], 1.0
    for k, logit in enumerate(_numpy(logits)):
        weights.append(left * float(fraction_of_remaining(logit, n_steps - k)))
        left -= weights[-1]
    return TrainedPolicy(Schedule(tuple(weights)), history)


def controlled_objective(execution: Execution, scenario: Scenario) -> Array:
    """Shortfall + λ risk of each path, less its martingale part s Σ x_{k+1} (S_{k+1} − S_k − m_k), [path].

    m_k = E[S_{k+1} − S_k | F_k] is the `conditional_drift`. The mean stays that of the objective; the
    noise of the price, which a policy would otherwise learn by heart, is gone, and only that of the variance
    and the signal is left.

    Notes
    -----
    Pinned by `tests/learning/test_pathwise.py`.
    """
    cost = shortfall(execution)
    drift = conditional_drift(scenario.market, execution.problem.paths)
    return cost.total - martingale_part(cost, drift) + scenario.risk_aversion * execution.risk


def _sample(scenario: Scenario, n_paths: int, seed: int) -> tuple[ExecutionProblem, np.random.SeedSequence]:
    """The paths to learn from and the seed of the weights; `evaluate` at the same `seed` has other paths."""
    check_kind("scenario", scenario, Scenario)
    check_count("scenario.order.n_steps", scenario.order.n_steps, at_least=2)  # one step leaves no choice
    check_count("n_paths", n_paths)
    check_count("seed", seed, at_least=0)
    paths, weights = np.random.SeedSequence(seed).spawn(2)
    paths_seed = int(paths.generate_state(1, np.uint64)[0])
    return scenario.sample(n_paths, seed=paths_seed, threads=1), weights


def _shown(problem: ExecutionProblem) -> list[str]:
    """The state, as far as it moves; past prices say no more where the price is noise around its drift."""
    signal = problem.paths.signal
    shown = {"volatility": problem.observed_variance, "signal": 0.0 if signal is None else signal}
    return ["time", "inventory", *(name for name, values in shown.items() if np.any(values))]


def _descend(
    strategy: Strategy,
    parameters: list[Any],
    scenario: Scenario,
    problem: ExecutionProblem,
    *,
    iterations: int,
) -> dict[str, np.ndarray]:
    """Move `parameters`, tensors of `strategy`, in place to where the mean objective is least."""
    unit = abs(float(np.mean(controlled_objective(execute(TWAP(), problem), scenario)))) or 1.0
    tensors = problem.to_torch()
    losses: list[float] = []
    optimizer = torch.optim.LBFGS(
        parameters,
        max_iter=iterations,
        history_size=iterations,
        tolerance_grad=1e-9,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def evaluation() -> Any:
        optimizer.zero_grad()
        loss = controlled_objective(execute(strategy, tensors), scenario).mean() / unit
        if not bool(torch.isfinite(loss)):
            raise RuntimeError(f"the objective is {loss.item()} in evaluation {len(losses)}")
        loss.backward()
        losses.append(loss.item())
        return loss

    with one_thread():  # the bits must not depend on the machine
        optimizer.step(evaluation)
    return {"loss": np.array(losses)}


@dataclass(frozen=True, eq=False)
class _LogitSchedule:
    """A schedule as a tensor of logits [step]."""

    logits: Any

    def trade(self, observation: Observation) -> Array:
        logit = self.logits[observation.step]
        return observation.inventory * fraction_of_remaining(logit, observation.steps_remaining)


def _parameter(array: np.ndarray) -> Any:
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def _numpy(parameter: Any) -> np.ndarray:
    numbers: np.ndarray = parameter.detach().numpy()
    return numbers
