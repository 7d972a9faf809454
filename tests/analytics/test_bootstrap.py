"""Bootstrap intervals: SciPy's to the last digits, exact variances, and how often they hold the truth."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from flowexec.analytics import bootstrap
from flowexec.analytics.bootstrap import (
    batch_means,
    bca_interval,
    block_bootstrap_interval,
    block_length,
    resample,
)
from flowexec.market.streams import generator

SKEWED = np.random.default_rng(1).lognormal(0.0, 1.0, 60) - 1.2


@pytest.mark.parametrize("statistic", [np.mean, np.median, np.std, stats.skew])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_bca_is_scipys_on_the_same_draws(statistic, level):
    theirs = stats.bootstrap(
        (SKEWED,),
        statistic,
        n_resamples=2000,
        confidence_level=level,
        method="BCa",
        vectorized=True,
        rng=generator(3, 0, bootstrap.RESAMPLING),
    )
    ours = bca_interval(SKEWED, statistic, seed=3, level=level)
    assert ours[:2] == pytest.approx(tuple(theirs.confidence_interval), rel=1e-10)


def autoregression(phi, trials, n, seed):
    noise = np.random.default_rng(seed).standard_normal((trials, n + 200))
    return lfilter([1.0], [1.0, -phi], noise, axis=1)[:, 200:]


SERIES = autoregression(0.4, 1, 200, 4)[0]


def excess(shift):
    """A statistic whose resamples are biased."""
    return lambda values, axis: values.std(axis=axis) - 1.6 + shift


INTERVALS = [
    lambda shift, level: bca_interval(SKEWED + shift, seed=4, level=level, resamples=1999),
    lambda shift, level: bca_interval(SKEWED + shift, np.median, seed=4, level=level, resamples=1999),
    lambda shift, level: bca_interval(SKEWED, excess(shift), seed=4, level=level, resamples=1999),
    lambda shift, level: block_bootstrap_interval(SERIES + shift, seed=4, level=level, resamples=1999),
]


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("shift", [-0.5, -0.25, -0.1, 0.1, 0.25])
def test_the_p_value_is_the_level_at_which_the_interval_ends_at_0(interval, shift):
    low, high, p_value = interval(shift, 0.95)
    assert (p_value < 0.05) == (not low <= 0.0 <= high)
    if p_value > 0.005:  # five draws beyond the end
        ends = interval(shift, 1 - p_value)
        assert ends.p_value == p_value
        assert min(abs(ends.low), abs(ends.high)) < 0.02 * (high - low)  # medians come in lumps


@pytest.mark.parametrize("interval", INTERVALS)
def test_p_values_fall_as_the_effect_grows(interval):
    """Those that compare the resamples with their own center stay at one half."""
    center = sum(interval(0.0, 0.01)[:2]) / 2
    p_values = [interval(shift - center, 0.95).p_value for shift in (0.0, 0.05, 0.1, 0.2, 0.3, 0.9)]
    assert p_values[0] > 0.9
    assert all(later < earlier for earlier, later in pairwise(p_values))
    assert p_values[-1] < 0.05
    draws = resample(SKEWED, seed=4, resamples=1999)
    for shift in (0.0, 0.3):  # the defect
        assert np.mean(draws + shift >= (SKEWED + shift).mean()) == pytest.approx(0.5, abs=0.05)


def test_bca_corrects_what_the_normal_interval_leaves_to_one_side():
    """Means of 40 exponentials: the two tails miss alike by BCa, and 3 to 1 by m ± 1.96 s/√n."""
    trials, n = 2000, 40
    samples = np.random.default_rng(5).exponential(1.0, (trials, n))
    ends = np.array([bca_interval(sample, seed=6, resamples=999)[:2] for sample in samples])
    missed = np.array([(ends[:, 1] < 1.0).mean(), (ends[:, 0] > 1.0).mean()])
    mean, half = samples.mean(axis=1), 1.96 * samples.std(axis=1, ddof=1) / math.sqrt(n)
    plain = np.array([(mean + half < 1.0).mean(), (mean - half > 1.0).mean()])
    error = math.sqrt(0.05 * 0.95 / trials)
    assert abs(missed.sum() - 0.05) < 0.02 + 3 * error  # O(1/n) of 40
    assert missed[0] / missed[1] < 2.0 < plain[0] / plain[1]
    assert missed.sum() < plain.sum()


def test_batches_keep_the_interval_of_a_mean():
    sample = np.random.default_rng(7).gamma(0.3, 1.0, 6000)
    means = batch_means(sample)
    assert means.size == 1000
    assert means.mean() == pytest.approx(sample.mean(), rel=1e-12)
    quick = bca_interval(sample, seed=8, resamples=20_000)
    slow = bca_interval(sample, lambda v, axis: v.mean(axis=axis), seed=9, resamples=4_000)
    error = sample.std() / math.sqrt(sample.size)
    # an end of 4,000 draws is known to 0.04 of the standard error: √(0.025 · 0.975/4000)/φ(1.96)
    assert quick[:2] == pytest.approx(slow[:2], abs=4 * 0.05 * error)
    # the middle moves up by the second order, γ₃(2z² + 1)/6√n of an error (Hall 1988)
    shift = (quick.low + quick.high) / 2 - sample.mean()
    skewness = stats.skew(sample) / math.sqrt(sample.size)
    assert shift == pytest.approx(skewness * (2 * 1.96**2 + 1) / 6 * error, rel=0.3)


@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 1500, 2501, 123_457])
def test_batches_are_of_equal_length_up_to_one(n):
    ramp = np.arange(n, dtype=float)
    means = batch_means(ramp)
    length = -(-n // 1000)
    assert means.size == n // length
    steps = np.diff(means)
    assert n == 1 or (length <= steps.min() and steps.max() <= length + 1)
    assert batch_means(ramp, n + 1).tolist() == ramp.tolist()


def test_draws_do_not_depend_on_how_many_are_made_at_a_time(monkeypatch):
    rows = np.random.default_rng(10).standard_normal((3, 70))
    whole = resample(rows, np.median, seed=11, resamples=500)
    assert whole.shape == (3, 500)
    monkeypatch.setattr(bootstrap, "CHUNK", 1000)
    np.testing.assert_array_equal(resample(rows, np.median, seed=11, resamples=500), whole)
    np.testing.assert_array_equal(resample(rows[1], np.median, seed=11, resamples=500), whole[1])
    assert bca_interval(rows[0], np.median, seed=11) == bca_interval(rows[0], np.median, seed=11)
    assert bca_interval(rows[0], np.median, seed=11) != bca_interval(rows[0], np.median, seed=12)


@pytest.mark.parametrize("block", [1, 5, 9])
def test_block_interval_has_the_exact_variance_of_circular_blocks(block):
    """k independent blocks, of all n circular ones: Var* = var(block means)/k, times n/(n − b)."""
    series = autoregression(0.5, 1, 90, 12)[0]
    circle = np.concatenate([series, series[:block]])
    means = np.array([circle[i : i + block].mean() for i in range(90)])
    sd = math.sqrt(means.var() / (90 / block) * 90 / (90 - block))
    low, high, _ = block_bootstrap_interval(series, seed=13, block=block, resamples=20_000)
    assert (low + high) / 2 == pytest.approx(series.mean())
    # a quantile of 20,000 draws is known to 1 %, and ten blocks are nearly normal
    assert (high - low) / 2 == pytest.approx(stats.norm.ppf(0.975) * sd, rel=0.04)


def test_a_block_that_does_not_divide_the_series_is_cut_off_at_its_end():
    """Blocks of 44, 44 and 43 of a series of 131, pasted together one by one."""
    n, block, rng = 131, 44, np.random.default_rng(14)
    series = autoregression(0.5, 1, n, 14)[0]
    pasted = [
        np.concatenate([np.roll(series, -start)[:block] for start in rng.integers(n, size=3)])[:n].mean()
        for _ in range(10_000)
    ]
    half = np.quantile(np.abs(np.array(pasted) - series.mean()), 0.8) * math.sqrt(n / (n - block))
    low, high, _ = block_bootstrap_interval(series, seed=15, block=block, level=0.8, resamples=10_000)
    assert (high - low) / 2 == pytest.approx(half, rel=0.04)  # each is known to 1 %


@pytest.mark.parametrize("phi", [0.3, 0.7])
def test_block_length_is_the_optimal_one_of_an_autoregression(phi):
    """b = (1.5 (2φ/(1 − φ²))² n)^(1/3), on average over estimates that scatter."""
    n = 10_000
    optimal = (1.5 * (2 * phi / (1 - phi**2)) ** 2 * n) ** (1 / 3)
    found = [block_length(series) for series in autoregression(phi, 30, n, 15)]
    assert np.mean(found) == pytest.approx(optimal, rel=0.1)


def test_block_length_without_memory_and_without_end():
    noise = np.random.default_rng(16).standard_normal((100, 1000))
    assert np.mean([block_length(series) for series in noise]) < 2.0
    alternating = np.tile([1.0, -1.0], 450)  # whose mean is known exactly: there is no level to divide by
    assert block_length(alternating) == 90  # 3√n
    assert block_length(alternating[:12]) == 4  # n/3


def test_what_does_not_vary_is_certain():
    assert bca_interval(np.zeros(5), seed=1) == (0.0, 0.0, 1.0)
    assert bca_interval(np.full(5, 2.0), seed=1) == (2.0, 2.0, 0.0)
    assert block_bootstrap_interval(np.zeros(9), seed=1) == (0.0, 0.0, 1.0)
    assert block_bootstrap_interval(np.full(9, 2.0), seed=1) == (2.0, 2.0, 0.0)


def test_refuses(refused):
    with refused("`sample` must be an array of at least 2 numbers, got [1.0]"):
        bca_interval([1.0], seed=1)
    with refused("`level` must lie in (0, 1), got 95"):
        bca_interval([1.0, 2.0], seed=1, level=95)
    with refused("`resamples` must be a whole number, at least 100, got 10"):
        bca_interval([1.0, 2.0], seed=1, resamples=10)
    with refused("`seed` must be a whole number, at least 0, got -1"):
        bca_interval([1.0, 2.0], seed=-1)
    with refused("`resamples` must be a whole number, at least 1000, got 500"):
        block_bootstrap_interval(np.arange(9.0), seed=1, level=0.999, resamples=500)
    with refused("`block` must be at most 4, got 5"):
        block_bootstrap_interval(np.arange(9.0), seed=1, block=5)
    with refused("`series` must be an array of at least 8 numbers, got [1.0, 2.0]"):
        block_length([1.0, 2.0])
    with refused("`batches` must be a whole number, at least 2, got 1"):
        batch_means([1.0, 2.0], 1)


def test_a_sample_that_is_constant_but_for_rounding_has_a_point_for_an_interval():
    """As the saving of one schedule over another under linear impact: the same on every path, nearly."""
    sample = 40.0 + 1e-14 * np.arange(50)
    found = bca_interval(sample, seed=1)
    assert (found.low, found.high, found.p_value) == pytest.approx((40.0, 40.0, 0.0))
