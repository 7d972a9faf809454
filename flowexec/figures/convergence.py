"""Errors that shrink with a grid, and the order at which they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import Axis
from .drawing import Drawing
from .identity import identities
from .inputs import check_named, check_positive, check_rising, check_series
from .theme import MUTED
from .wording import fixed, listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_BELOW = 0.6  # of the smallest error, where the reference lines end


def convergence(
    sizes: Any,
    errors: Mapping[str, Any],
    *,
    x_title: str,
    y_title: str,
    order: Sequence[float] = (),
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Errors against the size of a grid, log–log, with the fitted slope at each name.

    Parameters
    ----------
    sizes : array [grid]
        Of a grid: its points, or its spacing; greater than 0, increasing.
    errors : mapping of str to array [grid]
        Greater than 0: distances from what is exact.
    x_title, y_title : str
        With units.
    order : sequence of float
        Slopes of reference lines through the last errors, negative where `sizes` are points.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Slopes are those of least squares through the logarithms. Pinned by `tests/figures/test_running.py`.
    """
    sizes = check_rising("sizes", check_positive("sizes", check_series("sizes", sizes, least=2)))
    named = {
        name: check_positive(
            f"errors[{name!r}]", check_series(f"errors[{name!r}]", values, length=sizes.size)
        )
        for name, values in check_named("errors", errors).items()
    }
    drawing = Drawing(
        Axis(x_title, log=True), [Axis(y_title, log=True)], height=height, margin=0.06, narrow_height=360
    )
    looks = identities(named)
    words = []
    for name, values in named.items():
        slope = float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
        drawing.points(
            sizes,
            values,
            colour=looks[name].colour,
            symbol=looks[name].symbol,
            label=f"{name}, slope {fixed(slope, 2)}",
            joined="solid",
            size=9,
            hover=f"{name}: " + "%{y:.3~g}<br>at %{x:.4~g}",
        )
        words.append(
            f"{name} from {number(values[0])} at {number(sizes[0])} to {number(values[-1])} "
            f"at {number(sizes[-1])}, slope {fixed(slope, 2)}"
        )
    least = np.min([values[-1] for values in named.values()])
    for slope in order:
        drawing.line(
            sizes,
            _BELOW * least * (sizes / sizes[-1]) ** slope,
            colour=MUTED,
            dash="dot",
            width=1.5,
            label=f"order {number(abs(slope))}",
        )
    return drawing.figure(alt or f"{y_title} against {x_title}, both logarithmic: {listed(words)}.")
