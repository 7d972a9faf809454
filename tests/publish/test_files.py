"""Files written whole, assets copied whole, and the server that serves this machine only."""

from __future__ import annotations

import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from flowexec.publish.assets import plotly_source, write_assets
from flowexec.publish.errors import PublishError
from flowexec.publish.page import _inert, _inline_urls
from flowexec.publish.run import workspace, write_atomically
from flowexec.publish.serve import site_server


def test_interrupted_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "deep" / "file.txt"
    write_atomically(target, "first")

    def interrupt(*names: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flowexec.publish.run.os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, "second")
    assert [(p.name, p.read_text()) for p in target.parent.iterdir()] == [("file.txt", "first")]


def test_workspace_is_removed_and_takes_those_of_dead_processes_along(checkout: Any) -> None:
    shelf = checkout.root / "_build" / ".work"
    left = shelf / "999999999-left"  # no process can have this number
    left.mkdir(parents=True)
    with workspace(checkout.book) as first:
        assert first.is_dir()
        assert not left.exists()
        with workspace(checkout.book):
            assert first.is_dir()
    assert list(shelf.iterdir()) == []


def test_assets_are_made_once_and_made_again_after_a_cut(first_build: Any, tmp_path: Path) -> None:
    book = first_build[0].book
    folder = write_assets(book)
    assert (folder / "plotly.min.js").read_bytes() == plotly_source().read_bytes()
    assert (folder / "mathjax" / "tex-chtml.js").is_file()
    assert len(list((folder / "fonts").glob("*.woff2"))) == 7
    stamp = (folder / "plotly.min.js").stat().st_mtime_ns
    write_assets(book)
    assert (folder / "plotly.min.js").stat().st_mtime_ns == stamp
    (folder / "made-from.txt").unlink()
    write_assets(book)
    assert (folder / "plotly.min.js").stat().st_mtime_ns != stamp


def test_styles_and_scripts_are_written_into_the_page(tmp_path: Path) -> None:
    (tmp_path / "a.woff2").write_bytes(b"font")
    css = '@import "x.css"; a { src: url("a.woff2?v=1") } b { src: url(missing.png) } c { fill: url(#grad) }'
    inlined = _inline_urls(css, tmp_path)
    assert 'url("data:font/woff2;base64,Zm9udA==")' in inlined
    assert 'url("data:,")' in inlined
    assert "url(#grad)" in inlined
    assert "@import" not in inlined
    script = _inert('x = "</script><!--"; //# sourceMappingURL=x.map')
    assert script.strip() == 'x = "<\\/script><\\!--";'


def test_server_serves_the_site_on_loopback_only(first_build: Any) -> None:
    with site_server(first_build[0].book, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert server.server_address[0] == "127.0.0.1"
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/book/intro.html") as answer:
            assert b"Two chapters" in answer.read()
        with pytest.raises(PublishError, match=r"Cannot serve on port \d+: .*Choose another with --port"):
            site_server(first_build[0].book, server.server_port)
        server.shutdown()


@pytest.mark.parametrize("port", [-1, 70_000])
def test_port_that_cannot_be_is_refused(first_build: Any, port: int) -> None:
    with pytest.raises(PublishError, match="Choose another with --port"):
        site_server(first_build[0].book, port)


def test_server_of_a_book_that_is_not_built_says_so(checkout: Any) -> None:
    done = checkout.run("serve")
    assert done.returncode == 2
    assert "The book is not built yet; run `flowexec build`" in done.stderr


def test_chapters_are_listed_with_types_defaults_and_comments(checkout: Any) -> None:
    done = checkout.run("chapters")
    assert done.returncode == 0, done.stderr
    assert "markets/walk  A walk without drift" in done.stdout
    assert "  sigma    float      0.95       volatility, currency per share and root day" in done.stdout
    assert "  shares  int    1000000  size of the order" in done.stdout


def test_command_outside_a_book_says_so(checkout: Any) -> None:
    (checkout.root / "_config.yml").unlink()
    done = checkout.run("chapters")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: There is no book here")
