"""Heston paths: moments, martingale, published biases, orders of convergence, laws and refusals."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from flowexec.market.heston import Heston
from flowexec.market.heston_bias import call_bias
from flowexec.market.heston_schemes import SCHEMES, Block, QEMConstants, qe_m_constants

SCHEME_NAMES = ("euler", "qe_m", "ivi")
# Andersen's (2008) case I: the variance sits at 0 most of the time. Time unit: a year.
CASE_I = Heston(price=100, v0=0.04, kappa=0.5, theta=0.04, xi=1.0, rho=-0.9)
MILD = Heston(price=100, v0=0.06, kappa=3.0, theta=0.04, xi=0.3, rho=-0.6)


def z_score(sample: np.ndarray, expected: float) -> float:
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(sample.size)))


def one_step(
    model: Heston, dt: float, v: float, z_v: np.ndarray, uniform: float | np.ndarray = 0.5, **changed: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """v' and E[S'/S | v'], by the real kernel, and the standard deviation of ln S' given v'."""
    make, kernel = SCHEMES[model.scheme]
    c = make(model.kappa, model.theta, model.xi, model.rho, model.drift, dt)._replace(**changed)
    n = len(z_v)
    logs, factor = [], np.ones((1, n))
    for z_s in (0.0, 1.0):
        variance = np.full((2, n), v)
        log_growth = np.empty((1, n))
        normals = np.stack([z_v, np.full(n, z_s)])[None]
        uniforms = np.broadcast_to(uniform, (1, n)).copy()
        kernel(c, Block(normals, uniforms, np.full(n, v), variance, log_growth, factor))
        logs.append(log_growth[0])
    deviation = logs[1] - logs[0]
    return variance[1], factor[0] * np.exp(logs[0] + 0.5 * deviation**2), deviation


# ---- truth: one step, by quadrature over the noise instead of sampling ----

HERMITE, WEIGHTS = special.roots_hermitenorm(100)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
MIDPOINTS = special.ndtri((np.arange(400_000) + 0.5) / 400_000)


@pytest.mark.parametrize("v", [0.08, 0.3, 2.0])
@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.7])
def test_qe_m_quadratic_branch_matches_two_moments_and_the_martingale(v: float, rho: float) -> None:
    model, dt = replace(CASE_I, rho=rho, drift=0.03), 1 / 16
    v_next, growth, _ = one_step(model, dt, v, HERMITE)
    start = replace(model, v0=v)
    mean = WEIGHTS @ v_next
    assert mean == pytest.approx(start.mean_variance(dt), rel=1e-12)
    assert WEIGHTS @ (v_next - mean) ** 2 == pytest.approx(start.variance_of_variance(dt), rel=1e-11)
    assert WEIGHTS @ growth == pytest.approx(math.exp(0.03 * dt), rel=1e-10)


@pytest.mark.parametrize("v", [0.0, 1e-6, 0.005, 0.03])
@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.7])
def test_qe_m_exponential_branch_matches_two_moments_and_the_martingale(v: float, rho: float) -> None:
    model, dt = replace(CASE_I, rho=rho, drift=0.03), 1 / 16
    v_next, growth, _ = one_step(model, dt, v, MIDPOINTS)
    start = replace(model, v0=v)
    # the midpoint rule in U loses a few parts in 400,000 at the logarithmic end of the exponential
    assert v_next.mean() == pytest.approx(start.mean_variance(dt), rel=3e-5)
    assert v_next.var() == pytest.approx(start.variance_of_variance(dt), rel=1e-3)
    assert growth.mean() == pytest.approx(math.exp(0.03 * dt), rel=1e-6)
    assert (v_next == 0).any()


@pytest.mark.parametrize("v", [0.0, 0.01, 0.05, 0.2])
def test_without_its_correction_the_price_of_qe_is_no_martingale(v: float) -> None:
    """The two tests above can fail: A = 0 switches the correction off, in both branches."""
    model, dt = CASE_I, 1.0
    assert abs(one_step(model, dt, v, MIDPOINTS)[1].mean() - 1) < 1e-6
    assert abs(one_step(model, dt, v, MIDPOINTS, a=0.0)[1].mean() - 1) > 1e-3


