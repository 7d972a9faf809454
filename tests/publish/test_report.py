"""The report of a league: three whole files, and a page that stands alone."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from flowexec import POV, TWAP, Heston, Immediate, Order, PowerImpact, Scenario, VolumeCurve
from flowexec.analytics.league import League, league
from flowexec.publish.errors import PublishError
from flowexec.publish.report import league_page, write_league
from tests.browser import figure_faults, opened, started_chromium

SCENARIO = Scenario(
    Order("sell", 656_100, 1.0, 13),
    Heston(100.0, 2.5e-4, 5.0, 2.5e-4, 0.04, -0.5, spread=0.01, volume=VolumeCurve.u_shape(6.6e6)),
    PowerImpact.almgren_2005(price=100, volatility=0.0157, daily_volume=6.561e6, shares_outstanding=1.728e9),
    risk_aversion=1e-6,
)


@pytest.fixture(scope="module")
def answer() -> League:
    strategies = {"TWAP": TWAP(), "POV <12 %> & co": POV(0.12), "Immediate": Immediate()}
    scenarios = {"calm": SCENARIO, "careful": replace(SCENARIO, risk_aversion=4e-6)}
    return league(strategies, scenarios, n_paths=1000, seed=1, optimum="Immediate")


class Page(HTMLParser):
    """What a page asks for, and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.figures: list[Any] = []
        self.words: list[str] = []
        self._kind: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.asked += [f"{tag} {found[key]}" for key in ("src", "href", "srcset", "data") if found.get(key)]
        self._kind = found.get("type") or "" if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._kind = None

    def handle_data(self, data: str) -> None:
        if self._kind is None:
            self.words.append(data)
        elif self._kind == "application/json":
            self.figures.append(json.loads(data))


def test_three_files_that_say_the_same(answer: League, tmp_path: Path) -> None:
    files = write_league(answer, tmp_path / "deep" / "er")
    assert sorted(path.name for path in (tmp_path / "deep" / "er").iterdir()) == [
        "league.csv", "league.html", "league.json"
    ]  # fmt: skip
    assert League.from_json(files.json.read_text(encoding="utf8")).to_json() == answer.to_json()
    rows = list(csv.DictReader(files.csv.read_text(encoding="utf8").splitlines()))
    assert {row["strategy"] for row in rows} == set(answer.strategies)
    words = " ".join(Page(files.html.read_text(encoding="utf8")).words)
    for scenario in answer.scenarios:
        for row in answer.table(scenario).rows:
            for cell in row:
                assert cell.replace(" ± ", "\u00a0±\u00a0") in words


def test_the_page_asks_for_nothing(answer: League) -> None:
    text = league_page(answer)
    page = Page(text)
    assert page.asked == []
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.S))
    assert "url(" not in styles
    assert "@import" not in styles
    # the board of all scenarios; in each the components of the cost, and the cost as it is run up
    assert len(page.figures) == 1 + 2 * len(answer.scenarios)
    assert all(figure["data"] for figure in page.figures)
    assert "POV <12 %> & co" in "".join(page.words)  # names are text, whatever they hold
    assert "All controls hold." in text
    assert text == league_page(answer)


def test_a_control_that_fails_is_said_at_the_top(answer: League) -> None:
    calm = answer.scenarios["calm"]
    broken = replace(calm, controls=replace(calm.controls, self_difference=0.25))
    text = league_page(replace(answer, scenarios={"calm": broken}))
    assert "Controls that fail: calm: the baseline differs from itself by up to 0.25." in text
    assert "All controls hold." not in text


def test_without_an_optimum_there_is_no_regret(answer: League) -> None:
    text = league_page(League.from_dict({**answer.to_dict(), "optimum": None}))
    assert "regret to" not in text
    assert "regret to Immediate" in league_page(answer)


def test_nothing_is_written_unless_all_can_be(
    answer: League, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(league: League) -> str:
        raise RuntimeError("no page")

    with monkeypatch.context() as patch:
        patch.setattr("flowexec.publish.report.league_page", fail)
        with pytest.raises(RuntimeError):
            write_league(answer, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    files = write_league(answer, tmp_path)
    before = [path.read_bytes() for path in files]

    def interrupt(*names: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flowexec.publish.run.os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_league(replace(answer, seed=2), tmp_path)
    assert [path.read_bytes() for path in files] == before
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_is_none_is_refused(answer: League, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PublishError, match="Cannot write to the folder"):
        write_league(answer, tmp_path / "file" / "below")
    with pytest.raises(ValueError, match="`league` must be a League, got"):
        write_league("league", tmp_path)  # type: ignore[arg-type]


@pytest.mark.browser
def test_it_opens_from_a_disk_and_draws_by_itself(answer: League, tmp_path: Path) -> None:
    page = write_league(answer, tmp_path).html.as_uri()
    with started_chromium() as browser:
        colours = set()
        for width, dark in ((1300, False), (390, True)):
            with opened(browser, page, width=width, dark=dark) as watched:
                assert watched.faults == []
                assert figure_faults(watched.page) == []
                assert watched.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
                colours.add(
                    watched.page.evaluate(
                        "getComputedStyle(document.querySelector('.main-svg .annotation-text')).fill"
                    )
                )
        assert len(colours) == 2  # labels are dark on light and light on dark
