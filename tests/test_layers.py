"""What may import what, what `import flowexec` costs, and that the tests named in docstrings exist."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import flowexec

PACKAGE = Path(flowexec.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# each folder may import from those before it; `checks` may be imported by all, and hands nothing on
LAYERS = ["checks", "market", "execution", "strategies", "analytics", "figures", "publish", "cli"]
HEAVY = ["torch", "numba", "plotly", "pandas", "scipy", "matplotlib", "papermill", "typer", "IPython"]


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    """The folders of the package that a module imports from, anywhere in it, also inside functions."""
    here = ("flowexec", *path.relative_to(PACKAGE).with_suffix("").parts)
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if node.level else ()
            base = (*base, *(node.module.split(".") if node.module else ()))
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        found |= {name[1] for name in names if name[0] == "flowexec" and len(name) > 1}
    return found


@pytest.mark.parametrize(
    "path", [p for p in MODULES if layer(p) in LAYERS], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_go_down_only(path):
    below = LAYERS[: LAYERS.index(layer(path)) + 1]
    assert imported_layers(path) & set(LAYERS) <= set(below)


def test_every_module_has_a_layer():
    assert {layer(p) for p in MODULES} == {*LAYERS, "__init__"}


def test_the_reader_of_imports_reads():
    assert {"market", "execution", "checks"} <= imported_layers(PACKAGE / "strategies" / "almgren_chriss.py")
    assert imported_layers(PACKAGE / "checks.py") == set()


def test_importing_flowexec_imports_nothing_heavy():
    code = f"import sys, flowexec; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_there_and_unique():
    assert len(set(flowexec.__all__)) == len(flowexec.__all__)
    for name in flowexec.__all__:
        assert hasattr(flowexec, name), name


def named_tests() -> list[tuple[str, str]]:
    """Every (module, test file) that a docstring names; a bare name stands beside a full path."""
    pairs = []
    for path in MODULES:
        text = path.read_text()
        names = re.findall(r"`(?:tests/[\w/]+/)?test_\w+\.py`", text)
        pairs += [(str(path.relative_to(PACKAGE)), name.strip("`")) for name in names]
    return pairs


def test_tests_named_in_docstrings_exist():
    files = list(TESTS.rglob("test_*.py"))
    known = {p.name for p in files} | {f"tests/{p.relative_to(TESTS)}" for p in files}
    pairs = named_tests()
    assert len(pairs) > 40
    assert [pair for pair in pairs if pair[1] not in known] == []
