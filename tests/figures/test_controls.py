"""Drop-downs and sliders in Chromium: what is pressed changes what is drawn, and lasts."""

import json
import shutil

import pytest

from flowexec.figures.theme import STRATEGY_COLOURS
from flowexec.publish.assets import plotly_source
from tests.browser import opened, started_chromium
from tests.figures.gallery import season
from tests.figures.page import write_page
from tests.figures.reader import content, numbers, views
from tests.figures.test_in_browser import CUT, ON_TOP

pytestmark = pytest.mark.browser
PLOT = "() => document.querySelector('[data-name=frontier_board] .flowexec-plot')"
BOARDS = ["league_board", "frontier_board", "policy_map", "worth_map, several"]

#: What the figure shows: the sentence for readers who cannot see it, and each visible curve or marker.
SHOWN = """(name) => {
  const box = document.querySelector(`[data-name="${name}"]`), plot = box.querySelector(".flowexec-plot");
  return {
    said: plot.getAttribute("aria-label"),
    role: [box.getAttribute("role"), plot.getAttribute("role")],
    traces: plot._fullData.filter((t) => t.visible === true).length,
    ink: plot._fullLayout.font.color,
    texts: [...plot.querySelectorAll(".annotation text")].map((t) => t.textContent),
    rows: [...plot.querySelectorAll(".yaxislayer-above .ytick text")].map((t) => t.textContent),
  };
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("boards"), BOARDS)


@pytest.fixture(scope="module")
def chromium():
    with started_chromium() as browser:
        yield browser


def control(page, name, tag):
    return page.locator(f'[data-name="{name}"] .flowexec-controls {tag}')


def expected(name, view, width):
    """What a view should show, by the figure's own content."""
    traces, layout = views(name, "phone" if width < 600 else "wide")[view]
    texts = [note["text"] for note in layout.get("annotations", [])]
    return layout["meta"]["alt"], len(traces), texts


def check(page, name, view, width):
    shown = page.evaluate(SHOWN, name)
    said, count, texts = expected(name, view, width)
    assert (shown["said"], shown["traces"], shown["texts"]) == (said, count, texts)
    return shown


@pytest.mark.parametrize("width", [1300, 390])
def test_each_control_is_reached_by_keyboard_and_changes_what_is_drawn(chromium, page, width):
    with opened(chromium, page, width=width) as watched:
        for name, view in zip(BOARDS, (0, 1, 0, 0), strict=True):
            assert check(watched.page, name, view, width)["role"] == ["group", "img"]
        keys = watched.page.keyboard
        for name, view, pressed in (
            ("league_board", 1, [("select", "ArrowDown")]),
            ("frontier_board", 5, [("select", "ArrowDown"), ("input", "ArrowRight")]),
            ("policy_map", 3, [("input", "End")]),
            ("worth_map, several", 1, [("input", "ArrowRight")]),
        ):
            for tag, key in pressed:
                for _ in range(6):  # Plotly's own buttons lie between two figures
                    keys.press("Tab")
                    if control(watched.page, name, tag).evaluate("e => e === document.activeElement"):
                        break
                else:
                    pytest.fail(f"no Tab reaches the {tag} of {name}")
                keys.press(key)
            check(watched.page, name, view, width)
        assert watched.faults == []


