"""Boards: several drawings in one figure, and a drop-down and a slider that exchange them.

Every view a reader can choose is drawn beforehand, for a page and for a phone, as a page without a server
needs it. The controls are Plotly's own, so that a board works wherever Plotly does; the book's script puts
the browser's in their place, which a keyboard, a screen reader and a thumb can reach.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .composition import BASE
from .drawing import Drawing
from .sheets import page_sheet, phone_sheet, renamed
from .theme import theme_layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Choice = tuple[int, ...]


class Control(NamedTuple):
    """A drop-down, or a slider where the options have an order."""

    title: str
    options: tuple[str, ...]
    slider: bool = False


class View(NamedTuple):
    """What one choice shows, and the sentence for readers who cannot see it."""

    drawings: tuple[Drawing, ...]
    alt: str


def board(
    views: Mapping[Choice, View],
    controls: Sequence[Control] = (),
    *,
    columns: Sequence[Sequence[float]] = ((1.0,),),
    start: Choice | None = None,
) -> Figure:
    """One figure of all views, of which one is shown.

    Parameters
    ----------
    views : mapping of tuple of int to View
        For every choice, the position of one option for each control; all have the same drawings in number
        and in rows.
    controls : sequence of Control
        At most one drop-down and one slider, in this order.
    columns : sequence of sequence of float
        Relative widths of the drawings in each row of a page, from the top; on a phone each has a row of its
        own.
    start : tuple of int, optional
        The view shown first, by default the first options'.

    Notes
    -----
    A trace that several views have in common is there once. Pinned by `tests/figures/test_board.py`.
    """
    import plotly.graph_objects as go  # a third of a second; only drawing needs it

    start = start if start is not None else (0,) * len(controls)
    traces, shown = _traces(views)
    drawings = {choice: view.drawings for choice, view in views.items()}
    page, phone = page_sheet(drawings, columns), phone_sheet(drawings)
    for choice, view in views.items():
        page[choice]["meta"] = {"alt": view.alt}
    visible = {choice: [i in own for i in range(len(traces))] for choice, own in shown.items()}
    for i, trace in enumerate(traces):
        trace["visible"] = visible[start][i]
    on_page = {choice: _leaves(layout) for choice, layout in page.items()}
    on_phone = {choice: {**on_page[choice], **_leaves(layout)} for choice, layout in phone.items()}
    layout = {**BASE, **page[start], **_controls(controls, visible, _changes(on_page), start)}
    layout["meta"] |= {"narrow": {**phone[start], **_controls(controls, visible, _changes(on_phone), start)}}
    return go.Figure(data=traces, layout={"template": {"layout": theme_layout()}, **layout})


def _traces(views: Mapping[Choice, View]) -> tuple[list[dict[str, Any]], dict[Choice, set[int]]]:
    """All traces, each once, and which of them each view shows."""
    from plotly.utils import PlotlyJSONEncoder  # with Plotly, see `board`

    places: dict[str, int] = {}
    traces: list[dict[str, Any]] = []
    shown: dict[Choice, set[int]] = {}
    for choice, view in views.items():
        shown[choice] = set()
        for number in range(len(view.drawings)):
            for trace in renamed(view.drawings, number):
                key = json.dumps(trace, cls=PlotlyJSONEncoder, sort_keys=True)
                if key not in places:
                    places[key] = len(traces)
                    traces.append(trace)
                shown[choice].add(places[key])
    return traces, shown


def _controls(
    controls: Sequence[Control],
    visible: Mapping[Choice, list[bool]],
    changes: Mapping[Choice, dict[str, Any]],
    start: Choice,
) -> dict[str, Any]:
    """Plotly's `updatemenus` and `sliders`; a drop-down's option brings the slider of its own views along."""

    def slider(control: Control, before: Choice) -> dict[str, Any]:
        choices = [(*before, i) for i in range(len(control.options))]
        return {
            "name": control.title,
            "active": start[-1],
            "currentvalue": {"prefix": f"{control.title}: "},
            "x": 0,
            "len": 1,
            "y": 0,
            "yanchor": "top",
            "pad": {"t": 64},
            "steps": [
                {"label": option, "method": "update", "args": [{"visible": visible[c]}, changes[c]]}
                for option, c in zip(control.options, choices, strict=True)
            ],
        }

    if not controls:
        return {}
    first, *rest = controls
    if first.slider:
        return {"sliders": [slider(first, ())]}
    buttons = []
    for i, option in enumerate(first.options):
        choice = (i, *start[1:])
        own = {"sliders": [slider(rest[0], (i,))]} if rest else {}
        arguments = [{"visible": visible[choice]}, {**changes[choice], **own}]
        buttons.append({"label": option, "method": "update", "args": arguments})
    menu = {
        "name": first.title,
        "active": start[0],
        "buttons": buttons,
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"b": 24},
    }
    return {"updatemenus": [menu], **({"sliders": [slider(rest[0], start[:1])]} if rest else {})}


def _changes(views: Mapping[Choice, dict[str, Any]]) -> dict[Choice, dict[str, Any]]:
    """For each view, by path, what of its layout is not the same in all of them."""
    paths = dict.fromkeys(path for each in views.values() for path in each)
    anybody = next(iter(views.values()))
    moving = [p for p in paths if any(each.get(p) != anybody.get(p) for each in views.values())]
    return {choice: {path: each.get(path) for path in moving} for choice, each in views.items()}


def _leaves(layout: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A nested mapping as path → value, `{"xaxis.range": […]}`."""
    found: dict[str, Any] = {}
    for key, value in layout.items():
        path = f"{before}{key}"
        found |= _leaves(value, path + ".") if isinstance(value, Mapping) else {path: value}
    return found
