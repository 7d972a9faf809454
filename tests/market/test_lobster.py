"""Reading and writing LOBSTER files: values, places, and a clear sentence for all that can be wrong."""

import os
import zipfile
from dataclasses import fields

import numpy as np
import pytest

from flowexec.market.lobster import read_lobster, write_lobster
from flowexec.market.order_book import EXECUTION
from flowexec.market.paths import ASK, BID
from flowexec.market.synthetic_book import ZeroIntelligence

LOBSTER = os.environ.get("FLOWEXEC_LOBSTER")
needs_lobster = pytest.mark.skipif(
    not LOBSTER, reason="set FLOWEXEC_LOBSTER to the folder of the LOBSTER zips"
)

STEM = "ABC_2024-01-02_34200000_57600000"
MESSAGE = """34200.000000001,1,11,100,99900,1
34200.5,4,12,30,100100,-1
34201.25,7,0,0,-1,-1
"""
ORDERBOOK = """100100,80,99900,100,100200,60,99800,50
100100,50,99900,100,100300,60,-9999999999,0
100100,50,99900,100,9999999999,0,-9999999999,0
"""


@pytest.fixture
def write_pair(tmp_path):
    def write(message=MESSAGE, orderbook=ORDERBOOK, stem=STEM, levels=2, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        (folder / f"{stem}_message_{levels}.csv").write_text(message)
        (folder / f"{stem}_orderbook_{levels}.csv").write_text(orderbook)
        return folder

    return write


@pytest.fixture
def zipped(write_pair, tmp_path):
    folder = write_pair(folder=tmp_path / "plain")
    path = tmp_path / "ABC_2.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"inside/{file.name}")
        archive.writestr("ReadMe.txt", "not a table")
    return path


def test_every_number_lands_in_its_place(write_pair):
    book = read_lobster(write_pair())
    assert (book.ticker, book.date, book.session) == ("ABC", "2024-01-02", (34_200.0, 57_600.0))
    assert book.source == "LOBSTER, ABC on 2024-01-02, 2 levels"
    np.testing.assert_array_equal(book.times, [34_200.000000001, 34_200.5, 34_201.25])
    np.testing.assert_array_equal(book.event, [1, 4, 7])
    np.testing.assert_array_equal(book.order_id, [11, 12, 0])
    np.testing.assert_array_equal(book.size, [100, 30, 0])
    np.testing.assert_array_equal(book.price, [9.99, 10.01, -1.0])  # a halt keeps its code
    np.testing.assert_array_equal(book.direction, [1, -1, -1])
    np.testing.assert_array_equal(book.halted, [False, False, True])
    np.testing.assert_array_equal(book.prices[0], [[9.99, 9.98], [10.01, 10.02]])
    np.testing.assert_array_equal(book.sizes[:, BID], [[100, 50], [100, 0], [100, 0]])
    np.testing.assert_array_equal(book.sizes[:, ASK], [[80, 60], [50, 60], [50, 0]])
    # dummy prices are gone: a missing level repeats the deepest visible price
    np.testing.assert_array_equal(book.prices[:, BID, 1], [9.98, 9.99, 9.99])
    np.testing.assert_array_equal(book.prices[:, ASK, 1], [10.02, 10.03, 10.01])


def test_an_empty_side_is_read_as_one(write_pair):
    empty = "9999999999,0,99900,100,9999999999,0,99800,50\n"
    book = read_lobster(write_pair(orderbook=ORDERBOOK.splitlines(keepends=True)[0] + empty + empty))
    np.testing.assert_array_equal(book.one_sided, [False, True, True])
    assert np.isnan(book.prices[1, ASK]).all()


@pytest.mark.parametrize("levels", [1, 3])
def test_any_number_of_levels(write_pair, levels):
    row = ",".join(f"{100_100 + 100 * i},{10 + i},{99_900 - 100 * i},{20 + i}" for i in range(levels))
    book = read_lobster(write_pair(orderbook=f"{row}\n" * 3, levels=levels))
    assert book.n_levels == levels
    np.testing.assert_array_equal(book.sizes[2, ASK], 10.0 + np.arange(levels))
    np.testing.assert_allclose(book.prices[2, BID], 9.99 - 0.01 * np.arange(levels), rtol=1e-14)


def same(a, b):
    for field in fields(a):
        if field.name != "source":
            np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)


