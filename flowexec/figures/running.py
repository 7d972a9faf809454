"""Cost as it is run up, step by step, and who is ahead when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from .axes import Axis
from .drawing import Drawing
from .identity import Identity, identities
from .inputs import check_estimates, check_named, check_rising, check_series
from .wording import estimate, listed

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def running_cost(
    costs: Mapping[str, Sequence[Estimate]],
    *,
    times: Any = None,
    unit: str = "bps of arrival value",
    efficiency: Mapping[str, Sequence[Estimate]] | None = None,
    efficiency_title: str = "Efficiency",
    alt: str | None = None,
    height: int | None = None,
) -> Figure:
    """Mean cost so far after each step, with 95 % bands; below, where given, how far each is ahead.

    Parameters
    ----------
    costs : mapping of str to list of Estimate [step]
        `LeagueEntry.running_cost`, for instance.
    times : array [step], optional
        Ends of the steps in trading days, increasing; by default steps are counted.
    unit : str
    efficiency : mapping of str to list of Estimate [step], optional
        `LeagueEntry.efficiency`, for instance; positive is ahead.
    efficiency_title : str
        With the unit.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_running.py`.
    """
    rows = [("costs", check_named("costs", costs))]
    if efficiency is not None:
        rows.append(("efficiency", check_named("efficiency", efficiency)))
    steps = len(next(iter(rows[0][1].values())))
    at = (
        np.arange(1.0, steps + 1)
        if times is None
        else check_rising("times", check_series("times", times, length=steps))
    )
    titles = [f"Mean cost so far ({unit})", efficiency_title][: len(rows)]
    drawing = Drawing(
        Axis("Step" if times is None else "Time (trading days)"),
        [Axis(title, zero=True, zero_line=True) for title in titles],
        (1.4, 1.0)[: len(rows)],
        height=height if height is not None else 420 if len(rows) == 1 else 600,
        narrow_height=340 if len(rows) == 1 else 560,
    )
    looks = identities(dict.fromkeys(name for _, series in rows for name in series))
    said = []
    for row, (argument, series) in enumerate(rows):
        for name, items in series.items():
            values, errors = check_estimates(f"{argument}[{name!r}]", items, length=steps)
            _draw(drawing, row, at, values, errors, name, looks[name])
        said.append(
            f"{titles[row]}: " + listed(f"{name} {estimate(items[-1])}" for name, items in series.items())
        )
    return drawing.figure(alt or f"After the last of {steps} steps, ± standard errors. {'. '.join(said)}.")


def _draw(
    drawing: Drawing,
    row: int,
    at: np.ndarray,
    values: np.ndarray,
    errors: np.ndarray,
    name: str,
    look: Identity,
) -> None:
    half = NORMAL_95 * errors
    drawing.band(at, values - half, values + half, colour=look.colour, alpha=0.2, row=row)
    hover = f"{name}: " + "%{y:,.4~f} after %{x:.3~g}"
    drawing.line(at, values, colour=look.colour, dash=look.dash, row=row, label=name, hover=hover)
