"""The pieces of a policy gradient: advantages of arrays or tensors; densities and losses of tensors."""

from __future__ import annotations

import math

import torch

from ..execution.problem import stack
from ..market.paths import Array


def generalized_advantages(rewards: Array, values: Array, gae_lambda: float) -> Array:
    """Generalized advantage estimates (Schulman et al. 2016, eq. 16) without discount, [step, order].

        A_k = δ_k + λ A_{k+1},   δ_k = r_k + V_{k+1} − V_k,   V_N = A_N = 0.

    Parameters
    ----------
    rewards, values : array or tensor [step, order]
        r_k, and V_k, the value before step k.
    gae_lambda : float
        λ: 1 is the whole return less V_k, 0 looks one step ahead and believes V there.

    Notes
    -----
    Pinned by `tests/learning/test_policy_gradient.py`.
    """
    advantages, ahead, value_ahead = [], 0.0 * rewards[0], 0.0 * rewards[0]
    for reward, value in zip(reversed(list(rewards)), reversed(list(values)), strict=True):
        ahead = reward + value_ahead - value + gae_lambda * ahead
        value_ahead = value
        advantages.append(ahead)
    return stack(advantages[::-1])


def center_on_paths(advantages: Array, orders_per_path: int) -> Array:
    """Advantages [step, order] less their mean over the orders that met the same path (one: as they are).

    What the others on a path got does not depend on the action of an order. So the mean of the others is a
    baseline that leaves the gradient without bias, and knows, unlike any function of the state, what the
    market was about to do (Mao et al. 2019). With the order itself in the mean all is less by (n − 1)/n.
    """
    if orders_per_path == 1:
        return advantages
    groups = advantages.reshape(*advantages.shape[:-1], -1, orders_per_path)
    return (groups - groups.mean(axis=-1, keepdims=True)).reshape(advantages.shape)


def log_density(actions: Array, mean: Array, log_std: Array) -> Array:
    """Logarithm of the normal density."""
    deviations = (actions - mean) * torch.exp(-log_std)
    return -0.5 * deviations**2 - log_std - 0.5 * math.log(2 * math.pi)


def clipped_objective(log_ratio: Array, advantages: Array, clip: float) -> Array:
    """Mean of min(ρ A, clip(ρ, 1 − ε, 1 + ε) A), with the ratio ρ of new to old density.

    To be made large: beyond the clip, where A asks for more, nothing is gained (Schulman et al. 2017, eq. 7).
    """
    ratio = torch.exp(log_ratio)
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean()


def value_loss(values: Array, targets: Array) -> Array:
    """Half the mean squared error."""
    return 0.5 * ((values - targets) ** 2).mean()


def entropy(log_std: Array) -> Array:
    """Mean entropy of normal policies, ½ ln(2πe) + ln σ."""
    return log_std.mean() + 0.5 * math.log(2 * math.pi * math.e)


def kl_estimate(log_ratio: Array) -> Array:
    """Mean of ρ − 1 − ln ρ: Kullback and Leibler's E[ln old/new], never negative (Schulman 2020)."""
    return (torch.exp(log_ratio) - 1 - log_ratio).mean()


def clipped_share(log_ratio: Array, clip: float) -> Array:
    """Part of the actions whose ratio lies outside [1 − ε, 1 + ε]."""
    return (abs(torch.exp(log_ratio) - 1) > clip).float().mean()
