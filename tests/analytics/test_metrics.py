"""Ratios of savings: by hand, against closed forms, and their errors against how much they really scatter."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flowexec import (
    TWAP,
    Bachelier,
    Immediate,
    Order,
    PowerImpact,
    Scenario,
    Schedule,
    book_scenario,
    league,
    simple_market,
)
from flowexec.analytics.metrics import SavingMetrics, evaluate_saving, sharpe_ratio
from flowexec.analytics.records import decode, encode
from flowexec.analytics.samples import cost_sample
from flowexec.analytics.statistics import NORMAL_95, JointMoments, mean_estimate
from flowexec.strategies.static import static_plan

RATIOS = ("mean", "information_ratio", "win_rate", "total_gain_loss_ratio", "gain_loss_ratio")


def ratios(metrics):
    return {name: getattr(metrics, name) for name in RATIOS}


def test_by_hand():
    metrics = SavingMetrics.of([3.0, -1.0, 0.0, 5.0, -3.0])
    values = {name: estimate.value for name, estimate in ratios(metrics).items()}
    assert values == pytest.approx({
        "mean": 4 / 5,
        "information_ratio": 0.8 / math.sqrt((2.2**2 + 1.8**2 + 0.8**2 + 4.2**2 + 3.8**2) / 4),
        "win_rate": 2 / 5,  # the tie is no win
        "total_gain_loss_ratio": 8 / 4,
        "gain_loss_ratio": (8 / 2) / (4 / 2),
    })  # fmt: skip
    assert metrics.mean == pytest.approx(mean_estimate([3.0, -1.0, 0.0, 5.0, -3.0]))
    assert metrics.win_rate.standard_error == pytest.approx(math.sqrt(0.4 * 0.6 / 4))


def test_error_of_the_information_ratio_is_that_of_mertens():
    """(1 − γ₃ IR + (γ₄ − 1)/4 IR²)/n, with the skewness γ₃ and kurtosis γ₄ of the sample."""
    saving = np.random.default_rng(1).gamma(4.0, 1.0, 500) - 1.0
    n, sd = saving.size, saving.std(ddof=1)
    ratio, deviation = saving.mean() / sd, saving - saving.mean()
    skew, kurtosis = (deviation**3).mean() / sd**3, (deviation**4).mean() / sd**4
    expected = math.sqrt((1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2) / n)
    assert SavingMetrics.of(saving).information_ratio == pytest.approx((ratio, expected), rel=5e-3)


LAWS = {
    # mean μ, sd 1: E[D₊] = μΦ(μ) + φ(μ)
    "normal": (lambda rng, n: rng.normal(0.2, 1.0, n), 0.2),
    # an exponential of mean 1 less 0.9: skewed, and lost with probability 1 − e^−0.9
    "exponential": (lambda rng, n: rng.exponential(1.0, n) - 0.9, 0.1),
}


def truth(law):
    if law == "normal":
        up = 0.5 * math.erfc(-0.2 / math.sqrt(2))
        gain = 0.2 * up + math.exp(-0.02) / math.sqrt(2 * math.pi)
    else:
        up = gain = math.exp(-0.9)
    mean = LAWS[law][1]
    loss = gain - mean
    return dict(zip(RATIOS, (mean, mean, up, gain / loss, (gain / up) / (loss / (1 - up))), strict=True))


@pytest.mark.parametrize("law", LAWS)
def test_errors_are_as_large_as_the_scatter_and_intervals_hold_the_closed_form(law):
    rng, trials, n = np.random.default_rng(2), 1000, 2000
    found = [ratios(SavingMetrics.of(LAWS[law][0](rng, n))) for _ in range(trials)]
    for name, exact in truth(law).items():
        values = np.array([f[name].value for f in found])
        errors = np.array([f[name].standard_error for f in found])
        scatter = values.std()
        # ratios are biased by O(1/n): a fraction 1/√n of their scatter
        assert abs(values.mean() - exact) < 4 * scatter / math.sqrt(trials) + 3 * scatter / math.sqrt(n), name
        assert errors.mean() == pytest.approx(scatter, rel=0.1), name  # scatter is known to 1/√2000
        covered = (np.abs(values - exact) <= NORMAL_95 * errors).mean()
        assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / trials), name


def test_pieces_merge_into_the_whole_and_only_their_order_matters():
    saving = np.random.default_rng(3).standard_t(4, 5000) + 0.1
    pieces = [SavingMetrics.of(part) for part in np.split(saving, [1, 700, 3000])]
    merged = pieces[0].merge(pieces[1]).merge(pieces[2]).merge(pieces[3])
    for name, estimate in ratios(merged).items():
        assert estimate == pytest.approx(getattr(SavingMetrics.of(saving), name), rel=1e-10), name


def test_far_from_zero_the_scatter_is_kept():
    """Where Σx² − n·mean² would lose every digit."""
    noise = np.random.default_rng(4).standard_normal((2, 1000))
    near, far = JointMoments.of(*noise), JointMoments.of(*(noise + 1e9))
    np.testing.assert_allclose(far.scatter, np.cov(noise) * 999, rtol=1e-6)
    assert far.estimate(0.0, (1, -2)).standard_error == pytest.approx(
        near.estimate(0.0, (1, -2)).standard_error, rel=1e-6
    )
    assert near.estimate(0.0, (1, -2)).standard_error == pytest.approx(
        mean_estimate(noise[0] - 2 * noise[1]).standard_error
    )


def test_sharpe_ratio_of_twap_is_the_closed_form():
    order = Order("sell", 1e6, 5.0, 5)
    impact = PowerImpact(2.5e-6, 1.0, 2.5e-7)
    scenario = Scenario(order, Bachelier(50.0, 0.95, spread=0.125), impact)
    plan = static_plan(order, np.full(5, 2e5), volatility=0.95, impact=impact, spread=0.125)
    exact = -plan.expected_cost / math.sqrt(plan.variance)
    assert exact == pytest.approx(-662_500 / 1_040_673, rel=1e-5)
    value, error = sharpe_ratio(cost_sample(TWAP(), scenario, 100_000, seed=5, unit="currency").total, 5e7)
    assert error < 0.01 * abs(exact)
    assert abs(value - exact) < 3 * error
    bps = cost_sample(TWAP(), scenario, 100_000, seed=5).total
    assert SavingMetrics.of(-bps).information_ratio == pytest.approx((value, error), rel=1e-9)


# A strategy against a baseline ------------------------------------------------------------------------------


def normal_savings(mean, sd):
    """Every figure of a normal saving, by its name."""
    ratio, tail = mean / sd, 1.6448536269514722
    up, at = 0.5 * math.erfc(-ratio / math.sqrt(2)), math.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    gain, loss = mean * up + sd * at, sd * at - mean * (1 - up)
    return {
        "mean": mean,
        "information_ratio": ratio,
        "win_rate": up,
        "total_gain_loss_ratio": gain / loss,
        "gain_loss_ratio": (gain / up) / (loss / (1 - up)),
        "var95": tail * sd - mean,
        "cvar95": sd * math.exp(-(tail**2) / 2) / math.sqrt(2 * math.pi) / 0.05 - mean,
    }


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_a_worse_schedule_scores_what_its_normal_law_says(side):
    """Off TWAP by d_k shares in step k it costs 0.045 Σ d², and holds Σ d less: exactly normal for Bachelier.

    σ = 0.2 a step. The paths are 100,000, every figure is known to 2 % and within 4 standard errors.
    """
    gbm = simple_market(side=side)
    scenario = Scenario(gbm.order, Bachelier(100.0, 0.2 * math.sqrt(50)), gbm.impact)
    late = np.linspace(14.0, 26.0, 50)
    off, held = late - 20.0, np.cumsum(late - 20.0)
    exact = normal_savings(-0.045 * np.dot(off, off) / 10.0, 0.2 * math.sqrt(np.dot(held, held)) / 10.0)
    found = evaluate_saving(Schedule(tuple(late)), scenario, 100_000, seed=6)
    for name, value in exact.items():
        estimate = getattr(found, name)
        assert estimate.standard_error < 0.02 * abs(value), name
        assert abs(estimate.value - value) < 4 * estimate.standard_error, name
    assert found.controlled_mean.value == pytest.approx(exact["mean"], rel=1e-10)
    assert found.controlled_mean.standard_error < 1e-9


def test_paths_are_common_and_twap_is_the_baseline():
    """Against itself nothing differs, not by a bit; the mirror image has every sign turned."""
    scenario = simple_market()
    itself = evaluate_saving(TWAP(), scenario, 1000, seed=7)
    assert (itself.mean, itself.var95, itself.cvar95, itself.win_rate) == ((0.0, 0.0),) * 4
    one = evaluate_saving(Immediate(), scenario, 1000, seed=7)
    other = evaluate_saving(TWAP(), scenario, 1000, baseline=Immediate(), seed=7)
    for name in ("mean", "controlled_mean", "information_ratio"):
        value, error = getattr(one, name)
        assert getattr(other, name) == pytest.approx((-value, error)), name
    assert (one.win_rate.value, other.win_rate.value) == (0.0, 1.0)
    assert one.mean.standard_error > 1.0  # whose market has noise


def test_a_league_has_the_same_figures():
    scenario, late = book_scenario("HH"), Schedule(tuple(np.linspace(0.7, 1.3, 26)))
    found = evaluate_saving(late, scenario, 5000, seed=8)
    season = league({"TWAP": TWAP(), "late": late}, {"HH": scenario}, optimum=None, n_paths=5000, seed=8)
    comparison = season.scenarios["HH"].entries["late"].comparison
    for name in (*RATIOS[1:], "var95"):
        theirs = getattr(comparison, "saving_var95" if name == "var95" else name)
        assert getattr(found, name) == pytest.approx(theirs, rel=1e-9), name
    value, error = comparison.cost
    assert found.controlled_mean == pytest.approx((-value, error), rel=1e-6, abs=1e-9)


def test_blocks_threads_and_units_do_not_show():
    late, scenario = Schedule(tuple(np.linspace(14.0, 26.0, 50))), simple_market()
    whole = evaluate_saving(late, scenario, 3000, seed=9)
    assert evaluate_saving(late, scenario, 3000, seed=9, block_paths=1024, threads=2) == whole
    money = evaluate_saving(late, scenario, 3000, seed=9, unit="currency")
    for name in ("mean", "controlled_mean", "var95", "cvar95"):  # 1 bps of 100,000 is 10
        assert getattr(money, name) == pytest.approx(tuple(10 * x for x in getattr(whole, name))), name
    for name in RATIOS[1:]:
        assert getattr(money, name) == pytest.approx(getattr(whole, name)), name
    assert decode(type(whole), encode(whole)) == whole
    table = whole.table()
    assert table.columns == ("3,000 paths", "bps of arrival value", "s.e.")
    assert table.rows[0][1:] == (f"{whole.mean.value:,.2f}", f"{whole.mean.standard_error:,.2f}")
    assert table.rows[4][1:] == tuple(f"{x:,.3f}" for x in whole.information_ratio)
    assert table.rows[5][1:] == tuple(f"{x:.2%}" for x in whole.win_rate)
    assert money.table().columns[1] == "currency"


# Laws -------------------------------------------------------------------------------------------------------

savings = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=3, max_size=30)


@given(savings)
def test_the_total_ratio_knows_the_sign_of_the_mean(saving):
    """And the gain-to-loss ratio does not: it is the odds of losing times the total ratio."""
    assume(min(saving) < 0 < max(saving))
    metrics = SavingMetrics.of(saving)
    ratio, mean = metrics.total_gain_loss_ratio.value, metrics.mean.value
    if abs(mean) > 1e-9:
        assert (ratio > 1) == (mean > 0) == (metrics.information_ratio.value > 0)
    losses = sum(s < 0 for s in saving) / sum(s > 0 for s in saving)
    assert metrics.gain_loss_ratio.value == pytest.approx(losses * ratio)


@given(savings, st.floats(0.01, 100))
def test_ratios_have_no_unit_and_turn_with_the_sign(saving, scale):
    assume(min(saving) < 0 < max(saving) and np.std(saving) > 0.01)
    one, other = SavingMetrics.of(saving), SavingMetrics.of(np.array(saving) * scale)
    turned = SavingMetrics.of(-np.array(saving))
    for name in RATIOS[1:]:
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-6, abs=1e-6), name
    for name in RATIOS[3:]:
        assert getattr(turned, name).value == pytest.approx(1 / getattr(one, name).value), name
    assert turned.information_ratio == pytest.approx(
        (-one.information_ratio.value, one.information_ratio.standard_error), rel=1e-6, abs=1e-6
    )


def test_what_is_not_defined_says_so():
    itself = SavingMetrics.of(np.zeros(10))
    for name in ("information_ratio", "total_gain_loss_ratio", "gain_loss_ratio"):
        assert math.isnan(getattr(itself, name).value)
    assert itself.win_rate == itself.mean == (0.0, 0.0)
    never_lost = SavingMetrics.of(np.arange(10.0))
    assert never_lost.total_gain_loss_ratio.value == never_lost.gain_loss_ratio.value == math.inf
    never_won = SavingMetrics.of(-np.arange(10.0))
    assert never_won.total_gain_loss_ratio.value == 0.0
    assert math.isnan(never_won.gain_loss_ratio.value)  # no average gain
    certain = SavingMetrics.of(np.full(1000, -0.1)).information_ratio
    assert certain.value == -math.inf
    assert math.isnan(certain.standard_error)
    assert SavingMetrics.of([2.0]).mean == (2.0, math.inf)
    assert math.isnan(SavingMetrics.of([2.0]).information_ratio.value)


def test_refuses(refused):
    with refused("`baseline` must be a Strategy, got 'TWAP'"):
        evaluate_saving(TWAP(), simple_market(), 10, baseline="TWAP", seed=0)
    with refused("`n_paths` must be a whole number, at least 1, got 0"):
        evaluate_saving(TWAP(), simple_market(), 0, seed=0)
    with refused("`unit` must be one of 'bps', 'currency', got 'percent'"):
        evaluate_saving(TWAP(), simple_market(), 10, seed=0, unit="percent")
    with refused("`saving` must be an array of at least 1 numbers, got []"):
        SavingMetrics.of([])
    with refused("`cost` must be finite throughout, got inf"):
        sharpe_ratio([1.0, math.inf], 100.0)
    with refused("`arrival_value` must be greater than 0, got 0.0"):
        sharpe_ratio([1.0, 2.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="`arrival_value` must be one number or as many as `cost`"):
        sharpe_ratio([1.0, 2.0], [1.0, 2.0, 3.0])
