"""Heston by Fourier inversion: published prices, the equations behind φ, limits, and the simulated law."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from flowexec.market.heston import Heston
from flowexec.market.heston_pricing import (
    characteristic_function,
    european_price,
    log_return_density,
    log_return_distribution,
    variance_density,
)

# Time unit: a year.
CASE_I = Heston(price=100, v0=0.04, kappa=0.5, theta=0.04, xi=1.0, rho=-0.9)
BROADIE_KAYA = Heston(price=100, v0=0.010201, kappa=6.21, theta=0.019, xi=0.61, rho=-0.7)
POSITIVE_RHO = Heston(price=100, v0=0.09, kappa=0.4, theta=0.05, xi=0.8, rho=0.8)
MODELS = [CASE_I, BROADIE_KAYA, POSITIVE_RHO]
IDS = ["case I", "Broadie-Kaya", "positive rho"]


def black(model: Heston, strike: np.ndarray, maturity: float, rate: float, variance: float) -> np.ndarray:
    forward, deviation = model.price * math.exp(rate * maturity), math.sqrt(variance)
    d_1 = np.log(forward / strike) / deviation + deviation / 2
    undiscounted = forward * stats.norm.cdf(d_1) - strike * stats.norm.cdf(d_1 - deviation)
    return np.asarray(math.exp(-rate * maturity) * undiscounted)


# ---- prices ----


def test_andersen_case_i() -> None:
    assert european_price(CASE_I, 100, 10.0) == pytest.approx(13.084670, abs=1e-6)


def test_broadie_and_kaya() -> None:
    assert european_price(BROADIE_KAYA, 100, 1.0, rate=0.0319) == pytest.approx(6.806113, abs=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("maturity", [1 / 252, 0.5, 10.0])
def test_prices_agree_with_the_analytic_engine_of_quantlib(model: Heston, maturity: float) -> None:
    ql = pytest.importorskip("QuantLib", reason="pip install 'flowexec[bench]' to compare with QuantLib")
    today, days = ql.Date(2, 1, 2025), ql.Actual365Fixed()
    whole_days = max(1, round(365 * maturity))
    ql.Settings.instance().evaluationDate = today
    rate = 0.03
    curve = ql.YieldTermStructureHandle(ql.FlatForward(today, rate, days))
    flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, days))
    spot = ql.QuoteHandle(ql.SimpleQuote(model.price))
    process = ql.HestonProcess(curve, flat, spot, model.v0, model.kappa, model.theta, model.xi, model.rho)
    engine = ql.AnalyticHestonEngine(ql.HestonModel(process), 1e-12, 1_000_000)
    strikes = np.array([80.0, 97.0, 100.0, 104.0, 130.0])
    for kind, side in (("call", ql.Option.Call), ("put", ql.Option.Put)):
        ours = european_price(model, strikes, whole_days / 365, rate=rate, kind=kind)
        for strike, price in zip(strikes, ours, strict=True):
            payoff = ql.PlainVanillaPayoff(side, strike)
            option = ql.VanillaOption(payoff, ql.EuropeanExercise(today + whole_days))
            option.setPricingEngine(engine)
            assert price == pytest.approx(option.NPV(), abs=2e-6)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("maturity", [1 / 252, 1.0, 30.0])
def test_parity_bounds_and_convexity(model: Heston, maturity: float) -> None:
    strikes, rate = np.linspace(60, 160, 41), 0.02
    call = european_price(model, strikes, maturity, rate=rate)
    put = european_price(model, strikes, maturity, rate=rate, kind="put")
    discounted = strikes * math.exp(-rate * maturity)
    np.testing.assert_allclose(call - put, model.price - discounted, atol=1e-9)
    assert np.all(call > np.maximum(model.price - discounted, 0) - 1e-8)
    assert np.all(call < model.price)
    assert np.all(np.diff(call) < 1e-8)
    assert np.all(np.diff(call, 2) > -1e-8)


@pytest.mark.parametrize("maturity", [1 / 252, 1.0, 5.0])
@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.9])
def test_small_volatility_of_variance_gives_black_and_scholes(maturity: float, rho: float) -> None:
    """With deterministic variance the price is Black's on its integral; the error left is of order ρξ."""
    model = Heston(price=100, v0=0.09, kappa=2.0, theta=0.04, xi=1e-6, rho=rho)
    strikes = np.array([70.0, 100.0, 120.0])
    expected = black(model, strikes, maturity, 0.05, model.mean_integrated_variance(maturity))
    np.testing.assert_allclose(
        european_price(model, strikes, maturity, rate=0.05), expected, atol=3e-5 if rho else 1e-9
    )


def test_price_does_not_depend_on_the_unit_of_time_or_the_models_drift() -> None:
    daily = Heston.from_annual(100, 0.010201, 6.21, 0.019, 0.61, -0.7, drift=0.5)
    assert european_price(daily, 100, 252.0, rate=0.0319 / 252) == pytest.approx(6.806113, abs=1e-6)


