"""Which book is used: named, found, or synthetic, and never a silent replacement."""

import importlib
from pathlib import Path

import pytest

from flowexec.market.load_book import how_to_get_data, load_book, load_books, lobster_source
from flowexec.market.lobster import write_lobster
from flowexec.market.synthetic_book import ZeroIntelligence

module = importlib.import_module("flowexec.market.load_book")  # `flowexec.market` has a function of this name


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No variable, an empty current folder, and no checkout."""
    monkeypatch.delenv("FLOWEXEC_LOBSTER", raising=False)
    folder = tmp_path / "current"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(module, "_checkout", lambda: None)
    return folder


def put_files(folder: Path, ticker: str = "ABC") -> Path:
    book = ZeroIntelligence(ticker=ticker).simulate_day(seed=1, session=(34_200.0, 34_500.0))
    write_lobster(book, folder)
    return folder


def test_the_order_of_the_places(monkeypatch, tmp_path, nowhere):
    assert lobster_source() is None
    checkout = tmp_path / "checkout"
    monkeypatch.setattr(module, "_checkout", lambda: checkout)
    (checkout / "data" / "lobster").mkdir(parents=True)
    assert lobster_source() is None  # an empty folder is no data
    put_files(checkout / "data" / "lobster", "OUT")
    assert lobster_source() == checkout / "data" / "lobster"
    assert load_book(seed=0).ticker == "OUT"
    put_files(nowhere / "data" / "lobster", "CUR")
    assert load_book(seed=0).ticker == "CUR"
    monkeypatch.setenv("FLOWEXEC_LOBSTER", str(put_files(tmp_path / "variable", "VAR")))
    assert load_book(seed=0).ticker == "VAR"
    assert load_book(put_files(tmp_path / "named", "NAM"), seed=0).ticker == "NAM"
    monkeypatch.setenv("FLOWEXEC_LOBSTER", "")
    assert load_book(seed=0).ticker == "CUR"


def test_a_named_place_that_does_not_exist_is_an_error(monkeypatch, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"`path` says that LOBSTER files are at .*gone, which does not"
    ):
        load_book(tmp_path / "gone", seed=0)
    monkeypatch.setenv("FLOWEXEC_LOBSTER", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match="variable FLOWEXEC_LOBSTER says"):
        load_book(seed=0)


def test_files_that_are_there_are_never_replaced_by_synthetic_ones(tmp_path):
    folder = put_files(tmp_path / "files")
    with pytest.raises(ValueError, match=r"no book of AMZN\. It holds ABC"):
        load_book(folder, "AMZN", seed=0)
    next(folder.glob("*orderbook*")).write_text("1,2\n")
    with pytest.raises(ValueError, match="2 columns"):
        load_book(folder, seed=0)


def test_the_fallback_is_synthetic_and_says_so():
    book = load_book(ticker="AMZN", seed=7)
    assert book.source == "synthetic, zero-intelligence order flow, seed 7"
    assert book.ticker == "SYNTHETIC"
    other = load_book(seed=7, fallback=ZeroIntelligence(levels=2))
    assert other.n_levels == 2
    assert "lobsterdata.com" in how_to_get_data()
    assert "FLOWEXEC_LOBSTER" in how_to_get_data()


def test_a_real_book_says_so(tmp_path):
    assert load_book(put_files(tmp_path / "files"), seed=0).source == "LOBSTER, ABC on 2000-01-03, 5 levels"


def test_all_books_of_a_place_the_asked_one_first(tmp_path):
    folder = tmp_path / "files"
    for ticker in ("XYZ", "ABC", "MNO"):
        put_files(folder, ticker)
    assert list(load_books(folder, seed=0)) == ["ABC", "MNO", "XYZ"]
    books = load_books(folder, "MNO", seed=0)
    assert list(books) == ["MNO", "ABC", "XYZ"]
    assert all(book.ticker == name and book.source.startswith("LOBSTER") for name, book in books.items())
    with pytest.raises(ValueError, match=r"no book of AMZN\. It holds ABC .*MNO .*XYZ"):
        load_books(folder, "AMZN", seed=0)


def test_without_files_there_is_one_book_and_it_is_synthetic():
    books = load_books(ticker="AMZN", seed=7)
    assert list(books) == ["SYNTHETIC"]
    assert (books["SYNTHETIC"].times == load_book(seed=7).times).all()
    assert list(load_books(seed=7, fallback=ZeroIntelligence(ticker="MODEL"))) == ["MODEL"]
