"""Demonstrations against costs worked by hand and runs of the engine; the choice of experts in its limits."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from flowexec import TWAP, Bachelier, Order, PowerImpact, Scenario, execute
from flowexec.execution.presets import book_scenario
from flowexec.learning.demonstrations import (
    LARGEST_LOGIT,
    Demonstrations,
    demonstrate,
    logit_of_fraction,
)
from flowexec.learning.expert_selection import expected_cost_to_go, selection_weights
from flowexec.learning.features import Features
from flowexec.learning.networks import fraction_of_remaining
from flowexec.learning.pathwise import controlled_objective
from flowexec.strategies.schedules import Immediate, Schedule

STILL = Scenario(Order("sell", 6.0, 3.0, 3), Bachelier(100.0, 0.0), PowerImpact(0.01, 1.0))
"""Nothing moves; n shares in a step of a day cost 0.01 n²."""
MOVING = book_scenario("HH", n_steps=6)
EXPERTS = {"TWAP": TWAP(), "at once": Immediate(), "rising": Schedule((1.0, 2.0, 3.0))}
CLOCK = Features(("time", "inventory"))
TO_BPS = 1e4 / (6.0 * 100.0)


def sampled(scenario, n_paths, seed):
    """The problem that `demonstrate` draws."""
    paths, _ = np.random.SeedSequence(seed).spawn(2)
    return scenario.sample(n_paths, seed=int(paths.generate_state(1, np.uint64)[0]))


def planted(cost, conditions, held=None, step=None):
    """Demonstrations of costs [expert, sample] alone."""
    n = cost.shape[1]
    names = tuple("abcdef"[: len(cost)])
    return Demonstrations(
        names,
        Features(("time", "inventory", "signal")[: len(conditions)], signal_scale=1.0),
        conditions,
        np.zeros((len(cost), 1, n)),
        cost,
        np.ones(n) if held is None else held,
        np.zeros(n, dtype=int) if step is None else step,
    )


# What is shown ----------------------------------------------------------------------------------------------


def test_costs_worked_by_hand():
    """With x left before step 1: TWAP trades x²/2 in squares, at once x², 2 : 3 of it (4 + 9)/25 x²."""
    shown = demonstrate(EXPERTS, STILL, CLOCK, n_paths=40, seed=1)
    assert shown.experts == ("TWAP", "at once", "rising")
    assert shown.step.tolist() == 40 * [0] + 40 * [1]
    left = 6.0 * shown.held
    assert np.array_equal(left[:40], np.full(40, 6.0))
    assert np.ptp(left[40:]) > 1.0
    squares = np.where(shown.step == 0, [[1 / 3], [1.0], [14 / 36]], [[1 / 2], [1.0], [13 / 25]])
    cost = 0.01 * squares * left**2 * TO_BPS
    np.testing.assert_allclose(shown.cost_to_go, cost - cost.mean(axis=0), atol=1e-11)
    rising = np.where(shown.step == 0, math.log(2 * (1 / 6) / (5 / 6)), math.log((2 / 5) / (3 / 5)))
    held = left > 0
    logits = np.array([np.zeros(80), np.full(80, LARGEST_LOGIT), rising])
    np.testing.assert_allclose(shown.logits[:, 0, held], logits[:, held], atol=1e-12)
    np.testing.assert_allclose(shown.conditions[0], np.where(shown.step == 0, 2.0, 4 * 2 / 3 - 2), atol=1e-12)
    ratio = shown.held / np.where(shown.step == 0, 1.0, 2 / 3)
    np.testing.assert_allclose(shown.conditions[1], 2 * (ratio - 1) / (ratio + 1), atol=1e-12)


def test_on_arrival_costs_are_those_of_whole_orders():
    """In a market that moves: differences of the engine's objectives on the same paths."""
    experts = {"TWAP": TWAP(), "front": Schedule((3.0, 2.0, 2.0, 1.0, 1.0, 1.0)), "at once": Immediate()}
    features = Features.calibrate(MOVING.sample(64, seed=1), ("time", "volatility"))
    shown = demonstrate(experts, MOVING, features, n_paths=32, seed=2)
    problem = sampled(MOVING, 32, 2)
    cost = np.array([controlled_objective(execute(e, problem), MOVING) for e in experts.values()])
    cost *= 1e4 / (MOVING.order.shares * problem.paths.mid[0])
    np.testing.assert_allclose(shown.cost_to_go[:, :32], cost - cost.mean(axis=0), atol=1e-9)
    variance = problem.paths.variance[shown.step, np.tile(np.arange(32), 5)]
    scale = features.variance_scale
    np.testing.assert_allclose(shown.conditions[1], 2 * (variance - scale) / (variance + scale), atol=1e-12)


