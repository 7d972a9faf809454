"""A league as three files: JSON to read again, CSV for a spreadsheet, and a page that opens from a disk."""

from __future__ import annotations

import json
import math
import os
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, NamedTuple

from flowexec import __version__
from flowexec.analytics.controls import Controls
from flowexec.analytics.league import League
from flowexec.analytics.league_entry import ScenarioResult
from flowexec.analytics.statistics import Estimate
from flowexec.analytics.table import Table
from flowexec.checks import check_kind
from flowexec.publish.errors import PublishError
from flowexec.publish.run import write_atomically

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["LeagueFiles", "league_page", "write_league"]

CONTROL = {
    "martingale": "The mid has no drift: its moves are left out of the costs, which keeps their means.",
    "drift": "The drift is known: moves around it are left out of the costs, which keeps their means.",
    "none": "What the mid is expected to do is not known: nothing is left out of the costs.",
}


class LeagueFiles(NamedTuple):
    """What `write_league` wrote."""

    json: Path
    csv: Path
    html: Path


def write_league(league: League, folder: Path | str) -> LeagueFiles:
    """Write `league.json`, `league.csv` and `league.html` into `folder`, which is made if need be.

    All three are made before the first is written, and each is moved into place when it is whole: whatever
    stops it, no file is half written. The page holds its figures and all they need; it loads nothing.

    Parameters
    ----------
    league : League
    folder : Path or str

    Raises
    ------
    PublishError
        If `folder` cannot be written to.

    Notes
    -----
    Pinned by `tests/publish/test_report.py`.
    """
    check_kind("league", league, League)
    target = Path(folder)
    files = LeagueFiles(*(target / f"league.{ending}" for ending in LeagueFiles._fields))
    texts = (league.to_json(), league.to_csv(), league_page(league))
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise PublishError(f"Cannot write to the folder {target}: {reason.strerror}.") from None
    if not os.access(target, os.W_OK):
        raise PublishError(f"Cannot write to the folder {target}: no permission.")
    for path, text in zip(files, texts, strict=True):
        write_atomically(path, text)
    return files


def league_page(league: League) -> str:
    """The league as one HTML page: standings, figures, controls, and how to read them."""
    from plotly.offline import get_plotlyjs  # five megabytes of script; only a page needs it

    from flowexec.figures.league import league_board
    from flowexec.figures.theme import DARK

    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf8"))
    return template.substitute(
        title=f"A league of {len(league.strategies)} strategies",
        summary=_summary(league),
        board=_figure(league_board(league)),
        scenarios="\n".join(_scenario(league, name, result) for name, result in league.scenarios.items()),
        controls="\n".join(_controls(name, controls) for name, controls in league.controls.items()),
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        palette=json.dumps(DARK),
        version=__version__,
    )


def _summary(league: League) -> str:
    from flowexec.figures.wording import UNITS

    others = "" if league.optimum is None else f" and with {league.optimum}, the best there is"
    text = (
        f"All on the same random paths (seed {league.seed}), compared with {league.baseline}{others}. "
        f"Costs are in {UNITS[league.unit]}."
    )
    failures = [f"{name}: {failure}" for name, c in league.controls.items() for failure in c.failures]
    verdict = f"Controls that fail: {'; '.join(failures)}." if failures else "All controls hold."
    return f"<p>{escape(text)}</p>\n<p><strong>{escape(verdict)}</strong></p>"


def _scenario(league: League, name: str, result: ScenarioResult) -> str:
    from flowexec.figures.costs import cost_components
    from flowexec.figures.running import running_cost
    from flowexec.figures.wording import UNITS

    paths = "horizons in the order of time" if result.serial else "paths"
    text = f"{result.n_paths:,} {paths}; risk aversion {result.risk_aversion:.3g}. {CONTROL[result.control]}"
    if result.optimum_value is not None and result.optimum_error is not None:
        text += (
            f" The optimum expects an objective of {result.optimum_value:,.4f}, with a discretization error "
            f"of about {result.optimum_error:.2g}."
        )
    summaries = {strategy: entry.summary for strategy, entry in result.entries.items()}
    return "\n".join(
        (
            f"<h2>{escape(name)}</h2>\n<p>{escape(text)}</p>",
            _table(league.table(name)),
            "<h3>What the cost is made of</h3>",
            _figure(cost_components(summaries)),
            "<h3>When it is paid, and who is ahead</h3>",
            _figure(
                running_cost(
                    {strategy: entry.running_cost for strategy, entry in result.entries.items()},
                    unit=UNITS[league.unit],
                    efficiency={strategy: entry.efficiency for strategy, entry in result.entries.items()},
                    efficiency_title=f"Objective ahead of {league.baseline}",
                )
            ),
            "<h3>Beyond the mean</h3>",
            _table(_ratios(result)),
        )
    )


def _ratios(result: ScenarioResult) -> Table:
    """What desks quote besides the mean."""
    columns = ("", "CVaR 95 %", "Sharpe ratio", "IR", "VaR 95 % of savings", "TGLR", "GLR", "completed",
               "rank is kept", "Pareto layer")  # fmt: skip
    rows = []
    for name in result.ranking:
        entry = result.entries[name]
        versus = entry.comparison
        ratios = ("", "", "", "") if versus is None else (
            _ratio(versus.information_ratio),
            f"{versus.saving_var95:,.1f}",
            _ratio(versus.total_gain_loss_ratio),
            _ratio(versus.gain_loss_ratio),
        )  # fmt: skip
        own = (f"{entry.summary.cvar95:,.1f}", _ratio(entry.sharpe))
        rest = (f"{entry.summary.completion.value:.1%}", f"{entry.rank_share:.0%}", str(entry.pareto_layer))
        rows.append((name, *own, *ratios, *rest))
    return Table(columns, tuple(rows))


def _ratio(ratio: Estimate) -> str:
    """A ratio and its error; without one where it divides by nothing."""
    if math.isnan(ratio.value):
        return "–"
    return f"{ratio:.3f}" if math.isfinite(ratio.value) else "∞" if ratio.value > 0 else "−∞"


def _controls(name: str, controls: Controls) -> str:
    text = f"The baseline against itself, executed twice: largest difference {controls.self_difference:g}."
    if controls.zero_alpha_reason:
        text += f" Whether anybody beats TWAP without alpha is not asked: {controls.zero_alpha_reason}."
    rows = []
    for strategy in dict.fromkeys((*controls.zero_alpha, *controls.shuffled)):
        null, shuffled = controls.zero_alpha.get(strategy), controls.shuffled.get(strategy)
        cells = ("", "", "") if null is None else (
            f"{null.difference:+,.3f}", f"{null.p_holm:.3f}", f"{null.martingale_p:.3f}"
        )  # fmt: skip
        rows.append((strategy, *cells, "" if shuffled is None else f"{shuffled:.3f}"))
    columns = ("", "less TWAP without alpha, λ = 0 (bps)", "p below TWAP (Holm)", "p of foresight (Holm)",
               "p with shuffled labels")  # fmt: skip
    return f"<h3>{escape(name)}</h3>\n<p>{escape(text)}</p>\n{_table(Table(columns, tuple(rows)))}"


def _figure(figure: Figure) -> str:
    from flowexec.figures.theme import figure_html

    return figure_html(json.loads(figure.to_json()))


def _table(table: Table) -> str:
    return f'<div class="scroll">{table._repr_html_()}</div>'
