"""A fee for each child order: counted to the cent, on numpy and torch, and against costs in closed form."""

from itertools import combinations

import numpy as np
import pytest
import torch

from flowexec import (
    GBM,
    TWAP,
    Bachelier,
    ExponentialDecay,
    Order,
    PowerImpact,
    Scenario,
    Schedule,
    TransientImpact,
    execute,
    shortfall,
)
from flowexec.execution.ticket_fee import TicketFee

IMPACTS = [PowerImpact(1e-4, 0.6, 2e-8), TransientImpact(1e-6, ExponentialDecay(3.0))]


def scenario(impact, side="sell", market=None, n_steps=6, **order):
    market = GBM(50.0, 0.02, spread=0.02) if market is None else market
    return Scenario(Order(side, 1200.0, 1.0, n_steps, **order), market, impact)


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("impact", IMPACTS, ids=lambda i: type(i).__name__)
def test_each_child_order_costs_its_fee_and_nothing_else_changes(impact, side):
    schedule, (bare, charged) = Schedule((1, 0, 3, 0, 0, 2)), (impact, TicketFee(impact, 7.0))
    without, with_fee = (execute(schedule, scenario(i, side).sample(9, seed=1)) for i in (bare, charged))
    np.testing.assert_array_equal(without.displacement, with_fee.displacement)
    untraded = without.shares == 0
    np.testing.assert_array_equal(without.price[untraded], with_fee.price[untraded])
    ours, theirs = shortfall(with_fee), shortfall(without)
    np.testing.assert_allclose(ours.total - theirs.total, 3 * 7.0, rtol=1e-9)
    np.testing.assert_allclose(ours.temporary - theirs.temporary, 3 * 7.0, rtol=1e-9)


def test_what_is_left_untraded_pays_no_fee():
    problem = scenario(TicketFee(PowerImpact(1e-4), 5.0), complete=False).sample(4, seed=2)

    class Nothing:
        def trade(self, observation):
            return 0.0 * observation.inventory

    cost = shortfall(execute(Nothing(), problem))
    assert (cost.temporary == 0).all()
    assert (cost.spread == 0).all()


def test_torch_is_numpy_and_the_gradient_is_that_of_the_impact():
    impact = PowerImpact(1e-4, 0.6, 2e-8)
    problem = scenario(TicketFee(impact, 7.0)).sample(5, seed=3)
    plan = Schedule((0, 2, 0, 1, 5, 0))
    ours, theirs = execute(plan, problem), execute(plan, problem.to_torch())
    np.testing.assert_allclose(theirs.price.numpy(), ours.price, rtol=1e-14)
    gradients = []
    for one in (impact, TicketFee(impact, 7.0)):
        part = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)

        class Part:
            def __init__(self, part):
                self.part = part

            def trade(self, observation):
                return self.part * observation.inventory * (observation.step % 2)

        shortfall(execute(Part(part), scenario(one).sample(5, seed=3).to_torch())).total.sum().backward()
        gradients.append(float(part.grad))
    assert gradients[1] == pytest.approx(gradients[0], rel=1e-9)


def test_costs_in_closed_form():
    """m equal trades in any m steps cost m fee + η X²/(m τ), and m = X √(η/(τ fee)) is the best number."""
    eta, shares, tau = 2e-4, 1200.0, 1 / 6
    best = 3
    fee = eta * shares**2 / (tau * best**2)
    problem = scenario(TicketFee(PowerImpact(eta), fee), market=Bachelier(50.0, 0.3)).sample(3, seed=4)

    def cost(schedule):
        result = shortfall(execute(schedule, problem))
        return result.total - result.martingale

    costs = {}
    for m in range(1, 7):
        for steps in combinations(range(6), m):
            expected = m * fee + eta * shares**2 / (m * tau)
            schedule = Schedule(tuple(float(k in steps) for k in range(6)))
            np.testing.assert_allclose(cost(schedule), expected, rtol=1e-9)
            costs[m] = expected
    assert min(costs, key=costs.__getitem__) == best
    # even and odd steps are both best; their mean, TWAP, pays twice their fees and half their impact
    np.testing.assert_allclose(cost(TWAP()), 1.25 * costs[best], rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TicketFee(PowerImpact(1e-4), -1.0), "`fee` must be at least 0, got -1.0"),
        (lambda: TicketFee(3.0, 1.0), "`impact` must be an Impact, got 3.0"),
    ],
)
def test_bad_parameters_are_refused_by_name(make, sentence, refused):
    with refused(sentence):
        make()
