"""Features against their formulas; none sees the future; what the market does not show is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from flowexec import TWAP, Heston, Order, PowerImpact, Scenario, VolumeCurve
from flowexec.execution.problem import ExecutionProblem
from flowexec.learning.features import FORMULAS, Features
from flowexec.market.brownian import Bachelier
from flowexec.market.signal import OrnsteinUhlenbeck, WithSignal

N, PATHS = 10, 6
MARKET = WithSignal(
    Heston(100.0, 4e-4, 5.0, 2e-4, 0.04, -0.5, spread=0.02, volume=VolumeCurve(1e6, dispersion=0.3)),
    OrnsteinUhlenbeck(5.0, 2.0, initial=0.3),
)
ORDER = Order("sell", 1e5, 0.7, N)
ALL = Features(tuple(FORMULAS), 3e-4, 0.6, 0.03)


def problem_with_book(seed: int = 1) -> ExecutionProblem:
    """Paths of `MARKET` with a spread that moves and a book, empty on both sides once."""
    paths = Scenario(ORDER, MARKET, PowerImpact(1e-4, 0.6), 1e-6).sample(PATHS, seed=seed).paths
    rng = np.random.default_rng(seed)
    depth = rng.integers(1, 900, (N, PATHS, 2, 3, 2)).astype(float)
    depth[4, 2, :, 0, 1] = 0.0
    return ExecutionProblem(
        ORDER, replace(paths, spread=0.01 + 0.03 * rng.random((N, PATHS)), depth=depth), PowerImpact(1e-4)
    )


PROBLEM = problem_with_book()


def walk(problem, inspect, fraction=0.2):
    """Calls `inspect(observation)` in every step of a trader who trades more or less of what is left."""
    state = problem.start()
    for k in range(N):
        observation = problem.observe(state)
        inspect(observation)
        parts = fraction * np.linspace(0.2, 1.8, PATHS) * (1 + k % 2)
        state, _ = problem.step(state, state.inventory * parts)


def test_every_feature_is_its_formula():
    paths, tau = PROBLEM.paths, ORDER.step_length

    def s(u):
        return u / (1 + abs(u) / 3)

    def inspect(observation):
        k, x = observation.step, observation.inventory
        got = dict(zip(ALL.names, ALL(observation), strict=True))
        left = (N - k) / N
        np.testing.assert_allclose(got["time"], np.full(PATHS, 4 * left - 2), atol=1e-15)
        ratio = x / 1e5 / left
        np.testing.assert_allclose(got["inventory"], 2 * (ratio - 1) / (ratio + 1), atol=1e-15)
        ratio = paths.variance[k] / 3e-4
        np.testing.assert_allclose(got["volatility"], 2 * np.tanh(np.log(ratio) / 2), rtol=1e-12)
        m = min(k, 5)
        move = paths.mid[k] - paths.mid[k - m]
        expected = s(move / (100 * math.sqrt(3e-4 * m * tau))) if k else np.zeros(PATHS)
        np.testing.assert_allclose(got["momentum"], expected, rtol=1e-12)
        np.testing.assert_allclose(got["signal"], s(paths.signal[k] / 0.6), rtol=1e-12)
        bid, ask = paths.depth[k, :, 0, 0, 1], paths.depth[k, :, 1, 0, 1]
        empty = bid + ask == 0
        expected = np.where(empty, 0.0, 2 * (bid - ask) / np.where(empty, 1.0, bid + ask))
        np.testing.assert_allclose(got["imbalance"], expected, rtol=1e-12)
        ratio = paths.variance[0] / 3e-4
        np.testing.assert_allclose(got["arrival_volatility"], 2 * np.tanh(np.log(ratio) / 2), rtol=1e-12)
        expected = np.zeros(PATHS)
        if k:
            moves, level = np.diff(paths.variance[: k + 1], axis=0), paths.variance[:k].sum(axis=0)
            q = (moves**2).sum(axis=0) / (3 * 3e-4 * tau * level)
            expected = 2 * (q - 1) / (q + 1)
        np.testing.assert_allclose(got["volatility_of_variance"], expected, rtol=1e-9, atol=1e-12)
        quote = paths.spread[k] / 0.03
        np.testing.assert_allclose(got["spread"], 2 * np.tanh(np.log(quote) / 2), rtol=1e-9, atol=1e-12)
        expected = np.zeros(PATHS)
        if k:
            vwap = np.average(paths.mid[:k], axis=0, weights=paths.volume[:k])
            expected = s((paths.mid[k] - vwap) / (100 * math.sqrt(3e-4 * k * tau)))
        np.testing.assert_allclose(got["vwap_deviation"], expected, rtol=1e-9)
        assert abs(ALL(observation)).max() <= 3

    walk(PROBLEM, inspect)


def test_twap_has_inventory_0_throughout_and_tensors_see_the_same():
    state, tensors = PROBLEM.start(), PROBLEM.to_torch()
    other = tensors.start()
    for _ in range(N):
        observation, seen = PROBLEM.observe(state), ALL(PROBLEM.observe(state))
        np.testing.assert_allclose(seen[1], 0.0, atol=1e-12)
        np.testing.assert_allclose(ALL(tensors.observe(other)).numpy(), seen, rtol=1e-12, atol=1e-14)
        state, _ = PROBLEM.step(state, TWAP().trade(observation))
        other, _ = tensors.step(other, other.inventory / (N - other.step))


def test_the_volatility_of_variance_is_that_of_the_model():
    """q → ξ²/(3 v̄) in short steps, whatever the level of the variance; 0 where it does not move."""
    order = Order("sell", 1e5, 0.7, 400)
    features = Features(("volatility_of_variance",), 3e-4)
    for level, xi in ((2e-4, 0.04), (2e-4, 0.02), (8e-4, 0.04)):
        market = Heston(100.0, level, 5.0, level, xi, -0.5)
        problem = Scenario(order, market, PowerImpact(1e-4)).sample(400, seed=3)
        end = problem.start()._replace(step=399)
        y = features(problem.observe(end))[0]
        q = (2 + y) / (2 - y)
        error = q.std() / math.sqrt(q.size)
        assert abs(q.mean() - xi**2 / (3 * 3e-4)) < 4 * error + 0.02 * q.mean()
        assert q.std() < 0.1 * q.mean()  # it tells markets apart
    still = Scenario(ORDER, Bachelier(100.0, 1.0), PowerImpact(1e-4)).sample(3, seed=1)
    assert np.array_equal(features(still.observe(still.start())), np.zeros((1, 3)))
    later = features(still.observe(still.start()._replace(step=3)))
    np.testing.assert_allclose(later, -2.0)


def test_no_feature_sees_the_future():
    """The present is in every feature; what comes is NaN and is in none."""
    whole, k = [], 5
    walk(PROBLEM, lambda o: whole.append(ALL(o)))

    def cut(rows, last):
        return np.where((np.arange(len(rows)) > last).reshape(-1, *[1] * (rows.ndim - 1)), np.nan, rows)

    paths = PROBLEM.paths
    later = {name: cut(getattr(paths, name), k) for name in ("mid", "variance", "signal", "spread", "depth")}
    blind = replace(PROBLEM, paths=replace(paths, **later, volume=cut(paths.volume, k - 1)))
    seen = []
    with np.errstate(invalid="ignore"):
        walk(blind, lambda o: seen.append(ALL(o)))
    assert np.array_equal(np.stack(seen[: k + 1]), np.stack(whole[: k + 1]))
    assert np.isnan(seen[k + 1]).any()


def test_scales_are_the_means_of_the_sample():
    features = Features.calibrate(PROBLEM, tuple(FORMULAS))
    assert features.variance_scale == pytest.approx(PROBLEM.paths.variance.mean(), rel=1e-12)
    assert features.signal_scale == pytest.approx(np.sqrt((PROBLEM.paths.signal**2).mean()), rel=1e-12)
    assert features.spread_scale == pytest.approx(PROBLEM.paths.spread.mean(), rel=1e-12)
    plain = Scenario(ORDER, MARKET.market, PowerImpact(1e-4), 1e-6).sample(4, seed=1)
    assert Features.calibrate(plain).names == ("time", "inventory", "volatility", "momentum")
    assert Features.calibrate(PROBLEM).names == ("time", "inventory", "volatility", "momentum", "signal")
    assert Features.calibrate(plain, ["time"]) == Features(("time",))


def test_scales_come_from_what_traders_observe():
    """An estimate of the variance, where the trader has no better."""
    estimated = replace(PROBLEM, information="estimated")
    features = Features.calibrate(estimated, ["volatility"])
    assert features.variance_scale == pytest.approx(estimated.observed_variance.mean(), rel=1e-12)
    assert features.variance_scale != pytest.approx(PROBLEM.paths.variance.mean(), rel=1e-3)


def test_markets_without_what_a_feature_needs_are_refused(refused):
    still = Scenario(ORDER, Bachelier(100.0, 0.0), PowerImpact(1e-4)).sample(3, seed=1)
    for name in (
        "volatility", "arrival_volatility", "volatility_of_variance", "momentum", "vwap_deviation",
    ):  # fmt: skip
        sentence = (
            f"the feature '{name}' needs a market with a variance; the mean of this one's is 0. "
            "Choose `features` without it"
        )
        with refused(sentence):
            Features.calibrate(still, ["time", name])
    with refused(
        "the feature 'spread' needs a market with a spread; the mean of this one's is 0. "
        "Choose `features` without it"
    ):
        Features.calibrate(still, ["spread"])
    unknown = np.full_like(still.paths.mid, np.nan)
    with refused(
        "the feature 'volatility' needs a market with a variance; the mean of this one's is nan. "
        "Choose `features` without it"
    ):
        Features.calibrate(replace(still, paths=replace(still.paths, variance=unknown)), ["volatility"])
    with refused("the feature 'imbalance' needs a market that shows a book, and this one shows none"):
        Features(("imbalance",))(still.observe(still.start()))
    with refused("the feature 'signal' needs a market that shows a signal, and this one shows none"):
        Features(("signal",), signal_scale=1.0)(still.observe(still.start()))


def test_bad_features_are_refused(refused):
    for names in ((), ["time"], ("time", "time")):
        with refused(f"`names` must be a tuple of different names, at least one, got {names!r}"):
            Features(names)
    with refused(
        "`names` must be of 'time', 'inventory', 'volatility', 'arrival_volatility', "
        "'volatility_of_variance', 'momentum', 'signal', 'imbalance', 'spread', 'vwap_deviation', got 'price'"
    ):
        Features(("time", "price"))
    with refused("`variance_scale` must be given for the feature 'momentum'"):
        Features(("momentum",))
    with refused("`signal_scale` must be greater than 0, got 0.0"):
        Features(("time",), signal_scale=0.0)
    with refused("`problem` must be an ExecutionProblem, got 3"):
        Features.calibrate(3)
    with refused("`names` must be a sequence of names, got 'time'"):
        Features.calibrate(PROBLEM, "time")


def test_a_market_without_volume_has_no_vwap_to_deviate_from():
    quiet = replace(PROBLEM, paths=replace(PROBLEM.paths, volume=np.zeros((N, PATHS))))
    seen = []
    walk(quiet, lambda o: seen.append(Features(("vwap_deviation",), 3e-4)(o)))
    assert np.array_equal(np.stack(seen), np.zeros((N, 1, PATHS)))
