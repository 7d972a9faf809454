"""The standings of a scenario, as a table."""

from __future__ import annotations

from .league_entry import Comparison, ScenarioResult
from .table import Table


def standings(result: ScenarioResult, unit: str, baseline: str, optimum: str | None) -> Table:
    """Best first: mean cost, objective, its distance from the baseline with interval and test, regret.

    Pinned by `tests/analytics/test_league.py`.
    """
    columns = [
        f"{result.n_paths:,} paths",
        f"mean cost ({unit})",
        f"objective ({unit})",
        f"less {baseline}",
        "95 % interval",
        "p (Holm)",
        "win rate",
    ]
    rows = []
    for name in result.ranking:
        entry = result.entries[name]
        objective = entry.summary.controlled_objective
        row = [f"{entry.rank}. {name}", f"{entry.summary.controlled_mean:,.3f}", f"{objective:,.3f}"]
        row += ["", "", "", ""] if entry.comparison is None else _versus(entry.comparison)
        if optimum is not None:
            row.append("" if name == optimum else f"{entry.regret:+,.3f}")
        rows.append(tuple(row))
    if optimum is not None:
        columns.append(f"regret to {optimum}")
    return Table(tuple(columns), tuple(rows))


def _versus(comparison: Comparison) -> list[str]:
    low, high, _ = comparison.interval
    return [
        f"{comparison.controlled:+,.3f}",
        f"{low:+,.3f} to {high:+,.3f}".replace("-", "−"),
        "< 0.001" if comparison.p_holm < 0.001 else f"{comparison.p_holm:.3f}",
        f"{comparison.win_rate.value:.1%}",
    ]
