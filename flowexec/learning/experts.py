"""An ensemble of experts: the strategies of the book, each calibrated to one kind of market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..checks import check_flag, check_kind, check_real
from ..execution.observation import Strategy
from ..execution.scenario import Scenario
from ..strategies.almgren_chriss import AlmgrenChriss
from ..strategies.optimal import solve_optimal
from ..strategies.schedules import TWAP, VWAP
from ..strategies.static_optimum import static_optimum


def calibrated_experts(
    scenarios: Mapping[str, Scenario],
    *,
    adaptive: bool = True,
    risk_aversions: Sequence[float] = (1.0, 3.0),
) -> dict[str, Strategy]:
    """TWAP, VWAP, Almgren–Chriss, and the best schedule and the optimum of each of `scenarios`, by name.

    Parameters
    ----------
    scenarios : mapping of str to Scenario
        What the experts are calibrated to: one order, impact and risk aversion, several markets.
    adaptive : bool
        Whether the optima, which watch the variance, are among them. Without them the ensemble is one of
        plans; of equal plans the first is kept.
    risk_aversions : sequence of float
        Of `AlmgrenChriss`, in units of that of the scenarios.

    Raises
    ------
    ValueError
        When the scenarios differ in more than their markets, or one of the solvers refuses one.

    Notes
    -----
    Pinned by `tests/learning/test_experts.py`.
    """
    check_flag("adaptive", adaptive)
    if not isinstance(scenarios, Mapping) or not scenarios:
        raise ValueError(f"`scenarios` must map names to scenarios, at least one, got {scenarios!r}")
    for name, scenario in scenarios.items():
        check_kind(f"scenarios[{name!r}]", scenario, Scenario)
    first = next(iter(scenarios.values()))
    for name, scenario in scenarios.items():
        if replace(scenario, market=first.market) != first:
            raise ValueError(
                f"`scenarios` must differ in their markets alone, got another order, impact or risk aversion "
                f"in {name!r}"
            )
    for factor in risk_aversions:
        check_real("risk_aversions", factor, above=0)
    plans: dict[str, Strategy] = {"TWAP": TWAP(), "VWAP": VWAP()}
    plans |= {f"Almgren–Chriss ×{f:g}": AlmgrenChriss(f * first.risk_aversion) for f in risk_aversions}
    plans |= {f"Static {name}": static_optimum(scenario).strategy for name, scenario in scenarios.items()}
    experts: dict[str, Strategy] = {}
    for name, plan in plans.items():
        if plan not in experts.values():
            experts[name] = plan
    if adaptive:
        experts |= {f"Optimum {name}": solve_optimal(scenario) for name, scenario in scenarios.items()}
    return experts
