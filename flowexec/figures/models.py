"""A model against what is known exactly of it: densities, characteristic functions, bias of schemes, smiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from .axes import Axis, fraction_ticks
from .comparisons import curves
from .drawing import Drawing
from .identity import identities
from .inputs import check_estimates, check_named, check_positive, check_rising, check_series
from .theme import INK, MUTED, PALETTE, SERIES_COLOURS
from .wording import estimate, listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SCHEME_NAMES = {"euler": "Euler", "qe": "QE", "qe_m": "QE-M", "ivi": "iVi", "exact": "exact"}
"""How the schemes' identifiers are written for readers."""


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
        The density, vectorised, or its values on an increasing grid. Averaged over each bin by Simpson's rule
        before it is compared with the bar, so that curvature within a bin is not taken for an error.
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
    A bar's standard error is √(p(1 − p)/n)/width with the *exact* p. Pinned by `tests/figures/test_models.py`.
    """
    sample = check_series("sample", sample, least=100)
    pdf = exact if callable(exact) else _interpolated(exact)
    low, high = np.quantile(sample, [0.0005, 0.9995])
    if not low < high:
        raise ValueError(f"`sample` must vary, got {low:g} throughout")
    if bins is None:
        quartiles = np.quantile(sample, [0.25, 0.75])
        bins = int(np.clip((high - low) * sample.size ** (1 / 3) / (2 * max(np.ptp(quartiles), 1e-300)), 20, 80))
    counts, edges = np.histogram(sample, bins=bins, range=(float(low), float(high)))
    width, middle = float(edges[1] - edges[0]), (edges[:-1] + edges[1:]) / 2
    expected = (pdf(edges[:-1]) + 4 * pdf(middle) + pdf(edges[1:])) / 6
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
    drawing.points(middle, bar, error=2 * error, colour=hue, size=3)
    drawing.label(middle, bar + 2 * error, f"{sample_name} ± 2 s.e.", hue)
    grid = np.linspace(edges[0], edges[-1], 400)
    drawing.line(grid, pdf(grid), colour=INK, width=2, label=exact_name, hover=exact_name + " %{y:.4~g}")
    inside = float(np.mean(np.abs(z) <= 2))
    if residuals:
        drawing.band(edges[[0, -1]], [-2, -2], [2, 2], colour=MUTED, alpha=0.16, row=1)
        drawing.horizontal(0, row=1)
        drawing.points(middle, np.clip(z, -4.4, 4.4), colour=hue, size=5, row=1, hollow=np.abs(z) <= 2,
                       hover="z = %{customdata:.2f}", extra=z)  # fmt: skip
    return drawing.figure(
        alt
        or f"Histogram of {sample.size:,} values of {x_title} against the {exact_name} one: {inside:.0%} of {bins} bars "
        f"lie within two standard errors of it (95 % are expected), the furthest is {np.abs(z).max():.1f} away."
    )


def _interpolated(exact: tuple[Any, Any]) -> Callable[[np.ndarray], np.ndarray]:
    if not (isinstance(exact, tuple) and len(exact) == 2):
        raise ValueError(f"`exact` must be a function or a pair (x, density), got {type(exact).__name__}")
    x = check_rising("exact[0]", check_series("exact[0]", exact[0], least=2))
    values = check_series("exact[1]", exact[1], length=x.size)
    return lambda at: np.interp(at, x, values, left=0.0, right=0.0)


def characteristic_function(
    u: Any,
    exact: Any,
    sample: Any,
    *,
    variable: str = "log-return",
    alt: str | None = None,
    height: int = 480,
) -> Figure:
    """E[exp(iuX)], exact and of a sample; below, their difference with ±2 standard errors, at a scale where it shows.

    Parameters
    ----------
    u : array [argument]
        Increasing.
    exact : complex array [argument]
    sample : array [draw]
        Values of X.
    variable : str
        What X is.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Standard errors are those of the means of cos uX and sin uX. Pinned by `tests/figures/test_models.py`.
    """
    u = check_rising("u", check_series("u", u, least=2))
    exact = np.asarray(exact, dtype=complex)
    if exact.shape != u.shape or not np.isfinite(exact).all():
        raise ValueError(f"`exact` must be {u.size} finite complex numbers, one for each of `u`, got shape {exact.shape}")
    sample = check_series("sample", sample, least=2)
    waves = [np.array([[f(v * sample).mean(), f(v * sample).std(ddof=1)] for v in u]).T for f in (np.cos, np.sin)]
    drawing = Drawing(
        Axis(f"u, argument of E[exp(iu · {variable})] (dimensionless)"),
        [Axis("Characteristic function"), Axis("Sample − exact")],
        (2.0, 1.3),
        height=height,
        narrow_height=420,
        margin=0.015,
    )
    drawing.horizontal(0)
    drawing.horizontal(0, row=1)
    worst = 0.0
    marks = np.unique(np.linspace(0, u.size - 1, min(u.size, 25)).astype(int))
    for part, hue, truth, (mean, sd) in (
        ("real part", PALETTE["blue"], exact.real, waves[0]),
        ("imaginary part", PALETTE["orange"], exact.imag, waves[1]),
    ):
        error = sd / np.sqrt(sample.size)
        drawing.line(u, truth, colour=hue, label=part, hover=f"exact {part} " + "%{y:.4f}")
        drawing.points(u[marks], mean[marks], error=2 * error[marks], colour=hue, hollow=np.ones(marks.size), size=6,
                       hover=f"sample, {part} " + "%{y:.4f}")  # fmt: skip
        drawing.band(u, mean - truth - 2 * error, mean - truth + 2 * error, colour=hue, alpha=0.25, row=1)
        drawing.line(u, mean - truth, colour=hue, width=1.6, row=1, hover="%{y:.2e}")
        if part == "real part":
            drawing.label(u[marks], mean[marks], f"○ {sample.size:,} draws ± 2 s.e.", hue)
        else:
            drawing.label(u, mean - truth + 2 * error, "± 2 s.e.", MUTED, row=1)
        moving = error > 1e-12
        worst = max(worst, float(np.max(np.abs(mean - truth)[moving] / error[moving], initial=0.0)))
    return drawing.figure(
        alt
        or f"Characteristic function of the {variable}, real and imaginary part, for u from {number(u[0])} to {number(u[-1])}: "
        f"exact curves and the means of {sample.size:,} draws, which nowhere lie further than {worst:.1f} standard errors away."
    )


def scheme_bias(
    step_lengths: Any,
    biases: Mapping[str, Sequence[Estimate]],
    *,
    x_title: str = "Step length (years)",
    unit: str = "currency",
    slopes: Sequence[float] = (1.0,),
    alt: str | None = None,
    height: int = 440,
) -> Figure:
    """|Bias| against step length, log–log; hollow where the bias cannot be told from zero.

    Parameters
    ----------
    step_lengths : array [step length]
        Greater than 0.
    biases : mapping of str to list of Estimate
        Estimated minus exact, signed, for each step length.
    x_title, unit : str
    slopes : sequence of float
        Orders of convergence to draw as reference lines, from the largest bias downwards.
    alt, height
        As in `path_fan`.

    Notes
    -----
    Whiskers are 95 % intervals of |bias|; one that reaches 0 runs to the bottom of the figure.
    Pinned by `tests/figures/test_models.py`.
    """
    steps = check_positive("step_lengths", check_series("step_lengths", step_lengths))
    biases = check_named("biases", biases)
    named = {SCHEME_NAMES.get(name, name): (name, *check_estimates(f"biases[{name!r}]", b, length=steps.size))
             for name, b in biases.items()}  # fmt: skip
    sizes = np.concatenate([np.maximum(np.abs(value), error) for _, value, error in named.values()])
    if not (sizes > 0).any():
        raise ValueError("`biases` must hold at least one estimate that is not exactly 0 ± 0")
    floor = 10 ** np.floor(np.log10(0.5 * sizes[sizes > 0].min()))
    drawing = Drawing(
        Axis(x_title, log=True, ticks=fraction_ticks(steps) if steps.size <= 8 else None),
        [Axis(f"|Bias| ({unit})", log=True)],
        height=height,
        margin=0.06,
        narrow_height=360,
    )
    top_value, top_step = 0.0, float(steps.max())
    looks = identities([name for name, _, _ in named.values()])
    words = []
    order = np.argsort(steps)
    for label, (name, value, error) in named.items():
        half, size = NORMAL_95 * error[order], np.maximum(np.abs(value[order]), floor)
        lowest = np.where(np.abs(value[order]) > half, np.maximum(size - half, floor), floor)
        drawing.points(steps[order], size, error=(size - lowest, np.abs(value[order]) + half - size),
                       colour=looks[name].colour, symbol=looks[name].symbol, label=label, joined="solid", size=9,
                       hollow=np.abs(value[order]) <= half, hover=label + ": %{customdata}<br>step %{x:.4~g}",
                       extra=[estimate(Estimate(*e), signed=True) for e in zip(value[order], error[order], strict=True)])  # fmt: skip
        top_value = max(top_value, float(np.abs(value[np.argmax(steps)])))
        lost = int((np.abs(value) <= NORMAL_95 * error).sum())
        words.append(
            f"{label} goes from {estimate(Estimate(value[order][-1], error[order][-1]), signed=True)} at "
            f"{number(steps.max())} to {estimate(Estimate(value[order][0], error[order][0]), signed=True)} at "
            f"{number(steps.min())} ({lost} of {steps.size} not distinguishable from 0)"
        )
    for slope in slopes if top_value > 0 else ():
        reference = 1.6 * top_value * (steps[order] / top_step) ** slope
        shown = reference >= floor
        drawing.line(steps[order][shown], reference[shown], colour=MUTED, dash="dot", width=1.5, label=f"order {slope:g}")
    drawing.rows[0].reach([floor])
    return drawing.figure(alt or f"Bias by step length, values ± standard errors in {unit}: {'; '.join(words)}.")


def smile(
    strikes: Any,
    lines: Mapping[str, Any],
    *,
    points: Mapping[str, Sequence[Estimate]] | None = None,
    x_title: str = "Strike (currency)",
    y_title: str = "Implied volatility (% a year)",
    alt: str | None = None,
    height: int = 420,
) -> Figure:
    """Implied volatilities or option prices by strike: closed forms as lines, simulations as points with 95 % whiskers.

    Parameters
    ----------
    strikes : array [strike]
    lines : mapping of str to array [strike]
    points : mapping of str to list of Estimate [strike], optional
    x_title, y_title, alt, height
        As in `curves`, which draws it.
    """
    strikes = check_rising("strikes", check_series("strikes", strikes, least=2))
    placed = None if points is None else {name: (strikes, p) for name, p in check_named("points", points).items()}
    if alt is None:
        ends = [
            f"{name} from {number(np.asarray(v)[0], 4)} at strike {number(strikes[0])} to {number(np.asarray(v)[-1], 4)} "
            f"at {number(strikes[-1])}"
            for name, v in check_named("lines", lines).items()
        ]
        alt = f"{y_title} by strike: {listed(ends)}."
    return curves(strikes, lines, x_title=x_title, y_title=y_title, points=placed, alt=alt, height=height)
