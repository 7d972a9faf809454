"""Tests of differences: against SciPy, full enumeration and the identities that tie them to each other."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flowexec.analytics.inference import EXACT, diebold_mariano, holm, t_test, wilcoxon
from flowexec.analytics.statistics import Moments

ALL_TESTS = [t_test, wilcoxon, diebold_mariano]


@pytest.mark.parametrize("n", [2, 7, 400])
def test_t_is_students_and_needs_only_the_moments(n):
    sample = np.random.default_rng(n).normal(0.3, 1.0, n)
    theirs = stats.ttest_1samp(sample, 0.0)
    assert t_test(sample) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-12)
    streamed = Moments.of(sample[:1]).merge(Moments.of(sample[1:]))
    assert t_test(streamed) == pytest.approx(t_test(sample), rel=1e-9)


def enumerated(differences):
    """Wilcoxon's two-sided p-value and rank-biserial correlation, over all signs of the ranks."""
    kept = differences[differences != 0]
    ranks = np.array([(np.abs(kept) < abs(d)).sum() + ((np.abs(kept) == abs(d)).sum() + 1) / 2 for d in kept])
    sums = np.array([ranks @ signs for signs in product([-1, 1], repeat=len(ranks))])
    seen = ranks @ np.sign(kept)
    return seen / ranks.sum(), (np.abs(sums) >= abs(seen) - 1e-9).mean()


@pytest.mark.parametrize(
    "differences",
    [
        [1.3, -0.4, 2.2, 0.9, -0.1, 3.0, 1.1, 0.7],
        [-1.3, 0.4, -2.2, -0.9, 0.1, -3.0, -1.1, -0.7],
        [1.0, 1.0, -1.0, 2.0, 2.0, 3.0, -0.5, 4.0],  # ties
        [0.0, 1.0, 1.0, -1.0, 0.0, 2.0, 3.0, 0.0, 5.0],  # ties and zeros
    ],
)
def test_wilcoxon_counts_every_sign(differences):
    assert wilcoxon(differences) == pytest.approx(enumerated(np.array(differences)), rel=1e-12)


def test_wilcoxon_of_many_is_the_normal_law_of_scipy_with_its_sign():
    sample = np.round(np.random.default_rng(2).normal(0.2, 1.0, 300), 1)  # with ties and zeros
    kept = sample[sample != 0]
    assert 0 < kept.size < sample.size
    statistic, p_value = wilcoxon(sample)
    assert p_value == pytest.approx(stats.wilcoxon(kept).pvalue, rel=1e-12)
    ranks = stats.rankdata(np.abs(kept))
    assert statistic == pytest.approx(ranks @ np.sign(kept) / ranks.sum(), rel=1e-12)
    assert wilcoxon(-sample) == pytest.approx((-statistic, p_value), rel=1e-12)


def test_wilcoxon_changes_smoothly_from_counting_to_the_normal_law():
    sample = np.random.default_rng(3).normal(0.3, 1.0, EXACT + 1)
    counted = stats.wilcoxon(sample, method="exact").pvalue
    assert wilcoxon(sample).p_value == pytest.approx(counted, rel=0.05)
    assert wilcoxon(sample[:EXACT]).p_value == stats.wilcoxon(sample[:EXACT], method="exact").pvalue


def test_diebold_mariano_is_its_formula():
    d = np.random.default_rng(4).standard_normal(50).cumsum()
    for cosines in (1, 6, 49):
        time = np.arange(1, 51) - 0.5
        waves = [math.sqrt(2 / 50) * (d @ np.cos(math.pi * j * time / 50)) for j in range(1, cosines + 1)]
        t = math.sqrt(50) * d.mean() / math.sqrt(np.mean(np.square(waves)))
        expected = (t, 2 * stats.t.sf(abs(t), cosines))
        assert diebold_mariano(d, cosines=cosines) == pytest.approx(expected, rel=1e-10)
    assert diebold_mariano(d) == diebold_mariano(d, cosines=int(0.4 * 50 ** (2 / 3)))


@pytest.mark.parametrize("n", [2, 3, 60])
def test_with_all_cosines_diebold_mariano_is_the_t_test(n):
    """By Parseval's theorem they hold the whole sample variance."""
    d = np.random.default_rng(n).normal(0.2, 1.0, n)
    assert diebold_mariano(d, cosines=n - 1) == pytest.approx(t_test(d), rel=1e-10)


@pytest.mark.parametrize("test", ALL_TESTS)
def test_a_strategy_against_itself_shows_nothing(test):
    assert test(np.zeros(30)) == (0.0, 1.0)


@pytest.mark.parametrize("test", [t_test, diebold_mariano])
def test_a_constant_difference_is_certain(test):
    assert test(np.full(30, -0.25)) == (-math.inf, 0.0)
    assert test(np.full(30, 0.25)) == (math.inf, 0.0)
    assert test(np.full(30, 0.1)).p_value == 0.0  # whose mean is not 0.1 to the last bit


@pytest.mark.parametrize("test", ALL_TESTS)
@pytest.mark.parametrize("n", [14, 40, 200])
def test_p_values_fall_as_the_effect_grows(test, n):
    """From a sample that is symmetric about 0, whose p-value is 1, on both sides of it alike."""
    half = np.abs(np.random.default_rng(n).standard_normal(n // 2))
    noise = np.random.default_rng(5).permutation(np.concatenate([half, -half]))
    p_values = [test(noise + shift).p_value for shift in (0.0, 0.1, 0.3, 0.6, 1.2)]
    assert p_values[0] == pytest.approx(1.0)
    assert all(later < earlier for earlier, later in pairwise(p_values))
    assert p_values[-1] < 0.06  # two cosines of 14 differences leave two degrees of freedom
    assert [test(-noise - shift).p_value for shift in (0.1, 0.6)] == pytest.approx([p_values[1], p_values[3]])
    assert test(noise - 0.6).statistic < 0 < test(noise + 0.6).statistic
    assert test(1e6 * (noise + 0.3)).p_value == pytest.approx(p_values[2])  # no unit


def test_holm_by_hand():
    # Holm (1979): .005·4, .01·3, then .03·2 and max(.06, .04·1)
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert list(found) == ["a", "b", "c", "d"]
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert holm({"alone": 0.2}) == {"alone": 0.2}
    assert holm({}) == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_holm_rejects_what_his_procedure_steps_through(p_values, level):
    named = {str(i): p for i, p in enumerate(p_values)}
    rejected, left = set(), len(named)
    for name in sorted(named, key=lambda name: named[name]):
        if left * named[name] > level:
            break
        rejected.add(name)
        left -= 1
    assert {name for name, p in holm(named).items() if p <= level} == rejected


def test_refuses(refused):
    with refused("`differences` must be an array of at least 2 numbers, got [1.0]"):
        t_test([1.0])
    with refused("`differences.count` must be a whole number, at least 2, got 1"):
        t_test(Moments.of(np.ones(1)))
    with refused("`differences` must be finite throughout, got nan"):
        wilcoxon([1.0, math.nan])
    with refused("`cosines` must be a whole number, at least 1, got 0"):
        diebold_mariano([1.0, 2.0, 4.0], cosines=0)
    with refused("`cosines` must be less than 3, got 3"):
        diebold_mariano([1.0, 2.0, 4.0], cosines=3)
    with refused("`p_values['POV']` must lie in [0, 1], got 1.2"):
        holm({"VWAP": 0.1, "POV": 1.2})
