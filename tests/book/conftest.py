"""The book as it stands: its sources, its executed notebooks, its built pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from flowexec.publish.chapters import Book
from flowexec.publish.serve import site_server
from tests.browser import site_pages, started_chromium

BOOK = Book(Path(__file__).resolve().parents[2])
SITE = BOOK.build / "html"
#: The pages of the built site, for tests that take one each; empty before the first build, which `site`
#: reports.
PAGES = site_pages(SITE) if SITE.is_dir() else ["(no site)"]


@cache
def parsed(page: str) -> BeautifulSoup:
    return BeautifulSoup((SITE / page).read_text(encoding="utf8"), "html.parser")


@pytest.fixture(scope="session")
def site() -> Path:
    if not (SITE / "index.html").is_file():
        pytest.fail("the book is not built: run `make book` first")
    return SITE


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[str]:
    """The address of the site, on loopback."""
    with site_server(BOOK, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with started_chromium() as browser:
        yield browser
