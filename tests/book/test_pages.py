"""The built pages, read as files: complete, self-sufficient, and fit for a screen reader."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.book.conftest import BOOK, PAGES, SITE, parsed

EACH = pytest.mark.parametrize("page", PAGES)
pytestmark = pytest.mark.usefixtures("site")

#: Attributes through which a page loads something by itself, as opposed to links a reader follows.
LOADS = [
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("object", "data"),
]
#: Source text that must not be left in what a reader sees.
RAW = re.compile(
    r"\$\$|\\\(|\\\[|\\(?:frac|mathbb|sum|sqrt|begin)\b|\{(?:glue|cite|prf|ref|numref|eq|math|doc)[:}]|```|:::|:tags:|^\+\+\+",
    re.M,
)


def test_every_page_of_the_table_of_contents_is_there(site: Path) -> None:
    missing = [name for name in BOOK.docnames if not (site / f"{name}.html").is_file()]
    assert missing == []
    assert 'url=book/intro.html"' in (site / "index.html").read_text()


@EACH
def test_page_loads_nothing_from_elsewhere(page: str) -> None:
    for tag, attribute in LOADS:
        for element in parsed(page).find_all(tag):
            if tag == "link" and element.get("rel") == ["canonical"]:
                continue
            address = element.get(attribute)
            assert not address or not re.match(r"(https?:)?//", address), element


@EACH
def test_what_a_page_loads_is_there(page: str) -> None:
    for tag, attribute in LOADS:
        for element in parsed(page).find_all(tag):
            address = urlsplit(element.get(attribute) or "").path
            if address and not (element.get(attribute) or "").startswith("data:"):
                assert ((SITE / page).parent / unquote(address)).resolve().is_file(), element


def test_no_script_or_style_of_the_site_reaches_out(site: Path) -> None:
    for path in sorted((site / "_static").rglob("*")):
        if path.suffix == ".css":
            assert not re.search(
                r"@import\s+[^;]*//|url\(\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf8")
            ), path
        # Plotly and MathJax can fetch maps and more when asked to, which no figure and no formula here does
        elif path.suffix == ".js" and "mathjax" not in path.parts and path.name != "plotly.min.js":
            text = path.read_text(encoding="utf8")
            assert not re.search(r"unpkg|jsdelivr|cdnjs|googleapis|gstatic|mybinder|requirejs", text), path


def test_plotly_and_mathjax_are_on_the_site_once(site: Path) -> None:
    assert [p.relative_to(site).as_posix() for p in site.rglob("plotly*.js")] == ["_static/plotly.min.js"]
    assert (site / "_static/mathjax/tex-chtml.js").is_file()
    assert all(len((site / page).read_text(encoding="utf8")) < 4_000_000 for page in PAGES)


@EACH
def test_no_source_is_left_in_the_text(page: str) -> None:
    article = BeautifulSoup(str(parsed(page).find("article")), "html.parser")
    for element in article.select("pre, code, script, style, .math, noscript, dl.py"):
        element.decompose()
    found = RAW.search(article.get_text())
    assert found is None, article.get_text()[max(0, found.start() - 60) : found.end() + 60]


@EACH
def test_every_picture_has_words(page: str) -> None:
    for image in parsed(page).find_all("img"):
        assert image.has_attr("alt"), image
        assert image["alt"].strip() or image.find_parent("article") is None, (
            image
        )  # empty: the logo beside its name
    for figure in parsed(page).select(".flowexec-figure"):
        assert figure["role"] == "img"
        assert len(figure["aria-label"].split()) >= 6


@EACH
def test_headings_descend_one_step_at_a_time(page: str) -> None:
    levels = [int(h.name[1]) for h in parsed(page).select("article :is(h1, h2, h3, h4, h5, h6)")]
    assert levels[:1] == [1]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


@EACH
def test_identifiers_are_unique(page: str) -> None:
    counts = Counter(element["id"] for element in parsed(page).find_all(id=True))
    assert [name for name, times in counts.items() if times > 1] == []


@EACH
def test_links_within_the_book_lead_somewhere(page: str) -> None:
    for link in parsed(page).select("article a[href]"):
        parts = urlsplit(link["href"])
        if parts.scheme or link["href"].startswith("//"):
            continue
        target = ((SITE / page).parent / unquote(parts.path)).resolve() if parts.path else SITE / page
        assert target.is_file(), link
        if parts.fragment:
            there = parsed(target.relative_to(SITE).as_posix())
            assert there.find(id=unquote(parts.fragment)) is not None, link


@EACH
def test_page_names_its_language_title_and_width(page: str) -> None:
    soup = parsed(page)
    assert soup.html["lang"] == "en"
    assert soup.title.get_text(strip=True)
    assert soup.select_one('meta[name="viewport"]') is not None
