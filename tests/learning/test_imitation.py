"""Imitation: one expert is reproduced, many are surpassed, and where nothing is to be won nothing is."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from flowexec import TWAP, execute
from flowexec.execution.presets import book_scenario
from flowexec.learning.demonstrations import Demonstrations, demonstrate
from flowexec.learning.features import Features
from flowexec.learning.flow_config import FlowConfig
from flowexec.learning.flow_matching import LinearPath, VariancePreservingPath
from flowexec.learning.flow_policy import FlowPolicy
from flowexec.learning.imitation import Imitation, Lesson, imitate
from flowexec.learning.pathwise import controlled_objective
from flowexec.learning.training import Monitor
from flowexec.strategies.optimal import solve_optimal
from flowexec.strategies.schedules import Immediate, Schedule
from flowexec.strategies.static_optimum import static_optimum

PATHS = 4000


def small(regime, **settings):
    """The book's order in six steps, without permanent impact: in so few, lumps would pay."""
    scenario = book_scenario(regime, n_steps=6, **settings)
    return replace(scenario, impact=replace(scenario.impact, permanent=0.0))


HIGH = small("HH")
SETTINGS = FlowConfig(
    hidden=(16, 16),
    n_steps=4,
    demonstration_paths=512,
    matching_steps=200,
    batch=512,
    refinements=0,
    refining_paths=256,
)
QUICK = replace(
    SETTINGS, hidden=(4,), n_steps=2, demonstration_paths=32, matching_steps=60, batch=32, refining_paths=32
)
PLANS = {
    "TWAP": TWAP(),
    "its own": static_optimum(HIGH).strategy,
    "of the calm": static_optimum(small("LH")).strategy,
}


@pytest.fixture(scope="module")
def optimum():
    return solve_optimal(HIGH)


def above(strategy, other, scenario=HIGH, seed=99):
    """Mean objective above that of another on the same fresh paths, in its units, and the standard error."""
    problem = scenario.sample(PATHS, seed=seed)
    ours, theirs = (controlled_objective(execute(s, problem), scenario) for s in (strategy, other))
    gap = (ours - theirs) / theirs.mean()
    return gap.mean(), gap.std() / np.sqrt(PATHS)


def same(one, two):
    """Whether two policies have the same bits."""
    arrays = zip(one.field.arrays, two.field.arrays, strict=True)
    return all(np.array_equal(a, b) for a, b in arrays) and (one.shift, one.scale) == (two.shift, two.scale)


# What is learned --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "n_steps"), [(LinearPath(), 4), (VariancePreservingPath(), 16)])
def test_one_expert_is_reproduced(optimum, path, n_steps):
    """Inventories within 3 % of the order on every path, objectives within 0.1 %, on whatever road."""
    policy = imitate({"it": optimum}, HIGH, replace(SETTINGS, path=path, n_steps=n_steps), seed=1).policy
    worse, error = above(policy, optimum)
    assert -3 * error < worse < 1e-3
    problem = HIGH.sample(500, seed=3)
    ours, theirs = (execute(s, problem).inventory for s in (policy, optimum))
    assert abs(ours - theirs).max() < 0.03 * HIGH.order.shares
    assert abs(execute(TWAP(), problem).inventory - theirs).max() > 0.3 * HIGH.order.shares


def test_plans_are_surpassed_and_refined_to_the_optimum(optimum):
    """To choose among plans anew in every step is to adapt; along gradients the rest is found."""
    imitated, refined = (imitate(PLANS, HIGH, replace(SETTINGS, refinements=n), seed=1) for n in (0, 3))
    best, _ = above(PLANS["its own"], optimum)
    after, error = above(imitated.policy, optimum)
    finally_, last_error = above(refined.policy, optimum)
    assert after + 3 * error < 0.9 * best
    assert finally_ + 3 * last_error < 0.05 * best
    assert finally_ > -3 * last_error
    for name, values in imitated.history.items():  # until then they have learned the same
        assert np.array_equal(values, refined.history[name][: len(values)])


def test_refinement_by_advantage_needs_no_gradient(optimum):
    """From experts who all are wrong, and leave something to be found between them."""
    wrong = {"at once": Immediate(), "TWAP": TWAP()}
    start, end = (
        imitate(wrong, HIGH, replace(SETTINGS, refinements=n, refinement="advantage"), seed=1).policy
        for n in (0, 4)
    )
    before, after = above(start, optimum), above(end, optimum)
    assert after[0] + 3 * after[1] < 0.5 * before[0]


def test_schedules_are_plans_and_plans_made_anew_adapt(optimum):
    """Planned once it is the best plan; planned anew it beats every plan."""
    config = replace(SETTINGS, schedules=True, refinements=3)
    once, anew = (imitate(PLANS, HIGH, replace(config, replan_every=m), seed=1).policy for m in (None, 1))
    assert once.dimension == 6
    assert once.features.names == ("volatility", "arrival_volatility", "volatility_of_variance")
    assert anew.features.names == ("time", *once.features.names)
    assert abs(above(once, PLANS["its own"])[0]) < 1e-3
    gain, error = above(anew, PLANS["its own"])
    assert gain + 3 * error < -1e-3
    problem = HIGH.sample(50, seed=4)
    assert np.ptp(execute(once, problem).shares, axis=1).max() < 1e-6 * HIGH.order.shares
    assert np.ptp(execute(anew, problem).shares, axis=1).max() > 1e-3 * HIGH.order.shares


