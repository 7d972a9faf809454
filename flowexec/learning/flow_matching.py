"""Conditional flow matching: roads from noise to data, the field that flows along them, and how to follow it.

Time runs from t = 0, noise x_0, to t = 1, data x_1. Samples are arrays [dimension, sample] of numpy or torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from ..checks import check_choice, check_count, check_real, check_weights
from ..market.paths import Array

Velocity = Callable[[Array, Array], Array]
"""v(x, t) [dimension, sample], of points x [dimension, sample] at times t [sample], or [1] for all."""


class Coefficients(NamedTuple):
    """Of x_t = α x_1 + σ x_0, and how fast they change."""

    alpha: Array
    sigma: Array
    alpha_rate: Array
    sigma_rate: Array


@runtime_checkable
class Path(Protocol):
    """A road from each noise to each datum: x_t = α_t x_1 + σ_t x_0 with α_0 = σ_1 = 0, σ_0 = α_1 = 1."""

    def coefficients(self, t: Array) -> Coefficients:
        """α_t, σ_t and their derivatives, of the shape of `t`."""
        ...


@dataclass(frozen=True)
class LinearPath:
    """α = t, σ = 1 − t: straight, at constant speed; the optimal transport between x_0 and x_1."""

    def coefficients(self, t: Array) -> Coefficients:
        return Coefficients(t, 1.0 - t, 1.0 + 0.0 * t, -1.0 + 0.0 * t)


@dataclass(frozen=True)
class VariancePreservingPath:
    """α = sin(πt/2), σ = cos(πt/2): of independent x_0 and x_1 of variance 1, so has every x_t."""

    def coefficients(self, t: Array) -> Coefficients:
        sine, cosine = _sine(0.5 * math.pi * t), _sine(0.5 * math.pi * (1.0 - t))
        return Coefficients(sine, cosine, 0.5 * math.pi * cosine, -0.5 * math.pi * sine)


def interpolate(x_0: Array, x_1: Array, t: Array, path: Path) -> tuple[Array, Array]:
    """The point x_t of the road from `x_0` to `x_1`, and the velocity dx_t/dt there.

    Parameters
    ----------
    x_0, x_1 : array [dimension, sample]
    t : array [sample]
    path : Path

    Notes
    -----
    Lipman et al. (2023), eq. 10 to 15 with a point for the datum. Pinned by
    `tests/learning/test_flow_matching.py`.
    """
    alpha, sigma, alpha_rate, sigma_rate = path.coefficients(t)
    return alpha * x_1 + sigma * x_0, alpha_rate * x_1 + sigma_rate * x_0


def flow_matching_loss(
    velocity: Velocity, x_0: Array, x_1: Array, t: Array, path: Path, weights: Array | None = None
) -> Array:
    """Mean over the samples of w |v(x_t, t) − dx_t/dt|², the conditional flow matching loss.

    It differs from the mean of |v − u|², where u(x, t) = E[dx_t/dt | x_t = x] is the field that carries the
    law of x_0 to that of x_1, by what does not depend on v. So both have the same gradient and the same least
    point, and u need not be known.

    Parameters
    ----------
    velocity : callable (x [dimension, sample], t [sample]) -> array [dimension, sample]
    x_0, x_1 : array [dimension, sample]
        Noise and data, drawn independently.
    t : array [sample]
        Uniform in [0, 1].
    path : Path
    weights : array [sample], optional

    Notes
    -----
    Lipman et al. (2023), theorem 2. Pinned by `tests/learning/test_flow_matching.py`.
    """
    x_t, target = interpolate(x_0, x_1, t, path)
    error = ((velocity(x_t, t) - target) ** 2).sum(0)
    return (error if weights is None else weights * error).mean()


METHODS = ("euler", "midpoint", "heun")
"""Of order 1, 2 and 2, with one evaluation of the field a step, two and two."""


def follow(velocity: Velocity, x_0: Array, n_steps: int, *, method: str = "euler") -> Array:
    """x at t = 1 of dx/dt = v(x, t) from `x_0` at t = 0, by `n_steps` equal steps.

    Parameters
    ----------
    velocity : callable (x [dimension, sample], t [1]) -> array [dimension, sample]
    x_0 : array [dimension, sample]
    n_steps : int
    method : {"euler", "midpoint", "heun"}

    Notes
    -----
    Hairer, Nørsett and Wanner (1993, section II.1). Pinned by `tests/learning/test_flow_matching.py`.
    """
    return trajectory(velocity, x_0, n_steps, method=method)[-1]


def trajectory(velocity: Velocity, x_0: Array, n_steps: int, *, method: str = "euler") -> list[Array]:
    """x at t = 0, 1/`n_steps`, …, 1; arguments as of `follow`."""
    check_count("n_steps", n_steps)
    check_choice("method", method, METHODS)
    road, h = [x_0], 1.0 / n_steps
    for step in range(n_steps):
        x = road[-1]
        t = constant(step * h, x)
        slope = velocity(x, t)
        if method == "midpoint":
            slope = velocity(x + 0.5 * h * slope, t + 0.5 * h)
        elif method == "heun":
            slope = 0.5 * (slope + velocity(x + h * slope, t + h))
        road.append(x + h * slope)
    return road


def constant(value: float, like: Array) -> Array:
    """A time for all samples, [1], of the kind of `like`."""
    if isinstance(like, np.ndarray):
        return np.full(1, value, dtype=np.result_type(like, np.float32))
    return like.new_full((1,), value)


def time_embedding(t: Array, frequencies: int) -> Array:
    """2t − 1, and sin and cos of 2πjt, j = 1 … `frequencies`: rows [1 + 2 `frequencies`, sample].

    A small network sees from them where on the road it is, which t alone tells it badly.
    """
    check_count("frequencies", frequencies, at_least=0)
    angles = [2.0 * math.pi * j * t for j in range(1, frequencies + 1)]
    waves = [_sine(angle + shift) for angle in angles for shift in (0.0, 0.5 * math.pi)]
    return _stack([2.0 * t - 1.0, *waves])


@dataclass(frozen=True)
class GaussianMixture:
    """A law of data for which the field is known: Σ_j w_j N(m_j, s_j² I), noise being N(0, I).

    Parameters
    ----------
    weights : sequence of float
        Relative, none negative, not all 0.
    means : sequence of sequence of float
        One point [dimension] for each.
    standard_deviations : sequence of float
        Greater than 0.
    """

    weights: Sequence[float]
    means: Sequence[Sequence[float]]
    standard_deviations: Sequence[float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", check_weights("weights", self.weights))
        for sd in self.standard_deviations:
            check_real("standard_deviations", sd, above=0)
        if not len(self.weights) == len(self.means) == len(self.standard_deviations):
            raise ValueError(
                f"`means` and `standard_deviations` must have one entry for each of the {len(self.weights)} "
                f"`weights`, got {len(self.means)} and {len(self.standard_deviations)}"
            )
        if len({len(mean) for mean in self.means}) != 1:
            raise ValueError(f"`means` must be points of one dimension, got {self.means!r}")

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Points [dimension, sample]."""
        rng, weights = np.random.default_rng(seed), np.array(self.weights)
        which = rng.choice(weights.size, size=n, p=weights / weights.sum())
        means, sds = np.array(self.means, dtype=float).T, np.array(self.standard_deviations)
        points: np.ndarray = means[:, which] + sds[which] * rng.standard_normal((len(means), n))
        return points

    def velocity(self, path: Path) -> Velocity:
        """u(x, t) = E[dx_t/dt | x_t = x], numpy.

        Given component j, x_t is normal with mean α m_j and variance V_j = σ² + α² s_j², so that

            u_j(x, t) = α' m_j + (σ σ' + α α' s_j²)/V_j (x − α m_j),

        and u is the mean of the u_j, weighted by how probable each component is at x_t = x.

        Notes
        -----
        By the formulas for conditional normal laws; pinned by `tests/learning/test_flow_matching.py`.
        """
        means = np.array(self.means, dtype=float)[:, :, None]
        variance = np.array(self.standard_deviations)[:, None] ** 2
        with np.errstate(divide="ignore"):  # a component without weight
            log_weights = np.log(np.array(self.weights))[:, None]

        def velocity(x: Array, t: Array) -> Array:
            alpha, sigma, alpha_rate, sigma_rate = path.coefficients(np.asarray(t))
            spread = sigma**2 + alpha**2 * variance  # [component, sample]
            deviation = x - alpha * means  # [component, dimension, sample]
            log_odds = log_weights - 0.5 * len(x) * np.log(spread) - 0.5 * (deviation**2).sum(axis=1) / spread
            odds = np.exp(log_odds - log_odds.max(axis=0))
            slope = (sigma * sigma_rate + alpha * alpha_rate * variance) / spread
            fields = alpha_rate * means + slope[:, None] * deviation
            return (odds[:, None] * fields).sum(axis=0) / odds.sum(axis=0)

        return velocity


def _sine(angle: Array) -> Array:
    return angle.sin() if hasattr(angle, "sin") else np.sin(angle)


def _stack(rows: list[Any]) -> Array:
    from ..execution.problem import stack

    return stack([np.asarray(row) if isinstance(row, float) else row for row in rows])
