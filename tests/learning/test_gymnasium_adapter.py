"""The environment in Gymnasium's clothes passes Gymnasium's checker and says what the environment says."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402
from gymnasium.wrappers.vector import RecordEpisodeStatistics  # noqa: E402

from flowexec import TWAP, execute  # noqa: E402
from flowexec.execution.presets import book_scenario  # noqa: E402
from flowexec.learning.actions import Fractions, Logits, RateMultiples  # noqa: E402
from flowexec.learning.environment import Environment  # noqa: E402
from flowexec.learning.features import Features  # noqa: E402
from flowexec.learning.gymnasium_adapter import GymnasiumEnv, GymnasiumVectorEnv  # noqa: E402
from flowexec.learning.pathwise import controlled_objective  # noqa: E402

N = 6
SCENARIO = book_scenario("HH", n_steps=N)
FEATURES = Features.calibrate(SCENARIO.sample(1024, seed=0))
ACTIONS = (Fractions(), Logits(), RateMultiples((0.0, 0.5, 1.0, 2.0)))
ENVIRONMENT = Environment(SCENARIO, FEATURES)


@pytest.mark.parametrize("actions", ACTIONS, ids=lambda a: type(a).__name__)
def test_passes_the_checker_of_gymnasium(actions):
    """The one warning left is that nothing is drawn; logits are no fractions, and need a wider box."""
    env = GymnasiumEnv(replace(ENVIRONMENT, actions=actions), seed=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env)
    said = [str(w.message) for w in caught if "render modes" not in str(w.message)]
    wide = ["recommend using a symmetric and normalized space"] if actions == Logits() else []
    assert [part in text for part, text in zip(wide, said, strict=True)] == [True] * len(wide)


def test_registered_environment_is_made_by_name():
    gymnasium.register("flowexec-test-v0", entry_point=lambda **kw: GymnasiumEnv(ENVIRONMENT, **kw))
    env = gymnasium.make("flowexec-test-v0", seed=2)  # wrapped in the passive checker
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            observation, _ = env.reset()
            assert observation.shape == (4,)
            for k in range(N):
                _, _, over, cut, _ = env.step(env.action_space.sample())
                assert (over, cut) == (k == N - 1, False)
    env.close()


def test_return_of_an_episode_is_minus_the_objective():
    env = GymnasiumEnv(ENVIRONMENT, seed=3)
    returns = []
    for _ in range(5):
        env.reset()
        returns.append(sum(env.step(np.zeros(1, np.float32))[1] for _ in range(N)))
    problem = SCENARIO.sample(5, seed=3)
    objective = controlled_objective(execute(TWAP(), problem), SCENARIO)
    np.testing.assert_allclose(returns, -1e4 * objective / (SCENARIO.order.shares * 100.0), rtol=1e-9)


@pytest.mark.parametrize("actions", ACTIONS, ids=lambda a: type(a).__name__)
def test_a_vector_is_many_single_environments(actions):
    """The i-th of n orders is on path i, then on path n + i: as the single environment's i-th and n+i-th."""
    environment, n = replace(ENVIRONMENT, actions=actions), 3
    vector = GymnasiumVectorEnv(environment, n, seed=4)
    vector.action_space.seed(5)
    said = [vector.action_space.sample() for _ in range(2 * N + 1)]
    seen, rewards, over = [vector.reset()[0]], [], []
    for action in said:
        observation, reward, terminated, truncated, _ = vector.step(action)
        seen.append(observation)
        rewards.append(reward)
        over.append(terminated)
        assert not truncated.any()
        assert vector.observation_space.contains(observation)
    for i in range(n):
        single = GymnasiumEnv(environment, seed=4)
        for batch in (0, 1):
            for _ in range(i + 1 if batch == 0 else n):
                observation, _ = single.reset()
            first = batch * (N + 1)
            assert np.array_equal(observation, seen[first][i])
            for k in range(N):
                observation, reward, terminated, _, _ = single.step(said[first + k][i])
                assert np.array_equal(observation, seen[first + k + 1][i])
                assert reward == pytest.approx(rewards[first + k][i], rel=1e-12)
                assert terminated == over[first + k][i] == (k == N - 1)
    assert vector.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    assert np.array_equal(rewards[N], np.zeros(n))
    assert not over[N].any()


