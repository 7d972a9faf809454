"""Round trips: run by the impact's own lines, priced in closed form, and the worst one found."""

import numpy as np
import pytest

from flowexec import (
    GBM,
    ExponentialDecay,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    Schedule,
    TransientImpact,
    execute,
    shortfall,
)
from flowexec.strategies.expected_cost import decay_matrix, schedule_cost
from flowexec.strategies.round_trip import (
    best_two_speed_round_trip,
    execute_signed,
    two_speed_cost,
    two_speed_round_trip,
    worst_round_trip,
)

IMPACTS = [
    PowerImpact(2e-3, 0.6, 3e-7),
    PowerImpact(2e-3, 1.4, 3e-5, 0.6),
    TransientImpact(2e-6, ExponentialDecay(7.0)),
    TransientImpact(1e-3, PowerLawDecay(0.02, 0.4), 0.5),
]


@pytest.mark.parametrize("impact", IMPACTS)
@pytest.mark.parametrize("side", ["sell", "buy"])
def test_one_sided_trades_cost_what_the_engine_charges(impact, side):
    order = Order(side, 1e5, 0.5, 5)
    problem = Scenario(order, GBM(100.0, 0.02, spread=0.03), impact).sample(40, seed=5)
    weights = np.array([0.1, 0.4, 0.0, 0.2, 0.3])
    engine = shortfall(execute(Schedule(tuple(weights)), problem)).total
    assert execute_signed(order.sign * 1e5 * weights, impact, problem.paths) == pytest.approx(
        engine, rel=1e-11
    )


@pytest.mark.parametrize("impact", IMPACTS)
def test_less_the_martingale_every_path_costs_the_closed_form(impact):
    trades = 1e4 * np.array([2.0, -3.0, 0.0, -1.0, 4.0, -2.0])
    paths = GBM(100.0, 0.02, spread=0.03).simulate(40, 6, 0.3, seed=8)
    position = np.cumsum(trades)  # in the definition of cost a position bought at S₀ gains as the mid rises
    martingale = (trades[:, None] * (paths.mid[:-1] - paths.mid[0])).sum(axis=0)
    by_parts = position[-1] * (paths.mid[-2] - paths.mid[0]) - (
        position[:-1, None] * np.diff(paths.mid[:-1], axis=0)
    ).sum(0)
    assert martingale == pytest.approx(by_parts, abs=1e-6)
    expected = schedule_cost(trades, impact, step_length=0.05, spread=0.03)
    assert execute_signed(trades, impact, paths) - martingale == pytest.approx(
        np.full(40, expected), rel=1e-9
    )


def test_linear_permanent_impact_loses_on_every_round_trip_and_nothing_else_does():
    tau, rng = 0.01, np.random.default_rng(3)
    linear = PowerImpact(0.5 * 3e-7 * tau, 1.0, 3e-7)  # ε = γτ/2, the least that keeps manipulators out
    for _ in range(100):
        n = rng.normal(size=8) * 1e4
        n -= n.mean()
        # zero: what moving the price saves is exactly what the trade itself pays
        assert schedule_cost(n, linear, step_length=tau) == pytest.approx(0.0, abs=1e-9 * 3e-7 * n @ n)
    for exponent, fast_first in ((0.5, False), (1.5, True)):
        impact = PowerImpact(1e-7, 1.0, 1e-3 if exponent < 1 else 1e-9, exponent)
        trades = two_speed_round_trip(1e6, 50, 400) if fast_first else two_speed_round_trip(1e6, 400, 50)
        assert schedule_cost(trades, impact, step_length=tau) < 0
        assert (
            schedule_cost(
                two_speed_round_trip(1e6, *((400, 50) if fast_first else (50, 400))), impact, step_length=tau
            )
            > 0
        )


