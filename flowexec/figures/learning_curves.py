"""How training went, over several seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_named, check_positive, check_rising, check_series, check_table
from .theme import MUTED
from .wording import listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def learning_curves(
    x: Any,
    runs: Mapping[str, Any],
    *,
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    levels: Mapping[str, float] | None = None,
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Training over several seeds: their median, a band from the least to the largest, each as a thin line.

    A band of five seeds is all there is to say about seeds; a mean ± 1.96 standard errors of them would claim
    more.

    Parameters
    ----------
    x : array [point]
        Increasing: iterations, orders played, seconds.
    runs : mapping of str to array [seed, point]
        Lower is better, such as regret.
    x_title, y_title : str
        With units.
    log_x, log_y : bool
    levels : mapping of str to float, optional
        Values of y worth a level line and a word, such as a target.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Pinned by `tests/figures/test_learning_curves.py`.
    """
    x = check_rising("x", check_series("x", x, least=2))
    if log_x:
        check_positive("x", x)
    runs = check_named("runs", runs)
    drawing = Drawing(Axis(x_title, log=log_x), [Axis(y_title, log=log_y)], height=height)
    looks = identities(runs)
    words = []
    for name, values in runs.items():
        table = check_table(f"runs[{name!r}]", values, ("seed", x.size))
        if log_y:
            check_positive(f"runs[{name!r}]", table)
        colour, median = looks[name].colour, np.median(table, axis=0)
        drawing.band(x, table.min(axis=0), table.max(axis=0), colour=colour, alpha=0.15)
        for seed in table:
            drawing.line(x, seed, colour=colour, width=0.8, alpha=0.45)
        drawing.line(
            x,
            median,
            colour=colour,
            dash=looks[name].dash,
            label=name,
            hover=f"{name}: median " + "%{y:.3~g}<br>at %{x:.4~g}",
        )
        words.append(
            f"{name} from {number(median[0])} to {number(median[-1])} in the median of {len(table)} seeds, "
            f"which end between {number(table[:, -1].min())} and {number(table[:, -1].max())}"
        )
    for text, level in (levels or {}).items():
        drawing.horizontal(level)
        drawing.label(x[[0, -1]], [level, level], text, MUTED)
    return drawing.figure(alt or f"{y_title} against {x_title}: {listed(words)}.")
