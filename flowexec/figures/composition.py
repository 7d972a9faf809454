"""From a drawing to Plotly's layout, once for a page and once for a phone.

Both have axes, annotations and shapes of their own, because what fits beside a curve on a page does not on a
phone; `layout.meta.narrow` holds the phone's, and the page's script takes it over on narrow screens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .annotations import named_rows, resized, vertical_marks
from .boxes import LINE, text_size, wrapped
from .lanes import stack_lanes
from .naming import Panel, legend, name_curves
from .theme import INK

if TYPE_CHECKING:
    from .drawing import Drawing

_GAP = 26.0  # pixels between rows
_LONGEST = (
    100.0  # pixels that names of rows may take from a phone's width; longer ones stand above their rows
)


PAGE, PHONE = 712.0, 336.0  # pixels from the figure's left edge to the right end of its data
LEFT, RIGHT = 64, 24  # a page's margins, pixels
BASE: dict[str, Any] = {"barmode": "overlay", "bargap": 0}
"""Common to all layouts."""


class Frame(NamedTuple):
    """One of the two sizes a figure has."""

    height: int
    width: float
    """Of the area for data, pixels, about: what ticks take away depends on their text."""
    margin: dict[str, int]
    font: int

    @property
    def tall(self) -> float:
        """Height of the area for data, pixels."""
        return self.height - self.margin["t"] - self.margin["b"]


def compose(drawing: Drawing) -> dict[str, Any]:
    """The layout of the page, with the phone's in `meta.narrow`."""
    return {**BASE, **page_layout(drawing), "meta": {"narrow": phone_layout(drawing)}}


def page_layout(drawing: Drawing, width: float | None = None) -> dict[str, Any]:
    """The layout on a page, complete; `width`: pixels for data, by default a whole page's."""
    wide = Frame(
        drawing.height,
        PAGE - max(left_room(drawing, 13), LEFT) if width is None else width,
        {"l": LEFT, "r": RIGHT, "t": 14 + drawing.top, "b": 56},
        13,
    )
    page = _fit(drawing, wide)
    for number, axis in enumerate(drawing.rows):
        key = axis_key("yaxis", number)
        page[key] = {
            **axis.layout(page[key]["range"]),
            "anchor": "x",
            "zeroline": axis.zero_line,
            **page[key],
        }
    page["xaxis"] = {
        **drawing.x.layout(page["xaxis"]["range"]),
        "anchor": axis_key("y", len(drawing.rows) - 1),
        "showgrid": drawing.x.log,
        "zeroline": drawing.x.zero_line,
        **page["xaxis"],
    }
    if drawing.colours is not None:
        page["coloraxis"] = drawing.colours.layout()
    if drawing.row_names:  # rows, not levels: names in the color of text, and the grid the other way round
        look = {"showgrid": False, "tickfont": {"color": INK}, "ticklabelstandoff": 6}
        page["yaxis"] |= look | {"showticklabels": drawing.page_names}
        page["xaxis"]["showgrid"] = True
    return page


def phone_layout(drawing: Drawing, width: float | None = None) -> dict[str, Any]:
    """What differs from the page on a phone; `width`: pixels for data, by default a whole phone's."""
    above = names_above(drawing)
    narrow = Frame(
        phone_height(drawing),
        PHONE - phone_left(drawing) if width is None else width,
        {"l": 8, "r": 20, "t": 12 + drawing.top, "b": 50},
        12,
    )
    phone = _fit(drawing, narrow)
    for key in [k for k in phone if "axis" in k]:
        phone[key]["tickfont"] = {"size": 12}
        phone[key]["title"] |= {"font": {"size": 13}, "standoff": 8}
    phone["xaxis"] |= drawing.x.narrow_ticks()
    phone["margin"]["b"] = 8  # its axis' texts make their own room
    if above:
        phone["yaxis"]["showticklabels"] = False
        phone["annotations"] += named_rows(drawing.row_names, narrow.font)
    elif drawing.row_names:
        phone["yaxis"]["showticklabels"] = True
    return phone


