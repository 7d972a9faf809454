"""Who is which colour: a strategy, a scheme or a component looks the same in every figure of the book."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .theme import PALETTE, SCHEME_COLOURS, SERIES_COLOURS, STRATEGY_COLOURS, STRATEGY_DASHES

_SCHEMES = {"euler": "Euler", "qe": "QE", "qe_m": "QE-M", "ivi": "iVi", "quantlib": "QuantLib"}
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "triangle-down", "cross")


class Identity(NamedTuple):
    """How a named series is drawn: hue first, dash and symbol for readers who do not see hue."""

    colour: str
    dash: str
    symbol: str


def identities(names: Iterable[str]) -> dict[str, Identity]:
    """Colour, dash and symbol of each name.

    A name that is, or begins with, a strategy's, a scheme's or a component's name takes its colour
    ("POV 10 %" is POV's gold); a second name of the same colour takes another dash. All others take the hues,
    in the palette's order, that no name of the figure has.

    Pinned by `tests/figures/test_words_and_colours.py`.
    """
    names = list(names)
    known = {name: _known(name) for name in names}
    free = [hue for hue in PALETTE.values() if hue not in known.values()]
    result: dict[str, Identity] = {}
    for position, name in enumerate(names):
        colour = (
            known[name] or free.pop(0)
            if known[name] or free
            else list(PALETTE.values())[position % len(PALETTE)]
        )
        used = [other.dash for other in result.values() if other.colour == colour]
        own = _dash(name) if known[name] in STRATEGY_COLOURS.values() else _DASHES[0]
        dash = next((dash for dash in (own, *_DASHES) if dash not in used), own)
        result[name] = Identity(colour, dash, _SYMBOLS[position % len(_SYMBOLS)])
    return result


def _known(name: str) -> str | None:
    for table in (STRATEGY_COLOURS, SCHEME_COLOURS, SERIES_COLOURS):
        key = _longest_prefix(name, table)
        if key is not None:
            return table[key]
    return None


def _dash(name: str) -> str:
    key = _longest_prefix(name, STRATEGY_DASHES)
    return STRATEGY_DASHES[key] if key is not None else _DASHES[0]


def _longest_prefix(name: str, table: dict[str, str]) -> str | None:
    """The longest key that `name` begins with, to the end of a word; case, and - or _, do not matter."""
    plain = name.lower().replace("-", "_")
    fitting = [
        key
        for key in table
        if plain.startswith(key.lower().replace("-", "_"))
        and not plain[len(key) : len(key) + 1].isalnum()
        and plain[len(key) : len(key) + 1] != "_"
    ]
    return max(fitting, key=len, default=None)


def written(name: str) -> str:
    """A name as readers write it: schemes have identifiers that are not their names."""
    return _SCHEMES.get(name, name)
