"""Pictures of every page, light and dark, wide and phone: `make screenshots`, or with names to choose."""

from __future__ import annotations

import sys
import threading

from flowexec.publish.serve import site_server
from tests.book.conftest import BOOK, SITE
from tests.browser import opened, site_pages, started_chromium


def main(chosen: list[str]) -> None:
    """Write `_build/screenshots/<page>-<light|dark>-<width>.png` for pages whose names hold a chosen word."""
    folder = BOOK.build / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    pages = [p for p in site_pages(SITE) if not chosen or any(word in p for word in chosen)]
    with site_server(BOOK, 0) as server, started_chromium() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for page in pages:
            for dark in (False, True):
                for width in (1300, 390):
                    name = page.removeprefix("book/").removesuffix(".html").replace("/", "-")
                    target = folder / f"{name}-{'dark' if dark else 'light'}-{width}.png"
                    with opened(
                        browser, f"http://127.0.0.1:{server.server_port}/{page}", width=width, dark=dark
                    ) as seen:
                        seen.page.wait_for_timeout(500)
                        seen.page.screenshot(path=target, full_page=True)
                        for fault in seen.faults:
                            print(f"{target.name}: {fault}")
            print(page, flush=True)
        server.shutdown()
    print(f"Pictures in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