@pytest.mark.parametrize("width", [1300, 390])
def test_no_view_has_a_text_cut_or_two_on_top_of_one_another(chromium, page, width):
    with opened(chromium, page, width=width) as watched:
        for name in BOARDS:
            for view in range(len(views(name, "wide"))):
                menu, slider = control(watched.page, name, "select"), control(watched.page, name, "input")
                steps = int(slider.get_attribute("max")) + 1 if slider.count() else 1
                if menu.count():
                    menu.select_option(index=view // steps)
                if slider.count():
                    slider.fill(str(view % steps))
                check(watched.page, name, view, width)
                assert watched.page.evaluate(CUT) == []
                assert watched.page.evaluate(ON_TOP) == []
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_rows_of_the_league_are_sorted_anew(chromium, page):
    with opened(chromium, page) as watched:
        control(watched.page, "league_board", "select").select_option("LL")
        ranks = views("league_board", "wide")[1][1]["yaxis"]
        rows = watched.page.evaluate(SHOWN, "league_board")["rows"]
        assert rows[:6] == ranks["ticktext"] == list(season().scenarios["LL"].ranking)


def test_a_choice_outlives_a_change_of_colors_and_of_width(chromium, page):
    with opened(chromium, page) as watched:
        control(watched.page, "frontier_board", "select").select_option("β = 1")
        control(watched.page, "frontier_board", "input").fill("2")
        light = check(watched.page, "frontier_board", 5, 1300)
        watched.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        watched.page.wait_for_function(
            "name => (" + SHOWN + ")(name).ink === '#e8edf2'", arg="frontier_board"
        )
        dark = check(watched.page, "frontier_board", 5, 1300)
        assert light["ink"] != dark["ink"]
        watched.page.set_viewport_size({"width": 390, "height": 900})
        watched.page.wait_for_function(PLOT + "._fullLayout.width < 400")
        check(watched.page, "frontier_board", 5, 390)
        assert control(watched.page, "frontier_board", "output").text_content() == "10⁻⁶"
        assert control(watched.page, "frontier_board", "input").get_attribute("aria-valuetext") == "10⁻⁶"


def test_colors_are_the_dark_ones_also_after_a_choice(chromium, page):
    with opened(chromium, page, dark=True) as watched:
        control(watched.page, "league_board", "select").select_option("LL")
        light = set(STRATEGY_COLOURS.values())
        colours = watched.page.evaluate(
            """() => document.querySelector('[data-name=league_board] .flowexec-plot')._fullData
                .filter(t => t.visible === true && t.marker).map(t => t.marker.line.color)"""
        )
        assert len(colours) > 12
        assert not light & set(colours)
        scale = watched.page.evaluate(
            "() => document.querySelector('[data-name^=worth] .flowexec-plot')"
            "._fullLayout.coloraxis.colorscale"
        )
        assert scale[0][1] == "#232f5b"


@pytest.mark.parametrize("width", [1300, 390])
def test_controls_are_large_enough_for_a_thumb_and_cover_nothing(chromium, page, width):
    with opened(chromium, page, width=width) as watched:
        places = watched.page.evaluate(
            """() => [...document.querySelectorAll('.flowexec-figure')].map((box) => ({
              plot: box.querySelector('.flowexec-plot').getBoundingClientRect().toJSON(),
              box: box.getBoundingClientRect().toJSON(),
              labels: [...box.querySelectorAll('label')].map((e) => e.getBoundingClientRect().toJSON()),
            }))"""
        )
        assert [len(place["labels"]) for place in places] == [1, 2, 1, 1]
        for place in places:
            for i, label in enumerate(place["labels"]):
                assert label["height"] >= 44
                assert label["bottom"] <= place["plot"]["top"] + 1
                assert place["box"]["left"] - 1 <= label["left"] < label["right"] <= place["box"]["right"] + 1
                for other in place["labels"][:i]:
                    assert label["left"] >= other["right"] or label["top"] >= other["bottom"]
            assert place["plot"]["bottom"] <= place["box"]["bottom"] + 1


@pytest.mark.parametrize("name", ["league_board", "policy_map"])
def test_plotlys_own_controls_work_without_the_books_script(chromium, tmp_path, name):
    """As in JupyterLab: Plotly alone draws the figure, and presses of its menu and slider do the same."""
    drawn = content(name)
    shutil.copy(plotly_source(), tmp_path / "plotly.min.js")
    (tmp_path / "index.html").write_text(
        '<!doctype html><meta charset="utf-8"><div id="plot"></div><script src="plotly.min.js"></script>'
        f"<script>const f = {json.dumps(drawn)}; Plotly.newPlot('plot', f.data, f.layout)</script>",
        encoding="utf8",
    )
    with opened(chromium, (tmp_path / "index.html").as_uri()) as watched:
        watched.page.wait_for_selector("#plot .main-svg")
        if name == "league_board":
            watched.page.locator(".updatemenu-header").click()
            watched.page.locator(".updatemenu-dropdown-button").nth(1).click()
            view = 1
        else:
            rail = watched.page.locator(".slider-rail-touch-rect").bounding_box()
            watched.page.mouse.click(rail["x"] + rail["width"] - 2, rail["y"] + rail["height"] / 2)
            view = 3
        said, count, texts = expected(name, view, 1300)
        state = watched.page.wait_for_function(
            """(said) => { const plot = document.getElementById('plot');
              return plot._fullLayout.meta.alt === said && {
                texts: [...plot.querySelectorAll('.annotation text')].map((t) => t.textContent),
                ids: plot._fullData.flatMap((t, i) => t.visible === true ? [i] : []) } }""",
            arg=said,
        ).json_value()
        assert len(state["ids"]) == count
        assert state["texts"] == texts
        first = [i for i, trace in enumerate(drawn["data"]) if trace["visible"]]
        assert state["ids"] != first
        assert numbers(drawn["data"][state["ids"][-1]]["y"]).size
        assert watched.faults == []
