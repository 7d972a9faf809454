"""The same lines on numpy arrays and on torch tensors, and the gradient that comes with the latter."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from flowexec import (
    GBM,
    POV,
    TWAP,
    VWAP,
    AlmgrenChriss,
    ExponentialDecay,
    Immediate,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    Schedule,
    TransientImpact,
    VolumeCurve,
    execute,
    shortfall,
)
from flowexec.analytics.shortfall import COMPONENTS

MARKET = GBM(50.0, 0.02, spread=0.02, volume=VolumeCurve(1e6, dispersion=0.7))
IMPACTS = [
    PowerImpact(1e-4, 0.6),
    PowerImpact(3e-6, 1.0, 2e-7),
    PowerImpact(1e-9, 1.8, 1e-5, permanent_exponent=0.5),
    TransientImpact(1e-6, ExponentialDecay(3.0)),
    TransientImpact(1e-4, PowerLawDecay(0.1, 0.6), 0.6),
]
STRATEGIES = [
    Immediate(),
    TWAP(),
    VWAP(),
    POV(0.2),
    Schedule((0, 2, 0, 1, 5)),
    AlmgrenChriss(1e-6, temporary=3e-6, permanent=2e-7),
    AlmgrenChriss(1e-6, 1.0, 3e-6, 2e-7),
]


def problem_with(impact, **order):
    order = Order(**({"side": "sell", "shares": 2e5, "horizon": 0.7, "n_steps": 5} | order))
    return Scenario(order, MARKET, impact, information="estimated").sample(7, seed=1)


@pytest.mark.parametrize("impact", IMPACTS, ids=str)
@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_torch_is_numpy(strategy, impact):
    problem = problem_with(impact, side="buy", complete=False, fee_per_share=0.01, fixed_fee=5.0)
    ours, theirs = execute(strategy, problem), execute(strategy, problem.to_torch())
    for name in ("inventory", "shares", "price", "displacement", "risk"):
        tensor = getattr(theirs, name)
        assert isinstance(tensor, torch.Tensor)
        assert tensor.dtype == torch.float64
        np.testing.assert_allclose(tensor.numpy(), getattr(ours, name), rtol=1e-12, atol=1e-12, err_msg=name)
    cost, torch_cost = shortfall(ours), shortfall(theirs)
    scale = 2e5 * 50.0  # differences of amounts of this size
    for name in ("total", "martingale", *COMPONENTS):
        np.testing.assert_allclose(
            getattr(torch_cost, name).numpy(),
            getattr(cost, name),
            rtol=1e-12,
            atol=1e-14 * scale,
            err_msg=name,
        )
    np.testing.assert_allclose(torch_cost.bps().total.numpy(), cost.bps().total, rtol=1e-12, atol=1e-10)
    for name in ("completion", "participation", "average_price"):
        np.testing.assert_allclose(getattr(torch_cost, name).numpy(), getattr(cost, name), rtol=1e-12)
    for name in ("arrival", "interval_vwap", "interval_twap", "close"):
        np.testing.assert_allclose(torch_cost.benchmark(name).numpy(), cost.benchmark(name), rtol=1e-12)


@pytest.mark.parametrize("impact", IMPACTS, ids=str)
def test_single_precision_is_good_to_single_precision(impact):
    """0.7 days has no exact float32, so that the problem must accept paths of nearly the order's length."""
    problem = problem_with(impact)
    ours, theirs = execute(TWAP(), problem), execute(TWAP(), problem.to_torch(dtype=torch.float32))
    assert theirs.price.dtype == torch.float32
    np.testing.assert_allclose(theirs.price.numpy(), ours.price, rtol=1e-6)


@dataclass(frozen=True)
class Trades:
    """A tensor of shares [step], the same on each path."""

    shares: Any

    def trade(self, observation):
        return self.shares[observation.step] + 0.0 * observation.inventory


def objective(shares, problem, risk_aversion=1e-6):
    execution = execute(Trades(shares), problem)
    return (shortfall(execution).total + risk_aversion * execution.risk).mean()


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("impact", IMPACTS, ids=str)
def test_gradient_of_the_objective_in_the_schedule(impact, complete):
    problem = problem_with(impact, complete=complete)
    trades = np.array([6e4, 2e4, 3e4, 5e4, 1e4])
    tensor = torch.tensor(trades, requires_grad=True)
    objective(tensor, problem.to_torch()).backward()
    differences = []
    for k in range(5):
        bump = 10.0 * (np.arange(5) == k)
        differences.append((objective(trades + bump, problem) - objective(trades - bump, problem)) / 20.0)
    # in currency per share, where the trades' own costs are of the order of 0.1 to 1
    np.testing.assert_allclose(tensor.grad.numpy(), differences, rtol=1e-6, atol=1e-7)
    assert (
        tensor.grad[-1] == 0
    ) == complete  # the last trade of a complete order is not the strategy's to choose


@pytest.mark.parametrize("impact", IMPACTS, ids=str)
def test_gradient_at_zero_trades_is_finite(impact):
    """ν^β with β < 1 has no derivative at 0; the cost ν^(1+β) has one, 0, and so must its gradient."""
    problem = replace(problem_with(impact), information="model")
    tensor = torch.tensor([1e5, 0.0, 0.0, 1e5, 0.0], dtype=torch.float64, requires_grad=True)
    value = objective(tensor, problem.to_torch())
    value.backward()
    assert torch.isfinite(tensor.grad).all()
    assert value.item() == pytest.approx(objective(tensor.detach().numpy(), problem), rel=1e-12)


@pytest.mark.parametrize("exponent", [0.3, 0.6, 1.0, 1.5])
def test_gradient_at_zero_trades_is_the_derivative(exponent):
    """Without permanent impact the derivative at 0 exists, and is that of the other costs."""
    problem = problem_with(PowerImpact(1e-9, exponent), complete=False)
    trades = np.array([1e5, 0.0, 5e4, 0.0, 0.0])
    tensor = torch.tensor(trades, requires_grad=True)
    objective(tensor, problem.to_torch()).backward()
    for k in (1, 3, 4):
        bump = 1.0 * (np.arange(5) == k)
        difference = objective(trades + bump, problem) - objective(trades, problem)
        assert tensor.grad[k].item() == pytest.approx(difference, abs=1e-5)


def test_a_bad_answer_is_refused_on_tensors_too():
    problem = problem_with(IMPACTS[0]).to_torch()
    with pytest.raises(ValueError, match=r"must return shares of at least 0, got nan in step 1"):
        execute(Trades(torch.tensor([1.0, torch.nan, 0.0, 0.0, 0.0], dtype=torch.float64)), problem)
    with pytest.raises(ValueError, match=r"must return shares of shape \(7,\), got \(5, 7\)"):
        execute(Trades(torch.ones(5, 5, 1, dtype=torch.float64)), problem)
