"""Axes: extent, ticks that a reader can say aloud, and titles with units."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .ramp import colour_scale
from .wording import clock, number, power_of_ten, short


@dataclass
class Axis:
    """One axis of a figure.

    Parameters
    ----------
    title : str
        With the unit in brackets.
    log : bool
    zero : bool
        Whether the axis must reach 0; if nothing lies beyond, it begins or ends exactly there.
    ticks : mapping of float to str, optional
        Tick positions and texts; by default chosen by the extent.
    limits : (low, high), optional
        Instead of the data's extent, in data units.
    zero_line : bool
        Whether 0 is marked.
    keep_ticks : bool
        Whether a phone shows all of `ticks` too.
    """

    title: str
    log: bool = False
    zero: bool = False
    ticks: dict[float, str] | None = None
    limits: tuple[float, float] | None = None
    zero_line: bool = False
    keep_ticks: bool = False
    low: float = field(default=math.inf, init=False)
    high: float = field(default=-math.inf, init=False)

    def reach(self, values: Any) -> None:
        """Extend the axis to these values; on a logarithmic axis those of at most 0 do not count."""
        values = np.asarray(values, dtype=float)
        values = values[np.isfinite(values) & ((values > 0) if self.log else True)]
        if values.size:
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def place(self, value: Any) -> Any:
        """Data units to axis units: the logarithm on a logarithmic axis."""
        if not self.log:
            return value
        with np.errstate(divide="ignore", invalid="ignore"):
            placed = np.log10(value)
        return float(placed) if np.ndim(placed) == 0 else placed

    def range(self, padding: float, room: tuple[float, ...] = (0.0, 0.0)) -> tuple[float, float]:
        """Extent in axis units.

        `padding` of the data's extent is added at each end that is not a bound of the data itself; then
        `room`, as shares of the whole axis, below and above.
        """
        if self.limits is not None:
            low, high = (float(self.place(limit)) for limit in self.limits)
        else:
            low, high = self.low, self.high
            if self.zero:
                low, high = min(low, 0.0), max(high, 0.0)
            stop_low, stop_high = self.zero and low == 0, self.zero and high == 0
            low, high = float(self.place(low)), float(self.place(high))
            span = high - low
            if span == 0:  # a single value: room around it
                span, padding = (1.0 if self.log else abs(high) or 1.0), max(padding, 0.5)
            low -= 0 if stop_low else padding * span
            high += 0 if stop_high else padding * span
        whole = (high - low) / max(1.0 - sum(room), 0.3)
        return low - room[0] * whole, high + room[1] * whole

    def layout(self, span: list[float]) -> dict[str, Any]:
        """Plotly's form of the axis."""
        axis: dict[str, Any] = {"type": "log" if self.log else "linear"}
        ticks = self.ticks if self.ticks is not None else (log_ticks(*span) if self.log else None)
        if ticks is not None:
            return axis | {"tickmode": "array", "tickvals": list(ticks), "ticktext": list(ticks.values())}
        if max(abs(span[0]), abs(span[1])) >= 1e4:
            return axis | {"tickformat": "~s"}
        return axis | {"exponentformat": "power", "minexponent": 5, "tickformat": ""}

    def narrow_ticks(self) -> dict[str, Any]:
        """Fewer ticks, for a phone."""
        if self.ticks is None:
            return {} if self.log else {"nticks": 5}
        if len(self.ticks) <= 5 or self.keep_ticks:
            return {}
        kept = dict(list(self.ticks.items())[:: math.ceil(len(self.ticks) / 5)])
        return {"tickvals": list(kept), "ticktext": list(kept.values())}


@dataclass(frozen=True)
class ColourAxis:
    """What the colors of a map mean, from `low` to `high`; `scale_bar` draws it.

    Parameters
    ----------
    title : str
        With the unit.
    low, high : float
    step : float
        Of the bands, where there are any; 0 for a scale without steps.
    """

    title: str
    low: float
    high: float
    step: float = 0.0

    def position(self, value: float) -> float:
        """Where on the scale, in [0, 1], a value lies."""
        return (value - self.low) / (self.high - self.low)

    def layout(self) -> dict[str, Any]:
        """Plotly's form."""
        return {"cmin": self.low, "cmax": self.high, "colorscale": colour_scale(), "showscale": False}


def log_ticks(low: float, high: float) -> dict[float, str]:
    """Ticks of a logarithmic axis from 10^low to 10^high: decades, with 2 and 5 or 3 where there are few."""
    decades = high - low
    steps = (1, 2, 5) if decades < 2 else (1, 3) if decades < 3 else (1,)
    stride = max(1, math.ceil(decades / 7))
    inside = [
        (step, exponent)
        for exponent in range(math.floor(low), math.ceil(high) + 1)
        for step in steps
        if low - 1e-9 <= math.log10(step) + exponent <= high + 1e-9 and exponent % stride == 0
    ]
    plain = all(-4 <= exponent <= 9 for _, exponent in inside)

    def text(step: int, exponent: int) -> str:
        if plain:
            return short(step * 10.0**exponent)
        return power_of_ten(exponent) if step == 1 else f"{step}·{power_of_ten(exponent)}"

    return {step * 10.0**exponent: text(step, exponent) for step, exponent in inside}


def clock_ticks(begin: float, end: float) -> dict[float, str]:
    """Times of day, `hh:mm`, on whole or half hours where the span allows it."""
    steps = (60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0)
    step = next((s for s in steps if (end - begin) / s <= 8), steps[-1])
    first = math.ceil(begin / step - 1e-9) * step
    return {float(t): clock(t) for t in np.arange(first, end + 1e-6, step)}


def fraction_ticks(values: np.ndarray) -> dict[float, str]:
    """The values themselves as ticks, one n-th as `1/n`."""
    texts = {}
    for value in sorted(set(values.tolist())):
        inverse = 1.0 / value
        whole = value < 1 and abs(inverse - round(inverse)) < 1e-9 * inverse
        texts[value] = f"1/{round(inverse)}" if whole else number(value)
    return texts