@pytest.mark.parametrize("v", [0.0, 0.02, 0.3])
def test_ivi_draws_the_inverse_gaussian_and_the_published_variance(v: float) -> None:
    model, dt, n = replace(CASE_I, scheme="ivi"), 0.25, 200_000
    rng = np.random.default_rng(11)
    v_next, growth, deviation = one_step(model, dt, v, rng.standard_normal(n), rng.random(n))
    b = (1 - math.exp(-model.kappa * dt)) / model.kappa
    alpha, s = v * b + model.theta * (dt - b), model.xi * b
    u = deviation**2 / (1 - model.rho**2)
    shape = (alpha / s) ** 2
    assert stats.kstest(u, stats.invgauss(alpha / shape, scale=shape).cdf).pvalue > 1e-3
    published = v + model.kappa * model.theta * dt - model.kappa * u + model.xi * (u - alpha) / s
    np.testing.assert_allclose(v_next, np.maximum(published, 0.0), rtol=1e-9, atol=1e-12)
    assert v_next.min() > 0
    assert abs(z_score(growth, 1.0)) < 4
    assert growth.std() / math.sqrt(n) < 1e-3


def test_euler_step_is_the_published_one() -> None:
    model, dt, v = replace(MILD, scheme="euler", drift=0.1), 0.1, 0.05
    z = np.array([-1.5, 0.0, 2.0])
    v_next, growth, deviation = one_step(model, dt, v, z)
    noise = math.sqrt(v * dt)
    expected = v + 3.0 * (0.04 - v) * dt + 0.3 * noise * z
    np.testing.assert_allclose(v_next, np.maximum(expected, 0.0), rtol=1e-14)
    np.testing.assert_allclose(deviation, math.sqrt(1 - 0.36) * noise, rtol=1e-12)
    log_mean = (0.1 - 0.5 * v) * dt - 0.6 * noise * z + 0.5 * deviation**2
    np.testing.assert_allclose(growth, np.exp(log_mean), rtol=1e-12)


# ---- truth: paths ----


@pytest.mark.parametrize("model", [MILD, CASE_I], ids=["mild", "case I"])
def test_qe_m_variance_has_exact_mean_and_variance_at_any_step(model: Heston) -> None:
    """Both conditional moments are matched, so by the tower rule the unconditional ones are too; |z| < 4."""
    horizon = 2.0
    v = model.simulate(200_000, 4, horizon, seed=1).variance[-1]
    mean = model.mean_variance(horizon)
    assert abs(z_score(v, mean)) < 4
    assert abs(z_score((v - mean) ** 2, model.variance_of_variance(horizon))) < 4
    assert v.std() / math.sqrt(v.size) < 0.015 * mean


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_moments_of_the_log_return_and_integrated_variance(scheme: str) -> None:
    """Fine steps, no visible bias: |z| < 4 with a standard error below 1 % of a standard deviation."""
    model = replace(MILD, scheme=scheme, drift=0.05)
    paths = model.simulate(60_000, 200, 1.0, seed=2)
    log_return = np.log(paths.mid[-1] / 100)
    integrated = np.trapezoid(paths.variance, paths.times, axis=0)
    for sample, mean, variance in (
        (log_return, model.mean_log_return(1.0), model.variance_of_log_return(1.0)),
        (integrated, model.mean_integrated_variance(1.0), model.variance_of_integrated_variance(1.0)),
    ):
        assert abs(z_score(sample, mean)) < 4
        assert abs(z_score((sample - mean) ** 2, variance)) < 4


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
@pytest.mark.parametrize("n_steps", [2, 20])
def test_price_is_a_martingale_in_case_i_even_with_steps_of_years(scheme: str, n_steps: int) -> None:
    price = replace(CASE_I, scheme=scheme).simulate(300_000, n_steps, 10.0, seed=3).mid[-1]
    assert abs(z_score(price, 100.0)) < 4
    assert price.std() / math.sqrt(price.size) < 0.35


@pytest.mark.parametrize(
    ("scheme", "n_steps", "expected"),
    [
        *[("euler", n, b) for n, b in ((10, 6.34), (40, 2.03), (160, 0.52))],
        *[("qe_m", n, b) for n, b in ((10, 0.24), (40, 0.02), (160, -0.03))],
        *[("ivi", n, b) for n, b in ((10, -0.32), (40, -0.05), (160, -0.02))],
    ],
)
def test_bias_of_the_at_the_money_call_in_case_i(scheme: str, n_steps: int, expected: float) -> None:
    """The published values have a standard error of 0.03 themselves; |z| < 3.5 with both errors counted."""
    found = call_bias(replace(CASE_I, scheme=scheme), 100.0, 10.0, n_steps, n_paths=200_000, seed=4)
    assert found.standard_error < 0.045
    assert abs(found.bias - expected) < 3.5 * math.hypot(found.standard_error, 0.03)


def test_weak_order_of_euler_is_one() -> None:
    """Steps of 1/4, 1/8 and 1/16 year; the order is 1 within 3.5 standard errors and 0.05."""
    model = replace(CASE_I, scheme="euler")
    runs = [call_bias(model, 100.0, 10.0, n, n_paths=200_000, seed=5 + n) for n in (40, 80, 160)]
    order = math.log(runs[0].bias / runs[2].bias) / math.log(4)
    error = math.hypot(*(r.standard_error / r.bias for r in (runs[0], runs[2]))) / math.log(4)
    assert error < 0.05
    assert abs(order - 1) < 3.5 * error + 0.05
    assert runs[0].bias > runs[1].bias > runs[2].bias > 0


