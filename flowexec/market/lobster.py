"""Order books in LOBSTER's format: finding, reading, checking and writing message + orderbook pairs.

The files are those of LOBSTER (lobsterdata.com), two CSV files a stock and day without headers, named
`TICKER_YYYY-MM-DD_BEGIN_END_message_LEVELS.csv` and `…_orderbook_LEVELS.csv`, BEGIN and END in milliseconds
after midnight. A message row is time (s), type, order id, size, price × 10,000, direction; an orderbook row
is ask price, ask size, bid price, bid size of level 1, then of level 2, and so on.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import numpy as np

from .lobster_files import CsvFile, choose_pair
from .order_book import HALT, PRICE_UNIT, OrderBook

NO_PRICE = 9_999_999_999
"""Price of a level that does not exist: +NO_PRICE on the ask side, −NO_PRICE on the bid side, size 0."""


def _table(file: CsvFile, columns: int, what: str) -> np.ndarray:
    """The numbers of a CSV file as [row, column]; orderbook files hold integers, message files fractions."""
    raw = file.read()
    if not raw.strip():
        raise ValueError(f"{file.name} is empty. Download it again")
    dtype = np.int64 if what == "orderbook" else np.float64
    try:
        table = np.loadtxt(io.BytesIO(raw), delimiter=",", dtype=dtype, comments=None, ndmin=2)
        if table.shape[1] == columns and np.isfinite(table).all():
            return table
        error = None
    except ValueError as caught:
        error = caught
    for number, line in enumerate(raw.decode("ascii", "replace").splitlines(), start=1):
        cells = line.split(",")
        if line.strip() and len(cells) != columns:
            raise ValueError(
                f"{file.name}, line {number}: {len(cells)} columns, but this {what} file must have {columns}"
                + (" (4 for each level in its name)" if what == "orderbook" else "")
                + ". Was the download cut short, or the file edited? Download it again"
            ) from error
        for column, cell in enumerate(cells, start=1):
            try:
                good = bool(np.isfinite(dtype(cell)))
            except (ValueError, OverflowError):
                good = not line.strip()
            if not good:
                raise ValueError(
                    f"{file.name}, line {number}, column {column}: {cell!r} is not a"
                    f"{' whole' if dtype is np.int64 else ''} number. Download the file again"
                ) from error
    raise ValueError(f"{file.name} is not a table of numbers ({error}). Download it again") from error


def read_lobster(
    path: str | os.PathLike[str], *, ticker: str | None = None, date: str | None = None
) -> OrderBook:
    """Read a message + orderbook pair of any number of levels.

    Parameters
    ----------
    path : path
        A folder with CSV pairs or zips in it, a downloaded zip, or one CSV file of a pair.
    ticker, date : str, optional
        Which book, where there are several; the date as YYYY-MM-DD.

    Raises
    ------
    FileNotFoundError
        When `path` does not exist.
    ValueError
        When there is no pair or there are several, a zip is truncated or corrupt, a file has a wrong number
        of columns, a cell that is no number, or another number of rows than its partner, and whatever
        `OrderBook` refuses. The sentence says where, and what to do.

    Notes
    -----
    Dummy levels (price ±9999999999, size 0) become levels of size 0. Pinned by
    `tests/market/test_lobster.py`.
    """
    pair = choose_pair(Path(path), ticker, date)
    message = _table(pair.message, 6, "message")
    book = _table(pair.orderbook, 4 * pair.levels, "orderbook")
    if len(message) != len(book):
        raise ValueError(
            f"{pair.message.name} has {len(message):,} rows, but {pair.orderbook.name} has {len(book):,}; "
            "each message must have its book. One of the two is cut short or of another download: "
            "download both again"
        )
    table = book.reshape(len(book), pair.levels, 2, 2)  # [event, level, (ask, bid), (price, size)]
    sides = table.transpose(0, 2, 1, 3)[:, ::-1]
    missing = (np.abs(sides[..., 0]) >= NO_PRICE) | (sides[..., 1] == 0)
    if (sides[..., 1][missing] != 0).any():
        row = int(np.argmax((missing & (sides[..., 1] != 0)).any((1, 2))))
        raise ValueError(
            f"{pair.orderbook.name}, line {row + 1}: a level without a price has a size. Download it again"
        )
    prices = sides[..., 0] / PRICE_UNIT
    prices[missing] = np.nan
    for level in range(1, pair.levels):  # a missing level repeats the deepest visible price
        prices[..., level] = np.where(missing[..., level], prices[..., level - 1], prices[..., level])
    event = message[:, 1]
    return OrderBook(
        ticker=pair.ticker,
        times=message[:, 0].copy(),
        event=event.astype(np.int8) if np.isin(event, range(128)).all() else event,
        order_id=message[:, 2].astype(np.int64),
        size=message[:, 3].copy(),
        price=np.where(event == HALT, message[:, 4], message[:, 4] / PRICE_UNIT),
        direction=message[:, 5].astype(np.int8),
        prices=prices,
        sizes=sides[..., 1].astype(np.float64),
        date=pair.date,
        session=pair.session,
        source=f"LOBSTER, {pair.ticker} on {pair.date}, {pair.levels} levels",
    )


def write_lobster(book: OrderBook, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write `book` as a message + orderbook pair into `folder`, and return the two paths.

    `read_lobster` gives the same book back. Each file appears under its name only when it is complete.

    Raises
    ------
    ValueError
        When the format cannot hold the book: no date, prices that are no multiples of 0.0001, fractional
        sizes.
    """
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", book.date):
        raise ValueError(f"`book` must have a date like 2012-06-21 to be written, got {book.date!r}")
    visible = book.sizes > 0
    units = np.where(visible, book.prices, 0.0) * PRICE_UNIT
    if (
        np.abs(units - np.rint(units)).max() > 1e-4
        or (book.sizes % 1 != 0).any()
        or (book.size % 1 != 0).any()
    ):
        raise ValueError("`book` must have prices in multiples of 0.0001 and whole sizes to be written")
    units = np.where(visible, np.rint(units), np.array([[-NO_PRICE], [NO_PRICE]]))
    rows = np.stack([units, book.sizes], axis=-1)[:, ::-1].transpose(0, 2, 1, 3).reshape(book.n_events, -1)
    price = np.where(book.event == HALT, book.price, np.rint(book.price * PRICE_UNIT))
    message = np.column_stack([book.times, book.event, book.order_id, book.size, price, book.direction])
    begin, end = (round(1000 * second) for second in book.session)
    stem = f"{book.ticker}_{book.date}_{begin}_{end}"
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / f"{stem}_message_{book.n_levels}.csv", folder / f"{stem}_orderbook_{book.n_levels}.csv")
    formats = (["%.9f"] + ["%d"] * 5, "%d")
    for path, table, form in zip(paths, (message, rows.astype(np.int64)), formats, strict=True):
        unfinished = path.with_suffix(".part")
        np.savetxt(unfinished, table, fmt=form, delimiter=",")
        unfinished.replace(path)
    return paths
