"""Chromium for tests: found or installed, and every page watched for what a reader would notice."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The program in `CHROMIUM`, or one of the usual names."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


def install_chromium() -> None:
    """Debian's package, where this process may install it; otherwise nothing."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False, "timeout": 600}
        subprocess.run(["apt-get", "update"], **quiet)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "chromium"], **quiet)


@contextmanager
def started_chromium() -> Iterator[Any]:
    """A running Chromium, or a skip that says how to get one."""
    if find_chromium() is None:
        install_chromium()
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium: install the package `chromium`, or name the program in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page and everything it did that it should not have done."""

    page: Any
    faults: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Any, url: str, *, width: int = 1300, dark: bool = False) -> Iterator[Watched]:
    """`url` in a window of `width`; all but loopback and local files is blocked and counted as a fault."""
    phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        has_touch=phone,
        is_mobile=phone,
    )
    page = context.new_page()
    watched = Watched(page)

    def route(request: Any) -> None:
        address = request.request.url
        if address.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            request.continue_()
        else:
            watched.faults.append(f"asked for {address}")
            request.abort()

    page.route("**/*", route)
    page.on("console", lambda m: watched.faults.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: watched.faults.append(f"script error: {error}"))
    page.on(
        "response",
        lambda r: watched.faults.append(f"{r.status} for {r.url}") if r.status >= 400 else None,
    )
    try:
        page.goto(url, wait_until="load")
        settle(page)
        yield watched
    finally:
        context.close()


def settle(page: Any) -> None:
    """Wait until mathematics and figures are drawn."""
    page.evaluate("() => window.MathJax && MathJax.startup ? MathJax.startup.promise.then(() => true) : true")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.flowexec-figure')]"
        ".every(f => !f.clientWidth || f.querySelector('.main-svg'))",
        timeout=20_000,
    )


def figure_faults(page: Any) -> list[str]:
    """Figures that are missing, empty or without size."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.flowexec-figure')].flatMap(box => {
          const svg = box.querySelector('.main-svg');
          if (!svg) return [`${box.id}: not drawn`];
          const size = svg.getBoundingClientRect();
          const marks = box.querySelectorAll('.trace, .bars .point, .heatmaplayer image, .contour').length;
          const faults = [];
          if (size.width < 100 || size.height < 100) faults.push(`${box.id}: ${size.width} × ${size.height}`);
          if (!marks) faults.push(`${box.id}: no traces`);
          return faults;
        })"""
    )


def site_pages(site: Path) -> list[str]:
    """All pages of a built site but Sphinx's own indices and the templates among its static files."""
    own = {"genindex.html", "search.html", "prf-prf.html", "py-modindex.html", "index.html"}
    pages = (p.relative_to(site).as_posix() for p in site.rglob("*.html") if p.name not in own)
    return sorted(page for page in pages if not page.startswith("_static/"))
