"""What can be changed in a chapter: a line each in the cell tagged `parameters`, typed and commented::

    n_paths: int = 20_000  # Monte Carlo paths

papermill reads name, type, default and comment out of that line, so the cell is its own documentation. New
values come as text from the command line, or as values from a YAML file; both are checked against the type
before anything runs.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

import yaml

from flowexec.publish.errors import PublishError

__all__ = ["Parameter", "read_parameters"]

_WORDS = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false"}
_PLURALS = {"int": "whole numbers", "float": "numbers", "str": "texts", "bool": "true or false values"}
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell.

    Parameters
    ----------
    name, type, comment : str
        As papermill's inspection gives them; `type` is that of the default where there is no annotation.
    default : object
        The default, as a Python value.

    Notes
    -----
    Pinned by `tests/publish/test_chapters.py`.
    """

    name: str
    type: str
    default: Any
    comment: str

    def coerce(self, value: Any) -> Any:
        """`value` as this parameter's type.

        An int stands for a float, and text is read as it would be typed into the cell; nothing else is
        converted, so that half a path or the number "abc" is refused and not repaired.

        Raises
        ------
        PublishError
            If the value is not of the type, or not finite.
        """
        try:
            return _coerce(value, self.type.replace(" ", ""))
        except ValueError as reason:
            note = f" ({reason})" if str(reason) else ""
            raise PublishError(f"`{self.name}` must be {_describe(self.type)}, got {value!r}{note}") from None


def read_parameters(notebook: Any, chapter: str) -> dict[str, Parameter]:
    """The parameters of a notebook by name, in the order of the cell; none if there is no such cell.

    Raises
    ------
    PublishError
        If there are two such cells, a line papermill cannot read, or a default that is not a plain value.
    """
    from papermill.translators import (
        papermill_translators,
    )  # slow to import, and `flowexec --help` needs none of it

    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells:
        return {}
    if len(cells) > 1:
        raise PublishError(f"{chapter} has {len(cells)} cells tagged `parameters`; it may have one.")
    found = {}
    for line in papermill_translators.find_translator("python3", "python").inspect(cells[0]):
        try:
            default = ast.literal_eval(line.default)
        except (ValueError, SyntaxError):
            raise PublishError(
                f"{chapter}: the default of `{line.name}`, {line.default}, must be a plain value."
            ) from None
        kind = (
            type(default).__name__ if line.inferred_type_name == "None" else line.inferred_type_name.strip()
        )
        found[line.name] = Parameter(line.name, kind, default, line.help.strip())
    # papermill only warns of a line it cannot read, and a parameter that nobody can set is a defect
    if lost := _assigned(cells[0].source) - set(found):
        raise PublishError(
            f"{chapter}: papermill cannot read the parameter `{'`, `'.join(sorted(lost))}`; "
            "write `name: type = value  # comment` on one line, without `|` in the type or a second `=`."
        )
    return found


def _assigned(source: str) -> set[str]:
    """The names a cell assigns."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names.update(target.id for target in targets if isinstance(target, ast.Name))
    return names


def _coerce(value: Any, kind: str) -> Any:
    """`value` as `kind`; the text of the ValueError, perhaps empty, says more than the type does."""
    outer, inner = _split(kind)
    if outer == "Optional":
        absent = value is None or (isinstance(value, str) and value.lower() in ("none", "null"))
        return None if absent else _coerce(value, inner)
    if outer in ("list", "tuple"):
        return _sequence(value, outer, inner)
    if kind in ("int", "float"):
        return _number(value, kind)
    if kind == "bool" and isinstance(value, str):
        value = _BOOLS.get(value.lower(), value)
    if kind not in _WORDS:
        raise ValueError(f"its type `{kind}` cannot be set from outside")
    if not isinstance(value, bool if kind == "bool" else str):
        raise ValueError
    return value


def _number(value: Any, kind: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                raise ValueError from None  # Python's own words would only repeat the value
    if not math.isfinite(value):
        raise ValueError("it must be finite")
    if kind == "float":
        return float(value)
    if value != int(value):
        raise ValueError
    return int(value)


def _sequence(value: Any, outer: str, inner: str) -> list[Any] | tuple[Any, ...]:
    """`[1, 2]`, `(1, 2)` or `1, 2`, each element of its own type."""
    if isinstance(value, str):
        text = value.strip()
        text = text[1:-1] if text[:1] == "(" and text[-1:] == ")" else text
        try:
            value = yaml.safe_load(text if text.startswith("[") else f"[{text}]")
        except yaml.YAMLError:
            raise ValueError from None
    if not isinstance(value, list | tuple):
        raise ValueError
    kinds = inner.split(",") if inner else []
    if outer == "tuple" and kinds and "..." not in kinds and len(kinds) != len(value):
        raise ValueError(f"it must hold {len(kinds)} values")
    kinds = (
        kinds
        if outer == "tuple" and "..." not in kinds and kinds
        else [kinds[0] if kinds else ""] * len(value)
    )
    items = [_coerce(item, kind) if kind in _WORDS else item for item, kind in zip(value, kinds, strict=True)]
    return tuple(items) if outer == "tuple" else items


def _describe(kind: str) -> str:
    """A type in words."""
    outer, inner = _split(kind.replace(" ", ""))
    if outer == "Optional":
        return f"{_describe(inner)} or none"
    if outer in ("list", "tuple"):
        return f"a list of {_PLURALS.get(inner.partition(',')[0], 'values')}, like [1, 2]"
    return _WORDS.get(kind, f"a {kind}")


def _split(kind: str) -> tuple[str, str]:
    """`list[int]` as ("list", "int")."""
    outer, _, inner = kind.partition("[")
    return outer, inner.removesuffix("]")
