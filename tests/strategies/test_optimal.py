"""The dynamic programme against optima known in closed form, against simulation, and against itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from flowexec import (
    GBM,
    TWAP,
    AlmgrenChriss,
    Bachelier,
    CarteaJaimungal,
    ExponentialDecay,
    Grid,
    Heston,
    OptimalControl,
    Order,
    OrnsteinUhlenbeck,
    PowerImpact,
    Scenario,
    SignalBachelier,
    TransientImpact,
    WithSignal,
    compare,
    evaluate,
    execute,
    shortfall,
    solve_optimal,
    solve_riccati,
    static_optimum,
)
from flowexec.execution.presets import book_scenario

#: Almgren and Chriss (2000), whose cost is known to the cent
CHRISS = Scenario(
    Order("sell", 1e6, 5.0, 5),
    Bachelier(50.0, 0.95, spread=0.125),
    PowerImpact(2.5e-6, 1.0, 2.5e-7),
    risk_aversion=1e-6,
)
HIGH = book_scenario("HH", n_steps=20)
SIGNAL = Scenario(
    Order("buy", 1e5, 1.0, 20),
    SignalBachelier(50.0, 0.5, OrnsteinUhlenbeck(reversion=4.0, volatility=0.1)),
    PowerImpact(2e-6),
    risk_aversion=2e-6,
)


# Truth ------------------------------------------------------------------------------------------------------


def test_almgren_and_chriss() -> None:
    """Issued as 0.05 % in cost and 0.5 % of X in inventory; it is 10⁻⁶ and 10⁻⁴."""
    control = solve_optimal(CHRISS)
    assert control.value == pytest.approx(1_275_356, rel=2e-6)
    assert control.error < 1e-5 * control.value
    plan = AlmgrenChriss(1e-6).plan(CHRISS.order, volatility=0.95, impact=CHRISS.impact, spread=0.125)
    done = execute(control, CHRISS.sample(1, seed=1))
    assert np.abs(done.inventory[:, 0] - plan.inventory).max() < 1e-4 * CHRISS.order.shares


@pytest.mark.parametrize(
    ("exponent", "permanent"), [(0.3, 0.0), (0.6, 0.0), (0.6, 3e-8), (1.0, 3e-8), (2.0, 0.0)]
)
@pytest.mark.parametrize("risk_aversion", [0.0, 3e-6, 1e-4])
def test_static_optimum_of_a_constant_variance(
    exponent: float, permanent: float, risk_aversion: float
) -> None:
    scenario = Scenario(
        Order("buy", 1e5, 1.0, 13, fee_per_share=0.002, fixed_fee=10.0),
        GBM(50.0, 0.02, spread=0.02),
        PowerImpact(2e-6 * 1e5 ** (1 - exponent), exponent, permanent),
        risk_aversion,
    )
    plan = static_optimum(scenario)
    control = solve_optimal(scenario)
    sunk = control.sunk
    assert control.value - sunk == pytest.approx(plan.objective - sunk, rel=2e-6)
    done = execute(control, scenario.sample(2, seed=1))
    assert np.abs(done.inventory[:, 0] - plan.inventory).max() < 5e-4 * scenario.order.shares


def test_static_optimum_when_the_variance_hardly_moves() -> None:
    """ξ → 0, but v₀ ≠ θ: the variance runs down its mean, known to both."""
    market = replace(HIGH.market, v0=4 * HIGH.market.theta)
    for xi, tolerance in ((0.1, 1e-3), (0.01, 1e-5)):
        scenario = replace(HIGH, market=replace(market, xi=xi * market.theta**0.5))
        control = solve_optimal(scenario)
        assert control.value == pytest.approx(static_optimum(scenario).objective, rel=tolerance)


def test_cartea_and_jaimungal() -> None:
    """Where the closed form never wants to trade backwards it is the optimum: to 0.2 % as issued, to 10⁻⁵."""
    closed = CarteaJaimungal(SIGNAL.risk_aversion, signal=SIGNAL.market.signal)
    value = closed.value(SIGNAL.order, volatility=0.5, impact=SIGNAL.impact)
    control = solve_optimal(SIGNAL)
    assert control.value == pytest.approx(value, rel=1e-4)
    pair = compare({"closed": closed, "solved": control}, SIGNAL, 20_000, baseline="closed", seed=3)["solved"]
    assert abs(pair.difference.value) < 1e-3  # bps, of a cost of some 25


@pytest.mark.parametrize("regime", ["HH", "LL"])
def test_riccati_solution_under_linear_impact(regime: str) -> None:
    """Issued as 0.1 %; two methods that share nothing agree to seven digits, and so do their trades."""
    base = book_scenario(regime, n_steps=20)
    scenario = replace(base, impact=PowerImpact(2e-7, 1.0, 2e-9))
    riccati, control = solve_riccati(scenario), solve_optimal(scenario)
    assert control.value == pytest.approx(riccati.value, rel=1e-7)
    variance = np.array([0.3, 1.0, 3.0]) * scenario.market.theta
    for step in (0, 7, 18):
        ours = control.trade_at(step, 0.6 * scenario.order.shares, variance) / (0.6 * scenario.order.shares)
        assert ours == pytest.approx(riccati.fraction_at(step, variance), abs=5e-4)


def test_simulated_cost_is_the_value() -> None:
    """On 10⁶ paths within 3 standard errors, for a variance to watch and for a signal."""
    control = solve_optimal(HIGH)
    found = evaluate(control, HIGH, 1_000_000, seed=20).controlled_objective
    assert found.standard_error < 1e-4 * control.value
    assert abs(found.value - control.value) < 3 * found.standard_error
    control = solve_optimal(SIGNAL)
    found = evaluate(control, SIGNAL, 200_000, seed=21).objective
    assert abs(found.value - control.value) < 3 * found.standard_error


def test_halving_the_cells_shrinks_the_error_sixteenfold() -> None:
    """Fourth order along either axis, where the optimum trades in every step."""

    def values(*grids: Grid) -> np.ndarray:
        return np.array([solve_optimal(HIGH, grid=grid).value for grid in grids])

    for found in (
        values(*(Grid(m, 61) for m in (31, 61, 121, 481))),
        values(*(Grid(121, j) for j in (17, 33, 65, 161))),
    ):
        errors = np.abs(found[:-1] - found[-1])
        assert np.log2(errors[:-1] / errors[1:]) == pytest.approx([4.0, 4.0], abs=0.8)


@pytest.mark.parametrize("volatility", [0.1, 2.0])
def test_the_error_holds_the_truth(volatility: float) -> None:
    """Also with a signal so strong that the optimum waits."""
    market = replace(SIGNAL.market, signal=OrnsteinUhlenbeck(4.0, volatility))
    for scenario in (HIGH, replace(SIGNAL, market=market)):
        exact = solve_optimal(scenario, grid=Grid(481, 121, 161)).value
        for grid in (Grid(61, 31, 21), Grid(121, 61, 41), Grid(241, 61, 81)):
            control = solve_optimal(scenario, grid=grid)
            assert abs(control.value - exact) < control.error < 1e-3 * control.value


@pytest.mark.parametrize(("exponent", "risk_aversion"), [(1.0, 1e-3), (0.6, 1e-4), (0.2, 2e-5)])
def test_the_error_holds_the_truth_where_permanent_impact_forgives_most(
    exponent: float, risk_aversion: float
) -> None:
    """A hundredth below the limit of convexity, in a hurry: a step may take nearly all at nearly no cost."""
    order, temporary = Order("sell", 1e5, 1.0, 10), 1e-3 * 1e5 ** (0.6 - exponent)
    limit = exponent * (1 + exponent) * temporary * order.step_length**-exponent * 1e5 ** (exponent - 1)
    impact = PowerImpact(temporary, exponent, 0.99 * limit)
    scenario = Scenario(order, GBM(100.0, 0.0158), impact, risk_aversion)
    control, plan = solve_optimal(scenario), static_optimum(scenario)
    assert abs(control.value - plan.objective) < control.error < 1e-4 * plan.objective


# Laws -------------------------------------------------------------------------------------------------------


def test_without_risk_or_signal_it_is_twap() -> None:
    scenario = replace(HIGH, risk_aversion=0.0)
    problem = scenario.sample(100, seed=1)
    ours, twap = execute(solve_optimal(scenario), problem), execute(TWAP(), problem)
    assert ours.inventory == pytest.approx(twap.inventory, abs=2e-5 * scenario.order.shares)


def test_it_hurries_when_the_variance_is_high_and_never_trades_back() -> None:
    control = solve_optimal(HIGH)
    theta, shares = HIGH.market.theta, HIGH.order.shares
    trades = control.trade_at(3, 0.5 * shares, np.array([0.1, 0.5, 1.0, 2.0, 5.0]) * theta)
    assert np.all(np.diff(trades) > 0)
    assert trades[0] > 0
    assert trades[-1] < 0.5 * shares
    assert control.trade_at(19, np.array([1.0, shares]), theta) == pytest.approx([1.0, shares])


def test_buying_mirrors_selling_and_the_sign_of_the_signal() -> None:
    up = replace(SIGNAL, market=replace(SIGNAL.market, signal=OrnsteinUhlenbeck(4.0, 1.0, 0.2)))
    down = replace(
        up,
        order=replace(up.order, side="sell"),
        market=replace(up.market, signal=replace(up.market.signal, initial=-0.2)),
    )
    buy, sell = solve_optimal(up), solve_optimal(down)
    assert buy.value == pytest.approx(sell.value, rel=1e-9)
    assert buy.trade_at(5, 4e4, signal=0.3) == pytest.approx(sell.trade_at(5, 4e4, signal=-0.3), rel=1e-6)
    # a price about to rise makes a buyer hurry
    assert buy.trade_at(5, 4e4, signal=0.3) > buy.trade_at(5, 4e4, signal=-0.3)


def test_a_signal_strong_enough_makes_it_wait_and_then_take_all() -> None:
    scenario = replace(SIGNAL, market=replace(SIGNAL.market, signal=OrnsteinUhlenbeck(4.0, 5.0)))
    control = solve_optimal(scenario)
    edge = control.signal[-1]
    assert control.trade_at(2, 5e4, signal=-edge) == 0.0
    assert control.trade_at(2, 1e3, signal=edge) == pytest.approx(1e3)


def test_a_drift_that_does_not_depend_on_the_price() -> None:
    """A constant drift against the order adds s·μτ Σ x_{k+1}, and the schedule leans against it."""
    scenario = replace(CHRISS, market=replace(CHRISS.market, drift=-0.2))
    control = solve_optimal(scenario)
    done = execute(control, scenario.sample(1, seed=1))
    inventory = done.inventory[1:, 0]
    cost = shortfall(done)
    expected = (cost.total - cost.martingale)[0] + 0.2 * inventory.sum() + 1e-6 * done.risk[0]
    assert control.value == pytest.approx(expected, rel=1e-6)
    assert done.shares[0, 0] > execute(solve_optimal(CHRISS), CHRISS.sample(1, seed=1)).shares[0, 0]


def test_nobody_in_the_league_is_better() -> None:
    control, plan = solve_optimal(HIGH), static_optimum(HIGH)
    strategies = {"optimum": control, "static": plan.strategy, "chriss": AlmgrenChriss(HIGH.risk_aversion)}
    for name in ("static", "chriss"):
        costs = {n: evaluate(s, HIGH, 20_000, seed=2).controlled_objective for n, s in strategies.items()}
        assert costs["optimum"].value < costs[name].value
    assert control.value + 10 * control.error < plan.objective


def test_an_impact_that_hardly_depends_on_the_size() -> None:
    """β → 0: marginal costs fall so slowly that the trade they ask for may be any power of ten."""
    market = Heston(100.0, 2.5e-4, 5.0, 2.5e-4, 0.0158, -0.5)
    scenario = Scenario(
        Order("sell", 1e5, 1.0, 10),
        WithSignal(market, OrnsteinUhlenbeck(5.0, 5.0)),
        PowerImpact(1e-3 * 1e5**0.55, 0.05),
        risk_aversion=1e-4,
    )
    control, plan = solve_optimal(scenario, grid=Grid(61, 31, 21)), static_optimum(scenario)
    assert 0.99 * plan.objective < control.value < plan.objective - control.error
    assert control.error < 1e-3 * control.value


def test_a_variance_and_a_signal_together() -> None:
    market = WithSignal(HIGH.market, OrnsteinUhlenbeck(5.0, 2.0))
    both = solve_optimal(replace(HIGH, market=market), grid=Grid(61, 31, 21))
    assert both.kept.shape == (20, 61, 31, 21)
    assert both.value < solve_optimal(HIGH).value
    # a signal too weak to matter leaves the value that the variance alone gives
    faint = replace(HIGH, market=WithSignal(HIGH.market, OrnsteinUhlenbeck(5.0, 1e-4)))
    small = Grid(61, 31, 11)
    assert solve_optimal(faint, grid=small).value == pytest.approx(
        solve_optimal(HIGH, grid=small).value, rel=1e-6
    )


def test_value_of_the_first_state_is_the_value() -> None:
    """In one, two and three states, none of them on a node."""
    signal = OrnsteinUhlenbeck(5.0, 2.0, 0.3)
    for scenario, state in (
        (CHRISS, ()),
        (replace(SIGNAL, market=replace(SIGNAL.market, signal=signal)), (0.0, 0.3)),
        (HIGH, (HIGH.market.v0,)),
        (replace(HIGH, market=WithSignal(HIGH.market, signal)), (HIGH.market.v0, 0.3)),
    ):
        control = solve_optimal(scenario, grid=Grid(61, 31, 21))
        assert float(control.value_at(0, scenario.order.shares, *state)) == pytest.approx(
            control.value, rel=1e-5
        )
    held = control.inventory[[0, 30, 60]]
    table = control.value_at(7, held, control.variance[4], control.signal[:, None])
    assert table.shape == (21, 3)
    fixed = replace(CHRISS, order=replace(CHRISS.order, fixed_fee=1e4, fee_per_share=0.5))
    paid = [solve_optimal(s, grid=Grid(61)).value_at(k, 4e5) for s in (fixed, CHRISS) for k in (0, 1)]
    # the fixed fee was paid with the first share
    assert [paid[0] - paid[2], paid[1] - paid[3]] == pytest.approx([1e4 + 2e5, 2e5])
    assert table[:, 1] - table[9, 1] == pytest.approx(
        control.cost_to_go[7, 30, 4] - control.cost_to_go[7, 30, 4, 9], abs=1e-9 * control.value
    )


def test_value_of_a_later_state_is_what_is_still_to_come() -> None:
    """Bellman's equation at a point between the nodes, the expectation by simulation."""
    control, step, held, v = solve_optimal(HIGH), 7, 0.37 * HIGH.order.shares, 1.7 * HIGH.market.theta
    order, impact = HIGH.order, HIGH.impact
    n = float(control.trade_at(step, held, v))
    tau, y = order.step_length, held - n
    displacement = impact.permanent * (order.shares - held)
    now = n * (displacement + 0.5 * HIGH.market.spread + impact.temporary * (n / tau) ** impact.exponent)
    risk = HIGH.risk_aversion * HIGH.market.price**2 * v * tau * y**2
    ahead = replace(HIGH.market, v0=v).simulate(200_000, 1, tau, seed=5).variance[1]
    later = control.value_at(step + 1, np.full(ahead.size, y), ahead)
    error = later.std() / later.size**0.5
    assert abs(now + risk + later.mean() - control.value_at(step, held, v)) < 3 * error


# Bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"impact": PowerImpact(2.5e-6, 1.0, 6e-6)},
            r"`impact.permanent` must be less than 5e-06 .*η > γτ/2.*got 6e-06",
        ),
        (
            {"impact": PowerImpact(2.5e-6, 1.0, 5e-6)},  # no cost is left of any trade
            r"`impact.permanent` must be less than 5e-06 .*η > γτ/2.*got 5e-06",
        ),
        (
            {"impact": PowerImpact(2.5e-6, 1.5, 1e-12)},
            r"`impact.permanent` must be at most 0 for a convex problem",
        ),
        (
            {"impact": PowerImpact(1e-3, 0.5, 1.0)},
            r"`impact.permanent` must be at most .* for a convex problem",
        ),
        ({"impact": PowerImpact(1e-6, 1.0, 1e-9, 0.5)}, r"`impact.permanent_exponent` must be 1, got 0.5"),
        ({"impact": PowerImpact(0.0)}, r"`impact.temporary` must be greater than 0, got 0"),
        (
            {"impact": TransientImpact(1e-6, ExponentialDecay(1.0))},
            r"`impact` must be a PowerImpact, got Transient",
        ),
        ({"market": GBM(50.0, 0.02, drift=0.01)}, r"`market.drift` must be 0 for a GBM, got 0.01"),
        ({"order": Order("sell", 1e6, 5.0, 5, complete=False)}, r"`order.complete` must be True"),
        ({"information": "estimated"}, r"`information` must be 'model', got 'estimated'"),
    ],
)
def test_what_is_not_markov_or_not_convex_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        solve_optimal(replace(CHRISS, **change))