def test_nothing_is_won_where_there_is_nothing_to_win():
    """Without risk aversion no strategy beats TWAP, and none that was learned is better than it by luck."""
    scenario = small("HH", risk_aversion=0.0)
    worse, error = above(
        imitate(PLANS, scenario, replace(SETTINGS, refinements=2), seed=1).policy, TWAP(), scenario
    )
    assert -3 * error - 1e-9 < worse < 1e-3


@pytest.mark.parametrize("changes", [{}, {"schedules": True}, {"schedules": True, "replan_every": 2}])
def test_a_flow_shows_itself_what_experts_showed_it(monkeypatch, changes):
    """Refinement by advantage asks its variants, no two alike, what was asked of the experts."""
    asked = []

    def recorded(experts, *args, **settings):
        asked.append((experts, settings["schedules"], settings["replan_every"]))
        return demonstrate(experts, *args, **settings)

    monkeypatch.setattr("flowexec.learning.imitation.demonstrate", recorded)
    imitate(PLANS, HIGH, replace(QUICK, refinements=1, refinement="advantage", **changes), seed=1)
    (experts, *first), (variants, *second) = asked
    assert experts is PLANS
    assert first == second == [bool(changes), changes.get("replan_every")]
    noises = [tuple(variant.noise.tolist()) for variant in variants.values()]
    assert len(set(noises)) == len(noises) == 8
    assert not any(noises[0])


def test_a_descent_is_one_function_throughout():
    """However often a line search evaluates it, one batch of the lesson is drawn."""
    learner = Imitation(PLANS, HIGH, replace(QUICK, refinements=1), seed=1)
    rng, once = np.random.default_rng(1), np.random.default_rng(1)
    learner.descend(0, rng)
    learner.data.loss(learner.field, learner.config, once)
    assert rng.bit_generator.state == once.bit_generator.state


# The lesson -------------------------------------------------------------------------------------------------


def shown(logits, cost, held=None):
    experts, _, n = logits.shape
    return Demonstrations(
        tuple("abc"[:experts]),
        Features(("time", "inventory")),
        np.random.default_rng(1).standard_normal((2, n)),
        logits,
        cost,
        np.ones(n) if held is None else held,
        np.zeros(n, dtype=int),
    )


def test_a_lesson_is_the_law_of_those_who_are_believed():
    """Standardized under it, each expert drawn as often as it is believed, and one without belief never."""
    rng = np.random.default_rng(2)
    logits = np.array([[1.0], [3.0], [100.0]])[:, :, None] + 0 * rng.random((3, 2, 400))
    config = replace(SETTINGS, temperature=1.0, batch=100_000)
    cost = np.array([0.0, np.log(3.0), 1e6])[:, None] + 0 * rng.random((3, 400))  # 3 : 1 : 0
    lesson = Lesson(shown(logits, cost), config)
    assert lesson.shift == pytest.approx((1.5, 1.5))
    assert lesson.scale == pytest.approx((np.sqrt(0.75),) * 2)
    drawn = []

    class Field:
        def given(self, condition):
            return lambda x, t, h: drawn.append((x, t)) or x

    lesson.loss(Field(), config, np.random.default_rng(3))
    x, t = drawn[0]
    late = t > 0.999  # almost arrived at the data
    values = 1.5 + np.sqrt(0.75) * x[0, late].numpy()
    assert np.mean(np.abs(values - 1.0) < 0.1) == pytest.approx(0.75, abs=0.2)
    assert np.abs(values).max() < 4


def test_what_is_left_measures_what_a_choice_is_worth():
    """Equal costs for a share that is left are believed equally, however little is left."""
    held = np.array([1.0, 0.1])
    cost = np.array([[0.0, 0.0], [0.2, 0.02]])
    config = replace(SETTINGS, temperature=0.1, foresight=False)
    belief = Lesson(shown(np.zeros((2, 1, 2)), cost, held), config).cumulative[0]
    np.testing.assert_allclose(belief, 1 / (1 + np.exp(-2.0)), rtol=1e-6)


