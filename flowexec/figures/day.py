"""Through the day: quantities of the book, and the volume of the market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import Axis, clock_ticks
from .drawing import Drawing
from .identity import identities
from .inputs import check_named, check_series, check_table
from .theme import PALETTE, SERIES_COLOURS
from .wording import clock, listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def over_the_day(
    times: Any,
    series: Mapping[str, Any],
    *,
    bins: int = 39,
    session: tuple[float, float] | None = None,
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """Quantities of the book through the day, one row each: median over time in each bin, and middle half.

    Parameters
    ----------
    times : array [event]
        Seconds after midnight, not decreasing.
    series : mapping of str to array [event]
        Axis title with unit → value from each event until the next; NaN where there is none.
    bins : int
        Equal parts of the session; 39 are ten minutes of a US trading day.
    session : (begin, end), optional
        Seconds after midnight; by default from the first to the last event.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Quantiles weight each value by how long it stood. Pinned by `tests/figures/test_order_book.py`.
    """
    times = check_series("times", times, least=2)
    if (np.diff(times) < 0).any():
        raise ValueError("`times` must not go back")
    series = check_named("series", series)
    begin, end = (times[0], times[-1]) if session is None else (float(s) for s in session)
    edges = np.linspace(begin, end, bins + 1)
    height = height if height is not None else 150 + 170 * len(series)
    drawing = Drawing(
        Axis("Time of day", ticks=clock_ticks(begin, end), limits=(begin, end)),
        [Axis(title) for title in series],
        (1.0,) * len(series),
        height=height,
        narrow_height=130 + 140 * len(series),
    )
    hues = list(PALETTE.values())
    words = []
    for row, (title, values) in enumerate(series.items()):
        values = np.asarray(values, dtype=float)
        if values.shape != times.shape:
            raise ValueError(f"`series[{title!r}]` must have shape {times.shape}, got {values.shape}")
        quartiles = _time_weighted(times, values, edges)
        middle = (edges[:-1] + edges[1:]) / 2
        there = np.isfinite(quartiles[1])
        if not there.any():
            raise ValueError(f"`series[{title!r}]` must hold at least one finite value in the session")
        lower, median, upper = quartiles[:, there]
        drawing.band(middle[there], lower, upper, colour=hues[row], alpha=0.22, row=row)
        drawing.line(
            middle[there],
            median,
            colour=hues[row],
            row=row,
            label="median" if row == 0 else "",
            hover=title + ": %{y:.4~g}",
        )
        if row == 0:
            drawing.label(middle[there], upper, "middle half of the time", hues[row], row=row)
        at, noon = middle[there], len(median) // 2
        said = [f"{number(median[i])} at {clock(at[i])}" for i in (0, noon, -1)]
        words.append(f"the median of {title} is {listed(said)}")
    return drawing.figure(alt or f"Through the day, {'; '.join(words)}.")


def _time_weighted(times: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Quartiles [3, bin] of a step function of time; NaN in bins that it does not cover."""
    cuts = np.union1d(times, edges)
    cuts = cuts[(cuts >= max(edges[0], times[0])) & (cuts <= edges[-1])]
    lasting, at = np.diff(cuts), cuts[:-1]
    value = values[np.searchsorted(times, at, side="right") - 1]
    bin_of = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    result = np.full((3, len(edges) - 1), np.nan)
    for b in range(len(edges) - 1):
        inside = (bin_of == b) & np.isfinite(value) & (lasting > 0)
        if inside.any():
            order = np.argsort(value[inside], kind="stable")
            weight = np.cumsum(lasting[inside][order])
            result[:, b] = value[inside][order][
                np.searchsorted(weight, np.array([0.25, 0.5, 0.75]) * weight[-1])
            ]
    return result


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
    Pinned by `tests/figures/test_order_book.py`.
    """
    curves = check_named("curves", curves)
    begin, end = (float(s) for s in session)
    if not begin < end:
        raise ValueError(f"`session` must be (begin, end) with begin < end, got {session!r}")
    drawing = Drawing(
        Axis("Time of day", ticks=clock_ticks(begin, end), limits=(begin, end)),
        [Axis(y_title, zero=True)],
        height=height,
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
            f"observed volume is largest at {clock(edges[np.argmax(mean)])} ({number(mean.max())} shares) "
            f"and smallest at {clock(edges[np.argmin(mean)])} ({number(mean.min())})"
        )
    looks = identities(curves)
    for name, values in curves.items():
        shares = check_series(f"curves[{name!r}]", values)
        edges = np.linspace(begin, end, shares.size + 1)
        drawing.line(
            edges,
            np.append(shares, shares[-1]),
            colour=looks[name].colour,
            dash=looks[name].dash,
            step=True,
            label=name,
            hover=f"{name} " + "%{y:,.0f}",
        )
        words.append(
            f"{name} runs from {number(shares[0])} in the first bin through {number(shares.min())} at "
            f"{clock(edges[np.argmin(shares)])} to {number(shares[-1])} in the last"
        )
    return drawing.figure(alt or f"Volume through the day: {listed(words)}.")
