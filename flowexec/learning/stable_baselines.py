"""The environment as a vector environment of Stable-Baselines3."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from .environment import Environment
from .gymnasium_adapter import Batch, action_space, observation_space


class StableBaselinesEnv(VecEnv):
    """`num_envs` orders as a `VecEnv`, stepped all at once; for PPO, A2C, DQN … of Stable-Baselines3.

    Parameters
    ----------
    environment : Environment
    num_envs : int
    seed : int
        Of the paths, until `seed(…)` says another for the next `reset`; each batch takes fresh paths.

    Notes
    -----
    All orders end together, and the step that ends them returns the first observations of the next batch.
    Pinned by `tests/learning/test_stable_baselines.py`.
    """

    def __init__(self, environment: Environment, num_envs: int, *, seed: int) -> None:
        self._batch = Batch(environment, num_envs, seed=seed)
        self._actions: np.ndarray | None = None
        super().__init__(num_envs, observation_space(environment), action_space(environment))

    def reset(self) -> np.ndarray:
        seed = self._seeds[0]
        self._reset_seeds()
        return self._batch.reset(seed)

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        if self._actions is None:
            raise ValueError("call `step_async` before `step_wait`")
        observations, rewards, done = self._batch.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if done:
            infos = [{"terminal_observation": seen, "TimeLimit.truncated": False} for seen in observations]
            observations = self._batch.reset(None)
        return observations, rewards.astype(np.float32), np.full(self.num_envs, done), infos

    def close(self) -> None:
        """There is nothing to release."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        value = None if attr_name == "render_mode" else getattr(self, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise ValueError(f"orders of one batch share all attributes; `{attr_name}` cannot be set for some")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        raise ValueError(f"orders of one batch are no objects; there is no method `{method_name}` of each")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> list[bool]:
        return [False for _ in self._get_indices(indices)]
