"""Who notices which damage; and that nothing is said of a sound copy, nor of the place it lay in."""

import numpy as np
import pytest

from flowexec.market.planted_faults import NOBODY, READER, RECONCILIATION, planted_faults
from flowexec.market.synthetic_book import ZeroIntelligence


@pytest.fixture(scope="module")
def day():
    return ZeroIntelligence().simulate_day(seed=4, session=(34_200.0, 36_000.0))


def test_who_notices_what(day):
    before = day.prices.copy(), day.sizes.copy(), day.times.copy()
    faults = {fault.damage: fault for fault in planted_faults(day)}
    assert {name: fault.caught_by for name, fault in faults.items()} == {
        "nothing at all": NOBODY,
        "a message is lost": READER,
        "the file ends in the middle of a line": READER,
        "a letter O for a digit": READER,
        "two messages exchange their times": READER,
        "bid and ask exchanged in one row": READER,
        "two levels exchanged in one row": READER,
        "one size is wrong by one share": RECONCILIATION,
        "one row is lost from both files": RECONCILIATION,
        "all prices are in another unit": NOBODY,
        "the zip is half as long as it should be": READER,
    }
    for name, words in (
        ("a message is lost", "499 rows"),
        ("the file ends in the middle of a line", "19 columns"),
        ("a letter O for a digit", "is not a whole number"),
        ("two messages exchange their times", "must not go back"),
        ("bid and ask exchanged in one row", "crossed"),
        ("two levels exchanged in one row", "outwards"),
        ("one size is wrong by one share", "does not follow"),
        ("the zip is half as long as it should be", "not a complete zip"),
    ):
        assert words in faults[name].sentence
    for array, copy in zip((day.prices, day.sizes, day.times), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_the_place_of_the_copy_is_not_told(day):
    for fault in planted_faults(day, rows=60):
        assert "/" not in fault.sentence.replace("message + orderbook", "")
        assert "tmp" not in fault.sentence.lower()


def test_the_same_book_gives_the_same_answer(day):
    assert planted_faults(day) == planted_faults(day)


def test_refuses(day):
    with pytest.raises(ValueError, match="`rows` must be a whole number, at least 10"):
        planted_faults(day, rows=3)
    day.sizes[5, 0, 0] += 100.0
    try:
        with pytest.raises(ValueError, match="at fault before any damage is done: row 6"):
            planted_faults(day)
    finally:
        day.sizes[5, 0, 0] -= 100.0
