"""Closed forms that the engine must hit: published numbers, and identities that hold on every single path.

Independent of `flowexec.analytics`: costs are summed here from the fills, martingales from the raw mids.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import minimize

from flowexec import (
    GBM,
    POV,
    TWAP,
    VWAP,
    AlmgrenChriss,
    Bachelier,
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
    static_plan,
)

SIDES = ("sell", "buy")


def cost_of_fills(execution):
    """Implementation shortfall of a completed order without fees, [path], from its fills alone."""
    order, paths = execution.problem.order, execution.problem.paths
    paid = (execution.shares * execution.price).sum(axis=0)
    return order.sign * (paid - order.shares * paths.mid[0])


def martingale(execution):
    """± Σ x_{k+1} (S_{k+1} − S_k), [path], from the raw mids."""
    moves = np.diff(execution.problem.paths.mid, axis=0)
    return execution.problem.order.sign * (execution.inventory[1:] * moves).sum(axis=0)


# Almgren and Chriss (2000), section 3.4 -----------------------------------------------------------


def almgren_chriss_scenario(side="sell", risk_aversion=1e-6):
    return Scenario(
        Order(side, 1e6, 5.0, 5),
        Bachelier(50.0, 0.95, spread=2 * 0.0625),
        PowerImpact(temporary=2.5e-6, permanent=2.5e-7),
        risk_aversion,
    )


ALMGREN_CHRISS_COSTS = [(AlmgrenChriss(1e-6), 911_226.99), (TWAP(), 662_500.00), (Immediate(), 2_562_500.00)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("strategy", "expected"), ALMGREN_CHRISS_COSTS)
def test_almgren_chriss_cost_on_every_path_to_the_cent(side, strategy, expected):
    execution = execute(strategy, almgren_chriss_scenario(side).sample(500, seed=1))
    cost = cost_of_fills(execution)
    assert cost.std() > 1e5 or isinstance(strategy, Immediate)  # there is noise to take away
    np.testing.assert_allclose(cost - martingale(execution), expected, atol=0.005, rtol=0)
    np.testing.assert_allclose(shortfall(execution).total, cost, rtol=0, atol=1e-6)


@pytest.mark.parametrize("strategy", [AlmgrenChriss(1e-6), TWAP(), AlmgrenChriss(1e-5)])
def test_variance_of_the_simulated_cost_is_the_closed_form(strategy):
    n_paths = 40_000
    scenario = almgren_chriss_scenario()
    execution = execute(strategy, scenario.sample(n_paths, seed=2))
    plan = static_plan(
        scenario.order, execution.shares[:, 0], volatility=0.95, impact=scenario.impact, spread=0.125
    )
    cost = cost_of_fills(execution)
    z_mean = (cost.mean() - plan.expected_cost) / (plan.sd / np.sqrt(n_paths))
    z_variance = (cost.var(ddof=1) / plan.variance - 1.0) / np.sqrt(
        2.0 / (n_paths - 1)
    )  # the cost is Gaussian
    assert abs(z_mean) < 3.5
    assert abs(z_variance) < 3.5
    np.testing.assert_allclose(execution.risk, plan.variance, rtol=1e-12)


def test_immediate_sale_has_no_variance():
    execution = execute(Immediate(), almgren_chriss_scenario().sample(100, seed=3))
    assert np.ptp(cost_of_fills(execution)) < 1e-6
    assert not execution.risk.any()


# any power-law impact, any schedule, any market ---------------------------------------------------

POWER_IMPACTS = [
    PowerImpact(2e-3, 0.3, 1e-7),
    PowerImpact(1e-3, 0.6, 2e-7),
    PowerImpact(2.5e-6, 1.0, 2.5e-7),
    PowerImpact(1e-8, 1.5, 3e-7),
    PowerImpact(1e-11, 2.0),
    PowerImpact(1e-3, 0.6, 1e-3, permanent_exponent=0.4),
    PowerImpact(1e-3, 0.6, 1e-11, permanent_exponent=1.7),
]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("impact", POWER_IMPACTS, ids=str)
def test_a_fixed_schedule_costs_its_closed_form_on_every_path(impact, side):
    order = Order(side, 3e5, 1.5, 7)
    market = GBM(40.0, 0.03, spread=0.02, volume=VolumeCurve.u_shape(dispersion=0.5))
    problem = Scenario(order, market, impact).sample(300, seed=4)
    for strategy in (TWAP(), VWAP(), Immediate(), Schedule((3, 0, 1, 4, 1, 5, 0))):
        execution = execute(strategy, problem)
        plan = static_plan(order, execution.shares[:, 0], volatility=0.0, impact=impact, spread=0.02)
        controlled = cost_of_fills(execution) - martingale(execution)
        np.testing.assert_allclose(controlled, plan.expected_cost, rtol=1e-9)


# Almgren, Thum, Hauptmann and Li (2005), section 4: the book's order ------------------------------

IBM_PRICE, IBM_SHARES = 82.0, 656_100.0
IBM = PowerImpact.almgren_2005(
    price=IBM_PRICE, volatility=0.0157, daily_volume=6.561e6, shares_outstanding=1.728e9
)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("horizon", "published"), [(0.1, 32.224), (0.2, 24.638), (0.5, 18.418)])
def test_ibm_trades_at_the_published_cost(side, horizon, published):
    n_steps = 26
    problem = Scenario(
        Order(side, IBM_SHARES, horizon, n_steps), Bachelier(IBM_PRICE, 0.0157 * IBM_PRICE), IBM
    )
    execution = execute(TWAP(), problem.sample(50, seed=5))
    bps = 1e4 / (IBM_SHARES * IBM_PRICE)
    permanent = execution.displacement[-1] / IBM_PRICE * 1e4
    np.testing.assert_allclose(permanent, 19.86, atol=0.005)
    # continuous trading pays half the permanent impact; N steps are spared what each does to itself
    continuous = (cost_of_fills(execution) - martingale(execution)) * bps + permanent / (2 * n_steps)
    np.testing.assert_allclose(continuous, published, atol=0.0005)


# Obizhaeva and Wang (2013) ------------------------------------------------------------------------


def obizhaeva_wang(shares, rate, horizon, n_intervals):
    """The discrete optimum of N + 1 trades: blocks at both ends, even trading between."""
    a = np.exp(-rate * horizon / n_intervals)
    first = shares / (2 + (n_intervals - 1) * (1 - a))
    return np.array([first, *[(1 - a) * first] * (n_intervals - 1), first])


RESILIENCE, SPAN, INTERVALS = 3.0, 1.0, 6
OW_ORDER = Order("buy", 1e5, SPAN * (INTERVALS + 1) / INTERVALS, INTERVALS + 1)  # trades at 0, T/N, …, T
OW_PROBLEM = Scenario(
    OW_ORDER, Bachelier(50.0, 1.0), TransientImpact(1e-5, ExponentialDecay(RESILIENCE))
).sample(2, seed=6)


def obizhaeva_wang_cost(trades):
    execution = execute(Schedule(tuple(trades)), OW_PROBLEM)
    return float((cost_of_fills(execution) - martingale(execution))[0])


def test_obizhaeva_wang_optimum_is_where_a_quadratic_programme_lands():
    optimum = obizhaeva_wang(1e5, RESILIENCE, SPAN, INTERVALS)
    found = minimize(
        lambda f: obizhaeva_wang_cost(np.append(f, 1 - f.sum())) / 1e4,
        np.full(INTERVALS, 1 / (INTERVALS + 1)),
        method="SLSQP",
        bounds=[(0, 1)] * INTERVALS,
        options={"ftol": 1e-15, "maxiter": 500},
    )
    np.testing.assert_allclose(found.x * 1e5, optimum[:-1], rtol=2e-4)
    # the value: all trades are done at the same marginal cost κ (1 + a)/2 · first
    a = np.exp(-RESILIENCE * SPAN / INTERVALS)
    assert obizhaeva_wang_cost(optimum) == pytest.approx(1e5 * 1e-5 * (1 + a) / 2 * optimum[0], rel=1e-12)


def test_leaving_the_obizhaeva_wang_optimum_costs_the_quadratic_form():
    optimum = obizhaeva_wang(1e5, RESILIENCE, SPAN, INTERVALS)
    kernel = np.exp(-RESILIENCE * SPAN / INTERVALS * np.abs(np.subtract.outer(range(7), range(7))))
    least = obizhaeva_wang_cost(optimum)
    rng = np.random.default_rng(7)
    for _ in range(20):
        shift = rng.standard_normal(INTERVALS + 1)
        shift *= 0.5 * optimum.min() / np.abs(shift - shift.mean()).max()
        shift -= shift.mean()
        extra = 0.5 * 1e-5 * shift @ kernel @ shift
        assert extra > 0
        assert obizhaeva_wang_cost(optimum + shift) - least == pytest.approx(extra, rel=1e-6)


# The zero-alpha theorem ---------------------------------------------------------------------------
# A martingale price, a strictly convex cost of the rate, linear permanent impact, no risk term: TWAP is best
# among all adapted strategies, and on every path nothing costs less once the martingale is taken away.


@dataclass(frozen=True)
class Opportunist:
    """Trades more when the price has moved in favour since arrival: adapted, and pointless."""

    strength: float

    def trade(self, observation):
        favour = -observation.order.sign * (observation.mid / observation.arrival_price - 1.0)
        even = observation.inventory / observation.steps_remaining
        return even * np.exp(np.clip(self.strength * favour, -3.0, 3.0))


@dataclass(frozen=True)
class Momentum:
    """Trades all at once when the last move was in favour, else waits."""

    def trade(self, observation):
        if observation.step == 0:
            return 0.0 * observation.inventory
        move = observation.order.sign * (observation.past_mid[-1] - observation.past_mid[-2])
        return observation.inventory * (move < 0)


@dataclass(frozen=True)
class Random:
    """Trades a random part of what is left."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(8))

    def trade(self, observation):
        return observation.inventory * self.rng.random(observation.inventory.shape) ** 2


