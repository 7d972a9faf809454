"""Expected values one step ahead, exactly, for functions given by a cubic spline on a grid.

If f is the spline through its values f_j at nodes z_j, then E[f(Z')|Z = z_i] = Σ_j T_ij f_j: one matrix holds
all that a dynamic programme needs to know of a state it cannot steer. Its entries are sums of the law's
partial moments over the cells of the grid, which the law of Cox, Ingersoll and Ross and the normal law have
in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..market.heston import Heston
from ..market.signal import OrnsteinUhlenbeck

TAIL = 1e-9
"""Probability of ever being seen beyond either end of a grid that was not asked for otherwise, per step."""

MOST_FREEDOM = 5e6
"""Degrees of freedom beyond which SciPy's noncentral χ² distribution has too few digits for differences."""

PartialMoments = Callable[[np.ndarray], list[np.ndarray]]
"""From bounds b [bound] to E[Z'^p 1{Z' ≤ b}] [node, bound] for p = 0, 1, 2, 3."""


class Chain(NamedTuple):
    """A state that moves by itself: its nodes, and what functions on them are at the start and ahead."""

    nodes: np.ndarray
    """[node], increasing."""
    start: np.ndarray
    """Weights [node] with f(z_0) = Σ_j start_j f_j at the state's own start z_0."""
    expectation: np.ndarray
    """T [node, node]; each row sums to 1. Beyond the ends of the grid functions count as constant."""


def constant(value: float) -> Chain:
    """A state that does not move."""
    return Chain(np.array([value]), np.ones(1), np.ones((1, 1)))


def spline_chain(start: float, nodes: np.ndarray, partial_moments: PartialMoments) -> Chain:
    """The chain with Σ_j T_ij f_j = E[f(Z')|z_i], f the not-a-knot cubic spline through (z_j, f_j)."""
    from scipy.interpolate import CubicSpline  # a third of a second to import

    moments = partial_moments(nodes)
    inside = [np.diff(m, axis=1) for m in moments]
    left = nodes[:-1]
    # moments of Z' − left in each cell, which is what the spline's polynomials are written in
    centred = [
        inside[0],
        inside[1] - left * inside[0],
        inside[2] - 2 * left * inside[1] + left**2 * inside[0],
        inside[3] - 3 * left * inside[2] + 3 * left**2 * inside[1] - left**3 * inside[0],
    ]
    unit = CubicSpline(nodes, np.eye(nodes.size))
    matrix = sum(centred[power] @ unit.c[3 - power] for power in range(4))  # c [3 − power, cell, node]
    matrix[:, 0] += moments[0][:, 0]
    matrix[:, -1] += 1.0 - moments[0][:, -1]
    return Chain(nodes, np.asarray(unit(start)), np.asarray(matrix))


class _SquareRootLaw(NamedTuple):
    """v_{t+τ} given v_t: scale · χ'²(freedom, v_t e^{−κτ}/scale), Cox, Ingersoll and Ross (1985, eq. 18)."""

    scale: float
    freedom: float
    decay: float

    @classmethod
    def of(cls, model: Heston, time: float) -> _SquareRootLaw:
        scale = -(model.xi**2) * math.expm1(-model.kappa * time) / (4 * model.kappa)
        return cls(scale, 4 * model.kappa * model.theta / model.xi**2, math.exp(-model.kappa * time))

    def partial_moments(self, start: np.ndarray, bounds: np.ndarray) -> list[np.ndarray]:
        """By y f_d(y) = d f_{d+2}(y) + λ f_{d+4}(y), where f_d is the density with d degrees of freedom."""
        from scipy.stats import ncx2

        distance = (start * self.decay / self.scale)[:, None]
        z = bounds / self.scale
        below = [np.asarray(ncx2.cdf(z, self.freedom + 2 * j, distance)) for j in range(7)]
        weights = {0: np.ones_like(distance)}  # y^p f_d = Σ_j weights_j f_{d+2j}
        moments = [below[0]]
        for power in (1, 2, 3):
            raised: dict[int, np.ndarray] = {}
            for j, weight in weights.items():
                raised[j + 1] = raised.get(j + 1, 0.0) + weight * (self.freedom + 2 * j)
                raised[j + 2] = raised.get(j + 2, 0.0) + weight * distance
            weights = raised
            total = sum((w * below[j] for j, w in weights.items()), np.zeros_like(below[0]))
            moments.append(self.scale**power * total)
        return moments


