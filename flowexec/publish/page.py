"""One executed chapter as one HTML file that opens from a disk, with no network and no other file beside it.

The page is made by the same Sphinx configuration as the book, so directives, numbers and cross-references
read as they do there; then its article is taken out of the site's frame and everything it loads is written
into it.
"""

from __future__ import annotations

import base64
import contextlib
import html
import io
import json
import mimetypes
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from flowexec import __version__
from flowexec.publish.assets import assets_folder, mathjax_source, write_assets
from flowexec.publish.chapters import SOURCES, Book, Chapter
from flowexec.publish.errors import PublishError
from flowexec.publish.run import workspace

__all__ = ["standalone_page"]

#: Frames, icons and search of the site, which the article does without.
_UNUSED_STYLES = ("fontawesome", "sphinx-design")


def standalone_page(book: Book, chapter: Chapter, notebook: Any, parameters: Mapping[str, Any]) -> str:
    """The executed `notebook` of `chapter` as a self-contained page.

    Parameters
    ----------
    parameters : mapping
        What was changed, for the note at the head of the page.

    Raises
    ------
    PublishError
        If Sphinx cannot make the page.
    """
    from bs4 import BeautifulSoup  # the book extra's; listing chapters does not need it

    write_assets(book)
    with workspace(book) as work:
        site = _render(book, chapter, notebook, work)
        path = site / f"{chapter.docname}.html"
        soup = BeautifulSoup(path.read_text(encoding="utf8"), "html.parser")
        article = soup.select_one("article.bd-article")
        styles = [
            _inline_urls(file.read_text(encoding="utf8"), file.parent)
            for link in soup.select('head link[rel="stylesheet"]')
            if not any(word in link["href"] for word in _UNUSED_STYLES)
            for file in [(path.parent / link["href"].partition("?")[0]).resolve()]
            if file.is_file()
        ]
        mathjax = next(
            (s.string for s in soup.find_all("script") if (s.string or "").startswith("window.MathJax")), ""
        )
        toggles = (site / "_static" / "togglebutton.js").read_text(encoding="utf8")
        _detach(article, path.parent)
    return _compose(book, chapter, article, parameters, "\n".join(styles), mathjax, toggles)


def _render(book: Book, chapter: Chapter, notebook: Any, work: Path) -> Path:
    """The site with the chapter's page alone in it, from a copy of the sources; nothing is executed."""
    from jupyter_book.sphinx import build_sphinx

    source = work / "source"
    shutil.copytree(book.root / SOURCES, source / SOURCES, ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(assets_folder(book), source / "_build" / "assets")
    shutil.copy(book.root / "_toc.yml", source)
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf8"))
    config["execute"] = {"execute_notebooks": "off", "stderr_output": "show"}
    (source / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf8")
    page = source / f"{chapter.docname}.ipynb"
    page.with_suffix(".md").unlink()
    page.write_text(json.dumps(notebook), encoding="utf8")
    site, log = work / "site" / "html", io.StringIO()
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        done = build_sphinx(
            source,
            site,
            path_config=source / "_config.yml",
            noconfig=True,
            confoverrides={
                "latex_individualpages": False,
                "external_toc_path": "_toc.yml",
                "flowexec_checkout": str(book.root),
            },
            filenames=[str(page)],
            quiet=True,
        )
    if isinstance(done, KeyboardInterrupt):
        raise done
    if done or not (site / f"{chapter.docname}.html").is_file():
        raise PublishError(f"The page of {chapter.name} could not be made:\n{log.getvalue().strip()[-2000:]}")
    return site


def _detach(article: Any, folder: Path) -> None:
    """Cut the article from the site: links to other pages become text, pictures part of the page."""
    for link in article.select("a.headerlink"):
        link.decompose()
    for link in article.select("a[href]"):
        href = link["href"]
        if href.startswith(("#", "mailto:")):
            continue
        if href.startswith(("http://", "https://")):
            link["rel"] = "noopener"
            continue
        del link["href"]
        link.name = "span"
    for image in article.select("img[src]"):
        if not image["src"].startswith("data:"):
            image["src"] = _data_uri((folder / image["src"]).resolve())


def _compose(
    book: Book,
    chapter: Chapter,
    article: Any,
    parameters: Mapping[str, Any],
    styles: str,
    mathjax: str,
    toggles: str,
) -> str:
    assets = assets_folder(book)
    plotly = (
        (assets / "plotly.min.js").read_text(encoding="utf8") if article.select(".flowexec-figure") else ""
    )
    maths = (
        (mathjax_source() / "tex-svg-full.js").read_text(encoding="utf8") if article.select(".math") else ""
    )
    own = [assets / "flowexec-palette.js", book.root / SOURCES / "_static" / "flowexec.js"]
    settings = "let toggleHintShow = 'Show', toggleHintHide = 'Hide', toggleOpenOnPrint = 'true';"
    scripts = [
        mathjax,
        maths,
        plotly,
        *(path.read_text(encoding="utf8") for path in own),
        f"{settings} var togglebuttonSelector = '.toggle, .admonition.dropdown';\n{toggles}",
    ]
    template = Template(Path(__file__).with_name("page.html").read_text(encoding="utf8"))
    return template.substitute(
        title=html.escape(chapter.title),
        book=html.escape(
            str(yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf8"))["title"])
        ),
        changes=_changes(chapter, parameters),
        contents=_contents(article),
        article=article.decode(),
        styles=styles.replace("</style", "<\\/style"),
        scripts="\n".join(f"<script>{_inert(script)}</script>" for script in scripts if script),
        version=__version__,
    )


def _changes(chapter: Chapter, parameters: Mapping[str, Any]) -> str:
    """What differs from the book, as a table."""
    if not parameters:
        return "<p>All parameters are as in the book.</p>"
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(repr(chapter.parameters[name].default))}</td>"
        f"<td>{html.escape(repr(value))}</td><td>{html.escape(chapter.parameters[name].comment)}</td></tr>"
        for name, value in parameters.items()
    )
    return (
        '<div class="pst-scrollable-table-container"><table><thead><tr><th>parameter</th><th>in the book</th>'
        f"<th>here</th><th>meaning</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _contents(article: Any) -> str:
    items = []
    for heading in article.select("h2"):
        section = heading.find_parent("section")
        if section is not None and section.get("id"):
            items.append(
                f'<li><a href="#{section["id"]}">{html.escape(heading.get_text(strip=True))}</a></li>'
            )
    return "".join(items)


def _inline_urls(css: str, folder: Path) -> str:
    """Style sheets with the files they load written into them; what cannot be found is left out."""

    def inline(match: re.Match[str]) -> str:
        target = match[1].strip("'\"")
        if target.startswith(("data:", "#")):
            return match[0]
        file = (folder / target.partition("?")[0].partition("#")[0]).resolve()
        return f'url("{_data_uri(file)}")' if file.is_file() else 'url("data:,")'

    def include(match: re.Match[str]) -> str:
        file = (folder / match[1].partition("?")[0]).resolve()
        return _inline_urls(file.read_text(encoding="utf8"), file.parent) if file.is_file() else ""

    css = re.sub(r"""@import\s+(?:url\()?["']([^"']+)["']\)?[^;]*;""", include, css)
    css = re.sub(r"/\*[#@]\s*sourceMappingURL=.*?\*/", "", css)
    return re.sub(r"url\(([^)]*)\)", inline, css)


def _data_uri(file: Path) -> str:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def _inert(script: str) -> str:
    """A script that may stand inside a page: nothing in it ends the element or opens a comment."""
    script = re.sub(r"//[#@]\s*sourceMappingURL=\S*", "", script)
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
