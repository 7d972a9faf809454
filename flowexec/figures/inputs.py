"""What figures accept, refused in a sentence that names it; and how many points of it are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from ..analytics.statistics import Estimate

Value = TypeVar("Value")

MAX_POINTS = 2000
"""No trace holds more: more than two points to a pixel show nothing, and cost the reader's page."""


def check_series(name: str, value: Any, *, length: int | None = None, least: int = 1) -> np.ndarray:
    """`value` as a finite float array [n], with n = `length` where given and at least `least`.

    Raises
    ------
    ValueError
        Naming the argument, the rule and what came instead.
    """
    array = np.asarray(value, dtype=float)
    if array.ndim != 1 or array.size < least:
        raise ValueError(f"`{name}` must be a list of at least {least} numbers, got shape {array.shape}")
    if length is not None and array.size != length:
        raise ValueError(f"`{name}` must hold {length} numbers, got {array.size}")
    _check_finite(name, array)
    return array


def check_table(name: str, value: Any, shape: tuple[int | str, ...]) -> np.ndarray:
    """`value` as a finite float array of `shape`, in which a word stands for any length of at least 1."""
    array = np.asarray(value, dtype=float)
    fits = array.ndim == len(shape) and all(
        got > 0 if isinstance(asked, str) else got == asked
        for got, asked in zip(array.shape, shape, strict=True)
    )
    if not fits:
        asked = ", ".join(map(str, shape))
        raise ValueError(f"`{name}` must have shape [{asked}] with no empty side, got {array.shape}")
    _check_finite(name, array)
    return array


def _check_finite(name: str, array: np.ndarray) -> None:
    if not np.isfinite(array).all():
        wrong = int(np.argmax(~np.isfinite(array)))
        raise ValueError(f"`{name}` must be finite, got {array.flat[wrong]} at position {wrong}")


def check_rising(name: str, array: np.ndarray) -> np.ndarray:
    """`array` [n] itself, if it increases strictly."""
    if not (np.diff(array) > 0).all():
        raise ValueError(
            f"`{name}` must increase, got {array[:-1][np.diff(array) <= 0][0]:g} before a number not above it"
        )
    return array


def check_positive(name: str, array: np.ndarray) -> np.ndarray:
    """`array` itself, if every number is above 0: a logarithmic axis has no place for others."""
    if not (array > 0).all():
        raise ValueError(
            f"`{name}` must be greater than 0 on a logarithmic axis, got {array[~(array > 0)][0]:g}"
        )
    return array


def check_named(name: str, value: Mapping[str, Value]) -> dict[str, Value]:
    """`value` as a dict, if it is a mapping with at least one entry and every key is a label."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"`{name}` must map at least one label to its data, got {value!r}")
    for key in value:
        if not isinstance(key, str) or not key.strip():
            raise ValueError(f"`{name}` must have words as keys, they become labels, got {key!r}")
    return dict(value)


def check_estimates(
    name: str, value: Sequence[Estimate], *, length: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Values and standard errors of a sequence of estimates, both [n]."""
    if isinstance(value, Estimate) or not isinstance(value, Sequence) or len(value) == 0:
        raise ValueError(f"`{name}` must be a list of at least one Estimate, got {value!r}")
    for item in value:
        check_estimate(name, item)
    values = check_series(name, [item[0] for item in value], length=length)
    return values, np.array([item[1] for item in value], dtype=float)


def check_estimate(name: str, value: Estimate) -> Estimate:
    """`value` itself, if it is a finite number with a finite standard error of at least 0."""
    if not (isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, Real) for v in value)):
        raise ValueError(f"`{name}` must hold Estimates, each a value with its standard error, got {value!r}")
    if not (np.isfinite(value[0]) and np.isfinite(value[1]) and value[1] >= 0):
        raise ValueError(f"`{name}` must hold finite estimates with finite standard errors, got {value!r}")
    return Estimate(float(value[0]), float(value[1]))


def thin(x: np.ndarray, y: np.ndarray, limit: int = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most `limit` points of a curve: the lowest and the highest of each run of neighbours, and both ends.

    So no spike is lost, and the same curve always gives the same points.
    """
    if x.size <= limit:
        return x, y
    edges = np.linspace(0, x.size, limit // 2).astype(int)
    keep = {0, x.size - 1}
    for begin, end in pairwise(edges.tolist()):
        keep |= {begin + int(np.argmin(y[begin:end])), begin + int(np.argmax(y[begin:end]))}
    chosen = np.array(sorted(keep))
    return x[chosen], y[chosen]


def spaced(size: int, limit: int) -> np.ndarray:
    """Indices of at most `limit` of `size` points, evenly spaced, the first and the last among them."""
    return np.arange(size) if size <= limit else np.unique(np.linspace(0, size - 1, limit).astype(int))
