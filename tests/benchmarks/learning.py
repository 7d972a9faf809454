"""The learning environment's speed, and how soon PPO is near the optimum: ours, and Stable-Baselines3's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from flowexec import Strategy, book_scenario, execute, solve_optimal
from flowexec.execution.observation import Observation
from flowexec.learning import (
    Environment,
    Features,
    Logits,
    Monitor,
    PPOConfig,
    controlled_objective,
    train_ppo,
)
from flowexec.market.paths import Array

from .race import Race, announce, ratios, times
from .timing import Figure, take_turns

SCENARIO = book_scenario("HH")
CALIBRATION_PATHS = 4096
LEVELS = (1.0, 0.1)
"""Regrets in % of the optimum's objective; the best static schedule has 0.94."""
VALIDATION_PATHS, VALIDATION_SEED = 4096, 80_441
SEEDS = range(7)
WARM_UP = 1.0
"""Processor seconds for each contender before the race."""
FASTEST = PPOConfig(n_paths=16, epochs=2, minibatches=2, learning_rate=1e-2, max_kl=0.1)
"""Among the first of about fifty settings to reach 1 %, median over seeds 900 to 910. `PPOConfig()` is for
the regret in the end, on markets with a signal too."""


@dataclass(frozen=True)
class Baselines:
    """Settings of Stable-Baselines3's PPO and of the environments it plays in."""

    num_envs: int = 1
    rewards_of_unit_variance: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


BASELINES_BEST = Baselines(
    num_envs=64,
    rewards_of_unit_variance=True,
    settings={
        "n_steps": SCENARIO.order.n_steps,
        "batch_size": 64 * SCENARIO.order.n_steps,
        "n_epochs": 4,
        "learning_rate": 1e-2,
        "gamma": 1.0,
        "gae_lambda": 1.0,
        "policy_kwargs": {"net_arch": {"pi": [32, 32], "vf": [32, 32]}, "log_std_init": math.log(2.0)},
    },
)
"""The first of about sixty settings to reach 1 %, median over seeds 900 to 910: 32 to 1,024 orders at once,
minibatches of 208 to 8,192, 2 to 10 epochs, learning rates of 0.001 to 0.02, wider and narrower networks,
more and less exploration, with and without a limit on the divergence. 1,024 orders at once took ten times as
long."""


def run_environment(rounds: int) -> tuple[str, list[Figure]]:
    """Steps of orders a second: paths are drawn and actions chosen beforehand."""
    environment = _environment(seed=0)
    n_steps, sizes = SCENARIO.order.n_steps, (1, 1_000, 10_000)

    def play(n_orders: int, look: bool) -> Callable[[], object]:
        start = environment.start(SCENARIO.sample(n_orders, seed=1))
        actions = np.random.default_rng(2).standard_normal((n_steps, n_orders))

        def episode() -> object:
            now = start
            for action in actions:
                if look:
                    environment.observe(now)
                now, reward = environment.step(now, action)
            return reward

        return episode

    contenders = {
        f"{'observe and ' if look else ''}step, {n:,} orders": (play(n, look), float(n * n_steps))
        for n in sizes
        for look in (False, True)
    }
    figures = []
    for name, timing in take_turns(contenders, rounds).items():
        best, middle = 1e-6 / timing.best, 1e-6 / timing.median
        goal = f"{sizes[-1]:,}" in name
        figures.append(
            Figure(
                f"{name}, M steps/s",
                f"{best:.3g}",
                f"{middle:.3g}",
                "≥ 10" if goal else "",
                best >= 10 if goal else None,
            )
        )
    return "Learning environment, random actions, one thread", figures


class _Over(Exception):
    """Ends a training of ours."""


def run_ours(config: PPOConfig, race: Race, seed: int) -> None:
    """`train_ppo`, watched after each iteration."""
    played = config.n_paths * config.orders_per_path

    def look(iteration: int, policy: Strategy) -> None:
        if race.over(policy, iteration * played):
            raise _Over

    try:
        train_ppo(SCENARIO, config, seed=seed, monitor=Monitor(on_iteration=look))
    except _Over:
        return


