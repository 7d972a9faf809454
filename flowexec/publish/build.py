"""Turn the chapters into the published site.

::

    book/**/*.md ── papermill, once ──► _build/executed/*.ipynb ── cache ──► Jupyter Book ──► _build/html
                                        beside each: the digest of what its outputs depend on

Each chapter is executed when its digest changed and never otherwise; the site is built again when anything it
is made of changed. Both are written whole and moved into place, the record of what they were made from last,
so a build that was stopped at any moment is taken up where it stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowexec.publish.assets import write_assets
from flowexec.publish.chapters import SOURCES, Book, Chapter
from flowexec.publish.digest import chapter_digest, file_digest, package_folder, tree_digest
from flowexec.publish.errors import PublishError
from flowexec.publish.run import ChapterFailed, execute_chapter, workspace, write_atomically

__all__ = ["BuildFailed", "Record", "build_book", "executed_path", "is_current", "read_record"]


class BuildFailed(PublishError):
    """Chapters raised, or the site has warnings."""

    exit_code = 1


@dataclass(frozen=True)
class Record:
    """What is kept beside an executed notebook: what it was made from, and how long that took."""

    digest: str
    seconds: float


def build_book(book: Book, *, force: bool = False, only: Sequence[Chapter] = ()) -> Path:
    """Execute what needs executing and build the site; returns its first page.

    Parameters
    ----------
    force : bool
        Execute (the chapters in `only`, or all) even if nothing they depend on changed.
    only : sequence of Chapter
        Execute no others. Pages of chapters that were never executed then cannot be built, which is an error.

    Raises
    ------
    BuildFailed
        After every chapter had its turn, if one of them failed; or if the site cannot be built without a
        warning.
    """
    with _one_build_at_a_time(book):
        _execute(book, force=force, only=only or book.chapters)
        missing = [c.name for c in book.chapters if not executed_path(book, c).is_file()]
        if missing:
            raise BuildFailed(f"Never executed, so the site cannot be built: {', '.join(missing)}.")
        return _site(book)


def executed_path(book: Book, chapter: Chapter) -> Path:
    """Where the executed notebook of a chapter lies."""
    return book.build / "executed" / f"{chapter.name}.ipynb"


def is_current(book: Book, chapter: Chapter) -> bool:
    """Whether the executed notebook is what an execution now would give."""
    record = read_record(executed_path(book, chapter))
    return record is not None and record.digest == chapter_digest(book, chapter)


def _execute(book: Book, *, force: bool, only: Sequence[Chapter]) -> None:
    failures: list[str] = []
    for number, chapter in enumerate(only, 1):
        target = executed_path(book, chapter)
        label = f"[{number}/{len(only)}] {chapter.name}"
        if not force and is_current(book, chapter):
            print(f"{label}  up to date", flush=True)
            continue
        print(f"{label}  ", end="", flush=True)
        digest = chapter_digest(
            book, chapter
        )  # before the run: an edit made during it must not pass as executed
        target.with_suffix(".json").unlink(missing_ok=True)
        failed = book.build / "failed" / f"{chapter.name}.ipynb"
        try:
            run = execute_chapter(book, chapter)
        except ChapterFailed as error:
            print(f"FAILED after {error.seconds:.1f} s", flush=True)
            note = str(error)
            if error.notebook is not None:
                write_atomically(failed, json.dumps(error.notebook, indent=1, ensure_ascii=False))
                note += f"\n    up to there: {failed.relative_to(book.root)}"
            failures.append(note)
            continue
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            raise
        print(f"{run.seconds:.1f} s", flush=True)
        failed.unlink(missing_ok=True)
        write_atomically(target, json.dumps(run.notebook, indent=1, ensure_ascii=False) + "\n")
        _write_record(target, Record(digest, run.seconds))
    if failures:
        count = f"{len(failures)} of {len(only)} chapters failed" if len(only) > 1 else "The chapter failed"
        raise BuildFailed(f"{count}; the site was left as it is.\n" + "\n".join(f"  {f}" for f in failures))


def _site(book: Book) -> Path:
    """Build `_build/html` unless it is what this would build anyway."""
    html, stamp = book.build / "html", book.build / "html.digest"
    first = html / "index.html"
    digest = _site_digest(book)
    if first.is_file() and stamp.is_file() and stamp.read_text() == digest and not _missing_pages(book, html):
        print("The site is up to date.", flush=True)
        return first
    print("Building the site  ", end="", flush=True)
    start = time.perf_counter()
    _remove_strays(book)
    write_assets(book)
    _fill_cache(book)
    with workspace(book) as work:
        _sphinx(book, work)
        made = work / "_build" / "html"
        if missing := _missing_pages(book, made):
            raise BuildFailed(f"The site lacks the pages {', '.join(missing)}.")
        stamp.unlink(missing_ok=True)
        if html.exists():
            html.rename(work / "old")
        made.rename(html)
    write_atomically(stamp, digest)
    print(f"{time.perf_counter() - start:.1f} s", flush=True)
    return first


def _sphinx(book: Book, output: Path) -> None:
    """`jupyter-book build --all -W -n --keep-going`, refused if it warns or executes anything."""
    command = [
        Path(sys.executable).with_name("jupyter-book"),
        "build",
        book.root,
        "--path-output",
        output,
        "--all",
        "-W",
        "-n",
        "--keep-going",
    ]
    log = book.build / "site.log"
    # one thread of BLAS is enough to read pages; the locale decides the order of the index
    environment = {**os.environ, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=book.root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log.write_text(done.stdout, encoding="utf8")
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    complaints = [line for line in text.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", line)]
    if "Executing notebook" in text:
        complaints.append("Jupyter Book executed a notebook: its cache did not hold what papermill ran.")
    if done.returncode or complaints:
        print("FAILED", flush=True)
        shown = complaints or text.splitlines()[-15:]
        raise BuildFailed(
            f"Jupyter Book found {len(complaints) or 'some'} fault(s); "
            f"all of its log: {log.relative_to(book.root)}\n" + "\n".join(f"  {line}" for line in shown[:40])
        )


def _fill_cache(book: Book) -> None:
    """Hand every chapter's outputs to jupyter-cache, on the notebook exactly as MyST-NB will read it."""
    from jupyter_cache import get_cache
    from jupyter_cache.cache.main import CacheBundleIn
    from myst_nb.core.read import read_myst_markdown_notebook

    folder = book.build / ".jupyter_cache"
    shutil.rmtree(
        folder, ignore_errors=True
    )  # a killed build may have left half a database; filling it is cheap
    cache = get_cache(str(folder))
    for chapter in book.chapters:
        path = executed_path(book, chapter)
        executed = json.loads(path.read_text(encoding="utf8"))
        outputs = [c for c in executed["cells"] if c["cell_type"] == "code"]
        notebook = read_myst_markdown_notebook(
            chapter.source.read_text(encoding="utf8"), config=None, path=chapter.source
        )
        cells = [c for c in notebook.cells if c.cell_type == "code"]
        if [c.source for c in cells] != [_text(c["source"]) for c in outputs]:
            raise BuildFailed(
                f"{chapter.name}: its source changed while the book was being built; run it again."
            )
        for cell, done in zip(cells, outputs, strict=True):
            cell.outputs, cell.execution_count = _nodes(done["outputs"]), done["execution_count"]
        record = read_record(path)
        cache.cache_notebook_bundle(
            CacheBundleIn(
                notebook, str(chapter.source), data={"execution_seconds": record.seconds if record else 0}
            ),
            check_validity=False,
            overwrite=True,
        )


