"""How every figure of the book looks, and how it reaches the page.

Colours are fixed by meaning: a strategy, a numerical scheme or a role (what was simulated, what theory says)
has one colour through the whole book. Figures are drawn in the light colours below; the page's script swaps
each for its partner in `DARK` when the reader's page is dark, so a figure never stands on a white card. Use
these names rather than colour codes of your own, because only these are known to have a partner.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from typing import Any

from .ramp import RAMP_DARK, colour_scale

__all__ = [
    "BAND",
    "DARK",
    "GRID",
    "INK",
    "MUTED",
    "PALETTE",
    "PAPER",
    "SCHEME_COLOURS",
    "SERIES_COLOURS",
    "STRATEGY_COLOURS",
    "STRATEGY_DASHES",
    "figure_html",
    "translucent",
    "theme_layout",
    "use_theme",
]

INK = "#1f2a37"  # text, and lines that must stand out
MUTED = "#66727f"  # ticks, secondary lines
GRID = "#dfe4ea"
PAPER = "#fefefe"  # the page itself: outlines of markers, backing of labels
BAND = "#8794a2"  # intervals, with `translucent`

#: Hues that stay apart under deuteranopia, protanopia and tritanopia, each as (on light, on dark).
_HUES = {
    "blue": ("#0b62b8", "#62aef7"),
    "orange": ("#c25400", "#ff9a4d"),
    "green": ("#08835e", "#3fd3a6"),
    "purple": ("#8a4fa3", "#cb9be3"),
    "gold": ("#8f6c00", "#f2c94c"),
    "sky": ("#1a82ab", "#7fd4f5"),
    "rose": ("#c5366f", "#f785ae"),
    "slate": ("#566373", "#aab6c4"),
    "brown": ("#7c5a3c", "#cfa983"),
    "navy": ("#2b3a8c", "#96a3ff"),
    "olive": ("#5d7a1f", "#b3d166"),
    "brick": ("#9e2a2b", "#ff8080"),
}

#: Name of a hue → its colour on a light page, in the order in which unnamed traces take them.
PALETTE: dict[str, str] = {name: light for name, (light, _) in _HUES.items()}

#: Light colour → dark colour, for the page's script.
DARK: dict[str, str] = {
    **dict(_HUES.values()),
    INK: "#e8edf2",
    MUTED: "#a3afbb",
    GRID: "#39424d",
    PAPER: "#14181e",
    BAND: "#8d99a8",
    **RAMP_DARK,
}

STRATEGY_COLOURS: dict[str, str] = {
    "Immediate": PALETTE["brown"],
    "TWAP": PALETTE["slate"],
    "VWAP": PALETTE["sky"],
    "POV": PALETTE["gold"],
    "Almgren–Chriss": PALETTE["blue"],
    "Static": PALETTE["purple"],
    "Optimal": PALETTE["green"],
    "Optimum": PALETTE["green"],
    "DQN": PALETTE["rose"],
    "PPO": PALETTE["orange"],
    "Flow": PALETTE["navy"],
    "Distilled": PALETTE["olive"],
    "Selector": PALETTE["brick"],
    # three that never meet the learned ones in a figure
    "Obizhaeva–Wang": PALETTE["orange"],
    "limit price": PALETTE["rose"],
    "peeks": PALETTE["brick"],
}

#: A second sign beside colour, for print and for readers who do not see hue.
STRATEGY_DASHES: dict[str, str] = {
    "Immediate": "dot",
    "TWAP": "dash",
    "VWAP": "dashdot",
    "POV": "longdash",
    "Almgren–Chriss": "solid",
    "Static": "longdashdot",
    "Optimal": "solid",
    "Optimum": "solid",
    "DQN": "dot",
    "PPO": "solid",
    "Flow": "dashdot",
    "Distilled": "dash",
    "Selector": "longdash",
    "Obizhaeva–Wang": "solid",
    "limit price": "dot",
    "peeks": "longdash",
}

SCHEME_COLOURS: dict[str, str] = {
    "euler": PALETTE["orange"],
    "qe_m": PALETTE["blue"],
    "ivi": PALETTE["green"],
    "exact": INK,
    "quantlib": PALETTE["purple"],
}

SERIES_COLOURS: dict[str, str] = {
    "simulation": PALETTE["blue"],
    "theory": INK,
    "data": PALETTE["orange"],
    "paths": PALETTE["slate"],
    "buy": PALETTE["blue"],
    "sell": PALETTE["orange"],
    "bid": PALETTE["blue"],
    "ask": PALETTE["orange"],
    "spread": PALETTE["sky"],
    "temporary": PALETTE["blue"],
    "permanent": PALETTE["purple"],
    "timing": PALETTE["gold"],
    "opportunity": PALETTE["rose"],
    "fees": PALETTE["brown"],
    "total": INK,
}

_HEIGHT = 420
_CONFIG = {
    "responsive": True,
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage", "zoom2d", "resetScale2d"]],
}


def use_theme() -> None:
    """Make this the look of all figures in this process, and this the way notebooks show them.

    Every figure then needs a sentence for readers who cannot see it, in `layout.meta.alt`; showing one
    without it is an error.
    """
    import plotly.graph_objects as go  # not at import: `import flowexec` stays fast without Plotly
    import plotly.io as pio
    from plotly.io._base_renderers import MimetypeRenderer

    class BookRenderer(MimetypeRenderer):  # type: ignore[misc]  # plotly carries no types for it
        """Both forms of a figure: HTML for the book, JSON for JupyterLab and VS Code."""

        def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, Any]:
            figure = json.loads(pio.to_json(fig_dict, validate=False))
            return {
                "text/html": figure_html(figure),
                "application/vnd.plotly.v1+json": {**figure, "config": _CONFIG},
            }

    pio.templates["flowexec"] = go.layout.Template(layout=theme_layout())
    pio.templates.default = "flowexec"
    pio.renderers["flowexec"] = BookRenderer()
    pio.renderers.default = "flowexec"
    _let_glue_have_the_figure()


def _let_glue_have_the_figure() -> None:
    """Have IPython ask a figure for its forms, rather than let it show itself.

    A figure that shows itself stands where the cell is, and MyST-NB's `glue` gets nothing to put over a
    caption.
    """
    import sys

    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython
    from plotly.basedatatypes import BaseFigure

    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.ipython_display_formatter.for_type(BaseFigure, _decline)


def _decline(figure: Any) -> None:
    """Not to be shown this way: IPython goes on to the next, `_repr_mimebundle_`."""
    raise NotImplementedError


def figure_html(figure: Mapping[str, Any]) -> str:
    """A figure as HTML that the page's script draws.

    Parameters
    ----------
    figure : mapping
        Plotly's JSON form, with `data` and `layout`.

    Returns
    -------
    str
        A division whose id is a hash of the figure, so that the same figure gives the same page, and which
        holds the figure as data. It loads and runs nothing by itself.

    Raises
    ------
    ValueError
        If `layout.meta.alt` is missing: `tests/figures` and `tests/book` hold this.
    """
    layout = figure.get("layout", {})
    meta = layout.get("meta")
    alt = meta.get("alt") if isinstance(meta, Mapping) else None
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "`layout.meta.alt` must say in a sentence what the figure shows, for readers who cannot see it: "
            'fig.update_layout(meta={"alt": "…"})'
        )
    text = json.dumps({"data": figure["data"], "layout": layout, "config": _CONFIG}, sort_keys=True)
    inert = text.replace("</", "<\\/")  # a label with a tag in it must not end the script element
    name = "fig-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    height = int(layout.get("height") or _HEIGHT)
    label = html.escape(alt, quote=True)
    return (
        f'<div class="flowexec-figure" id="{name}" role="img" aria-label="{label}"'
        f' style="min-height:{height}px">'
        f'<script type="application/json">{inert}</script>'
        f"<noscript><p>{label}</p></noscript></div>"
    )


def translucent(colour: str, alpha: float) -> str:
    """A colour of the palette as `rgba(…)`, for bands and clouds.

    Raises
    ------
    ValueError
        If `colour` is not `#rrggbb` or `alpha` is outside [0, 1].
    """
    if len(colour) != 7 or not colour.startswith("#"):
        raise ValueError(f"`colour` must look like #rrggbb, got {colour!r}")
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"`alpha` must lie in [0, 1], got {alpha}")
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def theme_layout() -> dict[str, Any]:
    """The layout of the template "flowexec": type, axes, margins and the order of the hues."""
    axis = {
        "gridcolor": GRID,
        "linecolor": MUTED,
        "tickcolor": MUTED,
        "zerolinecolor": GRID,
        "zerolinewidth": 1.5,
        "ticks": "outside",
        "ticklen": 4,
        "showline": True,
        "automargin": True,
        "tickfont": {"color": MUTED, "size": 13},
        "title": {"font": {"color": INK, "size": 14}, "standoff": 10},
    }
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {
            "color": INK,
            "size": 14,
            "family": "'Book Sans', system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif",
        },
        "colorway": list(PALETTE.values()),
        "xaxis": {**axis, "showgrid": False},
        "yaxis": {**axis, "showline": False, "ticks": ""},
        "margin": {"l": 64, "r": 24, "t": 40, "b": 56},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 13},
        },
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": GRID, "font": {"color": INK, "size": 13}},
        "hovermode": "closest",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": INK},
        "dragmode": False,  # a finger on the figure scrolls the page; the zoom button brings zooming back
        "title": {"font": {"size": 16}, "x": 0, "xref": "paper", "xanchor": "left"},
        "colorscale": {"sequential": colour_scale()},
    }