@pytest.mark.parametrize(("decay", "impact"), [(0.3, 0.4), (0.4, 0.4), (0.5, 0.8), (0.3, 0.9)])
def test_continuous_two_speed_cost_is_the_limit_of_the_discrete_one(decay, impact):
    theta, errors = 0.75, []
    exact = two_speed_cost(np.array([1 - theta]), decay_exponent=decay, impact_exponent=impact)[0]
    for n in (400, 1600):
        tau = 1 / n
        # the kernel t^(-γ), cut off at a time far below a step
        model = TransientImpact(
            tau ** (1 - impact) * (1e-6 * tau) ** -decay, PowerLawDecay(1e-6 * tau, decay), impact
        )
        bought = int(theta * n)
        trades = two_speed_round_trip(theta, bought, n - bought)  # unit speed
        kernel = model.coefficient * decay_matrix(model.decay, tau * np.arange(n))
        # in the limit a trade's own step counts for nothing; drop it, for at this cut-off it would dominate
        impulses = np.sign(trades) * np.abs(trades) ** impact
        cost = trades @ (np.tril(kernel, -1) @ impulses)
        errors.append(abs(cost * (1 - decay) * (2 - decay) - exact))
    assert errors[1] < 0.7 * errors[0]
    assert errors[1] < 0.1


def test_best_two_speed_round_trip():
    concave = TransientImpact(1.0, ExponentialDecay(0.1), 0.5)
    best = best_two_speed_round_trip(6.0, 6, concave, step_length=0.1)
    costs = [
        schedule_cost(two_speed_round_trip(6.0, b, 6 - b), concave, step_length=0.1) for b in range(1, 6)
    ]
    assert schedule_cost(best, concave, step_length=0.1) == min(costs) < 0
    assert (best > 0).sum() == 5  # concave and nearly permanent: buy slowly, sell at once
    linear = TransientImpact(1.0, ExponentialDecay(0.1))
    assert (
        schedule_cost(best_two_speed_round_trip(6.0, 6, linear, step_length=0.1), linear, step_length=0.1) > 0
    )
    with pytest.raises(ValueError, match="`n_steps`"):
        best_two_speed_round_trip(6.0, 1, linear, step_length=0.1)


def test_gatheral_boundary():
    bursts = np.geomspace(1e-60, 0.5, 400)
    for decay in (0.2, 0.5, 0.7):
        costs = [
            two_speed_cost(bursts, decay_exponent=decay, impact_exponent=1 - decay + d).min()
            for d in (-0.05, 0.0)
        ]
        assert costs[0] < -1e-3 < 0 < costs[1]
    assert two_speed_cost(np.array([1e-12]), decay_exponent=0.3, impact_exponent=0.2)[0] == pytest.approx(
        -0.7, abs=1e-3
    )


def test_worst_round_trip():
    times = 0.1 * np.arange(8)
    trades, value = worst_round_trip(decay_matrix(PowerLawDecay(0.1, 0.5), times))
    assert value > 0
    held = decay_matrix(
        lambda t: float(t < 0.25), times
    )  # stays for a while, then vanishes: not positive definite
    trades, value = worst_round_trip(held)
    assert trades.sum() == pytest.approx(0, abs=1e-12)
    assert trades @ trades == pytest.approx(1)
    assert trades @ held @ trades == pytest.approx(value)
    assert value < -0.1
    rng = np.random.default_rng(1)
    for n in rng.normal(size=(200, 8)):
        n = n - n.mean()
        assert n @ held @ n >= value * (n @ n) - 1e-12


def test_refusals():
    paths = GBM(100.0, 0.02).simulate(2, 3, 0.3, seed=1)
    with pytest.raises(ValueError, match="`trades` must be 3 numbers, one a step, got 2"):
        execute_signed(np.ones(2), IMPACTS[0], paths)
    with pytest.raises(ValueError, match="`buying_steps`"):
        two_speed_round_trip(1.0, 0, 3)
    with pytest.raises(ValueError, match="`selling_time` must lie in"):
        two_speed_cost(np.array([0.0]), decay_exponent=0.5, impact_exponent=0.5)
    with pytest.raises(ValueError, match="`kernel` must be symmetric"):
        worst_round_trip(np.array([[1.0, 0.2], [0.1, 1.0]]))
    with pytest.raises(ValueError, match="`kernel` must be square"):
        worst_round_trip(np.ones((1, 1)))
