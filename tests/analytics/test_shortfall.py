"""Implementation shortfall: the worked example, every component by hand, and the sum from the fills alone."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowexec import (
    GBM,
    POV,
    TWAP,
    Bachelier,
    ExecutionProblem,
    ExponentialDecay,
    MarketPaths,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    TransientImpact,
    VolumeCurve,
    execute,
    shortfall,
)
from flowexec.analytics.shortfall import COMPONENTS


@dataclass(frozen=True)
class Trades:
    """The given shares, step by step."""

    shares: tuple

    def trade(self, observation):
        return 0.0 * observation.inventory + self.shares[observation.step]


def market(mid, *, spread=0.0, volume=1e3):
    """One path through the given mids, a step a day."""
    mid = np.array(mid, dtype=float)[:, None]
    n_steps = len(mid) - 1
    volume = np.broadcast_to(np.reshape(np.asarray(volume, dtype=float), (-1, 1)), (n_steps, 1))
    return MarketPaths(
        times=np.arange(n_steps + 1.0),
        mid=mid,
        variance=np.full(mid.shape, 1e-4),
        volume=volume,
        spread=np.full((n_steps, 1), spread),
    )


def components(cost):
    return {name: float(getattr(cost, name)[0]) for name in COMPONENTS}


def test_the_worked_example_of_nineteen_basis_points():
    """Decided at 40.00, next close 40.04, 700 of 1,000 bought at 40.05, the rest cancelled at 40.08, fees 17.

    0.0425 explicit + 0.0175 trading + 0.07 delay + 0.06 opportunity = 0.19 % of the paper value of 40,000.
    """
    order = Order("buy", 1000, 2.0, 2, complete=False, fixed_fee=17.0)
    problem = ExecutionProblem(order, market([40.00, 40.04, 40.08], spread=0.02), PowerImpact(0.0))
    execution = execute(Trades((0, 700)), problem)
    assert execution.price[1, 0] == pytest.approx(40.05)
    percent = {name: value / 100 for name, value in components(shortfall(execution).bps()).items()}
    assert percent["fees"] == pytest.approx(0.0425)
    assert percent["spread"] + percent["temporary"] + percent["permanent"] == pytest.approx(0.0175)  # trading
    assert percent["timing"] == pytest.approx(0.07)  # delay
    assert percent["opportunity"] == pytest.approx(0.06)
    assert shortfall(execution).bps().total[0] / 100 == pytest.approx(0.19)
    assert shortfall(execution).total[0] == pytest.approx(76.0)


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_every_component_by_hand(side, sign):
    order = Order(side, 100, 3.0, 3, complete=False, fee_per_share=0.1, fixed_fee=7.0)
    impact = PowerImpact(temporary=0.01, permanent=0.002)
    problem = ExecutionProblem(order, market([50, 51, 48, 53], spread=0.04), impact)
    cost = shortfall(execute(Trades((20, 50, 10)), problem))
    expected = {
        "spread": 80 * 0.02,
        "temporary": 20 * 0.2 + 50 * 0.5 + 10 * 0.1,
        "permanent": 50 * 0.04 + 10 * 0.14,
        "timing": sign * (50 * 1 + 10 * -2),
        "opportunity": 20 * (sign * 3 + 0.16),  # the close as the market shows it, one's own impact included
        "fees": 8.0 + 7.0,
    }
    assert components(cost) == pytest.approx(expected, rel=1e-12)
    assert cost.total[0] == pytest.approx(sum(expected.values()), rel=1e-12)
    assert cost.unit == "currency"
    assert cost.arrival_value[0] == 5000
    # what is held, times what the price does: 80·1 + 30·(−3) + 20·5, opportunity's share included
    assert cost.martingale[0] == pytest.approx(sign * (80 * 1 + 30 * -3 + 20 * 5))
    bps = cost.bps()
    assert components(bps) == pytest.approx({k: v * 2 for k, v in expected.items()}, rel=1e-12)
    assert bps.total[0] == pytest.approx(2 * cost.total[0])
    assert bps.martingale[0] == pytest.approx(2 * cost.martingale[0])
    assert bps.unit == "bps"
    assert bps.bps() is bps


def test_benchmarks_and_slippage_by_hand():
    order = Order("sell", 100, 3.0, 3)
    impact = PowerImpact(temporary=0.01, permanent=0.002)
    problem = ExecutionProblem(order, market([50, 51, 48, 53], volume=[100, 300, 600]), impact)
    cost = shortfall(execute(Trades((20, 50, 0)), problem))
    received = 20 * (50 - 0.2) + 50 * (51 - 0.04 - 0.5) + 30 * (48 - 0.14 - 0.3)
    assert cost.average_price[0] == pytest.approx(received / 100, rel=1e-14)
    assert cost.traded[0] == 100
    assert cost.completion[0] == 1.0
    assert cost.participation[0] == 0.1
    expected = {
        "arrival": 50,
        "interval_vwap": (100 * 50 + 300 * 51 + 600 * 48) / 1000,
        "interval_twap": (50 + 51 + 48) / 3,
        "close": 53,
    }
    for name, price in expected.items():
        assert cost.benchmark(name)[0] == pytest.approx(price, rel=1e-14)
        slippage = -1e4 * (received / 100 - price) / price
        assert cost.slippage(name)[0] == pytest.approx(slippage, rel=1e-10)
    # as the tape shows them: mids displaced by 0, 0.04, 0.14 and 0.2, one's own fills in the volume
    value = 100 * 50 + 300 * (51 - 0.04) + 600 * (48 - 0.14)
    shown = {
        "arrival": 50,
        "interval_vwap": (value + received) / 1100,
        "interval_twap": (50 + 50.96 + 47.86) / 3,
        "close": 52.8,
    }
    for name, price in shown.items():
        assert cost.benchmark(name, on_tape=True)[0] == pytest.approx(price, rel=1e-14)
        slippage = -1e4 * (received / 100 - price) / price
        assert cost.slippage(name, on_tape=True)[0] == pytest.approx(slippage, rel=1e-10)


def test_the_sign_of_slippage_is_a_cost_on_both_sides():
    for side, sign in (("buy", 1), ("sell", -1)):
        problem = ExecutionProblem(Order(side, 10, 2.0, 2), market([100, 101, 101]), PowerImpact(0.0))
        cost = shortfall(execute(Trades((0, 0)), problem))
        assert cost.slippage("arrival")[0] == pytest.approx(sign * 100.0)
        assert cost.bps().total[0] == pytest.approx(sign * 100.0)


def test_slippage_to_arrival_is_the_shortfall_of_a_completed_order_without_fees():
    scenario = Scenario(Order("buy", 1e5, 1.0, 8), GBM(50.0, 0.02, spread=0.02), PowerImpact(1e-4, 0.6, 1e-7))
    cost = shortfall(execute(TWAP(), scenario.sample(100, seed=1)))
    np.testing.assert_allclose(cost.slippage("arrival"), cost.bps().total, rtol=1e-9, atol=1e-9)


def test_nothing_traded_is_all_opportunity_and_has_no_average_price(recwarn):
    order = Order("buy", 100, 2.0, 2, complete=False, fee_per_share=0.1, fixed_fee=7.0)
    problem = ExecutionProblem(order, market([50, 51, 53], spread=0.1), PowerImpact(0.1, 0.5, 0.1))
    cost = shortfall(execute(Trades((0, 0)), problem))
    expected = dict.fromkeys(COMPONENTS, 0.0) | {"opportunity": 300.0}
    assert components(cost) == expected  # no fixed fee for an order that never traded
    assert np.isnan(cost.average_price).all()
    assert np.isnan(cost.slippage("close")).all()
    assert (cost.completion[0], cost.participation[0]) == (0.0, 0.0)
    assert not recwarn.list


def test_an_unknown_benchmark_is_refused(refused):
    cost = shortfall(
        execute(TWAP(), ExecutionProblem(Order("buy", 1, 1.0, 1), market([50, 51]), PowerImpact(0.1)))
    )
    for call in (cost.benchmark, cost.slippage):
        with refused(
            "`name` must be one of 'arrival', 'interval_vwap', 'interval_twap', 'close', got 'vwap'"
        ):
            call("vwap")


IMPACTS = [
    PowerImpact(1e-3, 0.6, 1e-6),
    PowerImpact(1e-10, 1.8, 1e-4, permanent_exponent=0.5),
    TransientImpact(1e-5, ExponentialDecay(3.0)),
    TransientImpact(1e-3, PowerLawDecay(0.1, 0.6), 0.6),
]


@given(
    seed=st.integers(0, 2**31),
    side=st.sampled_from(["sell", "buy"]),
    n_steps=st.integers(1, 9),
    complete=st.booleans(),
    impact=st.sampled_from(IMPACTS),
)
def test_components_sum_to_what_perold_would_have_computed(seed, side, n_steps, complete, impact):
    """Paper portfolio against real one, from fills, mids and fees alone: the total on every path."""
    order = Order(side, 5e4, 0.5, n_steps, complete=complete, fee_per_share=0.003, fixed_fee=25.0)
    volume = VolumeCurve(4e5, dispersion=0.7)
    problem = Scenario(order, Bachelier(30.0, 0.8, spread=0.03, volume=volume), impact).sample(6, seed=seed)
    execution = execute(POV(0.15), problem)
    cost, mid, sign = shortfall(execution), problem.paths.mid, order.sign
    shares, price, unfilled = execution.shares, execution.price, execution.inventory[-1]
    shown_close = mid[-1] + sign * execution.displacement[-1]
    paper = sign * order.shares * (shown_close - mid[0])
    real = sign * ((shares * (shown_close - price)).sum(axis=0))
    traded = shares.sum(axis=0)
    fees = 0.003 * traded + 25.0 * (traded > 0)
    scale = 5e4 * 30.0
    np.testing.assert_allclose(cost.total, paper - real + fees, rtol=1e-9, atol=1e-12 * scale)
    parts = [getattr(cost, name) for name in COMPONENTS]
    np.testing.assert_allclose(np.sum(parts, axis=0), cost.total, rtol=1e-12, atol=1e-13 * scale)
    np.testing.assert_allclose(cost.fees, fees, rtol=1e-12)
    np.testing.assert_allclose(cost.spread, 0.015 * traded, rtol=1e-12)
    moves = sign * (execution.inventory[1:] * np.diff(mid, axis=0)).sum(axis=0)
    np.testing.assert_allclose(cost.martingale, moves, rtol=1e-9, atol=1e-12 * scale)
    for name in ("spread", "temporary", "permanent"):
        assert (getattr(cost, name) >= -1e-12 * scale).all()
    if complete:
        assert (cost.opportunity == 0).all()
        assert (unfilled == 0).all()
    bps = cost.bps()
    np.testing.assert_allclose(bps.total, 1e4 * cost.total / (5e4 * mid[0]), rtol=1e-12)
    np.testing.assert_allclose(bps.martingale, 1e4 * moves / (5e4 * mid[0]), rtol=1e-9, atol=1e-8)


def test_a_drifting_price_is_not_the_traders_doing_on_average():
    """Timing has the mean of the drift it meets, Σ n_k μ t_k, and the controlled mean lacks just that."""
    order = Order("buy", 1e4, 1.0, 4)
    paths = Scenario(order, Bachelier(50.0, 0.5, drift=2.0), PowerImpact(1e-6)).sample(20_000, seed=2)
    cost = shortfall(execute(TWAP(), paths))
    drift = 2.0 * 2500 * (0 + 0.25 + 0.5 + 0.75)
    assert abs(cost.timing.mean() - drift) / (cost.timing.std() / np.sqrt(20_000)) < 4
    without = shortfall(
        execute(TWAP(), replace(paths, paths=replace(paths.paths, mid=paths.paths.mid * 0 + 50.0)))
    )
    np.testing.assert_allclose((cost.total - cost.martingale), without.total, rtol=1e-9)


def test_bps_can_be_turned_back_into_currency():
    cost = shortfall(
        execute(TWAP(), ExecutionProblem(Order("buy", 7, 2.0, 2), market([50, 51, 53]), PowerImpact(0.1)))
    )
    back = cost.bps().in_unit("currency")
    assert (back.unit, cost.bps().unit) == ("currency", "bps")
    for name in COMPONENTS:
        np.testing.assert_allclose(getattr(back, name), getattr(cost, name), rtol=1e-14)
    np.testing.assert_allclose(back.martingale, cost.martingale, rtol=1e-14)
    assert cost.in_unit("currency") is cost
