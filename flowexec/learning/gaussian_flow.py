"""A flow that is known in closed form: what any distillation can be measured with."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..checks import check_kind, check_real
from ..market.paths import Array
from .flow_matching import LinearPath, Path


@dataclass(frozen=True)
class GaussianFlow:
    """The flow from noise N(0, I) to data N(m, s² I) along a path x_t = α x_1 + σ x_0.

    With V = σ² + α² s², the variance of x_t,

        v(x, t) = α' m + V'/(2V) (x − α m),
        φ(x, t, e) = α_e m + √(V_e/V_t) (x − α_t m),
        u(x, t, h) = (φ(x, t, t + h) − x)/h.

    Parameters
    ----------
    mean : float
        m of each coordinate.
    standard_deviation : float
        s, greater than 0.
    path : Path

    Notes
    -----
    Points x are [dimension, sample], times [sample] or [1], numpy or torch. The field is linear in x, so that
    each formula is exact. Pinned by `tests/learning/test_gaussian_flow.py`.
    """

    mean: float
    standard_deviation: float
    path: Path = field(default_factory=LinearPath)

    def __post_init__(self) -> None:
        check_real("mean", self.mean)
        check_real("standard_deviation", self.standard_deviation, above=0)
        check_kind("path", self.path, Path)

    def velocity(self, x: Array, t: Array) -> Array:
        """v(x, t)."""
        alpha, sigma, alpha_rate, sigma_rate = self.path.coefficients(t)
        s_squared = self.standard_deviation**2
        slope = (sigma * sigma_rate + s_squared * alpha * alpha_rate) / self._variance(t)
        return alpha_rate * self.mean + slope * (x - alpha * self.mean)

    def flow_map(self, x: Array, t: Array, end: Array) -> Array:
        """φ(x, t, e): where the flow that is at `x` at `t` is at `end`."""
        alpha, later = self.path.coefficients(t).alpha, self.path.coefficients(end).alpha
        stretch = (self._variance(end) / self._variance(t)) ** 0.5
        return later * self.mean + stretch * (x - alpha * self.mean)

    def mean_velocity(self, x: Array, t: Array, h: Array) -> Array:
        """u(x, t, h), for h = 0 the velocity."""
        still = h == 0
        jump = (self.flow_map(x, t, t + h) - x) / (h + 1.0 * still)
        return jump + still * self.velocity(x, t)

    def _variance(self, t: Array) -> Array:
        alpha, sigma, _, _ = self.path.coefficients(t)
        return sigma**2 + (self.standard_deviation * alpha) ** 2
