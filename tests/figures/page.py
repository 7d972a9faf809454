"""Figures of the gallery on a page of their own, as the book's pages have them."""

import json
import re
import shutil
from pathlib import Path

from flowexec.figures.theme import DARK, figure_html
from flowexec.publish.assets import plotly_source
from tests.figures.reader import content

STATIC = Path(__file__).parents[2] / "book" / "_static"
FOLLOW = "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"


def write_page(folder, names):
    """The page's address; each figure has its name in `data-name`."""
    shutil.copy(plotly_source(), folder / "plotly.min.js")
    shutil.copy(STATIC / "flowexec.js", folder / "flowexec.js")
    styles = (STATIC / "flowexec.css").read_text(encoding="utf8")
    styles = re.sub(r"@font-face \{.*?\}", "", styles)  # the book's fonts are made by its build
    (folder / "flowexec.css").write_text(styles, encoding="utf8")
    boxes = [
        figure_html(content(name)).replace(
            'class="flowexec-figure"', f'class="flowexec-figure" data-name="{name}"', 1
        )
        for name in names
    ]
    (folder / "index.html").write_text(
        '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<script>document.documentElement.dataset.theme = {FOLLOW}; window.flowexecDark = {json.dumps(DARK)}"
        '</script><link rel="stylesheet" href="flowexec.css">'
        "<style>body{margin:0}main{max-width:736px;margin:0 auto;padding:0 16px}</style>"
        f'<script src="flowexec.js"></script><main>{"".join(boxes)}</main>',
        encoding="utf8",
    )
    return (folder / "index.html").as_uri()
