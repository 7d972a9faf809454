"""What a mean velocity has to satisfy, and how far a candidate is from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from ..checks import check_numbers
from .distillation_losses import MeanVelocity, mean_flow_target, two_steps
from .flow_matching import Velocity


class Residuals(NamedTuple):
    """Arrays [dimension, sample], all 0 for the mean velocity of the flow and for nothing else."""

    two_steps: np.ndarray
    """½ [u(x, t, h/2) + u(x + (h/2) u(x, t, h/2), t + h/2, h/2)] − u(x, t, h): self-consistency."""
    mean_flow: np.ndarray
    """v + h (v·∂_x + ∂_t − ∂_h) u − u."""
    anchor: np.ndarray
    """v(x, t) − u(x, t, 0), which self-consistency needs beside it."""


def residuals(u: MeanVelocity, velocity: Velocity, x: np.ndarray, t: np.ndarray, h: np.ndarray) -> Residuals:
    """How far `u` is from being the mean velocity of the flow along `velocity`.

    Parameters
    ----------
    u : callable (x, t, h) -> array [dimension, sample]
    velocity : callable (x, t) -> array [dimension, sample]
        Both on torch, in double precision.
    x : array [dimension, sample]
    t, h : array [sample]
        With h > 0 and t + h ≤ 1.

    Raises
    ------
    ValueError
        When an argument holds what is no finite number.

    Notes
    -----
    Pinned by `tests/learning/test_mean_velocity.py`.
    """
    for name, array in {"x": x, "t": t, "h": h}.items():
        check_numbers(name, np.ravel(array))
    point, time, length = (torch.tensor(a, dtype=torch.float64) for a in (x, t, h))
    v, jump = velocity(point, time), u(point, time, length)
    found = (
        two_steps(u, point, time, 0.5 * length) - jump,
        mean_flow_target(u, v, point, time, length) - jump,
        v - u(point, time, 0.0 * length),
    )
    return Residuals(*(residual.detach().numpy() for residual in found))
