"""What must hold for every strategy, impact, side and market: tried on problems drawn at random."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowexec import (
    POV,
    TWAP,
    VWAP,
    AlmgrenChriss,
    ExecutionProblem,
    ExponentialDecay,
    Immediate,
    MarketPaths,
    Order,
    PowerImpact,
    PowerLawDecay,
    Schedule,
    TransientImpact,
    VolumeCurve,
    execute,
    shortfall,
)
from flowexec.analytics.shortfall import COMPONENTS

N_PATHS = 5


@dataclass(frozen=True)
class UsesEverything:
    """A chaotic function of all that is observed: a change of any of it changes the trade."""

    def trade(self, observation):
        o = observation
        # row by row: numpy's own sums depend on the layout in memory
        known = o.inventory + sum(o.past_mid) + sum(o.past_variance) + sum(o.past_volume) + o.spread
        known = known + o.displacement + o.signal + sum(o.depth.reshape(len(known), -1).T)
        return o.inventory * np.abs(np.sin(1e3 * known)) ** 4


@dataclass(frozen=True)
class Reacts:
    """Trades more when the price has moved in the order's favour, whichever side that is."""

    def trade(self, observation):
        favour = (
            -observation.order.sign
            * (observation.mid - observation.arrival_price)
            / observation.arrival_price
        )
        return observation.inventory / observation.steps_remaining * np.exp(20 * favour)


def strategies_for(n_steps):
    rng = np.random.default_rng(n_steps)
    return [
        Immediate(),
        TWAP(),
        VWAP(VolumeCurve.u_shape()),
        POV(0.2),
        Schedule((*rng.integers(0, 4, n_steps - 1), 1)),
        AlmgrenChriss(1e-6, temporary=3e-6, permanent=1e-7),
        Reacts(),
    ]


IMPACTS = [
    PowerImpact(1e-4, 0.6, 1e-7),
    PowerImpact(3e-6, 1.0, 2e-7),
    PowerImpact(1e-10, 1.8, 1e-5, permanent_exponent=0.5),
    TransientImpact(1e-6, ExponentialDecay(3.0)),
    TransientImpact(1e-4, PowerLawDecay(0.1, 0.6), 0.6),
]


@st.composite
def problems(draw, complete=None):
    """A small problem in a market of independent random bars, with signal and depth."""
    n_steps = draw(st.sampled_from([1, 2, 3, 5, 12]))  # numpy regroups sums of eight and more
    horizon = draw(st.sampled_from([0.1, 1.0, 5.0]))
    order = Order(
        draw(st.sampled_from(["sell", "buy"])),
        draw(st.sampled_from([1.0, 333.3, 1e5])),
        horizon,
        n_steps,
        complete=draw(st.booleans()) if complete is None else complete,
        fee_per_share=draw(st.sampled_from([0.0, 0.003])),
        fixed_fee=draw(st.sampled_from([0.0, 17.0])),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = (n_steps + 1, N_PATHS)
    mid = 40.0 * np.exp(0.05 * rng.standard_normal(rows).cumsum(axis=0))
    paths = MarketPaths(
        times=np.linspace(0.0, horizon, n_steps + 1),
        mid=mid,
        variance=rng.gamma(2.0, 2e-4, rows),
        volume=rng.gamma(1.0, 1e4, (n_steps, N_PATHS)),
        spread=rng.gamma(2.0, 0.01, (n_steps, N_PATHS)),
        signal=rng.standard_normal(rows),
        depth=rng.gamma(2.0, 100.0, (n_steps, N_PATHS, 2, 3, 2)),
    )
    information = draw(st.sampled_from(["model", "estimated"]))
    return ExecutionProblem(order, paths, draw(st.sampled_from(IMPACTS)), information)


def total_and_components(execution):
    cost = shortfall(execution)
    return {name: getattr(cost, name) for name in ("total", *COMPONENTS)}


def assert_same_costs(actual, expected, scale):
    """Equal up to rounding, which is that of the traded value, not of the small difference."""
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=1e-9, atol=1e-11 * scale, err_msg=name)


