"""Distillation: each target on mean velocities that are known, each student on a teacher that is."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from flowexec import TWAP, execute
from flowexec.execution.presets import book_scenario
from flowexec.learning.checkpoint import describe
from flowexec.learning.distillation import Distillation, distill
from flowexec.learning.distillation_losses import LOSSES, mean_flow_target, two_steps
from flowexec.learning.features import Features
from flowexec.learning.flow_config import DistillationConfig, FlowConfig
from flowexec.learning.flow_policy import INPUTS_OF_TIME, FlowField, FlowPolicy
from flowexec.learning.imitation import imitate
from flowexec.learning.networks import Network, NetworkPolicy
from flowexec.learning.pathwise import controlled_objective
from flowexec.learning.training import Monitor
from flowexec.strategies.schedules import Schedule
from flowexec.strategies.static_optimum import static_optimum

# ---- targets ----


def linear_field(x, t):
    """dx/dt = a(t) x + b, with a = −½ + t."""
    return (t - 0.5) * x + 0.3


def exact_mean_velocity(x, t, h):
    """(x(t + h) − x(t))/h of the linear field, by 100 steps of Heun, differentiable in everything."""
    n, y = 100, x
    dt = h / n
    for i in range(n):
        s = t + i * dt
        slope = linear_field(y, s)
        y = y + 0.5 * dt * (slope + linear_field(y + dt * slope, s + dt))
    return (y - x) / h


def states(n=40):
    g = torch.Generator().manual_seed(1)
    x = torch.randn(2, n, generator=g, dtype=torch.float64)
    t = 0.5 * torch.rand(n, generator=g, dtype=torch.float64)
    h = 0.05 + 0.2 * torch.rand(n, generator=g, dtype=torch.float64)
    return x, t, h


def test_the_mean_velocity_is_the_fixed_point_of_both_targets():
    x, t, h = states()
    exact = exact_mean_velocity(x, t, 2 * h)
    np.testing.assert_allclose(two_steps(exact_mean_velocity, x, t, h), exact, atol=1e-6)
    target = mean_flow_target(exact_mean_velocity, linear_field(x, t), x, t, 2 * h)
    np.testing.assert_allclose(target, exact, atol=1e-5)


def test_another_field_is_no_fixed_point():
    """The velocity at the beginning of the interval, taken for its mean, is refuted by both."""
    x, t, h = states()
    wrong = lambda x, t, h: linear_field(x, t) + 0 * h  # noqa: E731
    for target in (two_steps(wrong, x, t, h), mean_flow_target(wrong, linear_field(x, t), x, t, 2 * h)):
        assert (target - wrong(x, t, 2 * h)).abs().mean() > 0.02


# ---- students ----


def small(regime):
    """The book's order in six steps, without permanent impact: in so few, lumps would pay."""
    scenario = book_scenario(regime, n_steps=6)
    return replace(scenario, impact=replace(scenario.impact, permanent=0.0))


HIGH = small("HH")
PLANS = {"its own": static_optimum(HIGH).strategy, "of the calm": static_optimum(small("LH")).strategy}
TEACHING = FlowConfig(
    hidden=(16, 16), demonstration_paths=512, matching_steps=200, batch=512, refinements=2, refining_paths=256
)
LEARNING = DistillationConfig(n_paths=128, steps=125, batch=128, finest=8, learning_rate=4e-3)
QUICK = DistillationConfig(n_paths=8, steps=60, batch=16, finest=2)
WATCHING = Features.calibrate(HIGH.sample(64, seed=1), ("time", "inventory", "volatility"))


@pytest.fixture(scope="module")
def teacher():
    return replace(imitate(PLANS, HIGH, TEACHING, seed=1).policy, n_steps=32)


def affine_teacher(a):
    """dx/dt = ax + w · c + ¼, as a network without hidden layer."""
    weight = np.concatenate([[a, 0.3, -0.2, 0.5], np.zeros(INPUTS_OF_TIME)])[None]
    return FlowPolicy(FlowField(Network((weight,), (np.full((1, 1), 0.25),))), WATCHING, 64, (0.1,), (0.5,))


