"""Chapters as programs: find them by name, list what they hold, check what a reader wants changed.

A chapter is a MyST notebook listed in `_toc.yml`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from flowexec.publish.errors import PublishError
from flowexec.publish.parameters import Parameter, read_parameters

__all__ = ["SOURCES", "Book", "Chapter", "find_book"]

#: The folder of the sources, left out of chapter names: `book/markets/heston` is the chapter
#: `markets/heston`.
SOURCES = "book"


@dataclass(frozen=True)
class Chapter:
    """A chapter of the book: its name, its source, and where in the book it stands."""

    name: str
    docname: str
    source: Path

    @cached_property
    def notebook(self) -> Any:
        """The source as a notebook without outputs."""
        import jupytext  # slow to import, and `flowexec --help` must not pay for it

        return jupytext.read(self.source)

    @cached_property
    def title(self) -> str:
        """The first heading."""
        for cell in self.notebook.cells:
            for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
                if line.startswith("# "):
                    return str(line[2:].strip())
        return self.name

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name, in the order of the cell."""
        return read_parameters(self.notebook, self.name)

    def check_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """`values` with every name known and every value of its type.

        Raises
        ------
        PublishError
            Naming the first offender, followed by what the chapter does have.
        """
        known = self.parameters
        checked: dict[str, Any] = {}
        for name, value in values.items():
            try:
                if name not in known:
                    raise PublishError(f"{self.name} has no parameter `{name}`{_suggest(name, known)}")
                checked[name] = known[name].coerce(value)
            except PublishError as error:
                raise PublishError(f"{error}\n{self.describe_parameters()}") from None
        return checked

    def describe_parameters(self) -> str:
        """The parameters as a table in plain text."""
        if not self.parameters:
            return f"{self.name} has no parameters."
        rows = [(p.name, p.type, repr(p.default), p.comment) for p in self.parameters.values()]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, [*widths, 0], strict=True)).rstrip()
            for row in rows
        ]
        return f"Parameters of {self.name}:\n" + "\n".join(f"  {line}" for line in lines)


@dataclass(frozen=True)
class Book:
    """A checkout of the book: `_toc.yml` and `_config.yml` at `root`, everything made goes to `_build`."""

    root: Path

    @property
    def build(self) -> Path:
        return self.root / "_build"

    @cached_property
    def docnames(self) -> tuple[str, ...]:
        """All pages of the table of contents, in reading order."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf8"))
        names = [toc["root"]]

        def walk(node: Any) -> None:
            if isinstance(node, list):
                for item in node:
                    walk(item)
            elif isinstance(node, dict):
                if "file" in node:
                    names.append(node["file"])
                for key in ("parts", "chapters", "sections", "subtrees", "entries"):
                    walk(node.get(key))

        walk(toc)
        return tuple(name.removesuffix(".md") for name in names)

    @cached_property
    def chapters(self) -> tuple[Chapter, ...]:
        """The pages that are notebooks, in reading order.

        Raises
        ------
        PublishError
            If the table of contents names a page that is not there.
        """
        found = []
        for docname in self.docnames:
            source = self.root / f"{docname}.md"
            if not source.is_file():
                raise PublishError(f"_toc.yml names `{docname}`, but there is no {docname}.md.")
            if _is_notebook(source):
                found.append(Chapter(docname.removeprefix(f"{SOURCES}/"), docname, source))
        return tuple(found)

    def chapter(self, name: str) -> Chapter:
        """The chapter called `name`: `markets/heston`, or the last part `heston` where only one ends so.

        Raises
        ------
        PublishError
            If there is none or more than one, with the names that come close.
        """
        wanted = name.removesuffix(".md").removeprefix("./").removeprefix(f"{SOURCES}/").strip("/")
        exact = [c for c in self.chapters if c.name == wanted]
        if exact:
            return exact[0]
        ending = [c for c in self.chapters if c.name.endswith(f"/{wanted}")]
        if len(ending) == 1:
            return ending[0]
        if ending:
            raise PublishError(
                f"`{name}` is the end of several chapters: {', '.join(c.name for c in ending)}."
            )
        names = [c.name for c in self.chapters]
        known = names if "/" in wanted else [n.rpartition("/")[2] for n in names]
        raise PublishError(
            f"There is no chapter `{name}`{_suggest(wanted, known)}\nChapters: {', '.join(names)}."
        )


def find_book(start: Path | None = None) -> Book:
    """The book that `start` (the current folder) lies in, else the checkout this package was installed from.

    Raises
    ------
    PublishError
        If neither holds a book.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "_toc.yml").is_file() and (folder / "_config.yml").is_file():
            return Book(folder)
    raise PublishError(
        f"There is no book here: no folder from {here} upwards holds a _toc.yml and a _config.yml."
    )


def _is_notebook(source: Path) -> bool:
    """Whether a page is executed: a MyST page with a kernel named in its front matter."""
    head, _, _ = source.read_text(encoding="utf8").removeprefix("---").partition("\n---")
    return source.read_text(encoding="utf8").startswith("---") and "kernelspec:" in head


def _suggest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(f'`{match}`' for match in close)}?" if close else "."
