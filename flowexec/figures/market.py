"""Markets seen from above: fans of paths, and the volume of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import mean_estimate
from .axes import Axis
from .drawing import Drawing
from .inputs import check_rising, check_series, check_table
from .theme import INK, PALETTE
from .wording import estimate, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def path_fan(
    times: Any,
    values: Any,
    *,
    y_title: str,
    x_title: str = "Time (trading days)",
    samples: int = 3,
    exact: Any = None,
    exact_name: str = "exact mean",
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Where paths go: bands that hold 90 % and 50 % of them, their median, and a few of the paths themselves.

    Parameters
    ----------
    times : array [step+1]
    values : array [step+1, path]
        Prices, variances, spreads: anything with one row a time. `MarketPaths.mid` as it is.
    y_title, x_title : str
        With units.
    samples : int
        How many single paths to draw: the first ones.
    exact : array [step+1], optional
        A closed form of the mean, drawn as a line; the alternative text compares the last means.
    exact_name : str
    alt : str, optional
        Instead of the sentence computed from the data.
    height : int
        Pixels.

    Raises
    ------
    ValueError
        When an argument is empty, not finite or of another length; the sentence names it.

    Notes
    -----
    Pinned by `tests/figures/test_models.py`.
    """
    times = check_rising("times", check_series("times", times, least=2))
    values = check_table("values", values, (times.size, "path"))
    colour = PALETTE["blue"]
    low, lower, median, upper, high = np.quantile(values, QUANTILES, axis=1)
    drawing = Drawing(Axis(x_title), [Axis(y_title)], height=height)
    drawing.band(times, low, high, colour=colour, alpha=0.13)
    drawing.band(times, lower, upper, colour=colour, alpha=0.22)
    for path in range(min(samples, values.shape[1])):
        drawing.line(times, values[:, path], colour=PALETTE["slate"], width=1.0, alpha=0.55, blocks=True)
    drawing.line(
        times, median, colour=colour, width=2.6, label="median", hover="median %{y:,.4~g}<br>t = %{x:.3~g}"
    )
    drawing.label(times[1:], high[1:], "90 % of paths", colour)
    last = mean_estimate(values[-1])
    compared = ""
    if exact is not None:
        exact = check_series("exact", exact, length=times.size)
        drawing.line(
            times, exact, colour=INK, dash="dash", label=exact_name, hover=exact_name + " %{y:,.4~g}"
        )
        compared = (
            f" The last sample mean is {estimate(last)} (s.e.), the {exact_name} {number(exact[-1], 5)}."
        )
    return drawing.figure(
        alt
        or f"Fan of {values.shape[1]:,} paths, {y_title}: the median goes from {number(median[0], 4)} to "
        f"{number(median[-1], 4)}; at the end half of the paths lie between {number(lower[-1], 4)} and "
        f"{number(upper[-1], 4)}, 90 % between {number(low[-1], 4)} and {number(high[-1], 4)}.{compared}"
    )
