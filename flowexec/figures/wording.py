"""Numbers as words: for labels on a figure and for its alternative text."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..analytics.statistics import Estimate

UNITS = {"currency": "currency", "bps": "bps of arrival value"}
"""How the units of a Shortfall are written for readers."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """A number with `digits` significant digits, a true minus sign, and thousands in groups.

    >>> number(-1234567.0), number(0.04567), number(2.5e-7)
    ('−1,234,567', '0.0457', '2.5·10⁻⁷')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".replace("-", "−").replace("inf", "∞")
    size = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if size < -4 or size >= 15:
        mantissa = f"{abs(value) / 10.0**size:.{digits - 1}f}"
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return ("−" if value < 0 else "") + f"{mantissa}·{power_of_ten(size)}".removeprefix("1·")
    text = f"{value:,.{max(digits - 1 - size, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def short(value: float) -> str:
    """A number for a tick: thousands and millions by letter, as on linear axes."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return number(value / (1e3 if letter == "k" else size)) + letter
    return number(value)


def power_of_ten(exponent: int) -> str:
    """10 to a whole power in Unicode: `10⁻⁶`."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def decimals(standard_error: float) -> int:
    """How many decimals a value deserves whose standard error is this: two digits of the error."""
    if standard_error <= 0 or not math.isfinite(standard_error):
        return 2
    return min(max(1 - math.floor(math.log10(standard_error)), 0), 12)


def fixed(value: float, places: int, *, signed: bool = False) -> str:
    """A number with so many decimals, thousands in groups, and a true minus sign."""
    value = round(value, places) + 0.0  # a negative zero would keep its sign
    return f"{value:{'+' if signed and value else ''},.{places}f}".replace("-", "−")


def _is_exact(item: Estimate) -> bool:
    """Whether the error is too small for any of five digits of the value."""
    return item.standard_error < 5e-6 * abs(item.value) or item.standard_error == 0


def value_of(item: Estimate, *, signed: bool = False) -> str:
    """The value of an estimate, to the digit its error allows; four digits where there is next to none."""
    if _is_exact(item):
        return ("+" if signed and item.value > 0 else "") + number(item.value, 4)
    return fixed(item.value, decimals(item.standard_error), signed=signed)


def estimate(item: Estimate, *, signed: bool = False) -> str:
    """An estimate as value ± standard error, both to the same digit."""
    if _is_exact(item):
        return value_of(item, signed=signed)
    return f"{value_of(item, signed=signed)} ± {fixed(item.standard_error, decimals(item.standard_error))}"


def listed(words: Iterable[str]) -> str:
    """Words as an enumeration: `a, b and c`."""
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def clock(seconds: float) -> str:
    """Seconds after midnight as `hh:mm`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
