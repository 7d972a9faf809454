"""The colour scale of maps: more is further from the page, on a light page and on a dark one.

Lightness rises or falls evenly to the same gray in the middle, so that hue is not needed to read the scale,
and one threshold says for both pages whether a text on a colour must be light or dark.
"""

from __future__ import annotations

__all__ = ["ON_DEEP", "ON_PALE", "RAMP", "RAMP_DARK", "colour_scale", "text_on"]

#: At 0, 1/6, … 1 as (on light, on dark): pale straw to deep navy, and deep blue to bright straw.
_STOPS = (
    ("#f5f4d5", "#232f5b"),
    ("#99d8a8", "#044786"),
    ("#0eb1b5", "#006497"),
    ("#0f81a3", "#0f81a3"),
    ("#086294", "#0eb1b5"),
    ("#014684", "#81d99a"),
    ("#072c6a", "#f5f0a1"),
)

RAMP: tuple[str, ...] = tuple(light for light, _ in _STOPS)

ON_PALE = "#05070a"  # text on the lower half of the scale
ON_DEEP = "#fcfcfc"  # and on the upper half

#: Light colour → dark colour; part of `theme.DARK`.
RAMP_DARK: dict[str, str] = {**dict(_STOPS), ON_PALE: ON_DEEP, ON_DEEP: ON_PALE}


def colour_scale() -> list[list[float | str]]:
    """Plotly's form of the scale."""
    return [[i / (len(RAMP) - 1), colour] for i, colour in enumerate(RAMP)]


def text_on(position: float) -> str:
    """The colour in which a text on the scale's colour at `position` in [0, 1] can be read.

    Its contrast is at least 4.3 on both pages. Pinned by `tests/figures/test_maps.py`.
    """
    return ON_PALE if position < 0.5 else ON_DEEP
