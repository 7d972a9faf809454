"""Files the site needs from installed packages, so that it needs no network: Plotly and MathJax."""

from __future__ import annotations

import json
import shutil
from importlib import util
from pathlib import Path

from flowexec.publish.chapters import Book

__all__ = ["assets_folder", "mathjax_source", "plotly_source", "write_assets"]

#: The parts of MathJax a page of TeX can ask for: the loader, its fonts, and TeX extensions it loads when met.
_MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")


def assets_folder(book: Book) -> Path:
    """The folder `_config.yml` adds to the site's static files."""
    return book.build / "assets"


def plotly_source() -> Path:
    """The `plotly.min.js` that belongs to the installed plotly."""
    return _package("plotly") / "package_data" / "plotly.min.js"


def mathjax_source() -> Path:
    """MathJax 3 as files."""
    return _package("sphinx-mathjax-offline") / "static" / "mathjax"


def write_assets(book: Book) -> None:
    """Put Plotly, MathJax and the dark palette where the build of the site finds them."""
    from flowexec.figures.theme import DARK

    folder = assets_folder(book)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(plotly_source(), folder / "plotly.min.js")
    for part in _MATHJAX_PARTS:
        source, target = mathjax_source() / part, folder / "mathjax" / part
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    (folder / "flowexec-palette.js").write_text(f"window.flowexecDark = {json.dumps(DARK)};\n", encoding="utf8")


def _package(name: str) -> Path:
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"The package {name} is missing; install flowexec[book].")
    return Path(next(iter(spec.submodule_search_locations)))
