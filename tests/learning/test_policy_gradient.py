"""Advantages, objectives and losses against hand-worked examples, other definitions and torch's own."""

import math

import numpy as np
import pytest
import torch

from flowexec.learning.policy_gradient import (
    center_on_paths,
    clipped_objective,
    clipped_share,
    entropy,
    generalized_advantages,
    kl_estimate,
    log_density,
    value_loss,
)


def tensor(*rows):
    """Rows of numbers, or one."""
    return torch.tensor(rows if len(rows) > 1 else rows[0], dtype=torch.float64)


def test_advantages_of_a_worked_example():
    """Rewards 1, 2, 3 and values 4, 3, 5, so δ = 1 + 3 − 4, 2 + 5 − 3, 3 − 5 = 0, 4, −2; λ = ½:
    A₂ = −2, A₁ = 4 − 1 = 3, A₀ = 0 + 1.5.
    """
    got = generalized_advantages(tensor([1.0], [2.0], [3.0]), tensor([4.0], [3.0], [5.0]), 0.5)
    assert got.tolist() == [[1.5], [3.0], [-2.0]]


@pytest.mark.parametrize("gae_lambda", [0.0, 0.4, 1.0])
def test_advantages_are_the_weighted_mean_of_n_step_advantages(gae_lambda):
    """(1 − λ) Σ λ^{n−1} Â^{(n)}, and what is left of the weights on the whole return (eq. 16 in full)."""
    rng = np.random.default_rng(1)
    n = 6
    rewards, values = rng.standard_normal((2, n, 4))
    got = generalized_advantages(rewards, values, gae_lambda)
    tensors = generalized_advantages(torch.from_numpy(rewards), torch.from_numpy(values), gae_lambda)
    np.testing.assert_array_equal(tensors.numpy(), got)
    ahead = np.vstack([values, np.zeros(4)])
    for k in range(n):
        steps = range(1, n - k + 1)
        looks = [rewards[k : k + m].sum(axis=0) + ahead[k + m] - values[k] for m in steps]
        weights = [(1 - gae_lambda) * gae_lambda ** (m - 1) for m in steps]
        weights[-1] = gae_lambda ** (n - k - 1)
        expected = sum(w * look for w, look in zip(weights, looks, strict=True))
        np.testing.assert_allclose(got[k], expected, atol=1e-12)


def test_centering_takes_what_the_orders_on_a_path_share():
    advantages = tensor([1.0, 3.0, 10.0, -10.0], [5.0, 5.0, 0.0, 1.0])
    expected = [[-1.0, 1.0, 10.0, -10.0], [0.0, 0.0, -0.5, 0.5]]
    assert center_on_paths(advantages, 2).tolist() == expected
    assert center_on_paths(advantages, 1) is advantages
    common = torch.tensor([[1e3, 1e3, -7e3, -7e3]])
    np.testing.assert_allclose(center_on_paths(advantages + common, 2), expected, atol=1e-12)
    np.testing.assert_array_equal(center_on_paths(advantages.numpy(), 2), expected)


def test_centering_leaves_the_gradient_without_bias_and_takes_its_noise():
    """A = −(a − 1)² + noise of the path, of N(μ, 1) actions: the gradient in μ at 0 is 2, times (n − 1)/n."""
    rng = np.random.default_rng(2)
    paths, each = 20_000, 4
    actions = rng.standard_normal(paths * each)
    noise = np.repeat(10.0 * rng.standard_normal(paths), each)
    advantages = torch.tensor(noise - (actions - 1.0) ** 2)[None]
    spread = {}
    for n in (1, each):
        estimates = center_on_paths(advantages, n)[0].numpy() * actions  # ∇ ln density = a − μ
        if n > 1:
            estimates = estimates * n / (n - 1)
        by_path = estimates.reshape(paths, each).mean(axis=1)
        spread[n] = by_path.std()
        assert abs(by_path.mean() - 2.0) < 4 * spread[n] / math.sqrt(paths)
    assert spread[each] < 0.5 * spread[1]


def test_density_and_entropy_are_those_of_torch():
    rng = np.random.default_rng(3)
    action, mean, log_std = torch.tensor(rng.standard_normal((3, 5, 7)))
    normal = torch.distributions.Normal(mean, log_std.exp())
    torch.testing.assert_close(log_density(action, mean, log_std), normal.log_prob(action))
    torch.testing.assert_close(entropy(log_std), normal.entropy().mean())


def test_clipped_objective_by_cases():
    """Ratios 1.5, 0.5, 1.5, 0.5, 1.1 and ε = 0.2: the better is capped, the worse is not."""
    ratio, advantage = tensor([1.5, 0.5, 1.5, 0.5, 1.1]), tensor([1.0, 1.0, -1.0, -1.0, 2.0])
    expected = (1.2 + 0.5 - 1.5 - 0.8 + 2.2) / 5
    assert clipped_objective(ratio.log(), advantage, 0.2).item() == pytest.approx(expected, rel=1e-12)
    assert clipped_share(ratio.log(), 0.2).item() == pytest.approx(0.8)
    log_ratio = ratio.log().requires_grad_()
    clipped_objective(log_ratio, advantage, 0.2).backward()
    # beyond the clip nothing pulls on; on the wrong side of it all does
    np.testing.assert_allclose(log_ratio.grad * 5, [0.0, 0.5, -1.5, 0.0, 2.2], atol=1e-12)


def test_gradient_of_the_objective_is_the_policy_gradient_at_the_old_policy():
    rng = np.random.default_rng(4)
    action, advantage = torch.tensor(rng.standard_normal((2, 50)))
    mean = torch.zeros((), dtype=torch.float64, requires_grad=True)
    zero = torch.zeros(())
    density = log_density(action, mean, zero)
    clipped_objective(density - density.detach(), advantage, 0.2).backward()
    assert mean.grad.item() == pytest.approx((action * advantage).mean().item(), rel=1e-12)


def test_divergence_is_that_of_normals():
    """KL(N(0, 1) ‖ N(m, s²)) = ln s + (1 + m²)/(2s²) − ½, within 4 standard errors of a sample."""
    m, s, n = 0.2, 1.1, 400_000
    action = torch.tensor(np.random.default_rng(5).standard_normal(n))
    zero = torch.zeros((), dtype=torch.float64)
    log_ratio = log_density(action, zero + m, zero + math.log(s)) - log_density(action, zero, zero)
    expected = math.log(s) + (1 + m**2) / (2 * s**2) - 0.5
    error = (torch.exp(log_ratio) - 1 - log_ratio).std().item() / math.sqrt(n)
    assert abs(kl_estimate(log_ratio).item() - expected) < 4 * error
    assert error < 0.01 * expected
    assert (torch.exp(log_ratio) - 1 - log_ratio).min() >= 0


def test_value_loss_is_half_the_mean_square():
    assert value_loss(tensor([1.0, 2.0]), tensor([3.0, 2.0])).item() == 1.0