def answers(policy, **changes):
    """Logits of `policy` from noise in random conditions."""
    rng = np.random.default_rng(5)
    condition, noise = rng.uniform(-1, 1, (3, 300)), rng.standard_normal((1, 300))
    return replace(policy, noise=noise, **changes).decide(condition)


def same(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one.field.arrays, two.field.arrays, strict=True))


def loss_of_cost(policy, other, seed=99):
    """Mean objective above that of another on the same fresh paths, in its units."""
    problem = HIGH.sample(4000, seed=seed)
    ours, theirs = (controlled_objective(execute(s, problem), HIGH).mean() for s in (policy, other))
    return ours / theirs - 1


def test_a_progressive_student_of_an_affine_field_is_exact():
    """Two affine steps are an affine step: one step of the student is the four of its teacher."""
    affine = affine_teacher(-0.7)
    config = DistillationConfig(n_paths=128, steps=1000, batch=128, finest=2, learning_rate=1e-2)
    student = distill(affine, HIGH, config, n_steps=1, method="progressive", seed=1).policy
    four = answers(affine, n_steps=4)
    assert abs(answers(student) - four).max() < 1e-3
    assert abs(answers(affine, n_steps=1) - four).max() > 0.2


@pytest.mark.parametrize("method", LOSSES)
def test_a_constant_field_is_exact_in_one_step_from_the_start(method):
    """Nothing is left to be learned, and nothing is unlearned."""
    constant = affine_teacher(0.0)
    trained = distill(constant, HIGH, QUICK, n_steps=1, method=method, seed=1)
    assert trained.history["loss"].max() < 1e-12
    np.testing.assert_allclose(answers(trained.policy), answers(constant), atol=1e-6)


@pytest.mark.parametrize("method", LOSSES)
def test_students_of_few_steps_trade_as_their_teacher_of_many(teacher, method):
    """Within 0.4 % of its objective; the teacher itself in one step is far from it."""
    naive = loss_of_cost(replace(teacher, n_steps=1), teacher)
    for n_steps in (1, 2, 3, 4, 5):
        if n_steps == 1 or method != "meanflow":  # whose field serves any number of steps
            student = distill(teacher, HIGH, LEARNING, n_steps=n_steps, method=method, seed=2).policy
        assert student.jumps
        assert abs(loss_of_cost(replace(student, n_steps=n_steps), teacher)) < 4e-3 < 0.5 * naive


def test_a_student_grows_consistent_with_itself(teacher):
    """What a step says and what two of half its length say, on the same batch: ever closer."""
    learner = Distillation(teacher, HIGH, LEARNING, n_steps=1, method="shortcut", seed=3)

    def residual():
        batch = learner.batch(0, np.random.default_rng(4))
        h = torch.full((LEARNING.batch,), 0.5)
        x, t = batch.road[0], torch.zeros(LEARNING.batch)
        with torch.no_grad():
            gap = batch.student(x, t, 2 * h) - two_steps(batch.student, x, t, h)
        return float((gap**2).mean())

    residuals = [residual()]
    for iteration in range(learner.iterations):
        learner.iterate(iteration)
        residuals.append(residual())
    assert residuals[-1] < 0.1 * residuals[0]
    assert np.mean(residuals[-2:]) < np.mean(residuals[1:3])