def test_price_is_the_payoff_against_the_density() -> None:
    x = np.linspace(-2.5, 1.2, 3001)
    payoff = 100 * np.maximum(np.exp(x) - 0.95, 0)
    integral = integrate.simpson(payoff * log_return_density(BROADIE_KAYA, x, 1.0), x=x)
    assert european_price(BROADIE_KAYA, 95, 1.0) == pytest.approx(integral, abs=1e-4)


def test_scalar_in_float_out_and_array_in_array_out() -> None:
    assert type(european_price(CASE_I, 100, 1.0)) is float
    prices = european_price(CASE_I, [[90, 100], [110, 120]], 1.0)
    assert np.shape(prices) == (2, 2)
    assert prices[0][1] == pytest.approx(european_price(CASE_I, 100, 1.0), abs=1e-9)


# ---- the characteristic function ----


def riccati(model: Heston, u: complex, t: float) -> complex:
    """φ from the equations it must satisfy: D' = ½ξ²D² − (κ − iρξu)D − ½(u² + iu), C' = κθD."""

    def slope(_: float, y: np.ndarray) -> list[complex]:
        d = y[1]
        reversion = model.kappa - 1j * model.rho * model.xi * u
        return [
            model.kappa * model.theta * d,
            0.5 * model.xi**2 * d * d - reversion * d - 0.5 * (u * u + 1j * u),
        ]

    end = integrate.solve_ivp(slope, (0, t), np.zeros(2, complex), method="DOP853", rtol=1e-11, atol=1e-13).y[
        :, -1
    ]
    return complex(np.exp(1j * u * model.drift * t + end[0] + end[1] * model.v0))


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("t", [0.01, 1.0, 30.0])
def test_it_solves_its_riccati_equations(model: Heston, t: float) -> None:
    """At t = 30 the logarithm of Heston's (1993) form has turned several times; here it may not."""
    model = replace(model, drift=0.1)
    for u in (0.3, 1.0, 7.5, 20.0, -2.0, 1.5 - 0.5j, -0.3j):
        assert characteristic_function(model, u, t) == pytest.approx(
            riccati(model, u, t), rel=1e-8, abs=1e-13
        )


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("t", [0.0, 0.5, 10.0])
def test_normalised_bounded_hermitian_and_a_martingale(model: Heston, t: float) -> None:
    model = replace(model, drift=-0.07)
    u = np.linspace(0, 50, 201)
    phi = characteristic_function(model, u, t)
    assert phi[0] == pytest.approx(1, abs=1e-15)
    assert np.all(np.abs(phi) <= 1 + 1e-12)
    np.testing.assert_allclose(characteristic_function(model, -u, t), phi.conj(), atol=1e-14)
    assert characteristic_function(model, -1j, t) == pytest.approx(math.exp(-0.07 * t), rel=1e-12)


def test_mean_of_the_price_when_speed_equals_rho_times_xi() -> None:
    """There d = 0 at u = −i, and the formula is a quotient of zeros."""
    assert characteristic_function(Heston(1, 0.04, 0.5, 0.04, 1.0, 0.5), -1j, 2.0) == pytest.approx(
        1, abs=1e-12
    )


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("t", [0.02, 1.0, 8.0])
def test_its_derivatives_are_the_moments(model: Heston, t: float) -> None:
    """Central differences of ln φ, extrapolated once, against mean and variance of the log return."""
    model = replace(model, drift=0.05)
    scale = math.sqrt(model.variance_of_log_return(t))

    def differences(h: float) -> tuple[float, float]:
        log = np.log(characteristic_function(model, np.array([h, -h]), t))
        return float(((log[0] - log[1]) / (2j * h)).real), float((-(log[0] + log[1]) / h**2).real)

    coarse, fine = (np.array(differences(f / scale)) for f in (2e-2, 1e-2))
    mean, variance = (4 * fine - coarse) / 3
    assert mean == pytest.approx(model.mean_log_return(t), abs=1e-5 * scale)
    assert variance == pytest.approx(model.variance_of_log_return(t), rel=1e-4)


# ---- the law of the log return ----


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("t", [1 / 252, 1.0, 10.0])
def test_density_integrates_to_the_distribution_and_to_the_forward(model: Heston, t: float) -> None:
    centre, scale = model.mean_log_return(t), math.sqrt(model.variance_of_log_return(t))
    x = centre + scale * np.linspace(-15, 15, 4001)
    density = log_return_density(model, x, t)
    distribution = log_return_distribution(model, x, t)
    assert density.min() > -1e-7 / scale
    assert np.diff(distribution).min() > -1e-9
    inside = integrate.simpson(density, x=x)
    assert inside == pytest.approx(distribution[-1] - distribution[0], abs=2e-5)
    assert inside > 0.999


