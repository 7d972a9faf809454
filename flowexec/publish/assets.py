"""Files the site needs from installed packages, so that it needs no network: Plotly, MathJax, fonts."""

from __future__ import annotations

import json
import shutil
from importlib import util
from pathlib import Path

from flowexec.publish.chapters import Book
from flowexec.publish.digest import file_digest

__all__ = ["assets_folder", "mathjax_source", "plotly_source", "write_assets"]

#: The parts of MathJax a page of TeX can ask for: the loader, its fonts, and TeX extensions it loads when
#: met.
_MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")

#: (file to write, package, its font file): Source Serif for reading, Source Sans for headings, figures and
#: labels.
_FONTS = (
    ("serif-400", "font_source_serif_pro", "SourceSerifPro-Regular"),
    ("serif-400-italic", "font_source_serif_pro", "SourceSerifPro-It"),
    ("serif-600", "font_source_serif_pro", "SourceSerifPro-Semibold"),
    ("serif-600-italic", "font_source_serif_pro", "SourceSerifPro-SemiboldIt"),
    ("sans-400", "font_source_sans_pro", "SourceSansPro-Regular"),
    ("sans-400-italic", "font_source_sans_pro", "SourceSansPro-It"),
    ("sans-600", "font_source_sans_pro", "SourceSansPro-Semibold"),
)
#: Latin with accents, Greek, punctuation, super- and subscripts, currency, arrows, mathematical operators.
_CHARACTERS = (
    "U+20-7E,U+A0-17F,U+2C6-2DD,U+370-3FF,U+2010-205E,U+2070-209C,U+20AC,U+2113-2122,U+2190-21FF,U+2200-22FF"
)


def assets_folder(book: Book) -> Path:
    """The folder `_config.yml` adds to the site's static files."""
    return book.build / "assets"


def plotly_source() -> Path:
    """The `plotly.min.js` that belongs to the installed plotly."""
    return _package("plotly") / "package_data" / "plotly.min.js"


def mathjax_source() -> Path:
    """MathJax 3 as files."""
    return _package("sphinx-mathjax-offline") / "static" / "mathjax"


def write_assets(book: Book) -> Path:
    """Put Plotly, MathJax, the fonts and the dark palette where the build finds them; returns that folder.

    They change with the lock and with the theme only, so an existing folder that says it is current is kept.
    """
    from flowexec.figures.theme import DARK

    folder = assets_folder(book)
    marker = folder / "made-from.txt"
    palette = f"window.flowexecDark = {json.dumps(DARK)};\n"
    current = " ".join([file_digest(Path(__file__)), file_digest(plotly_source()), json.dumps(DARK)])
    if marker.is_file() and marker.read_text(encoding="utf8") == current:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "fonts").mkdir(parents=True)
    shutil.copy(plotly_source(), folder / "plotly.min.js")
    for part in _MATHJAX_PARTS:
        source, target = mathjax_source() / part, folder / "mathjax" / part
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for name, package, file in _FONTS:
        _write_font(_package(package) / "files" / f"{file}.ttf", folder / "fonts" / f"{name}.woff2")
    shutil.copy(_package("font_source_serif_pro") / "files" / "LICENSE.txt", folder / "fonts" / "LICENSE.txt")
    (folder / "flowexec-palette.js").write_text(palette, encoding="utf8")
    marker.write_text(current, encoding="utf8")  # last: an interrupted copy is begun again
    return folder


def _write_font(source: Path, target: Path) -> None:
    """A font with only the characters of `_CHARACTERS`, in the form browsers like best."""
    from fontTools import subset

    options = subset.Options(
        flavor="woff2", layout_features=["kern", "liga", "mark", "tnum", "sups"], notdef_outline=True
    )
    options.name_IDs = []  # the licence keeps the name for the unchanged fonts
    font = subset.load_font(str(source), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=subset.parse_unicodes(_CHARACTERS.replace("U+", "")))
    cutter.subset(font)
    subset.save_font(font, str(target), options)


def _package(name: str) -> Path:
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"The package {name} is missing; install flowexec[book].")
    return Path(next(iter(spec.submodule_search_locations)))
