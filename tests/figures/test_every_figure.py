"""What holds for every figure of the book."""

import json
import re

import numpy as np
import plotly.io as pio
import pytest

from flowexec import figures
from flowexec.figures.theme import DARK, STRATEGY_COLOURS, figure_html
from tests.figures.gallery import GALLERY, figure
from tests.figures.reader import NARROW, content, numbers, views

EVERY = pytest.mark.parametrize("name", GALLERY)


def test_gallery_holds_every_figure():
    assert {name.split(",")[0] for name in GALLERY} == set(figures.__all__)


@EVERY
def test_alternative_text_says_the_finding_in_numbers(name):
    alt = figure(name).layout.meta["alt"]
    assert len(re.findall(r"\d", alt)) >= 3
    assert alt.endswith(".")
    assert "nan" not in alt
    assert not re.search(
        r"(?<![.\d])\d{5,}|\d[eE][-+]\d", alt
    )  # thousands in groups, no computer's exponents


@EVERY
def test_no_trace_is_larger_than_2000_points_and_all_are_finite(name):
    for trace in content(name)["data"]:
        for key in ("x", "y"):
            values = numbers(trace[key])
            assert 0 < values.size <= 2000
            assert np.isfinite(values.astype(float)).all()


@EVERY
def test_every_axis_is_named_or_names_its_rows(name):
    layout = figure(name).layout
    assert layout.xaxis.title.text
    for key in layout:
        if key.startswith("xaxis"):
            assert layout[key].title.text
        if key.startswith("yaxis"):
            axis = layout[key]
            assert axis.title.text or axis.ticktext is not None


@EVERY
def test_layout_is_transparent_and_readable(name):
    layout = content(name)["layout"]
    template = layout["template"]["layout"]
    assert template["paper_bgcolor"] == template["plot_bgcolor"] == "rgba(0,0,0,0)"
    for variant in NARROW.values():
        assert all(note["font"]["size"] >= 12 for note in variant(layout).get("annotations", []))
    assert all(
        axis["tickfont"]["size"] >= 12 for key, axis in layout["meta"]["narrow"].items() if "axis" in key
    )


@EVERY
@pytest.mark.parametrize("variant", NARROW)
def test_every_curve_has_one_name_beside_it_or_in_the_legend(name, variant):
    for traces, layout in views(name, variant):
        for trace in traces:
            if trace.get("showlegend"):
                legend = layout["showlegend"] and layout[trace.get("legend", "legend")].get("visible", True)
                notes = layout.get("annotations", [])
                texts = [note["text"] for note in notes if note["yref"] == trace["yaxis"]]
                assert texts.count(trace["name"]) == (0 if legend else 1)


def test_names_are_beside_their_curves_on_a_page():
    assert not any(content(name)["layout"]["showlegend"] for name in GALLERY)


@EVERY
def test_every_colour_has_a_partner_on_dark_pages(name):
    text = figure(name).to_json()
    channels = {",".join(str(int(c[i : i + 2], 16)) for i in (1, 3, 5)) for c in DARK}
    assert set(re.findall(r"#[0-9a-f]{6}\b", text)) <= set(DARK)
    for red, green, blue in re.findall(r"rgba\((\d+),(\d+),(\d+),", text):
        assert f"{red},{green},{blue}" in channels or (red, green, blue) == ("0", "0", "0")


@EVERY
def test_json_gives_the_figure_back_and_is_the_same_each_time(name):
    drawn = figure(name)
    assert json.loads(pio.from_json(drawn.to_json()).to_json()) == content(name)
    assert GALLERY[name]().to_json() == drawn.to_json()


@EVERY
def test_figure_reaches_the_page(name):
    html = figure_html(content(name))
    assert "flowexec-figure" in html


@EVERY
def test_strategies_have_the_colour_of_the_book(name):
    for trace in content(name)["data"]:
        label = trace.get("name", "")
        for strategy, colour in STRATEGY_COLOURS.items():
            if label.split(",")[0] == strategy and trace["type"] == "scatter" and trace["mode"] == "lines":
                assert trace["line"]["color"] == colour


@EVERY
@pytest.mark.parametrize("variant", NARROW)
def test_names_stand_inside_and_apart(name, variant):
    """Boxes of level names, estimated from their text, in the pixels of the assumed frame."""
    for _, layout in views(name, variant):
        notes = layout.get("annotations", [])
        boxes = [box for note in notes if (box := level_box(note, layout, variant))]
        for i, (left, right, bottom, top) in enumerate(boxes):
            for other in boxes[:i]:
                across = min(right, other[1]) - max(left, other[0])
                along = min(top, other[3]) - max(bottom, other[2])
                assert across <= 2 or along <= 2, (boxes[i], other)


def level_box(note, layout, variant):
    """(left, right, bottom, top) in pixels from its corner; None for texts that slope or hang on paper."""
    if note.get("textangle") or "paper" in (note["xref"], note["yref"]):
        return None
    width = {"wide": 632.0, "phone": 276.0}[variant]
    margin = {"wide": (14, 56), "phone": (12, 50)}[variant]
    tall = layout["height"] - sum(margin)
    across, up = layout["xaxis" + note["xref"][1:]], layout["yaxis" + note["yref"][1:]]
    (x0, x1), (c0, c1) = across["range"], across.get("domain", (0.0, 1.0))
    (y0, y1), (d0, d1) = up["range"], up["domain"]
    x = (c0 + (note["x"] - x0) / (x1 - x0) * (c1 - c0)) * width + note.get("xshift", 0) + note.get("ax", 0)
    y = (d0 + (note["y"] - y0) / (y1 - y0) * (d1 - d0)) * tall + note.get("yshift", 0) - note.get("ay", 0)
    text = re.sub(r"<[^>]*>", "", note["text"])
    wide, high = 0.5 * note["font"]["size"] * len(text), 1.2 * note["font"]["size"]
    left = x - {"left": 0, "center": 0.5, "right": 1}[note["xanchor"]] * wide
    bottom = y - {"bottom": 0, "middle": 0.5, "top": 1}[note["yanchor"]] * high
    return left, left + wide, bottom, bottom + high


@pytest.mark.parametrize("name", ["path_fan", "cost_waterfall", "forest", "over_the_day"])
def test_alternative_text_can_be_given(name, monkeypatch):
    function = getattr(figures, name)
    monkeypatch.setattr(figures, name, lambda *a, **k: function(*a, alt="In other words.", **k))
    assert GALLERY[name]().layout.meta["alt"] == "In other words."
