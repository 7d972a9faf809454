"""Estimates and their errors: against exact arithmetic, and by how often their intervals hold the truth."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowexec.analytics import Estimate, mean_estimate, sd_estimate, var_cvar
from flowexec.analytics.statistics import Moments

numbers = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 6))


def exact(sample):
    """Mean and sum of squared deviations in rational arithmetic."""
    values = [Fraction(float(x)) for x in sample]
    mean = sum(values) / len(values)
    return mean, sum((x - mean) ** 2 for x in values)


@given(
    st.lists(st.lists(numbers, min_size=1, max_size=20), min_size=1, max_size=6), st.sampled_from([0.0, 1e9])
)
def test_moments_merge_like_one_sample(pieces, offset):
    """Also far from 0, where the textbook Σx² − n·mean² would lose every digit."""
    pieces = [np.array(piece) + offset for piece in pieces]
    merged = Moments.of(pieces[0])
    for piece in pieces[1:]:
        merged = merged.merge(Moments.of(piece))
    mean, squares = exact(np.concatenate(pieces))
    size = float(max(abs(mean), 1))
    assert merged.count == sum(map(len, pieces))
    assert merged.mean == pytest.approx(float(mean), rel=1e-13, abs=1e-13 * 1e6)
    # each deviation carries the rounding of numbers of that size
    assert merged.squares == pytest.approx(
        float(squares), rel=1e-9, abs=1e-14 * size * math.sqrt(float(squares)) + 1e-9
    )


def test_mean_and_its_error_by_hand():
    estimate = mean_estimate(np.array([1.0, 2.0, 4.0, 5.0]))
    assert estimate.value == 3.0
    assert estimate.standard_error == pytest.approx(math.sqrt(10 / 3 / 4), rel=1e-15)


def test_sd_and_its_error_by_hand():
    # deviations −2, −1, 1, 2: m₂ = 10/4, m₄ = 34/4, s² = 10/3
    estimate = sd_estimate(np.array([1.0, 2.0, 4.0, 5.0]))
    assert estimate.value == pytest.approx(math.sqrt(10 / 3), rel=1e-15)
    assert estimate.standard_error == pytest.approx(math.sqrt((8.5 - 6.25) / 4) / (2 * math.sqrt(10 / 3)))
    # deviations −2, −2, −2, 6: m₂ = 12, m₄ = 336, s² = 16
    estimate = sd_estimate(np.array([0.0, 0.0, 0.0, 8.0]))
    assert estimate.value == pytest.approx(4.0, rel=1e-15)
    assert estimate.standard_error == pytest.approx(math.sqrt((336 - 144) / 4) / 8)


def test_value_at_risk_and_expected_shortfall_by_hand():
    """Of 0 … 99: the 95th of 100 ranks, and the mean of the five worst."""
    cost = np.random.default_rng(1).permutation(np.arange(100.0))
    var, cvar = var_cvar(cost, 0.95)
    assert var.value == 95.0
    assert cvar.value == pytest.approx(np.mean([95, 96, 97, 98, 99]), rel=1e-14)
    # √(100·0.95·0.05) = 2.18 ranks either side: 92 and 97
    assert var.standard_error == 2.5
    excess = np.maximum(cost - 95.0, 0.0)
    assert cvar.standard_error == pytest.approx(excess.std(ddof=1) / 10 / 0.05, rel=1e-12)
    np.testing.assert_array_equal(np.sort(cost), np.arange(100.0))  # the sample is not touched


def test_expected_shortfall_weighs_the_quantile_when_the_level_cuts_an_observation():
    """Of ten costs the worst 25 % are two and a half, (10 + 9 + 8/2)/2.5 (Rockafellar and Uryasev 2000)."""
    _, cvar = var_cvar(np.arange(1.0, 11.0), 0.75)
    assert cvar.value == pytest.approx((10 + 9 + 8 / 2) / 2.5, rel=1e-14)


def test_a_constant_sample_is_known_exactly():
    sample = np.full(1000, 3.25)
    assert mean_estimate(sample) == (3.25, 0.0)
    assert sd_estimate(sample) == (0.0, 0.0)
    assert var_cvar(sample, 0.95) == ((3.25, 0.0), (3.25, 0.0))


def test_too_small_a_sample_bounds_nothing():
    one = np.array([7.0])
    assert mean_estimate(one) == (7.0, math.inf)
    assert sd_estimate(one).standard_error == math.inf
    assert var_cvar(one, 0.95) == ((7.0, math.inf), (7.0, math.inf))
    # 97 observations have no order statistic above a 99 % quantile's upper standard deviation, 200 do
    rng = np.random.default_rng(2)
    assert var_cvar(rng.standard_normal(97), 0.99)[0].standard_error == math.inf
    assert math.isfinite(var_cvar(rng.standard_normal(200), 0.99)[0].standard_error)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan, "0.95"])
def test_a_level_outside_0_1_is_refused(level, refused):
    with refused(f"`level` must lie in (0, 1), got {level!r}"):
        var_cvar(np.arange(10.0), level)


@pytest.mark.parametrize("level", [1e-9, 1 - 1e-16, math.nextafter(1, 0)])
def test_levels_next_to_0_and_1_stay_inside_the_sample(level):
    for n in (1, 2, 3, 10):
        var, _ = var_cvar(np.arange(float(n)), level)
        assert var.value == (0.0 if level < 0.5 else n - 1)


DRAWS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
}
TAIL = math.exp(-(1.6448536269514722**2) / 2) / math.sqrt(2 * math.pi)
TAIL99 = math.exp(-(2.3263478740408408**2) / 2) / math.sqrt(2 * math.pi)
TRUTH = {
    ("normal", "mean"): 0.0,
    ("normal", "sd"): 1.0,
    ("normal", "VaR 95"): 1.6448536269514722,
    ("normal", "CVaR 95"): TAIL / 0.05,
    ("normal", "VaR 99"): 2.3263478740408408,
    ("normal", "CVaR 99"): TAIL99 / 0.01,
    ("exponential", "mean"): 1.0,
    ("exponential", "sd"): 1.0,
    ("exponential", "VaR 95"): math.log(20),
    ("exponential", "CVaR 95"): math.log(20) + 1,
    ("exponential", "VaR 99"): math.log(100),
    ("exponential", "CVaR 99"): math.log(100) + 1,
}


@pytest.mark.parametrize("family", DRAWS)
def test_intervals_hold_the_truth_nineteen_times_in_twenty(family):
    """Over 800 samples of 10,000: values unbiased to 4 errors, coverage within 4 binomial errors of 95 %."""
    rng = np.random.default_rng(3)
    trials, inside, values = 800, dict.fromkeys((k for k in TRUTH if k[0] == family), 0), {}
    for _ in range(trials):
        sample = DRAWS[family](rng, 10_000)
        var95, cvar95 = var_cvar(sample, 0.95)
        var99, cvar99 = var_cvar(sample, 0.99)
        found = {"mean": mean_estimate(sample), "sd": sd_estimate(sample), "VaR 95": var95, "CVaR 95": cvar95}
        found |= {"VaR 99": var99, "CVaR 99": cvar99}
        for name, estimate in found.items():
            low, high = estimate.interval
            inside[family, name] += low <= TRUTH[family, name] <= high
            values.setdefault(name, []).append(estimate.value)
    for name, sample in values.items():
        bias = np.mean(sample) - TRUTH[family, name]
        # quantiles and the root of a variance are biased by O(1/n), far below these errors
        assert abs(bias) < 4 * np.std(sample) / math.sqrt(trials) + 5 / 10_000, name
        coverage = inside[family, name] / trials
        # the two order statistics of a VaR, and the tail's rare values, make their own errors noisy
        allowed = 4 * math.sqrt(0.95 * 0.05 / trials) + (0.02 if "99" in name or "VaR" in name else 0.0)
        assert abs(coverage - 0.95) < allowed, (name, coverage)


def test_format_gives_value_and_error_alike():
    estimate = Estimate(1234.5678, 9.8765)
    assert f"{estimate:.2f}" == "1234.57 ± 9.88"
    assert f"{estimate:,.1f}" == "1,234.6 ± 9.9"
    assert f"{estimate:+.0f}" == "+1235 ± 10"  # an error has no sign
    assert f"{Estimate(0.123, 0.004):.1%}" == "12.3% ± 0.4%"
    assert f"{Estimate(-1.5, math.inf):.1f}" == "−1.5 ± inf"  # a minus, not a hyphen


def test_interval_is_the_normal_one():
    low, high = Estimate(10.0, 2.0).interval
    assert (low, high) == (pytest.approx(10 - 3.919927969), pytest.approx(10 + 3.919927969))


@pytest.mark.parametrize("estimate", [mean_estimate, sd_estimate, lambda sample: var_cvar(sample, 0.95)])
def test_what_is_no_sample_is_refused(estimate):
    assert estimate([1, 2, 4]) == estimate(np.array([1.0, 2.0, 4.0]))  # a list is one
    for empty in ([], np.ones((2, 2)), 1.0, ["1", "2"], None):
        with pytest.raises(ValueError, match=r"`(sample|cost)` must be an array of at least 1 numbers, got"):
            estimate(empty)
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match=rf"`(sample|cost)` must be finite throughout, got {value}"):
            estimate([1.0, value])
