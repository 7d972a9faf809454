"""Damage done on purpose to a temporary copy of an order book's files, to see who notices."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..checks import check_count
from .book_audit import reconcile
from .lobster import read_lobster, write_lobster
from .order_book import SUBMISSION, OrderBook

READER, RECONCILIATION, NOBODY = "the reader", "the reconciliation", "nobody"


class PlantedFault(NamedTuple):
    """One kind of damage, and who noticed it."""

    damage: str
    caught_by: str
    """`READER`, `RECONCILIATION` or `NOBODY`."""
    sentence: str
    """What was said, without the place of the copy."""


class _Copy:
    """The two files of a book as lines of cells, to be damaged and written back."""

    def __init__(self, book: OrderBook, folder: Path) -> None:
        self.paths = write_lobster(book, folder)
        self.messages, self.books = (
            [line.split(",") for line in path.read_text().splitlines()] for path in self.paths
        )

    def write(self) -> None:
        for path, rows in zip(self.paths, (self.messages, self.books), strict=True):
            path.write_text("\n".join(",".join(row) for row in rows) + "\n")


def _lose_message(copy: _Copy, row: int) -> None:
    del copy.messages[row]


def _lose_both(copy: _Copy, row: int) -> None:
    del copy.messages[row], copy.books[row]


def _swap_times(copy: _Copy, row: int) -> None:
    copy.messages[row][0], copy.messages[0][0] = copy.messages[0][0], copy.messages[row][0]


def _cut_line(copy: _Copy, row: int) -> None:
    del copy.books[row + 1 :]
    del copy.messages[row + 1 :]
    copy.books[row] = copy.books[row][:-1]


def _misread_digit(copy: _Copy, row: int) -> None:
    copy.books[row][0] = "O" + copy.books[row][0][1:]


def _cross(copy: _Copy, row: int) -> None:
    cells = copy.books[row]
    cells[0:2], cells[2:4] = cells[2:4], cells[0:2]


def _exchange_levels(copy: _Copy, row: int) -> None:
    cells = copy.books[row]
    cells[0:4], cells[4:8] = cells[4:8], cells[0:4]


def _one_share(copy: _Copy, row: int) -> None:
    copy.books[row][1] = str(int(copy.books[row][1]) + 1)


def _other_unit(copy: _Copy, row: int) -> None:
    for cells in copy.books:
        cells[0::2] = [str(10 * int(price)) for price in cells[0::2]]
    for cells in copy.messages:
        cells[4] = str(10 * int(cells[4]))


_DAMAGES: dict[str, Callable[[_Copy, int], None]] = {
    "a message is lost": _lose_message,
    "the file ends in the middle of a line": _cut_line,
    "a letter O for a digit": _misread_digit,
    "two messages exchange their times": _swap_times,
    "bid and ask exchanged in one row": _cross,
    "two levels exchanged in one row": _exchange_levels,
    "one size is wrong by one share": _one_share,
    "one row is lost from both files": _lose_both,
    "all prices are in another unit": _other_unit,
}


def _cut_out(book: OrderBook, rows: slice) -> OrderBook:
    """Some of the rows, as a book."""
    arrays: dict[str, Any] = {
        f.name: getattr(book, f.name)[rows]
        for f in fields(book)
        if isinstance(getattr(book, f.name), np.ndarray)
    }
    return replace(book, **arrays)


def planted_faults(book: OrderBook, *, rows: int = 500) -> tuple[PlantedFault, ...]:
    """Plant every kind of damage in a copy of the first messages of `book`, and ask who notices.

    Each copy is written by `write_lobster`, damaged as text, and read again by `read_lobster`; what the
    reader accepts goes to `reconcile`. The last copy is zipped, and the zip cut short. The copies are
    removed; the book itself is not touched.

    Parameters
    ----------
    book : OrderBook
        With both sides and at least two levels visible in the rows that are copied.
    rows : int
        Messages in the copy, at least 10.

    Raises
    ------
    ValueError
        When the book's first rows have no submission in their second half, or the copy is at fault before
        any damage is done.

    Notes
    -----
    Pinned by `tests/market/test_planted_faults.py`.
    """
    check_count("rows", rows, at_least=10)
    sound = _cut_out(book, slice(0, rows))
    later = np.flatnonzero((sound.event == SUBMISSION) & (np.arange(sound.n_events) > sound.n_events // 2))
    later = later[(sound.sizes[later] > 0).all((1, 2)) & (sound.times[later] > sound.times[0])]
    usable = later[np.abs(sound.sizes[later] - sound.sizes[later - 1]).sum((1, 2)) > 0]
    if len(usable) == 0:
        raise ValueError(
            f"`book` must show a submission in the second half of its first {rows} rows, got none"
        )
    row = int(usable[0])
    faults = [_ask("nothing at all", sound, lambda copy, row: None, row)]
    if faults[0].caught_by != NOBODY:
        raise ValueError(f"`book` is at fault before any damage is done: {faults[0].sentence}")
    faults += [_ask(damage, sound, plant, row) for damage, plant in _DAMAGES.items()]
    return (*faults, _cut_zip(sound))


def _ask(damage: str, sound: OrderBook, plant: Callable[[_Copy, int], None], row: int) -> PlantedFault:
    with tempfile.TemporaryDirectory() as name:
        copy = _Copy(sound, Path(name))
        plant(copy, row)
        copy.write()
        return _verdict(damage, Path(name))


def _cut_zip(sound: OrderBook) -> PlantedFault:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_lobster(sound, folder / "whole")
        archive = folder / "sample.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            for path in paths:
                opened.write(path, path.name)
        content = archive.read_bytes()
        archive.write_bytes(content[: len(content) // 2])
        for path in paths:
            path.unlink()
        return _verdict("the zip is half as long as it should be", folder)


def _verdict(damage: str, folder: Path) -> PlantedFault:
    try:
        read = read_lobster(folder)
    except ValueError as error:
        return PlantedFault(damage, READER, str(error).replace(f"{folder}{os.sep}", ""))
    found = reconcile(read)
    return PlantedFault(damage, RECONCILIATION if found.first else NOBODY, found.first)
