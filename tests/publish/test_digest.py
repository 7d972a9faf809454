"""What makes a chapter run again, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowexec.publish.digest import chapter_digest, package_modules

FILES = {
    "__init__.py": '"""Package."""\nfrom .market import Heston\nfrom .costs import cost\n__all__ = []\n',
    "costs.py": "def cost():\n    from .tools import deep\n    return deep\n",
    "tools.py": "deep = 1\n",
    "market/__init__.py": "from .heston import Heston\nfrom .other import Other\n",
    "market/heston.py": "from ..checks import check\nclass Heston: ...\n",
    "market/other.py": "class Other: ...\n",
    "checks.py": "import math\ndef check(): ...\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "flowexec" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "flowexec"


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        ("import numpy as np", []),
        (
            "from flowexec import Heston",
            ["__init__.py", "checks.py", "market/__init__.py", "market/heston.py"],
        ),
        ("from flowexec.market import Other", ["market/__init__.py", "market/other.py"]),
        ("from flowexec.market.other import Other", ["market/other.py"]),
        ("import flowexec.market.other", ["market/other.py"]),
        ("from flowexec import market", ["__init__.py", "market/__init__.py"]),
        ("import flowexec as fx\nfx.cost()", ["__init__.py", "costs.py", "tools.py"]),
        ("%matplotlib inline\nfrom flowexec import cost", ["__init__.py", "costs.py", "tools.py"]),
        (
            "from flowexec.market import *",
            ["checks.py", "market/__init__.py", "market/heston.py", "market/other.py"],
        ),
        ("def f():\n    from flowexec.tools import deep", ["tools.py"]),
    ],
)
def test_modules_a_chapter_reaches(package: Path, code: str, reached: list[str]) -> None:
    assert [p.relative_to(package).as_posix() for p in package_modules(package, code)] == reached


def test_what_changes_the_digest_and_what_does_not(
    checkout: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOWEXEC_LOBSTER", raising=False)

    def digest() -> str:
        return chapter_digest(checkout.book, checkout.book.chapter("walk"))

    walk, last = "book/markets/walk.md", digest()
    for path, change, changes in [
        (walk, lambda t: t.replace("Real prices jump", "Prices jump"), False),  # prose
        ("book/classical/costs.md", lambda t: t.replace("shares**2", "shares**3"), False),  # another chapter
        ("flowexec/market/paths.py", lambda t: t + "\n# a word\n", False),  # a module it does not reach
        ("flowexec/__init__.py", lambda t: t + "\nMORE = 1\n", False),
        (walk, lambda t: t.replace("n_paths: int = 2000", "n_paths: int = 2001"), True),  # a parameter
        (walk, lambda t: t.replace("walks[-1].var(ddof=1)", "walks[-1].var()"), True),  # code
        (walk, lambda t: t.replace(":tags: [nbval-check-output]", ":tags: [hide-output]"), True),
        ("flowexec/figures/theme.py", lambda t: t + "\n# a word\n", True),  # a module it imports
        ("constraints.txt", lambda t: t + "another==1.0\n", True),  # the lock
        (
            walk,
            lambda t: t.replace("rng = np", "import os; os.environ.get('FLOWEXEC_LOBSTER')\nrng = np"),
            True,
        ),
    ]:
        checkout.edit(path, change)
        assert (digest() != last) == changes, path
        last = digest()

    data = tmp_path / "lobster"
    data.mkdir()
    (data / "book.csv").write_text("1,2\n")
    monkeypatch.setenv("FLOWEXEC_LOBSTER", str(data))
    with_data = digest()
    assert with_data != last
    (data / "book.csv").write_text("1,3\n")
    assert digest() != with_data
    monkeypatch.delenv("FLOWEXEC_LOBSTER")
    assert digest() == last
    (checkout.root / "data" / "lobster").mkdir(
        parents=True
    )  # where the data is looked for without the variable
    (checkout.root / "data" / "lobster" / "book.csv").write_text("1,2\n")
    assert digest() == with_data
