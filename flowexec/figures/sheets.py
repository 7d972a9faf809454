"""Where the drawings of a board lie: side by side on a page, one below the other on a phone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from .composition import (
    LEFT,
    PAGE,
    PHONE,
    RIGHT,
    axis_key,
    left_room,
    page_layout,
    phone_height,
    phone_layout,
    phone_left,
)

if TYPE_CHECKING:
    from .drawing import Drawing

_LINE = 17  # pixels of a second line of an axis' title

Choice = tuple[int, ...]
Sheet = dict[Choice, dict[str, Any]]
"""For each view, the layout of all its drawings together."""


class Box(NamedTuple):
    """A drawing's place, in shares of the area between the figure's margins."""

    left: float
    right: float
    bottom: float
    top: float

    def across(self, share: float) -> float:
        """From shares of the drawing's width to shares of the figure's."""
        return round(self.left + share * (self.right - self.left), 6)

    def along(self, share: float) -> float:
        """From shares of the drawing's height to shares of the figure's."""
        return round(self.bottom + share * (self.top - self.bottom), 6)


def page_sheet(views: Mapping[Choice, Sequence[Drawing]], columns: Sequence[Sequence[float]]) -> Sheet:
    """Layouts on a page; `columns`: the drawings' relative widths, row by row."""
    firsts = [0, *accumulate(map(len, columns))]
    lefts = [
        max(left_room(view[i], 13) if view[i].page_names else 0.0 for view in views.values())
        for i in range(firsts[-1])
    ]
    whole = PAGE - max(float(LEFT), *(lefts[i] for i in firsts[:-1]))
    spans: list[tuple[float, float]] = []
    for first, shares in zip(firsts, columns, strict=False):
        gaps = [0.0, *(RIGHT + lefts[i] for i in range(first + 1, first + len(shares)))]
        at = 0.0
        for gap, share in zip(gaps, shares, strict=True):
            wide = (whole - sum(gaps)) * share / sum(shares)
            spans.append((at + gap, at + gap + wide))
            at += gap + wide
    parts = {
        choice: [page_layout(d, right - left) for d, (left, right) in zip(view, spans, strict=True)]
        for choice, view in views.items()
    }
    rows = [list(range(first, first + len(shares))) for first, shares in zip(firsts, columns, strict=False)]
    return _sheet(views, parts, rows, [(a / whole, b / whole) for a, b in spans], 56, lambda d: d.height)


def phone_sheet(views: Mapping[Choice, Sequence[Drawing]]) -> Sheet:
    """Layouts on a phone, what differs from the page's."""
    width = PHONE - max(phone_left(d) for view in views.values() for d in view)
    parts = {choice: [phone_layout(d, width) for d in view] for choice, view in views.items()}
    count = len(next(iter(parts.values())))
    return _sheet(views, parts, [[i] for i in range(count)], [(0.0, 1.0)] * count, 50, phone_height)


def _sheet(
    views: Mapping[Choice, Sequence[Drawing]],
    parts: Mapping[Choice, list[dict[str, Any]]],
    rows: list[list[int]],
    spans: list[tuple[float, float]],
    below: int,
    height: Callable[[Drawing], int],
) -> Sheet:
    """The parts of each view together; a drawing lies in the same place in all of them.

    `below`: pixels under the data for the x axis' texts; `height`: pixels of a drawing without a legend.
    """
    above, tall, under = ([0.0] * len(spans) for _ in range(3))
    for choice, layouts in parts.items():
        for i, (drawing, layout) in enumerate(zip(views[choice], layouts, strict=True)):
            legend = layout["height"] - height(drawing)
            above[i] = max(above[i], layout["margin"]["t"] + legend)
            tall[i] = max(tall[i], height(drawing) - layout["margin"]["t"] - below)
            under[i] = max(under[i], below + _LINE * layout["xaxis"]["title"]["text"].count("<br>"))
    starts, down = [], 0.0
    for row in rows:
        starts.append(down + max(above[i] for i in row))
        down = starts[-1] + max(tall[i] + under[i] for i in row)
    head, area = starts[0], starts[-1] - starts[0] + max(tall[i] for i in rows[-1])
    boxes = {
        i: Box(*spans[i], 1.0 - (start - head + tall[i]) / area, 1.0 - (start - head) / area)
        for row, start in zip(rows, starts, strict=True)
        for i in row
    }
    frame = {"height": round(down), "margin": {**next(iter(parts.values()))[0]["margin"], "t": round(head)}}
    return {
        choice: {**frame, **_together(views[choice], layouts, boxes)} for choice, layouts in parts.items()
    }


def _together(
    view: Sequence[Drawing], layouts: Sequence[Mapping[str, Any]], boxes: Mapping[int, Box]
) -> dict[str, Any]:
    """One layout of several, each moved into its box."""
    whole: dict[str, Any] = {
        "annotations": [],
        "shapes": [],
        "showlegend": any(layout["showlegend"] for layout in layouts),
    }
    for number, layout in enumerate(layouts):
        names, box = _names(view, number), boxes[number]
        for key, value in layout.items():
            if key in ("annotations", "shapes"):
                whole[key] += [_moved(item, names, box) for item in value]
            elif key == "coloraxis":
                whole[axis_key(key, number)] = value
            elif key.startswith(("xaxis", "yaxis")):
                domain = (
                    [box.left, box.right] if key == "xaxis" else [box.along(at) for at in value["domain"]]
                )
                anchor = {"anchor": names[value["anchor"]]} if "anchor" in value else {}
                whole[names[key[0] + key[5:]].replace(key[0], key[:5])] = {
                    **value,
                    **anchor,
                    "domain": domain,
                }
        shown = (
            _moved(layout["legend"], names, box) | {"visible": True}
            if layout["showlegend"]
            else {"visible": False}
        )
        whole[axis_key("legend", number)] = shown
    return whole


def renamed(view: Sequence[Drawing], number: int) -> list[dict[str, Any]]:
    """The traces of a view's drawing, on the axes that are theirs in the board."""
    names = _names(view, number)
    traces = []
    for trace in view[number].traces:
        own = {"xaxis": names[trace["xaxis"]], "yaxis": names[trace["yaxis"]]}
        if "coloraxis" in trace:
            own["coloraxis"] = axis_key("coloraxis", number)
        if trace.get("showlegend"):
            own["legend"] = axis_key("legend", number)
        traces.append({**trace, **own})
    return traces


def _names(view: Sequence[Drawing], number: int) -> dict[str, str]:
    """A drawing's axes as they are called alone → as they are called in the board."""
    before = sum(len(drawing.rows) for drawing in view[:number])
    rows = range(len(view[number].rows))
    return {"x": axis_key("x", number), **{axis_key("y", i): axis_key("y", before + i) for i in rows}}


def _moved(item: Mapping[str, Any], names: Mapping[str, str], box: Box) -> dict[str, Any]:
    """An annotation, a shape or a legend of the drawing alone, in its box."""
    moved = dict(item)
    for way, scale in (("x", box.across), ("y", box.along)):
        reference = item.get(f"{way}ref", "")
        if reference in names:
            moved[f"{way}ref"] = names[reference]
        elif reference == "paper":
            moved |= {key: scale(item[key]) for key in (way, f"{way}0", f"{way}1") if key in item}
    return moved
