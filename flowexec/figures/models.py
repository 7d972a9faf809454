"""A model against what is known exactly of it: characteristic function, bias of schemes, smile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analytics.statistics import NORMAL_95, Estimate
from .annotations import note
from .axes import Axis, fraction_ticks
from .comparisons import curves
from .drawing import Drawing
from .identity import identities, written
from .inputs import check_estimates, check_named, check_positive, check_rising, check_series
from .theme import MUTED, PALETTE
from .wording import estimate, listed, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def characteristic_function(
    u: Any,
    exact: Any,
    sample: Any,
    *,
    variable: str = "log-return",
    alt: str | None = None,
    height: int = 480,
) -> Figure:
    """E[exp(iuX)], exact and of a sample; below, their difference with ±2 standard errors.

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
        raise ValueError(
            f"`exact` must be {u.size} finite complex numbers, one for each of `u`, got shape {exact.shape}"
        )
    sample = check_series("sample", sample, least=2)
    waves = [
        np.array([[f(v * sample).mean(), f(v * sample).std(ddof=1)] for v in u]).T for f in (np.cos, np.sin)
    ]
    drawing = Drawing(
        Axis(f"u in E[exp(iu · {variable})] (dimensionless)"),
        [Axis("Characteristic function"), Axis("Sample − exact")],
        (2.0, 1.3),
        height=height,
        narrow_height=420,
        margin=0.015,
    )
    drawing.horizontal(0)
    drawing.horizontal(0, row=1)
    said = f"○ {sample.size:,} draws ± 2 s.e."
    place = (1, 1), ("paper", "paper")
    drawing.notes.append(note(said, *place, (-1, -1), colour=MUTED, bold=False, shift=(0, 0)))
    worst = 0.0
    marks = np.unique(np.linspace(0, u.size - 1, min(u.size, 25)).astype(int))
    for part, hue, truth, (mean, sd) in (
        ("real part", PALETTE["blue"], exact.real, waves[0]),
        ("imaginary part", PALETTE["orange"], exact.imag, waves[1]),
    ):
        error = sd / np.sqrt(sample.size)
        drawing.line(u, truth, colour=hue, label=part, hover=f"exact {part} " + "%{y:.4f}")
        drawing.points(
            u[marks],
            mean[marks],
            error=2 * error[marks],
            colour=hue,
            hollow=np.ones(marks.size),
            size=6,
            hover=f"sample, {part} " + "%{y:.4f}",
        )
        drawing.band(u, mean - truth - 2 * error, mean - truth + 2 * error, colour=hue, alpha=0.25, row=1)
        drawing.line(u, mean - truth, colour=hue, width=1.6, row=1, hover="%{y:.2e}")
        if part == "imaginary part":
            drawing.label(u, mean - truth + 2 * error, "± 2 s.e.", MUTED, row=1)
        moving = error > 1e-12
        worst = max(worst, float(np.max(np.abs(mean - truth)[moving] / error[moving], initial=0.0)))
    return drawing.figure(
        alt
        or f"Characteristic function of the {variable}, real and imaginary part, for u from {number(u[0])} "
        f"to {number(u[-1])}: exact curves and the means of {sample.size:,} draws, which nowhere lie further "
        f"than {worst:.1f} standard errors away."
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
    named = {
        written(name): (name, *check_estimates(f"biases[{name!r}]", b, length=steps.size))
        for name, b in biases.items()
    }
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
        drawing.points(
            steps[order],
            size,
            error=(size - lowest, np.abs(value[order]) + half - size),
            colour=looks[name].colour,
            symbol=looks[name].symbol,
            label=label,
            joined="solid",
            size=9,
            hollow=np.abs(value[order]) <= half,
            hover=label + ": %{customdata}<br>step %{x:.4~g}",
            extra=[estimate(Estimate(*e), signed=True) for e in zip(value[order], error[order], strict=True)],
        )
        top_value = max(top_value, float(np.abs(value[np.argmax(steps)])))
        lost = int((np.abs(value) <= NORMAL_95 * error).sum())
        words.append(
            f"{label} goes from {_said(value, error, order[-1])} at {number(steps.max())} to "
            f"{_said(value, error, order[0])} at {number(steps.min())} "
            f"({lost} of {steps.size} not distinguishable from 0)"
        )
    for slope in slopes if top_value > 0 else ():
        reference = 1.6 * top_value * (steps[order] / top_step) ** slope
        shown = reference >= floor
        drawing.line(
            steps[order][shown],
            reference[shown],
            colour=MUTED,
            dash="dot",
            width=1.5,
            label=f"order {slope:g}",
        )
    drawing.rows[0].reach([floor])
    return drawing.figure(
        alt or f"Bias by step length, values ± standard errors in {unit}: {'; '.join(words)}."
    )


def _said(value: np.ndarray, error: np.ndarray, at: int) -> str:
    return estimate(Estimate(value[at], error[at]), signed=True)


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
    """Implied volatilities or option prices by strike: closed forms as lines, simulations as points.

    Parameters
    ----------
    strikes : array [strike]
    lines : mapping of str to array [strike]
    points : mapping of str to list of Estimate [strike], optional
    x_title, y_title, alt, height
        As in `curves`, which draws it.
    """
    strikes = check_rising("strikes", check_series("strikes", strikes, least=2))
    placed = (
        None if points is None else {name: (strikes, p) for name, p in check_named("points", points).items()}
    )
    if alt is None:
        ends = [
            f"{name} from {number(np.asarray(v)[0], 4)} at strike {number(strikes[0])} to "
            f"{number(np.asarray(v)[-1], 4)} at {number(strikes[-1])}"
            for name, v in check_named("lines", lines).items()
        ]
        alt = f"{y_title} by strike: {listed(ends)}."
    return curves(strikes, lines, x_title=x_title, y_title=y_title, points=placed, alt=alt, height=height)