@given(problems())
def test_fills_sum_to_the_order_and_inventory_only_falls(problem):
    order = problem.order
    for strategy in [*strategies_for(order.n_steps), UsesEverything()]:
        execution = execute(strategy, problem)
        shares, inventory = execution.shares, execution.inventory
        assert (inventory[0] == order.shares).all()
        assert (inventory >= 0).all()
        assert (shares >= 0).all()
        assert (np.diff(inventory, axis=0) <= 0).all()
        np.testing.assert_allclose(inventory[:-1] - inventory[1:], shares, rtol=0, atol=1e-12 * order.shares)
        np.testing.assert_allclose(shares.sum(axis=0) + inventory[-1], order.shares, rtol=1e-14)
        if order.complete:
            assert (inventory[-1] == 0).all()
        assert np.isfinite(execution.price).all()
        assert (execution.displacement >= 0).all()


@given(problems(complete=False))
def test_only_a_complete_order_is_forced_to_the_end(problem):
    free = execute(POV(0.2), problem)
    forced = execute(POV(0.2), replace(problem, order=replace(problem.order, complete=True)))
    np.testing.assert_array_equal(free.shares[:-1], forced.shares[:-1])
    np.testing.assert_array_equal(forced.shares[-1], free.inventory[-2])


@given(problems())
def test_buying_is_selling_in_the_mirror(problem):
    """Reflect the price in its arrival level and swap the side: nothing else changes."""
    order, paths = problem.order, problem.paths
    other = replace(order, side="sell" if order.side == "buy" else "buy")
    # only the model's variance: an estimate from returns is not symmetric under reflection
    problem = replace(problem, information="model")
    mirrored = replace(problem, order=other, paths=replace(paths, mid=2 * paths.mid[0] - paths.mid))
    for strategy in strategies_for(order.n_steps):
        one, two = execute(strategy, problem), execute(strategy, mirrored)
        np.testing.assert_allclose(two.shares, one.shares, rtol=1e-12, atol=1e-12 * order.shares)
        np.testing.assert_allclose(one.price + two.price, 2 * paths.mid[0] + 0 * one.price, rtol=1e-12)
        assert_same_costs(total_and_components(two), total_and_components(one), order.shares * 40)
        np.testing.assert_allclose(
            shortfall(two).martingale, shortfall(one).martingale, atol=1e-9 * order.shares
        )


def rescaled(impact, *, shares=1.0, price=1.0, time=1.0):
    """The impact where every share, currency unit and day counts `shares`, `price` and `time` times."""
    if isinstance(impact, TransientImpact):
        coefficient = impact.coefficient * price * shares**-impact.exponent
        decay = impact.decay
        if isinstance(decay, ExponentialDecay):
            decay = ExponentialDecay(decay.rate / time)
        else:
            decay = PowerLawDecay(decay.time_scale * time, decay.exponent)
        return TransientImpact(coefficient, decay, impact.exponent)
    rate = shares / time
    return PowerImpact(
        impact.temporary * price * rate**-impact.exponent,
        impact.exponent,
        impact.permanent * price / time * rate**-impact.permanent_exponent,
        impact.permanent_exponent,
    )


@given(
    problems(),
    st.sampled_from([(7.0, 1.0, 1.0), (1.0, 0.01, 1.0), (1.0, 1.0, 390.0), (0.5, 3.0, 0.1)]),
)
def test_units_of_shares_currency_and_time_do_not_matter(problem, units):
    shares, price, time = units
    order, paths = problem.order, problem.paths
    scaled = ExecutionProblem(
        replace(
            order,
            shares=order.shares * shares,
            horizon=order.horizon * time,
            fee_per_share=order.fee_per_share * price,
            fixed_fee=order.fixed_fee * price * shares,
        ),
        replace(
            paths,
            times=paths.times * time,
            mid=paths.mid * price,
            variance=paths.variance / time,
            volume=paths.volume * shares,
            spread=paths.spread * price,
        ),
        rescaled(problem.impact, shares=shares, price=price, time=time),
        problem.information,
    )
    eta, gamma = 3e-6, 1e-7
    pairs = [(strategy, strategy) for strategy in (Immediate(), TWAP(), POV(0.2), Reacts())]
    pairs += [(VWAP(), VWAP())] if time == 1 else []  # the volume curve knows how long a day is
    theirs = AlmgrenChriss(1e-6 / (price * shares), None, eta * price * time / shares, gamma * price / shares)
    pairs += [(AlmgrenChriss(1e-6, None, eta, gamma), theirs)]
    for here, there in pairs:
        one, two = execute(here, problem), execute(there, scaled)
        np.testing.assert_allclose(
            two.shares, one.shares * shares, rtol=1e-9, atol=1e-12 * scaled.order.shares
        )
        expected = {name: value * price * shares for name, value in total_and_components(one).items()}
        assert_same_costs(total_and_components(two), expected, order.shares * shares * 40 * price)
        np.testing.assert_allclose(two.risk, one.risk * (price * shares) ** 2, rtol=1e-9)
        bps_one, bps_two = shortfall(one).bps().total, shortfall(two).bps().total
        np.testing.assert_allclose(bps_two, bps_one, rtol=1e-9, atol=1e-7)