def run_baselines(baselines: Baselines, race: Race, seed: int) -> None:
    """Stable-Baselines3's PPO in the same environment, watched before each rollout."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecNormalize

    from flowexec.learning.stable_baselines import StableBaselinesEnv

    environment = _environment(seed=1_000_000 + seed)

    class Watch(BaseCallback):
        over = False

        def _on_rollout_start(self) -> None:
            policy = _Mean(self.model, environment)
            self.over = race.over(policy, self.num_timesteps // SCENARIO.order.n_steps)

        def _on_step(self) -> bool:
            return not self.over

    orders: Any = StableBaselinesEnv(environment, baselines.num_envs, seed=seed)
    if baselines.rewards_of_unit_variance:
        orders = VecNormalize(orders, norm_obs=False, gamma=1.0)
    model = PPO("MlpPolicy", orders, seed=seed, device="cpu", **baselines.settings)
    model.learn(10**12, callback=Watch())


@dataclass(frozen=True)
class _Mean:
    """The mean action of a model, as a strategy."""

    model: Any
    environment: Environment

    def trade(self, observation: Observation) -> Array:
        seen = self.environment.features(observation).T.astype(np.float32)
        logits, _ = self.model.predict(seen, deterministic=True)
        return self.environment.actions.shares(logits[:, 0].astype(float), observation)


def _environment(*, seed: int) -> Environment:
    """What all learn in, as `train_ppo` makes it."""
    return Environment(SCENARIO, Features.calibrate(SCENARIO.sample(CALIBRATION_PATHS, seed=seed)), Logits())


OURS, OURS_FASTEST, THEIRS, THEIRS_BEST = (
    "train_ppo, defaults",
    "train_ppo, fastest settings",
    "Stable-Baselines3, defaults",
    "Stable-Baselines3, best settings",
)
Contender = tuple[Callable[[Race, int], None], Sequence[float]]
CONTENDERS: dict[str, Contender] = {
    OURS: (lambda race, seed: run_ours(PPOConfig(), race, seed), LEVELS),
    OURS_FASTEST: (lambda race, seed: run_ours(FASTEST, race, seed), LEVELS),
    THEIRS_BEST: (lambda race, seed: run_baselines(BASELINES_BEST, race, seed), LEVELS),
    THEIRS: (lambda race, seed: run_baselines(Baselines(), race, seed), LEVELS[:1]),
}
RATIOS = (
    (LEVELS[0], OURS, THEIRS, 20.0),
    (LEVELS[0], OURS_FASTEST, THEIRS_BEST, 1.5),
    (LEVELS[0], OURS, THEIRS_BEST, None),
    (LEVELS[1], OURS_FASTEST, THEIRS_BEST, None),
    (LEVELS[1], OURS, THEIRS_BEST, None),
)


def run_race(limit: float) -> Iterator[str]:
    """All contenders with each seed in turn, until the last level or `limit` seconds of processor time.

    Each on one thread, which suits networks as small as these: a second one made Stable-Baselines3 no
    faster, and on a machine with other work far slower.
    """
    optimum = solve_optimal(SCENARIO)
    problem = SCENARIO.sample(VALIDATION_PATHS, seed=VALIDATION_SEED)
    least = controlled_objective(execute(optimum, problem), SCENARIO)

    def regret(strategy: Strategy) -> float:
        ours = controlled_objective(execute(strategy, problem), SCENARIO)
        return float(100 * np.mean(ours - least) / optimum.value)

    torch.set_num_threads(1)
    for run, _ in CONTENDERS.values():  # what is compiled or loaded at first is nobody's time
        run(Race(regret, (0.0,), WARM_UP), 999)
    races: dict[str, list[Race]] = {name: [] for name in CONTENDERS}
    for seed in SEEDS:
        for name, (run, levels) in CONTENDERS.items():
            race = Race(regret, levels, limit)
            run(race, seed)
            races[name].append(race)
            announce(name, seed, race)
    yield from (f"\n{times(level, races)}" for level in LEVELS)
    yield f"\n{ratios(RATIOS, races)}\n"
