"""Two plans equally good whose mean is bad: a flow trades one or the other, a regression neither.

A ticket fee makes it best to trade in every second step. The even and the odd steps cost the same, and TWAP,
the mean of the two, pays twice the fees.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flowexec import TWAP, Bachelier, Order, PowerImpact, Scenario, Schedule, execute, shortfall
from flowexec.analytics import paired_difference
from flowexec.execution.ticket_fee import TicketFee
from flowexec.learning.demonstrations import demonstrate
from flowexec.learning.distillation import distill
from flowexec.learning.features import Features
from flowexec.learning.flow_config import DistillationConfig, FlowConfig
from flowexec.learning.flow_policy import FlowField, FlowPolicy
from flowexec.learning.imitation import imitate
from flowexec.learning.networks import fraction_of_remaining
from flowexec.strategies.round_lots import RoundLots

N, X, LOT, PATHS = 8, 800.0, 100.0, 2000
AT_TWAP = 3.0  # currency, the impact of TWAP: 1 bps of an order at 50
FEE = 4 * AT_TWAP / N  # of which every second step is the best number to pay
SCENARIO = Scenario(
    Order("sell", X, 1.0, N), Bachelier(50.0, 0.5), TicketFee(PowerImpact(AT_TWAP / X**2), FEE)
)
EXPERTS = {"even": Schedule((1, 0) * (N // 2)), "odd": Schedule((0, 1) * (N // 2))}
PROBLEM = SCENARIO.sample(PATHS, seed=1)
GOOD, MEAN = 4 * AT_TWAP, 5 * AT_TWAP
HIDDEN = (64, 64)
PLANS = FlowConfig(
    features=("time",), schedules=True, hidden=HIDDEN, demonstration_paths=64, matching_steps=850, batch=256,
    learning_rate=1e-2, n_steps=32, refinements=0,
)  # fmt: skip
STUDENTS = DistillationConfig(n_paths=64, steps=800, batch=256, learning_rate=5e-3, finest=4)


def in_lots(policy, *, noise=True):
    """The policy, on each path with noise of its own, or none."""
    drawn = np.random.default_rng(2).standard_normal((policy.dimension, PATHS)) if noise else None
    return execute(RoundLots(replace(policy, noise=drawn), LOT), PROBLEM)


def cost(execution):
    """Mean without the noise of the price, currency."""
    result = shortfall(execution)
    return float((result.total - result.martingale).mean())


def orders(execution):
    """Child orders of each path."""
    return (execution.shares > 0).sum(axis=0)


def saving(ours, theirs):
    """Mean of what `ours` costs less than `theirs`, on common paths."""
    value, error = paired_difference(shortfall(ours), shortfall(theirs)).controlled
    print(f"{cost(theirs):.2f}, cheaper by {-value:.2f} ± {1.96 * error:.2f}")
    return -value, 1.96 * error


@pytest.fixture(scope="module")
def teacher():
    return imitate(EXPERTS, SCENARIO, PLANS, seed=1).policy


def regression(features, dimension, loss):
    """How the least-squares policy of a flow's size trades: its field asked once, without noise."""
    rng = np.random.default_rng(3)
    field = FlowField.initial(dimension, len(features.names), HIDDEN, seed=3)
    field = field.map(lambda a: torch.tensor(a + 0.1 * rng.standard_normal(a.shape), requires_grad=True))
    nothing, one = (0.0,) * dimension, (1.0,) * dimension
    policy = FlowPolicy(field, features, 1, nothing, one, jumps=True)
    optimizer = torch.optim.LBFGS(field.arrays, max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = loss(policy)
        value.backward()
        return value

    optimizer.step(closure)
    return in_lots(policy.map(lambda a: a.detach().numpy()), noise=False)


def mean_square_of_shares(policy):
    """Distance of the plan from those of the experts, in parts of the order."""
    problem = SCENARIO.sample(2, seed=4)
    shares = execute(policy, problem.to_torch()).shares / X
    plans = [torch.tensor(execute(expert, problem).shares / X) for expert in EXPERTS.values()]
    return sum(((shares - plan) ** 2).sum(0).mean() for plan in plans)


def mean_square_of_logits(policy):
    features = policy.features
    shown = demonstrate(EXPERTS, SCENARIO, features, n_paths=8, schedules=True, seed=5)
    z = policy.decide(torch.tensor(shown.conditions))
    return ((z - torch.tensor(shown.logits)) ** 2).mean()


@pytest.fixture(scope="module")
def of_shares():
    return regression(Features(("time",)), N, mean_square_of_shares)


def test_the_two_plans_cost_the_same_and_their_mean_a_quarter_more():
    even, odd, twap = (execute(s, PROBLEM) for s in (*EXPERTS.values(), TWAP()))
    assert cost(even) == pytest.approx(GOOD, rel=1e-9)
    assert cost(odd) == pytest.approx(GOOD, rel=1e-9)
    np.testing.assert_allclose((even.shares + odd.shares) / 2, twap.shares, atol=1e-9)
    assert cost(twap) == pytest.approx(MEAN, rel=1e-9)


def test_a_regression_pays_a_quarter_more(of_shares):
    """Of the shares it is TWAP. Of the logits it waits, as one plan always does, and sells in blocks."""
    assert (orders(of_shares) == N).all()
    assert cost(of_shares) == pytest.approx(MEAN, rel=1e-9)
    of_logits = regression(Features(("time",)), N, mean_square_of_logits)
    assert (orders(of_logits) == 2).all()
    assert cost(of_logits) == pytest.approx(2 * FEE + N / 2 * AT_TWAP, rel=1e-9)
    assert cost(of_logits) >= MEAN * (1 - 1e-9)


def test_a_flow_of_many_steps_trades_one_plan_or_the_other(teacher):
    execution = in_lots(teacher)
    lots = (execution.shares / LOT).round()
    shares = [
        (abs(lots - (expert_lots := execute(expert, PROBLEM).shares / LOT)).max(axis=0) <= 1)
        & ((lots > 0) == (expert_lots > 0)).all(axis=0)
        for expert in EXPERTS.values()
    ]
    even, odd = (float(share.mean()) for share in shares)
    assert even + odd > 0.98
    assert min(even, odd) > 0.4  # it has not made up its mind for all
    assert cost(execution) < 1.02 * GOOD


@pytest.mark.parametrize(("n_steps", "part"), [(1, 0.2), (2, 0.65)])
def test_students_of_one_and_two_steps_save_what_the_mean_wastes(teacher, of_shares, n_steps, part):
    """`part` of the difference between the mean and the plans at least, by the lower end of the interval."""
    student = distill(teacher, SCENARIO, STUDENTS, n_steps=n_steps, method="progressive", seed=6).policy
    ours = in_lots(student)
    value, half = saving(ours, of_shares)
    assert value - half > part * (MEAN - GOOD)
    assert (orders(ours) == N // 2).mean() > 0.75
    # its own teacher, asked in as few steps, is no use
    assert cost(in_lots(replace(teacher, n_steps=n_steps))) > cost(ours) + half


def test_without_noise_a_flow_cannot_choose(teacher):
    """From the middle of the noise a symmetric flow goes to the mean of the two, as the regression does."""
    assert cost(in_lots(teacher, noise=False)) > 1.02 * GOOD


def test_actions_choose_as_well():
    """Of the next trade alone: the first choice decides, and the inventory remembers it."""
    config = replace(PLANS, features=("time", "inventory"), schedules=False, demonstration_paths=256)
    flow = imitate(EXPERTS, SCENARIO, replace(config, hidden=(32, 32), matching_steps=500), seed=1).policy
    features = flow.features
    shown = demonstrate(EXPERTS, SCENARIO, features, n_paths=64, seed=5)
    conditions, left = torch.tensor(shown.conditions), N - shown.step
    parts = np.array([fraction_of_remaining(z, left) for z in shown.logits[:, 0]])

    def mean_square(policy):
        z = policy.decide(conditions)[0]
        return ((fraction_of_remaining(z, torch.tensor(left)) - torch.tensor(parts)) ** 2).mean()

    ours, theirs = in_lots(flow), regression(features, 1, mean_square)
    value, half = saving(ours, theirs)
    assert value - half > 0.3 * (MEAN - GOOD)
    assert cost(ours) < 1.1 * GOOD
