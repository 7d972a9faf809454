"""Execute one chapter in a fresh kernel, all of it or nothing.

The executed notebook is written under a temporary name and moved into place when it is whole, so that
whatever stops a run (an error, Ctrl-C, the power) leaves either the notebook or no notebook.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowexec.publish.chapters import Book, Chapter
from flowexec.publish.errors import PublishError

__all__ = ["KERNEL_ENVIRONMENT", "ChapterFailed", "Run", "execute_chapter", "workspace", "write_atomically"]

#: Set for every kernel. Two threads whatever the machine has: torch's sums depend on the number of threads,
#: and the printed numbers of the book should not depend on the reader's processor. One for OpenBLAS, whose
#: products are small here: on a busy machine a second thread waits for the first most of the time.
KERNEL_ENVIRONMENT = {
    "NUMBA_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "2",
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the same name in the home folder
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger greets every kernel on stderr
}


class ChapterFailed(PublishError):
    """A cell of the chapter raised. `notebook` holds everything up to there, with the traceback."""

    exit_code = 1

    def __init__(self, message: str, notebook: Any, seconds: float) -> None:
        super().__init__(message)
        self.notebook = notebook
        self.seconds = seconds


@dataclass(frozen=True)
class Run:
    """An executed chapter."""

    notebook: Any
    seconds: float


def execute_chapter(book: Book, chapter: Chapter, parameters: Mapping[str, Any] | None = None) -> Run:
    """Run `chapter` from top to bottom in a fresh kernel, in its own folder, with `parameters` put in.

    Parameters
    ----------
    parameters : mapping, optional
        Already checked by `Chapter.check_parameters`.

    Raises
    ------
    ChapterFailed
        If a cell raises or the kernel dies; the message names chapter, cell, line and error.
    """
    import papermill  # here, because it pulls in most of Jupyter

    with workspace(book) as work:
        source, target = work / "source.ipynb", work / "executed.ipynb"
        source.write_text(json.dumps(chapter.notebook), encoding="utf8")
        start = time.perf_counter()
        try:
            with _environment({**KERNEL_ENVIRONMENT, "IPYTHONDIR": str(work / "ipython")}):
                notebook = papermill.execute_notebook(
                    source,
                    target,
                    parameters=dict(parameters or {}),
                    kernel_name="python3",
                    cwd=chapter.source.parent,
                    progress_bar=False,
                    request_save_on_cell_execute=False,
                    start_timeout=120,
                    extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # errors reach us as outputs anyway
                )
        except papermill.PapermillExecutionError as error:
            import nbformat

            failed = nbformat.read(target, as_version=4)
            raise ChapterFailed(_explain(chapter, error), failed, time.perf_counter() - start) from None
        except RuntimeError as error:  # the kernel died: out of memory, or a crash in compiled code
            message = f"{chapter.name}: the kernel stopped ({error})."
            raise ChapterFailed(message, None, time.perf_counter() - start) from None
        seconds = time.perf_counter() - start
    _forget_paths(notebook)
    return Run(notebook, seconds)


@contextlib.contextmanager
def workspace(book: Book) -> Iterator[Path]:
    """A folder in `_build` for things half made, removed afterwards; what a killed process left goes too."""
    shelf = book.build / ".work"
    shelf.mkdir(parents=True, exist_ok=True)
    for old in shelf.iterdir():
        if not _alive(old.name.partition("-")[0]):
            shutil.rmtree(old, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=shelf))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path` so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _explain(chapter: Chapter, error: Any) -> str:
    """Which cell, which line of it, what error."""
    code = [cell for cell in chapter.notebook.cells if cell.cell_type == "code"]
    number = next((i for i, cell in enumerate(code, 1) if cell.source == error.source), None)
    where = f"code cell {number} of {len(code)}" if number else f"cell {error.exec_count}"
    first = next((line for line in error.source.splitlines() if line.strip()), "")
    return f"{chapter.name}: {where} (`{first.strip()}` …) raised {error.ename}: {error.evalue}"


def _forget_paths(notebook: Any) -> None:
    """Drop papermill's record of temporary paths, which would differ at every run."""
    record = notebook.metadata.get("papermill", {})
    for key in ("input_path", "output_path"):
        record.pop(key, None)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the kernels started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