def names_above(drawing: Drawing) -> bool:
    """Whether names of rows are too long to stand beside them on a phone."""
    return max((text_size(text, 12)[0] for text in drawing.row_names.values()), default=0.0) > _LONGEST


def phone_height(drawing: Drawing) -> int:
    """Pixels on a phone, all margins included."""
    return 80 + drawing.top + 46 * len(drawing.row_names) if names_above(drawing) else drawing.narrow_height


def phone_left(drawing: Drawing) -> float:
    """Pixels left of the data on a phone."""
    return 0.0 if names_above(drawing) else left_room(drawing, 12)


def left_room(drawing: Drawing, font: int) -> float:
    """Pixels that the y axes' ticks and titles take."""
    texts = [text for axis in drawing.rows for text in (axis.ticks or {}).values()] or ["0.000"]
    title = 24.0 if any(axis.title for axis in drawing.rows) else 0.0
    return 6.0 + max(34.0, *(text_size(text, font)[0] for text in texts)) + title


def axis_key(stem: str, row: int) -> str:
    """Plotly's name of a row's axis: `y`, `y2`, … in a trace, `yaxis`, `yaxis2`, … in a layout."""
    return stem + (str(row + 1) if row else "")


def _fit(drawing: Drawing, frame: Frame) -> dict[str, Any]:
    """Everything of the layout that depends on the size."""
    x_span = drawing.x.range(drawing.margin, tuple(pad / frame.width for pad in drawing.room))
    lanes = stack_lanes(
        [(drawing.x.place(m.x) - x_span[0]) / (x_span[1] - x_span[0]) * frame.width for m in drawing.marks],
        [text_size(m.text, frame.font)[0] for m in drawing.marks],
        frame.width,
    )
    panels = _panels(
        drawing, frame, x_span, LINE * frame.font * (1 + max((n.number for n in lanes), default=-1))
    )
    marks, lines = vertical_marks(drawing.marks, lanes, drawing.x, frame.font, frame.tall)
    names, unclear = name_curves(drawing, panels, lanes, frame.font)
    x_title = wrapped(drawing.x.title, frame.width + 1.8 * frame.margin["r"], frame.font + 1)
    layout: dict[str, Any] = {
        "height": frame.height,
        "margin": dict(frame.margin),
        "showlegend": unclear,
        "xaxis": {
            "range": list(x_span),
            "title": {"text": x_title},
        },
        "annotations": [resized(text, frame.font) for text in drawing.notes] + marks + names,
        "shapes": drawing.shapes + lines,
    }
    if unclear:
        layout["legend"], rows = legend(
            [label.text for label in drawing.labels if label.traced], frame.width, frame.font
        )
        layout["height"] += rows * 20
    for panel in panels:
        title = wrapped(drawing.rows[panel.row].title, panel.size[1] + _GAP, frame.font + 1)
        place = {"domain": [panel.bottom, panel.top], "range": list(panel.y_span), "title": {"text": title}}
        layout[axis_key("yaxis", panel.row)] = place
    return layout


def _panels(drawing: Drawing, frame: Frame, x_span: tuple[float, float], deep: float) -> list[Panel]:
    """Rows from top to bottom; the first leaves `deep` pixels above its data for the marks' labels."""
    gap = _GAP / frame.tall
    room = 1.0 - gap * (len(drawing.rows) - 1)
    panels, top = [], 1.0
    for number, (axis, share) in enumerate(zip(drawing.rows, drawing.shares, strict=True)):
        size = room * share / sum(drawing.shares)
        above = (deep + 4) / (size * frame.tall) if number == 0 and deep else 0.0
        y_span = axis.range(0.05, (0.0, above))
        bottom = round(max(top - size, 0.0), 6)
        panels.append(Panel(number, bottom, round(top, 6), x_span, y_span, (frame.width, frame.tall * size)))
        top -= size + gap
    return panels
