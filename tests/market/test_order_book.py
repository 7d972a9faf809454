"""The order book value: what it refuses, and what it derives."""

from dataclasses import replace

import numpy as np
import pytest

from flowexec.market.order_book import OrderBook, clock
from flowexec.market.paths import ASK, BID


def small_book(**changes) -> OrderBook:
    """Three messages, two levels: a submission, an execution at the ask, a hidden execution."""
    book = OrderBook(
        ticker="ABC",
        date="2024-01-02",
        times=np.array([34_200.0, 34_201.5, 34_201.5]),
        event=np.array([1, 4, 5]),
        order_id=np.array([7, 8, 0]),
        size=np.array([100.0, 30.0, 5.0]),
        price=np.array([9.99, 10.01, 10.0]),
        direction=np.array([1, -1, 1]),
        prices=np.array([[[9.99, 9.98], [10.01, 10.02]]] * 3),
        sizes=np.array(
            [[[100.0, 50.0], [80.0, 60.0]], [[100.0, 50.0], [50.0, 60.0]], [[100.0, 50.0], [50.0, 60.0]]]
        ),
    )
    return replace(book, **changes)


def test_derived_series():
    book = small_book()
    assert (book.n_events, book.n_levels) == (3, 2)
    np.testing.assert_allclose(book.mid, 10.0, rtol=1e-15)
    np.testing.assert_allclose(book.spread, 0.02, rtol=1e-12)
    np.testing.assert_array_equal(book.traded, [0.0, 30.0, 5.0])
    assert not book.one_sided.any()
    assert not book.halted.any()
    assert repr(book) == "<OrderBook ABC 2024-01-02: 3 messages, 2 levels; >"


def test_trading_halt_lasts_until_trading_resumes_not_until_quoting_does():
    codes = {
        "event": np.array([1, 7, 2, 7, 1, 7, 1]),
        "price": np.array([9.99, -1.0, 9.98, 0.0, 9.97, 1.0, 9.99]),
    }
    n = 7
    book = small_book(
        times=np.arange(34_200.0, 34_200.0 + n),
        order_id=np.zeros(n, int),
        size=np.zeros(n),
        direction=np.ones(n, int),
        prices=np.repeat(small_book().prices[:1], n, axis=0),
        sizes=np.repeat(small_book().sizes[:1], n, axis=0),
        **codes,
    )
    np.testing.assert_array_equal(book.halted, [False, True, True, True, True, False, False])
    crossed = book.prices.copy()
    crossed[3, BID, 0] = 10.5  # orders may cross while nobody matches them
    assert replace(book, prices=crossed).mid[3] > 10.0
    crossed[6, BID, 0] = 10.5
    with pytest.raises(ValueError, match=r"row 7 .*crossed, bid 10\.5 ≥ ask 10\.01"):
        replace(book, prices=crossed)


def test_an_empty_side_is_marked_and_has_no_mid():
    book = small_book()
    prices, sizes = book.prices.copy(), book.sizes.copy()
    prices[1, ASK], sizes[1, ASK] = np.nan, 0.0
    book = replace(book, prices=prices, sizes=sizes)
    np.testing.assert_array_equal(book.one_sided, [False, True, False])
    np.testing.assert_array_equal(np.isnan(book.mid), [False, True, False])
    np.testing.assert_array_equal(np.isnan(book.spread), [False, True, False])


def changed(name, index, value):
    array = np.array(getattr(small_book(), name), dtype=float)
    array[index] = value
    return {name: array}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (changed("times", 2, 34_201.0), r"row 3 .*must not go back"),
        (
            changed("times", 0, 34_199.0),
            r"row 1 \(09:29:59\.000\).*must lie in the session from 09:30:00\.000",
        ),
        (changed("times", 1, np.nan), r"`times` must be finite"),
        (changed("event", 1, 8), r"row 2 .*must be a LOBSTER type"),
        (changed("size", 1, -1.0), r"row 2 .*`size` must be at least 0"),
        (changed("size", 1, np.nan), r"row 2 .*`size` must be at least 0"),
        (changed("direction", 0, 0), r"row 1 .*`direction` must be 1 \(buy\) or -1 \(sell\)"),
        (changed("prices", (1, BID, 0), 10.01), r"row 2 .*crossed, bid 10\.01 ≥ ask 10\.01"),
        (changed("prices", (2, BID, 1), 9.99), r"row 3 .*from the best price outwards"),
        (changed("prices", (0, ASK, 1), 10.0), r"row 1 .*from the best price outwards"),
        (changed("prices", (0, BID, 1), -9.0), r"row 1 .*`prices` must be positive"),
        (changed("prices", (0, BID, 1), np.nan), r"row 1 .*`prices` must be positive"),
        (changed("sizes", (0, BID, 1), -1.0), r"row 1 .*`sizes` must be at least 0"),
        (changed("sizes", (1, ASK, 0), 0.0), r"row 2 .*empty in front"),
        ({"event": np.array([1, 4])}, r"`event` must have shape \(3,\), got \(2,\)"),
        ({"prices": np.ones((3, 4))}, r"`prices` must have shape \(3, 2, 'level'\)"),
        ({"sizes": np.ones((3, 2, 3))}, r"`sizes` must have the shape of `prices`"),
        ({"session": (5.0, 5.0)}, r"`session` must be \(begin, end\)"),
        ({"times": np.array([])}, r"at least one message"),
    ],
)
def test_refuses(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        small_book(**changes)


def test_clock():
    assert clock(34_200.0) == "09:30:00.000"
    assert clock(57_599.9599) == "15:59:59.959"
