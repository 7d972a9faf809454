"""Impacts one trade at a time, against prices by hand and against the displacement written out as a sum."""

import math

import numpy as np
import pytest

from flowexec import (
    TWAP,
    Bachelier,
    ExponentialDecay,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    Schedule,
    TransientImpact,
    execute,
)
from flowexec.execution import Bar


def trade(impact, state, shares, side, *, mid=100.0, spread=0.0, step_length=1.0):
    bar = Bar(np.array([mid]), np.array([spread]), step_length)
    price, state = impact.trade(state, np.array([shares], dtype=float), bar, side)
    return float(price[0]), state


@pytest.mark.parametrize("side", [1, -1])
def test_power_impact_by_hand(side):
    impact = PowerImpact(temporary=0.3, exponent=0.5, permanent=0.02, permanent_exponent=2.0)
    state = impact.start(np.zeros(1))
    price, state = trade(impact, state, 8.0, side, spread=0.5, step_length=0.5)  # a rate of 16 shares a day
    assert price == pytest.approx(100 + side * (0.25 + 0.3 * 4), rel=1e-15)
    assert state.displacement[0] == pytest.approx(
        0.5 * 0.02 * 16**2, rel=1e-15
    )  # 2.56, paid by later trades only
    price, state = trade(impact, state, 2.0, side, spread=0.5, step_length=0.5)  # 4 shares a day
    assert price == pytest.approx(100 + side * (2.56 + 0.25 + 0.3 * 2), rel=1e-15)
    assert state.displacement[0] == pytest.approx(2.56 + 0.5 * 0.02 * 4**2, rel=1e-15)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("decay", "left"), [(ExponentialDecay(2.0), math.exp(-0.5)), (PowerLawDecay(0.25, 0.5), 2**-0.5)]
)
def test_transient_impact_by_hand(side, decay, left):
    impact = TransientImpact(0.1, decay, exponent=0.5)
    state = impact.start(np.zeros(1))
    price, state = trade(impact, state, 9.0, side, spread=0.2, step_length=0.25)
    assert price == pytest.approx(
        100 + side * (0.1 + 0.1 * 3 / 1.5), rel=1e-15
    )  # the mean of 0.1 √u over u ≤ 9
    assert state.displacement[0] == pytest.approx(0.3 * left, rel=1e-15)
    price, state = trade(impact, state, 4.0, side, spread=0.2, step_length=0.25)
    assert price == pytest.approx(100 + side * (0.3 * left + 0.1 + 0.1 * 2 / 1.5), rel=1e-15)
    assert state.displacement[0] == pytest.approx(0.3 * decay(0.5) + 0.2 * left, rel=1e-15)


def test_a_block_under_transient_impact_costs_the_area_under_its_own_impulse():
    impact = TransientImpact(0.2, ExponentialDecay(1.0), exponent=0.7)
    price, _ = trade(impact, impact.start(np.zeros(1)), 50.0, 1)
    u = (np.arange(1_000_000) + 0.5) * (50.0 / 1_000_000)
    assert price - 100.0 == pytest.approx((0.2 * u**0.7).mean(), rel=1e-8)


DECAYS = [ExponentialDecay(5.0), ExponentialDecay(0.0), PowerLawDecay(0.1, 0.5), PowerLawDecay(2.0, 3.0)]


@pytest.mark.parametrize("exponent", [1.0, 0.5])
@pytest.mark.parametrize("decay", DECAYS, ids=str)
@pytest.mark.parametrize("side", ["sell", "buy"])
def test_transient_displacement_is_the_sum_over_the_history_on_every_path(side, decay, exponent):
    """D_k = Σ_{j<k} κ n_j^δ G(t_k − t_j): by recursion for an exponential, from the history for others."""
    order = Order(side, 1e4, 2.0, 6)
    impact = TransientImpact(3e-3, decay, exponent)
    execution = execute(
        Schedule((1, 4, 0, 2, 2, 3)), Scenario(order, Bachelier(50.0, 1.0), impact).sample(20, seed=1)
    )
    tau = order.step_length
    impulses = 3e-3 * execution.shares**exponent
    for k in range(7):
        expected = sum((decay((k - j) * tau) * impulses[j] for j in range(k)), np.zeros(20))
        np.testing.assert_allclose(execution.displacement[k], expected, rtol=1e-12)
    against = order.sign * (execution.price - execution.problem.paths.mid[:-1])
    expected = execution.displacement[:-1] + impulses / (1 + exponent)
    np.testing.assert_allclose(against, expected, rtol=0, atol=1e-12 * 50)


def test_recursion_and_history_are_one_kernel_in_the_limit():
    """(1 + ρt/γ)^(−γ) → e^(−ρt): the branch with a history tends to the branch without, at rate 1/γ."""
    order, rate = Order("buy", 1e4, 1.0, 8), 3.0
    errors = []
    for gamma in (1e4, 1e5):
        displacements = [
            execute(
                TWAP(), Scenario(order, Bachelier(50.0, 1.0), TransientImpact(1e-3, decay)).sample(3, seed=2)
            ).displacement[1:]
            for decay in (ExponentialDecay(rate), PowerLawDecay(gamma / rate, gamma))
        ]
        errors.append(np.abs(displacements[1] / displacements[0] - 1).max())
    assert errors[1] < 1e-4
    assert errors[0] / errors[1] == pytest.approx(10, rel=1e-3)


