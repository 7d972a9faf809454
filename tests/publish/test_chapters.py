"""Chapters as programs: names, parameters, and the sentences that refuse a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowexec.publish.chapters import Book, Chapter, find_book
from flowexec.publish.errors import PublishError
from flowexec.publish.parameters import Parameter

FIXTURE = Path(__file__).parent / "fixture_book"


@pytest.fixture
def book() -> Book:
    return Book(FIXTURE)


def write_chapter(folder: Path, cell: str, *, cells: int = 1) -> Chapter:
    source = folder / "chapter.md"
    code = f"```{{code-cell}} ipython3\n:tags: [parameters]\n\n{cell}\n```\n" * cells
    source.write_text(
        f"---\nkernelspec:\n  display_name: Python 3\n  name: python3\n---\n\n# A chapter\n\n{code}"
    )
    return Chapter("chapter", "book/chapter", source)


def test_chapters_are_the_notebooks_of_the_table_of_contents_in_order(book: Book) -> None:
    assert [c.name for c in book.chapters] == ["markets/walk", "classical/costs"]
    assert book.docnames == ("book/intro", "book/markets/walk", "book/classical/costs")
    assert book.chapters[0].title == "A walk without drift"


def test_parameters_carry_type_default_and_comment(book: Book) -> None:
    parameters = book.chapter("walk").parameters
    assert list(parameters) == ["sigma", "n_paths", "n_steps", "shown", "label", "band", "seed"]
    assert parameters["sigma"] == Parameter(
        "sigma", "float", 0.95, "volatility, currency per share and root day"
    )
    assert parameters["shown"] == Parameter("shown", "list[int]", [0, 1, 2], "paths drawn")
    assert parameters["band"].default is True
    assert book.chapter("costs").parameters["shares"].default == 1_000_000


def test_parameters_are_those_papermill_reports(book: Book, tmp_path: Path) -> None:
    import jupytext
    import papermill

    path = tmp_path / "walk.ipynb"
    jupytext.write(jupytext.read(FIXTURE / "book/markets/walk.md"), path)
    reported = papermill.inspect_notebook(path)
    ours = book.chapter("walk").parameters
    assert list(reported) == list(ours)
    assert {n: (p["inferred_type_name"], p["help"]) for n, p in reported.items()} == {
        n: (p.type, p.comment) for n, p in ours.items()
    }


@pytest.mark.parametrize(
    "name", ["markets/walk", "walk", "book/markets/walk", "book/markets/walk.md", "markets/walk/"]
)
def test_chapter_is_found_by_full_or_last_name(book: Book, name: str) -> None:
    assert book.chapter(name).name == "markets/walk"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wlak", "did you mean `walk`?"),
        ("market/walks", "did you mean `markets/walk`?"),
        ("intro", "There is no chapter `intro`"),
        ("zzz", "There is no chapter `zzz`.\nChapters: markets/walk, classical/costs."),
        ("", "There is no chapter ``"),
    ],
)
def test_unknown_chapter_is_refused_with_names_that_come_close(book: Book, name: str, said: str) -> None:
    with pytest.raises(PublishError) as error:
        book.chapter(name)
    assert said in str(error.value)
    assert "Chapters: markets/walk, classical/costs." in str(error.value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", "500", 500),
        ("int", "1_000", 1000),
        ("int", "-3", -3),
        ("int", "1e5", 100_000),
        ("int", 2.0, 2),
        ("float", "2", 2.0),
        ("float", 2, 2.0),
        ("float", "1e-6", 1e-6),
        ("float", "-.5", -0.5),
        ("bool", "no", False),
        ("bool", "True", True),
        ("bool", False, False),
        ("str", "12", "12"),
        ("str", "", ""),
        ("list[int]", "[1, 2]", [1, 2]),
        ("list[int]", "1,2", [1, 2]),
        ("list[float]", [1, "1e-6"], [1.0, 1e-6]),
        ("list[str]", "a, b", ["a", "b"]),
        ("list", "[1, x]", [1, "x"]),
        ("tuple[float, float]", "(0.1, 0.2)", (0.1, 0.2)),
        ("Optional[int]", "none", None),
        ("Optional[int]", "4", 4),
    ],
)
def test_values_of_the_type_are_accepted(kind: str, value: Any, expected: Any) -> None:
    got = Parameter("x", kind, None, "").coerce(value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("float", "abc", "`x` must be a number, got 'abc'"),
        ("float", "nan", "`x` must be a number, got 'nan' (it must be finite)"),
        ("float", "-inf", "must be finite"),
        ("float", float("nan"), "must be finite"),
        ("float", True, "`x` must be a number, got True"),
        ("float", [1.0], "`x` must be a number"),
        ("float", None, "`x` must be a number"),
        ("float", "", "`x` must be a number, got ''"),
        ("int", "1.5", "`x` must be a whole number, got '1.5'"),
        ("int", 0.5, "`x` must be a whole number, got 0.5"),
        ("int", "1e999", "must be finite"),
        ("bool", "1", "`x` must be true or false, got '1'"),
        ("bool", 1, "`x` must be true or false, got 1"),
        ("str", 3, "`x` must be text, got 3"),
        ("list[int]", "[1, x]", "`x` must be a list of whole numbers, like [1, 2], got '[1, x]'"),
        ("list[float]", "[1, .nan]", "must be finite"),
        ("list[int]", "[1", "`x` must be a list of whole numbers"),
        ("list[int]", 3, "`x` must be a list of whole numbers"),
        ("tuple[float, float]", "(1, 2, 3)", "must hold 2 values"),
        ("dict", "{a: 1}", "`x` must be a dict, got '{a: 1}' (its type `dict` cannot be set from outside)"),
    ],
)
def test_values_of_another_type_are_refused(kind: str, value: Any, said: str) -> None:
    with pytest.raises(PublishError) as error:
        Parameter("x", kind, None, "").coerce(value)
    assert said in str(error.value)


def test_unknown_parameter_is_refused_with_the_list(book: Book) -> None:
    with pytest.raises(PublishError) as error:
        book.chapter("walk").check_parameters({"n_path": "10"})
    assert "markets/walk has no parameter `n_path`; did you mean `n_paths`?" in str(error.value)
    assert "n_steps  int        50" in str(error.value)
    assert "volatility, currency per share and root day" in str(error.value)


def test_two_parameter_cells_are_a_defect_of_the_chapter(tmp_path: Path) -> None:
    chapter = write_chapter(tmp_path, "a: int = 1  # one", cells=2)
    with pytest.raises(PublishError, match="chapter has 2 cells tagged `parameters`"):
        _ = chapter.parameters


@pytest.mark.parametrize(
    "line", ["beta: float = 0.6  # beta = 1 is linear", "a: int | None = 3  # a union", "a = b = 2"]
)
def test_parameter_that_papermill_would_drop_is_a_defect_of_the_chapter(tmp_path: Path, line: str) -> None:
    chapter = write_chapter(tmp_path, f"{line}\nseed: int = 1  # seed")
    with pytest.raises(PublishError, match="papermill cannot read the parameter"):
        _ = chapter.parameters


def test_default_that_is_computed_is_a_defect_of_the_chapter(tmp_path: Path) -> None:
    chapter = write_chapter(tmp_path, "a: float = 2 ** 0.5  # root")
    with pytest.raises(PublishError, match=r"the default of `a`, 2 \*\* 0.5, must be a plain value"):
        _ = chapter.parameters


def test_book_is_found_from_below_and_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_toc.yml").touch()
    (tmp_path / "_config.yml").touch()
    (tmp_path / "deep" / "down").mkdir(parents=True)
    assert find_book(tmp_path / "deep" / "down").root == tmp_path.resolve()
    elsewhere = tmp_path.parent
    monkeypatch.chdir(elsewhere)
    assert (find_book().root / "flowexec" / "publish").is_dir()  # the checkout the package is installed from
