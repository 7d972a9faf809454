"""A board shows what was chosen: every view has its data, names and sentence, on a page and on a phone."""

import numpy as np
import pytest

from flowexec.figures.axes import Axis
from flowexec.figures.board import Control, View, board
from flowexec.figures.drawing import Drawing
from flowexec.figures.theme import STRATEGY_COLOURS
from tests.figures.gallery import GALLERY
from tests.figures.reader import content, numbers, views, views_of

X = np.array([0.0, 1.0, 2.0])
MENU, SLIDER = Control("Impact", ("weak", "strong")), Control("Risk aversion", ("1", "2", "3"), slider=True)
BOARDS = [name for name in GALLERY if {"updatemenus", "sliders"} & content(name)["layout"].keys()]
VARIANTS = pytest.mark.parametrize("variant", ["wide", "phone"])


def drawing(height, level, *, rows=1):
    made = Drawing(Axis(f"x of {level:g}"), [Axis("y") for _ in range(rows)], (1.0,) * rows, height=height)
    made.line(X, X * level, colour=STRATEGY_COLOURS["TWAP"], label="TWAP", row=rows - 1)
    made.line(X, X, colour=STRATEGY_COLOURS["VWAP"], name="the same in all views")
    return made


def two_controls():
    return board(
        {
            (i, k): View((drawing(300, 1.0 + i), drawing(400, 10.0 * i + k, rows=2)), f"View {i}, {k}.")
            for i in range(2)
            for k in range(3)
        },
        [MENU, SLIDER],
        columns=((1.0, 1.0),),
        start=(0, 1),
    ).to_plotly_json()


@VARIANTS
def test_each_choice_shows_its_own_data_and_sentence(variant):
    seen = views_of(two_controls(), variant)
    levels = [[numbers(t["y"])[-1] / 2 for t in traces if t["name"] == "TWAP"] for traces, _ in seen]
    assert levels == [[1.0 + i, 10.0 * i + k] for i in range(2) for k in range(3)]
    assert [layout["meta"]["alt"] for _, layout in seen] == [
        f"View {i}, {k}." for i in range(2) for k in range(3)
    ]
    assert [layout["xaxis2"]["title"]["text"] for _, layout in seen][-1] == "x of 12"


def test_the_first_view_is_the_one_to_start_with():
    drawn = two_controls()
    assert drawn["layout"]["meta"]["alt"] == "View 0, 1."
    shown = [numbers(t["y"])[-1] / 2 for t in drawn["data"] if t["visible"] and t["name"] == "TWAP"]
    assert shown == [1.0, 1.0]
    assert (drawn["layout"]["updatemenus"][0]["active"], drawn["layout"]["sliders"][0]["active"]) == (0, 1)


def test_a_trace_that_views_share_is_there_once():
    names = [t["name"] for t in two_controls()["data"]]
    assert names.count("the same in all views") == 2  # one in each drawing
    assert names.count("TWAP") == 2 + 6


def test_drawings_of_a_row_lie_beside_one_another_and_on_a_phone_below():
    drawn = two_controls()["layout"]
    assert drawn["xaxis"]["domain"][1] < drawn["xaxis2"]["domain"][0]
    assert drawn["yaxis"]["domain"][1] == drawn["yaxis2"]["domain"][1] == 1.0
    assert [drawn[key]["anchor"] for key in ("yaxis", "yaxis2", "yaxis3")] == ["x", "x2", "x2"]
    phone = drawn["meta"]["narrow"]
    assert phone["xaxis"]["domain"] == phone["xaxis2"]["domain"] == [0.0, 1.0]
    assert phone["yaxis"]["domain"][0] > phone["yaxis2"]["domain"][1] > phone["yaxis3"]["domain"][1]


@pytest.mark.parametrize("name", BOARDS)
@VARIANTS
def test_panels_never_overlap_and_traces_are_on_axes_that_exist(name, variant):
    for traces, layout in views(name, variant):
        boxes = [
            (*layout["xaxis" + layout[key]["anchor"][1:]]["domain"], *layout[key]["domain"])
            for key in layout
            if key.startswith("yaxis")
        ]
        for i, (left, right, bottom, top) in enumerate(boxes):
            assert 0 <= left < right <= 1
            assert 0 <= bottom < top <= 1
            for other in boxes[:i]:
                assert left >= other[1] or right <= other[0] or bottom >= other[3] or top <= other[2]
        for trace in traces:
            assert layout["yaxis" + trace["yaxis"][1:]]["anchor"] == trace["xaxis"]


@pytest.mark.parametrize("name", BOARDS)
@VARIANTS
def test_each_view_says_something_else(name, variant):
    said = [layout["meta"]["alt"] for _, layout in views(name, variant)]
    assert len(set(said)) == len(said) > 1


@VARIANTS
def test_names_of_rows_stay_with_their_markers_in_every_scenario(variant):
    orders = set()
    for traces, layout in views("league_board", variant):
        for axis in ("y", "y2"):
            rows = layout["yaxis" + axis[1:]]
            names = dict(zip(rows["tickvals"], rows["ticktext"], strict=True))
            markers = [t for t in traces if t["yaxis"] == axis]
            assert len(markers) == len(names) == 6
            for marker in markers:
                assert marker["marker"]["line"]["color"] == STRATEGY_COLOURS[names[numbers(marker["y"])[0]]]
            orders.add(tuple(names.values()))
    assert len(orders) == 2  # the ranking is not the same in both