def test_plans_are_what_will_be_traded():
    """Logits of a plan, from arrival or from the middle on, make the shares of its schedule again."""
    weights = (1.0, 4.0, 2.0, 3.0, 2.0, 1.0)
    experts = {"plan": Schedule(weights), "at once": Immediate()}
    shown = demonstrate(experts, MOVING, CLOCK, n_paths=5, schedules=True, replan_every=2, seed=3)
    assert shown.logits.shape == (2, 6, 15)
    assert shown.step.tolist() == 5 * [0] + 5 * [2] + 5 * [4]
    for start, sample in ((0, 0), (2, 7), (4, 12)):
        left, traded = 1.0, []
        for j in range(6 - start):
            part = float(fraction_of_remaining(shown.logits[0, j, sample], 6 - start - j))
            traded.append(left * part)
            left -= traded[-1]
        np.testing.assert_allclose(traded, np.array(weights[start:]) / sum(weights[start:]), atol=1e-12)
        assert np.array_equal(shown.logits[0, 6 - start :, sample], np.zeros(start))
    assert np.array_equal(shown.logits[1, 1:, :5], np.zeros((5, 5)))  # nothing is left to be decided
    once = demonstrate(experts, MOVING, CLOCK, n_paths=5, schedules=True, seed=3)
    assert np.array_equal(once.logits, shown.logits[:, :, :5])


def test_logits_invert_fractions():
    for steps in (2, 3, 26):
        logits = np.linspace(-LARGEST_LOGIT, LARGEST_LOGIT, 33)
        again = logit_of_fraction(fraction_of_remaining(logits, steps), steps)
        np.testing.assert_allclose(again, logits, atol=1e-9)
        assert logit_of_fraction(np.array([0.0, 1.0, 1.5]), steps).tolist() == [
            -LARGEST_LOGIT,
            LARGEST_LOGIT,
            LARGEST_LOGIT,
        ]
    assert np.array_equal(logit_of_fraction(np.array([0.3, 1.0]), 1), np.zeros(2))


def test_bits_depend_on_the_seed():
    one, two, other = (demonstrate(EXPERTS, STILL, CLOCK, n_paths=9, seed=s) for s in (4, 4, 5))
    for name in ("conditions", "logits", "cost_to_go", "held", "step"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.held, other.held)


# Whom to believe --------------------------------------------------------------------------------------------


def test_a_planted_polynomial_is_found():
    """Exactly without noise, and within its standard error with it; each step has its own."""
    rng = np.random.default_rng(6)
    n = 4000
    conditions, held = rng.uniform(-2, 2, (2, n)), rng.uniform(0.1, 1, n)
    a, b = conditions
    step = rng.integers(2, size=n)
    true = held * np.array([1 + a - a * b**3 * (1 + step), b**2 - step, 0.3 * a**4 + 0 * b])
    found = expected_cost_to_go(planted(true, conditions, held, step))
    np.testing.assert_allclose(found, true, atol=1e-9)
    noisy = expected_cost_to_go(planted(true + rng.standard_normal((3, n)), conditions, held, step))
    expected_error = math.sqrt(2 * 15 / n)  # 15 coefficients in each of two steps
    assert np.sqrt(((noisy - true) ** 2).mean()) == pytest.approx(expected_error, rel=0.25)
    low = expected_cost_to_go(planted(true, conditions, held, step), degree=2)
    assert np.abs(low[1] - true[1]).max() < 1e-9 < 0.1 < np.abs(low[0] - true[0]).max()


