"""The closed form of a Gaussian flow, against the integrator, the mixture's field and both identities."""

import numpy as np
import pytest
import torch

from flowexec.learning.distillation_losses import mean_flow_target, two_steps
from flowexec.learning.flow_matching import GaussianMixture, LinearPath, VariancePreservingPath, follow
from flowexec.learning.gaussian_flow import GaussianFlow

PATHS = [LinearPath(), VariancePreservingPath()]


@pytest.mark.parametrize("path", PATHS)
def test_the_velocity_is_that_of_a_mixture_of_one(path):
    x, t = np.random.default_rng(1).standard_normal((2, 50)), np.linspace(0, 1, 50)
    mixture = GaussianMixture([1.0], [[0.7, 0.7]], [0.4]).velocity(path)
    np.testing.assert_allclose(GaussianFlow(0.7, 0.4, path).velocity(x, t), mixture(x, t), atol=1e-12)


@pytest.mark.parametrize("path", PATHS)
def test_many_steps_along_the_velocity_are_one_along_the_mean_velocity(path):
    flow, x_0 = GaussianFlow(0.7, 0.4, path), np.array([[-2.0, -0.3, 0.0, 1.1]])
    walked = follow(flow.velocity, x_0, 2000, method="heun")
    zero = np.zeros(1)
    np.testing.assert_allclose(x_0 + flow.mean_velocity(x_0, zero, zero + 1), walked, atol=1e-5)
    np.testing.assert_allclose(flow.flow_map(x_0, zero, zero + 1), 0.7 + 0.4 * x_0, atol=1e-12)
    np.testing.assert_allclose(flow.mean_velocity(x_0, zero, zero), flow.velocity(x_0, zero), atol=1e-12)


@pytest.mark.parametrize("path", PATHS)
def test_it_satisfies_both_identities(path):
    flow = GaussianFlow(0.7, 0.4, path)
    g = torch.Generator().manual_seed(1)
    x = torch.randn(2, 60, generator=g, dtype=torch.float64)
    t = 0.5 * torch.rand(60, generator=g, dtype=torch.float64)
    h = 0.01 + 0.24 * torch.rand(60, generator=g, dtype=torch.float64)
    exact = flow.mean_velocity(x, t, 2 * h)
    np.testing.assert_allclose(two_steps(flow.mean_velocity, x, t, h), exact, atol=1e-11)
    target = mean_flow_target(flow.mean_velocity, flow.velocity(x, t), x, t, 2 * h)
    np.testing.assert_allclose(target, exact, atol=1e-10)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="standard_deviation"):
        GaussianFlow(0.0, 0.0)
