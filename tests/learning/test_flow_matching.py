"""Flow matching against flows that are known: quantile maps, orders of convergence, conditional means."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.special import ndtr

from flowexec.learning.flow_matching import (
    GaussianMixture,
    LinearPath,
    VariancePreservingPath,
    flow_matching_loss,
    follow,
    interpolate,
    time_embedding,
    trajectory,
)

PATHS = (LinearPath(), VariancePreservingPath())
BIMODAL = GaussianMixture((1.0, 2.0), ((-1.5,), (2.0,)), (0.3, 0.5))


def draws(n, dimension, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((dimension, n)), rng.random(n)


# Paths ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_a_road_leads_from_noise_to_data_at_the_velocity_it_says(path):
    x_0, t = draws(50, 2, seed=1)
    x_1, _ = draws(50, 2, seed=2)
    for end, point in ((0.0, x_0), (1.0, x_1)):
        np.testing.assert_allclose(interpolate(x_0, x_1, np.full(50, end), path)[0], point, atol=1e-15)
    h = 1e-5
    ahead, behind = (interpolate(x_0, x_1, t + e, path)[0] for e in (h, -h))
    np.testing.assert_allclose(interpolate(x_0, x_1, t, path)[1], (ahead - behind) / (2 * h), atol=1e-8)


def test_one_road_preserves_the_variance_and_the_other_is_straight():
    t = np.linspace(0, 1, 11)
    alpha, sigma, *_ = VariancePreservingPath().coefficients(t)
    np.testing.assert_allclose(alpha**2 + sigma**2, 1.0, atol=1e-15)
    x_0, x_1 = draws(11, 3, seed=3)[0], draws(11, 3, seed=4)[0]
    np.testing.assert_allclose(interpolate(x_0, x_1, t, LinearPath())[1], x_1 - x_0)


# The field and the loss -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_the_field_is_the_conditional_mean_of_the_velocity(path):
    """E[(dx_t/dt − u(x_t, t)) g(x_t, t)] = 0 for whatever g, here seven, within 4 standard errors."""
    mixture = GaussianMixture((1.0, 2.0, 1.0), ((-2.0, 0.0), (1.0, 1.0), (0.0, -1.0)), (0.4, 0.8, 0.2))
    x_1 = mixture.sample(200_000, seed=5)
    x_0, t = draws(200_000, 2, seed=6)
    x_t, target = interpolate(x_0, x_1, t, path)
    rest = target - mixture.velocity(path)(x_t, t)
    a, b = x_t
    for g in (1.0 + 0 * t, t, a, b, np.sin(3 * a) * b, (a > 0) * t, np.exp(-a * a - b * b)):
        products = rest * g
        z = products.mean(axis=1) / (products.std(axis=1) / math.sqrt(t.size))
        assert np.abs(z).max() < 4
    assert rest.std() > 0.5  # there is something to be averaged


@pytest.mark.parametrize("path", PATHS)
def test_conditional_and_marginal_loss_differ_by_a_constant(path):
    """For two fields far from each other and from the true one, within 4 standard errors."""
    x_1 = BIMODAL.sample(100_000, seed=7)
    x_0, t = draws(100_000, 1, seed=8)
    x_t, target = interpolate(x_0, x_1, t, path)
    true = BIMODAL.velocity(path)(x_t, t)
    fields = (lambda x, t: 0.3 * x - t, lambda x, t: np.cos(x) + 2 * t * x)
    gaps = [((v(x_t, t) - target) ** 2 - (v(x_t, t) - true) ** 2).sum(axis=0) for v in fields]
    difference = gaps[0] - gaps[1]
    assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(t.size)
    for v, gap in zip(fields, gaps, strict=True):
        marginal = ((v(x_t, t) - true) ** 2).sum(axis=0).mean()
        loss = flow_matching_loss(v, x_0, x_1, t, path)
        assert loss - marginal == pytest.approx(gap.mean())
        assert loss > 1.2 * flow_matching_loss(BIMODAL.velocity(path), x_0, x_1, t, path)


def test_a_weight_counts_a_sample_as_often():
    x_0, t = draws(4, 2, seed=9)
    x_1, _ = draws(4, 2, seed=10)
    twice = [0, 1, 1, 2, 3, 3]
    weights = np.array([1.0, 2.0, 1.0, 2.0])
    field = time_field
    weighted = flow_matching_loss(field, x_0, x_1, t, LinearPath(), weights)
    repeated = flow_matching_loss(field, x_0[:, twice], x_1[:, twice], t[twice], LinearPath())
    assert weighted * 4 == pytest.approx(repeated * 6)


def time_field(x, t):
    return x * (1 - t) + t**2


# Following the field ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_a_normal_law_is_carried_to_a_normal_law(path):
    """x_0 arrives at m + s x_0, whatever the road."""
    x_0 = np.linspace(-3, 3, 13)[None]
    arrived = follow(GaussianMixture((1.0,), ((0.7,),), (0.4,)).velocity(path), x_0, 2000, method="midpoint")
    np.testing.assert_allclose(arrived, 0.7 + 0.4 * x_0, atol=2e-6)


@pytest.mark.parametrize("path", PATHS)
def test_in_one_dimension_the_flow_is_the_quantile_map(path):
    """A flow keeps the order of points and the mass between them, so F_1(x_1) = Φ(x_0): two modes as well."""
    x_0 = np.linspace(-2.5, 2.5, 11)[None]
    arrived = follow(BIMODAL.velocity(path), x_0, 2000, method="heun")[0]

    def distribution(x):
        return (ndtr((x + 1.5) / 0.3) + 2 * ndtr((x - 2.0) / 0.5)) / 3

    exact = [brentq(lambda x, z=z: distribution(x) - ndtr(z), -20, 20, xtol=1e-13) for z in x_0[0]]
    np.testing.assert_allclose(arrived, exact, atol=2e-4)
    assert arrived.min() < -1.4 < 1.9 < arrived.max()


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_order_of_convergence(method, order):
    """Halving the step divides the error by 2 to the order."""
    velocity = GaussianMixture((1.0,), ((0.7,),), (0.4,)).velocity(VariancePreservingPath())
    x_0 = np.array([[-1.0, 0.5, 2.0]])
    exact = 0.7 + 0.4 * x_0
    errors = [np.abs(follow(velocity, x_0, n, method=method) - exact).max() for n in (64, 128, 256)]
    rates = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.abs(rates - order).max() < 0.15


@pytest.mark.parametrize("method", ["euler", "midpoint", "heun"])
def test_one_step_is_enough_for_a_constant_field_and_for_a_single_datum(method):
    x_0 = np.array([[-1.0, 0.5], [2.0, 0.0]])
    constant = np.array([[0.25], [-0.5]])
    np.testing.assert_array_equal(
        follow(lambda x, t: constant + 0 * x, x_0, 1, method=method), x_0 + constant
    )
    if method == "euler":  # toward one point all roads are straight, and the field knows it from the start
        velocity = GaussianMixture((1.0,), ((0.7, -0.2),), (1e-9,)).velocity(LinearPath())
        np.testing.assert_allclose(follow(velocity, x_0, 1), [[0.7, 0.7], [-0.2, -0.2]], atol=1e-8)


def test_torch_walks_the_same_way_and_can_be_differentiated():
    x_0 = torch.tensor([[0.3, -0.4]], dtype=torch.float64, requires_grad=True)
    for method in ("euler", "midpoint", "heun"):
        arrived = follow(time_field, x_0, 5, method=method)
        np.testing.assert_allclose(
            arrived.detach(), follow(time_field, x_0.detach().numpy(), 5, method=method)
        )
    (gradient,) = torch.autograd.grad(arrived.sum(), x_0)
    np.testing.assert_allclose(gradient, follow(lambda x, t: x * (1 - t), np.ones((1, 2)), 5, method="heun"))
    t = torch.tensor([0.0, 0.2, 1.0], dtype=torch.float64)
    np.testing.assert_allclose(time_embedding(t, 2), time_embedding(t.numpy(), 2), atol=1e-15)
    for mine, yours in zip(
        VariancePreservingPath().coefficients(t),
        VariancePreservingPath().coefficients(t.numpy()),
        strict=True,
    ):
        np.testing.assert_allclose(mine, yours, atol=1e-15)


def test_a_trajectory_is_where_one_comes_by():
    """Point n of it is where the first n of its steps lead, in numpy's single precision as well."""
    x_0 = np.array([[-1.0, 0.5], [2.0, 0.0]], dtype=np.float32)
    road = trajectory(time_field, x_0, 4)
    assert len(road) == 5
    assert road[-1].dtype == np.float32
    assert np.array_equal(road[0], x_0)
    for n, t in enumerate((0.0, 0.25, 0.5, 0.75)):
        np.testing.assert_allclose(road[n + 1], road[n] + 0.25 * time_field(road[n], t), rtol=1e-6)
    assert np.array_equal(follow(time_field, x_0, 4), road[-1])