def test_other_refusals() -> None:
    with pytest.raises(ValueError, match="`scenario` must be a Scenario"):
        solve_optimal(CHRISS.market)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`risk_aversion` must be at least 0, got -1"):
        replace(CHRISS, risk_aversion=-1)
    for name in ("inventory", "variance", "signal"):
        with pytest.raises(ValueError, match=f"`{name}` must be a whole number, at least 9, got 8"):
            Grid(**{name: 8})
    with pytest.raises(ValueError, match="`max_variance` must be greater than 0"):
        Grid(max_variance=0.0)
    with pytest.raises(
        ValueError, match=r"`grid.max_variance` must be at least 0\.00\d+, which the variance"
    ):
        solve_optimal(HIGH, grid=Grid(max_variance=HIGH.market.theta))
    control = solve_optimal(CHRISS)
    with pytest.raises(ValueError, match="`order` must be the one the control was made for"):
        execute(control, replace(CHRISS, order=Order("sell", 1e6, 5.0, 10)).sample(2, seed=1))
    watching = solve_optimal(SIGNAL)
    blind = replace(SIGNAL, market=Bachelier(50.0, 0.5))
    with pytest.raises(ValueError, match="`signal` must be given for a market with a signal"):
        execute(watching, blind.sample(2, seed=1))
    assert isinstance(watching, OptimalControl)


