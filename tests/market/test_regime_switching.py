"""Hidden regimes: the labels' law against the matrix exponential, and Heston's own law inside each regime."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from flowexec.execution.presets import REGIMES, book_scenario, regime_market
from flowexec.market.heston import Heston
from flowexec.market.regime_switching import RegimeSwitching
from flowexec.market.signal import OrnsteinUhlenbeck, WithSignal
from flowexec.market.streams import STREAM_PATHS, generator
from flowexec.market.volume import VolumeCurve

CALM = Heston(50.0, v0=2e-4, kappa=6.0, theta=1e-4, xi=0.02, rho=-0.7, volume=VolumeCurve(dispersion=0.4))
WILD = replace(CALM, v0=9e-4, kappa=2.0, theta=8e-4, xi=0.08, rho=0.2)
BURST = replace(CALM, v0=4e-4, kappa=20.0, theta=4e-3, xi=0.3, rho=0.0)
TRIO = {"calm": CALM, "wild": WILD, "burst": BURST}
RATES = ((-3.0, 2.0, 1.0), (0.5, -0.5, 0.0), (4.0, 8.0, -12.0))
SWITCHING = RegimeSwitching(TRIO, weights=(5, 3, 2), generator=RATES)
ARRAYS = ("mid", "variance", "volume", "spread")


def z_score(sample: np.ndarray, expected: float) -> float:
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(sample.size)))


def chi_square(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """p-value that `labels` were drawn with `probabilities`; those of probability 0 must not occur."""
    counts = np.bincount(labels, minlength=len(probabilities))
    possible = probabilities > 0
    assert np.all(counts[~possible] == 0)
    if possible.sum() == 1:
        return 1.0
    return float(stats.chisquare(counts[possible], labels.size * probabilities[possible]).pvalue)


# ---- inside a regime: Heston's model ----


@pytest.mark.parametrize("rates", [None, [[0.0]]], ids=["drawn", "chain"])
@pytest.mark.parametrize("model", [CALM, replace(BURST, drift=0.1), book_scenario("HH").market])
def test_a_single_regime_is_heston_to_the_last_bit(model: Heston, rates: list[list[float]] | None) -> None:
    ours = RegimeSwitching({"only": model}, generator=rates).simulate(2100, 37, 1.0, seed=1)
    theirs = model.simulate(2100, 37, 1.0, seed=1)
    for name in ARRAYS:
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert ours.regime is not None
    assert np.all(ours.regime == 0)


def test_a_path_that_stays_in_its_regime_is_the_path_heston_draws_there() -> None:
    drawn = RegimeSwitching(TRIO).simulate(3000, 21, 1.0, seed=2)
    still = RegimeSwitching(TRIO, generator=np.zeros((3, 3))).simulate(3000, 21, 1.0, seed=2)
    assert drawn.regime is not None
    for number, model in enumerate(TRIO.values()):
        alone = model.simulate(3000, 21, 1.0, seed=2)
        ours = drawn.regime[0] == number
        assert ours.sum() > 900
        for name in ARRAYS:
            assert np.array_equal(getattr(drawn, name)[:, ours], getattr(alone, name)[:, ours]), name
    for name in (*ARRAYS, "regime"):
        assert np.array_equal(getattr(still, name), getattr(drawn, name)), name


@pytest.fixture(scope="module")
def switched():
    return SWITCHING.simulate(200_000, 5, 0.6, seed=3)


def test_variance_moves_by_the_regime_at_the_beginning_of_the_step(switched) -> None:
    """E[v'|v, r] and Var[v'|v, r] of that regime, in every step and regime; 30 times |z| < 4."""
    tau = 0.12
    for k, (number, model) in itertools.product(range(5), enumerate(TRIO.values())):
        ours = switched.regime[k] == number
        v, v_next = switched.variance[k, ours], switched.variance[k + 1, ours]
        e = math.exp(-model.kappa * tau)
        surprise = v_next - (model.theta + (v - model.theta) * e)
        variance = model.xi**2 * (1 - e) / model.kappa * (v * e + 0.5 * model.theta * (1 - e))
        assert abs(z_score(surprise, 0.0)) < 4
        assert abs(z_score(surprise**2 - variance, 0.0)) < 4
    # the regime at the end of the step explains it worse, so the test can fail
    late = switched.regime[1] == 2
    e = math.exp(-BURST.kappa * tau)
    expected = BURST.theta + (switched.variance[0, late] - BURST.theta) * e
    assert abs(z_score(switched.variance[1, late] - expected, 0.0)) > 20


def test_mean_variance_in_each_regime_follows_its_recursion(switched) -> None:
    """m_s(k+1) = Σ_r (θ_r(1−e_r) P(r) + e_r m_r(k)) exp(Qτ)_rs for m_r = E[v 1{r}]; 15 times |z| < 4."""
    tau, models = 0.12, list(TRIO.values())
    transition = SWITCHING.transition(tau)
    probability = np.array([0.5, 0.3, 0.2])
    mean = probability * [m.v0 for m in models]
    kept = np.array([math.exp(-m.kappa * tau) for m in models])
    theta = np.array([m.theta for m in models])
    for k in range(5):
        mean = (theta * (1 - kept) * probability + kept * mean) @ transition
        probability = probability @ transition
        for number in range(3):
            sample = switched.variance[k + 1] * (switched.regime[k + 1] == number)
            assert abs(z_score(sample, mean[number])) < 4


def test_the_price_is_a_martingale_whatever_the_regime(switched) -> None:
    """E[S' | S, v, r] = S: increments have mean 0 in each regime, and against the price so far; |z| < 4."""
    for k, number in itertools.product(range(5), range(3)):
        ours = switched.regime[k] == number
        increment = np.diff(switched.mid, axis=0)[k, ours]
        assert abs(z_score(increment, 0.0)) < 4
        assert abs(z_score(increment * (switched.mid[k, ours] - 49), 0.0)) < 4
    drifting = {name: replace(model, drift=0.05) for name, model in TRIO.items()}
    end = RegimeSwitching(drifting, generator=RATES).simulate(100_000, 5, 0.6, seed=4).mid[-1]
    assert abs(z_score(end, 50 * math.exp(0.03))) < 4


def test_realised_variance_is_the_announced_one() -> None:
    """Fine steps: E[(ΔS/S)²/τ − v] = 0 in each regime up to O(τ); 200 steps, |z| < 4."""
    paths = SWITCHING.simulate(4000, 200, 0.2, seed=5)
    surprise = (paths.mid[1:] / paths.mid[:-1] - 1) ** 2 / 0.001 - 0.5 * (
        paths.variance[:-1] + paths.variance[1:]
    )
    for number in range(3):
        ours = paths.regime[:-1] == number
        assert abs(z_score(surprise[ours], 0.0)) < 4


# ---- labels ----


@pytest.mark.parametrize("weights", [None, (1, 2, 5), (0.3, 0.0, 0.7), (0, 0, 2)])
def test_regimes_are_drawn_by_their_weights_and_kept(weights: tuple[float, ...] | None) -> None:
    labels = RegimeSwitching(TRIO, weights).simulate(200_000, 2, 1.0, seed=6).regime
    assert labels.dtype == np.int8
    assert np.all(labels == labels[0])
    expected = np.array((1, 1, 1) if weights is None else weights, dtype=float)
    assert chi_square(labels[0], expected / expected.sum()) > 1e-3


def test_each_step_is_the_matrix_exponential_from_every_regime(switched) -> None:
    """15 χ² tests of the transitions, p above 1e-4; and independent of the step before (Markov)."""
    transition = SWITCHING.transition(0.12)
    assert chi_square(switched.regime[0], np.array([0.5, 0.3, 0.2])) > 1e-3
    for k, number in itertools.product(range(5), range(3)):
        ours = switched.regime[k] == number
        assert chi_square(switched.regime[k + 1, ours], transition[number]) > 1e-4
    for now, before in itertools.product(range(3), range(3)):
        ours = (switched.regime[2] == now) & (switched.regime[1] == before)
        assert chi_square(switched.regime[3, ours], transition[now]) > 1e-4


@pytest.mark.parametrize("n_steps", [1, 3, 12])
def test_the_law_of_the_last_label_does_not_depend_on_the_grid(n_steps: int) -> None:
    labels = SWITCHING.simulate(100_000, n_steps, 0.9, seed=7 + n_steps).regime
    assert labels.shape == (n_steps + 1, 100_000)
    assert chi_square(labels[-1], np.array([0.5, 0.3, 0.2]) @ SWITCHING.transition(0.9)) > 1e-3


def test_two_states_have_their_closed_form() -> None:
    """P(switched by t) = a/(a+b)·(1 − e^{−(a+b)t}), also for the smallest and the largest a, b and t."""
    for a, b, t in ((2.0, 3.0, 0.4), (1e-6, 5.0, 10.0), (400.0, 100.0, 2.0), (0.0, 1.0, 1.0)):
        market = RegimeSwitching({"calm": CALM, "wild": WILD}, generator=[[-a, a], [b, -b]])
        gone = -math.expm1(-(a + b) * t) / (a + b)
        expected = [[1 - a * gone, a * gone], [b * gone, 1 - b * gone]]
        np.testing.assert_allclose(market.transition(t), expected, rtol=1e-12, atol=1e-15)


def test_transitions_form_a_semigroup_and_begin_at_the_identity() -> None:
    one, two = SWITCHING.transition(0.3), SWITCHING.transition(0.5)
    np.testing.assert_allclose(one @ two, SWITCHING.transition(0.8), rtol=1e-13)
    np.testing.assert_allclose(one.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose((SWITCHING.transition(1e-7) - np.eye(3)) / 1e-7, RATES, atol=1e-5)
    assert np.array_equal(SWITCHING.transition(0.0), np.eye(3))
    assert np.array_equal(RegimeSwitching(TRIO).transition(7.0), np.eye(3))


def test_a_regime_without_exit_is_never_left() -> None:
    market = RegimeSwitching({"calm": CALM, "wild": WILD}, generator=[[-20.0, 20.0], [0.0, 0.0]])
    labels = market.simulate(5000, 30, 1.0, seed=8).regime
    assert np.all(np.diff(labels, axis=0) >= 0)
    assert labels[0].sum() < 2800
    assert labels[-1].sum() == 5000


def test_the_chain_does_not_know_the_prices(switched) -> None:
    """Given today's regime, tomorrow's is independent of this step's return and variance; |z| < 4.5."""
    growth = np.diff(np.log(switched.mid), axis=0)
    for k, now in itertools.product(range(5), range(3)):
        ours = switched.regime[k] == now
        for following in range(3):
            indicator = (switched.regime[k + 1, ours] == following).astype(float)
            if 0 < indicator.mean() < 1:
                for moved in (growth[k, ours], switched.variance[k + 1, ours]):
                    assert abs(np.corrcoef(indicator, moved)[0, 1]) * math.sqrt(ours.sum()) < 4.5


def test_labels_come_from_a_stream_of_their_own() -> None:
    """Purpose 4 of each stream: the uniforms of the first label, cut at the cumulative weights."""
    labels = SWITCHING.simulate(2 * STREAM_PATHS, 3, 1.0, seed=12).regime
    uniforms = [generator(12, stream, purpose=4).random(STREAM_PATHS) for stream in (0, 1)]
    assert np.array_equal(labels[0], np.searchsorted([0.5, 0.8], np.concatenate(uniforms), side="right"))


def test_labels_leave_the_prices_their_noise_and_the_volumes_alone() -> None:
    """Other weights, the same seed: volumes unchanged, and the paths whose label stays the same too."""
    one = RegimeSwitching(TRIO, (1, 1, 1)).simulate(2000, 6, 1.0, seed=9)
    other = RegimeSwitching(TRIO, (1, 1, 2)).simulate(2000, 6, 1.0, seed=9)
    same = one.regime[0] == other.regime[0]
    assert 1000 < same.sum() < 2000
    assert np.array_equal(one.volume, other.volume)
    assert np.array_equal(one.mid[:, same], other.mid[:, same])


def test_names_follow_the_numbers_and_the_mapping_is_ones_own() -> None:
    regimes = dict(TRIO)
    market = RegimeSwitching(regimes)
    regimes.clear()
    assert market.labels == ("calm", "wild", "burst")
    assert market == RegimeSwitching(TRIO, weights=(1, 1, 1))
    assert RegimeSwitching(TRIO, (5.0, 3.0, 2.0), np.array(RATES)) == SWITCHING
    assert RegimeSwitching(TRIO, (5, 3, 2)) != SWITCHING


def test_a_signal_keeps_the_labels() -> None:
    paths = WithSignal(SWITCHING, OrnsteinUhlenbeck(2.0, 1.0)).simulate(50, 4, 1.0, seed=10)
    assert np.array_equal(paths.regime, SWITCHING.simulate(50, 4, 1.0, seed=10).regime)
    drifting = RegimeSwitching({"calm": replace(CALM, drift=0.1)})
    with pytest.raises(
        ValueError, match=r"^`market` must have no drift beside the signal's, got drift=0\.1$"
    ):
        WithSignal(drifting, OrnsteinUhlenbeck(2.0, 1.0))


def test_the_books_four_regimes_as_one_market() -> None:
    market = regime_market()
    assert market.labels == REGIMES
    paths = market.simulate(1000, 26, 1.0, seed=11)
    for number, regime in enumerate(REGIMES):
        ours = paths.regime[0] == number
        alone = book_scenario(regime).market.simulate(1000, 26, 1.0, seed=11)
        assert np.array_equal(paths.mid[:, ours], alone.mid[:, ours])
    rates = np.full((4, 4), 1 / 3) - 4 / 3 * np.eye(4)
    switching = regime_market(weights=(0, 0, 0, 1), generator=rates).simulate(1000, 26, 1.0, seed=11)
    assert np.all(switching.regime[0] == 3)
    assert len(np.unique(switching.regime)) == 4


# ---- refusals ----


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"regimes": {}}, "`regimes` must map 1 to 127 names to markets, got {}"),
        ({"regimes": [1, 2]}, "`regimes` must map 1 to 127 names to markets, got [1, 2]"),
        ({"regimes": {3: CALM}}, "`regimes` must have strings for names, got 3"),
        ({"regimes": {"calm": 3}}, "`regimes['calm']` must be a Heston, got 3"),
        (
            {"regimes": {"calm": CALM, "dear": replace(CALM, price=51.0)}},
            "`regimes` must share one `price`, got 50.0 in 'calm' and 51.0 in 'dear'",
        ),
        (
            {"regimes": {"calm": CALM, "wide": replace(CALM, spread=0.5)}},
            "`regimes` must share one `spread`, got 0.0 in 'calm' and 0.5 in 'wide'",
        ),
        (
            {"regimes": {"calm": CALM, "bull": replace(CALM, drift=0.5)}},
            "`regimes` must share one `drift`, got 0.0 in 'calm' and 0.5 in 'bull'",
        ),
        (
            {"regimes": {"calm": replace(CALM, scheme="euler")}},
            "`regimes` must use the scheme 'qe_m', got 'euler' in 'calm'",
        ),
        ({"weights": (1, 2)}, "`weights` must have one entry for each of 3 regimes, got 2"),
        ({"weights": (1, -2, 3)}, "`weights` must be at least 0, got -2"),
        ({"weights": (0, 0, 0)}, "`weights` must hold at least one positive number, got (0, 0, 0)"),
        ({"generator": [[0.0]]}, "`generator` must be a matrix of 3 × 3 finite rates, got [[0.0]]"),
        ({"generator": "often"}, "`generator` must be a matrix of 3 × 3 finite rates, got 'often'"),
        (
            {"generator": [[-1, 2, -1], [0, 0, 0], [0, 0, 0]]},
            "`generator[0][2]` must be at least 0, got -1.0",
        ),
        (
            {"generator": [[0, 0, 0], [1, -1.5, 0], [0, 0, 0]]},
            "`generator` must have rows that sum to 0, got -0.5 in row 1",
        ),
        (
            {"generator": [[-100, 100.001, 0], [0, 0, 0], [0, 0, 0]]},
            "`generator` must have rows that sum to 0, got 0.001 in row 0",
        ),
        (
            {"generator": [[0, 0, 0], [0, 0, 0], [0, 1, 0]]},
            "`generator` must have rows that sum to 0, got 1 in row 2",
        ),
    ],
)
def test_bad_regimes_are_refused_by_name(arguments, sentence, refused) -> None:
    with refused(sentence):
        RegimeSwitching(**{"regimes": TRIO, **arguments})


def test_more_regimes_than_labels_are_refused() -> None:
    assert RegimeSwitching({str(i): CALM for i in range(127)}).labels[126] == "126"
    with pytest.raises(ValueError, match=r"^`regimes` must map 1 to 127 names to markets, got \{"):
        RegimeSwitching({str(i): CALM for i in range(128)})


def test_bad_requests_are_refused_by_name(refused) -> None:
    with refused("`t` must be at least 0, got -1"):
        SWITCHING.transition(-1)
    with refused("`n_steps` must be a whole number, at least 1, got 0"):
        SWITCHING.simulate(1, 0, 1.0, seed=0)
    steep = RegimeSwitching({"calm": CALM, "steep": replace(CALM, theta=0.04, xi=1.5, rho=0.95)})
    with pytest.raises(ValueError, match=r"^`n_steps` must be larger: .*rho=0\.95 and xi=1\.5"):
        steep.simulate(1, 1, 5.0, seed=0)
