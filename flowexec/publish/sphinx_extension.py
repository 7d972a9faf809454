"""What the book asks of Sphinx beyond its configuration."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

from flowexec.publish.build import executed_path, read_record
from flowexec.publish.chapters import Book

__all__ = ["setup"]

#: Identifiers that sphinx-proof and sphinx-exercise give to every box of a page, though an id may stand there
#: once.
_REPEATED = re.compile(
    r'(<(?:div|section)\b[^>]*\bid=")(proof|proof-content|exercise-content|solution-content)(")'
)

#: Hints to load fonts early, which a page opened from a disk may not follow, and the 1.5 MB of script that
#: draws the same icons as the style sheet beside it.
_UNNEEDED = re.compile(
    r'<link rel="preload"[^>]*>\s*|<script src="[^"]*fontawesome[^"]*/all\.min\.js[^"]*"></script>\s*'
)
#: A formula in a line with the bracket before it or the punctuation after it, between which a browser would
#: break.
_PUNCTUATED = re.compile(
    r"\(?" r'<span class="math notranslate nohighlight">(?:(?!</span>).)*</span>' r"[,.;:!?)\]’”%…]+", re.S
)
_PROOF = re.compile(r'(<div class="proof admonition"[^>]*>\s*)<p>Proof\. ')


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx; named in `_config.yml`."""
    # Jupyter Book passes this on to sphinx_comments, which the book leaves out because it loads remote
    # scripts
    app.add_config_value("comments_config", {}, "html")
    # the checkout whose records `build-record` shows, where the sources are a copy of it
    app.add_config_value("flowexec_checkout", "", "env")
    app.add_directive("build-record", _build_record())
    app.connect("html-page-context", _finish_page)
    app.connect("build-finished", _lighten_pages)
    app.connect("autodoc-process-docstring", _escape_bars, priority=100)  # before numpydoc reads the sections
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _build_record() -> Any:
    """The directive `build-record`: how long each chapter took, and with what it was run."""
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class BuildRecord(SphinxDirective):  # type: ignore[misc]  # sphinx is read without its types
        def run(self) -> list[Any]:
            self.env.note_reread()  # its content is not in its source
            content = nodes.Element()
            checkout = Path(self.config.flowexec_checkout or self.env.srcdir)
            lines = [*run_times(Book(checkout)), "", *versions()]
            self.state.nested_parse(StringList(lines, source="build-record"), 0, content)
            return list(content.children)

    return BuildRecord


def run_times(book: Book) -> list[str]:
    """A table, in Markdown, of the seconds each chapter's execution took."""
    rows = ["| chapter | seconds |", "|:--|--:|"]
    for chapter in book.chapters:
        record = read_record(executed_path(book, chapter))
        rows.append(f"| {{doc}}`/{chapter.docname}` | {f'{record.seconds:.1f}' if record else 'not run'} |")
    return rows


def versions() -> list[str]:
    """A sentence, in Markdown, on the machine and the packages that decide numbers and looks."""
    names = ("numpy", "scipy", "numba", "plotly", "papermill", "jupyter-book")
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} processors"
    return [f"{machine}; Python {platform.python_version()}; {packages}."]


def _finish_page(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Make the ids of a page unique, keep punctuation at its formula, set off the word "Proof"."""
    if "body" in context:
        number = count(1)
        body = _REPEATED.sub(lambda m: f"{m[1]}{m[2]}-{next(number)}{m[3]}", context["body"])
        body = _PUNCTUATED.sub(r'<span class="nobreak">\g<0></span>', body)
        context["body"] = _PROOF.sub(r'\1<p><em class="proof-word">Proof.</em> ', body)


def _lighten_pages(app: Any, exception: Exception | None) -> None:
    """Take out of the theme's pages what they do not need."""
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf8")
            path.write_text(_UNNEEDED.sub("", text), encoding="utf8")


def _escape_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Let |x| in a docstring be an absolute value, not reStructuredText's mark of a substitution."""
    for i, line in enumerate(lines):
        pieces = line.split("``")
        lines[i] = "``".join(p if k % 2 else p.replace("|", r"\|") for k, p in enumerate(pieces))