def test_a_risk_too_large_for_the_grid_is_refused() -> None:
    """Where all is sold at once but for a crumb far below the first node; it is solved while it can be."""
    at_once = CHRISS.impact.temporary * CHRISS.order.shares**2
    for risk_aversion in (1e-4, 1e-3):
        control = solve_optimal(replace(CHRISS, risk_aversion=risk_aversion))
        plan = static_optimum(replace(CHRISS, risk_aversion=risk_aversion))
        assert abs(control.value - plan.objective) < control.error < 0.05 * at_once
    with pytest.raises(ValueError, match=r"`grid` must be finer for a risk .* on Grid\(inventory=121"):
        solve_optimal(replace(CHRISS, risk_aversion=1e9))


@pytest.mark.parametrize("ask", [OptimalControl.trade_at, OptimalControl.value_at])
def test_states_that_do_not_exist_are_refused(ask: Callable[..., np.ndarray]) -> None:
    control = solve_optimal(HIGH, grid=Grid(31, 17))
    shares, v = HIGH.order.shares, HIGH.market.v0
    for arguments, message in (
        ((20, shares, v), "`step` must be less than the order's 20 steps, got 20"),
        ((-1, shares, v), "`step` must be a whole number, at least 0, got -1"),
        ((0, [1.0, -1.0], v), "`inventory` must be at least 0, got -1"),
        ((0, float("nan"), v), "`inventory` must be at least 0, got nan"),
        ((0, shares, [-v, v]), "`variance` must be at least 0, got -"),
    ):
        with pytest.raises(ValueError, match=message):
            ask(control, *arguments)
    with pytest.raises(ValueError, match=r"`inventory` must be at most the order's 656100, got 656101"):
        control.value_at(0, shares + 1, v)
