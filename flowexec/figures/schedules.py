"""Schedules compared: what they hold, and what they trade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..execution.problem import Execution
from ..strategies.static import StaticPlan
from .axes import Axis
from .drawing import Drawing
from .execution import TIME
from .identity import identities
from .inputs import check_named, check_rising, check_series
from .wording import listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def schedules(
    plans: Mapping[str, StaticPlan | Execution | Any],
    *,
    quantity: str = "inventory",
    times: Any = None,
    percent: bool = False,
    x_title: str = TIME,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Schedules compared: inventory over time, or shares traded in each step.

    Parameters
    ----------
    plans : mapping of str to StaticPlan, Execution or array [step+1]
        An Execution enters by its median inventory; an array is an inventory at `times`.
    quantity : {"inventory", "trades"}
    times : array [step+1], optional
        Needed only where no plan brings its own.
    percent : bool
        Per cent of the order instead of shares.
    x_title, alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_execution.py`.
    """
    if quantity not in ("inventory", "trades"):
        raise ValueError(f"`quantity` must be one of 'inventory', 'trades', got {quantity!r}")
    plans = check_named("plans", plans)
    unit = "% of the order" if percent else "shares"
    drawing = Drawing(
        Axis(x_title),
        [
            Axis(
                f"Inventory ({unit})" if quantity == "inventory" else f"Traded in each step ({unit})",
                zero=True,
            )
        ],
        height=height,
    )
    looks = identities(plans)
    words = []
    for name, plan in plans.items():
        at, inventory = _inventory(name, plan, times)
        inventory = inventory * (100.0 / inventory[0] if percent else 1.0)
        look = looks[name]
        if quantity == "inventory":
            drawing.line(
                at,
                inventory,
                colour=look.colour,
                dash=look.dash,
                label=name,
                hover=f"{name}: " + "%{y:,.4~s}",
            )
            half = float(np.interp(-0.5 * inventory[0], -inventory, at))
            words.append(f"{name} has traded half after {number(half, 2)}")
        else:
            traded = -np.diff(inventory)
            drawing.line(
                at,
                np.append(traded, traded[-1]),
                colour=look.colour,
                dash=look.dash,
                label=name,
                step=True,
                hover=f"{name}: " + "%{y:,.4~s}",
            )
            words.append(f"{name} trades {number(traded[0])} first and {number(traded[-1])} last")
    what = "Inventory by time" if quantity == "inventory" else "Trades by step"
    return drawing.figure(alt or f"{what}, in {unit}: {listed(words)}.")


def _inventory(name: str, plan: Any, times: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(plan, StaticPlan):
        return plan.times, plan.inventory
    if isinstance(plan, Execution):
        return np.asarray(plan.problem.paths.times), np.median(np.asarray(plan.inventory), axis=1)
    if times is None:
        raise ValueError(
            f"`times` must be given, because `plans[{name!r}]` is an array without times of its own"
        )
    at = check_rising("times", check_series("times", times, least=2))
    return at, check_series(f"plans[{name!r}]", plan, length=at.size)
