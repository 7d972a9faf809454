"""What a chapter's outputs depend on, as one number that changes when they might.

That is its code cells, the modules of the package it reaches, the data an environment variable points it to, the
lock and the Python version. Prose is not part of it: mending a sentence rebuilds the page and executes nothing.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from flowexec.publish.chapters import Book, Chapter

__all__ = ["chapter_digest", "file_digest", "package_modules", "tree_digest"]

PACKAGE = "flowexec"
_VARIABLE = re.compile(r"\bFLOWEXEC_[A-Z][A-Z_]*\b")


def chapter_digest(book: Book, chapter: Chapter) -> str:
    """The digest of everything that decides what `chapter` computes."""
    code = [(c.source, sorted(c.metadata.get("tags", []))) for c in chapter.notebook.cells if c.cell_type == "code"]
    package = book.root / PACKAGE
    modules = package_modules(package, "\n".join(source for source, _ in code))
    texts = [source for source, _ in code] + [path.read_text(encoding="utf8") for path in modules]
    variables = sorted({name for text in texts for name in _VARIABLE.findall(text)})
    return _hash(
        {
            "code": code,
            "modules": [(str(path.relative_to(book.root)), file_digest(path)) for path in modules],
            "data": [(name, _data_digest(book, name)) for name in variables],
            "lock": file_digest(book.root / "constraints.txt"),
            "python": sys.version_info[:2],
        }
    )


def package_modules(package: Path, code: str) -> list[Path]:
    """The files of the package that `code` imports, directly or through others.

    An `__init__.py` hands names on and computes nothing, so `from flowexec.market import Heston` reaches the module
    that defines `Heston` and not its neighbours. Imports inside functions count; so do module names in strings,
    which is how a lazy `__getattr__` writes them.
    """
    seen: set[Path] = set()
    waiting = list(_imports(_parse(code), package, package / "__chapter__.py"))
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.name != "__init__.py":
            waiting.extend(_imports(_parse(path.read_text(encoding="utf8")), package, path))
    return sorted(seen)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, or "absent"."""
    if not path.is_file():
        return "absent"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(*paths: Path) -> str:
    """One digest over files and whole folders, by name and content."""
    files: set[Path] = set()
    for path in paths:
        files.update(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else files.add(path)
    kept = sorted(f for f in files if "__pycache__" not in f.parts and ".ipynb_checkpoints" not in f.parts)
    return _hash([(str(f), file_digest(f)) for f in kept])


def _imports(tree: ast.AST, package: Path, importer: Path) -> set[Path]:
    """The files of the package that a syntax tree names."""
    found: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _resolve(package, alias.name, None)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                base = importer.parents[node.level - 1].relative_to(package.parent)
                module = ".".join([*base.parts, *([module] if module else [])])
            for alias in node.names:
                found |= _resolve(package, module, alias.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(f"{PACKAGE}."):
            found |= _resolve(package, node.value, None)
    return found


def _resolve(package: Path, module: str, name: str | None) -> set[Path]:
    """The files behind `import module` (name None) or `from module import name`."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return set()
    folder = package.joinpath(*parts[1:])
    if folder.with_suffix(".py").is_file():
        return {folder.with_suffix(".py")}
    init = folder / "__init__.py"
    if not init.is_file():
        return set()
    if name is not None:
        if (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file():
            return {init} | _resolve(package, f"{module}.{name}", None)
        source = _exports(init, package).get(name)
        if source:
            return {init} | _resolve(package, *source)
    # `import folder`, `from folder import *` or a name whose origin cannot be read: all the folder's own imports
    return {init} | (_imports(_parse(init.read_text(encoding="utf8")), package, init) if folder != package else
                     _everything(package))


def _exports(init: Path, package: Path) -> dict[str, tuple[str, str]]:
    """Name → (module, name there) for what an `__init__.py` hands on with `from … import …`."""
    handed: dict[str, tuple[str, str]] = {}
    for node in ast.walk(_parse(init.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                base = init.parents[node.level - 1].relative_to(package.parent)
                module = ".".join([*base.parts, *([module] if module else [])])
            for alias in node.names:
                handed[alias.asname or alias.name] = (module, alias.name)
    return handed


def _everything(package: Path) -> set[Path]:
    return set(package.rglob("*.py"))


@cache
def _parse(code: str) -> ast.Module:
    """The syntax tree of a module or of a chapter's cells (without IPython's own commands)."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines()]
    return ast.parse("\n".join(lines))


def _data_digest(book: Book, variable: str) -> Any:
    """The content of the file or folder a variable names; unset, that of its default, `data/<name>` in the checkout."""
    value = os.environ.get(variable)
    path = Path(value) if value else book.root / "data" / variable.removeprefix("FLOWEXEC_").lower()
    if path.exists():
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        return [(str(p.relative_to(path.parent)), file_digest(p)) for p in files]
    return value or "absent"


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
