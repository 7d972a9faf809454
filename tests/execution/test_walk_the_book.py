"""Walking the visible book: exact arithmetic, the engine, torch, and the published totals on real data."""

import os
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from flowexec.analytics.shortfall import shortfall
from flowexec.execution.impact import Bar
from flowexec.execution.order import Order
from flowexec.execution.problem import ExecutionProblem, execute
from flowexec.execution.scenario import Scenario
from flowexec.execution.walk_the_book import WalkTheBook
from flowexec.market.lobster import read_lobster
from flowexec.market.order_book import DAY_SECONDS, walk_levels
from flowexec.market.paths import ASK, BID, PRICE, SIZE, MarketPaths
from flowexec.market.replay import OrderBookReplay
from flowexec.market.synthetic_book import ZeroIntelligence
from flowexec.strategies.schedules import TWAP

LOBSTER = os.environ.get("FLOWEXEC_LOBSTER")
needs_lobster = pytest.mark.skipif(
    not LOBSTER, reason="set FLOWEXEC_LOBSTER to the folder of the LOBSTER zips"
)


@dataclass(frozen=True)
class Fixed:
    """Trades a given number of shares in each step."""

    shares: tuple[float, ...]

    def trade(self, observation):
        return 0.0 * observation.mid + self.shares[observation.step]


def ladder(best_bids, sizes, tick=0.01):
    """Paths of one book a step: a ladder of one tick on both sides of a spread of one tick."""
    n, levels = len(best_bids), len(sizes)
    depth = np.zeros((n, 1, 2, levels, 2))
    for k, bid in enumerate(best_bids):
        depth[k, 0, BID, :, PRICE] = bid - tick * np.arange(levels)
        depth[k, 0, ASK, :, PRICE] = bid + tick * (1 + np.arange(levels))
        depth[k, 0, :, :, SIZE] = sizes
    mid = np.append(best_bids, best_bids[-1])[:, None] + tick / 2
    return MarketPaths(
        times=np.arange(n + 1) * 5 / DAY_SECONDS,
        mid=mid,
        variance=np.full((n + 1, 1), 1e-4),
        volume=np.zeros((n, 1)),
        spread=np.full((n, 1), tick),
        depth=depth,
    )


def sell(paths, shares, **order):
    order = Order("sell", sum(shares), paths.horizon, paths.n_steps, **order)
    return execute(Fixed(tuple(shares)), ExecutionProblem(order, paths, WalkTheBook()))


def test_a_deep_ladder_is_walked_to_the_cent():
    # best bid 27.46, then 27.49: 228 = 100 + 100 + 28, 10 stays at the best, 250 = 100 + 100 + 50
    done = sell(ladder([27.46, 27.49, 27.49], [100.0] * 5), [228.0, 10.0, 250.0])
    expected = [
        Fraction(100 * 2746 + 100 * 2745 + 28 * 2744, 228 * 100),
        Fraction(2749, 100),
        Fraction(100 * 2749 + 100 * 2748 + 50 * 2747, 250 * 100),
    ]
    np.testing.assert_allclose(done.price[:, 0], [float(p) for p in expected], rtol=1e-15)
    assert done.price[1, 0] == 27.49  # exactly, not to rounding
    np.testing.assert_array_equal(done.displacement, 0.0)
    np.testing.assert_array_equal(done.impact_state.excess, 0.0)


def test_what_exceeds_the_levels_fills_at_the_last_visible_price_and_is_counted():
    done = sell(ladder([27.46, 27.49], [100.0, 20.0, 30.0]), [400.0, 160.0])
    first = (100 * 27.46 + 20 * 27.45 + 280 * 27.44) / 400
    second = (100 * 27.49 + 20 * 27.48 + 40 * 27.47) / 160
    np.testing.assert_allclose(done.price[:, 0], [first, second], rtol=1e-15)
    assert done.impact_state.excess[0] == 250.0 + 10.0


def test_a_missing_level_is_not_the_last_visible_price():
    paths = ladder([27.46], [100.0, 20.0, 30.0, 0.0])
    paths.depth[0, 0, BID, 3, PRICE] = -999999.9999  # whatever stands there does not count
    done = sell(paths, [400.0])
    assert done.price[0, 0] == pytest.approx((100 * 27.46 + 20 * 27.45 + 280 * 27.44) / 400, rel=1e-15)
    assert done.impact_state.excess[0] == 250.0