@dataclass(frozen=True)
class Peeking:
    """Trades everything at the best price of the whole path: what no adapted strategy can do."""

    mid: np.ndarray

    def trade(self, observation):
        ahead = observation.order.sign * self.mid[observation.step : -1]
        return observation.inventory * (ahead[0] <= ahead.min(axis=0))


def zoo():
    return [
        Immediate(),
        VWAP(),
        POV(0.3),
        AlmgrenChriss(1e-6, temporary=1e-5, permanent=0.0),
        Schedule((0, 0, 5, 1, 0, 3, 2, 9)),
        Opportunist(30.0),
        Opportunist(-30.0),
        Momentum(),
        Random(),
    ]


ZERO_ALPHA_IMPACTS = [
    PowerImpact(1e-5, 0.6),
    PowerImpact(2e-3, 0.6, 1e-7),
    PowerImpact(1e-6, 1.0, 2e-6),
    PowerImpact(1e-12, 2.0),
]


def zero_alpha_problem(side, market, impact, n_paths=4000, seed=9):
    return Scenario(Order(side, 2e5, 1.0, 8), market, impact).sample(n_paths, seed=seed)


@pytest.mark.parametrize("impact", ZERO_ALPHA_IMPACTS, ids=str)
@pytest.mark.parametrize(
    ("side", "market"),
    [
        ("sell", Bachelier(50.0, 1.0, spread=0.01, volume=VolumeCurve.u_shape(dispersion=0.6))),
        ("buy", GBM(50.0, 0.03, spread=0.01)),
    ],
)
def test_zero_alpha_nothing_beats_twap(side, market, impact):
    problem = zero_alpha_problem(side, market, impact)
    even = execute(TWAP(), problem)
    least = cost_of_fills(even) - martingale(even)
    order = problem.order
    rate, n_steps = order.shares / order.horizon, order.n_steps
    closed_form = order.shares * (0.005 + impact.temporary * rate**impact.exponent)
    closed_form += 0.5 * impact.permanent * order.shares**2 * (1 - 1 / n_steps)
    np.testing.assert_allclose(least, closed_form, rtol=1e-9)
    for strategy in zoo():
        execution = execute(strategy, problem)
        cost = cost_of_fills(execution) - martingale(execution)
        assert (cost > least).all(), strategy  # path by path, with strict convexity
        luck = martingale(execution)
        z = luck.mean() / (luck.std(ddof=1) / np.sqrt(luck.size)) if luck.any() else 0.0
        assert abs(z) < 4, strategy  # an adapted strategy earns nothing from the price


