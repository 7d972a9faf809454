"""Every test rejects a true null one time in twenty, and finds 0.5 bps as often as the theory of power says.

A null is made with real impact: under linear impact a schedule and its mirror image in time cost the same on
average when the mid is a martingale. An edge is planted by the closed form of Almgren and Chriss. Repetitions
are disjoint pieces of one sample.
"""

import math
from functools import lru_cache, partial

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from flowexec import TWAP, Bachelier, Heston, Order, PowerImpact, Scenario
from flowexec.analytics.bootstrap import bca_interval, block_bootstrap_interval
from flowexec.analytics.inference import diebold_mariano, holm, t_test, wilcoxon
from flowexec.analytics.power import observations_needed, power_of_test
from flowexec.analytics.samples import cost_sample
from flowexec.strategies.schedules import Schedule
from flowexec.strategies.static import static_plan

REPETITIONS, LEVEL = 200, 0.05
ORDER = Order("sell", 1e6, 5.0, 12)
IMPACT = PowerImpact(2.5e-6, 1.0, 2.5e-7)
BACHELIER = Scenario(ORDER, Bachelier(50.0, 0.95, spread=0.125), IMPACT)
HESTON = Scenario(ORDER, Heston(50.0, 3.6e-4, 5.0, 3.6e-4, 0.05, -0.5, spread=0.125), IMPACT)
EARLY = Schedule(tuple(0.8**k for k in range(12)))
LATE = Schedule(EARLY.weights[::-1])

TESTS = {
    "t": t_test,
    "Wilcoxon": wilcoxon,
    "Diebold-Mariano": diebold_mariano,
    "BCa": partial(bca_interval, seed=1, resamples=499),
    "blocks": partial(block_bootstrap_interval, seed=1, resamples=499),
}
FAST = ("t", "Wilcoxon", "Diebold-Mariano")


@lru_cache
def differences(strategy, baseline, scenario, n, repetitions=REPETITIONS, seed=1):
    """Cost less the baseline's, bps, [repetition, path]."""
    ours, theirs = (cost_sample(s, scenario, n * repetitions, seed=seed).total for s in (strategy, baseline))
    return (ours - theirs).reshape(repetitions, n)


def p_values(test, samples):
    return np.array([TESTS[test](sample).p_value for sample in samples])


def band(probability, repetitions=REPETITIONS):
    """The counts of an event in which it lies with probability 99 %, by the exact binomial law."""
    return stats.binom.interval(0.99, repetitions, probability)


def assert_in_band(rejected, probability):
    low, high = band(probability, len(rejected))
    assert low <= rejected.sum() <= high, f"{rejected.sum()} of {len(rejected)}, not {low:.0f} to {high:.0f}"


def test_the_band_is_narrow_enough_to_mean_something():
    assert band(0.05) == (3, 19)
    assert band(0.90) == (168, 190)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("scenario", [BACHELIER, HESTON], ids=["Bachelier", "Heston"])
def test_a_true_null_is_rejected_one_time_in_twenty(scenario, test):
    null = differences(EARLY, LATE, scenario, 250)
    assert null.std() > 10.0  # the two are not alike path by path
    assert_in_band(p_values(test, null) < LEVEL, LEVEL)


@pytest.mark.parametrize("test", ["t", "Wilcoxon", "Diebold-Mariano", "BCa"])
def test_p_values_of_a_true_null_are_uniform(test):
    found = p_values(test, differences(EARLY, LATE, BACHELIER, 100, repetitions=1000, seed=2))
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_holm_errs_once_in_twenty_families_where_uncorrected_tests_err_once_in_four():
    """Five comparisons on paths of their own: 1 − 0.99⁵ and 1 − 0.95⁵ by independence."""
    families = differences(EARLY, LATE, BACHELIER, 250).reshape(REPETITIONS, 5, 50)
    found = [{str(i): t_test(sample).p_value for i, sample in enumerate(family)} for family in families]
    corrected = np.array([min(holm(p).values()) < LEVEL for p in found])
    assert_in_band(corrected, 1 - (1 - LEVEL / 5) ** 5)
    assert_in_band(np.array([min(p.values()) < LEVEL for p in found]), 1 - (1 - LEVEL) ** 5)


def test_holm_holds_when_the_comparisons_share_their_paths():
    """As in a league: then it errs at most that often."""
    shapes = [Schedule(tuple(q**k for k in range(12))) for q in (0.6, 0.9, 0.95)]
    pairs = [(EARLY, LATE), *((shape, Schedule(shape.weights[::-1])) for shape in shapes)]
    columns = [p_values("t", differences(*pair, BACHELIER, 250)) for pair in pairs]
    adjusted = [min(holm(dict(enumerate(row))).values()) for row in zip(*columns, strict=True)]
    assert np.count_nonzero(np.array(adjusted) < LEVEL) <= band(LEVEL)[1]


