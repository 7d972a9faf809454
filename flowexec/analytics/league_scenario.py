"""One scenario of a league: who is better than whom, by how much, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..execution.observation import Strategy
from ..execution.scenario import Scenario
from ..market.replay import OrderBookReplay
from .bootstrap import BootstrapInterval, bca_interval, block_bootstrap_interval
from .controls import Controls, shuffled_labels, zero_alpha_control
from .evaluate import Summary
from .inference import diebold_mariano, holm, t_test, wilcoxon
from .league_entry import Comparison, LeagueEntry, ScenarioResult
from .league_play import difference
from .league_sums import BY_STEP, FIGURES
from .league_tally import Rules, Tally, tally
from .power import variance_ratio
from .ranking import pareto_layers, rank_stability
from .shortfall import BPS, COMPONENTS
from .statistics import Estimate, Moments, sd_estimate, var_cvar


def play_scenario(players: Mapping[str, Strategy], scenario: Scenario, rules: Rules) -> ScenarioResult:
    """All strategies in one scenario, compared and controlled."""
    judge = Judge(scenario, rules, tally(players, scenario, rules))
    zero_alpha, reason = zero_alpha_control(
        players,
        scenario,
        rules.n_paths,
        seed=rules.seed,
        block_paths=rules.block_paths,
        threads=rules.threads,
    )
    others = [name for name in players if name != rules.baseline]
    shuffled = shuffled_labels({name: judge.kept_difference(name) for name in others}, seed=rules.seed)
    solved = None if rules.optimum is None else players[rules.optimum]
    value, error = (judge.in_unit(getattr(solved, field, None)) for field in ("value", "error"))
    return ScenarioResult(
        entries=judge.entries(),
        n_paths=judge.n_paths,
        n_kept=judge.n_kept,
        serial=judge.serial,
        control=judge.tally.control,
        risk_aversion=scenario.risk_aversion,
        arrival_value=judge.tally.arrival_value,
        times=tuple(scenario.order.step_length * (k + 1) for k in range(scenario.order.n_steps)),
        optimum_value=value,
        optimum_error=error,
        controls=Controls(judge.tally.self_difference, shuffled, zero_alpha, reason),
    )


@dataclass(frozen=True, eq=False)
class Judge:
    """Turns the sums of a scenario into figures with errors."""

    scenario: Scenario
    rules: Rules
    tally: Tally

    @property
    def serial(self) -> bool:
        return isinstance(self.scenario.market, OrderBookReplay)

    @property
    def n_paths(self) -> int:
        return self.tally.sums[self.rules.baseline].rows.count

    @property
    def n_kept(self) -> int:
        return self.tally.costs[self.rules.baseline].total.size

    def in_unit(self, currency: object) -> float | None:
        """An amount of currency in the league's unit; None if it is no amount."""
        if not isinstance(currency, float):
            return None
        return currency * BPS / self.tally.arrival_value if self.rules.unit == "bps" else currency

    def entries(self) -> dict[str, LeagueEntry]:
        """An entry for each strategy, in the order given."""
        names = list(self.tally.sums)
        compared = {name: self.comparison(name) for name in names if name != self.rules.baseline}
        p_holm = holm({name: c.p_value for name, c in compared.items()})
        wilcoxon_holm = holm({name: c.wilcoxon.p_value for name, c in compared.items()})
        compared = {
            name: replace(c, p_holm=p_holm[name], wilcoxon_holm=wilcoxon_holm[name])
            for name, c in compared.items()
        }
        summaries = {name: self.summary(name) for name in names}
        # strategies that are the same up to rounding stand in the order given
        objective = {name: _rounded(s.controlled_objective.value) for name, s in summaries.items()}
        ranking = sorted(names, key=objective.__getitem__)
        stability = rank_stability(self.tally.batches, seed=self.rules.seed)
        layers = pareto_layers(
            {
                name: (_rounded(s.controlled_mean.value), _rounded(s.risk.value))
                for name, s in summaries.items()
            }
        )
        entries = {}
        for name in names:
            rank = ranking.index(name)
            running, inventory, efficiency = self.by_step(name)
            regret, regret_interval = self.regret(name)
            sd = summaries[name].sd
            entries[name] = LeagueEntry(
                summary=summaries[name],
                variance=Estimate(sd.value**2, 2.0 * sd.value * sd.standard_error),
                sharpe=self.tally.sums[name].reward.information_ratio,
                running_cost=running,
                efficiency=efficiency,
                inventory=inventory,
                rank=rank + 1,
                rank_share=float(stability.shares[stability.names.index(name), rank]),
                pareto_layer=next(i for i, layer in enumerate(layers, 1) if name in layer),
                comparison=compared.get(name),
                regret=regret,
                regret_interval=regret_interval,
            )
        return entries

    def summary(self, name: str) -> Summary:
        """Means over all paths, quantiles over the kept ones."""
        total, figures = self.tally.costs[name].total, self._figures(name)
        var95, cvar95 = var_cvar(total, 0.95)
        var99, cvar99 = var_cvar(total, 0.99)
        return Summary(
            unit=self.rules.unit,
            n_paths=self.n_paths,
            components={component: figures[component] for component in COMPONENTS},
            mean=figures["mean"],
            sd=sd_estimate(total),
            var95=var95,
            cvar95=cvar95,
            var99=var99,
            cvar99=cvar99,
            controlled_mean=figures["controlled_mean"],
            risk=figures["risk"],
            objective=figures["objective"],
            controlled_objective=figures["controlled_objective"],
            slippage={},
            completion=figures["completion"],
            participation=figures["participation"],
        )

    def by_step(self, name: str) -> tuple[tuple[Estimate, ...], ...]:
        """Running cost, inventory and efficiency after every step."""
        rows = self.tally.sums[name].rows.estimates[len(FIGURES) :]
        n_steps = len(rows) // len(BY_STEP)
        return tuple(tuple(rows[i * n_steps : (i + 1) * n_steps]) for i in range(len(BY_STEP)))

    def comparison(self, name: str) -> Comparison:
        """With the baseline; the corrections for many comparisons come later."""
        sums, base = self.tally.sums[name], self.tally.sums[self.rules.baseline]
        own, other = self.tally.costs[name], self.tally.costs[self.rules.baseline]
        figures = self._figures(name)
        kept = self.kept_difference(name)
        plain = self._difference(own.objective, other.objective)
        if self.serial:
            test = diebold_mariano(kept)
            figures |= {
                "controlled": _serial(kept),
                "difference": _serial(plain),
                "cost": _serial(self._difference(own.total, other.total)),
            }
        else:
            test = t_test(self._moments(name, "controlled"))
        silent = self.tally.control == "none"
        saving = sums.saving
        return Comparison(
            difference=figures["difference"],
            controlled=figures["controlled"],
            cost=figures["cost"],
            martingale=figures["martingale"],
            martingale_p=math.nan if silent else t_test(self._moments(name, "martingale")).p_value,
            test="Diebold–Mariano" if self.serial else "t",
            statistic=test.statistic,
            p_value=test.p_value,
            p_holm=math.nan,
            interval=self._interval(name, self.rules.baseline),
            wilcoxon=wilcoxon(kept),
            wilcoxon_holm=math.nan,
            variance_reduction=variance_ratio(plain, kept),
            unpaired_error=math.hypot(*(_error(s.rows.estimates) for s in (sums, base))),
            information_ratio=saving.information_ratio,
            win_rate=saving.win_rate,
            total_gain_loss_ratio=saving.total_gain_loss_ratio,
            gain_loss_ratio=saving.gain_loss_ratio,
            saving_var95=var_cvar(self._difference(own.total, other.total), 0.95)[0],
        )

    def regret(self, name: str) -> tuple[Estimate | None, BootstrapInterval | None]:
        """Controlled objective less the optimum's on the same paths."""
        if self.rules.optimum is None:
            return None, None
        regret = self._figures(name)["regret"]
        if self.serial:
            own, best = self.tally.costs[name], self.tally.costs[self.rules.optimum]
            regret = _serial(self._difference(own.controlled, best.controlled))
        return regret, self._interval(name, self.rules.optimum)

    def kept_difference(self, name: str) -> np.ndarray:
        """Controlled objective less the baseline's, path by path."""
        costs = self.tally.costs
        return self._difference(costs[name].controlled, costs[self.rules.baseline].controlled)

    def _interval(self, name: str, other: str) -> BootstrapInterval:
        batches = self._difference(self.tally.batches[name], self.tally.batches[other])
        bootstrap = block_bootstrap_interval if self.serial else bca_interval
        return bootstrap(batches, seed=self.rules.seed)

    def _difference(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        return difference(own, other, self.rules.unit, self.tally.arrival_value)

    def _figures(self, name: str) -> dict[str, Estimate]:
        return dict(zip(FIGURES, self.tally.sums[name].rows.estimates, strict=False))

    def _moments(self, name: str, figure: str) -> Moments:
        rows, i = self.tally.sums[name].rows, FIGURES.index(figure)
        return Moments(rows.count, float(rows.mean[i]), float(rows.squares[i]))


def _serial(series: np.ndarray) -> Estimate:
    """Mean of a series, with the error behind Diebold and Mariano's statistic."""
    mean, statistic = float(series.mean()), diebold_mariano(series).statistic
    return Estimate(mean, mean / statistic if statistic else 0.0)


def _error(estimates: list[Estimate]) -> float:
    return estimates[FIGURES.index("objective")].standard_error


def _rounded(value: float) -> float:
    """To twelve digits: what differs beyond is the same."""
    return float(f"{value:.12g}")
