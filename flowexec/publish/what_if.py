"""What if: one chapter run again with other parameters, kept beside the book and not in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flowexec.publish.chapters import Book, Chapter
from flowexec.publish.errors import PublishError
from flowexec.publish.page import standalone_page
from flowexec.publish.run import ChapterFailed, execute_chapter, write_atomically

__all__ = ["WhatIf", "read_parameter_file", "run_what_if"]


@dataclass(frozen=True)
class WhatIf:
    """What a what-if run wrote."""

    notebook: Path
    page: Path
    seconds: float


def run_what_if(
    book: Book, chapter: Chapter, values: Mapping[str, Any], folder: Path | None = None
) -> WhatIf:
    """Run `chapter` with `values` in place of its defaults; write the notebook and a page that stands alone.

    Parameters
    ----------
    values : mapping
        Parameter name to value, as text or as a Python value; checked before anything runs.
    folder : Path, optional
        Where to write; `_build/runs` of the book by default.

    Raises
    ------
    PublishError
        If a name or value does not fit, or `folder` cannot be written to. Nothing is run or written then.
    ChapterFailed
        If a cell raises. The notebook up to there is kept under a name ending in `-failed`, and the message
        says so.
    """
    parameters = chapter.check_parameters(values)
    target = _writable(folder or book.build / "runs") / run_name(chapter, parameters)
    notebook, page, failed = (
        target.with_name(target.name + end) for end in (".ipynb", ".html", "-failed.ipynb")
    )
    try:
        run = execute_chapter(book, chapter, parameters)
    except ChapterFailed as error:
        if error.notebook is None:
            raise
        write_atomically(failed, _dump(error.notebook))
        raise ChapterFailed(
            f"{error}\n  What ran up to there: {failed}", error.notebook, error.seconds
        ) from None
    html = standalone_page(book, chapter, run.notebook, parameters)
    write_atomically(notebook, _dump(run.notebook))
    write_atomically(page, html)
    failed.unlink(missing_ok=True)
    return WhatIf(notebook, page, run.seconds)


def read_parameter_file(path: Path) -> dict[str, Any]:
    """Parameters from a YAML file, `name: value` a line.

    Raises
    ------
    PublishError
        If the file is not there, is not YAML, or is not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf8"))
    except OSError as reason:
        raise PublishError(f"Cannot read the parameter file {path}: {reason.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as reason:
        raise PublishError(f"{path} is not YAML: {' '.join(str(reason).split())}.") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise PublishError(f"{path} must hold one `name: value` a line.")
    return values


def _writable(folder: Path) -> Path:
    """The folder, made if need be: better refused before a chapter runs than after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise PublishError(f"Cannot write to the folder {folder}: {reason.strerror}.") from None
    if not os.access(folder, os.W_OK):
        raise PublishError(f"Cannot write to the folder {folder}: no permission.")
    return folder


def run_name(chapter: Chapter, parameters: Mapping[str, Any]) -> str:
    """A file name that says what was run: `markets-heston__n_paths=50000,rho=-0.9`."""
    said = ",".join(f"{name}={_short(value)}" for name, value in parameters.items()) or "defaults"
    safe = re.sub(r"[^A-Za-z0-9._=,+-]+", "_", said)
    if len(safe) > 120:  # file systems stop at 255; the digest keeps two long lists apart
        safe = f"{safe[:100]}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    return f"{chapter.name.replace('/', '-')}__{safe}"


def _short(value: Any) -> str:
    return "-".join(str(v) for v in value) if isinstance(value, list) else str(value)


def _dump(notebook: Any) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