def test_qe_m_beats_euler_by_an_order_of_magnitude_at_the_same_step() -> None:
    euler = call_bias(replace(CASE_I, scheme="euler"), 100.0, 10.0, 20, n_paths=200_000, seed=6)
    qe_m = call_bias(CASE_I, 100.0, 10.0, 20, n_paths=200_000, seed=6)
    assert abs(qe_m.bias) + 4 * qe_m.standard_error < 0.1 * euler.bias


def test_strong_order_of_euler_is_one_half() -> None:
    """One Brownian motion in coarser and coarser steps, against 4,096 of them; Feller's ratio above 1."""
    model = Heston(price=100, v0=0.3, kappa=0.5, theta=0.3, xi=0.5, rho=-0.6, scheme="euler")
    horizon, finest, n = 1.0, 4096, 1000
    assert model.feller > 1
    increments = np.random.default_rng(7).standard_normal((finest, 2, n)) * math.sqrt(horizon / finest)

    def run(steps: int) -> tuple[np.ndarray, np.ndarray]:
        dt = horizon / steps
        normals = increments.reshape(steps, finest // steps, 2, n).sum(axis=1) / math.sqrt(dt)
        make, kernel = SCHEMES["euler"]
        variance, log_growth = np.empty((steps + 1, n)), np.empty((steps, n))
        variance[0] = model.v0
        c = make(model.kappa, model.theta, model.xi, model.rho, 0.0, dt)
        kernel(c, Block(normals, log_growth, np.full(n, model.v0), variance, log_growth, log_growth))
        return variance[-1], log_growth.sum(axis=0)

    reference = run(finest)
    steps = np.array([32, 64, 128, 256])
    errors = np.array(
        [[np.abs(a - b).mean() for a, b in zip(run(s), reference, strict=True)] for s in steps.tolist()]
    )
    for of_variance_or_price in errors.T:
        order = -np.polyfit(np.log(steps), np.log(of_variance_or_price), 1)[0]
        assert 0.45 < order < 0.6


def test_no_scheme_shows_a_bias_over_a_trading_day() -> None:
    model = Heston.from_annual(price=100, v0=0.0625, kappa=5, theta=0.04, xi=0.6, rho=-0.6)
    for scheme in SCHEME_NAMES:
        found = call_bias(replace(model, scheme=scheme), 100.0, 1.0, 13, n_paths=200_000, seed=8)
        assert abs(found.z_score) < 4
        assert found.standard_error < 0.003 * found.exact


# ---- laws ----


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_variance_is_never_negative_and_prices_are_positive(scheme: str) -> None:
    paths = replace(CASE_I, scheme=scheme, v0=0.0).simulate(5_000, 37, 10.0, seed=9)
    assert np.all(np.isfinite(paths.variance))
    assert paths.variance.min() >= 0
    assert np.all(np.isfinite(paths.mid))
    assert paths.mid.min() > 0
    assert paths.mid.shape == paths.variance.shape == (38, 5_000)


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_price_scales_and_units_of_time_are_free(scheme: str) -> None:
    annual = replace(MILD, scheme=scheme)
    daily = Heston.from_annual(50, 0.06, 3.0, 0.04, 0.3, -0.6, scheme=scheme, days=252)
    a = annual.simulate(1_500, 24, 0.5, seed=10)
    d = daily.simulate(1_500, 24, 126.0, seed=10)
    np.testing.assert_allclose(d.mid, 0.5 * a.mid, rtol=1e-9)
    np.testing.assert_allclose(d.variance, a.variance / 252, rtol=1e-7, atol=1e-14)


def test_feller_ratio_does_not_depend_on_the_unit_of_time() -> None:
    assert CASE_I.feller == pytest.approx(0.04)
    assert Heston.from_annual(100, 0.04, 0.5, 0.04, 1.0, -0.9).feller == pytest.approx(0.04)


@pytest.mark.parametrize("model", [MILD, CASE_I, replace(MILD, kappa=40.0)])
@pytest.mark.parametrize("t", [1e-5, 0.3, 20.0])
def test_integrated_variance_has_its_closed_form(model: Heston, t: float) -> None:
    """Below κt = 1e-3 the closed form has no digits left; there the check is the leading term."""
    k, x = model.kappa, model.kappa * t
    e = math.exp(-x)
    if x < 1e-3:
        expected = model.xi**2 * model.v0 * t**3 / 3
        assert model.variance_of_integrated_variance(t) == pytest.approx(expected, rel=1e-2)
        return
    at_theta = t - 2 * (1 - e) / k + (1 - e * e) / (2 * k)
    at_excess = (1 - e * e) / k - 2 * t * e
    expected = (model.xi / k) ** 2 * (model.theta * at_theta + (model.v0 - model.theta) * at_excess)
    assert model.variance_of_integrated_variance(t) == pytest.approx(expected, rel=1e-8)


def test_spread_and_volume_are_the_models_own() -> None:
    paths = replace(MILD, spread=0.02).simulate(3, 4, 1.0, seed=0)
    assert np.all(paths.spread == 0.02)
    np.testing.assert_allclose(paths.volume, 250_000)


# ---- refusals ----


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"rho": 1.3}, "`rho` must lie in [-1, 1], got 1.3"),
        ({"rho": -1.0001}, "`rho` must lie in [-1, 1], got -1.0001"),
        ({"kappa": float("nan")}, "`kappa` must be greater than 0, got nan"),
        ({"kappa": 0.0}, "`kappa` must be greater than 0, got 0.0"),
        ({"v0": -0.04}, "`v0` must be at least 0, got -0.04"),
        ({"theta": 0}, "`theta` must be greater than 0, got 0"),
        ({"xi": -1}, "`xi` must be greater than 0, got -1"),
        ({"price": float("inf")}, "`price` must be greater than 0, got inf"),
        ({"spread": -0.01}, "`spread` must be at least 0, got -0.01"),
        ({"drift": float("nan")}, "`drift` must be a finite number, got nan"),
        ({"scheme": "milstein"}, "`scheme` must be one of 'qe_m', 'euler', 'ivi', got 'milstein'"),
    ],
)
def test_bad_parameters_are_named(changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        replace(MILD, **changed)


def test_annual_parameters_are_quoted_as_they_were_given() -> None:
    with pytest.raises(ValueError, match=r"`v0` must be at least 0, got -0.04$"):
        Heston.from_annual(100, -0.04, 2.0, 0.04, 0.5, -0.7)
    with pytest.raises(ValueError, match=r"`days` must be greater than 0, got 0$"):
        Heston.from_annual(100, 0.04, 2.0, 0.04, 0.5, -0.7, days=0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_steps": 0}, "`n_steps` must be a whole number, at least 1, got 0"),
        ({"n_paths": 2.5}, "`n_paths` must be a whole number, at least 1, got 2.5"),
        ({"horizon": -1.0}, "`horizon` must be greater than 0, got -1.0"),
        ({"seed": -3}, "`seed` must be a whole number, at least 0, got -3"),
        ({"first_path": -1}, "`first_path` must be a whole number, at least 0, got -1"),
        ({"threads": 0}, "`threads` must be a whole number, at least 1, got 0"),
    ],
)
def test_bad_requests_are_named(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        MILD.simulate(**{"n_paths": 1, "n_steps": 1, "horizon": 1.0, "seed": 0, **arguments})


@pytest.mark.parametrize("scheme", ["qe_m", "ivi"])
def test_a_step_too_long_for_the_martingale_is_refused_and_a_shorter_one_is_not(scheme: str) -> None:
    model = Heston(100, 0.04, 1.0, 0.04, 1.5, 0.95, scheme=scheme)
    with pytest.raises(ValueError, match=rf"`n_steps` must be larger: .*'{scheme}'.*rho=0\.95 and xi=1\.5"):
        model.simulate(1, 1, 5.0, seed=0)
    price = model.simulate(1024, 500, 5.0, seed=0).mid
    assert np.all(np.isfinite(price))


def test_the_refusal_of_qe_m_is_neither_early_nor_late() -> None:
    """At the longest step accepted every variance has a finite correction; a bit beyond, one has not."""
    model = Heston(100, 0.04, 1.0, 0.04, 1.5, 0.95)

    def constants(dt: float) -> QEMConstants:
        return qe_m_constants(model.kappa, model.theta, model.xi, model.rho, 0.0, dt)

    def accepted(dt: float) -> bool:
        try:
            constants(dt)
        except ValueError:
            return False
        return True

    low, high = 1e-3, 5.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if accepted(middle) else (low, middle)
    c = constants(low)
    # the worst variance turns out to be the last one of the exponential branch
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 1e4, 2000), c.low_variance * np.array([1 - 1e-9, 1.0])])
    finite = np.array([one_step(model, low, v, np.zeros(1))[1] for v in grid])
    assert np.all(np.isfinite(finite))
    assert np.min(finite) >= 0
    beyond = np.array([one_step(model, low, v, np.zeros(1), a=1.001 * c.a)[1] for v in grid])
    assert not np.all(np.isfinite(beyond) & (beyond >= 0))
