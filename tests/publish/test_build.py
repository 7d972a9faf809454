"""The build, run as a reader runs it: once, again, interrupted, broken."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pytest
from bs4 import BeautifulSoup

WALK, COSTS = "book/markets/walk.md", "book/classical/costs.md"
#: Put into a chapter, this waits as long as a file stands beside the checkout.
HOLD = "\nimport pathlib, time\nwhile pathlib.Path('../../hold').exists():\n    time.sleep(0.05)\n"


def test_first_build_executes_every_chapter_and_says_so(first_build: Any) -> None:
    checkout, done = first_build
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[1/2] markets/walk  " in done.stdout
    assert "[2/2] classical/costs  " in done.stdout
    assert done.stdout.rstrip().endswith(str(checkout.root / "_build" / "html" / "index.html"))
    assert (checkout.root / "_build/html/book/markets/walk.html").is_file()
    assert "Executing notebook" not in (checkout.root / "_build/site.log").read_text()


def test_pages_say_how_long_the_chapters_took_and_with_what(first_build: Any) -> None:
    checkout, _ = first_build
    page = BeautifulSoup((checkout.root / "_build/html/book/intro.html").read_text(), "html.parser")
    rows = [[cell.get_text() for cell in row.select("td")] for row in page.select("article table tbody tr")]
    seconds = [
        json.loads(p.read_text())["seconds"] for p in (checkout.root / "_build/executed").rglob("*.json")
    ]
    assert [title for title, _ in rows] == ["A walk without drift", "What trading costs"]
    assert sorted(float(took) for _, took in rows) == sorted(round(s, 1) for s in seconds)
    assert f"papermill {version('papermill')}" in page.find("article").get_text()


def test_punctuation_stays_with_its_formula_and_ids_are_told_apart(first_build: Any) -> None:
    text = (first_build[0].root / "_build/html/book/markets/walk.html").read_text()
    assert (
        '<span class="nobreak"><span class="math notranslate nohighlight">\\(\\tau = T/N\\)</span>.</span>'
        in text
    )
    assert '<em class="proof-word">Proof.</em> The increments' in text
    assert 'rel="preload"' not in text
    ids = [element["id"] for element in BeautifulSoup(text, "html.parser").find_all(id=True)]
    assert len(set(ids)) == len(ids)
    assert any(name.startswith("proof-content") for name in ids)


def test_second_build_does_nothing(built: Any) -> None:
    site, executed = (built.root / "_build/html/index.html").stat().st_ino, built.stamps()
    done = built.run("build")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("up to date") == 3  # two chapters and the site
    assert built.stamps() == executed
    assert (built.root / "_build/html/index.html").stat().st_ino == site


def test_changed_prose_rebuilds_the_page_and_executes_nothing(built: Any) -> None:
    executed = built.stamps()
    built.edit(COSTS, lambda text: text.replace("Selling at once costs", "To sell at once costs"))
    done = built.run("build")
    assert done.returncode == 0, done.stderr
    assert built.stamps() == executed
    assert "To sell at once costs" in (built.root / "_build/html/book/classical/costs.html").read_text()


def test_changed_code_executes_that_chapter_only(built: Any) -> None:
    executed = built.stamps()
    built.edit(COSTS, lambda text: text.replace("cost = eta * shares**2", "cost = 2 * eta * shares**2"))
    done = built.run("build")
    assert done.returncode == 0, done.stderr
    again = built.stamps()
    assert again["markets/walk.ipynb"] == executed["markets/walk.ipynb"]
    assert again["classical/costs.ipynb"] != executed["classical/costs.ipynb"]
    assert "5,000,000" in (built.root / "_build/html/book/classical/costs.html").read_text()


def test_changed_module_executes_the_chapters_that_reach_it(built: Any) -> None:
    executed = built.stamps()
    built.edit("flowexec/figures/theme.py", lambda text: text.replace('"#0b62b8"', '"#0b62b9"'))
    done = built.run("build")
    assert done.returncode == 0, done.stderr
    again = built.stamps()
    assert again["markets/walk.ipynb"] != executed["markets/walk.ipynb"]
    assert again["classical/costs.ipynb"] == executed["classical/costs.ipynb"]
    assert "#0b62b9" in (built.root / "_build/html/book/markets/walk.html").read_text()


def test_named_chapters_are_forced_alone(built: Any) -> None:
    executed = built.stamps()
    done = built.run("build", "--force", "costs")
    assert done.returncode == 0, done.stderr
    again = built.stamps()
    assert again["markets/walk.ipynb"] == executed["markets/walk.ipynb"]
    assert again["classical/costs.ipynb"] != executed["classical/costs.ipynb"]


def test_failing_chapter_is_named_and_the_others_still_run(built: Any) -> None:
    before = (built.root / "_build/html/index.html").stat().st_ino
    built.edit(WALK, lambda text: text.replace("variance = walks", "walks[n_steps + 5]\nvariance = walks"))
    built.edit(COSTS, lambda text: text.replace("shares**2", "shares**2 + 1"))
    executed = built.stamps()
    done = built.run("build")
    assert done.returncode == 1
    assert "markets/walk: code cell 3 of 6" in done.stderr
    assert "IndexError: index 55 is out of bounds" in done.stderr
    assert "Traceback" not in done.stderr
    assert built.stamps()["classical/costs.ipynb"] != executed["classical/costs.ipynb"]
    failed = json.loads((built.root / "_build/failed/markets/walk.ipynb").read_text())
    assert any("IndexError" in str(cell.get("outputs")) for cell in failed["cells"])
    assert (built.root / "_build/html/index.html").stat().st_ino == before

    built.edit(WALK, lambda text: text.replace("walks[n_steps + 5]\n", ""))
    assert built.run("build").returncode == 0
    assert not (built.root / "_build/failed/markets/walk.ipynb").exists()


def test_figure_without_alternative_text_fails_the_chapter(built: Any) -> None:
    built.edit(
        WALK, lambda text: text.replace('    meta={"alt": "Single', '    meta={"alternative": "Single')
    )
    done = built.run("build")
    assert done.returncode == 1
    assert "markets/walk" in done.stderr
    assert "`layout.meta.alt` must say in a sentence what the figure shows" in done.stderr


def test_warning_of_the_site_fails_the_build_and_keeps_the_old_site(built: Any) -> None:
    before = (built.root / "_build/html/index.html").stat().st_ino
    built.edit(COSTS, lambda text: text.replace("{ref}`ch-walk`", "{ref}`ch-nowhere`"))
    done = built.run("build")
    assert done.returncode == 1
    assert "ch-nowhere" in done.stderr
    assert (built.root / "_build/html/index.html").stat().st_ino == before
    built.edit(COSTS, lambda text: text.replace("ch-nowhere", "ch-walk"))
    assert built.run("build").returncode == 0


def test_page_that_is_not_there_is_one_sentence(checkout: Any) -> None:
    (checkout.root / COSTS).unlink()
    done = checkout.run("build")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: _toc.yml names `book/classical/costs`")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_stopped_build_leaves_nothing_half_done_and_is_resumed(checkout: Any, how: int, code: int) -> None:
    hold = checkout.root / "hold"
    hold.touch()
    checkout.edit(COSTS, lambda text: text.replace("cost = eta", f"{HOLD}cost = eta"))
    build = checkout.start("build")
    executed = checkout.root / "_build/executed"
    wait_for(lambda: (executed / "markets/walk.json").is_file() and kernels_below(build.pid), build)
    kernels = kernels_below(build.pid)
    build.send_signal(how)
    said, _ = build.communicate(timeout=120)
    assert build.returncode == code, said
    wait_for(lambda: not any(k.is_running() and k.status() != psutil.STATUS_ZOMBIE for k in kernels))
    assert files_below(executed) == ["markets/walk.ipynb", "markets/walk.json"]
    assert not (checkout.root / "_build/html").exists()

    hold.unlink()
    stamp = checkout.stamps()["markets/walk.ipynb"]
    done = checkout.run("build")
    assert done.returncode == 0, done.stderr
    assert "[1/2] markets/walk  up to date" in done.stdout
    assert checkout.stamps()["markets/walk.ipynb"] == stamp
    assert not files_below(checkout.root / "_build/.work")
    assert (checkout.root / "_build/html/book/classical/costs.html").is_file()


def test_build_killed_while_sphinx_runs_is_resumed(built: Any) -> None:
    built.edit(COSTS, lambda text: text.replace("Selling", "To sell"))
    build = built.start("build")
    wait_for(lambda: any("jupyter-book" in " ".join(c.cmdline()) for c in children(build.pid)), build)
    site = children(build.pid)
    build.kill()
    build.communicate(timeout=120)
    for process in site:  # it has no terminal to die with, and would write into a folder that is gone
        process.kill()
    assert (built.root / "_build/html/index.html").is_file()
    assert "Selling at once" in (built.root / "_build/html/book/classical/costs.html").read_text()
    assert built.run("build").returncode == 0
    assert "To sell at once" in (built.root / "_build/html/book/classical/costs.html").read_text()


def test_record_that_was_cut_short_counts_as_none(built: Any) -> None:
    executed = built.stamps()
    (built.root / "_build/executed/classical/costs.json").write_text('{"digest": "12')
    assert built.run("build").returncode == 0
    assert built.stamps()["classical/costs.ipynb"] != executed["classical/costs.ipynb"]


def test_second_build_at_the_same_time_is_refused(checkout: Any) -> None:
    hold = checkout.root / "hold"
    hold.touch()
    checkout.edit(WALK, lambda text: text.replace("variance = walks", f"{HOLD}variance = walks"))
    first = checkout.start("build")
    wait_for(lambda: kernels_below(first.pid), first)
    second = checkout.run("build")
    hold.unlink()
    first.communicate(timeout=120)
    assert second.returncode == 2
    assert "Another build of this book is running" in second.stderr
    assert first.returncode == 0


def test_chapter_taken_out_of_the_book_takes_its_notebook_along(built: Any) -> None:
    built.edit("_toc.yml", lambda text: text[: text.index("- caption: Classical")])
    built.edit(
        "book/intro.md", lambda text: text.replace(" {ref}`ch-walk` comes before {ref}`ch-costs`.", "")
    )
    assert built.run("build").returncode == 0
    assert files_below(built.root / "_build/executed") == ["markets/walk.ipynb", "markets/walk.json"]


def wait_for(
    condition: Callable[[], Any], process: subprocess.Popen[str] | None = None, seconds: float = 60
) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the process ended early:\n{process.communicate()[0]}")
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.05)


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kernels_below(pid: int) -> list[psutil.Process]:
    found = []
    for process in children(pid):
        try:
            if "ipykernel_launcher" in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def files_below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
