"""Read the built book in a browser, served to this machine only."""

from __future__ import annotations

import functools
import http.server
from pathlib import Path
from typing import Any

from flowexec.publish.chapters import Book
from flowexec.publish.errors import PublishError

__all__ = ["site_server"]


def site_server(book: Book, port: int) -> http.server.ThreadingHTTPServer:
    """A server of `_build/html` on the loopback address; port 0 takes a free one.

    Raises
    ------
    PublishError
        If the book is not built, or the port is taken or not allowed.
    """
    site = book.build / "html"
    if not (site / "index.html").is_file():
        raise PublishError("The book is not built yet; run `flowexec build` (or `make book`) first.")
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(site))
    except (OSError, OverflowError) as reason:
        raise PublishError(f"Cannot serve on port {port}: {reason}. Choose another with --port.") from None


def _handler(site: Path) -> Any:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: one line per file would bury the address."""

    return functools.partial(Quiet, directory=str(site))
