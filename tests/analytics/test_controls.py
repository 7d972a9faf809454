"""Controls of a league: honest strategies pass them, planted cheats and broken tools do not."""

import math
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np
import pytest

from flowexec import (
    GBM,
    POV,
    TWAP,
    VWAP,
    AlmgrenChriss,
    Bachelier,
    ExponentialDecay,
    Heston,
    Immediate,
    Order,
    PowerImpact,
    Scenario,
    TransientImpact,
    VolumeCurve,
    compare,
    execute,
    shortfall,
)
from flowexec.analytics.controls import Controls, ZeroAlpha, shuffled_labels, zero_alpha
from flowexec.analytics.drift import Drift, conditional_drift, without_drift
from flowexec.analytics.inference import holm, t_test
from flowexec.analytics.league import league
from flowexec.analytics.statistics import Estimate, mean_estimate
from flowexec.execution.observation import Observation
from flowexec.market.brownian import brownian_paths
from flowexec.market.paths import MarketPaths
from flowexec.market.regime_switching import RegimeSwitching
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier, WithSignal
from flowexec.strategies.recorded import peeking

VOLUME = VolumeCurve.u_shape(6.561e6)
IMPACT = PowerImpact.almgren_2005(
    price=100.0, volatility=0.0157, daily_volume=6.561e6, shares_outstanding=1.728e9
)
ORDER = Order("sell", 656_100, 1.0, 13)
HESTON = Heston(100.0, 2.5e-4, 5.0, 2.5e-4, 0.04, -0.5, spread=0.01, volume=VOLUME)
SCENARIO = Scenario(ORDER, HESTON, IMPACT, risk_aversion=1e-6)
HONEST = {"TWAP": TWAP(), "VWAP": VWAP(), "POV": POV(0.12), "Almgren–Chriss": AlmgrenChriss(1e-6)}
SIGNAL = OrnsteinUhlenbeck(5.0, 8.0, initial=1.0)
MARKETS = {
    "Bachelier": Bachelier(100.0, 1.5, drift=0.9),
    "GBM": GBM(100.0, 0.015, drift=0.009),
    "Heston": replace(HESTON, drift=0.009),
    "regimes": RegimeSwitching(
        {"calm": replace(HESTON, drift=0.009), "wild": replace(HESTON, drift=0.009, v0=9e-4, theta=9e-4)}
    ),
    "signal": SignalBachelier(100.0, 1.5, SIGNAL),
    "Heston with a signal": WithSignal(HESTON, SIGNAL),
}


@dataclass(frozen=True)
class TrendFollower:
    """Sells less while the price, or a signal if there is one, goes up: honest, and it times the market."""

    def trade(self, observation):
        up = observation.signal if observation.signal is not None else observation.mid - 100.0
        return observation.inventory / observation.steps_remaining * (1.0 - 0.5 * np.tanh(up))


