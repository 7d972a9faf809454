"""Results as plain data and back: dictionaries, lists, text and numbers, and so JSON."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import isfinite, nan
from typing import Any, Union, get_args, get_origin, get_type_hints

from .statistics import Estimate

NOT_FINITE = ("inf", "-inf", "nan")


def encode(value: Any) -> Any:
    """A result as plain data; a number that is not finite becomes "inf", "-inf" or "nan", as JSON has none.

    Dataclasses and named tuples become dictionaries of their fields, other tuples lists. `decode` is the way
    back.

    Pinned by `tests/analytics/test_records.py`.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if isfinite(value) else str(float(value))
    if is_dataclass(value) or hasattr(value, "_fields"):
        return {name: encode(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    raise ValueError(f"`value` must be made of plain data, got {value!r:.80}")


def decode(kind: Any, data: Any, name: str = "data") -> Any:
    """A `kind` again from the plain data that `encode` made of it.

    Parameters
    ----------
    kind : type
        A dataclass or named tuple of annotated fields, float, int, str, bool, `dict[str, …]`, `tuple[…, ...]`
        or any of these `| None`.
    data
        Plain data.
    name : str
        What errors call it.

    Raises
    ------
    ValueError
        When `data` is not a `kind`; the sentence says where, and what it should be.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (a for a in arguments if a is not type(None))
        return None if data is None else decode(inner, data, name)
    if origin is dict:
        _check(isinstance(data, Mapping), name, "be an object", data)
        return {key: decode(arguments[1], item, f"{name}.{key}") for key, item in data.items()}
    if origin is tuple:
        _check(isinstance(data, list | tuple), name, "be a list", data)
        return tuple(decode(arguments[0], item, f"{name}[{i}]") for i, item in enumerate(data))
    if kind is float:
        number = isinstance(data, int | float) and not isinstance(data, bool)
        _check(number or data in NOT_FINITE, name, 'be a number, "inf", "-inf" or "nan"', data)
        return float(data)
    if kind in (int, bool, str):
        words = {int: "a whole number", bool: "true or false", str: "a string"}[kind]
        _check(type(data) is kind, name, f"be {words}", data)
        return data
    hints, known = get_type_hints(kind), _fields(kind)
    _check(isinstance(data, Mapping) and set(data) == set(known), name, f"have the keys {known}", data)
    return kind(**{field: decode(hints[field], data[field], f"{name}.{field}") for field in known})


def numbers(value: Any, name: str = "") -> Iterator[tuple[str, Estimate]]:
    """Every number in a result with its place, such as `running_cost.3`; those without an error have NaN."""
    if isinstance(value, Estimate):
        yield name, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, Estimate(float(value), nan)
    elif is_dataclass(value) or hasattr(value, "_fields"):
        for field in _fields(type(value)):
            yield from numbers(getattr(value, field), f"{name}.{field}".lstrip("."))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from numbers(item, f"{name}.{key}".lstrip("."))
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value, 1):
            yield from numbers(item, f"{name}.{i}".lstrip("."))


def _fields(kind: Any) -> list[str]:
    """Names of the fields of a dataclass or named tuple."""
    return list(kind._fields) if issubclass(kind, tuple) else [field.name for field in fields(kind)]


def _check(good: bool, name: str, rule: str, data: Any) -> None:
    if not good:
        raise ValueError(f"`{name}` must {rule}, got {data!r:.80}")
