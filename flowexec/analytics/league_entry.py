"""What a league says of a strategy in a scenario: its cost, its distance from baseline and optimum."""

from __future__ import annotations

from dataclasses import dataclass

from .bootstrap import BootstrapInterval
from .controls import Controls
from .evaluate import Summary
from .inference import TestResult
from .statistics import Estimate


@dataclass(frozen=True)
class Comparison:
    """A strategy less the baseline, on the same paths: negative is cheaper, and better.

    Compared is the objective, cost + λ · risk, unless it says otherwise; what is called a saving is the
    baseline's cost less the strategy's, and positive is good.

    Attributes
    ----------
    difference : Estimate
        Mean difference as it is.
    controlled : Estimate
        The same less the martingale part: the one to report. It is `difference` where the market's drift is
        unknown (`ScenarioResult.control` "none").
    cost : Estimate
        Of the mean cost alone, controlled.
    martingale : Estimate
        Mean of the martingale part that `controlled` leaves out: 0, unless somebody knows the future.
    martingale_p : float
        p-value of its t test; NaN where nothing was left out.
    test : {"t", "Diebold–Mariano"}
        Of `controlled`, the second where the paths follow one another in time.
    statistic, p_value : float
        What it gave; two-sided.
    p_holm : float
        Adjusted for all comparisons of the scenario, one for each strategy but the baseline.
    interval : BootstrapInterval
        95 % of `controlled`: BCa over batches of paths, or by blocks in time.
    wilcoxon : TestResult
        Signed-rank test of `controlled` path by path, on the kept paths; its null is symmetry.
    wilcoxon_holm : float
        Adjusted like `p_holm`.
    variance_reduction : Estimate
        Var(difference)/Var(controlled) on the kept paths: so many times more paths the plain one would need.
    unpaired_error : float
        Standard error the difference would have between two independent samples.
    information_ratio, win_rate, total_gain_loss_ratio, gain_loss_ratio : Estimate
        Of the saving, see `SavingMetrics`.
    saving_var95 : Estimate
        Value at risk of the saving at 95 % on the kept paths, as a loss: in one order of twenty the strategy
        costs at least so much more than the baseline.
    """

    difference: Estimate
    controlled: Estimate
    cost: Estimate
    martingale: Estimate
    martingale_p: float
    test: str
    statistic: float
    p_value: float
    p_holm: float
    interval: BootstrapInterval
    wilcoxon: TestResult
    wilcoxon_holm: float
    variance_reduction: Estimate
    unpaired_error: float
    information_ratio: Estimate
    win_rate: Estimate
    total_gain_loss_ratio: Estimate
    gain_loss_ratio: Estimate
    saving_var95: Estimate

    @property
    def significant(self) -> bool:
        """Whether the objective differs from the baseline's at 5 %, Holm's correction made."""
        return self.p_holm < 0.05


@dataclass(frozen=True)
class LeagueEntry:
    """One strategy in one scenario; costs in the league's unit.

    Attributes
    ----------
    summary : Summary
        Means over all paths; standard deviation and quantiles over the kept ones. `slippage` is left out.
    variance : Estimate
        sd², in the unit squared.
    sharpe : Estimate
        E[r]/sd[r] of r = −cost/arrival value.
    running_cost : tuple of Estimate, one a step
        Mean cost so far: what was paid up to and with the step, and what is left marked to the mid of the
        next; the martingale part left out. The last is `summary.controlled_mean`.
    efficiency : tuple of Estimate, one a step
        Baseline's running cost + λ · risk so far, less the strategy's: by how much it is ahead. The last is
        −`comparison.controlled`.
    inventory : tuple of Estimate, one a step
        Mean share of the order that is left after the step.
    rank : int
        1 has the least `summary.controlled_objective`.
    rank_share : float
        Share of bootstrap resamples of the paths in which the strategy has this rank.
    pareto_layer : int
        1 if no strategy has both less mean cost and less risk; 2 if none has once layer 1 is gone; and so on.
    comparison : Comparison, optional
        With the baseline; None for itself.
    regret : Estimate, optional
        Objective less the optimum's on the same paths, controlled; None without an optimum.
    regret_interval : BootstrapInterval, optional
        Its 95 % interval, made as `Comparison.interval`.
    """

    summary: Summary
    variance: Estimate
    sharpe: Estimate
    running_cost: tuple[Estimate, ...]
    efficiency: tuple[Estimate, ...]
    inventory: tuple[Estimate, ...]
    rank: int
    rank_share: float
    pareto_layer: int
    comparison: Comparison | None
    regret: Estimate | None
    regret_interval: BootstrapInterval | None


@dataclass(frozen=True)
class ScenarioResult:
    """All strategies in one scenario.

    Attributes
    ----------
    entries : dict of LeagueEntry
    n_paths : int
        Behind means, their tests, and ratios of savings.
    n_kept : int
        Behind standard deviations, quantiles, the signed-rank test and the factor of variance reduction: the
        first `KEPT_PATHS` at most.
    serial : bool
        Whether the paths are the horizons of a recorded book in the order of time. Paired figures have then
        the errors of a series; those of unpaired means take the horizons for independent.
    control : {"martingale", "drift", "none"}
        What the controlled figures leave out: Σ x_{k+1} ΔS; the same around the known drift; nothing.
    risk_aversion : float
    arrival_value : float
        X S₀, currency.
    times : tuple of float
        End of each step, days since the order arrived.
    optimum_value, optimum_error : float, optional
        Value function of the optimum and its discretization error, in the league's unit, where it has them.
    controls : Controls
    """

    entries: dict[str, LeagueEntry]
    n_paths: int
    n_kept: int
    serial: bool
    control: str
    risk_aversion: float
    arrival_value: float
    times: tuple[float, ...]
    optimum_value: float | None
    optimum_error: float | None
    controls: Controls

    @property
    def ranking(self) -> tuple[str, ...]:
        """Names, the least controlled objective first."""
        return tuple(sorted(self.entries, key=lambda name: self.entries[name].rank))