@dataclass(frozen=True, eq=False)
class Dice:
    """Rolls dice that are its own: no two executions agree."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def trade(self, observation):
        return observation.inventory * self.rng.uniform(0.0, 0.2, observation.inventory.shape)


@dataclass(frozen=True)
class Leak:
    """Looks behind the observation: a view of the past is part of an array that holds the future."""

    def trade(self, observation: Observation):
        everything = observation.past_mid
        while everything.base is not None and everything.base.ndim == 2:
            everything = everything.base
        even = observation.inventory / observation.steps_remaining
        rise = np.sign(everything[observation.step + 1] - everything[observation.step])
        return even * (1.0 + 0.2 * observation.order.sign * rise)


# The drift that a control must leave in the cost ------------------------------------------------------------


@pytest.mark.parametrize("name", MARKETS)
def test_the_move_around_the_drift_is_a_martingale_for_whoever_sees_the_past(name):
    scenario = Scenario(ORDER, MARKETS[name], IMPACT)
    problem = scenario.sample(40_000, seed=2)
    drift = conditional_drift(scenario.market, problem.paths)
    assert drift.control == "drift"
    held = execute(TrendFollower(), problem).inventory[1:]
    moves = np.diff(problem.paths.mid, axis=0)
    value, error = mean_estimate((held * (moves - drift.moves)).sum(axis=0))
    assert abs(value) < 3.5 * error
    value, error = mean_estimate((held * moves).sum(axis=0))
    assert value > 8 * error  # without the drift it is none
    # step by step, and whatever of the past it is held against
    paths, surprise = problem.paths, moves - drift.moves
    known = [np.ones_like(surprise), paths.mid[:-1] - 100.0, paths.variance[:-1]]
    known += [] if paths.signal is None else [paths.signal[:-1]]
    for quantity in known:
        for product in surprise * quantity:
            value, error = mean_estimate(product)
            assert abs(value) <= 4 * error


@pytest.mark.parametrize("name", MARKETS)
def test_without_its_drift_a_market_is_a_martingale(name):
    market = without_drift(MARKETS[name])
    problem = Scenario(ORDER, market, IMPACT).sample(40_000, seed=2)
    drift = conditional_drift(market, problem.paths)
    assert not np.any(drift.moves)
    value, error = mean_estimate(problem.paths.mid[-1] - problem.paths.mid[0])
    assert abs(value) < 3.5 * error
    if "signal" in name:
        assert problem.paths.signal is not None  # strategies that watch it can be run


def test_a_driftless_market_has_the_plain_martingale_control():
    for market in (HESTON, Bachelier(100.0, 1.5), GBM(100.0, 0.015)):
        paths = market.simulate(10, 4, 1.0, seed=1)
        assert conditional_drift(market, paths) == Drift("martingale", 0.0)


@dataclass(frozen=True)
class Own:
    """A market nobody knows."""

    def simulate(self, n_paths, n_steps, horizon, *, seed, first_path=0, threads=None):
        w = brownian_paths(n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads)
        times = np.linspace(0.0, horizon, n_steps + 1)
        ones = np.ones((n_steps, n_paths))
        return MarketPaths(
            times, 100.0 + 5.0 * times[:, None] + w, np.full(w.shape, 1e-4), ones * 1e6, ones * 0.0
        )


@dataclass(frozen=True)
class OwnAndTold(Own):
    def expected_moves(self, paths):
        return 5.0 * paths.horizon / paths.n_steps


def test_a_market_of_ones_own_is_asked_and_else_nothing_is_taken_for_noise():
    told, silent = (
        league({"TWAP": TWAP(), "POV": POV(0.01)}, {"own": Scenario(ORDER, market, IMPACT)}, n_paths=2000,
               seed=1, optimum=None)
        for market in (OwnAndTold(), Own())
    )  # fmt: skip
    assert (told.scenarios["own"].control, silent.scenarios["own"].control) == ("drift", "none")
    known, unknown = (answer.entry("own", "POV").comparison for answer in (told, silent))
    assert unknown.controlled == pytest.approx(tuple(unknown.difference), rel=1e-9)
    assert known.difference == unknown.difference
    assert known.controlled.standard_error < 0.01 * known.difference.standard_error
    assert abs(known.controlled.value - known.difference.value) < 3 * known.difference.standard_error
    assert math.isnan(unknown.martingale_p)
    assert silent.controls["own"].zero_alpha == {}
    assert silent.controls["own"].zero_alpha_reason == "the drift of Own is not known"


# TWAP where it cannot be beaten -----------------------------------------------------------------------------


def test_honest_strategies_lose_to_twap_without_alpha():
    scenarios = {name: Scenario(ORDER, market, IMPACT, 1e-6) for name, market in MARKETS.items()}
    players = {**HONEST, "trend": TrendFollower()}
    answer = league(players, scenarios, n_paths=8192, seed=1, optimum=None)
    for controls in answer.controls.values():
        assert controls.passed
        assert set(controls.zero_alpha) == set(players)
        twap = controls.zero_alpha["TWAP"]
        assert (twap.difference, twap.p_below, twap.martingale_p) == ((0.0, 0.0), 0.5, 1.0)
        assert twap.p_holm == 1.0
        for name in players:
            assert (
                controls.zero_alpha[name].difference.value >= 0.0 or controls.zero_alpha[name].p_holm > 0.05
            )
        assert controls.zero_alpha["POV"].p_below > 0.99


def test_the_corrections_are_for_all_strategies_together():
    answer = league(HONEST, {"one": SCENARIO}, n_paths=2048, seed=5, optimum=None)
    null, _ = zero_alpha(SCENARIO)
    pairs = compare(HONEST, null, 2048, baseline="TWAP", seed=5)
    normal = NormalDist()
    below = {
        name: normal.cdf(pair.difference.value / pair.difference.standard_error)
        for name, pair in pairs.items()
    }
    leak = {name: 2 * normal.cdf(-abs(pair.martingale_z)) for name, pair in pairs.items()}
    found = answer.controls["one"].zero_alpha
    for name in pairs:
        assert found[name].p_below == pytest.approx(below[name], abs=1e-3)
        assert found[name].p_holm == pytest.approx(holm(below | {"TWAP": 0.5})[name], abs=5e-3)
        assert found[name].martingale_p == pytest.approx(holm(leak | {"TWAP": 1.0})[name], abs=5e-3)
    assert min(below.values()) < 0.3 < 0.7 < max(below.values())  # one-sided, from either side
    assert min(leak.values()) < 0.05 < found[min(leak, key=leak.__getitem__)].martingale_p


def test_the_driftless_market_is_played_on_no_more_paths_than_it_needs(monkeypatch):
    monkeypatch.setattr("flowexec.analytics.controls.CONTROL_PATHS", 1024)
    answer = league(HONEST, {"one": SCENARIO}, n_paths=2048, seed=3, optimum=None)
    null, _ = zero_alpha(SCENARIO)
    pairs = compare(HONEST, null, 1024, baseline="TWAP", seed=3)
    found = answer.controls["one"].zero_alpha
    assert {name: found[name].difference for name in pairs} == {n: p.difference for n, p in pairs.items()}


@pytest.mark.parametrize("cheat", ["recorded", "leak"])
def test_a_look_into_the_future_is_found(cheat):
    n_paths = 4096
    peek = Leak() if cheat == "leak" else peeking(SCENARIO.sample(n_paths, seed=4), boldness=0.1)
    answer = league(
        {**HONEST, "cheat": peek}, {"one": SCENARIO}, n_paths=n_paths, seed=4, optimum=None, threads=1
    )
    controls, entry = answer.controls["one"], answer.entry("one", "cheat")
    found = controls.zero_alpha["cheat"]
    assert found.difference.value < 0
    assert found.p_holm < 1e-6
    assert found.martingale_p < 1e-9
    assert any("cheat beats TWAP" in failure for failure in controls.failures)
    assert any("cheat gains or loses from moves nobody can foresee" in f for f in controls.failures)
    assert not any("VWAP" in f or "POV" in f for f in controls.failures)
    assert entry.comparison.martingale_p < 1e-9  # seen in the league itself, too
    # its label carries a real difference, which is gone when labels are exchanged
    gain = entry.comparison.difference
    assert gain.value < -5 * gain.standard_error
    assert controls.shuffled["cheat"] > 0.001


def test_the_theorem_is_not_asked_where_it_does_not_hold():
    lumpy = replace(SCENARIO, impact=PowerImpact(1e-6, 1.0, permanent=1e-4))
    pair = compare({"TWAP": TWAP(), "Immediate": Immediate()}, lumpy, 1000, baseline="TWAP", seed=1)
    assert pair["Immediate"].controlled.value < 0  # η < γτ/2: one lump costs less than thirteen
    for scenario, reason in (
        (lumpy, "the cost of a step is not convex"),
        (replace(SCENARIO, impact=replace(IMPACT, exponent=1.5)), "the cost of a step is not convex"),
        (replace(SCENARIO, impact=replace(IMPACT, permanent_exponent=0.5)), "permanent impact is not linear"),
        (
            replace(SCENARIO, impact=TransientImpact(1e-6, ExponentialDecay(5.0))),
            "TransientImpact is no PowerImpact",
        ),
    ):
        assert zero_alpha(scenario) == (None, reason)
    answer = league(
        {"TWAP": TWAP(), "Immediate": Immediate()}, {"x": lumpy}, n_paths=1000, seed=1, optimum=None
    )
    assert answer.controls["x"].passed
    assert answer.controls["x"].zero_alpha == {}


def test_the_null_of_an_order_that_may_stay_unfilled_is_one_that_is_filled():
    scenario = replace(SCENARIO, order=replace(ORDER, complete=False))
    null, reason = zero_alpha(scenario)
    assert (null.order.complete, null.risk_aversion, reason) == (True, 0.0, "")
    # trading little is no way to beat TWAP
    answer = league({"TWAP": TWAP(), "lazy": POV(1e-3)}, {"x": scenario}, n_paths=2000, seed=1, optimum=None)
    assert answer.entry("x", "lazy").comparison.cost.value < 0
    assert answer.controls["x"].passed


# The baseline against itself --------------------------------------------------------------------------------


def test_the_baseline_against_itself_is_exactly_nothing_unless_it_rolls_dice():
    for baseline, strategy in (("honest", VWAP()), ("dice", Dice())):
        answer = league(
            {baseline: strategy, "TWAP": TWAP()}, {"one": SCENARIO}, n_paths=500, seed=1, baseline=baseline,
            optimum=None, threads=1,
        )  # fmt: skip
        controls = answer.controls["one"]
        if baseline == "honest":
            assert controls.self_difference == 0.0
            assert controls.passed
        else:
            assert controls.self_difference > 1.0
            assert not controls.passed
            assert "the baseline differs from itself by up to" in controls.failures[0]


# Shuffled labels --------------------------------------------------------------------------------------------


def test_shuffled_labels_are_a_null_whatever_the_effect():
    rng = np.random.default_rng(1)
    effect = -3.0 + 2.0 * rng.standard_gamma(1.0, (300, 400))  # skewed, and far from 0
    before = [t_test(sample).p_value for sample in effect]
    assert max(before) < 1e-6
    after = np.array([shuffled_labels({"a": sample}, seed=i)["a"] for i, sample in enumerate(effect)])
    rejected = int((after < 0.05).sum())
    assert 5 <= rejected <= 27  # 15 ± 3.2 binomial standard deviations
    assert abs(after.mean() - 0.5) < 3.5 / math.sqrt(12 * 300)
    assert np.quantile(after, 0.1) < 0.2 < 0.8 < np.quantile(after, 0.9)


def test_the_coins_belong_to_the_paths():
    values = np.random.default_rng(2).normal(1.0, 1.0, 3000)
    one = shuffled_labels({"a": values, "b": 2.0 * values}, seed=7)
    assert one["a"] == pytest.approx(one["b"], rel=1e-9)  # one coin a path, for all strategies
    assert one == shuffled_labels({"a": values, "b": 2.0 * values}, seed=7)
    assert one["a"] != shuffled_labels({"a": values}, seed=8)["a"]


def test_the_league_shuffles_what_it_compares():
    answer = league(HONEST, {"one": SCENARIO}, n_paths=3000, seed=6, optimum=None)
    problem = SCENARIO.sample(3000, seed=6)

    def controlled(strategy):
        cost = shortfall(execute(strategy, problem)).bps()
        return cost.total - cost.martingale + 1e-6 * cost.execution.risk * 1e4 / cost.arrival_value

    gap = controlled(VWAP()) - controlled(TWAP())
    assert answer.controls["one"].shuffled["VWAP"] == pytest.approx(
        shuffled_labels({"": gap}, seed=6)[""], rel=1e-6
    )
    assert set(answer.controls["one"].shuffled) == set(HONEST) - {"TWAP"}


def test_failures_say_what_and_who():
    sound = ZeroAlpha(Estimate(0.1, 0.1), 0.8, 1.0, 0.5)
    assert Controls(0.0, {}, {"a": sound}, "").failures == ()
    assert Controls(0.0, {}, {"a": replace(sound, p_holm=0.051, martingale_p=0.002)}, "").passed
    assert not Controls(0.0, {}, {"a": replace(sound, p_holm=0.049)}, "").passed
    assert "a gains or loses" in Controls(0.0, {}, {"a": replace(sound, martingale_p=1e-4)}, "").failures[0]
    assert not Controls(1e-300, {}, {}, "").passed
