"""Validation sentences shared by every parameter object: argument, value, rule."""

import math
import reprlib
from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike


def _number(value: object) -> float:
    """`value` as a float, NaN where it is no real number or is larger than any float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def check_real(
    name: str,
    value: object,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> None:
    """Raise `ValueError` unless `value` is a finite real number inside the given bounds.

    The message names the argument, the rule and the value: "`rho` must lie in [-1, 1], got 1.3".

    Pinned by `tests/test_checks.py`.
    """
    low = above if above is not None else at_least
    high = below if below is not None else at_most
    if low is not None and high is not None:
        opening, closing = "(" if above is not None else "[", ")" if below is not None else "]"
        rule = f"lie in {opening}{low:g}, {high:g}{closing}"
    elif low is not None:
        rule = f"be {'greater than' if above is not None else 'at least'} {low:g}"
    elif high is not None:
        rule = f"be {'less than' if below is not None else 'at most'} {high:g}"
    else:
        rule = "be a finite number"
    number = _number(value)
    good = (
        math.isfinite(number)
        and (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (below is None or number < below)
        and (at_most is None or number <= at_most)
    )
    if not good:
        raise ValueError(f"`{name}` must {rule}, got {value!r}")


def check_count(name: str, value: object, *, at_least: int = 1) -> None:
    """Raise `ValueError` unless `value` is a whole number, `at_least` or more."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < at_least:
        raise ValueError(f"`{name}` must be a whole number, at least {at_least}, got {value!r}")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise `ValueError` unless `value` is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_text(name: str, value: object) -> None:
    """Raise `ValueError` unless `value` is a string."""
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be a string, got {value!r}")


def check_flag(name: str, value: object) -> None:
    """Raise `ValueError` unless `value` is True or False; a word such as "no" would count as true."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be True or False, got {value!r}")


def check_kind(name: str, value: object, kind: type) -> None:
    """Raise `ValueError` unless `value` is a `kind`, or has the methods of the protocol `kind`.

    A class in place of an object of it, `TWAP` for `TWAP()`, is refused too.
    """
    if isinstance(value, type) or not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        raise ValueError(f"`{name}` must be {article} {kind.__name__}, got {reprlib.repr(value)}")


def check_numbers(name: str, values: ArrayLike, *, at_least: int = 1) -> np.ndarray:
    """`values` as an array [number] of floats; `ValueError` unless there are `at_least`, all finite."""
    try:
        numbers = np.asarray(values)
    except ValueError:  # lists of unequal length
        numbers = np.empty((0, 0))
    if numbers.ndim != 1 or numbers.size < at_least or numbers.dtype.kind not in "iuf":
        raise ValueError(
            f"`{name}` must be an array of at least {at_least} numbers, got {reprlib.repr(values)}"
        )
    if not np.isfinite(numbers).all():
        raise ValueError(f"`{name}` must be finite throughout, got {numbers[~np.isfinite(numbers)][0]}")
    return numbers.astype(float, copy=False)


def check_widths(name: str, value: object, *, at_least_one: bool = False) -> None:
    """Raise `ValueError` unless `value` is a tuple of whole numbers of at least 1, the widths of layers."""
    if not isinstance(value, tuple) or (at_least_one and not value):
        rule = "a tuple of widths, at least one" if at_least_one else "a tuple of widths"
        raise ValueError(f"`{name}` must be {rule}, got {value!r}")
    for width in value:
        check_count(name, width)


def check_weights(name: str, values: object, *, above: float | None = None) -> tuple[float, ...]:
    """`values` as a tuple of floats, each at least 0 or, where it is given, greater than `above`; not all 0.

    Raises
    ------
    ValueError
        When they are not.
    """
    if not isinstance(values, Iterable):
        raise ValueError(f"`{name}` must be a sequence of numbers, got {values!r}")
    weights = tuple(values)
    for weight in weights:
        check_real(name, weight, above=above, at_least=0 if above is None else None)
    if not sum(weights) > 0:
        raise ValueError(f"`{name}` must hold at least one positive number, got {values!r}")
    return tuple(float(weight) for weight in weights)