def test_batches_lie_on_the_roads_of_the_teacher():
    """Half of them from 0; between its points a road is straight."""
    affine = affine_teacher(-0.7)
    learner = Distillation(affine, HIGH, LEARNING, n_steps=1, method="meanflow", seed=3)
    batch = learner.batch(0, np.random.default_rng(4))
    n, finest = LEARNING.batch, LEARNING.finest
    assert batch.road.shape == (finest + 1, 1, n)
    assert torch.equal(batch.road[0, 0, : n // 2], torch.zeros(n // 2))
    assert batch.road[0, 0, n // 2 :].std() > 0.8
    for j in range(finest):
        x, t = batch.road[j], torch.full((n,), j / finest)
        ahead = x + batch.velocity(x, t, 0 * t) / finest
        np.testing.assert_allclose(batch.road[j + 1], ahead, atol=1e-6)
        np.testing.assert_allclose(batch.on_the_road(t), x, atol=1e-6)
        np.testing.assert_allclose(batch.on_the_road(t + 0.25 / finest), 0.75 * x + 0.25 * ahead, atol=1e-6)


def test_the_shortest_jumps_of_a_shortcut_are_two_steps_along_its_velocity():
    """Longer ones are two of half their length; so all hang on the velocity, which the teacher knows."""
    learner = Distillation(affine_teacher(-0.7), HIGH, LEARNING, n_steps=1, method="shortcut", seed=3)
    batch = learner.batch(0, np.random.default_rng(4))
    asked = []

    def student(x, t, h):
        asked.append((t, h))
        return batch.student(x, t, h)

    assert batch.steps == (8, 4, 2, 1)
    LOSSES["shortcut"](replace(batch, student=student, velocity_share=1e-9))
    (_, first), (_, second), (t, h) = asked
    assert set(h.tolist()) == {1 / 8, 1 / 4, 1 / 2, 1.0}
    expected = torch.where(h == 1 / 8, 0.0, 0.5 * h)
    assert torch.equal(first, expected)
    assert torch.equal(second, expected)
    assert torch.equal(asked[1][0], t + 0.5 * h)
    assert torch.equal(t / h, torch.floor(t / h))


def test_schedules_are_distilled_in_the_states_in_which_they_are_planned():
    """On arrival alone, or whenever they are planned anew; the student plans as its teacher does."""
    for every, starts in ((None, [0]), (2, [0, 2, 4])):
        config = replace(TEACHING, schedules=True, replan_every=every, refinements=0)
        plan = replace(imitate(PLANS, HIGH, config, seed=1).policy, n_steps=32)
        student_config = replace(LEARNING, shake=0.0)
        learner = Distillation(plan, HIGH, student_config, n_steps=1, method="meanflow", seed=2)
        n = LEARNING.n_paths
        assert learner.conditions.shape[1] == n * len(starts)
        if every is not None:
            times = 4 * (1 - np.array(starts) / 6) - 2
            np.testing.assert_allclose(learner.conditions[0], np.repeat(times, n), atol=1e-6)
        student = distill(plan, HIGH, student_config, n_steps=2, method="progressive", seed=2).policy
        assert (student.dimension, student.replan_every) == (6, every)
        assert abs(loss_of_cost(student, plan)) < 5e-3


def test_a_teacher_that_is_no_flow_is_imitated_at_its_own_features():
    """A network that trades faster the more volatile it is."""
    rng = np.random.default_rng(6)
    network = Network.initial((3, 8, 1), seed=7)
    network.weights[-1][:], network.biases[-1][:] = 0.5 * rng.standard_normal((1, 8)), 1.0
    agent = NetworkPolicy(network, WATCHING)
    config = replace(LEARNING, imitation=replace(TEACHING, refinements=0))
    student = distill(agent, HIGH, config, n_steps=1, method="shortcut", seed=1).policy
    assert student.features.names == WATCHING.names
    problem = HIGH.sample(500, seed=8)
    ours, theirs = (execute(s, problem).inventory for s in (student, agent))
    assert abs(ours - theirs).max() < 0.05 * HIGH.order.shares
    assert abs(execute(TWAP(), problem).inventory - theirs).max() > 0.1 * HIGH.order.shares


def test_a_student_that_also_minds_its_cost_costs_less(teacher):
    """Where its method alone has not come far yet."""
    early = replace(LEARNING, steps=25)
    alone, minding = (
        distill(teacher, HIGH, replace(early, cost_weight=w), n_steps=1, method="meanflow", seed=2).policy
        for w in (0.0, 1.0)
    )
    assert loss_of_cost(minding, teacher) < 0.8 * loss_of_cost(alone, teacher)


# ---- bits ----


@pytest.mark.parametrize("method", LOSSES)
def test_bits_depend_on_the_seed_and_an_interrupted_training_keeps_them(teacher, tmp_path, method):
    """Killed after every iteration, so that each generation begins in another process than the one before."""
    cost_weight = 0.01 if method == "shortcut" else 0.0
    settings = replace(QUICK, steps=130 if method == "progressive" else 30, cost_weight=cost_weight)
    whole = distill(teacher, HIGH, settings, n_steps=1, method=method, seed=4)
    assert len(whole.history["loss"]) == (6 if method == "progressive" else 2)

    class Killed(Exception):
        pass

    def kill(done, policy):
        raise Killed

    monitor = Monitor(tmp_path, every=1, on_iteration=kill)
    for _ in whole.history["loss"]:
        with pytest.raises(Killed):
            distill(teacher, HIGH, settings, n_steps=1, method=method, seed=4, monitor=monitor)
    torch.manual_seed(1)
    resumed = distill(teacher, HIGH, settings, n_steps=1, method=method, seed=4, monitor=Monitor(tmp_path))
    assert same(whole.policy, resumed.policy)
    assert np.array_equal(whole.history["loss"], resumed.history["loss"])
    other = distill(teacher, HIGH, settings, n_steps=1, method=method, seed=5)
    assert not same(whole.policy, other.policy)
    with pytest.raises(ValueError, match=r"`n_steps` is 1 there and 2 here"):
        distill(teacher, HIGH, settings, n_steps=2, method=method, seed=4, monitor=Monitor(tmp_path))


# ---- bad input ----


@dataclass(frozen=True)
class Negative:
    def trade(self, observation):
        return -observation.inventory


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_steps": 0}, "`n_steps` must be a whole number, at least 1, got 0"),
        ({"n_steps": 6}, "`n_steps` must be at most 5, got 6"),
        ({"method": "magic"}, "`method` must be one of 'progressive', 'shortcut', 'meanflow', got 'magic'"),
        ({"seed": -1}, "`seed` must be a whole number, at least 0, got -1"),
        ({"config": 3}, "`config` must be a DistillationConfig, got 3"),
        ({"scenario": 3}, "`scenario` must be a Scenario, got 3"),
        ({"teacher": 3}, "`teacher` must be a Strategy, got 3"),
        (
            {"teacher": replace(affine_teacher(0.1), jumps=True)},
            "`teacher` must be a flow of velocities, got one that jumps",
        ),
        (
            {"teacher": replace(affine_teacher(0.1), trained_in=describe(small("LL")))},
            "`teacher` must have been trained in this `scenario`: "
            f"`scenario.market.v0` is {small('LL').market.v0!r} there and {HIGH.market.v0!r} here",
        ),
        (
            {"teacher": Negative()},
            "`experts['teacher']` breaks the rules of a strategy: Negative.trade must return shares of at "
            "least 0, got -656100.0 in step 0",
        ),
        (
            {"teacher": Schedule((1.0, 2.0))},
            "`experts['teacher']` breaks the rules of a strategy: `weights` must have one entry for each of "
            "the order's 6 steps, got 2",
        ),
        (
            {"config": replace(QUICK, finest=16)},
            "`config.steps` must be at least 25 for each of the 5 generations, got 60",
        ),
    ],
)
def test_refusals(changes, sentence, refused):
    known = {
        "teacher": affine_teacher(0.1), "scenario": HIGH, "config": QUICK,
        "n_steps": 1, "method": "progressive", "seed": 1,
    } | changes  # fmt: skip
    with refused(sentence):
        distill(known.pop("teacher"), known.pop("scenario"), known.pop("config"), **known)


def test_a_training_that_diverges_says_when(teacher):
    with pytest.raises(RuntimeError, match=r"`loss` is (nan|inf) in iteration \d: training has diverged"):
        distill(teacher, HIGH, replace(QUICK, learning_rate=1e30), n_steps=1, method="shortcut", seed=1)