def square_root_chain(
    model: Heston, *, n_steps: int, step_length: float, size: int, largest: float | None = None
) -> Chain:
    """Heston's variance on `size` nodes, evenly spaced in √v, where its noise is the same everywhere.

    The nodes reach from the smallest to the largest value that the variance, started at v₀, has in any step
    with probability `TAIL`, or up to `largest`.

    Raises
    ------
    ValueError
        When `largest` leaves out values that occur with probability 10⁻⁶, or ξ is so small that the law has
        no width in floating point.
    """
    if 4 * model.kappa * model.theta / model.xi**2 > MOST_FREEDOM:
        smallest = math.sqrt(4 * model.kappa * model.theta / MOST_FREEDOM)
        raise ValueError(
            f"`xi` must be at least {smallest:.3g} for the variance to have a law that can be integrated, "
            f"got {model.xi:g}; below it `static_optimum` loses nothing"
        )
    if n_steps == 1:
        return constant(model.v0)
    low, high = _reach(model, n_steps, step_length, TAIL)
    if largest is not None:
        needed = _reach(model, n_steps, step_length, 1e-6)[1]
        if largest < needed:
            raise ValueError(
                f"`grid.max_variance` must be at least {needed:.6g}, which the variance exceeds in some step "
                f"with probability 1e-6, got {largest:g}"
            )
        high = largest
    law = _SquareRootLaw.of(model, step_length)
    return _law_on_nodes(law, model.v0, low, high, size)


def _reach(model: Heston, n_steps: int, step_length: float, probability: float) -> tuple[float, float]:
    """The smallest and the largest of the variance's quantiles in any step, v₀ among them."""
    from scipy.stats import ncx2  # the law's own tails; a second to import

    times = step_length * np.arange(1, n_steps)
    scale, freedom, decay = np.transpose([_SquareRootLaw.of(model, float(time)) for time in times])
    tails = [scale * ncx2.ppf(p, freedom, model.v0 * decay / scale) for p in (probability, 1 - probability)]
    return min(model.v0, float(tails[0].min())), max(model.v0, float(tails[1].max()))


@lru_cache(maxsize=32)
def _law_on_nodes(law: _SquareRootLaw, start: float, low: float, high: float, size: int) -> Chain:
    """Kept, since the grids of one scenario, and scenarios that differ in their risk aversion, share it."""
    nodes = np.linspace(math.sqrt(low), math.sqrt(high), size) ** 2
    chain = spline_chain(start, nodes, lambda bounds: law.partial_moments(nodes, bounds))
    for array in chain:
        array.setflags(write=False)
    return chain


def _normal_partial_moments(mean: np.ndarray, sd: float, bounds: np.ndarray) -> list[np.ndarray]:
    """By ∫z^p φ = −z^{p−1}φ + (p−1)∫z^{p−2}φ for the standard normal, then the binomial theorem."""
    from scipy.special import ndtr

    z = (bounds - mean[:, None]) / sd
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    standard = [ndtr(z), -density]
    standard += [standard[0] - z * density, -(z**2 + 2) * density]
    centre = mean[:, None]
    return [
        np.asarray(sum(math.comb(p, j) * sd**j * centre ** (p - j) * standard[j] for j in range(p + 1)))
        for p in range(4)
    ]


def gaussian_chain(signal: OrnsteinUhlenbeck, *, n_steps: int, step_length: float, size: int) -> Chain:
    """An Ornstein–Uhlenbeck signal on `size` evenly spaced nodes, six standard deviations to either side."""
    if n_steps == 1:
        return constant(signal.initial)
    times = step_length * np.arange(1, n_steps)
    means = [signal.initial, *(signal.mean(signal.initial, float(t)) for t in times)]
    reach = 6.0 * signal.sd(float(times[-1]))
    if not reach > 0:
        raise ValueError(
            f"`signal.volatility` must be greater than 0 for a signal to adapt to, got {signal.volatility:g}"
        )
    nodes = np.linspace(min(means) - reach, max(means) + reach, size)
    ahead = np.array([signal.mean(float(node), step_length) for node in nodes])
    spread = signal.sd(step_length)
    return spline_chain(signal.initial, nodes, lambda bounds: _normal_partial_moments(ahead, spread, bounds))
