"""A book of two short chapters, with a copy of the package that a test may change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowexec.publish.chapters import Book
from tests.browser import started_chromium

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Checkout:
    """A book in a folder of its own, and the `flowexec` command run there as a reader runs it."""

    root: Path

    @property
    def book(self) -> Book:
        return Book(self.root)  # anew at each use: a Book reads its sources once

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("FLOWEXEC_")}
        return {**kept, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "flowexec.cli", *words]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.root,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.root / path
        before = file.read_text(encoding="utf8")
        after = change(before)
        assert after != before, f"the edit of {path} changed nothing"
        file.write_text(after, encoding="utf8")

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Identity of every executed notebook: a notebook written again is another file."""
        folder = self.root / "_build" / "executed"
        return {
            path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in folder.rglob("*.ipynb")
        }


def make_checkout(root: Path) -> Checkout:
    shutil.copytree(Path(__file__).parent / "fixture_book", root)
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    shutil.copytree(ROOT / "flowexec", root / "flowexec", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    return Checkout(root)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """The book, never built."""
    return make_checkout(tmp_path / "checkout")


@pytest.fixture(scope="session")
def first_build(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Checkout, subprocess.CompletedProcess[str]]:
    """The book built once, and what the build said; not to be changed."""
    made = make_checkout(tmp_path_factory.mktemp("first") / "checkout")
    return made, made.run("build")


@pytest.fixture
def built(first_build: Any, tmp_path: Path) -> Checkout:
    """A copy of the built book, to be changed."""
    original, done = first_build
    assert done.returncode == 0, done.stderr
    shutil.copytree(original.root, tmp_path / "checkout")
    return Checkout(tmp_path / "checkout")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with started_chromium() as browser:
        yield browser
