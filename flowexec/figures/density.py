"""A sample's histogram against an exact density, and how far apart they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .annotations import note
from .axes import Axis
from .drawing import Drawing
from .inputs import check_rising, check_series
from .theme import INK, MUTED, SERIES_COLOURS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def density(
    sample: Any,
    exact: Callable[[np.ndarray], np.ndarray] | tuple[Any, Any],
    *,
    x_title: str,
    exact_name: str = "exact",
    sample_name: str = "simulated",
    bins: int | None = None,
    residuals: bool = True,
    alt: str | None = None,
    height: int = 460,
) -> Figure:
    """A histogram with the error of each bar, against the exact density, and how many errors apart they are.

    Parameters
    ----------
    sample : array [draw]
    exact : callable or (x, density)
        The density, vectorised, or its values on an increasing grid that covers the bins. It is averaged over
        each bin by Gauss's rule before it is compared with the bar, so that curvature within a bin is not
        taken for an error; the rule avoids the ends, where a density may be infinite.
    x_title : str
        With the unit.
    exact_name, sample_name : str
    bins : int, optional
        Between the 0.05 % and 99.95 % quantile; by default by the rule of Freedman and Diaconis, 20 to 80.
    residuals : bool
        Whether to draw the row of z-scores, (bar − exact) / standard error, with the band ±2.
    alt, height
        As in `path_fan`.

    Notes
    -----
    A bar's standard error is √(p(1 − p)/n)/width, p exact. Pinned by `tests/figures/test_distribution.py`.
    """
    sample = check_series("sample", sample, least=100)
    low, high = np.quantile(sample, [0.0005, 0.9995])
    if not low < high:
        raise ValueError(f"`sample` must vary, got {low:g} throughout")
    pdf = exact if callable(exact) else _interpolated(exact, float(low), float(high))
    if bins is None:
        quartiles = np.quantile(sample, [0.25, 0.75])
        bins = int(
            np.clip((high - low) * sample.size ** (1 / 3) / (2 * max(np.ptp(quartiles), 1e-300)), 20, 80)
        )
    counts, edges = np.histogram(sample, bins=bins, range=(float(low), float(high)))
    width, middle = float(edges[1] - edges[0]), (edges[:-1] + edges[1:]) / 2
    nodes, weights = np.polynomial.legendre.leggauss(8)
    expected = pdf((middle[:, None] + 0.5 * width * nodes).ravel()).reshape(bins, 8) @ (0.5 * weights)
    probability = np.clip(expected * width, 1e-300, 1.0)
    error = np.sqrt(probability * (1 - np.minimum(probability, 1.0)) / sample.size) / width
    bar = counts / (sample.size * width)
    z = (bar - expected) / np.maximum(error, 1e-300)
    hue = SERIES_COLOURS["simulation"]
    rows = [Axis("Density", zero=True)]
    if residuals:
        rows.append(Axis("z-score", limits=(-4.5, 4.5), ticks={-2.0: "−2", 0.0: "0", 2.0: "2"}))
    drawing = Drawing(Axis(x_title), rows, (3.0, 1.0)[: len(rows)], height=height, narrow_height=400)
    drawing.bars(edges[:-1], edges[1:], bar, colour=hue, alpha=0.3, hover=sample_name + " %{y:.4~g}")
    drawing.points(middle, bar, error=2 * error, colour=hue, size=1, cap=0)
    corner = 1 if middle[np.argmax(bar)] < (low + high) / 2 else 0  # the emptier one
    for line, (said, colour) in enumerate(((exact_name, INK), (f"{sample_name} ± 2 s.e.", hue))):
        place = (corner, 1), ("paper", "paper"), (1 - 2 * corner, -1)
        drawing.notes.append(
            note(said, *place, colour=colour, bold=True, shift=(6 - 12 * corner, -18 * line))
        )
    grid = np.linspace(edges[0], edges[-1], 8 * bins + 1)[1:-1]
    curve = np.asarray(pdf(grid), dtype=float)
    # a density may be infinite where its support begins: cut there, at the height of the bars
    low_enough = np.flatnonzero(curve <= 1.1 * float(np.max(bar + 2 * error)))
    shown = slice(low_enough[0], low_enough[-1] + 1) if low_enough.size else slice(None)
    drawing.line(
        grid[shown], curve[shown], colour=INK, width=2, name=exact_name, hover=exact_name + " %{y:.4~g}"
    )
    inside = float(np.mean(np.abs(z) <= 2))
    if residuals:
        drawing.band(edges[[0, -1]], [-2, -2], [2, 2], colour=MUTED, alpha=0.16, row=1)
        drawing.horizontal(0, row=1)
        drawing.points(
            middle,
            np.clip(z, -4.4, 4.4),
            colour=hue,
            size=5,
            row=1,
            hollow=np.abs(z) <= 2,
            hover="z = %{customdata:.2f}",
            extra=z,
        )
    return drawing.figure(
        alt
        or f"Histogram of {sample.size:,} values of {x_title} against {exact_name}: "
        f"{inside:.0%} of {bins} bars lie within two standard errors of it "
        f"(95 % are expected), the furthest is {np.abs(z).max():.1f} away."
    )


def _interpolated(exact: tuple[Any, Any], low: float, high: float) -> Callable[[np.ndarray], np.ndarray]:
    """The density between the grid's points, which must cover the bins."""
    if not (isinstance(exact, tuple) and len(exact) == 2):
        raise ValueError(f"`exact` must be a function or a pair (x, density), got {type(exact).__name__}")
    x = check_rising("exact[0]", check_series("exact[0]", exact[0], least=2))
    values = check_series("exact[1]", exact[1], length=x.size)
    if x[0] > low or x[-1] < high:
        raise ValueError(
            f"`exact[0]` must cover the bins, from {low:g} to {high:g}, got a grid from {x[0]:g} to {x[-1]:g}"
        )
    return lambda at: np.interp(at, x, values)