def test_few_samples_are_not_learned_by_heart():
    """Noise of 60 samples: the constant and two slopes at most, not the 15 polynomials that there are."""
    rng = np.random.default_rng(7)
    noise, conditions = rng.standard_normal((1, 60)), rng.uniform(-2, 2, (2, 60))
    found = expected_cost_to_go(planted(noise, conditions))
    assert (found**2).sum() / (noise**2).sum() < 0.25
    design = np.stack([np.ones(60), *conditions, *conditions**2, conditions.prod(axis=0)])
    exact = np.linalg.lstsq(design.T, noise[0], rcond=None)[0] @ design
    np.testing.assert_allclose(found[0], exact, atol=1e-9)


def test_who_chooses_with_hindsight_does_worse():
    """Nothing is known on arrival: the cheapest on each path, imitated, costs more than the cheapest."""
    experts = {
        "front": Schedule((4.0, 3.0, 2.0, 1.0, 1.0, 1.0)),
        "back": Schedule((3.0, 3.0, 2.0, 2.0, 1.0, 1.0)),
    }
    scenario = book_scenario("HH", n_steps=6, risk_aversion=1.3e-8)
    features = Features.calibrate(scenario.sample(64, seed=1), ("time", "inventory", "volatility"))
    shown = demonstrate(experts, scenario, features, n_paths=4096, schedules=True, seed=8)
    problem = scenario.sample(20_000, seed=9)
    fresh = np.array([controlled_objective(execute(e, problem), scenario) for e in experts.values()])
    cost = fresh.mean(axis=1)
    foresight, hindsight = (selection_weights(c, 0.0) for c in (expected_cost_to_go(shown), shown.cost_to_go))
    assert np.array_equal(foresight, np.repeat([[c == cost.min()] for c in cost], 4096, axis=1))
    assert hindsight.mean(axis=1).min() > 0.1  # each was best on many a path
    error = (fresh[0] - fresh[1]).std() / math.sqrt(fresh.shape[1])
    assert hindsight.mean(axis=1) @ cost > cost.min() + 3 * hindsight.mean(axis=1).min() * error


