"""The environment in Gymnasium's clothes: one order at a time, or a vector of orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ..checks import check_count, check_kind
from .actions import Fractions, Logits, RateMultiples
from .environment import Environment, Episode
from .features import BOUND

LOGIT_BOUND = 10.0
"""Where the box of logits ends: e^−10 of what TWAP would trade, or all but that."""


class GymnasiumEnv(gymnasium.Env[np.ndarray, Any]):
    """One order as a `gymnasium.Env`: observations float32 [feature], rewards in bps.

    Parameters
    ----------
    environment : Environment
        With `Fractions` (a Box [1] from 0 to 1), `Logits` (a Box [1]) or `RateMultiples` (Discrete).
    seed : int
        Of the paths, until `reset(seed=…)` says another; each `reset()` takes the next path.

    Notes
    -----
    An episode terminates after the order's last step and is never truncated. Pinned by
    `tests/learning/test_gymnasium_adapter.py`, with Gymnasium's own checker.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  as Gymnasium has it

    def __init__(self, environment: Environment, *, seed: int) -> None:
        self._batch = Batch(environment, 1, seed=seed)
        self.observation_space = observation_space(environment)
        self.action_space = action_space(environment)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return self._batch.reset(seed)[0], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        action = np.asarray(action)
        check_shape(action, self.action_space.shape or ())
        observations, rewards, done = self._batch.step(action[None])
        return observations[0], float(rewards[0]), done, False, {}


class GymnasiumVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """`num_envs` orders as a `gymnasium.vector.VectorEnv`, stepped all at once.

    Parameters
    ----------
    environment : Environment
    num_envs : int
    seed : int
        As in `GymnasiumEnv`.

    Notes
    -----
    All orders end together; the step after the last takes no action and starts the next batch (autoreset mode
    NEXT_STEP, Gymnasium's own default). Pinned by `tests/learning/test_gymnasium_adapter.py`.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, environment: Environment, num_envs: int, *, seed: int) -> None:
        self._batch = Batch(environment, num_envs, seed=seed)
        self._over = False
        self.num_envs = num_envs
        self.single_observation_space = observation_space(environment)
        self.single_action_space = action_space(environment)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._over = False
        return self._batch.reset(seed), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        never = np.zeros(self.num_envs, dtype=bool)
        if self._over:
            self._over = False
            return self._batch.reset(None), np.zeros(self.num_envs), never, never.copy(), {}
        observations, rewards, self._over = self._batch.step(actions)
        return observations, rewards, np.full(self.num_envs, self._over), never, {}


class Batch:
    """Orders under way, one batch after another, with observations [order, feature] in float32."""

    def __init__(self, environment: Environment, n_orders: int, *, seed: int) -> None:
        check_kind("environment", environment, Environment)
        check_count("num_envs", n_orders)
        self.environment, self.n_orders = environment, n_orders
        self._episodes: Iterator[Episode] = environment.episodes(n_orders, seed=seed)
        self._episode: Episode | None = None
        self._seen: np.ndarray

    def reset(self, seed: int | None) -> np.ndarray:
        """The first observations of fresh orders, those of another `seed` if there is one."""
        if seed is not None:
            self._episodes = self.environment.episodes(self.n_orders, seed=int(seed))
        self._episode = next(self._episodes)
        return self._look(self._episode)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
        """Observations, rewards, and whether all is over: there is nothing more to see, and the last
        observations are repeated.
        """
        if self._episode is None:
            raise ValueError("call `reset` before `step`")
        actions = np.asarray(actions)
        check_shape(actions, (self.n_orders, *(action_space(self.environment).shape or ())))
        actions = actions.reshape(self.n_orders)
        if actions.dtype.kind == "f":
            actions = actions.astype(float)
        self._episode, rewards = self.environment.step(self._episode, actions)
        if self._episode.done:
            return self._seen, rewards, True
        return self._look(self._episode), rewards, False

    def _look(self, episode: Episode) -> np.ndarray:
        self._seen = np.ascontiguousarray(self.environment.observe(episode).T, dtype=np.float32)
        return self._seen.copy()


def check_shape(action: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` unless `action` has the shape of its space."""
    if action.shape != shape:
        raise ValueError(f"`action` must have shape {shape}, got {action.shape}")


def observation_space(environment: Environment) -> spaces.Box:
    """A number for each feature."""
    return spaces.Box(-BOUND, BOUND, (len(environment.features.names),), np.float32)


def action_space(environment: Environment) -> spaces.Box | spaces.Discrete[np.int64]:
    """What Gymnasium calls the environment's actions; ValueError for actions of one's own making."""
    actions = environment.actions
    if isinstance(actions, Fractions):
        return spaces.Box(0.0, 1.0, (1,), np.float32)
    if isinstance(actions, Logits):
        return spaces.Box(-LOGIT_BOUND, LOGIT_BOUND, (1,), np.float32)
    if isinstance(actions, RateMultiples):
        return spaces.Discrete(len(actions.multiples))
    raise ValueError(f"`actions` must be Fractions, Logits or RateMultiples, got {type(actions).__name__}")
