"""A league of strategies: all of them in all scenarios, on the same paths, with tests to be believed."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..checks import check_choice, check_count, check_kind, check_text
from ..execution.observation import Strategy
from ..execution.scenario import Scenario
from .blocks import BLOCK_PATHS
from .controls import Controls
from .league_entry import LeagueEntry, ScenarioResult
from .league_scenario import play_scenario
from .league_table import standings
from .league_tally import Rules
from .ranking import rank_agreement
from .records import decode, encode, numbers
from .table import Table

Maker: TypeAlias = Callable[[Scenario], Strategy]

SCHEMA, VERSION = "flowexec.league", 1
UNITS = ("bps", "currency")
MIN_PATHS = 100
"""Below, the 99 % quantile has no standard error."""


@dataclass(frozen=True)
class League:
    """What `league` found: plain numbers, each with its error, in the order in which all was given.

    Attributes
    ----------
    unit : {"bps", "currency"}
        Of costs; bps are of the arrival value.
    baseline : str
        The strategy that the others are compared with.
    optimum : str, optional
        The strategy that regret is measured to.
    seed : int
    scenarios : dict of ScenarioResult

    Notes
    -----
    As data (`to_dict`, `to_json`) it is {"schema": "flowexec.league", "version": 1} and the fields above, all
    the way down: an estimate is {"value": …, "standard_error": …}, and a number that is not finite is "inf",
    "-inf" or "nan". The version grows when a field changes its name or meaning.
    """

    unit: str
    baseline: str
    optimum: str | None
    seed: int
    scenarios: dict[str, ScenarioResult]

    def __post_init__(self) -> None:
        check_choice("unit", self.unit, UNITS)
        lists = {tuple(result.entries) for result in self.scenarios.values()}
        if len(lists) != 1:
            raise ValueError(
                "`scenarios` must hold at least one, and the same strategies in all, "
                f"got {len(lists)} lists of strategies"
            )
        check_choice("baseline", self.baseline, self.strategies)
        if self.optimum is not None:
            check_choice("optimum", self.optimum, self.strategies)

    @property
    def strategies(self) -> tuple[str, ...]:
        return tuple(next(iter(self.scenarios.values())).entries)

    @property
    def controls(self) -> dict[str, Controls]:
        """The experiments with a known answer, for each scenario."""
        return {name: result.controls for name, result in self.scenarios.items()}

    @property
    def rank_agreement(self) -> dict[str, dict[str, float]]:
        """Kendall's τ between the rankings of every two scenarios."""
        costs = {
            scenario: {name: float(entry.rank) for name, entry in result.entries.items()}
            for scenario, result in self.scenarios.items()
        }
        rows = rank_agreement(costs).tolist()
        return {name: dict(zip(costs, row, strict=True)) for name, row in zip(costs, rows, strict=True)}

    def entry(self, scenario: str, strategy: str) -> LeagueEntry:
        """One strategy in one scenario."""
        check_choice("scenario", scenario, tuple(self.scenarios))
        check_choice("strategy", strategy, self.strategies)
        return self.scenarios[scenario].entries[strategy]

    def table(self, scenario: str) -> Table:
        """The standings, the best first: objective E + λ · risk, its distances, their intervals and tests."""
        check_choice("scenario", scenario, tuple(self.scenarios))
        return standings(self.scenarios[scenario], self.unit, self.baseline, self.optimum)

    # As data -----------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, text and finite numbers."""
        return {"schema": SCHEMA, "version": VERSION, **encode(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> League:
        """The league again.

        Raises
        ------
        ValueError
            When `data` is no league of this version, or a field is missing, unknown or of the wrong kind.
        """
        if not isinstance(data, Mapping) or (data.get("schema"), data.get("version")) != (SCHEMA, VERSION):
            found = (data.get("schema"), data.get("version")) if isinstance(data, Mapping) else data
            raise ValueError(f"`data` must have schema {SCHEMA!r} of version {VERSION}, got {found!r:.80}")
        fields = {key: value for key, value in data.items() if key not in ("schema", "version")}
        return decode(cls, fields, "league")  # type: ignore[no-any-return]

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> League:
        """The league again, from `to_json`."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"`text` must be JSON: {error}") from error
        return cls.from_dict(data)

    def to_csv(self) -> str:
        """Every number in a row of its own: scenario, strategy, metric, value, standard error.

        A metric is a place in an entry, such as `comparison.controlled` or `running_cost.3`, steps counted
        from 1; what has no standard error leaves it empty.
        """
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("scenario", "strategy", "metric", "value", "standard_error"))
        for scenario, result in self.scenarios.items():
            for strategy, entry in result.entries.items():
                for metric, (value, error) in numbers(entry):
                    writer.writerow((scenario, strategy, metric, value, "" if math.isnan(error) else error))
        return file.getvalue()


def league(
    strategies: Mapping[str, Strategy | Maker],
    scenarios: Mapping[str, Scenario],
    *,
    n_paths: int,
    seed: int,
    baseline: str = "TWAP",
    optimum: str | None = "Optimum",
    unit: str = "bps",
    block_paths: int = BLOCK_PATHS,
    threads: int | None = None,
) -> League:
    """Every strategy in every scenario, on common random paths, against a baseline and against the optimum.

    Strategies are compared by their objective, E[cost] + λ E[risk], path by path: a difference of two costs
    on the same path, less the difference of their martingale parts (`Comparison.controlled`), has the same
    mean as the plain one and often a thousandth of its variance.

    Parameters
    ----------
    strategies : mapping of name to Strategy, or to a callable of a Scenario that returns one
        At least two. A callable is called once for each scenario, to calibrate: `solve_optimal`, or
        `lambda s: static_optimum(s).strategy`. Strategies are used by several threads at once.
    scenarios : mapping of name to Scenario
        One on an `OrderBookReplay` has its horizons for paths, each once and in the order of time, whatever
        `n_paths`; tests are then those of a series.
    n_paths : int
        At least 100. Means, their tests and the ratios of savings use all; what needs a distribution uses the
        first `KEPT_PATHS` = 131,072. Time is linear in the paths, memory all but constant.
    seed : int
    baseline : str
        Which strategy the others are compared with. Holm's correction is for all of them in one scenario.
    optimum : str, optional
        Which strategy regret is measured to; None if there is none.
    unit : {"bps", "currency"}
    block_paths, threads : int
        How it is computed; the result shows neither, not even in the last bit.

    Raises
    ------
    ValueError
        When an argument breaks its rule, or a strategy answers with NaN, a negative number or a wrong shape:
        the sentence names strategy and scenario.

    Notes
    -----
    Three controls run along (`League.controls`): the baseline against itself, shuffled labels, and TWAP where
    it cannot be beaten. Pinned by `tests/analytics/test_league.py` and `test_controls.py`.
    """
    for name, items in (("strategies", strategies), ("scenarios", scenarios)):
        if not isinstance(items, Mapping) or len(items) < (2 if name == "strategies" else 1):
            least = "at least two strategies" if name == "strategies" else "at least one scenario"
            raise ValueError(f"`{name}` must be a mapping of names to {least}, got {items!r:.80}")
        for key in items:
            check_text(name, key)
    for key, scenario in scenarios.items():
        check_kind(f"scenarios[{key!r}]", scenario, Scenario)
    check_count("n_paths", n_paths, at_least=MIN_PATHS)
    check_count("seed", seed, at_least=0)
    check_choice("baseline", baseline, tuple(strategies))
    if optimum is not None and optimum not in strategies:
        raise ValueError(
            f"`optimum` must be one of {', '.join(map(repr, strategies))}, or None where regret is not to be "
            f"measured, got {optimum!r}"
        )
    check_choice("unit", unit, UNITS)
    rules = Rules(baseline, optimum, unit, n_paths, seed, block_paths, threads)
    results = {}
    for key, scenario in scenarios.items():
        players = {name: _player(name, strategy, scenario, key) for name, strategy in strategies.items()}
        try:
            results[key] = play_scenario(players, scenario, rules)
        except ValueError as error:
            raise ValueError(f"in scenario {key!r}: {error}") from error
    return League(unit, baseline, optimum, seed, results)


def _player(name: str, strategy: Strategy | Maker, scenario: Scenario, key: str) -> Strategy:
    """The strategy, calibrated to the scenario where it asks for that."""
    if not isinstance(strategy, Strategy) and callable(strategy):
        try:
            strategy = strategy(scenario)
        except ValueError as error:
            raise ValueError(f"`strategies[{name!r}]` cannot be made for {key!r}: {error}") from error
    check_kind(f"strategies[{name!r}]", strategy, Strategy)
    return strategy
