"""Order books: the ladder at one moment, its mean, what walking it costs, and how it changes over the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from ..market.paths import ASK, BID, PRICE, SIZE
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_estimates, check_named, check_positive, check_series, check_table
from .theme import MUTED, PALETTE, SERIES_COLOURS
from .wording import estimate, listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SIDES = {"bid": BID, "ask": ASK}


def book_depth(
    depth: Any, *, shares: float | None = None, alt: str | None = None, height: int = 420
) -> Figure:
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
    drawing = Drawing(
        Axis("Price (currency per share)"), [Axis("Shares up to this price", zero=True)], height=height
    )
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
        at = np.append(
            price, price[-1] + outward * max(0.35 * reach / max(len(price) - 1, 1), 1e-9 * price[0])
        )
        steps = np.append(total, total[-1])
        keep = slice(None, None, -1) if side == BID else slice(None)
        x = np.repeat(at, 2)[1:][keep]
        y = np.repeat(steps, 2)[:-1][keep]
        x, y = (
            (np.append(x, price[0]), np.append(y, 0))
            if side == BID
            else (np.append(price[0], x), np.append(0, y))
        )
        colour = SERIES_COLOURS[name]
        drawing.band(x, np.zeros_like(x), y, colour=colour, alpha=0.22)
        drawing.line(x, y, colour=colour, label=f"{name}s", width=2.2)
        drawing.points(
            price,
            total,
            colour=colour,
            size=7,
            extra=size,
            hover="%{customdata:,.0f} shares at %{x:,.2f}<br>%{y:,.0f} up to here",
        )
        words.append(
            f"{number(total[-1])} shares on {len(price)} {name} levels from {number(price[0], 6)} to "
            f"{number(price[-1], 6)}"
        )
        if shares is not None:
            needed = min(int(np.searchsorted(total, shares)) + 1, len(price))
            words[-1] += f", of which an order of {number(shares)} takes {needed}"
            if shares > total[-1]:
                words[-1] += " and exceeds them"
    if shares is not None:
        drawing.horizontal(float(shares), dash="dash")
        drawing.label(
            [best["bid"], best["ask"]], [shares, shares], f"order of {number(shares)} shares", MUTED
        )
    spread = best["ask"] - best["bid"]
    return drawing.figure(alt or f"Visible book: {listed(words)}; the spread is {number(spread)}.")


def mean_depth(sizes: Any, *, batches: int = 20, alt: str | None = None, height: int = 400) -> Figure:
    """Mean shares on each level and side; the 95 % intervals allow for neighbouring moments being alike.

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
        height=height,
        margin=0.08,
    )
    words = []
    for name, side in SIDES.items():
        mean = sizes[:, side].mean(axis=0)
        drawing.points(
            level + (0.06 if side else -0.06),
            mean,
            error=NORMAL_95 * error[side],
            colour=SERIES_COLOURS[name],
            symbol=("circle", "diamond")[side],
            label=f"{name}s",
            joined="solid",
            size=9,
            hover=f"{name}, level " + "%{x:.0f}: %{customdata}",
            extra=[estimate(Estimate(*e)) for e in zip(mean, error[side], strict=True)],
        )
        words.append(
            f"{name}s {estimate(Estimate(mean[0], error[side][0]))} shares on the best level and "
            f"{estimate(Estimate(mean[-1], error[side][-1]))} on level {level[-1]}"
        )
    return drawing.figure(
        alt or f"Mean visible size over {len(sizes):,} moments, ± standard error: {listed(words)}."
    )


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
        Drawn as coefficient · shares^exponent; an exponent alone goes through the middle of the solid points.
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
    hollows = understated if isinstance(understated, Mapping) else dict.fromkeys(named, understated)
    drawing = Drawing(
        Axis("Market order (shares)", log=True),
        [Axis(f"{y_title} ({unit})", log=True)],
        height=height,
        margin=0.05,
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
            drawing.line(
                grid, coefficient * grid**exponent, colour=colour, dash="dash", width=1.8, blocks=True
            )
            label = f"{name} ∝ shares<sup>{exponent:.2f}</sup>"
            word += f", close to a power {exponent:.2f} of the size"
        drawing.points(
            at,
            values,
            error=(np.minimum(half, 0.999 * values), half),
            colour=colour,
            hollow=hollow,
            symbol=looks[name].symbol,
            label=label,
            size=9,
            hover="%{x:,.4~g} shares: %{customdata}",
            extra=[estimate(Estimate(*e)) for e in zip(values, errors, strict=True)],
        )
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
