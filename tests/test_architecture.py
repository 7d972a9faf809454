"""House rules a machine can hold: who imports whom, what importing costs, files that must agree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "flowexec"
#: Imports go down this list only: a folder may import those before it.
ORDER = ["checks", "market", "execution", "strategies", "analytics", "learning", "figures", "publish", "cli"]
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf8"))


def tracked(*patterns: str) -> list[Path]:
    """Committed files, or all there are where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.split("\n") if name and (path := ROOT / name).is_file()]


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports at any place, as `flowexec.market`."""
    home = ("flowexec", *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else ()
            found.add(".".join([*base, *([node.module] if node.module else [])]))
    return {name for name in found if name.split(".")[0] == "flowexec"}


@pytest.mark.parametrize(
    "path", [m for m in MODULES if m.parent != PACKAGE or m.stem in ORDER], ids=lambda p: p.stem
)
def test_imports_go_down_only(path: Path) -> None:
    place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = ORDER[: ORDER.index(place) + 1]
    for name in imported(path):
        parts = name.split(".")
        if len(parts) > 1:  # `from flowexec import __version__` names the root, which is below everything
            assert parts[1] in allowed, f"{place} may not import {name}"


def test_every_module_has_a_place_in_the_order() -> None:
    places = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert places <= set(ORDER)


def test_folders_hand_on_names_and_define_nothing() -> None:
    for init in PACKAGE.rglob("__init__.py"):
        for node in ast.parse(init.read_text(encoding="utf8")).body:
            made = node.targets[0] if isinstance(node, ast.Assign) else None
            named = isinstance(made, ast.Name) and made.id in {"__all__", "__version__"}
            words = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            assert named or words or isinstance(node, ast.Import | ast.ImportFrom), (
                f"{init}: line {node.lineno}"
            )


def test_no_module_is_called_utils_and_none_is_a_heap() -> None:
    assert [m.name for m in MODULES if m.stem in {"utils", "helpers", "misc", "common"}] == []
    long = {m.relative_to(ROOT).as_posix(): len(m.read_text(encoding="utf8").splitlines()) for m in MODULES}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import flowexec; took = time.perf_counter() - start\n"
        "print(f'{took:.2f}')\n"
        "heavy = ('torch', 'numba', 'plotly', 'scipy.stats', 'pandas', 'papermill')\n"
        "print(*[name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    took, heavy = done.stdout.split("\n")[:2]
    print(f"import flowexec: {took} s")
    assert heavy == ""


def test_no_global_randomness_and_no_swallowed_errors() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf8")
        assert not re.search(
            r"np\.random\.(seed|rand|randn|normal)\b|torch\.manual_seed|(?<!\.)\brandom\.seed", text
        ), path
        assert not re.search(r"except( Exception)?:\s*(pass)?\s*$", text, re.M), path
        asserts = [n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Assert)]
        assert asserts == [], f"{path}: an assert is no check of input"


def test_public_names_are_there_and_unique() -> None:
    import flowexec

    assert len(set(flowexec.__all__)) == len(flowexec.__all__)
    assert [name for name in flowexec.__all__ if not hasattr(flowexec, name)] == []


def test_tests_named_in_docstrings_exist() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    known = {path.name for path in files} | {path.relative_to(ROOT).as_posix() for path in files}
    named = [  # a bare name stands beside a full path
        (module.relative_to(PACKAGE).as_posix(), name.strip("`"))
        for module in MODULES
        for name in re.findall(r"`(?:tests/[\w/]+/)?test_\w+\.py`", module.read_text(encoding="utf8"))
    ]
    assert len(named) > 40
    assert [(module, name) for module, name in named if name not in known] == []


def test_environment_yml_agrees_with_pyproject() -> None:
    conda = [d for d in ENVIRONMENT["dependencies"] if isinstance(d, str)]
    (pip,) = [d["pip"] for d in ENVIRONMENT["dependencies"] if isinstance(d, dict)]
    assert conda == [f"python{PROJECT['requires-python']}", "pip"]
    assert pip == ["--constraint constraints.txt", "--editable .[book,test]"]
    for line in pip:  # what the two lines name is there
        for extra in re.findall(r"\[([^]]*)\]", line):
            assert set(extra.split(",")) <= set(PROJECT["optional-dependencies"])
    assert (ROOT / "constraints.txt").is_file()


def test_lock_pins_everything_that_is_asked_for() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines() if line]
    pins = [line for line in lines if not line.startswith("#")]
    assert lines[0].startswith("# Made by `make lock`")
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line)] == []
    locked = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in pins}
    assert "torch==2.13.0" in pins
    asked = [
        *PROJECT["dependencies"],
        *(d for extra in PROJECT["optional-dependencies"].values() for d in extra),
    ]
    names = {re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", d)[0]).lower() for d in asked} - {"flowexec"}
    assert names - locked == set()


def test_python_versions_are_said_the_same_everywhere() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf8"))
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    classified = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert tested == classified == ["3.11", "3.12", "3.13"]
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "Makefile").read_text(encoding="utf8")


def test_version_is_said_the_same_everywhere() -> None:
    import flowexec

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
    assert flowexec.__version__ == PROJECT["version"] == citation["version"]
    assert re.search(
        rf"^## {re.escape(PROJECT['version'])}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf8"), re.M
    )


def test_no_committed_file_names_a_machine() -> None:
    for path in tracked("*"):
        if path.suffix in {".zip", ".svg", ".woff2", ".png"} or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf8")
        found = re.search(r"(?<![\w.])/(work|root|home|tmp|opt|Users)/\w", text)
        assert found is None, f"{path.relative_to(ROOT)}: {text[found.start() - 30 : found.end() + 30]!r}"


def test_no_large_file_is_committed() -> None:
    assert [p.name for p in tracked("*") if p.stat().st_size > 700_000] == []
