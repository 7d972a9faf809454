"""Each false mean velocity is found out by the identity that it breaks, and by no other."""

import numpy as np
import pytest

from flowexec.learning.gaussian_flow import GaussianFlow
from flowexec.learning.mean_velocity import residuals

FLOW = GaussianFlow(0.7, 0.4)
RNG = np.random.default_rng(1)
X, (T, H) = RNG.standard_normal((2, 50)), 0.05 + 0.4 * RNG.random((2, 50))

CANDIDATES = {
    "mean velocity": (FLOW.mean_velocity, set()),
    "velocity": (lambda x, t, h: FLOW.velocity(x, t) + 0 * h, {"two_steps", "mean_flow"}),
    "nothing": (lambda x, t, h: 0 * x * h, {"mean_flow", "anchor"}),
    "another flow's": (GaussianFlow(0.1, 0.9).mean_velocity, {"mean_flow", "anchor"}),
}


@pytest.mark.parametrize("name", CANDIDATES)
def test_it_is_found_out(name):
    u, broken = CANDIDATES[name]
    found = residuals(u, FLOW.velocity, X, T, H)._asdict()
    assert {key for key, r in found.items() if np.sqrt(np.mean(r**2)) > 0.01} == broken
    assert all(np.max(np.abs(r)) < 1e-10 for key, r in found.items() if key not in broken)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="`t`"):
        residuals(FLOW.mean_velocity, FLOW.velocity, X, np.full(50, np.nan), H)
