"""Which order book to use: the reader's own LOBSTER files where there are some, else a synthetic day."""

from __future__ import annotations

import os
from pathlib import Path

from .lobster import read_lobster
from .lobster_files import WHERE_TO_GET_IT, find_pairs
from .order_book import OrderBook
from .synthetic_book import ZeroIntelligence

VARIABLE = "FLOWEXEC_LOBSTER"


def _checkout() -> Path | None:
    """The folder the package is developed in, if it is not installed somewhere else."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


def lobster_source(path: str | os.PathLike[str] | None = None) -> Path | None:
    """Where the LOBSTER files are: `path`, else the variable FLOWEXEC_LOBSTER, else `data/lobster`.

    `data/lobster` is looked for in the current folder and in the checkout, and counts when a CSV or zip file
    is in it.

    Returns
    -------
    pathlib.Path or None
        None when nothing was named and nothing is there.

    Raises
    ------
    FileNotFoundError
        When the place named by `path` or by the variable does not exist: who names a place wants it used.
    """
    for name, named in (("`path`", path), (f"the environment variable {VARIABLE}", os.environ.get(VARIABLE))):
        if named is not None and str(named) != "":
            if not Path(named).exists():
                raise FileNotFoundError(
                    f"{name} says that LOBSTER files are at {named}, which does not exist"
                )
            return Path(named)
    for root in (Path.cwd(), _checkout()):
        if root is not None:
            folder = root / "data" / "lobster"
            if any(any(folder.glob(pattern)) for pattern in ("*.zip", "*.csv", "*/*.csv")):
                return folder
    return None


def load_book(
    path: str | os.PathLike[str] | None = None,
    ticker: str | None = None,
    *,
    seed: int,
    date: str | None = None,
    fallback: ZeroIntelligence | None = None,
) -> OrderBook:
    """A real order book where files are found (`lobster_source`), else a synthetic one; `.source` says which.

    Parameters
    ----------
    path : path, optional
        A folder, zip or CSV file; `lobster_source` says what is taken when it is left out.
    ticker, date : str, optional
        Which book, where the files hold several.
    seed : int
        Of the synthetic book; a real one does not use it.
    fallback : ZeroIntelligence, optional
        The model of the synthetic book.

    Raises
    ------
    FileNotFoundError, ValueError
        When files were named or found but cannot be read: they are never silently replaced by synthetic ones.

    Notes
    -----
    Pinned by `tests/market/test_load_book.py`.
    """
    place = lobster_source(path)
    if place is not None:
        return read_lobster(place, ticker=ticker, date=date)
    return (fallback or ZeroIntelligence()).simulate_day(seed=seed)


def how_to_get_data() -> str:
    """One sentence for a page that had to use the synthetic book."""
    return f"No LOBSTER files were found: {WHERE_TO_GET_IT}."


def load_books(
    path: str | os.PathLike[str] | None = None,
    ticker: str | None = None,
    *,
    seed: int,
    fallback: ZeroIntelligence | None = None,
) -> dict[str, OrderBook]:
    """Every real order book where files are found, by ticker, else the synthetic one; `.source` says which.

    Parameters
    ----------
    path : path, optional
        As in `load_book`.
    ticker : str, optional
        Which stock comes first; the others follow in the order of the alphabet. The synthetic book is no
        choice of stock and is called what its model calls itself.
    seed, fallback
        As in `load_book`.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_book`, and when files were found but none is of `ticker`: another stock is no answer.

    Notes
    -----
    Pinned by `tests/market/test_load_book.py`.
    """
    place = lobster_source(path)
    if place is None:
        book = load_book(seed=seed, fallback=fallback)
        return {book.ticker: book}
    found = {pair.ticker for pair in find_pairs(place)}
    first = [] if ticker is None else [ticker]
    return {name: read_lobster(place, ticker=name) for name in [*first, *sorted(found.difference(first))]}