def test_permanent_impact_is_exponential_decay_that_never_happens():
    order, market = Order("sell", 1e4, 1.0, 5), Bachelier(50.0, 1.0)
    lasting = execute(
        TWAP(), Scenario(order, market, TransientImpact(2e-6, ExponentialDecay(0.0))).sample(9, seed=3)
    )
    # κ/2 of the own impulse is the temporary ε ν of a PowerImpact, ε = κτ/2
    power = execute(
        TWAP(), Scenario(order, market, PowerImpact(2e-6 * 0.2 / 2, permanent=2e-6)).sample(9, seed=3)
    )
    np.testing.assert_allclose(lasting.price, power.price, rtol=1e-15)
    np.testing.assert_allclose(lasting.displacement, power.displacement, rtol=1e-14)


def round_trip_cost(impact, bought, sold):
    """Cost of buying `bought` [step] and then selling `sold` [step] at a mid that never moves by itself."""
    state, cost = impact.start(np.zeros(1)), 0.0
    for shares in bought:
        price, state = trade(impact, state, shares, 1)
        cost += shares * price
    state = type(state)(-state.displacement)  # what is against a buyer is for a seller
    for shares in sold:
        price, state = trade(impact, state, shares, -1)
        cost -= shares * price
    return cost


def test_only_linear_permanent_impact_forbids_profitable_round_trips():
    """Huberman and Stanzl (2004): a concave law lets one buy slowly, sell at once and gain."""
    slowly, at_once = [1.0] * 100, [100.0]
    rng = np.random.default_rng(4)
    trips = [(slowly, at_once), (at_once, slowly)]
    trips += [
        (100 * bought / bought.sum(), 100 * sold / sold.sum())
        for bought, sold in rng.exponential(size=(9, 2, 12))
    ]
    for bought, sold in trips:
        # at the edge, η = γτ/2, every round trip is free; above it each costs Σ (η/τ − γ/2) n²
        edge = PowerImpact(temporary=0.005, permanent=0.01)
        assert round_trip_cost(edge, bought, sold) == pytest.approx(0.0, abs=1e-9)
        cost = 0.001 * (np.square(bought).sum() + np.square(sold).sum())
        above = PowerImpact(temporary=0.006, permanent=0.01)
        assert round_trip_cost(above, bought, sold) == pytest.approx(cost, abs=1e-9)
    # γν^½ = 0.1 a step: buys at 0, 0.1, … 9.9 above and sells at 10, each with the temporary 0.005 ν besides
    concave = PowerImpact(temporary=0.005, permanent=0.1, permanent_exponent=0.5)
    assert round_trip_cost(concave, slowly, at_once) == pytest.approx(495 + 0.5 - (1000 - 50), rel=1e-12)


@pytest.mark.parametrize("exponent", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("family", ["power", "transient"])
def test_no_trade_leaves_no_trace(family, exponent):
    impact = {
        "power": PowerImpact(0.1, exponent, 0.1, exponent),
        "transient": TransientImpact(0.1, PowerLawDecay(1.0, 1.0), exponent),
    }[family]
    price, state = trade(impact, impact.start(np.zeros(1)), 0.0, -1, spread=0.4)
    assert price == 100 - 0.2
    assert state.displacement[0] == 0.0


def test_almgren_2005_units():
    """Twice the price, twice the cost per share; the coefficients as printed."""
    impact = PowerImpact.almgren_2005(price=50.0, volatility=0.02, daily_volume=1e6, shares_outstanding=1.6e7)
    assert impact.permanent * 1e5 == pytest.approx(0.314 * 0.02 * 0.1 * 2 * 50, rel=1e-14)  # (16)^¼ = 2
    assert impact.temporary * (1e6) ** 0.6 == pytest.approx(
        0.142 * 0.02 * 50, rel=1e-14
    )  # at the market's own rate
    assert (impact.exponent, impact.permanent_exponent) == (0.6, 1.0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: PowerImpact(-1e-6), "`temporary` must be at least 0, got -1e-06"),
        (lambda: PowerImpact(math.nan), "`temporary` must be at least 0, got nan"),
        (lambda: PowerImpact(1, exponent=0), "`exponent` must be greater than 0, got 0"),
        (lambda: PowerImpact(1, permanent=-1), "`permanent` must be at least 0, got -1"),
        (
            lambda: PowerImpact(1, permanent_exponent=0.0),
            "`permanent_exponent` must be greater than 0, got 0.0",
        ),
        (lambda: TransientImpact(-1, ExponentialDecay(1)), "`coefficient` must be at least 0, got -1"),
        (lambda: TransientImpact(1, ExponentialDecay(1), 0), "`exponent` must be greater than 0, got 0"),
        (lambda: TransientImpact(1, 2.0), "`decay` must be an ExponentialDecay or a PowerLawDecay, got 2.0"),
        (lambda: ExponentialDecay(-0.1), "`rate` must be at least 0, got -0.1"),
        (lambda: PowerLawDecay(0, 1), "`time_scale` must be greater than 0, got 0"),
        (lambda: PowerLawDecay(1, -1), "`exponent` must be greater than 0, got -1"),
        (
            lambda: PowerImpact.almgren_2005(price=0, volatility=1, daily_volume=1, shares_outstanding=1),
            "`price` must be greater than 0, got 0",
        ),
        (
            lambda: PowerImpact.almgren_2005(price=1, volatility=1, daily_volume=1, shares_outstanding=True),
            "`shares_outstanding` must be greater than 0, got True",
        ),
    ],
)
def test_bad_parameters_are_refused_by_name(make, sentence, refused):
    with refused(sentence):
        make()
