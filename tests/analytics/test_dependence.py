"""Errors of means of dependent observations, against the exact variance of an autoregression."""

import numpy as np
import pytest

from flowexec.analytics.dependence import autocorrelation, batch_estimate
from flowexec.analytics.statistics import mean_estimate


def autoregression(phi, n, seed):
    noise = np.random.default_rng(seed).standard_normal(n + 500)
    series = np.zeros(n + 500)
    for k in range(1, n + 500):
        series[k] = phi * series[k - 1] + noise[k]
    return series[500:]


def test_batches_know_what_the_plain_error_does_not():
    phi, n = 0.8, 20_000
    exact = 1 / (1 - phi) / np.sqrt(n)  # the long-run standard deviation of an AR(1) of unit noise
    errors = [batch_estimate(autoregression(phi, n, seed), 25).standard_error for seed in range(40)]
    scatter = exact / np.sqrt(2 * 24)
    assert abs(np.sqrt(np.mean(np.square(errors))) - exact) < 4 * scatter / np.sqrt(40) + 0.01 * exact
    plain = np.mean([mean_estimate(autoregression(phi, n, seed)).standard_error for seed in range(3)])
    assert plain < 0.4 * exact


def test_batches_of_independent_observations_give_the_plain_error():
    errors = [
        batch_estimate(np.random.default_rng(s).standard_normal(1300), 13).standard_error for s in range(300)
    ]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(1 / np.sqrt(1300), rel=0.08)


def test_batch_estimate_by_hand():
    value, error = batch_estimate(np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0]), 3)
    assert value == 6.0
    assert error == pytest.approx(4.0 / np.sqrt(3))  # means 2, 6, 10


def test_autocorrelation():
    series = autoregression(0.6, 50_000, 1)
    for lag, (value, error) in zip((1, 2, 5), autocorrelation(series, (1, 2, 5)), strict=True):
        assert value == pytest.approx(0.6**lag, abs=0.03)
        assert error == pytest.approx(50_000**-0.5)
    noise = autocorrelation(np.random.default_rng(2).standard_normal(10_000), range(1, 41))
    assert max(abs(v) / e for v, e in noise) < 4
    assert autocorrelation(np.array([1.0, -1.0, 1.0, -1.0]), [1])[0].value == pytest.approx(-0.75)


def test_refuses():
    with pytest.raises(ValueError, match="`batches` must be a whole number, at least 2"):
        batch_estimate(np.ones(10), 1)
    with pytest.raises(ValueError, match="`sample` must be an array of at least 13"):
        batch_estimate(np.ones(10))
    with pytest.raises(ValueError, match="`lags` must be a whole number"):
        autocorrelation(np.arange(5.0), [0])
    with pytest.raises(ValueError, match="longer than the longest lag"):
        autocorrelation(np.arange(5.0), [5])
    with pytest.raises(ValueError, match="must not be constant"):
        autocorrelation(np.ones(5), [1])
