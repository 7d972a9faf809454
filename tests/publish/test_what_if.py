"""What-if runs: what they write, what they refuse, and that the page stands alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from flowexec.publish.what_if import run_name
from tests.browser import figure_faults, opened


@pytest.fixture(scope="module")
def what_if(first_build: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run with three parameters changed, written to a folder of its own."""
    checkout, _ = first_build
    folder = tmp_path_factory.mktemp("runs")
    stamps = checkout.stamps()
    done = checkout.run(
        "run", "walk", "-p", "n_paths", "300", "-p", "sigma", "2", "-p", "shown", "[0, 4]", "-o", str(folder)
    )
    assert done.returncode == 0, done.stderr
    return {"said": done.stdout, "folder": folder, "untouched": checkout.stamps() == stamps}


def test_run_writes_a_notebook_and_a_page_and_leaves_the_book_alone(what_if: dict[str, Any]) -> None:
    names = sorted(p.name for p in what_if["folder"].iterdir())
    stem = "markets-walk__n_paths=300,sigma=2.0,shown=0-4"
    assert names == [f"{stem}.html", f"{stem}.ipynb"]
    assert all(str(what_if["folder"] / name) in what_if["said"] for name in names)
    assert what_if["untouched"]


def test_notebook_was_run_with_the_parameters(what_if: dict[str, Any]) -> None:
    notebook = json.loads(next(what_if["folder"].glob("*.ipynb")).read_text())
    injected = [c for c in notebook["cells"] if "injected-parameters" in c["metadata"].get("tags", [])]
    assert len(injected) == 1
    assert "sigma = 2.0" in "".join(injected[0]["source"])
    assert "theorem 4.00" in json.dumps(notebook["cells"])
    assert str(what_if["folder"]) not in json.dumps(
        notebook
    )  # nothing of this machine in what a reader may pass on


def test_page_loads_nothing(what_if: dict[str, Any]) -> None:
    page = BeautifulSoup(next(what_if["folder"].glob("*.html")).read_text(), "html.parser")
    for element in page.find_all(["script", "img", "link", "iframe", "source"]):
        address = element.get("src") or element.get("href") or "data:"
        assert address.startswith("data:"), element
    styles = "\n".join(style.get_text() for style in page.find_all("style"))
    loaded = [address.strip("\"' ") for address in re.findall(r"url\(([^)]*)", styles)]
    assert [address[:60] for address in loaded if not address.startswith(("data:", "#"))] == []
    assert "@import" not in styles
    for link in page.select("a[href]"):
        assert link["href"].startswith(("#", "https://", "mailto:"))


def test_page_reads_like_the_book(what_if: dict[str, Any]) -> None:
    page = BeautifulSoup(next(what_if["folder"].glob("*.html")).read_text(), "html.parser")
    text = page.find("article").get_text()
    assert page.find("h1").get_text().strip().startswith("1. A walk without drift")
    assert "Theorem 1.1" in text
    assert "Fig. 1.1" in text
    assert "Exercise 1.1" in text
    assert "Théorie de la spéculation" in text
    assert not re.search(r"```|\{glue|\{cite|\{prf|:tags:|\{math\}", text)
    changed = page.select_one(".what-if table").get_text(" ", strip=True)
    assert "sigma 0.95 2.0 volatility" in changed


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1300, False), (390, True)])
def test_page_opens_from_disk_with_the_network_off(
    what_if: dict[str, Any], chromium: Any, width: int, dark: bool
) -> None:
    url = next(what_if["folder"].glob("*.html")).as_uri()
    with opened(chromium, url, width=width, dark=dark) as watched:
        page = watched.page
        assert watched.faults == []
        assert figure_faults(page) == []
        assert page.evaluate("document.querySelectorAll('mjx-container svg').length") >= 8
        assert "\\(" not in page.inner_text("article")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wlak"], "There is no chapter `wlak`; did you mean `walk`?"),
        (["walk", "-p", "n_path", "3"], "markets/walk has no parameter `n_path`; did you mean `n_paths`?"),
        (["walk", "-p", "n_paths", "abc"], "`n_paths` must be a whole number, got 'abc'"),
        (["walk", "-p", "sigma", "nan"], "`sigma` must be a number, got 'nan' (it must be finite)"),
        (["walk", "-p", "band", "3"], "`band` must be true or false, got '3'"),
        (["walk", "-p", "shown", "[1, two]"], "`shown` must be a list of whole numbers"),
        (
            ["walk", "-f", "nowhere.yaml"],
            "Cannot read the parameter file nowhere.yaml: No such file or directory.",
        ),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(first_build: Any, words: list[str], said: str) -> None:
    checkout, _ = first_build
    done = checkout.run("run", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {said}")
    assert "Traceback" not in done.stderr
    assert not (checkout.root / "_build" / "runs").exists()
    if "-p" in words:
        assert "Parameters of markets/walk:" in done.stderr
        assert "n_steps  int        50         steps of the day" in done.stderr


def test_missing_value_is_refused(first_build: Any) -> None:
    done = first_build[0].run("run", "walk", "-p", "n_paths")
    assert done.returncode == 2
    assert "needs a name and a value" in done.stderr


def test_folder_that_cannot_be_written_to_is_refused_before_anything_runs(
    first_build: Any, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    done = first_build[0].run("run", "walk", "-p", "sigma", "2", "-o", str(tmp_path / "taken"))
    assert done.returncode == 2
    assert f"Cannot write to the folder {tmp_path / 'taken'}" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_parameters_from_a_file_and_the_command_line_wins(built: Any) -> None:
    (built.root / "mine.yaml").write_text("eta: 1e-6\nshares: 10\n")
    done = built.run("run", "costs", "-f", "mine.yaml", "-p", "shares", "2e3")
    assert done.returncode == 0, done.stderr
    made = built.root / "_build/runs/classical-costs__eta=1e-06,shares=2000"
    assert (
        "Selling at once costs 4."
        in BeautifulSoup(Path(f"{made}.html").read_text(), "html.parser").get_text()
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eta: [", "mine.yaml is not YAML"),
        ("- eta\n", "must hold one `name: value` a line"),
        ("1: 2\n", "must hold one"),
    ],
)
def test_file_that_is_no_table_of_parameters_is_refused(built: Any, text: str, said: str) -> None:
    (built.root / "mine.yaml").write_text(text)
    done = built.run("run", "costs", "-f", "mine.yaml")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_chapter_that_raises_leaves_only_the_notebook_that_says_why(built: Any) -> None:
    done = built.run("run", "walk", "-p", "n_paths", "-1")
    assert done.returncode == 1
    assert "markets/walk: code cell 3 of 6" in done.stderr
    assert "ValueError: negative dimensions are not allowed" in done.stderr
    assert "Traceback" not in done.stderr
    failed = built.root / "_build/runs/markets-walk__n_paths=-1-failed.ipynb"
    assert str(failed) in done.stderr
    assert [p.name for p in (built.root / "_build/runs").iterdir()] == [failed.name]
    assert "negative dimensions" in failed.read_text()


def test_names_of_runs_are_safe_and_distinct(first_build: Any) -> None:
    chapter = first_build[0].book.chapter("walk")
    assert run_name(chapter, {}) == "markets-walk__defaults"
    assert run_name(chapter, {"label": "../../etc x"}) == "markets-walk__label=.._.._etc_x"
    long = [run_name(chapter, {"shown": [*range(200), last]}) for last in (1, 2)]
    assert long[0] != long[1]
    assert all(len(name) < 200 for name in long)
