"""Chapters as programs: find them, read their parameters, check new values for them.

A chapter is a MyST notebook listed in `_toc.yml`. What can be changed in it stands in the one cell tagged
`parameters`, one line each, with a type and a comment::

    n_paths: int = 20_000  # Monte Carlo paths

papermill reads name, type, default and comment out of that line, so the cell is its own documentation.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from flowexec.publish.errors import PublishError

__all__ = ["Book", "Chapter", "Parameter", "find_book"]

#: The folder of the sources, left out of chapter names: `book/markets/heston` is the chapter `markets/heston`.
SOURCES = "book"

_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
_SCALARS = ("int", "float", "str", "bool")


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell.

    Attributes
    ----------
    name, type, comment : str
        As papermill's inspection gives them. `type` is the annotation, or the type of the default where there is none.
    default : object
        The default, as a Python value.
    """

    name: str
    type: str
    default: Any
    comment: str

    def coerce(self, value: Any) -> Any:
        """`value` as this parameter's type, from a command line (text) or a YAML file (already a value).

        An int stands for a float, and text is read the way it would be typed into the cell; nothing else is
        converted, so that 0.5 paths or the number "abc" is refused rather than repaired.

        Raises
        ------
        PublishError
            If the value is not of the type, or not finite.
        """
        try:
            return _coerce(value, self.type.replace(" ", ""))
        except ValueError as reason:
            raise PublishError(f"`{self.name}` must be {_kind(self.type)}, got {value!r}{reason}") from None


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
        return _read_parameters(self)

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
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]
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
            raise PublishError(f"`{name}` is the end of several chapters: {', '.join(c.name for c in ending)}.")
        names = [c.name for c in self.chapters]
        raise PublishError(
            f"There is no chapter `{name}`{_suggest(wanted, names + [n.rpartition('/')[2] for n in names])}"
            f"\nChapters: {', '.join(names)}."
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
    raise PublishError(f"There is no book here: no folder from {here} upwards holds a _toc.yml and a _config.yml.")


def _is_notebook(source: Path) -> bool:
    """Whether a page is executed: a MyST page with a kernel named in its front matter."""
    head, _, _ = source.read_text(encoding="utf8").removeprefix("---").partition("\n---")
    return source.read_text(encoding="utf8").startswith("---") and "kernelspec:" in head


def _read_parameters(chapter: Chapter) -> dict[str, Parameter]:
    from papermill.translators import papermill_translators  # slow to import

    cells = [c for c in chapter.notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if not cells:
        return {}
    if len(cells) > 1:
        raise PublishError(f"{chapter.name} has {len(cells)} cells tagged `parameters`; it may have one.")
    found = {}
    for raw in papermill_translators.find_translator("python3", "python").inspect(cells[0]):
        default = ast.literal_eval(raw.default)
        kind = raw.inferred_type_name if raw.inferred_type_name != "None" else type(default).__name__
        found[raw.name] = Parameter(raw.name, kind.strip(), default, raw.help.strip())
    # papermill drops a line it cannot read with a warning only; a parameter that nobody can set is a defect
    assigned = {
        target.id
        for node in ast.parse(cells[0].source).body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    if lost := assigned - set(found):
        raise PublishError(
            f"{chapter.name}: papermill cannot read the parameter {', '.join(f'`{n}`' for n in sorted(lost))}; "
            "write `name: type = value  # comment` on one line, with no second `=` in it."
        )
    return found


def _coerce(value: Any, kind: str) -> Any:
    """`value` as `kind`, or a ValueError whose text (perhaps empty) is added to the message."""
    if kind.startswith("Optional[") and kind.endswith("]"):
        if value is None or (isinstance(value, str) and value.lower() in {"none", "null"}):
            return None
        return _coerce(value, kind[len("Optional[") : -1])
    if kind == "str":
        if not isinstance(value, str):
            raise ValueError("")
        return value
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
            return value.lower() in _TRUE
        raise ValueError("")
    if kind in ("int", "float"):
        return _number(value, kind)
    if kind.partition("[")[0] in ("list", "tuple"):
        return _sequence(value, kind)
    raise ValueError(f" (its type `{kind}` cannot be set from outside)")


def _number(value: Any, kind: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("")
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                raise ValueError("") from None
    if not math.isfinite(value):
        raise ValueError(" (it must be finite)")
    if kind == "float":
        return float(value)
    if value != int(value):
        raise ValueError("")
    return int(value)


def _sequence(value: Any, kind: str) -> list[Any]:
    outer, _, inner = kind.partition("[")
    element = inner.removesuffix("]").removesuffix(",...").partition(",")[0]
    if isinstance(value, str):
        try:
            value = yaml.safe_load(value if value.lstrip().startswith(("[", "(")) else f"[{value}]")
        except yaml.YAMLError:
            raise ValueError("") from None
    if not isinstance(value, list | tuple):
        raise ValueError("")
    if element not in _SCALARS:
        return list(value)
    if element == "str":
        return [_coerce(v, element) for v in value]
    return [_coerce(v, element) for v in value]


def _kind(kind: str) -> str:
    """A type in words."""
    words = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false"}
    outer, _, inner = kind.replace(" ", "").partition("[")
    if outer in ("list", "tuple"):
        plural = {"int": "whole numbers", "float": "numbers", "str": "texts", "bool": "true or false values"}
        return f"a list of {plural.get(inner.removesuffix(']').partition(',')[0], 'values')}, like [1, 2]"
    if outer == "Optional":
        return f"{_kind(inner.removesuffix(']'))} or none"
    return words.get(kind, f"a {kind}")


def _suggest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(f'`{c}`' for c in dict.fromkeys(close))}?" if close else "."
