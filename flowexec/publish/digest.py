"""What a chapter's outputs depend on, as one number that changes when they might.

That is its code cells, the modules of the package it reaches, the data an environment variable points it to,
the lock and the Python version. Prose is not part of it: mending a sentence rebuilds the page and executes
nothing.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from flowexec.publish.chapters import Book, Chapter

__all__ = ["chapter_digest", "file_digest", "package_modules", "tree_digest"]

PACKAGE = "flowexec"
_VARIABLE = re.compile(r"\bFLOWEXEC_[A-Z][A-Z_]*\b")


def chapter_digest(book: Book, chapter: Chapter) -> str:
    """The digest of everything that decides what `chapter` computes."""
    code = [
        (c.source, sorted(c.metadata.get("tags", [])))
        for c in chapter.notebook.cells
        if c.cell_type == "code"
    ]
    package = package_folder(book)
    modules = package_modules(package, "\n".join(source for source, _ in code))
    texts = [source for source, _ in code] + [path.read_text(encoding="utf8") for path in modules]
    variables = sorted({name for text in texts for name in _VARIABLE.findall(text)})
    return _hash(
        {
            "code": code,
            "modules": [(path.relative_to(package).as_posix(), _module_digest(path)) for path in modules],
            "data": [(name, _data_digest(book, name)) for name in variables],
            "lock": file_digest(book.root / "constraints.txt"),
            "python": sys.version_info[:2],
        }
    )


def package_folder(book: Book) -> Path:
    """The package the chapters import: the checkout's own, else the installed one."""
    own = book.root / PACKAGE
    return own if own.is_dir() else Path(__file__).resolve().parents[1]


def package_modules(package: Path, code: str) -> list[Path]:
    """The files of the package that `code` imports, directly or through others.

    An `__init__.py` hands names on and computes nothing, so `from flowexec.market import Heston` reaches the
    module that defines `Heston` and not its neighbours. Imports inside functions count too.

    Parameters
    ----------
    package : Path
        The folder of the package.
    code : str
        Python source, as of a chapter's cells.
    """
    seen: set[Path] = set()
    waiting = list(_imported(code, package, ()))
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.name != "__init__.py":
            home = (PACKAGE, *path.relative_to(package).parts[:-1])
            waiting.extend(_imported(path.read_text(encoding="utf8"), package, home))
    return sorted(seen)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, or "absent"."""
    if not path.is_file():
        return "absent"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(root: Path, *paths: Path) -> str:
    """One digest over files and whole folders under `root`, by name and content."""
    files: set[Path] = set()
    for path in paths:
        files.update(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else files.add(path)
    kept = sorted(f for f in files if not {"__pycache__", ".ipynb_checkpoints"} & set(f.parts))
    return _hash([(f.relative_to(root).as_posix(), file_digest(f)) for f in kept])


def _imported(code: str, package: Path, home: tuple[str, ...]) -> set[Path]:
    """The files of the package that `code`, standing in the package `home`, names in its imports."""
    tree = _parse(code)
    found: set[Path] = set()
    for module, name, _ in _from_imports(tree, home):
        found |= _files(package, module, name)
    modules: dict[str, str] = {}  # the name a module goes by in this code → the module
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _files(package, alias.name, None)
                modules[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
    for node in ast.walk(tree):  # `import flowexec` reaches what is then asked of it: `flowexec.Heston`
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found |= _files(package, modules[node.value.id], node.attr)
    return found


def _from_imports(tree: ast.AST, home: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """(module, name there, name here) of every `from module import name`, relative ones made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield module, alias.name, alias.asname or alias.name


def _files(package: Path, module: str, name: str | None) -> set[Path]:
    """The files behind `import module` (no name) or `from module import name`."""
    first, *rest = module.split(".")
    if first != PACKAGE:
        return set()
    folder = package.joinpath(*rest)
    if folder.with_suffix(".py").is_file():
        return {folder.with_suffix(".py")}
    init = folder / "__init__.py"
    if not init.is_file():
        return set()
    if name is None:
        return {init}
    if (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file():
        return {init} | _files(package, f"{module}.{name}", None)
    tree = _parse(init.read_text(encoding="utf8"))
    handed = {here: (source, there) for source, there, here in _from_imports(tree, (first, *rest))}
    if name in handed:
        return {init} | _files(package, *handed[name])
    if name == "*":
        return {init}.union(*(_files(package, *origin) for origin in handed.values()))
    return {init}


def _module_digest(path: Path) -> str:
    """The file's digest; of an `__init__.py`, that of what is left without the names it hands on."""
    if path.name != "__init__.py":
        return file_digest(path)
    own = [
        node
        for node in _parse(path.read_text(encoding="utf8")).body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
    ]
    return _hash([ast.unparse(node) for node in own])


@cache
def _parse(code: str) -> ast.Module:
    """The syntax tree of a module or of a chapter's cells, without IPython's own commands."""
    lines = ["pass" if line.startswith(("%", "!")) else line for line in code.splitlines()]
    return ast.parse("\n".join(lines))


def _data_digest(book: Book, variable: str) -> Any:
    """The content of the file or folder a variable names; unset, of `data/<name>` in the checkout."""
    value = os.environ.get(variable)
    path = Path(value) if value else book.root / "data" / variable.removeprefix(f"{PACKAGE.upper()}_").lower()
    if path.exists():
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        return [(p.name, file_digest(p)) for p in files]
    return value or "absent"


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
