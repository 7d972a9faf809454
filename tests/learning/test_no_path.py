"""Flow matching without a path is least squares."""

import numpy as np

from flowexec import Bachelier, Order, PowerImpact, Scenario, Schedule
from flowexec.learning.flow_config import FlowConfig
from flowexec.learning.flow_matching import interpolate
from flowexec.learning.imitation import imitate
from flowexec.learning.no_path import NoPath


def test_nothing_is_seen_and_all_is_aimed_at():
    x_0, x_1 = np.random.default_rng(1).standard_normal((2, 3, 20))
    x_t, target = interpolate(x_0, x_1, np.linspace(0, 1, 20), NoPath())
    assert not x_t.any()
    np.testing.assert_array_equal(target, x_1)


def test_what_is_learned_is_the_mean_of_the_logits():
    """Everything at once in the first of two steps, or in the second: on average half now."""
    scenario = Scenario(Order("sell", 2000.0, 1.0, 2), Bachelier(100.0, 1.0), PowerImpact(1e-4), 0.0)
    experts = {"now": Schedule((1.0, 0.0)), "later": Schedule((0.0, 1.0))}
    config = FlowConfig(
        features=("time",), path=NoPath(), n_steps=1, refinements=0,
        matching_steps=300, batch=512, demonstration_paths=128, hidden=(8,), learning_rate=2e-2,
    )  # fmt: skip
    policy = imitate(experts, scenario, config, seed=1).policy
    assert abs(float(policy.decide(np.full((1, 1), 2.0))[0, 0])) < 0.3  # of two logits ±8