def _site_digest(book: Book) -> str:
    records = [file_digest(executed_path(book, chapter)) for chapter in book.chapters]
    names = ("_config.yml", "_toc.yml", "constraints.txt", SOURCES)
    sources = tree_digest(book.root, *(book.root / name for name in names))
    package = package_folder(book)  # its docstrings are the API appendix
    return " ".join([sources, tree_digest(package, package), *records, sys.version.partition(" ")[0]])


def _missing_pages(book: Book, html: Path) -> list[str]:
    return [f"{name}.html" for name in ("index", *book.docnames) if not (html / f"{name}.html").is_file()]


def _remove_strays(book: Book) -> None:
    """Executed notebooks of chapters that are no longer in the book."""
    folder = book.build / "executed"
    kept = {executed_path(book, chapter) for chapter in book.chapters}
    for path in folder.rglob("*.ipynb"):
        if path not in kept:
            path.unlink()
            path.with_suffix(".json").unlink(missing_ok=True)


def read_record(notebook: Path) -> Record | None:
    """The record beside an executed notebook; None if either is missing or was cut short."""
    try:
        return Record(**json.loads(notebook.with_suffix(".json").read_text())) if notebook.is_file() else None
    except (OSError, ValueError, TypeError):
        return None


def _write_record(notebook: Path, record: Record) -> None:
    write_atomically(notebook.with_suffix(".json"), json.dumps(record.__dict__))


@contextlib.contextmanager
def _one_build_at_a_time(book: Book) -> Iterator[None]:
    book.build.mkdir(parents=True, exist_ok=True)
    with (book.build / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PublishError("Another build of this book is running; wait for it or stop it.") from None
        yield


def _text(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)


def _nodes(outputs: Any) -> Any:
    import nbformat

    return [nbformat.from_dict(output) for output in outputs]