def test_points_do_not_know_each_other():
    """One that is not finite leaves the others where they are, on numpy and on torch."""
    x_0 = np.array([[np.nan, 0.5, -1.0], [2.0, 0.0, 3.0]])
    for kind in (np.array, torch.tensor):
        arrived = np.asarray(follow(time_field, kind(x_0), 4))
        assert np.isnan(arrived[0, 0])
        assert np.array_equal(arrived[:, 1:], np.asarray(follow(time_field, kind(x_0[:, 1:]), 4)))


def test_a_time_is_embedded_as_waves():
    rows = time_embedding(np.array([0.0, 0.25, 1.0]), 1)
    np.testing.assert_allclose(rows, [[-1, -0.5, 1], [0, 1, 0], [1, 0, 1]], atol=1e-12)


# Bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: follow(time_field, np.zeros((1, 1)), 0),
            "`n_steps` must be a whole number, at least 1, got 0",
        ),
        (lambda: follow(time_field, np.zeros((1, 1)), 1, method="rk4"), "`method` must be .*, got 'rk4'"),
        (lambda: GaussianMixture((1.0,), ((0.0,),), (0.0,)), "`standard_deviations` must be greater than 0"),
        (lambda: GaussianMixture((1.0, 1.0), ((0.0,),), (1.0,)), "one entry for each of the 2 `weights`"),
        (lambda: GaussianMixture((1.0, 1.0), ((0.0,), (0.0, 1.0)), (1.0, 1.0)), "points of one dimension"),
        (lambda: time_embedding(np.zeros(1), -1), "`frequencies` must be a whole number, at least 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