# Bits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refinement", ["engine", "advantage"])
def test_bits_depend_on_the_seed_alone(refinement):
    """Whatever else draws, and with however many threads."""
    config = replace(QUICK, refinements=2, refinement=refinement)
    one = imitate(PLANS, HIGH, config, seed=1)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        two = imitate(PLANS, HIGH, config, seed=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert same(one.policy, two.policy)
    assert one.history.keys() == two.history.keys() == {"matching", "objective"}
    assert all(np.array_equal(one.history[name], two.history[name]) for name in one.history)
    assert not same(one.policy, imitate(PLANS, HIGH, config, seed=2).policy)
    assert len(one.history["matching"]) == 3 + 2  # 60 steps are 25, 25 and 10


@pytest.mark.parametrize(
    "changes",
    [
        {"refinement": "engine"},
        {"refinement": "advantage"},
        {"schedules": True, "replan_every": 2},
        {"matching_steps": 0},
    ],
)
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path, changes):
    """Killed while matching and again while refining."""
    config = replace(QUICK, refinements=3, **changes)
    whole = imitate(PLANS, HIGH, config, seed=3)

    class Killed(Exception):
        pass

    def kill(at):
        def on_iteration(done, policy):
            if done == at:
                raise Killed

        return on_iteration

    for at in (1, len(whole.history["objective"]) - 1):
        with pytest.raises(Killed):
            imitate(PLANS, HIGH, config, seed=3, monitor=Monitor(tmp_path, every=1, on_iteration=kill(at)))
    resumed = imitate(PLANS, HIGH, config, seed=3, monitor=Monitor(tmp_path))
    assert same(whole.policy, resumed.policy)
    assert all(np.array_equal(whole.history[name], resumed.history[name]) for name in whole.history)
    other = dict(reversed(PLANS.items()))
    with pytest.raises(ValueError, match="of another training"):
        imitate(other, HIGH, config, seed=3, monitor=Monitor(tmp_path))


def test_a_policy_says_where_it_was_trained():
    learner = Imitation(PLANS, HIGH, QUICK, seed=1)
    assert learner.policy().trained_in["market"]["theta"] == HIGH.market.theta


# Bad input --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Negative:
    def trade(self, observation):
        return -observation.inventory


class Plain:
    """No dataclass: no checkpoint can tell it from another."""

    def trade(self, observation):
        return observation.inventory / observation.steps_remaining


def test_any_expert_will_do_unless_it_is_to_be_remembered(tmp_path):
    assert isinstance(imitate({"a": Plain()}, HIGH, QUICK, seed=1).policy, FlowPolicy)
    with pytest.raises(ValueError, match="a checkpoint can tell dataclasses"):
        imitate({"a": Plain()}, HIGH, QUICK, seed=1, monitor=Monitor(tmp_path))


def test_a_training_that_diverges_says_when():
    with pytest.raises(RuntimeError, match=r"`matching` is (nan|inf) in iteration \d: training has diverged"):
        imitate(PLANS, HIGH, replace(QUICK, learning_rate=1e30), seed=1)


@pytest.mark.parametrize(
    ("experts", "changes", "sentence"),
    [
        ({}, {}, "`experts` must map names to strategies, at least one, got {}"),
        (
            {"bad one": Negative()},
            {},
            "`experts['bad one']` breaks the rules of a strategy: Negative.trade must return shares of "
            "at least 0, got -656100.0 in step 0",
        ),
        (
            {"short": Schedule((1.0, 2.0))},
            {},
            "`experts['short']` breaks the rules of a strategy: `weights` must have one entry for each of "
            "the order's 6 steps, got 2",
        ),
        (PLANS, {"scenario": 3}, "`scenario` must be a Scenario, got 3"),
        (PLANS, {"config": 3}, "`config` must be a FlowConfig, got 3"),
        (PLANS, {"seed": 0.5}, "`seed` must be a whole number, at least 0, got 0.5"),
    ],
)
def test_refusals(experts, changes, sentence, refused):
    known = {"scenario": HIGH, "config": QUICK, "seed": 1} | changes
    with refused(sentence):
        imitate(experts, known["scenario"], known["config"], seed=known["seed"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_steps": 0}, "`n_steps` must be a whole number, at least 1, got 0"),
        ({"temperature": -1.0}, "`temperature` must be at least 0, got -1.0"),
        ({"refinement": "luck"}, "`refinement` must be one of 'engine', 'advantage', got 'luck'"),
        ({"hidden": ()}, "`hidden` must be a tuple of widths, at least one, got ()"),
        ({"path": 3}, "`path` must be a Path, got 3"),
        ({"imitation_weight": (0.1, 0.0)}, "`imitation_weight` must be greater than 0, got 0.0"),
        ({"replan_every": 2}, "`replan_every` is for `schedules`, got 2 without"),
        (
            {"schedules": True, "features": ("time", "signal")},
            "`features` of a schedule must be of time, prices, variances and volumes, got 'signal'",
        ),
    ],
)
def test_bad_settings_are_refused(changes, sentence, refused):
    with refused(sentence):
        replace(SETTINGS, **changes)


def test_what_the_teaching_counts_falls_from_round_to_round():
    config = replace(SETTINGS, refinements=3, imitation_weight=(0.4, 0.1))
    assert [config.imitation(i) for i in range(3)] == pytest.approx([0.4, 0.2, 0.1])
    assert replace(config, refinements=1).imitation(0) == pytest.approx(0.4)
