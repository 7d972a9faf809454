"""Signals: the exact joint law of a drift and its integral, and the price that follows it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from flowexec.market.brownian import GBM, Bachelier
from flowexec.market.heston import Heston
from flowexec.market.paths import MarketModel, MarketPaths
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier, WithSignal
from flowexec.market.volume import VolumeCurve

SIGNAL = OrnsteinUhlenbeck(reversion=3.0, volatility=2.0, initial=0.8)
MOMENTUM = SignalBachelier(price=50.0, volatility=0.95, signal=SIGNAL)
HESTON = Heston(price=50.0, v0=4e-4, kappa=5.0, theta=4e-4, xi=0.05, rho=-0.5)


def z_score(sample: np.ndarray, expected: float) -> float:
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(sample.size)))


# ---- truth: the law of one step ----


@pytest.mark.parametrize("t", [1e-3, 0.4, 7.0])
@pytest.mark.parametrize("reversion", [1e-9, 0.07, 0.1245, 0.1255, 3.0, 40.0])
def test_the_covariance_is_its_own_integral(reversion: float, t: float) -> None:
    """η² ∫₀ᵗ (e^{−κu}, B(u))ᵀ(e^{−κu}, B(u)) du, B(u) = (1 − e^{−κu})/κ, by quadrature; some κt near 0.05."""
    model = OrnsteinUhlenbeck(reversion, 1.7)

    def response(u: float) -> np.ndarray:
        return np.array([math.exp(-reversion * u), -math.expm1(-reversion * u) / reversion])

    def entry(i: int, j: int) -> float:
        def product(u: float) -> float:
            return float(response(u)[i] * response(u)[j])

        return float(integrate.quad(product, 0, t, epsabs=0, epsrel=1e-12, limit=200)[0])

    expected = 1.7**2 * np.array([[entry(0, 0), entry(0, 1)], [entry(0, 1), entry(1, 1)]])
    np.testing.assert_allclose(model.covariance(t), expected, rtol=1e-10)
    assert model.sd(t) ** 2 == pytest.approx(expected[0, 0], rel=1e-12)
    assert model.integrated_mean(1.0, t) == pytest.approx(response(t)[1], rel=1e-15)


def test_without_reversion_the_signal_is_a_brownian_motion_and_its_integral_a_third_of_a_cube() -> None:
    """κ → 0: η²[[t, t²/2], [t²/2, t³/3]], of which a formula with κ³ below the line keeps no digit."""
    t = 0.3
    for reversion in (1e-6, 1e-12, 1e-200):
        limit = np.array([[t, t**2 / 2], [t**2 / 2, t**3 / 3]])
        np.testing.assert_allclose(OrnsteinUhlenbeck(reversion, 2.0).covariance(t), 4 * limit, rtol=1e-6)


@pytest.mark.parametrize("n_steps", [1, 6])
def test_signal_and_integral_have_their_joint_normal_law_whatever_the_grid(n_steps: int) -> None:
    """200,000 paths, all |z| < 4; Kolmogorov–Smirnov p above 1e-3 for both and for their sum."""
    horizon = 0.9
    signal, integral = (rows[-1] for rows in SIGNAL.sample(200_000, n_steps, horizon, seed=1))
    covariance = SIGNAL.covariance(horizon)
    means = np.array([SIGNAL.mean(0.8, horizon), SIGNAL.integrated_mean(0.8, horizon)])
    for weights in ((1.0, 0.0), (0.0, 1.0), (1.0, 3.0)):
        w = np.array(weights)
        law = stats.norm(w @ means, math.sqrt(w @ covariance @ w))
        sample = w[0] * signal + w[1] * integral
        assert abs(z_score(sample, law.mean())) < 4
        assert abs(z_score((sample - law.mean()) ** 2, law.var())) < 4
        assert stats.kstest(sample, law.cdf).pvalue > 1e-3
    assert abs(z_score((signal - means[0]) * (integral - means[1]), covariance[0, 1])) < 4


def test_the_signal_forgets_at_its_rate_and_ends_stationary() -> None:
    """Cov(α_s, α_t) = e^{−κ(t−s)} Var α_s at all pairs of grid points; long after, α is stationary."""
    n_steps, horizon = 5, 1.0
    paths = SIGNAL.sample(200_000, n_steps, horizon, seed=2)
    times = np.linspace(0, horizon, n_steps + 1)
    centred = [row - SIGNAL.mean(0.8, t) for row, t in zip(paths.signal, times, strict=True)]
    for i in range(1, n_steps + 1):
        for j in range(i, n_steps + 1):
            expected = math.exp(-3.0 * (times[j] - times[i])) * SIGNAL.sd(times[i]) ** 2
            assert abs(z_score(centred[i] * centred[j], expected)) < 4
    assert SIGNAL.sd(10.0) == pytest.approx(SIGNAL.stationary_sd, rel=1e-12)
    assert SIGNAL.stationary_sd == pytest.approx(2 / math.sqrt(6), rel=1e-15)


def test_given_the_signal_the_price_is_expected_where_it_goes_and_nothing_else_helps() -> None:
    """ΔS − E[∫α | α_k] has mean 0 against 1, α_k, S_k, the step before: martingale differences; |z| < 4."""
    paths = MOMENTUM.simulate(200_000, 4, 0.8, seed=3)
    assert paths.signal is not None
    surprise = np.diff(paths.mid, axis=0) - SIGNAL.integrated_mean(paths.signal[:-1], 0.2)
    assert abs(z_score(surprise[0], 0.0)) < 4
    for k in range(1, 4):
        for known in (np.ones(paths.n_paths), paths.signal[k], paths.mid[k] - 50, surprise[k - 1]):
            assert abs(z_score(surprise[k] * known, 0.0)) < 4
    # and the test can fail: without the compensator the signal predicts the price
    assert z_score(np.diff(paths.mid, axis=0)[2] * paths.signal[2], 0.0) > 50


def test_the_end_of_the_price_is_normal_with_both_variances() -> None:
    end = MOMENTUM.simulate(200_000, 5, 2.0, seed=4).mid[-1]
    variance = 0.95**2 * 2 + SIGNAL.covariance(2.0)[1, 1]
    law = stats.norm(50 + SIGNAL.integrated_mean(0.8, 2.0), math.sqrt(variance))
    assert abs(z_score(end, law.mean())) < 4
    assert abs(z_score((end - law.mean()) ** 2, law.var())) < 4
    assert stats.kstest(end, law.cdf).pvalue > 1e-3


# ---- law ----


@pytest.mark.parametrize(
    "market", [HESTON, GBM(50.0, 0.02), Bachelier(50.0, 0.95)], ids=["Heston", "GBM", "Bachelier"]
)
def test_a_signal_adds_its_integral_and_leaves_the_market_alone(market: MarketModel) -> None:
    plain = market.simulate(1500, 7, 1.0, seed=5)
    paths = WithSignal(market, SIGNAL).simulate(1500, 7, 1.0, seed=5)
    signal, integral = SIGNAL.sample(1500, 7, 1.0, seed=5)
    assert paths.signal is not None
    assert np.array_equal(paths.signal, signal)
    assert np.array_equal(paths.mid, plain.mid + integral)
    assert np.all(paths.signal[0] == 0.8)
    for name in ("variance", "volume", "spread", "times"):
        assert np.array_equal(getattr(paths, name), getattr(plain, name)), name


def test_signal_and_price_noise_are_independent() -> None:
    """Correlation of every α with every increment of the market under it, 200,000 paths, |z| < 4."""
    noise = np.diff(HESTON.simulate(200_000, 3, 1.0, seed=6).mid, axis=0)
    variance = HESTON.simulate(200_000, 3, 1.0, seed=6).variance
    signal = SIGNAL.sample(200_000, 3, 1.0, seed=6).signal
    for row in (*noise, *variance[1:]):
        for alpha in signal[1:]:
            assert abs(np.corrcoef(row, alpha)[0, 1]) * math.sqrt(200_000) < 4


def test_a_silent_signal_is_no_signal_and_a_certain_one_decays() -> None:
    silent = replace(MOMENTUM, signal=OrnsteinUhlenbeck(3.0, 0.0)).simulate(2000, 5, 1.0, seed=7)
    assert np.array_equal(silent.mid, Bachelier(50.0, 0.95).simulate(2000, 5, 1.0, seed=7).mid)
    certain = SignalBachelier(50.0, 0.0, OrnsteinUhlenbeck(3.0, 0.0, initial=-2.0)).simulate(
        2, 8, 1.0, seed=7
    )
    decayed = np.exp(-3.0 * certain.times)
    assert certain.signal is not None
    np.testing.assert_allclose(certain.signal[:, 1], -2 * decayed, rtol=1e-13)
    np.testing.assert_allclose(certain.mid[:, 1], 50 - 2 * (1 - decayed) / 3, rtol=1e-14)


def test_the_momentum_market_is_bachelier_with_a_signal() -> None:
    volume = VolumeCurve(400.0, dispersion=0.3)
    ours = SignalBachelier(50.0, 0.95, SIGNAL, 0.02, volume).simulate(1100, 4, 2.0, seed=8)
    theirs = WithSignal(Bachelier(50.0, 0.95, 0.0, 0.02, volume), SIGNAL).simulate(1100, 4, 2.0, seed=8)
    for name in ("mid", "signal", "variance", "volume", "spread"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name


def test_means_are_taken_element_by_element() -> None:
    alpha = np.array([[-1.0, 0.0], [2.0, 3.0]])
    np.testing.assert_allclose(SIGNAL.mean(alpha, 0.5), alpha * math.exp(-1.5), rtol=1e-15)
    assert SIGNAL.integrated_mean(alpha, 0.5).shape == (2, 2)
    assert SIGNAL.sd(0.0) == 0
    assert np.all(SIGNAL.covariance(0.0) == 0)


# ---- refusals ----


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"reversion": 0.0}, "`reversion` must be greater than 0, got 0.0"),
        ({"reversion": -1.0}, "`reversion` must be greater than 0, got -1.0"),
        ({"volatility": -0.5}, "`volatility` must be at least 0, got -0.5"),
        ({"initial": math.nan}, "`initial` must be a finite number, got nan"),
    ],
)
def test_bad_signals_are_named(arguments: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        replace(SIGNAL, **arguments)


@pytest.mark.parametrize("method", [SIGNAL.sd, SIGNAL.covariance, lambda t: SIGNAL.mean(1.0, t)])
def test_no_time_is_negative(method: Callable[[float], object]) -> None:
    with pytest.raises(ValueError, match=r"^`t` must be at least 0, got -1\.0$"):
        method(-1.0)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"price": 0.0}, "`price` must be greater than 0, got 0.0"),
        ({"volatility": -1.0}, "`volatility` must be at least 0, got -1.0"),
        ({"spread": -0.1}, "`spread` must be at least 0, got -0.1"),
        ({"volume": 1e6}, "`volume` must be a VolumeCurve, got 1000000.0"),
        ({"signal": 0.5}, "`signal` must be an OrnsteinUhlenbeck, got 0.5"),
    ],
)
def test_bad_momentum_markets_are_named(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        replace(MOMENTUM, **changed)


@dataclass(frozen=True)
class WithBook:
    """A market whose visible book would have to move with the signal."""

    def simulate(self, n_paths: int, n_steps: int, horizon: float, **rest: Any) -> MarketPaths:
        paths = HESTON.simulate(n_paths, n_steps, horizon, **rest)
        return replace(paths, depth=np.ones((n_steps, n_paths, 2, 1, 2)))


def test_markets_that_already_have_a_drift_or_a_signal_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^`market` must be a MarketModel, got 3$"):
        WithSignal(3, SIGNAL)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"^`market` must have no drift beside the signal's, got drift=0\.1$"
    ):
        WithSignal(replace(HESTON, drift=0.1), SIGNAL)
    with pytest.raises(ValueError, match=r"^`market` must draw paths without `signal`, got SignalBachel"):
        WithSignal(MOMENTUM, SIGNAL).simulate(1, 1, 1.0, seed=0)
    with pytest.raises(ValueError, match=r"^`market` must draw paths without `depth`, got WithBook\(\)$"):
        WithSignal(WithBook(), SIGNAL).simulate(3, 2, 1.0, seed=0)


@pytest.mark.parametrize("market", [SIGNAL.sample, MOMENTUM.simulate])
def test_bad_requests_are_named(market: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"^`n_steps` must be a whole number, at least 1, got 0$"):
        market(1, 0, 1.0, seed=0)