def test_folder_zip_subfolder_and_either_file_give_the_same_book(write_pair, zipped, tmp_path):
    folder = tmp_path / "plain"
    book = read_lobster(folder)
    same(book, read_lobster(zipped))
    same(book, read_lobster(folder / f"{STEM}_message_2.csv"))
    same(book, read_lobster(folder / f"{STEM}_orderbook_2.csv"))
    same(book, read_lobster(tmp_path))  # the zip and its unpacked content beside it count once


def test_chooses_by_ticker_and_date(write_pair):
    folder = write_pair()
    write_pair(stem=STEM.replace("ABC", "XY"))
    write_pair(stem=STEM.replace("01-02", "01-03"))
    assert read_lobster(folder, ticker="XY").ticker == "XY"
    assert read_lobster(folder, ticker="ABC", date="2024-01-03").date == "2024-01-03"
    with pytest.raises(
        ValueError, match=r"several books: ABC 2024-01-02 \(2 levels\), ABC 2024-01-03.*`date`"
    ):
        read_lobster(folder, ticker="ABC")
    with pytest.raises(ValueError, match=r"no book of AMZN\. It holds ABC 2024-01-02"):
        read_lobster(folder, ticker="AMZN")


def edit(text, line, new):
    lines = text.splitlines()
    lines[line - 1] = new
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("message", "orderbook", "sentence"),
    [
        (
            MESSAGE,
            "\n".join(ORDERBOOK.splitlines()[:2]),
            r"message_2\.csv has 3 rows.*orderbook_2\.csv has 2",
        ),
        (
            MESSAGE,
            edit(ORDERBOOK, 3, "100100,50,99900"),
            r"orderbook_2\.csv, line 3: 3 columns.* must have 8 \(4 for",
        ),
        (edit(MESSAGE, 2, "34200.5,4,12,30"), ORDERBOOK, r"message_2\.csv, line 2: 4 columns.*must have 6"),
        (
            MESSAGE.replace(",-1\n", ",-1,9\n").replace(",1\n", ",1,9\n"),
            ORDERBOOK,
            r"line 1: 7 columns.*have 6",
        ),
        (
            edit(MESSAGE, 2, "34200.5,4,twelve,30,100100,-1"),
            ORDERBOOK,
            r"line 2, column 3: 'twelve' is not a number",
        ),
        (edit(MESSAGE, 1, "nan,1,11,100,99900,1"), ORDERBOOK, r"line 1, column 1: 'nan' is not a number"),
        (MESSAGE, ORDERBOOK.replace("80", "8.5"), r"line 1, column 2: '8\.5' is not a whole number"),
        (MESSAGE, ORDERBOOK.replace("80", ""), r"line 1, column 2: '' is not a whole number"),
        ("", ORDERBOOK, r"message_2\.csv is empty"),
        (MESSAGE, "\n\n", r"orderbook_2\.csv is empty"),
        (
            MESSAGE,
            edit(ORDERBOOK, 2, "100100,50,99900,100,100300,60,-9999999999,5"),
            r"line 2: a level without a price",
        ),
        (
            edit(MESSAGE, 3, "34200.1,1,13,10,99900,1"),
            ORDERBOOK,
            r"row 3 \(09:30:00\.100\).*must not go back",
        ),
        (edit(MESSAGE, 2, "34200.5,9,12,30,100100,-1"), ORDERBOOK, r"row 2 .*LOBSTER type"),
        (edit(MESSAGE, 2, "34200.5,1000,12,30,100100,-1"), ORDERBOOK, r"row 2 .*LOBSTER type"),
        (edit(MESSAGE, 2, "34200.5,4.5,12,30,100100,-1"), ORDERBOOK, r"row 2 .*LOBSTER type"),
        (MESSAGE, ORDERBOOK.replace("80,99900", "80,100100"), r"row 1 .*crossed, bid 10\.01 ≥ ask 10\.01"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(write_pair, message, orderbook, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_lobster(write_pair(message=message, orderbook=orderbook))


def test_missing_path_says_where_to_get_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist.*lobsterdata\.com"):
        read_lobster(tmp_path / "nowhere")


def test_no_pair(tmp_path, write_pair):
    with pytest.raises(ValueError, match="holds no pair"):
        read_lobster(tmp_path)
    write_pair()
    (tmp_path / f"{STEM}_orderbook_2.csv").unlink()
    for path in (tmp_path, tmp_path / f"{STEM}_message_2.csv"):
        with pytest.raises(
            ValueError, match=r"holds no pair.*only ABC_.*_message_2\.csv without its other half"
        ):
            read_lobster(path)
    (tmp_path / "prices.csv").write_text("1,2\n")
    with pytest.raises(ValueError, match=r"prices\.csv is not a LOBSTER name"):
        read_lobster(tmp_path / "prices.csv")


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_truncated_zip(zipped, kept):
    content = zipped.read_bytes()
    zipped.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=r"ABC_2\.zip is not a complete zip.*Download it again"):
        read_lobster(zipped)


def test_corrupt_zip(zipped):
    content = bytearray(zipped.read_bytes())
    start = content.index(b"_message_2.csv") + len(b"_message_2.csv")
    content[start + 4 : start + 24] = bytes(20)
    zipped.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot unpack inside/.*_message_2\.csv .*Download it again"):
        read_lobster(zipped)


def test_writing_and_reading_back_gives_the_same_book(tmp_path):
    book = ZeroIntelligence().simulate_day(seed=3, session=(34_200.0, 36_000.0))
    paths = write_lobster(book, tmp_path / "new")
    assert [p.name for p in paths] == [
        "SYNTHETIC_2000-01-03_34200000_36000000_message_5.csv",
        "SYNTHETIC_2000-01-03_34200000_36000000_orderbook_5.csv",
    ]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted(p.name for p in paths)
    same(book, read_lobster(tmp_path / "new"))


def test_missing_levels_and_halts_survive_writing(tmp_path, write_pair):
    book = read_lobster(write_pair())
    message, orderbook = write_lobster(book, tmp_path / "again")
    same(book, read_lobster(tmp_path / "again"))
    assert orderbook.read_text() == ORDERBOOK
    assert message.read_text().splitlines()[2] == "34201.250000000,7,0,0,-1,-1"


def test_writing_refuses_what_the_format_cannot_hold(tmp_path):
    book = ZeroIntelligence().simulate_day(seed=3, session=(34_200.0, 34_260.0))
    for changes, sentence in (
        ({"date": ""}, "must have a date"),
        ({"prices": book.prices + 0.00003}, "multiples of 0.0001"),
        ({"sizes": book.sizes + 0.5}, "whole sizes"),
    ):
        values = {f.name: getattr(book, f.name) for f in fields(book)} | changes
        with pytest.raises(ValueError, match=sentence):
            write_lobster(type(book)(**values), tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


@needs_lobster
@pytest.mark.parametrize(("ticker", "events"), [("AMZN", 155_935), ("GOOG", 112_673)])
def test_real_files(ticker, events):
    book = read_lobster(LOBSTER, ticker=ticker)
    assert (book.n_events, book.n_levels, book.date) == (events, 5, "2012-06-21")
    assert not book.one_sided.any()
    assert not book.halted.any()
    # the sides are the right way round: what is executed is the order at the best price of its side before
    done = np.flatnonzero(book.event[1:] == EXECUTION) + 1
    side = np.where(book.direction[done] > 0, BID, ASK)
    assert np.mean(book.prices[done - 1, side, 0] == book.price[done]) > 0.999