@pytest.mark.parametrize("actions", ACTIONS, ids=lambda a: type(a).__name__)
def test_a_vector_is_what_gymnasium_makes_of_a_single_environment(actions):
    """Gymnasium has no checker for vectors, but a vector of its own: spaces, types, values, next batches."""
    environment = replace(ENVIRONMENT, actions=actions)
    ours = GymnasiumVectorEnv(environment, 1, seed=9)
    theirs = SyncVectorEnv([lambda: GymnasiumEnv(environment, seed=9)])
    for space in ("observation_space", "action_space", "single_observation_space", "single_action_space"):
        assert getattr(ours, space) == getattr(theirs, space)
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"]
    ours.action_space.seed(10)
    steps = [(ours.reset(), theirs.reset())]
    for k in range(4 * N):
        action = ours.action_space.sample()
        steps.append((ours.step(action), theirs.step(action)))
        if k == 2 * N:  # in the last step of the second batch
            assert steps[-1][0][2].all()
            steps.append((ours.reset(seed=11), theirs.reset(seed=11)))
    for one, other in steps:
        for a, b in zip(one[:-1], other[:-1], strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            assert np.array_equal(a, b)
    ours.close()
    theirs.close()


def test_registered_vector_is_made_by_name():
    gymnasium.register(
        "flowexec-test-v1",
        entry_point=lambda **kw: GymnasiumEnv(ENVIRONMENT, **kw),
        vector_entry_point=lambda num_envs, **kw: GymnasiumVectorEnv(ENVIRONMENT, num_envs, **kw),
    )
    ours = gymnasium.make_vec("flowexec-test-v1", 3, vectorization_mode="vector_entry_point", seed=12)
    assert isinstance(ours.unwrapped, GymnasiumVectorEnv)
    assert ours.reset()[0].shape == (3, 4)
    theirs = gymnasium.make_vec("flowexec-test-v1", 3, vectorization_mode="sync", seed=12)
    assert theirs.reset()[0].shape == (3, 4)


def test_wrappers_for_vectors_count_the_episodes():
    vector = RecordEpisodeStatistics(GymnasiumVectorEnv(ENVIRONMENT, 4, seed=6))
    vector.reset()
    for _ in range(N):
        *_, info = vector.step(np.zeros((4, 1), np.float32))
    problem = SCENARIO.sample(4, seed=6)
    objective = controlled_objective(execute(TWAP(), problem), SCENARIO)
    expected = -1e4 * objective / (SCENARIO.order.shares * 100.0)
    np.testing.assert_allclose(info["episode"]["r"], expected, rtol=1e-6)
    assert np.array_equal(info["episode"]["l"], np.full(4, N))


def test_seeds_decide_the_paths():
    def first(env, **kw):
        env.reset(**kw)
        return env.step(np.zeros((*env.action_space.shape,), np.float32))[1]

    noisy = replace(ENVIRONMENT, control=False)
    for make in (lambda: GymnasiumEnv(noisy, seed=7), lambda: GymnasiumVectorEnv(noisy, 2, seed=7)):
        env = make()
        one, two, again = first(env), first(env), first(env, seed=7)
        assert np.array_equal(one, again)
        assert not np.array_equal(one, two)
        assert np.array_equal(first(make()), one)
        assert not np.array_equal(first(env, seed=8), one)


def test_misuse_is_refused(refused):
    env = GymnasiumEnv(ENVIRONMENT, seed=1)
    with refused("call `reset` before `step`"):
        env.step(np.zeros(1))
    env.reset()
    for wrong in (np.zeros(2), np.zeros((1, 1)), 0.5):
        with refused(f"`action` must have shape (1,), got {np.shape(wrong)}"):
            env.step(wrong)
    with refused("`action` must be finite, got nan for order 0"):
        env.step(np.array([np.nan]))
    vector = GymnasiumVectorEnv(ENVIRONMENT, 3, seed=1)
    vector.reset()
    with refused("`action` must have shape (3, 1), got (2, 1)"):
        vector.step(np.zeros((2, 1)))
    with refused("`environment` must be an Environment, got 3"):
        GymnasiumEnv(3, seed=1)
    with refused("`num_envs` must be a whole number, at least 1, got 0"):
        GymnasiumVectorEnv(ENVIRONMENT, 0, seed=1)

    class Own:
        def shares(self, action, observation):
            return action

    with refused("`actions` must be Fractions, Logits or RateMultiples, got Own"):
        GymnasiumEnv(replace(ENVIRONMENT, actions=Own()), seed=1)
