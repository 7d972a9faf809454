"""Markets seen from above: fans of paths, and the volume of a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import mean_estimate
from .axes import Axis, clock_ticks
from .drawing import Drawing
from .identity import identities
from .inputs import check_named, check_rising, check_series, check_table
from .theme import INK, PALETTE, SERIES_COLOURS
from .wording import clock, estimate, listed, number

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
        A closed form of the mean, drawn as a line; the alternative text then compares the last sample mean with it.
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
    Pinned by `tests/figures/test_market.py`.
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
    drawing.line(times, median, colour=colour, width=2.6, label="median", hover="median %{y:,.4~g}<br>t = %{x:.3~g}")
    drawing.label(times[1:], high[1:], "90 % of paths", colour)
    last = mean_estimate(values[-1])
    compared = ""
    if exact is not None:
        exact = check_series("exact", exact, length=times.size)
        drawing.line(times, exact, colour=INK, dash="dash", label=exact_name, hover=exact_name + " %{y:,.4~g}")
        compared = f" The last sample mean is {estimate(last)} (standard error), the {exact_name} {number(exact[-1], 5)}."
    return drawing.figure(
        alt
        or f"Fan of {values.shape[1]:,} paths, {y_title}: the median goes from {number(median[0], 4)} to "
        f"{number(median[-1], 4)}; at the end half of the paths lie between {number(lower[-1], 4)} and "
        f"{number(upper[-1], 4)}, 90 % between {number(low[-1], 4)} and {number(high[-1], 4)}.{compared}"
    )


def volume_curve(
    curves: Mapping[str, Any],
    *,
    observed: Any = None,
    session: tuple[float, float] = (34_200.0, 57_600.0),
    y_title: str = "Volume (shares per bin)",
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """When in the day the market trades: expected volume as steps over what was observed.

    Parameters
    ----------
    curves : mapping of str to array [bin]
        Expected shares in equal bins of the session; each curve may have bins of its own.
    observed : array [bin] or [bin, day], optional
        Traded shares; bars, and with two or more days whiskers of ±2 standard errors of the mean day.
    session : (begin, end)
        Seconds after midnight.
    y_title : str
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_market.py`.
    """
    curves = check_named("curves", curves)
    begin, end = (float(s) for s in session)
    if not begin < end:
        raise ValueError(f"`session` must be (begin, end) with begin < end, got {session!r}")
    drawing = Drawing(
        Axis("Time of day", ticks=clock_ticks(begin, end), limits=(begin, end)), [Axis(y_title, zero=True)], height=height
    )
    words = []
    if observed is not None:
        table = np.asarray(observed, dtype=float)
        table = check_table("observed", table[:, None] if table.ndim == 1 else table, ("bin", "day"))
        edges = np.linspace(begin, end, len(table) + 1)
        mean, days = table.mean(axis=1), table.shape[1]
        hue = SERIES_COLOURS["data"]
        drawing.bars(edges[:-1], edges[1:], mean, colour=hue, alpha=0.22, hover="observed %{y:,.0f}")
        if days > 1:
            error = 2 * table.std(axis=1, ddof=1) / np.sqrt(days)
            lower, upper = (np.append(v, v[-1]) for v in (mean - error, mean + error))
            drawing.band(edges, np.maximum(lower, 0), upper, colour=hue, alpha=0.45, step=True)
        middle = (edges[:-1] + edges[1:]) / 2
        said = f"observed, mean of {days} days ± 2 s.e." if days > 1 else "observed"
        drawing.label(middle, 0.5 * mean, said, hue)
        words.append(
            f"observed volume is largest at {clock(edges[np.argmax(mean)])} ({number(mean.max())} shares) and smallest at "
            f"{clock(edges[np.argmin(mean)])} ({number(mean.min())})"
        )
    looks = identities(curves)
    for name, values in curves.items():
        shares = check_series(f"curves[{name!r}]", values)
        edges = np.linspace(begin, end, shares.size + 1)
        drawing.line(edges, np.append(shares, shares[-1]), colour=looks[name].colour, dash=looks[name].dash, step=True,
                     label=name, hover=f"{name} " + "%{y:,.0f}")  # fmt: skip
        words.append(
            f"{name} runs from {number(shares[0])} in the first bin through {number(shares.min())} at "
            f"{clock(edges[np.argmin(shares)])} to {number(shares[-1])} in the last"
        )
    return drawing.figure(alt or f"Volume through the day: {listed(words)}.")


__all__ = ["path_fan", "volume_curve"]
