"""Functions of one variable: curves, and estimates with their error bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from .axes import Axis
from .drawing import Drawing
from .identity import identities, written
from .inputs import check_estimates, check_named, check_positive, check_rising, check_series
from .theme import INK
from .wording import estimate, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def estimates_against(
    x: Any,
    series: Mapping[str, Sequence[Estimate]],
    *,
    x_title: str,
    y_title: str,
    exact: Mapping[str, Any] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    zero: bool = False,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Estimates as points with 95 % whiskers against a parameter, each series joined by a thin line.

    Parameters
    ----------
    x : array [value]
    series : mapping of str to list of Estimate [value]
    x_title, y_title : str
        With units.
    exact : mapping of str to array [value], optional
        What theory says, as lines.
    log_x, log_y : bool
    zero : bool
        Whether the y axis must reach 0; a line marks it.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_comparisons.py`.
    """
    x = check_series("x", x)
    if log_x:
        check_positive("x", x)
    series = check_named("series", series)
    drawing = Drawing(
        Axis(x_title, log=log_x),
        [Axis(y_title, log=log_y, zero=zero and not log_y)],
        height=height,
        margin=0.05,
    )
    if zero and not log_y:
        drawing.horizontal(0)
    exact = {} if exact is None else check_named("exact", exact)
    looks = identities([*series, *(name for name in exact if name not in series)])
    order = np.argsort(x)
    for name, line in exact.items():
        values = check_series(f"exact[{name!r}]", line, length=x.size)
        drawing.line(
            x[order],
            values[order],
            colour=looks[name].colour if name in series else INK,
            dash="dash",
            label="" if name in series else name,
            hover=f"{name}, exact: " + "%{y:.4~g}",
        )
    words = []
    for name, items in series.items():
        values, errors = check_estimates(f"series[{name!r}]", items, length=x.size)
        if log_y:
            check_positive(f"series[{name!r}]", values)
        values, errors = values[order], errors[order]
        half = NORMAL_95 * errors
        down = np.minimum(half, values * (1 - 1e-6)) if log_y else half
        drawing.points(
            x[order],
            values,
            error=(down, half),
            colour=looks[name].colour,
            symbol=looks[name].symbol,
            label=written(name),
            joined="solid",
            hover=f"{written(name)}: " + "%{customdata}<br>at %{x:.4~g}",
            extra=[estimate(Estimate(*e)) for e in zip(values, errors, strict=True)],
        )
        words.append(
            f"{written(name)} goes from {estimate(Estimate(values[0], errors[0]))} at {number(x[order][0])} "
            f"to {estimate(Estimate(values[-1], errors[-1]))} at {number(x[order][-1])}"
        )
    return drawing.figure(
        alt or f"{y_title} against {x_title}, values ± standard errors: {'; '.join(words)}."
    )


def curves(
    x: Any,
    lines: Mapping[str, Any],
    *,
    x_title: str,
    y_title: str,
    points: Mapping[str, tuple[Any, Sequence[Estimate]]] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    zero: bool = False,
    marks: Mapping[str, float] | None = None,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Functions of one variable, each named beside its curve, with measured points where there are any.

    Parameters
    ----------
    x : array [point]
        Increasing.
    lines : mapping of str to array [point]
    x_title, y_title : str
        With units.
    points : mapping of str to (x, list of Estimate), optional
        Drawn with 95 % whiskers; a name that is also a line's takes its colour, hollow, and no label.
    log_x, log_y : bool
    zero : bool
        Whether the y axis must reach 0.
    marks : mapping of str to float, optional
        Places on the x axis worth a dotted line and a word.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_comparisons.py`.
    """
    x = check_rising("x", check_series("x", x, least=2))
    lines = check_named("lines", lines)
    points = {} if points is None else check_named("points", points)
    level = zero and not log_y
    drawing = Drawing(
        Axis(x_title, log=log_x), [Axis(y_title, log=log_y, zero=level, zero_line=level)], height=height
    )
    looks = identities([*lines, *(name for name in points if name not in lines)])
    words = []
    for name, line in lines.items():
        values = check_series(f"lines[{name!r}]", line, length=x.size)
        for log, key, array in ((log_x, "x", x), (log_y, f"lines[{name!r}]", values)):
            if log:
                check_positive(key, array)
        drawing.line(
            x,
            values,
            colour=looks[name].colour,
            dash=looks[name].dash,
            label=written(name),
            hover=f"{name}: " + "%{y:.4~g}<br>at %{x:.4~g}",
        )
        words.append(f"{name} goes from {number(values[0])} to {number(values[-1])}")
    for name, pair in points.items():
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise ValueError(
                f"`points[{name!r}]` must be a pair (x, list of Estimate), got {type(pair).__name__}"
            )
        at = check_series(f"points[{name!r}][0]", pair[0])
        values, errors = check_estimates(f"points[{name!r}][1]", pair[1], length=at.size)
        half = NORMAL_95 * errors
        down = np.minimum(half, values * (1 - 1e-6)) if log_y else half
        drawing.points(
            at,
            values,
            error=(down, half),
            colour=looks[name].colour,
            size=7,
            hollow=np.ones(at.size),
            label="" if name in lines else name,
            hover=f"{name}: " + "%{customdata}",
            extra=[estimate(Estimate(*e)) for e in zip(values, errors, strict=True)],
        )
        words.append(
            f"{at.size} estimates of {name}, the last {estimate(Estimate(values[-1], errors[-1]))} (s.e.)"
        )
    for text, place in (marks or {}).items():
        drawing.vertical(float(place), text)
    return drawing.figure(
        alt or f"{y_title} against {x_title} from {number(x[0])} to {number(x[-1])}: {'; '.join(words)}."
    )
