"""Maps say what their numbers say: colors can be read on both pages, cuts and cells are the data's."""

import numpy as np
import pytest

from flowexec.figures import policy_map, worth_map
from flowexec.figures.ramp import RAMP, RAMP_DARK, text_on
from flowexec.figures.theme import INK, PALETTE
from tests.figures.reader import content, numbers, views, views_of

X, Y = ["0.5", "1", "2"], ["low", "high"]
TITLES = {"x_title": "Mean reversion (per day)", "y_title": "Uncertainty", "z_title": "Worth (%)"}
STATES = {"inventory": [10.0, 50.0, 100.0], "variance": [1.0, 2.0, 3.0, 4.0]}


def luminance(colour):
    """Relative luminance of WCAG 2.1."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def on_scale(position, stops):
    """Plotly's color at a position: linear between the stops."""
    at = np.linspace(0, 1, len(stops))
    rgb = [np.interp(position, at, [int(stop[i : i + 2], 16) for stop in stops]).round() for i in (1, 3, 5)]
    return "#" + "".join(f"{int(v):02x}" for v in rgb)


def pages():
    return {"light": (RAMP, lambda c: c), "dark": ([RAMP_DARK[c] for c in RAMP], RAMP_DARK.__getitem__)}


@pytest.mark.parametrize("page", ["light", "dark"])
def test_a_text_on_any_color_of_the_scale_can_be_read(page):
    stops, partner = pages()[page]
    for position in np.linspace(0, 1, 201):
        one, other = luminance(on_scale(position, stops)), luminance(partner(text_on(position)))
        assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 4.3


@pytest.mark.parametrize("page", ["light", "dark"])
def test_more_is_always_further_from_the_page(page):
    stops, _ = pages()[page]
    light = np.array([luminance(on_scale(p, stops)) for p in np.linspace(0, 1, 101)])
    assert (np.diff(light) * (-1 if page == "light" else 1) > 0).all()


def test_each_cell_holds_its_number_in_a_color_that_suits_it():
    table = np.array([[0.0, 1.26, 0.034], [3.0, 9.94, 10.0]])
    figure = worth_map({"one": table}, x=X, y=Y, **TITLES)
    cells = {
        (x, y): (text, trace.textfont.color)
        for trace in figure.data if trace.type == "scatter"
        for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)
    }  # fmt: skip
    texts = [[cells[i, j][0] for i in range(3)] for j in range(2)]
    assert texts == [["0.00", "1.3", "0.03"], ["3.0", "9.9", "10"]]
    assert all(colour == text_on(table[j, i] / 10) for (i, j), (_, colour) in cells.items())
    assert list(figure.layout.xaxis2.ticktext) == X
    assert (
        "goes from 0 at Mean reversion 0.5 and Uncertainty low to 10 at Mean reversion 2"
        in (figure.layout.meta["alt"])
    )
    assert figure.layout.sliders == ()


def test_all_maps_of_a_slider_share_a_scale_that_begins_at_zero():
    figure = worth_map({"a": np.full((2, 3), 2.0), "b": np.full((2, 3), 8.0)}, x=X, y=Y, **TITLES)
    assert (figure.layout.coloraxis2.cmin, figure.layout.coloraxis2.cmax) == (0.0, 8.0)
    assert figure.layout.coloraxis == figure.layout.coloraxis2
    shown = [
        {text for trace in traces if trace.get("mode") == "text" for text in trace["text"]}
        for traces, _ in views_of(
            figure.to_plotly_json() | {"layout": figure.layout.to_plotly_json()}, "wide"
        )
    ]
    assert shown == [{"2.0"}, {"8.0"}]


def test_a_phone_names_every_column():
    for _, layout in views("worth_map, several", "phone"):
        assert layout["xaxis2"]["ticktext"] == ["0.5", "1", "2", "5", "10"]


def test_cuts_are_rows_of_the_map_at_every_step():
    drawn = content("policy_map")
    for traces, _ in views("policy_map", "wide"):
        bands = next(t for t in traces if t["type"] == "contour" and "coloraxis" in t)
        table, grid = numbers(bands["z"]), numbers(bands["y"])
        table = table.reshape(grid.size, -1)
        cuts = [t for t in traces if t.get("showlegend")]
        assert [t["name"] for t in cuts] == ["30 left", "60 left", "100 left"]
        for cut, row in zip(cuts, (5, 11, 19), strict=True):
            np.testing.assert_allclose(numbers(cut["y"]), table[row], rtol=1e-6)
            lines = [t for t in traces if t["type"] == "scatter" and list(numbers(t["y"])) == [grid[row]] * 2]
            assert lines[-1]["line"]["color"] == cut["line"]["color"]  # beneath it the page's color
    assert drawn["layout"]["xaxis2"]["anchor"] == "y3"  # cuts and map share an axis


def test_waiting_is_outlined_and_named_where_there_is_any():
    pace = np.ones((2, 3, 4))
    pace[0, :2, :2] = 0.0
    figure = policy_map(pace, steps=[1, 2], **STATES, slices=[100.0])
    outlines = [t for t in figure.data if t.type == "contour" and t.line.color == INK]
    assert len(outlines) == 1
    np.testing.assert_array_equal(outlines[0].z, pace[0] == 0)
    assert "It waits in 33 % of the states." in figure.layout.meta["alt"]
    second = figure.layout.sliders[0].steps[1].args[1]
    assert "waits" in [note.text for note in figure.layout.annotations]
    assert "waits" not in [note["text"] for note in second["annotations"]]
    assert "It waits" not in second["meta.alt"]


def test_cuts_are_at_the_nearest_inventories_in_hues_that_the_scale_lacks():
    figure = policy_map(np.ones((1, 3, 4)), steps=["only"], **STATES, slices=[12.0, 90.0])
    cuts = [t for t in figure.data if t.showlegend]
    assert [t.name for t in cuts] == ["10 left", "100 left"]
    assert [t.line.color for t in cuts] == [PALETTE["orange"], PALETTE["purple"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pace": -np.ones((1, 3, 4))}, "`pace` must be at least 0, got -1"),
        ({"pace": np.ones((1, 4, 3))}, r"`pace` must have shape \[1, 3, 4\]"),
        ({"pace": np.full((1, 3, 4), np.nan)}, "`pace` must be finite"),
        ({"steps": []}, "`steps` must hold 1 to 14 steps, got 0"),
        ({"inventory": [3.0, 2.0, 1.0]}, "`inventory` must increase"),
        ({"variance": np.arange(1000.0)}, "must span at most 2,000 states, got 3 × 1000"),
        ({"slices": [10.0, 101.0]}, "`slices` must be at most 4 inventories from 10 to 100"),
    ],
)
def test_a_policy_that_cannot_be_mapped_is_refused(change, message):
    given = {"pace": np.ones((1, 3, 4)), "steps": [1], **STATES, **change}
    with pytest.raises(ValueError, match=r"\A" + message if message[0] == "`" else message):
        policy_map(given.pop("pace"), **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": list(range(10))}, r"\A`x` must hold 1 to 9 values"),
        ({"y": "low"}, r"\A`y` must hold 1 to 12 values"),
        ({"values": {"a": np.ones((3, 2))}}, r"\A`values\['a'\]` must have shape \[2, 3\]"),
        ({"values": {}}, r"\A`values` must map at least one label"),
    ],
)
def test_a_worth_that_cannot_be_mapped_is_refused(change, message):
    given = {"values": {"a": np.ones((2, 3))}, "x": X, "y": Y, **TITLES, **change}
    with pytest.raises(ValueError, match=message):
        worth_map(given.pop("values"), **given)
