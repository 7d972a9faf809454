"""Sample sizes do what they promise, ratios of variances have honest errors, coverage counts."""

import math

import numpy as np
import pytest
from scipy import stats

from flowexec.analytics.power import coverage, observations_needed, power_of_test, proportion, variance_ratio
from flowexec.analytics.statistics import NORMAL_95, Estimate, mean_estimate


def test_the_size_it_asks_for_gives_the_power_it_promises():
    n = observations_needed(10.0, 1.0, power=0.8)
    assert n == math.ceil(((1.959964 + 0.841621) * 10.0) ** 2)
    assert power_of_test(10.0, 1.0, n) == pytest.approx(0.8, abs=1e-3)
    trials = 4000
    sample = np.random.default_rng(5).normal(1.0, 10.0, (trials, n))
    seen = np.abs(sample.mean(axis=1)) > NORMAL_95 * sample.std(axis=1, ddof=1) / math.sqrt(n)
    assert abs(seen.mean() - 0.8) < 4 * math.sqrt(0.8 * 0.2 / trials)


def test_without_noise_one_observation_is_enough():
    assert observations_needed(0.0, 1.0) == 1
    assert power_of_test(0.0, 1.0, 1) == 1.0


def test_variance_ratio_of_dependent_samples_has_the_error_it_states():
    rng = np.random.default_rng(6)
    n, trials = 1000, 400
    estimates = []
    for _ in range(trials):
        quiet = rng.standard_t(8, n)
        noisy = quiet + 3.0 * rng.standard_normal(n)
        estimates.append(variance_ratio(noisy, quiet))
    truth = (8 / 6 + 9) / (8 / 6)
    values = np.array([e.value for e in estimates])
    errors = np.array([e.standard_error for e in estimates])
    assert abs(values.mean() - truth) < 4 * values.std() / math.sqrt(trials) + 10 * truth / n
    assert errors.mean() == pytest.approx(values.std(), rel=0.15)


def test_variance_ratio_knows_when_no_noise_is_left():
    noisy = np.random.default_rng(7).standard_normal(100)
    assert variance_ratio(noisy, 5.0 + 1e-14 * noisy).value == math.inf
    assert math.isnan(variance_ratio(np.ones(5), np.ones(5)).value)
    with pytest.raises(ValueError, match="same length"):
        variance_ratio(noisy, noisy[1:])


def test_coverage_of_a_correct_interval_is_nominal_and_of_a_narrow_one_is_not():
    rng = np.random.default_rng(8)
    estimates = [mean_estimate(rng.normal(2.0, 1.0, 200)) for _ in range(1000)]
    honest = coverage(estimates, 2.0)
    assert abs(honest.value - 0.95) < 4 * honest.standard_error
    narrow = coverage([Estimate(e.value, e.standard_error / 2) for e in estimates], 2.0)
    assert narrow.value < 0.75
    assert coverage([Estimate(0.0, 1.0)] * 10, 0.0).standard_error > 0
    with pytest.raises(ValueError, match="at least one"):
        coverage([], 0.0)


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="`effect` must be greater than 0"):
        observations_needed(1.0, 0.0)
    with pytest.raises(ValueError, match="`power` must lie in"):
        observations_needed(1.0, 1.0, power=1.0)


@pytest.mark.parametrize("p", [0.02, 0.05, 0.5, 0.9])
def test_a_proportion_has_an_error_whose_interval_holds_the_truth(p):
    """19 times in 20 by the exact binomial law, at the center that Agresti and Coull give it."""
    n = 200
    hits = np.arange(n + 1)
    found = [proportion(np.arange(n) < h) for h in hits]
    assert [e.value for e in found] == pytest.approx(hits / n)
    centers = (hits + 2) / (n + 4)
    held = np.abs(centers - p) <= NORMAL_95 * np.array([e.standard_error for e in found])
    assert 0.93 < stats.binom.pmf(hits, n, p)[held].sum() < 0.985
    assert found[0].standard_error == pytest.approx(found[n].standard_error)
    assert found[0].standard_error > 0.005


def test_a_proportion_is_of_truth_values(refused):
    with refused("`events` must be an array of at least one truth value, got []"):
        proportion([])
    with refused("`events` must be an array of at least one truth value, got [0.01, 0.2]"):
        proportion([0.01, 0.2])  # p-values, not verdicts
