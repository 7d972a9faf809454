"""What every chapter holds and what none may, read from the sources and the executed notebooks."""

from __future__ import annotations

import ast
import base64
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from flowexec.publish.build import executed_path
from flowexec.publish.chapters import Chapter
from tests.book.conftest import BOOK

CHAPTERS = [chapter for chapter in BOOK.chapters if "/" in chapter.name]  # the first page teaches nothing yet
EVERY = pytest.mark.parametrize("chapter", BOOK.chapters, ids=lambda c: c.name)
TAUGHT = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.name)
#: What a chapter may import: the package, arrays, figures, the glue between numbers and prose, and Python
#: itself.
IMPORTS = {"flowexec", "numpy", "scipy", "plotly", "torch", "myst_nb", "IPython"} | sys.stdlib_module_names


def source(chapter: Chapter) -> str:
    return chapter.source.read_text(encoding="utf8")


def code(chapter: Chapter) -> str:
    cells = [cell.source for cell in chapter.notebook.cells if cell.cell_type == "code"]
    return "\n".join(line for cell in cells for line in cell.splitlines() if not line.startswith(("%", "!")))


def executed(chapter: Chapter) -> dict[str, Any]:
    path = executed_path(BOOK, chapter)
    if not path.is_file():
        pytest.fail(f"{chapter.name} was never executed: run `make book` first")
    return json.loads(path.read_text(encoding="utf8"))


def outputs(chapter: Chapter) -> list[dict[str, Any]]:
    return [o for cell in executed(chapter)["cells"] if cell["cell_type"] == "code" for o in cell["outputs"]]


def figures(chapter: Chapter) -> list[dict[str, Any]]:
    found = [o.get("data", {}).get("application/vnd.plotly.v1+json") for o in outputs(chapter)]
    glued = [
        o.get("data", {}).get("application/papermill.record/application/vnd.plotly.v1+json")
        for o in outputs(chapter)
    ]
    return [figure for figure in (*found, *glued) if figure]


@EVERY
def test_chapter_defines_no_function_and_no_class(chapter: Chapter) -> None:
    made = [
        n
        for n in ast.walk(ast.parse(code(chapter)))
        if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    ]
    assert [node.name for node in made] == [], "it belongs into the package, with a test"


@EVERY
def test_chapter_imports_only_what_the_book_rests_on(chapter: Chapter) -> None:
    names = set()
    for node in ast.walk(ast.parse(code(chapter))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names - IMPORTS == set()
    assert "sys.path" not in code(chapter)


@EVERY
def test_every_parameter_has_a_type_and_a_comment(chapter: Chapter) -> None:
    cells = [c for c in chapter.notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(cells) == 1
    lines = ast.parse(cells[0].source).body
    assert all(isinstance(line, ast.AnnAssign) for line in lines), "write `name: type = value  # comment`"
    assert [p.name for p in chapter.parameters.values() if len(p.comment) < 4] == []
    assert len(chapter.parameters) == len(lines)
    for parameter in chapter.parameters.values():  # a reader can always put the default back
        assert parameter.coerce(parameter.default) == parameter.default


@TAUGHT
def test_three_to_five_exercises_each_with_a_solution(chapter: Chapter) -> None:
    exercises = re.findall(
        r"^[`:]{3,}\{exercise(?:-start)?\}[^\n]*\n(?:[^\n]*\n)*?:label: *(\S+)", source(chapter), re.M
    )
    solutions = re.findall(r"^[`:]{3,}\{solution(?:-start)?\} +(\S+)", source(chapter), re.M)
    assert 3 <= len(exercises) <= 5
    assert sorted(solutions) == sorted(exercises)
    assert source(chapter).count(":class: dropdown") >= len(solutions), "solutions are hidden until asked for"


@TAUGHT
def test_chapter_says_what_it_does_not_show_and_whom_it_follows(chapter: Chapter) -> None:
    assert re.search(
        r"^(## |[`:]{3,}\{admonition\} )What this (chapter )?does not show", source(chapter), re.M
    )
    assert re.search(r"^## References$", source(chapter), re.M)
    assert re.search(r"\{bibliography\}\n:filter: docname in docnames", source(chapter))
    assert re.search(r"\{prf:(theorem|proposition|lemma|corollary)\}", source(chapter)), (
        "a result with its proof"
    )
    assert "{prf:proof}" in source(chapter)


@EVERY
def test_every_glued_name_is_glued_and_used(chapter: Chapter) -> None:
    used = set(re.findall(r"\{glue:(?:text|math|md|)?\}`([^`:]+)", source(chapter)))
    used |= set(re.findall(r"\{glue(?::figure|:any)?\} *(\S+)\n", source(chapter)))
    glued = {
        o["metadata"]["scrapbook"]["name"] for o in outputs(chapter) if "scrapbook" in o.get("metadata", {})
    }
    assert used - glued == set(), "used in the prose, never computed"
    assert glued - used == set(), "computed for the prose, never used"


@EVERY
def test_every_figure_says_in_words_what_it_shows(chapter: Chapter) -> None:
    for figure in figures(chapter):
        alt = figure["layout"]["meta"]["alt"]
        assert len(alt.split()) >= 6, alt
        assert "$" not in json.dumps(figure["layout"].get("xaxis", {})) + json.dumps(
            figure["layout"].get("yaxis", {})
        )


@EVERY
def test_no_trace_is_heavier_than_two_thousand_points(chapter: Chapter) -> None:
    for figure in figures(chapter):
        for trace in figure["data"]:
            for axis in ("x", "y"):
                assert points(trace.get(axis)) <= 2000, (
                    f"{figure['layout']['meta']['alt']}: {trace.get('name')}"
                )


@EVERY
def test_chapter_warns_of_nothing(chapter: Chapter) -> None:
    assert [o["text"] for o in outputs(chapter) if o.get("name") == "stderr"] == []
    assert [o["ename"] for o in outputs(chapter) if o["output_type"] == "error"] == []


@EVERY
def test_chapter_can_be_referred_to_and_named(chapter: Chapter) -> None:
    assert re.search(r"^\([a-z-]+\)=\n# ", source(chapter), re.M), "a label above the title"
    assert chapter.title != chapter.name


def test_nothing_executed_or_built_is_committed() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=BOOK.root, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    tracked = done.stdout.split()
    assert [
        f
        for f in tracked
        if f.endswith((".ipynb", ".pyc", ".html")) and not f.startswith("flowexec/publish/")
    ] == []
    assert [f for f in tracked if f.startswith(("_build/", "data/", ".venv/"))] == []


def points(values: Any) -> int:
    """How many numbers an axis of a trace holds, as a list or in Plotly's binary form."""
    if isinstance(values, dict):
        width = int(values["dtype"][-1])
        return len(base64.b64decode(values["bdata"])) // width
    return len(values) if isinstance(values, list) else 0