def actions_until(strategy, problem, last):
    """What is traded in steps 0 … last."""
    state, actions = problem.start(), []
    for _ in range(last + 1):
        wanted = strategy.trade(problem.observe(state))
        actions.append(wanted)
        state, _ = problem.step(state, wanted)
    return actions


@pytest.mark.parametrize("information", ["model", "estimated"])
@pytest.mark.parametrize("garbage", [np.nan, -7.0])
@given(problem=problems(), data=st.data())
def test_no_look_ahead(information, garbage, problem, data):
    """Whatever the future holds, the trades until now are the same, to the bit."""
    problem = replace(problem, information=information)
    order, paths = problem.order, problem.paths
    now = data.draw(st.integers(0, order.n_steps - 1))

    def spoil(array, first_unknown):
        array = np.array(array)
        array[first_unknown:] = garbage
        return array

    # at step `now` the bar's mid, variance, spread, signal and book are known, its volume is not
    future = {
        name: spoil(getattr(paths, name), now + 1)
        for name in ("mid", "variance", "spread", "signal", "depth")
    }
    spoilt = replace(problem, paths=replace(paths, **future, volume=spoil(paths.volume, now)))
    for strategy in [*strategies_for(order.n_steps), UsesEverything()]:
        for seen, blind in zip(
            actions_until(strategy, problem, now), actions_until(strategy, spoilt, now), strict=True
        ):
            assert np.isfinite(seen).all()
            np.testing.assert_array_equal(seen, blind)


@given(problems())
def test_the_look_ahead_test_can_fail(problem):
    """A strategy that reads one row too many is seen by its trades, or its observation, as spoilt."""
    paths = problem.paths
    mid = np.array(paths.mid)
    mid[1:] = np.nan
    spoilt = replace(problem, paths=replace(paths, mid=mid))

    @dataclass(frozen=True)
    class Cheats:
        mid: np.ndarray

        def trade(self, observation):
            return observation.inventory * (self.mid[observation.step + 1] > self.mid[observation.step])

    with np.errstate(invalid="ignore"):
        seen = actions_until(Cheats(paths.mid), problem, 0)[0]
        blind = actions_until(Cheats(spoilt.paths.mid), spoilt, 0)[0]
    rises = paths.mid[1] > paths.mid[0]
    np.testing.assert_array_equal(seen != blind, rises)


@given(problems())
def test_an_observation_ends_now_and_cannot_be_written_to(problem):
    state = problem.start()
    for k in range(problem.order.n_steps):
        seen = problem.observe(state)
        assert seen.past_mid.shape == seen.past_variance.shape == (k + 1, N_PATHS)
        assert seen.past_volume.shape == (k, N_PATHS)
        assert (
            seen.spread.shape
            == seen.signal.shape
            == seen.inventory.shape
            == seen.displacement.shape
            == (N_PATHS,)
        )
        assert seen.depth.shape == (N_PATHS, 2, 3, 2)
        for name in (
            "inventory",
            "past_mid",
            "past_variance",
            "past_volume",
            "spread",
            "displacement",
            "signal",
            "depth",
        ):
            with pytest.raises(ValueError, match="read-only"):
                getattr(seen, name)[...] = 0.0
        state, _ = problem.step(state, seen.inventory / 2)


@given(problems())
def test_paths_do_not_see_each_other(problem):
    """Any subset of the paths, in any order, trades and costs the same to the bit."""
    chosen = np.array([3, 0])
    part = replace(problem, paths=problem.paths.select(chosen))
    alone = replace(problem, paths=problem.paths.select(slice(4, 5)))
    for strategy in [*strategies_for(problem.order.n_steps), UsesEverything()]:
        whole = execute(strategy, problem)
        for fewer, index in ((part, chosen), (alone, [4])):
            execution = execute(strategy, fewer)
            np.testing.assert_array_equal(execution.shares, whole.shares[:, index])
            np.testing.assert_array_equal(execution.price, whole.price[:, index])
            np.testing.assert_array_equal(execution.risk, whole.risk[index])
            np.testing.assert_array_equal(shortfall(execution).total, shortfall(whole).total[index])