def test_small_volatility_of_variance_gives_the_normal_law() -> None:
    model = Heston(price=1, v0=0.04, kappa=1.0, theta=0.04, xi=1e-5, rho=-0.5, drift=0.3)
    x = np.linspace(-1.0, 1.2, 45)
    normal = stats.norm(0.3 - 0.02, 0.2)
    np.testing.assert_allclose(log_return_density(model, x, 1.0), normal.pdf(x), atol=1e-4)
    np.testing.assert_allclose(log_return_distribution(model, x, 1.0), normal.cdf(x), atol=1e-5)


@pytest.mark.parametrize("model", [CASE_I, BROADIE_KAYA], ids=["case I", "Broadie-Kaya"])
def test_simulated_returns_follow_the_distribution(model: Heston) -> None:
    """Share of 100,000 QE-M paths below each of nine points, |z| < 4; steps of 1/100 year leave no bias."""
    n = 100_000
    returns = np.log(model.simulate(n, 100, 1.0, seed=12).mid[-1] / model.price)
    points = np.quantile(returns, np.linspace(0.1, 0.9, 9)).round(3)
    share = (returns[:, None] <= points).mean(axis=0)
    exact = log_return_distribution(model, points, 1.0)
    assert np.all(np.abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / n))


# ---- refusals ----


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"strike": 0.0}, "`strike` must be greater than 0, got 0.0"),
        ({"strike": [100.0, float("nan")]}, "`strike` must be greater than 0, got nan"),
        ({"maturity": 0}, "`maturity` must be greater than 0, got 0"),
        ({"rate": float("inf")}, "`rate` must be a finite number, got inf"),
        ({"kind": "straddle"}, "`kind` must be one of 'call', 'put', got 'straddle'"),
    ],
)
def test_bad_options_are_named(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        european_price(CASE_I, **{"strike": 100.0, "maturity": 1.0, **arguments})


def test_bad_points_of_the_law_are_named() -> None:
    with pytest.raises(ValueError, match="`x` must hold finite numbers only"):
        log_return_density(CASE_I, [0.0, float("nan")], 1.0)
    with pytest.raises(ValueError, match="`t` must be greater than 0, got 0"):
        log_return_distribution(CASE_I, 0.0, 0)


def test_a_law_without_noise_of_its_own_is_refused_with_a_reason_or_right() -> None:
    """With ρ = −1 φ decays like exp(−c√u) only; where it can be inverted the answer is right."""
    model = replace(BROADIE_KAYA, rho=-1.0)
    x = np.linspace(-1.2, 0.4, 801)
    assert integrate.simpson(log_return_density(model, x, 1.0), x=x) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(ArithmeticError, match="decays too slowly to invert"):
        log_return_density(replace(CASE_I, rho=-1.0, v0=0.0), 0.0, 1e-4)


# ---- the law of the variance ----


@pytest.mark.parametrize("model", [BROADIE_KAYA, replace(BROADIE_KAYA, v0=0.09, xi=0.3)])
def test_variance_density_has_the_moments_of_the_model(model: Heston) -> None:
    t = 0.4

    def moment(power: int) -> float:
        points = [0.005, 0.05, 0.2]  # where the density is, for an integral over [0, 1]
        return integrate.quad(
            lambda v: v**power * variance_density(model, v, t), 0, 1, points=points, limit=500
        )[0]

    moments = [moment(power) for power in (0, 1, 2)]
    assert moments[0] == pytest.approx(1, abs=1e-6)
    assert moments[1] == pytest.approx(model.mean_variance(t), rel=1e-6)
    assert moments[2] - moments[1] ** 2 == pytest.approx(model.variance_of_variance(t), rel=1e-5)


def test_variance_density_solves_the_forward_equation() -> None:
    """∂p/∂t = −∂[κ(θ−v)p]/∂v + ½ξ²∂²[vp]/∂v² (Fokker–Planck), by central differences."""
    m, v, t, h, k = replace(BROADIE_KAYA, xi=0.3), np.array([0.008, 0.015, 0.03]), 0.3, 1e-5, 1e-5

    def p(x: np.ndarray, s: float = t) -> np.ndarray:
        return variance_density(m, x, s)

    left = (p(v, t + k) - p(v, t - k)) / (2 * k)
    drift = (m.kappa * (m.theta - v - h) * p(v + h) - m.kappa * (m.theta - v + h) * p(v - h)) / (2 * h)
    diffusion = 0.5 * m.xi**2 * ((v + h) * p(v + h) - 2 * v * p(v) + (v - h) * p(v - h)) / h**2
    assert left == pytest.approx(diffusion - drift, rel=1e-3, abs=1e-3 * float(np.abs(left).max()))
