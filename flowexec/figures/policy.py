"""What an optimal control trades: a map over its state, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import Axis, ColourAxis
from .board import Choice, Control, View, board
from .drawing import Drawing
from .inputs import MAX_POINTS, check_rising, check_series, check_table
from .maps import bands, cut, outline, scale_bar
from .ramp import ON_PALE
from .theme import PALETTE
from .wording import number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_STEPS, _MOST_CUTS = 14, 4
_LOOKS = (  # of the cuts: hues that are not on the scale
    (PALETTE["orange"], "solid"),
    (PALETTE["purple"], "dash"),
    (PALETTE["rose"], "dot"),
    (PALETTE["brown"], "dashdot"),
)
_NOTHING = 1e-3  # less than this share of the largest pace counts as waiting


def policy_map(
    pace: Any,
    *,
    steps: Sequence[float | str],
    inventory: Any,
    variance: Any,
    slices: Any = None,
    pace_title: str = "Pace (TWAP of what is left = 1)",
    x_title: str = "Variance (per trading day)",
    y_title: str = "Shares left (% of the order)",
    step_title: str = "Step",
    alt: str | None = None,
    height: int = 640,
) -> Figure:
    """What a control trades in each state, with a slider over its steps.

    Above a map over variance and inventory, in which the states where the control waits are outlined; below,
    on the same x axis, cuts through it at a few inventories.

    Parameters
    ----------
    pace : array [step, inventory, variance]
        At least 0. What is traded, best as a multiple of TWAP's share of what is left, where 1 is TWAP and 0
        is to wait; or in per cent of what is left. All steps share a scale.
    steps : sequence of float or str [step]
        Texts of the slider, at most 14.
    inventory, variance : array
        The grid, increasing, together at most 2,000 states; a signal may take the variance's place.
    slices : array, optional
        Up to four inventories at which to cut, each the nearest of the grid; by default three.
    pace_title, x_title, y_title, step_title : str
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_maps.py`.
    """
    inventory = check_rising("inventory", check_series("inventory", inventory, least=2))
    variance = check_rising("variance", check_series("variance", variance, least=2))
    if not 0 < len(steps) <= _MOST_STEPS:
        raise ValueError(f"`steps` must hold 1 to {_MOST_STEPS} steps, got {len(steps)}")
    if inventory.size * variance.size > MAX_POINTS:
        raise ValueError(
            f"`inventory` and `variance` must span at most {MAX_POINTS:,} states, "
            f"got {inventory.size} × {variance.size}"
        )
    pace = check_table("pace", pace, (len(steps), inventory.size, variance.size))
    if pace.min() < 0:
        raise ValueError(f"`pace` must be at least 0, got {pace.min():g}")
    cuts = _cuts(inventory, slices)
    options = tuple(step if isinstance(step, str) else number(step) for step in steps)
    titles = (x_title, y_title, pace_title)
    scale = _scale(pace_title, float(pace.max()))
    views: dict[Choice, View] = {}
    for k, option in enumerate(options):
        drawing = _drawing(pace[k], inventory, variance, cuts, scale, titles, height)
        said = alt or f"{step_title} {option}: " + _said(pace[k], inventory, variance, titles, scale.high)
        views[(k,)] = View((scale_bar(scale), drawing), said)
    return board(views, [Control(step_title, options, slider=True)], columns=((1.0,), (1.0,)))


def _cuts(inventory: np.ndarray, slices: Any) -> list[int]:
    """Rows of the grid to cut along."""
    if slices is None:
        return sorted({round(share * (inventory.size - 1)) for share in (0.25, 0.6, 1.0)})
    slices = check_series("slices", slices)
    if slices.size > _MOST_CUTS or slices.min() < inventory[0] or slices.max() > inventory[-1]:
        raise ValueError(
            f"`slices` must be at most {_MOST_CUTS} inventories from {inventory[0]:g} to {inventory[-1]:g}, "
            f"got {slices.tolist()}"
        )
    return sorted({int(np.argmin(np.abs(inventory - at))) for at in slices})


def _scale(title: str, highest: float) -> ColourAxis:
    """Ten bands from 0 to a round number not below the highest pace."""
    size = 10.0 ** np.floor(np.log10(highest)) if highest > 0 else 1.0
    top = float(
        next(m * size for m in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if m * size >= highest)
    )
    return ColourAxis(title, 0.0, top, top / 10)


def _drawing(
    pace: np.ndarray,
    inventory: np.ndarray,
    variance: np.ndarray,
    cuts: Sequence[int],
    scale: ColourAxis,
    titles: tuple[str, ...],
    height: int,
) -> Drawing:
    drawing = Drawing(
        Axis(titles[0]),
        [
            Axis(titles[1], limits=(float(inventory[0]), float(inventory[-1]))),
            Axis(scale.title, limits=(0.0, scale.high)),
        ],
        (1.5, 1.0),
        height=height,
        narrow_height=round(0.9 * height),
        colours=scale,
    )
    drawing.extend(0, variance, inventory[[0, -1]])
    bands(drawing, variance, inventory, pace, hover="%{x:.3~g}, %{y:.3~g} left: %{z:.3~g}")
    waits = _waits(pace, scale.high)
    if waits.any() and not waits.all():
        outline(drawing, variance, inventory, waits)
        wide = waits.sum(axis=1)
        row = int(np.median(np.flatnonzero(wide == wide.max())))
        middle = float(np.median(variance[waits[row]]))
        share = (middle - variance[0]) / (variance[-1] - variance[0])
        side = 1 if share < 0.12 else -1 if share > 0.88 else 0  # the text stays inside the map
        at = {1: variance[0], 0: middle, -1: variance[-1]}[side]
        drawing.note(
            "waits", at, inventory[row], side=(side, 0), shift=(5.0 * side, 0.0), colour=ON_PALE, bold=True
        )
    for row, (colour, dash) in zip(cuts, _LOOKS, strict=False):
        name = f"{number(inventory[row])} left"
        cut(drawing, variance, inventory[row], colour=colour, dash=dash)
        hover = f"{name}, " + "%{x:.3~g}: %{y:.3~g}"
        drawing.line(variance, pace[row], colour=colour, dash=dash, row=1, label=name, hover=hover)
    return drawing


def _waits(pace: np.ndarray, highest: float) -> np.ndarray:
    """Where next to nothing is traded."""
    result: np.ndarray = pace <= _NOTHING * highest
    return result


def _said(
    pace: np.ndarray,
    inventory: np.ndarray,
    variance: np.ndarray,
    titles: tuple[str, ...],
    highest: float,
) -> str:
    """The map in a sentence: its corners, and how much of it is waiting."""
    low, high = number(variance[0]), number(variance[-1])
    share = float(_waits(pace, highest).mean())
    waits = f" It waits in {number(100 * share, 2)} % of the states." if share else ""
    return (
        f"{titles[2]} over {titles[0]} and {titles[1]}. With {number(inventory[-1])} left it goes "
        f"from {number(pace[-1, 0])} at {low} to {number(pace[-1, -1])} at {high}; "
        f"with {number(inventory[0])} left from {number(pace[0, 0])} to {number(pace[0, -1])}.{waits}"
    )
