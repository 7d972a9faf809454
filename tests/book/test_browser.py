"""The book in a browser, as readers meet it: light and dark, wide and on a phone, with the network off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.book.conftest import BOOK, PAGES, parsed
from tests.browser import figure_faults, opened

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("site")]

CHAPTERS = {f"{chapter.docname}.html" for chapter in BOOK.chapters}
#: Chapters in all four ways; the rest, which holds no figure, in the two that differ most.
WAYS = [
    (page, width, dark)
    for page in PAGES
    for width, dark in [(1300, False), (390, True), (1300, True), (390, False)]
    if page in CHAPTERS or dark == (width == 390)
]

#: Whatever sticks out of the window and is not inside something that scrolls or clips.
STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  const held = (e) => {
    for (let up = e.parentElement; up; up = up.parentElement) {
      const root = up === document.body || up === document.documentElement;
      if (!root && /auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX)) return true;
    }
    return false;
  };
  return [...document.querySelectorAll('article *')].filter((e) => {
    const box = e.getBoundingClientRect();
    const out = box.width > 1 && box.height > 1 && box.right > width + 1;
    return out && !held(e) && !e.closest('mjx-assistive-mml');
  }).slice(0, 5).map((e) => `${e.tagName}.${e.className}`.slice(0, 80));
}"""

#: Texts of figures that leave the drawing, in which case they are cut.
CUT_TEXTS = """() => [...document.querySelectorAll('.flowexec-plot')].flatMap((plot) => {
  const frame = plot.getBoundingClientRect();
  if (!frame.width) return [];
  return [...plot.querySelectorAll('.main-svg text')].filter((t) => {
    const box = t.getBoundingClientRect();
    const across = box.left < frame.left - 2 || box.right > frame.right + 2;
    const along = box.top < frame.top - 2 || box.bottom > frame.bottom + 2;
    return t.textContent.trim() && box.width && getComputedStyle(t).opacity !== '0' && (across || along);
  }).map((t) => `${plot.parentElement.id}: ${t.textContent}`);
})"""

#: The contrast (WCAG) of figure texts against the page. Numbers in a map stand on its cells instead, and are
#: measured in tests/figures/test_maps.py.
FAINT_TEXTS = """() => {
  const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const lin = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2];
  };
  const page = luminance(channels(getComputedStyle(document.body).backgroundColor));
  return [...document.querySelectorAll('.flowexec-plot .main-svg text:not(.textpoint *)')].flatMap((t) => {
    const fill = luminance(channels(getComputedStyle(t).fill));
    const contrast = (Math.max(fill, page) + 0.05) / (Math.min(fill, page) + 0.05);
    return t.textContent.trim() && contrast < 3 ? [`${t.textContent}: ${contrast.toFixed(1)}`] : [];
  });
}"""


@pytest.mark.parametrize(("page", "width", "dark"), WAYS, ids=lambda v: str(v))
def test_page_is_drawn_and_nothing_is_wrong(
    chromium: Any, served: str, page: str, width: int, dark: bool
) -> None:
    with opened(chromium, served + page, width=width, dark=dark) as watched:
        view = watched.page
        assert watched.faults == []
        assert view.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
        drawn = view.evaluate("document.querySelectorAll('.flowexec-figure .main-svg').length")
        figures = len(parsed(page).select(".flowexec-figure"))
        assert drawn >= figures
        assert figure_faults(view) == []
        formulas = len(parsed(page).select("article .math"))
        assert view.evaluate("document.querySelectorAll('article .math mjx-container').length") >= formulas
        assert view.evaluate("document.querySelectorAll('mjx-merror, .MathJax_Error').length") == 0
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        assert view.evaluate(STICKING_OUT) == []
        assert view.evaluate(CUT_TEXTS) == []
        assert view.evaluate(FAINT_TEXTS) == []


FIGURES = sorted(page for page in CHAPTERS if page in PAGES and parsed(page).select(".flowexec-figure"))


@pytest.fixture(scope="module")
def with_figures(site: Any) -> str:
    assert FIGURES, "no chapter has a figure"
    return FIGURES[0]


def test_figures_follow_the_switch_of_the_page(chromium: Any, served: str, with_figures: str) -> None:
    colour = "getComputedStyle(document.querySelector('.flowexec-plot .main-svg text')).fill"
    with opened(chromium, served + with_figures, width=1300) as watched:
        light = watched.page.evaluate(colour)
        watched.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        watched.page.wait_for_timeout(800)
        dark = watched.page.evaluate(colour)
        watched.page.evaluate("document.documentElement.dataset.theme = 'light'")
        watched.page.wait_for_timeout(800)
        assert dark != light
        assert watched.page.evaluate(colour) == light
        assert figure_faults(watched.page) == []
        assert watched.faults == []


def test_finger_on_a_figure_scrolls_the_page(chromium: Any, served: str, with_figures: str) -> None:
    with opened(chromium, served + with_figures, width=390) as watched:
        page = watched.page
        page.evaluate(
            "document.querySelector('.flowexec-figure')"
            ".scrollIntoView({block: 'center', behavior: 'instant'})"
        )
        page.wait_for_timeout(300)
        x, y = page.evaluate(
            "(() => { const b = document.querySelector('.flowexec-plot').getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        before = page.evaluate("window.scrollY")
        client = page.context.new_cdp_session(page)
        client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            client.send(
                "Input.dispatchTouchEvent",
                {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 20 * step}]},
            )
            page.wait_for_timeout(16)
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(300)
        assert page.evaluate("window.scrollY") > before + 100


def test_narrow_figures_have_type_that_can_be_read(chromium: Any, served: str, with_figures: str) -> None:
    with opened(chromium, served + with_figures, width=390) as watched:
        sizes = watched.page.evaluate(
            "[...document.querySelectorAll('.flowexec-plot .main-svg text')]"
            ".filter(t => t.textContent.trim()).map(t => parseFloat(getComputedStyle(t).fontSize))"
        )
        assert min(sizes) >= 10


def test_hidden_solutions_open_and_show_what_they_hold(chromium: Any, served: str) -> None:
    page = next((p for p in PAGES if parsed(p).select(".solution.dropdown")), None)
    assert page is not None, "no chapter has a hidden solution"
    with opened(chromium, served + page) as watched:
        closed = watched.page.evaluate("document.querySelectorAll('.solution.toggle-hidden').length")
        assert closed == len(parsed(page).select(".solution.dropdown"))
        watched.page.evaluate("document.querySelectorAll('.solution .toggle-button').forEach(b => b.click())")
        watched.page.wait_for_timeout(600)
        assert watched.page.evaluate("document.querySelectorAll('.solution.toggle-hidden').length") == 0
        assert figure_faults(watched.page) == []
        assert watched.page.evaluate(STICKING_OUT) == []


def test_book_is_read_from_disk_too(chromium: Any, site: Any, with_figures: str) -> None:
    with opened(chromium, (site / with_figures).as_uri()) as watched:
        assert watched.faults == []
        assert figure_faults(watched.page) == []
        assert watched.page.evaluate("document.querySelectorAll('mjx-container').length") > 0
