"""Expected values one step ahead against moments, quadrature and the Fourier transform."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate

from flowexec.market.heston import Heston
from flowexec.market.heston_pricing import variance_density
from flowexec.market.signal import OrnsteinUhlenbeck
from flowexec.strategies.transition import gaussian_chain, square_root_chain

#: Feller's ratio 1.1, 20, and 0.05: a density that is infinite at 0
MODELS = [
    Heston(100.0, v0=1.0, kappa=5.0, theta=1.0, xi=3.0, rho=0.0),
    Heston(100.0, v0=1.0, kappa=5.0, theta=2.0, xi=1.0, rho=0.0),
    Heston(100.0, v0=0.5, kappa=0.5, theta=0.5, xi=3.0, rho=0.0),
]


@pytest.mark.parametrize("model", MODELS)
def test_variance_cubics_are_exact(model: Heston) -> None:
    """The spline through a cubic is the cubic, so its expected value is a sum of moments."""
    tau = 0.05
    chain = square_root_chain(model, n_steps=20, step_length=tau, size=61)
    assert chain.expectation.sum(axis=1) == pytest.approx(1.0, abs=1e-10)
    first, last = chain.nodes[0], chain.nodes[-1]
    inner = 0
    for v, row in zip(chain.nodes, chain.expectation, strict=True):
        at = replace(model, v0=float(v))
        mean, variance = at.mean_variance(tau), at.variance_of_variance(tau)
        reach = 7 * variance**0.5
        if mean + reach > last or (first > 1e-3 and mean - reach < first):
            continue  # near the ends functions count as constant beyond them
        inner += 1
        assert row @ chain.nodes == pytest.approx(mean, rel=1e-7)
        assert row @ chain.nodes**2 == pytest.approx(mean**2 + variance, rel=1e-7)
    assert inner > 5


@pytest.mark.parametrize("model", MODELS)
def test_variance_expectations_agree_with_quadrature_to_fourth_order(model: Heston) -> None:
    tau, start = 0.05, model.v0

    def f(v: np.ndarray) -> np.ndarray:
        return np.log1p(v / model.theta)

    # w = √v takes the density's singularity at 0 away
    exact, _ = integrate.quad(
        lambda w: f(w * w) * variance_density(model, w * w, tau) * 2 * w, 0.0, np.inf, epsabs=1e-12, limit=400
    )
    errors = []
    for size in (31, 61, 121):
        chain = square_root_chain(model, n_steps=2, step_length=tau, size=size)
        ahead = chain.expectation @ f(chain.nodes)
        from scipy.interpolate import CubicSpline

        errors.append(abs(float(CubicSpline(chain.nodes, ahead)(start)) - exact))
    assert errors[0] < 1e-3
    assert errors[2] < 1e-7 or errors[1] / errors[2] > 8


def test_signal_cubics_are_exact() -> None:
    signal, tau = OrnsteinUhlenbeck(5.0, 3.0, initial=0.4), 0.05
    chain = gaussian_chain(signal, n_steps=20, step_length=tau, size=41)
    inner = np.abs(chain.nodes) < 0.4 * chain.nodes[-1]
    mean, sd = signal.mean(chain.nodes, tau)[inner], signal.sd(tau)
    rows = chain.expectation[inner]
    assert rows @ chain.nodes == pytest.approx(mean, abs=1e-8)
    assert rows @ chain.nodes**2 == pytest.approx(mean**2 + sd**2, abs=1e-8)
    assert rows @ chain.nodes**3 == pytest.approx(mean**3 + 3 * mean * sd**2, abs=1e-7)


def test_a_long_chain_of_steps_is_one_long_step() -> None:
    """Chapman and Kolmogorov: twenty steps of the matrix against the law at the horizon."""
    model, f = MODELS[0], np.sqrt
    chain = square_root_chain(model, n_steps=21, step_length=0.05, size=121)
    value = f(chain.nodes)
    for _ in range(20):
        value = chain.expectation @ value
    exact, _ = integrate.quad(
        lambda w: 2 * w * w * variance_density(model, w * w, 1.0), 0.0, 8.0, epsabs=1e-11
    )
    assert np.interp(model.v0, chain.nodes, value) == pytest.approx(exact, rel=2e-5)


def test_a_law_is_computed_once_for_all_who_need_it_and_nobody_can_write_to_it() -> None:
    arguments = {"n_steps": 20, "step_length": 0.05, "size": 61}
    first = square_root_chain(MODELS[0], **arguments)
    assert (
        square_root_chain(replace(MODELS[0], rho=0.5), **arguments) is first
    )  # the correlation plays no part
    with pytest.raises(ValueError, match="read-only"):
        first.expectation[0, 0] = 0.0
    other = square_root_chain(replace(MODELS[0], kappa=2.5), **arguments)
    assert not np.allclose(other.expectation, first.expectation)


def test_a_grid_that_cannot_hold_the_variance_says_how_large_it_must_be() -> None:
    arguments = {"n_steps": 20, "step_length": 0.05, "size": 61}
    needed = square_root_chain(MODELS[0], **arguments).nodes[-1]
    with pytest.raises(
        ValueError, match=r"`grid.max_variance` must be at least \d+\.\d+, which the variance exc"
    ):
        square_root_chain(MODELS[0], **arguments, largest=0.5 * needed)
    assert square_root_chain(MODELS[0], **arguments, largest=2 * needed).nodes[-1] == pytest.approx(
        2 * needed
    )
    with pytest.raises(ValueError, match=r"`xi` must be at least 0\.002 for the variance"):
        square_root_chain(replace(MODELS[0], xi=1e-5), **arguments)
    with pytest.raises(ValueError, match=r"`signal.volatility` must be greater than 0 .* got 0"):
        gaussian_chain(OrnsteinUhlenbeck(1.0, 0.0), n_steps=5, step_length=0.2, size=41)