def test_weights_are_hard_without_temperature_and_equal_when_it_is_hot():
    cost = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 5.0], [2.0, 4.0, -1.0]])
    hard = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]])
    assert np.array_equal(selection_weights(cost, 0.0), hard)
    cold = selection_weights(cost, 1e-3)
    np.testing.assert_allclose(cold, [[0, 0.5, 0], [1, 0.5, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(selection_weights(cost, 1e9), 1 / 3, atol=1e-8)
    assert np.array_equal(selection_weights(cost, 1e-320), cold.round(1))
    shifted = cost + np.array([9, 0, -9])
    np.testing.assert_allclose(selection_weights(cost, 0.7), selection_weights(shifted, 0.7))


def test_weights_minimize_expected_cost_less_entropy():
    """Σ w C + T Σ w ln w is least there, −T ln Σ e^(−C/T), among 2,000 others."""
    rng = np.random.default_rng(10)
    cost, temperature = rng.standard_normal((4, 1)), 0.6

    def free_energy(w):
        return (w * cost).sum(axis=0) + temperature * (w * np.log(w)).sum(axis=0)

    least = free_energy(selection_weights(cost, temperature))
    assert least == pytest.approx(-temperature * math.log(np.exp(-cost / temperature).sum()))
    assert (free_energy(rng.dirichlet(np.ones(4), 2000).T) > least).all()


# Bad input --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faulty:
    """Trades as TWAP, but for what `fault` makes of it once less than `below` is left."""

    fault: object
    below: float = 7.0

    def trade(self, observation):
        shares = TWAP().trade(observation)
        return self.fault(shares) if observation.inventory.min() < self.below else shares


@pytest.mark.parametrize(
    ("expert", "message"),
    [
        (
            Faulty(lambda shares: -shares),
            "breaks the rules of a strategy: Faulty.trade must return shares of at",
        ),
        (Faulty(lambda shares: np.nan * shares), "shares of at least 0, got nan in step 0"),
        (Faulty(lambda shares: shares[:2]), r"must return shares of shape \(9,\), got \(2,\)"),
        (Faulty(lambda shares: 3.0), "got float"),
        (Schedule((1.0, 1.0)), "`weights` must have one entry for each of the order's 3 steps"),
        (Faulty(lambda shares: -shares, below=1.9), "trades -.* shares in step 2"),
    ],
)
def test_an_expert_that_breaks_the_rules_is_named(expert, message):
    """Also where only others lead it to the state in which it does: left alone it never has below 2 left."""
    with pytest.raises(ValueError, match=message) as raised:
        demonstrate({"TWAP": TWAP(), "bad one": expert}, STILL, CLOCK, n_paths=9, seed=1)
    assert "`experts['bad one']`" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_paths": 0}, "`n_paths` must be a whole number, at least 1, got 0"),
        ({"seed": -1}, "`seed` must be a whole number, at least 0, got -1"),
        ({"shake": -0.1}, "`shake` must be at least 0, got -0.1"),
        ({"replan_every": 0}, "`replan_every` must be a whole number, at least 1, got 0"),
        ({"experts": {}}, "`experts` must map names to strategies, at least one, got {}"),
        ({"experts": {"a": 3}}, "`experts['a']` must be a Strategy, got 3"),
        ({"features": 3}, "`features` must be a Features, got 3"),
        (
            {"scenario": replace(STILL, order=Order("sell", 6.0, 3.0, 1))},
            "`scenario.order.n_steps` must be a whole number, at least 2, got 1",
        ),
    ],
)
def test_refusals(changes, sentence, refused):
    known = {"experts": EXPERTS, "scenario": STILL, "features": CLOCK, "n_paths": 5, "seed": 1} | changes
    with refused(sentence):
        demonstrate(known.pop("experts"), known.pop("scenario"), known.pop("features"), **known)


def test_what_is_not_finite_is_named_by_array_expert_and_sample(refused):
    good = demonstrate(EXPERTS, STILL, CLOCK, n_paths=3, seed=1)

    def with_nan(name, *where):
        array = getattr(good, name).astype(float)
        array[where] = np.nan
        return {name: array}

    for changes, sentence in (
        (with_nan("cost_to_go", 1, 4), "`cost_to_go` must be finite, got nan of 'at once' in sample 4"),
        (with_nan("logits", 2, 0, 5), "`logits` must be finite, got nan of 'rising' in sample 5"),
        (with_nan("conditions", 1, 0), "`conditions` must be finite, got nan of 'inventory' in sample 0"),
        (with_nan("held", 3), "`held` must be finite, got nan in sample 3"),
        ({"held": good.held[:4]}, "`conditions` must have shape (2, 4), got (2, 6)"),
        ({"logits": good.logits[0]}, "`logits` must be an array [expert, dimension, sample], got (1, 6)"),
        ({"experts": ("TWAP",)}, "`logits` must have shape (1, 1, 6), got (3, 1, 6)"),
    ):
        with refused(sentence):
            replace(good, **changes)
    with refused("`temperature` must be at least 0, got -1"):
        selection_weights(good.cost_to_go, -1)
    with refused("`degree` must be a whole number, at least 0, got -1"):
        expected_cost_to_go(good, degree=-1)