def test_buys_mirror_sells():
    rng = np.random.default_rng(0)
    size = rng.integers(1, 200, (50, 2, 5)).astype(float)
    steps = np.cumsum(rng.integers(1, 4, (50, 2, 5)), axis=-1)
    price = 50.0 + 0.01 * steps * np.array([[-1.0], [1.0]])
    depth = np.stack([price, size], axis=-1)
    mirrored = np.stack([100.0 - price[:, ::-1], size[:, ::-1]], axis=-1)
    shares = rng.uniform(0.0, 700.0, 50)
    walk, nothing = WalkTheBook(), np.zeros(50)
    for side in (-1, 1):
        here, state = walk.trade(walk.start(nothing), shares, Bar(nothing + 50, nothing, 1.0, depth), side)
        there, other = walk.trade(
            walk.start(nothing), shares, Bar(nothing + 50, nothing, 1.0, mirrored), -side
        )
        np.testing.assert_allclose(here - 50.0, 50.0 - there, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(state.excess, other.excess)


def test_laws_of_walking():
    rng = np.random.default_rng(1)
    price = 50.0 + 0.01 * np.cumsum(rng.integers(1, 4, (200, 5)), axis=-1)
    size = rng.uniform(1.0, 200.0, (200, 5))
    shares = rng.uniform(0.0, 1.2, 200) * size.sum(-1)
    average, excess = walk_levels(price, size, shares)
    more, _ = walk_levels(price, size, shares + 1.0)
    assert (average >= price[:, 0]).all()
    assert (average <= price[:, -1]).all()
    assert (more >= average - 1e-12).all()
    scaled, scaled_excess = walk_levels(price, 3.0 * size, 3.0 * shares)
    np.testing.assert_allclose(scaled, average, rtol=1e-13)
    np.testing.assert_allclose(scaled_excess, 3.0 * excess, rtol=1e-12, atol=1e-9)
    for n, p, q, found in zip(shares, price, size, average, strict=True):
        taken = [min(max(n - q[:level].sum(), 0.0), q[level]) for level in range(5)]
        assert found == pytest.approx((np.dot(taken, p) + max(n - q.sum(), 0.0) * p[4]) / n, rel=1e-13)


def test_trading_nothing_costs_nothing_and_needs_no_book():
    price, excess = walk_levels(np.array([[10.0, 9.0]]), np.array([[5.0, 5.0]]), np.zeros(1))
    assert price[0] == 10.0
    assert excess[0] == 0.0
    paths = ladder([27.46, 27.49], [100.0])
    paths.depth[1, 0, BID, :, SIZE] = 0.0
    assert sell(paths, [50.0, 0.0]).shares[1, 0] == 0.0


def test_an_empty_side_refuses_to_trade():
    paths = ladder([27.46, 27.49], [100.0, 50.0])
    paths.depth[1, 0, BID, :, SIZE] = 0.0
    with pytest.raises(
        ValueError, match="the bid side of the book is empty on path 0: there is nobody to trade with"
    ):
        sell(paths, [50.0, 10.0])
    order = Order("buy", 60.0, paths.horizon, 2)
    assert execute(Fixed((50.0, 10.0)), ExecutionProblem(order, paths, WalkTheBook())).price[1, 0] == 27.5


def test_a_market_without_depth_is_refused():
    paths = ladder([27.46], [100.0])
    bare = MarketPaths(paths.times, paths.mid, paths.variance, paths.volume, paths.spread)
    with pytest.raises(ValueError, match=r"WalkTheBook needs a market that shows its book \(`depth`\)"):
        sell(bare, [10.0])


@pytest.fixture(scope="module")
def replayed():
    book = ZeroIntelligence().simulate_day(seed=2)
    return OrderBookReplay(book).horizons(12)


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_numpy_and_torch_agree(replayed, side):
    torch = pytest.importorskip("torch")
    order = Order(side, 30_000.7, replayed.horizon, 12)  # walks several levels, and beyond them
    problem = ExecutionProblem(order, replayed, WalkTheBook())
    one, two = execute(TWAP(), problem), execute(TWAP(), problem.to_torch())
    for name in ("shares", "price", "inventory", "displacement"):
        np.testing.assert_allclose(getattr(two, name).numpy(), getattr(one, name), rtol=1e-14, atol=1e-9)
    np.testing.assert_allclose(
        two.impact_state.excess.numpy(), one.impact_state.excess, rtol=1e-12, atol=1e-9
    )
    assert one.impact_state.excess.sum() > 0
    assert isinstance(two.price, torch.Tensor)


def test_the_gradient_is_the_price_of_the_next_share():
    torch = pytest.importorskip("torch")
    price = torch.tensor([[10.0, 10.02, 10.05]], dtype=torch.float64)
    size = torch.tensor([[100.0, 40.0, 60.0]], dtype=torch.float64)
    for n, marginal in ((50.0, 10.0), (120.0, 10.02), (170.0, 10.05), (900.0, 10.05)):
        shares = torch.tensor([n], dtype=torch.float64, requires_grad=True)
        average, _ = walk_levels(price, size, shares)
        (average * shares).sum().backward()
        assert shares.grad.item() == pytest.approx(marginal, rel=1e-14)


def test_torch_refuses_an_empty_side_too(replayed):
    pytest.importorskip("torch")
    paths = replayed.select(slice(0, 3)).map(np.copy)
    paths.depth[0, 2, BID, :, SIZE] = 0.0
    problem = ExecutionProblem(Order("sell", 60.0, paths.horizon, 12), paths, WalkTheBook())
    with pytest.raises(ValueError, match="the bid side of the book is empty on path 2"):
        execute(TWAP(), problem.to_torch())


@pytest.mark.parametrize("side", ["sell", "buy"])
def test_shortfall_of_a_walked_book_comes_apart_exactly(side):
    market = OrderBookReplay(ZeroIntelligence().simulate_day(seed=2))
    order = Order(side, 6000.0, 60 / DAY_SECONDS, 12)
    problem = Scenario(order, market, WalkTheBook()).sample(390, seed=1)
    done = execute(TWAP(), problem)
    parts = shortfall(done)
    np.testing.assert_allclose(parts.spread, 500.0 * 0.5 * problem.paths.spread.sum(0), rtol=1e-12)
    assert (parts.temporary > -1e-9).all()
    assert parts.temporary.mean() > 0
    np.testing.assert_allclose(parts.permanent, 0.0, atol=1e-9)
    cash = (done.shares * done.price).sum(0)
    np.testing.assert_allclose(
        parts.total, order.sign * (cash - 6000.0 * problem.paths.mid[0]), rtol=0, atol=1e-6
    )


def twap_totals(book, part, side, shares=60.0):
    """Total shortfall of TWAP over a part of the day, from the mid and from the best price on one's side."""
    paths = OrderBookReplay(book).horizons(12, part)
    order = Order(side, shares, paths.horizon, 12)
    done = execute(TWAP(), ExecutionProblem(order, paths, WalkTheBook()))
    assert (done.impact_state.excess == 0).all()
    np.testing.assert_allclose(done.shares, 5.0, rtol=1e-14)
    cash = (done.shares * done.price).sum(0)
    best = paths.depth[0, :, BID if side == "sell" else ASK, 0, PRICE]
    return [float((order.sign * (cash - shares * arrival)).sum()) for arrival in (paths.mid[0], best)]


@needs_lobster
@pytest.mark.parametrize(
    ("ticker", "side", "part", "from_mid", "from_best"),
    [
        # published: the totals from the best bid of AMZN's sales; the others follow from the same files
        ("AMZN", "sell", "train", 1262.22, 110.52),
        ("AMZN", "sell", "test", 325.22, 13.22),
        ("AMZN", "buy", "train", 1104.96, -46.74),
        ("AMZN", "buy", "test", 292.68, -19.32),
        ("GOOG", "sell", "train", 3053.80, 499.30),
        ("GOOG", "sell", "test", 833.71, 218.11),
        ("GOOG", "buy", "train", 2164.27, -390.23),
        ("GOOG", "buy", "test", 509.94, -105.66),
    ],
)
def test_totals_of_the_reference_protocol(ticker, side, part, from_mid, from_best):
    book = read_lobster(LOBSTER, ticker=ticker)
    mid, best = twap_totals(book, part, side)
    assert mid == pytest.approx(from_mid, abs=1e-6)
    assert best == pytest.approx(from_best, abs=1e-6)
