"""What a student of a few steps learns from: targets for a mean velocity, and the losses made of them.

A student is asked for the mean velocity u(x, t, h) of its teacher over [t, t + h], so that one step of it,
x + h u(x, t, h), is worth all the teacher's steps in between. What is known of u without integrating is what
each method makes its target of: two steps in a row are a step twice as long (progressive, shortcut), and
h u = ∫ v can be differentiated along the flow (mean flow).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..market.paths import Array

MeanVelocity = Callable[[Array, Array, Array], Array]
"""u(x, t, h) [dimension, sample], for x [dimension, sample] and t, h [sample]."""


def two_steps(u: MeanVelocity, x: Array, t: Array, h: Array) -> Array:
    """Mean velocity over [t, t + 2h] of two steps of length h from `x`: what a step of length 2h has to be.

        ½ [u(x, t, h) + u(x + h u(x, t, h), t + h, h)]

    Notes
    -----
    Salimans and Ho (2022) for h doubled generation by generation, Frans et al. (2024, eq. 4) for u of all h
    at once. Pinned by `tests/learning/test_distillation.py`.
    """
    first = u(x, t, h)
    return 0.5 * (first + u(x + h * first, t + h, h))


def mean_flow_target(u: MeanVelocity, velocity: Array, x: Array, t: Array, h: Array) -> Array:
    """The right-hand side of u = v + h (v·∂_x + ∂_t − ∂_h) u, which holds for the mean velocity alone.

    Differentiate h u(x_t, t, h) = ∫_t^{t+h} v(x_s, s) ds along the flow, the end t + h being fixed.

    Parameters
    ----------
    u : callable
    velocity : tensor [dimension, sample]
        v(x, t).
    x : tensor [dimension, sample]
    t, h : tensor [sample]

    Notes
    -----
    Geng et al. (2025, eq. 6), with time running from noise to data and the interval lying ahead. Pinned by
    `tests/learning/test_distillation.py`.
    """
    _, rate = torch.func.jvp(u, (x, t, h), (velocity, torch.ones_like(t), -torch.ones_like(h)))
    return velocity + h * rate


@dataclass(frozen=True)
class Batch:
    """States of a batch, and what is known there.

    Attributes
    ----------
    student, velocity, previous : callable (x, t, h) -> u
        In the conditions of the batch: what learns, the teacher's velocity (whatever h), and the student of
        the generation before.
    road : tensor [point, dimension, sample]
        Where the teacher is at equally spaced times from 0 to 1.
    generation : int
        Number of the present one.
    steps : tuple of int
        Of each generation, from the finest to the student's own.
    velocity_share : float
    rng : Generator
    """

    student: MeanVelocity
    velocity: MeanVelocity
    previous: MeanVelocity
    road: Array
    generation: int
    steps: tuple[int, ...]
    velocity_share: float
    rng: np.random.Generator

    def uniform(self) -> Array:
        """Numbers in [0, 1), [sample]."""
        return torch.from_numpy(self.rng.random(self.road.shape[2], dtype=np.float32))

    def on_the_road(self, t: Array) -> Array:
        """x_t, where the teacher is at times t [sample]: linear between the points of its road."""
        sample, segments = torch.arange(self.road.shape[2]), len(self.road) - 1
        segment = (t * segments).long().clamp(max=segments - 1)
        start, end = self.road[segment, :, sample].T, self.road[segment + 1, :, sample].T
        return start + (t * segments - segment) * (end - start)

    def error(self, t: Array, h: Array, target: Callable[[Array], Array]) -> Array:
        """Mean squared distance of u(x_t, t, h) from `target`(x_t), which no gradient goes through."""
        x = self.on_the_road(t)
        with torch.no_grad():
            aim = target(x)
        return ((self.student(x, t, h) - aim) ** 2).sum(0).mean()


def progressive_loss(batch: Batch) -> Array:
    """u(x_t, t, 1/K) against two steps of the generation before, t one of 0, 1/K, …; K is halved from one
    generation to the next (Salimans and Ho 2022)."""
    steps = batch.steps[batch.generation]
    t = torch.floor(batch.uniform() * steps) / steps
    h = torch.full_like(t, 1.0 / steps)
    return batch.error(t, h, lambda x: two_steps(batch.previous, x, t, 0.5 * h))


def shortcut_loss(batch: Batch) -> Array:
    """Velocities for h = 0, and, for the h of all generations at once, two steps of the student itself, half
    as long: its self-consistency (Frans et al. 2024)."""
    slow = batch.uniform() < batch.velocity_share
    which = torch.floor(batch.uniform() * len(batch.steps)).long()
    steps = torch.tensor(batch.steps, dtype=torch.float32)[which]
    t = torch.where(slow, batch.uniform(), torch.floor(batch.uniform() * steps) / steps)
    h = torch.where(slow, 0.0, 1.0 / steps)
    as_velocity = which == 0  # the shortest jumps are two steps along the velocity

    def target(x: Array) -> Array:
        def known(y: Array, s: Array, half: Array) -> Array:
            return batch.student(y, s, torch.where(as_velocity, 0.0, half))

        return torch.where(slow, batch.velocity(x, t, 0.0 * t), two_steps(known, x, t, 0.5 * h))

    return batch.error(t, h, target)


def mean_flow_loss(batch: Batch) -> Array:
    """`mean_flow_target` over intervals between two uniform times, or velocities for h = 0 (Geng et al.
    2025)."""
    first, second = batch.uniform(), batch.uniform()
    t = torch.minimum(first, second)
    h = torch.where(batch.uniform() < batch.velocity_share, 0.0, (first - second).abs())
    return batch.error(
        t, h, lambda x: mean_flow_target(batch.student, batch.velocity(x, t, 0.0 * t), x, t, h)
    )


LOSSES: dict[str, Callable[[Batch], Array]] = {
    "progressive": progressive_loss,
    "shortcut": shortcut_loss,
    "meanflow": mean_flow_loss,
}