@pytest.mark.parametrize("side", SIDES)
def test_a_strategy_that_peeks_is_caught(side):
    """The same measures on a strategy that sees the future: it does beat TWAP, by its martingale alone."""
    problem = zero_alpha_problem(side, Bachelier(50.0, 1.0), PowerImpact(1e-7))
    peeking, even = execute(Peeking(problem.paths.mid), problem), execute(TWAP(), problem)
    gain = cost_of_fills(even) - cost_of_fills(peeking)
    assert gain.mean() / (gain.std(ddof=1) / np.sqrt(gain.size)) > 20
    luck = martingale(peeking)
    assert luck.mean() / (luck.std(ddof=1) / np.sqrt(luck.size)) < -20


@pytest.mark.parametrize(
    "decay", [ExponentialDecay(4.0), PowerLawDecay(0.2, 0.7)], ids=["exponential", "power law"]
)
def test_zero_alpha_with_transient_impact(decay):
    """A positive definite kernel: the best static schedule is a bound for every strategy on every path."""
    problem = zero_alpha_problem("sell", Bachelier(50.0, 1.0), TransientImpact(2e-6, decay), n_paths=1000)
    n_steps, tau = problem.order.n_steps, problem.order.step_length
    ages = tau * np.abs(np.subtract.outer(range(n_steps), range(n_steps)))
    trades = np.linalg.solve(np.vectorize(decay)(ages), np.ones(n_steps))
    assert (trades > 0).all()
    best = execute(Schedule(tuple(trades)), problem)
    least = cost_of_fills(best) - martingale(best)
    for strategy in [TWAP(), *zoo()]:
        execution = execute(strategy, problem)
        assert (cost_of_fills(execution) - martingale(execution) > least).all(), strategy
