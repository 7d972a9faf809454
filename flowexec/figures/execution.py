"""What an order did: inventories against the schedule, and fills against the price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..execution.problem import Execution
from ..strategies.static import StaticPlan
from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_named, check_series
from .market import QUANTILES
from .theme import INK, MUTED, PALETTE, SERIES_COLOURS
from .wording import number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TIME = "Time since arrival (trading days)"


def inventory_fan(
    executions: Execution | Mapping[str, Execution],
    *,
    reference: StaticPlan | Any = None,
    reference_name: str = "schedule",
    percent: bool = False,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """What is left to trade, over all paths: bands of 90 % and 50 %, the median, and a schedule beside them.

    Parameters
    ----------
    executions : Execution, or mapping of str to Execution
        Of the same horizon.
    reference : StaticPlan or array [step+1], optional
        Planned inventory, shares.
    reference_name : str
    percent : bool
        Inventory in per cent of the order instead of shares.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_execution.py`.
    """
    named = (
        check_named("executions", executions) if isinstance(executions, Mapping) else {"median": executions}
    )
    first = _execution("executions", next(iter(named.values())))
    order = first.problem.order
    scale = 100.0 / order.shares if percent else 1.0
    drawing = Drawing(
        Axis(TIME),
        [Axis("Inventory (% of the order)" if percent else "Inventory (shares)", zero=True)],
        height=height,
    )
    looks = identities(named)
    words = []
    for name, execution in named.items():
        times, inventory = (
            np.asarray(_execution(name, execution).problem.paths.times),
            np.asarray(execution.inventory) * scale,
        )
        low, lower, median, upper, high = np.quantile(inventory, QUANTILES, axis=1)
        colour = PALETTE["blue"] if len(named) == 1 and name == "median" else looks[name].colour
        if (high > low).any():
            drawing.band(times, low, high, colour=colour, alpha=0.14)
            drawing.band(times, lower, upper, colour=colour, alpha=0.24)
            if len(named) == 1:
                drawing.label(times, high, "90 % of paths", colour)
        drawing.line(times, median, colour=colour, width=2.6, label=name, hover=f"{name}: " + "%{y:,.4~s}")
        middle = len(times) // 2
        words.append(
            f"{'the median' if name == 'median' else name} holds {number(median[middle])} half-way, "
            f"90 % of paths between {number(low[middle])} and {number(high[middle])}; "
            f"{number(float(inventory[-1].mean()))} is left at the end"
        )
    if reference is not None:
        planned = reference.inventory if isinstance(reference, StaticPlan) else reference
        planned = check_series("reference", planned, length=len(first.problem.paths.times)) * scale
        drawing.line(
            first.problem.paths.times,
            planned,
            colour=INK,
            dash="dash",
            width=1.8,
            label=reference_name,
            hover=f"{reference_name}: " + "%{y:,.4~s}",
        )
        words.append(f"the {reference_name} plans {number(planned[len(planned) // 2])}")
    unit = "per cent of the order" if percent else "shares"
    return drawing.figure(
        alt
        or f"Inventory of an order of {number(order.shares)} shares on "
        f"{first.problem.paths.n_paths:,} paths, in {unit}: {'; '.join(words)}."
    )


def price_and_fills(
    execution: Execution, *, path: int = 0, alt: str | None = None, height: int = 500
) -> Figure:
    """One path: the mid, what the order made of it, its fills sized by shares, and its participation below.

    Parameters
    ----------
    execution : Execution
    path : int
        Which path.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Participation is own shares per share of the rest of the market, step by step; no bar where nobody else
    trades.
    Pinned by `tests/figures/test_execution.py`.
    """
    problem = _execution("execution", execution).problem
    order, paths = problem.order, problem.paths
    if not 0 <= path < paths.n_paths:
        raise ValueError(f"`path` must lie in [0, {paths.n_paths - 1}], got {path!r}")
    times, mid = np.asarray(paths.times), np.asarray(paths.mid)[:, path]
    shares, price = np.asarray(execution.shares)[:, path], np.asarray(execution.price)[:, path]
    moved = mid + order.sign * np.asarray(execution.displacement)[:, path]
    volume = np.asarray(paths.volume)[:, path]
    busy = volume > 0  # in a replayed book there are steps in which nobody else trades
    participation = 100 * shares[busy] / volume[busy]
    hue = SERIES_COLOURS[order.side]
    drawing = Drawing(
        Axis(TIME),
        [Axis("Price (currency per share)"), Axis("Participation<br>(% of volume)", zero=True)],
        (2.6, 1.0),
        height=height,
        narrow_height=430,
        margin=0.02,
    )
    drawing.line(times, mid, colour=INK, width=1.6, label="mid without the order", hover="mid %{y:.4f}")
    if np.abs(moved - mid).max() > 1e-9 * mid[0]:
        drawing.line(
            times,
            moved,
            colour=MUTED,
            width=1.4,
            dash="dot",
            label="mid as moved by the order",
            hover="moved mid %{y:.4f}",
        )
    traded = shares > 0
    size = 5 + 13 * np.sqrt(shares[traded] / shares.max()) if traded.any() else np.array([])
    drawing.points(
        times[:-1][traded],
        price[traded],
        colour=hue,
        size=size,
        extra=shares[traded],
        label="bought" if order.side == "buy" else "sold",
        hover="%{customdata:,.0f} shares at %{y:.4f}",
    )
    drawing.bars(
        times[:-1][busy],
        times[1:][busy],
        participation,
        colour=hue,
        alpha=0.55,
        row=1,
        hover="%{y:.2f} % of volume",
    )
    shown = (
        f"participation runs from {number(participation.min())} to {number(participation.max())} % of volume"
        if busy.any()
        else "nobody else trades"
    )
    if 0 < busy.sum() < len(busy):
        shown += f" in the {busy.sum()} of {len(busy)} steps in which others trade"
    average = float(shares @ np.where(traded, price, 0.0) / shares.sum())
    slippage = order.sign * (average / mid[0] - 1) * 1e4
    return drawing.figure(
        alt
        or f"A {order.side} order of {number(order.shares)} shares on one path: the mid goes from "
        f"{number(mid[0], 5)} to {number(mid[-1], 5)}, the average fill is {number(average, 6)}, "
        f"{number(abs(slippage))} basis points {'worse' if slippage > 0 else 'better'} than arrival; "
        f"{shown}."
    )


def _execution(name: str, value: Any) -> Execution:
    if not isinstance(value, Execution):
        raise ValueError(f"`{name}` must be an Execution, what `execute` returns, got {type(value).__name__}")
    return value
