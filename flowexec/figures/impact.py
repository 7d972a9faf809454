"""What trading does to the price: impact against rate, and how it fades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import Estimate
from .comparisons import curves
from .inputs import check_named, check_series
from .wording import listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def impact_curves(
    rates: Any,
    impacts: Mapping[str, Any],
    *,
    x_title: str = "Trading rate (shares a day)",
    y_title: str = "Impact (currency per share)",
    points: Mapping[str, tuple[Any, Sequence[Estimate]]] | None = None,
    marks: Mapping[str, float] | None = None,
    log: bool = False,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Price impact against the rate of trading, one curve for each law.

    Parameters
    ----------
    rates : array [rate]
        Increasing.
    impacts : mapping of str to array [rate]
        For instance {"β = 0.5": ε ν^0.5, "β = 1": ε ν}.
    x_title, y_title : str
        With units.
    points : mapping of str to (rates, list of Estimate), optional
        What was measured.
    marks : mapping of str to float, optional
        Rates worth a dotted line, for instance the order's.
    log : bool
        Both axes logarithmic: a power law is then a straight line, and its slope the exponent.
    alt, height
        As in `path_fan`.
    """
    rates = check_series("rates", rates, least=2)
    named = {
        name: check_series(f"impacts[{name!r}]", v, length=rates.size)
        for name, v in check_named("impacts", impacts).items()
    }
    middle = rates.size // 2
    words = [f"{name} {number(v[middle])} and {number(v[-1])}" for name, v in named.items()]
    return curves(
        rates,
        named,
        x_title=x_title,
        y_title=y_title,
        points=points,
        marks=marks,
        log_x=log,
        log_y=log,
        zero=not log,
        height=height,
        alt=alt or f"{y_title} at rates of {number(rates[middle])} and {number(rates[-1])}: {listed(words)}.",
    )


def decay_kernels(
    times: Any,
    kernels: Mapping[str, Any],
    *,
    x_title: str = "Time since the trade (trading days)",
    y_title: str = "Impact left (% of the impulse)",
    log: bool = False,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """How much of a trade's impact is left after a while.

    Parameters
    ----------
    times : array [time]
        Increasing.
    kernels : mapping of str to array [time]
        G(t) as fractions, G(0) = 1; drawn in per cent.
    x_title, y_title : str
    log : bool
        Both axes logarithmic; `times` must then begin above 0.
    alt, height
        As in `path_fan`.
    """
    times = check_series("times", times, least=2)
    named = {
        name: 100 * check_series(f"kernels[{name!r}]", v, length=times.size)
        for name, v in check_named("kernels", kernels).items()
    }
    words = []
    for name, left in named.items():
        below = np.flatnonzero(left <= 50)
        half = (
            f"half is gone after {number(times[below[0]], 2)}"
            if below.size
            else f"{number(left[-1], 2)} % is left at the end"
        )
        words.append(f"{name}: {half}")
    return curves(
        times,
        named,
        x_title=x_title,
        y_title=y_title,
        log_x=log,
        log_y=log,
        zero=not log,
        height=height,
        alt=alt or f"Impact left, {x_title} up to {number(times[-1])}. {'; '.join(words)}.",
    )
