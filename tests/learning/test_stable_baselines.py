"""The environment as a vector environment of Stable-Baselines3: same numbers, and its PPO learns in it."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import VecMonitor

from flowexec import TWAP, execute
from flowexec.execution.presets import book_scenario
from flowexec.learning.actions import Fractions, RateMultiples
from flowexec.learning.environment import Environment
from flowexec.learning.features import Features
from flowexec.learning.gymnasium_adapter import GymnasiumEnv, GymnasiumVectorEnv
from flowexec.learning.pathwise import controlled_objective
from flowexec.learning.stable_baselines import StableBaselinesEnv
from flowexec.learning.training import one_thread

N = 6
SCENARIO = book_scenario("HH", n_steps=N)
FEATURES = Features.calibrate(SCENARIO.sample(1024, seed=0), ["time", "inventory", "volatility"])
ENVIRONMENT = Environment(SCENARIO, FEATURES)


def test_passes_the_checker_of_stable_baselines():
    check_env(GymnasiumEnv(replace(ENVIRONMENT, actions=RateMultiples((0.0, 1.0, 2.0))), seed=1))
    with pytest.warns(UserWarning, match="symmetric and normalized"):  # fractions are not symmetric
        check_env(GymnasiumEnv(replace(ENVIRONMENT, actions=Fractions()), seed=1))


def test_says_what_gymnasium_is_told():
    """But for the step in which Gymnasium starts the next batch; here that is done with the last one."""
    ours, theirs = StableBaselinesEnv(ENVIRONMENT, 5, seed=2), GymnasiumVectorEnv(ENVIRONMENT, 5, seed=2)
    assert np.array_equal(ours.reset(), theirs.reset()[0])
    rng = np.random.default_rng(3)
    for k in range(2 * N):
        action = rng.standard_normal((5, 1)).astype(np.float32)
        seen, reward, done, infos = ours.step(action)
        expected, expected_reward, over, _, _ = theirs.step(action)
        np.testing.assert_allclose(reward, expected_reward, rtol=1e-6)
        assert np.array_equal(done, over)
        assert done.all() == (k % N == N - 1)
        if done.all():
            for i, info in enumerate(infos):
                assert np.array_equal(info["terminal_observation"], expected[i])
                assert info["TimeLimit.truncated"] is False
            expected = theirs.step(action)[0]
        assert np.array_equal(seen, expected)


def test_seed_is_for_the_next_reset():
    env = StableBaselinesEnv(replace(ENVIRONMENT, control=False), 2, seed=4)

    def first():
        env.reset()
        return env.step(np.zeros((2, 1), np.float32))[1]

    one = first()
    env.seed(4)
    assert np.array_equal(first(), one)
    assert not np.array_equal(first(), one)


def test_its_ppo_learns_to_hurry_and_its_dqn_runs():
    """PPO costs less than half of what TWAP costs, within a second or two."""
    env = VecMonitor(StableBaselinesEnv(ENVIRONMENT, 256, seed=5))
    multiples = StableBaselinesEnv(replace(ENVIRONMENT, actions=RateMultiples((0.0, 1.0, 2.0))), 8, seed=8)
    with one_thread():  # several would wait for each other on a busy machine
        ppo = PPO("MlpPolicy", env, n_steps=N, batch_size=512, learning_rate=5e-3, seed=6, device="cpu")
        ppo.learn(8 * 256 * N)
        dqn = DQN("MlpPolicy", multiples, learning_starts=50, seed=9, device="cpu")
        before = dqn.policy.parameters_to_vector()
        dqn.learn(200)
    learned = np.mean([info["r"] for info in ppo.ep_info_buffer])
    problem = SCENARIO.sample(4096, seed=7)
    objective = controlled_objective(execute(TWAP(), problem), SCENARIO).mean()
    assert learned > -0.5 * 1e4 * objective / (SCENARIO.order.shares * 100.0)
    assert not np.array_equal(dqn.policy.parameters_to_vector(), before)


def test_a_single_order_is_an_environment_of_it_too():
    """Of which it makes a vector by itself."""
    with one_thread():
        model = PPO("MlpPolicy", GymnasiumEnv(ENVIRONMENT, seed=10), n_steps=64, seed=11, device="cpu")
        model.learn(128)
    assert model.num_timesteps == 128
    assert [info["l"] for info in model.ep_info_buffer] == [N] * (128 // N)


def test_orders_of_a_batch_have_no_attributes_of_their_own(refused):
    env = StableBaselinesEnv(ENVIRONMENT, 2, seed=1)
    assert env.get_attr("render_mode") == [None, None]
    assert env.get_attr("num_envs", [1]) == [2]
    assert env.env_is_wrapped(object) == [False, False]
    with refused("orders of one batch share all attributes; `x` cannot be set for some"):
        env.set_attr("x", 1)
    with refused("orders of one batch are no objects; there is no method `go` of each"):
        env.env_method("go")
    with refused("call `step_async` before `step_wait`"):
        env.step_wait()
    env.close()
