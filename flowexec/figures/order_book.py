"""Order books: the ladder at one moment, its mean, what walking it costs, and how it changes over the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from ..market.paths import ASK, BID, PRICE, SIZE
from .axes import Axis, clock_ticks
from .drawing import Drawing
from .identity import identities
from .inputs import check_estimates, check_named, check_positive, check_series, check_table
from .theme import MUTED, PALETTE, SERIES_COLOURS
from .wording import clock, estimate, listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SIDES = {"bid": BID, "ask": ASK}


def book_depth(depth: Any, *, shares: float | None = None, alt: str | None = None, height: int = 420) -> Figure:
    """The visible book at one moment: shares on offer up to each price, both sides.

    Parameters
    ----------
    depth : array [2, level, 2]
        Side (bid, ask), level from the best outwards, (price, size); `MarketPaths.depth[k, path]` as it is. A
        level of size 0 is missing.
    shares : float, optional
        An order's size: a level line, and how many of the levels it would eat on each side.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_order_book.py`.
    """
    depth = check_table("depth", depth, (2, "level", 2))
    drawing = Drawing(Axis("Price (currency per share)"), [Axis("Shares up to this price", zero=True)], height=height)
    words, best = [], {}
    reach = 0.0
    for name, side in SIDES.items():
        there = depth[side, :, SIZE] > 0
        if not there.any():
            raise ValueError(f"`depth` must have at least one level on the {name} side, got none")
        price, size = depth[side, there, PRICE], depth[side, there, SIZE]
        best[name], reach = price[0], max(reach, float(np.abs(price - price[0]).max()))
        total = np.cumsum(size)
        outward = -1.0 if side == BID else 1.0
        # stands from each price outwards; the last step runs on a little so that it can be seen
        at = np.append(price, price[-1] + outward * max(0.35 * reach / max(len(price) - 1, 1), 1e-9 * price[0]))
        steps = np.append(total, total[-1])
        keep = slice(None, None, -1) if side == BID else slice(None)
        x = np.repeat(at, 2)[1:][keep]
        y = np.repeat(steps, 2)[:-1][keep]
        x, y = (np.append(x, price[0]), np.append(y, 0)) if side == BID else (np.append(price[0], x), np.append(0, y))
        colour = SERIES_COLOURS[name]
        drawing.band(x, np.zeros_like(x), y, colour=colour, alpha=0.22)
        drawing.line(x, y, colour=colour, label=f"{name}s", width=2.2)
        drawing.points(price, total, colour=colour, size=7, extra=size,
                       hover="%{customdata:,.0f} shares at %{x:,.2f}<br>%{y:,.0f} up to here")  # fmt: skip
        words.append(f"{number(total[-1])} shares on {len(price)} {name} levels from {number(price[0], 6)} to {number(price[-1], 6)}")
        if shares is not None:
            words[-1] += f", of which {int(np.searchsorted(total, shares)) + 1 if shares <= total[-1] else len(price)} are needed"
    if shares is not None:
        drawing.horizontal(float(shares), dash="dash")
        drawing.label([best["bid"], best["ask"]], [shares, shares], f"order of {number(shares)} shares", MUTED)
    spread = best["ask"] - best["bid"]
    return drawing.figure(alt or f"Visible book: {listed(words)}; the spread is {number(spread)}.")


def mean_depth(sizes: Any, *, batches: int = 20, alt: str | None = None, height: int = 400) -> Figure:
    """Mean shares on each level and side, with 95 % intervals that allow for neighbouring moments being alike.

    Parameters
    ----------
    sizes : array [moment, 2, level]
        Visible sizes at evenly spaced moments, `OrderBook.sizes` sampled, side (bid, ask).
    batches : int
        The moments are cut into so many stretches, and the error is that of the mean of the stretches' means.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_order_book.py`.
    """
    sizes = check_table("sizes", sizes, ("moment", 2, "level"))
    if batches < 2 or len(sizes) < batches:
        raise ValueError(f"`batches` must lie in [2, {len(sizes)}], the number of moments, got {batches!r}")
    means = np.array([part.mean(axis=0) for part in np.array_split(sizes, batches)])
    error = means.std(axis=0, ddof=1) / np.sqrt(batches)
    level = np.arange(1, sizes.shape[2] + 1)
    drawing = Drawing(
        Axis("Level, from the best price outwards", ticks={float(k): str(k) for k in level}),
        [Axis("Mean visible size (shares)", zero=True)],
        height=height, margin=0.08,
    )  # fmt: skip
    words = []
    for name, side in SIDES.items():
        mean = sizes[:, side].mean(axis=0)
        drawing.points(level + (0.06 if side else -0.06), mean, error=NORMAL_95 * error[side], colour=SERIES_COLOURS[name],
                       symbol=("circle", "diamond")[side], label=f"{name}s", joined="solid", size=9,
                       hover=f"{name}, level " + "%{x:.0f}: %{customdata}",
                       extra=[estimate(Estimate(*e)) for e in zip(mean, error[side], strict=True)])  # fmt: skip
        words.append(
            f"{name}s {estimate(Estimate(mean[0], error[side][0]))} shares on the best level and "
            f"{estimate(Estimate(mean[-1], error[side][-1]))} on level {level[-1]}"
        )
    return drawing.figure(alt or f"Mean visible size over {len(sizes):,} moments, ± standard error: {listed(words)}.")


def walking_cost(
    shares: Any,
    costs: Sequence[Estimate] | Mapping[str, Sequence[Estimate]],
    *,
    fit: float | tuple[float, float] | Mapping[str, float | tuple[float, float]] | None = None,
    understated: Any = None,
    unit: str = "bps",
    y_title: str = "Cost beyond the best quote",
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """What a market order pays for walking the book by its size, log–log, with a power law through it.

    Parameters
    ----------
    shares : array [size]
        Greater than 0.
    costs : list of Estimate [size], or mapping of str to such
        Greater than 0.
    fit : exponent or (coefficient, exponent), or mapping of str to such, optional
        Drawn as coefficient · shares^exponent; an exponent alone is drawn through the middle of the solid points.
    understated : array of bool [size], or mapping of str to such, optional
        Sizes whose cost is understated, because they exceed what is visible: hollow.
    unit : str
        Of the cost.
    y_title : str
        Without the unit.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_order_book.py`.
    """
    shares = check_positive("shares", check_series("shares", shares))
    named = check_named("costs", costs) if isinstance(costs, Mapping) else {"cost of walking": costs}
    only = next(iter(named))
    fits = {} if fit is None else check_named("fit", fit) if isinstance(fit, Mapping) else {only: fit}
    hollows = understated if isinstance(understated, Mapping) else {name: understated for name in named}
    drawing = Drawing(
        Axis("Market order (shares)", log=True), [Axis(f"{y_title} ({unit})", log=True)], height=height, margin=0.05
    )
    looks = identities(named)
    words = []
    for name, items in named.items():
        values, errors = check_estimates(f"costs[{name!r}]", items, length=shares.size)
        check_positive(f"costs[{name!r}]", values)
        hollow = np.zeros(shares.size, dtype=bool)
        if hollows.get(name) is not None:
            hollow = check_series(f"understated[{name!r}]", hollows[name], length=shares.size) > 0
        colour = PALETTE["blue"] if name == "cost of walking" else looks[name].colour
        half = NORMAL_95 * errors
        label = name
        at = shares * 1.035 ** (list(named).index(name) - (len(named) - 1) / 2)  # side by side, not on top
        word = f"{name} from {estimate(Estimate(values[0], errors[0]))} at {number(shares[0])} shares to "
        word += f"{estimate(Estimate(values[-1], errors[-1]))} at {number(shares[-1])}"
        if name in fits:
            coefficient, exponent = _power_law(name, fits[name], shares, values, hollow)
            grid = np.geomspace(shares.min(), shares[~hollow].max() if (~hollow).any() else shares.max(), 100)
            drawing.line(grid, coefficient * grid**exponent, colour=colour, dash="dash", width=1.8)
            label = f"{name} ∝ shares<sup>{exponent:.2f}</sup>"
            word += f", close to a power {exponent:.2f} of the size"
        drawing.points(at, values, error=(np.minimum(half, 0.999 * values), half), colour=colour, hollow=hollow,
                       symbol=looks[name].symbol, label=label, size=9, hover="%{x:,.4~g} shares: %{customdata}",
                       extra=[estimate(Estimate(*e)) for e in zip(values, errors, strict=True)])  # fmt: skip
        words.append(word)
    return drawing.figure(alt or f"{y_title} of a market order, {unit}, ± standard error: {listed(words)}.")


def _power_law(
    name: str, fit: Any, shares: np.ndarray, values: np.ndarray, hollow: np.ndarray
) -> tuple[float, float]:
    """(coefficient, exponent) of a fit given as either."""
    if isinstance(fit, tuple) and not isinstance(fit, Estimate):
        coefficient, exponent = check_series(f"fit[{name!r}]", fit, length=2)
        return float(coefficient), float(exponent)
    exponent = float(fit.value if isinstance(fit, Estimate) else fit)
    solid = ~hollow if (~hollow).any() else np.ones(shares.size, dtype=bool)
    return float(np.exp(np.mean(np.log(values[solid]) - exponent * np.log(shares[solid])))), exponent


def over_the_day(
    times: Any,
    series: Mapping[str, Any],
    *,
    bins: int = 39,
    session: tuple[float, float] | None = None,
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """Quantities of the book through the day, one row each: the median over time in each bin, and the middle half.

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
        Axis("Time of day", ticks=clock_ticks(begin, end), limits=(begin, end)), [Axis(title) for title in series],
        (1.0,) * len(series), height=height, narrow_height=130 + 140 * len(series),
    )  # fmt: skip
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
        drawing.line(middle[there], median, colour=hues[row], row=row, label="median" if row == 0 else "",
                     hover=title + ": %{y:.4~g}")  # fmt: skip
        if row == 0:
            drawing.label(middle[there], upper, "middle half of the time", hues[row], row=row)
        words.append(
            f"the median of {title} is {number(median[0])} at {clock(middle[there][0])}, {number(median[len(median) // 2])} at "
            f"{clock(middle[there][len(median) // 2])} and {number(median[-1])} at {clock(middle[there][-1])}"
        )
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
            result[:, b] = value[inside][order][np.searchsorted(weight, np.array([0.25, 0.5, 0.75]) * weight[-1])]
    return result
