"""A regression as a flow: the plain competitor of every flow, with the same network and lessons."""

from __future__ import annotations

from dataclasses import dataclass

from ..market.paths import Array
from .flow_matching import Coefficients


@dataclass(frozen=True)
class NoPath:
    """x_t = 0 for all t, and dx_t/dt = x_1: of noise and datum nothing is seen on the way.

    On it flow matching is least squares: the least of E|v(0, t | c) − x_1|² is E[x_1 | c], whatever t. One
    Euler step from the noise 0 therefore goes to the conditional mean, and

        imitate(experts, scenario, FlowConfig(path=NoPath(), n_steps=1, refinements=0), seed=seed)

    is the regression of the same size on what the experts do. It has no use for noise.

    Notes
    -----
    A `Path` as far as losses are concerned; it does not end at the data. Pinned by
    `tests/learning/test_no_path.py`.
    """

    def coefficients(self, t: Array) -> Coefficients:
        return Coefficients(0.0 * t, 0.0 * t, 1.0 + 0.0 * t, 0.0 * t)
