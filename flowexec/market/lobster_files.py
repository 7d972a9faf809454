"""Finding LOBSTER's files: in folders, in zips as they were downloaded, or on their own."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

WHERE_TO_GET_IT = (
    "free samples are at lobsterdata.com/info/DataSamples.php; put the zip into data/lobster/, or set the "
    "environment variable FLOWEXEC_LOBSTER to its place"
)

FILE_NAME = re.compile(
    r"(?P<ticker>[^/\\]+)_(?P<date>\d{4}-\d{2}-\d{2})_(?P<begin>\d+)_(?P<end>\d+)_(?P<kind>message|orderbook)"
    r"_(?P<levels>\d+)\.csv"
)


@dataclass(frozen=True)
class CsvFile:
    """A CSV file, on its own or inside a zip."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        return Path(self.member).name or self.path.name

    def read(self) -> bytes:
        if not self.member:
            return self.path.read_bytes()
        with _open_zip(self.path) as archive:
            try:
                return archive.read(self.member)
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
                raise ValueError(
                    f"{self.path}: cannot unpack {self.member} ({error}). Download it again"
                ) from error


class Pair(NamedTuple):
    """The two files of one stock and day, and what their names say."""

    ticker: str
    date: str
    session: tuple[float, float]
    """Seconds after midnight."""
    levels: int
    message: CsvFile
    orderbook: CsvFile


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{path} is not a complete zip file ({error}): the download was cut short or is something else. "
            "Download it again, or move it away (7z archives must be unpacked first)"
        ) from error


def _find_files(path: Path) -> dict[str, CsvFile]:
    """The files at `path` by name; a zip and its unpacked content count once."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist. LOBSTER files are not part of this project: {WHERE_TO_GET_IT}"
        )
    if path.is_dir():
        # as downloaded, or unpacked into a folder of its own
        files = [CsvFile(p) for pattern in ("*.csv", "*/*.csv") for p in sorted(path.glob(pattern))]
        archives = sorted(path.glob("*.zip"))
    elif path.suffix.lower() == ".csv":
        found = FILE_NAME.fullmatch(path.name)
        if found is None:
            raise ValueError(
                f"{path.name} is not a LOBSTER name: it must read TICKER_YYYY-MM-DD_BEGIN_END_message_"
                "LEVELS.csv or …_orderbook_LEVELS.csv; ticker, session and levels are known from it only"
            )
        partner = {"message": "orderbook", "orderbook": "message"}[found["kind"]]
        name = path.name[: found.start("kind")] + partner + path.name[found.end("kind") :]
        files, archives = [CsvFile(p) for p in (path, path.with_name(name)) if p.exists()], []
    else:
        files, archives = [], [path]
    for archive in archives:
        with _open_zip(archive) as opened:
            files += [CsvFile(archive, member) for member in opened.namelist()]
    by_name: dict[str, CsvFile] = {}
    for file in files:
        by_name.setdefault(file.name, file)
    return by_name


def find_pairs(path: Path) -> list[Pair]:
    """The message + orderbook pairs in a folder or a zip, or the one that a CSV file belongs to.

    Raises
    ------
    FileNotFoundError
        When `path` does not exist.
    ValueError
        When a zip is broken, or there is no pair.
    """
    by_name = _find_files(path)
    pairs = []
    for name, file in by_name.items():
        parsed = FILE_NAME.fullmatch(name)
        if parsed is not None and parsed["kind"] == "message":
            partner = name[: parsed.start("kind")] + "orderbook" + name[parsed.end("kind") :]
            if partner in by_name:
                session = (int(parsed["begin"]) / 1000, int(parsed["end"]) / 1000)
                levels = int(parsed["levels"])
                pairs.append(Pair(parsed["ticker"], parsed["date"], session, levels, file, by_name[partner]))
    if not pairs:
        halves = sorted(name for name in by_name if FILE_NAME.fullmatch(name))
        raise ValueError(
            f"{path} holds no pair TICKER_YYYY-MM-DD_BEGIN_END_message_LEVELS.csv, …_orderbook_LEVELS.csv"
            + (f", only {', '.join(halves)} without its other half" if halves else "")
            + ". Download both files of a day (7z archives must be unpacked first)"
        )
    return pairs


def choose_pair(path: Path, ticker: str | None, date: str | None) -> Pair:
    """The one pair at `path` that is meant.

    Raises
    ------
    FileNotFoundError, ValueError
        As `find_pairs`, and when no pair or several fit; the sentence lists what there is.
    """
    pairs = find_pairs(path)
    wanted = [p for p in pairs if ticker in (None, p.ticker) and date in (None, p.date)]
    if len(wanted) == 1:
        return wanted[0]
    there = ", ".join(sorted(f"{p.ticker} {p.date} ({p.levels} levels)" for p in (wanted or pairs)))
    if wanted:
        raise ValueError(
            f"{path} holds several books: {there}. Choose by `ticker` and `date`, or name a file"
        )
    asked = " ".join(filter(None, (ticker, date)))
    raise ValueError(f"{path} holds no book of {asked}. It holds {there}")
