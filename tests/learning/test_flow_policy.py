"""A flow as a strategy: known fields trade known shares, alone as in a batch, on numpy as on torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flowexec import TWAP, execute
from flowexec.execution.presets import book_scenario
from flowexec.learning.features import Features
from flowexec.learning.flow_matching import METHODS
from flowexec.learning.flow_policy import INPUTS_OF_TIME, FlowField, FlowPolicy, as_of
from flowexec.learning.networks import BLOCK, Network

N = 6
SCENARIO = book_scenario("HH", n_steps=N)
PROBLEM = SCENARIO.sample(BLOCK + 41, seed=1)
ACTION = Features.calibrate(PROBLEM, ("time", "inventory", "volatility"))
PLAN = Features.calibrate(PROBLEM, ("time", "volatility"))


def random_field(dimension, n_conditions, hidden=(16, 8), seed=1):
    sizes = (dimension + n_conditions + INPUTS_OF_TIME, *hidden, dimension)
    rng = np.random.default_rng(seed)
    layers = list(zip(sizes[1:], sizes[:-1], strict=True))
    return FlowField(
        Network(
            tuple(rng.standard_normal(shape) / np.sqrt(shape[1]) for shape in layers),
            tuple(rng.standard_normal((rows, 1)) for rows, _ in layers),
        )
    )


def linear_field(a, of_condition, b):
    """u = a x + of_condition · c + b, in one dimension."""
    weight = np.concatenate([[a], of_condition, np.zeros(INPUTS_OF_TIME)])[None]
    return FlowField(Network((weight,), (np.full((1, 1), b),)))


def action(**changes):
    return replace(FlowPolicy(random_field(1, 3), ACTION, 5, (0.3,), (0.8,)), **changes)


def schedule(**changes):
    shift, scale = tuple(np.linspace(-0.5, 0.5, N)), tuple(np.linspace(0.4, 1.2, N))
    return replace(FlowPolicy(random_field(N, 2), PLAN, 5, shift, scale), **changes)


POLICIES = {
    "action": action(),
    "two steps of heun": action(method="heun", n_steps=2),
    "jumps": action(jumps=True, n_steps=1),
    "noise": action(noise=np.array([0.7])),
    "schedule": schedule(),
    "schedule, planned anew": schedule(replan_every=2),
    "schedule of noise": schedule(noise=np.linspace(-1, 1, N)),
}


@pytest.fixture(params=POLICIES.values(), ids=POLICIES.keys())
def policy(request):
    return request.param


# Known fields -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_field_trades_as_its_solution_says(method):
    """dx/dt = ax + w has x(1) = e^a x_0 + w (e^a − 1)/a, and z = shift + scale x(1)."""
    a, b, x_0 = -0.7, 0.2, 0.4
    of_condition = np.array([0.3, -0.2, 0.5])
    flow = FlowPolicy(
        linear_field(a, of_condition, b), ACTION, 4000, (0.1,), (1.5,), method=method, noise=np.array([x_0])
    )
    problem = replace(PROBLEM, paths=PROBLEM.paths.select(np.arange(20)))
    observation = problem.observe(problem.start())
    w = of_condition @ ACTION(observation) + b
    z = 0.1 + 1.5 * (np.exp(a) * x_0 + w * (np.exp(a) - 1) / a)
    np.testing.assert_allclose(flow.logits(observation), z, atol=3e-4 if method == "euler" else 1e-7)
    left, others = observation.inventory, N - 1
    np.testing.assert_allclose(flow.trade(observation), left / (1 + others * np.exp(-z)), rtol=1e-3)


def test_one_step_of_a_constant_field_is_exact():
    flow = FlowPolicy(linear_field(0.0, np.zeros(3), 0.25), ACTION, 1, (0.1,), (2.0,), noise=np.array([1.0]))
    for n_steps in (1, 7):
        logits = replace(flow, n_steps=n_steps).logits(PROBLEM.observe(PROBLEM.start()))
        np.testing.assert_allclose(logits, 0.1 + 2.0 * 1.25, rtol=1e-14)


def test_the_field_0_is_twap():
    """Of actions and of schedules: the logits are 0, and the middle of the noise stays where it is."""
    for dimension, features in ((1, ACTION), (N, PLAN)):
        field = FlowField.initial(dimension, len(features.names), (8,), seed=1)
        flow = FlowPolicy(field, features, 3, (0.0,) * dimension, (1.0,) * dimension)
        ours, theirs = (execute(strategy, PROBLEM).shares for strategy in (flow, TWAP()))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_field_is_its_network():
    """What is computed once for a condition, and what the network says of all inputs together."""
    field, rng = random_field(2, 3), np.random.default_rng(2)
    x, c, t, h = (rng.standard_normal((rows, 11)) for rows in (2, 3, 1, 1))
    times = np.concatenate([2 * t - 1, np.sin(2 * np.pi * t), np.cos(2 * np.pi * t), h])
    whole = field.network(np.concatenate([x, c, times]))
    np.testing.assert_allclose(field.given(c)(x, t[0], h[0]), whole, rtol=1e-12, atol=1e-14)
    assert field.n_conditions == 3
    assert field.dimension == 2


def test_jumps_tell_the_field_how_long_they_are():
    """A field of h alone: u = h, so that n steps of 1/n go 1/n."""
    weight = np.zeros((1, 1 + 3 + INPUTS_OF_TIME))
    weight[0, -1] = 1.0
    flow = FlowPolicy(FlowField(Network((weight,), (np.zeros((1, 1)),))), ACTION, 4, (0.0,), (1.0,))
    observation = PROBLEM.observe(PROBLEM.start())
    np.testing.assert_allclose(replace(flow, jumps=True).logits(observation), 0.25, rtol=1e-14)
    np.testing.assert_array_equal(flow.logits(observation), 0.0)


# Batches, torch, the past -----------------------------------------------------------------------------------


def test_a_path_is_traded_alone_as_in_any_batch(policy):
    """To rounding: which routine BLAS takes for a few columns is its own affair."""
    whole = execute(policy, PROBLEM).shares
    assert np.ptp(whole[2]) > 1.0 or policy.decides_every == N  # all are alike on arrival
    for which in ([0], [BLOCK + 40], [7, 3], list(range(BLOCK - 1, BLOCK + 2)), list(range(30, BLOCK + 31))):
        part = replace(PROBLEM, paths=PROBLEM.paths.select(np.array(which)))
        np.testing.assert_allclose(execute(policy, part).shares, whole[:, which], rtol=1e-11)


def test_a_path_that_is_not_known_leaves_the_others_alone(policy):
    """NaN in the first path is in the first path alone."""
    observation = PROBLEM.observe(PROBLEM.start())
    variance = observation.past_variance.copy()
    variance[0, 0] = np.nan
    blind = policy.trade(replace(observation, past_variance=variance))
    assert np.isnan(blind[0])
    np.testing.assert_allclose(blind[1:], policy.trade(observation)[1:], rtol=1e-11)


def test_torch_trades_the_same_and_can_be_differentiated(policy):
    tensors = policy.map(lambda a: torch.tensor(a, requires_grad=True))
    ours = execute(tensors, PROBLEM.to_torch())
    np.testing.assert_allclose(ours.shares.detach(), execute(policy, PROBLEM).shares, rtol=1e-10, atol=1e-6)
    ours.risk.mean().backward()
    assert all(float(a.grad.abs().sum()) > 0 for a in tensors.field.arrays)


def test_noise_may_differ_from_path_to_path():
    """Each path trades as it would if its noise were that of all."""
    noise = np.random.default_rng(3).standard_normal((1, PROBLEM.paths.n_paths))
    own = execute(action(noise=noise), PROBLEM).shares
    for path in (0, 5, BLOCK + 3):
        common = execute(action(noise=noise[:, path]), PROBLEM).shares
        np.testing.assert_allclose(own[:, path], common[:, path], rtol=1e-11)
    assert np.ptp(own[0]) > 1.0


def test_a_schedule_stands_until_it_is_planned_anew():
    """Step p + j trades by row j of what was decided in step p, from what was seen then."""
    for every in (None, 1, 2, 4):
        flow, problem = schedule(replan_every=every), PROBLEM
        state, plans = problem.start(), {}
        for step in range(N):
            observation = problem.observe(state)
            planned = step - step % (every or N)
            if planned == step:
                plans[step] = flow.decide(PLAN(observation))
            np.testing.assert_allclose(flow.logits(observation), plans[planned][step - planned], rtol=1e-11)
            state, _ = problem.step(state, flow.trade(observation))


def test_what_is_remembered_is_what_was_seen():
    """All features that a schedule may have, in every step, of all earlier steps."""
    features = Features.calibrate(
        PROBLEM,
        ("time", "volatility", "arrival_volatility", "volatility_of_variance", "momentum", "vwap_deviation"),
    )
    state, seen = PROBLEM.start(), []
    for _ in range(N):
        observation = PROBLEM.observe(state)
        seen.append(features(observation))
        for step, then in enumerate(seen):
            assert np.array_equal(features(as_of(observation, step)), then)
        state, _ = PROBLEM.step(state, TWAP().trade(observation))


# Bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: action(n_steps=0), "`n_steps` must be a whole number, at least 1, got 0"),
        (lambda: action(method="rk4"), "`method` must be one of 'euler', 'midpoint', 'heun', got 'rk4'"),
        (
            lambda: action(method="heun", jumps=True),
            "`method` must be 'euler' where the field jumps, got 'heun'",
        ),
        (
            lambda: action(features=PLAN),
            "`field` must have one condition for each of the 2 `features`, got 3",
        ),
        (
            lambda: action(shift=(0.0, 1.0)),
            "`shift` must be 1 finite numbers, one a dimension, got (0.0, 1.0)",
        ),
        (
            lambda: action(scale=(float("nan"),)),
            "`scale` must be 1 finite numbers, one a dimension, got (nan,)",
        ),
        (
            lambda: action(noise=np.zeros(2)),
            "`noise` must have shape (1,) or (1, path), got (2,)",
        ),
        (lambda: action(noise=0.5), "`noise` must have shape (1,) or (1, path), got float"),
        (lambda: schedule(replan_every=0), "`replan_every` must be a whole number, at least 1, got 0"),
        (
            lambda: schedule(features=replace(PLAN, names=("time", "inventory"))),
            "`features` of a schedule must be of time, prices, variances and volumes, got 'inventory'",
        ),
        (
            lambda: execute(schedule(), book_scenario("HH", n_steps=5).sample(3, seed=1)),
            "the schedule is for orders of 6 steps, got 5",
        ),
        (
            lambda: FlowField(Network.initial((5, 1), seed=1)),
            "`network` must have at least 6 inputs for 1 outputs, got 5",
        ),
    ],
)
def test_refusals(call, sentence, refused):
    with refused(sentence):
        call()
