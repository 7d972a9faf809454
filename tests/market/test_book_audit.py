"""A book against its own messages: sound books agree row by row, and one wrong share does not go unseen."""

import os
from dataclasses import replace

import numpy as np
import pytest

from flowexec.market.book_audit import reconcile, time_priority
from flowexec.market.lobster import read_lobster
from flowexec.market.order_book import DELETION, EXECUTION, SUBMISSION, OrderBook
from flowexec.market.paths import ASK, BID
from flowexec.market.synthetic_book import ZeroIntelligence

LOBSTER = os.environ.get("FLOWEXEC_LOBSTER")
needs_lobster = pytest.mark.skipif(
    not LOBSTER, reason="set FLOWEXEC_LOBSTER to the folder of the LOBSTER zips"
)


@pytest.fixture(scope="module")
def day():
    return ZeroIntelligence().simulate_day(seed=3, session=(34_200.0, 36_000.0))


def changed(book: OrderBook, **arrays) -> OrderBook:
    return replace(book, **{name: value(getattr(book, name).copy()) for name, value in arrays.items()})


def setting(index, value):
    def change(array):
        array[index] += value
        return array

    return change


def test_every_row_of_a_sound_book_agrees(day):
    found = reconcile(day)
    assert found.rows == day.n_events - 1
    assert found.visible == found.rows  # the simulator records a message only when the visible book changes
    assert len(found.disagree) == 0
    assert found.first == ""


@pytest.mark.parametrize(("side", "level"), [(BID, 0), (BID, 4), (ASK, 0), (ASK, 3)])
def test_one_share_too_many_is_found_in_its_row_and_in_the_next(day, side, level):
    # at the deepest level, only while that price stays within what both rows can see
    row = next(r for r in range(500, 600) if (day.prices[r - 1 : r + 2, side] == day.prices[r, side]).all())
    found = reconcile(changed(day, sizes=setting((row, side, level), 1.0)))
    assert found.disagree.tolist() == [row, row + 1]
    assert found.first.startswith(f"row {row + 1} (09:3")


def test_a_lost_row_is_found(day):
    arrays = {f: np.delete(getattr(day, f), 700, axis=0) for f in
              ("times", "event", "order_id", "size", "price", "direction", "prices", "sizes")}  # fmt: skip
    assert reconcile(replace(day, **arrays)).disagree.tolist() == [700]


def test_a_message_of_another_size_side_or_type_is_found(day):
    row = int(np.flatnonzero(day.event == SUBMISSION)[300])
    assert reconcile(changed(day, size=setting(row, 1.0))).disagree.tolist() == [row]
    assert reconcile(changed(day, direction=setting(row, -2 * day.direction[row]))).disagree.tolist() == [row]
    assert reconcile(changed(day, event=setting(row, DELETION - SUBMISSION))).disagree.tolist() == [row]


def test_a_shifted_message_file_is_found_almost_everywhere(day):
    shifted = replace(
        day, **{f: np.roll(getattr(day, f), 1) for f in ("event", "size", "price", "direction")}
    )
    assert len(reconcile(shifted).disagree) > 0.9 * day.n_events


def test_a_common_error_of_unit_is_not_found(day):
    other = changed(day, price=lambda p: 10 * p, prices=lambda p: 10 * p)
    assert len(reconcile(other).disagree) == 0


def test_a_side_with_room_to_spare_is_checked_without_end():
    model = ZeroIntelligence(limit_rates=(0.3, 0.2, 0.2), market_rate=0.05, levels=60)
    book = model.simulate_day(seed=2, session=(34_200.0, 34_500.0))
    assert (book.sizes[:, :, -1] == 0).all()
    assert len(reconcile(book).disagree) == 0
    row = int(np.flatnonzero((book.sizes[:, BID] > 0).sum(1) >= 3)[50])
    last = int((book.sizes[row, BID] > 0).sum()) - 1
    assert row in reconcile(changed(book, sizes=setting((row, BID, last), 100.0))).disagree


def test_hidden_executions_leave_the_book_alone(day):
    row = int(np.flatnonzero(day.event == EXECUTION)[20])
    hidden = changed(day, event=setting(row, 1))  # type 5, but the visible book did lose the order
    assert reconcile(hidden).disagree.tolist() == [row]


def test_the_simulator_keeps_time_priority_and_a_broken_one_does_not(day):
    sound = time_priority(day)
    assert sound.violations == sound.away_from_best == 0
    assert sound.contested > 300
    assert sound.executions <= (day.event == EXECUTION).sum()
    # orders trade places: the ids of two orders at one price are exchanged from their submission on
    rows = np.flatnonzero(day.event == EXECUTION)
    ids = day.order_id.copy()
    exchanged = 0
    for row in rows:
        mine = np.flatnonzero(day.order_id == day.order_id[row])
        later = np.flatnonzero(
            (day.event == EXECUTION) & (day.price == day.price[row]) & (day.direction == day.direction[row])
        )
        later = later[later > row]
        if len(mine) == 2 and len(later):
            other = np.flatnonzero(day.order_id == day.order_id[later[0]])
            if len(other) == 2 and mine[0] < other[0] < row:  # both alive when the first is executed
                ids[row], ids[later[0]] = day.order_id[later[0]], day.order_id[row]
                exchanged = 1
                break
    assert exchanged
    assert time_priority(replace(day, order_id=ids)).violations == 1


def test_an_execution_away_from_the_best_price_is_counted(day):
    row = int(np.flatnonzero(day.event == EXECUTION)[40])
    assert time_priority(changed(day, price=setting(row, -0.01))).away_from_best == 1


@needs_lobster
@pytest.mark.parametrize("ticker", ["AMZN", "GOOG"])
def test_the_published_samples_agree_with_themselves(ticker):
    book = read_lobster(LOBSTER, ticker=ticker)
    found = reconcile(book)
    assert len(found.disagree) == 0
    assert found.visible > 0.95 * found.rows
    priority = time_priority(book)
    assert priority.away_from_best == 0
    assert priority.contested > 1500
    assert priority.violations < 0.005 * priority.contested
