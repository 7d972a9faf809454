"""Every figure in Chromium, by the page's own script: no text cut, no two names on top of one another."""

import pytest

from tests.browser import opened, started_chromium
from tests.figures.gallery import GALLERY
from tests.figures.page import write_page

pytestmark = pytest.mark.browser

#: Texts that leave their figure.
CUT = """() => [...document.querySelectorAll('.flowexec-figure')].flatMap((box) => {
  const frame = box.getBoundingClientRect();
  return [...box.querySelectorAll('.main-svg text')].filter((t) => {
    const r = t.getBoundingClientRect();
    return t.textContent.trim() && r.width && (r.left < frame.left - 2 || r.right > frame.right + 2 ||
      r.top < frame.top - 2 || r.bottom > frame.bottom + 2);
  }).map((t) => `${box.dataset.name}: ${t.textContent}`);
})"""

#: Pairs of level names, marks and notes that overlap by more than a hair, a fifth of a line being air.
ON_TOP = """() => [...document.querySelectorAll('.flowexec-figure')].flatMap((box) => {
  const texts = [...box.querySelectorAll('.annotation')].filter((a) => {
    const text = a.querySelector('.annotation-text-g');
    const turned = /rotate\\((-?[\\d.]+)/.exec(text.getAttribute('transform') || '');
    return !turned || Math.abs(parseFloat(turned[1])) < 0.5;
  }).map((a) => a.querySelector('text')).filter(Boolean);
  const rooms = texts.map((t) => t.getBoundingClientRect());
  const faults = [];
  for (let i = 0; i < rooms.length; i++) for (let j = 0; j < i; j++) {
    const [a, b] = [rooms[i], rooms[j]];
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const along = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const both = `${texts[i].textContent} / ${texts[j].textContent}`;
    if (across > 2 && along > 5) faults.push(`${box.dataset.name}: ${both}`);
  }
  return faults;
})"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("figures"), GALLERY)


@pytest.fixture(scope="module")
def chromium():
    with started_chromium() as browser:
        yield browser


@pytest.mark.parametrize("width", [1300, 390])
def test_every_figure_is_drawn_with_all_its_texts_apart(chromium, page, width):
    with opened(chromium, page, width=width) as watched:
        assert watched.faults == []
        assert watched.page.evaluate("document.querySelectorAll('.main-svg').length") >= len(GALLERY)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        assert watched.page.evaluate(CUT) == []
        assert watched.page.evaluate(ON_TOP) == []