def planted(edge):
    """A schedule that costs `edge` bps more than TWAP, and the sd, bps, of the difference; both exact.

    Its trades are X/N (1 + a w_k), w = +, +, −, −, …; the cost rises with a² by the closed form.
    """
    wave = np.tile([1.0, 1.0, -1.0, -1.0], 3)
    evenly, arrival = np.full(12, ORDER.shares / 12), ORDER.shares * 50.0

    def cost(a):
        plan = static_plan(ORDER, evenly * (1 + a * wave), volatility=0.95, impact=IMPACT, spread=0.125)
        return plan.expected_cost / arrival * 1e4

    a = math.sqrt(edge / (cost(1.0) - cost(0.0)))
    assert cost(a) - cost(0.0) == pytest.approx(edge, rel=1e-9)
    held = np.cumsum(evenly * a * wave)
    sd = 0.95 * math.sqrt(ORDER.step_length * (held @ held)) / arrival * 1e4
    return Schedule(tuple(1 + a * wave)), sd


PATHS = observations_needed(planted(0.5)[1], 0.5, power=0.9)


def power_of_student(noncentrality, degrees):
    critical = stats.t.isf(LEVEL / 2, degrees)
    return float(stats.nct.sf(critical, degrees, noncentrality))


def power_of(test, sd, effect, n):
    """Wilcoxon's ranks need π/3 times as many normal observations; few cosines make a law of heavy tails."""
    if test == "Diebold-Mariano":
        return power_of_student(effect * math.sqrt(n) / sd, int(0.4 * n ** (2 / 3)))
    return power_of_test(sd, effect, 3 / math.pi * n if test == "Wilcoxon" else n, level=LEVEL)


def test_the_edge_is_there():
    schedule, sd = planted(0.5)
    found = differences(TWAP(), schedule, BACHELIER, PATHS, seed=3)
    assert abs(found.mean() + 0.5) < 3 * sd / math.sqrt(found.size)
    assert found.std() == pytest.approx(sd, rel=4 / math.sqrt(2 * found.size))


@pytest.mark.parametrize(
    ("test", "edge"),
    [(test, 0.5) for test in TESTS] + [(test, edge) for test in FAST for edge in (0.25, 1.0)],
)
def test_an_edge_is_found_with_the_stated_power(test, edge):
    schedule, sd = planted(edge)
    power = power_of(test, sd, edge, PATHS)
    assert edge != 0.5 or test == "Diebold-Mariano" or 0.87 < power < 0.92
    samples = differences(TWAP(), schedule, BACHELIER, PATHS, seed=3)
    cheaper = (p_values(test, samples) < LEVEL) & (samples.mean(axis=1) < 0)
    assert_in_band(cheaper, power)


def test_holm_finds_the_edge_among_four_nulls():
    """With at least the power of a fifth of the level, and it alone but for one family in twenty."""
    schedule, sd = planted(0.5)
    edge = p_values("t", differences(TWAP(), schedule, BACHELIER, PATHS, seed=3))
    nulls = differences(EARLY, LATE, BACHELIER, 1000, seed=4).reshape(REPETITIONS, 4, 250)
    found = [holm({"edge": p, **{str(i): t_test(x).p_value for i, x in enumerate(null)}})
             for p, null in zip(edge, nulls, strict=True)]  # fmt: skip
    seen = np.array([p.pop("edge") < LEVEL for p in found])
    assert seen.sum() >= band(power_of_test(sd, 0.5, PATHS, level=LEVEL / 5))[0]
    assert np.count_nonzero([min(p.values()) < LEVEL for p in found]) <= band(LEVEL)[1]


def test_wilcoxon_is_no_test_of_the_mean():
    """Skewed differences of mean 0, exponential: it rejects them, and should."""
    skewed = np.random.default_rng(5).exponential(1.0, (REPETITIONS, 250)) - 1.0
    assert (p_values("Wilcoxon", skewed) < LEVEL).mean() > 0.5
    for test in ("t", "BCa"):
        assert_in_band(p_values(test, skewed) < LEVEL, LEVEL)


PHI, HORIZONS = 0.5, 500


@lru_cache
def serial():
    """Autoregressions of unit noise, [repetition, horizon]: long-run standard deviation 1/(1 − φ)."""
    noise = np.random.default_rng(6).standard_normal((REPETITIONS, HORIZONS + 100))
    return lfilter([1.0], [1.0, -PHI], noise, axis=1)[:, 100:]


@pytest.mark.parametrize("test", ["Diebold-Mariano", "blocks"])
def test_serial_differences_keep_their_size(test):
    assert_in_band(p_values(test, serial()) < LEVEL, LEVEL)


@pytest.mark.parametrize("test", ["t", "BCa"])
def test_tests_for_independent_differences_fail_on_serial_ones_as_theory_says(test):
    """The variance of their mean is (1 + φ)/(1 − φ) = 3 times what they take it for."""
    found = p_values(test, serial())
    wrong = 2 * stats.norm.sf(stats.norm.isf(LEVEL / 2) / math.sqrt((1 + PHI) / (1 - PHI)))
    assert wrong > 0.25
    assert_in_band(found < LEVEL, wrong)
    assert stats.kstest(found, "uniform").pvalue < 1e-6


@pytest.mark.parametrize("test", ["Diebold-Mariano", "blocks"])
def test_a_serial_edge_is_found_with_the_stated_power(test):
    sd = 1 / (1 - PHI)
    edge = 3.242 * sd / math.sqrt(HORIZONS)  # nine times in ten by the normal law
    assert power_of_test(sd, edge, HORIZONS) == pytest.approx(0.9, abs=1e-3)
    assert_in_band(p_values(test, serial() - edge) < LEVEL, power_of(test, sd, edge, HORIZONS))
