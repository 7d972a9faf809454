"""What trading cost."""

from .bootstrap import BootstrapInterval, batch_means, bca_interval, block_bootstrap_interval, block_length
from .compare import PairedDifference, compare, paired_difference
from .controls import Controls
from .dependence import autocorrelation, batch_estimate
from .evaluate import Summary, evaluate, summarise
from .inference import TestResult, diebold_mariano, holm, t_test, wilcoxon
from .league import League, league
from .league_entry import Comparison, LeagueEntry, ScenarioResult
from .metrics import SavingMetrics, SavingSummary, evaluate_saving, sharpe_ratio
from .power import coverage, observations_needed, power_of_test, proportion, variance_ratio
from .ranking import RankStability, pareto_layers, rank_agreement, rank_stability
from .samples import CostSample, cost_sample
from .shortfall import Shortfall, shortfall
from .statistics import Estimate, mean_estimate, sd_estimate, var_cvar
from .stylized_facts import stylized_facts
from .table import Table

__all__ = [
    "BootstrapInterval",
    "Comparison",
    "Controls",
    "CostSample",
    "Estimate",
    "League",
    "LeagueEntry",
    "PairedDifference",
    "RankStability",
    "SavingMetrics",
    "SavingSummary",
    "ScenarioResult",
    "Shortfall",
    "Summary",
    "Table",
    "TestResult",
    "autocorrelation",
    "batch_estimate",
    "batch_means",
    "bca_interval",
    "block_bootstrap_interval",
    "block_length",
    "compare",
    "cost_sample",
    "coverage",
    "diebold_mariano",
    "evaluate",
    "evaluate_saving",
    "holm",
    "league",
    "mean_estimate",
    "observations_needed",
    "paired_difference",
    "pareto_layers",
    "power_of_test",
    "proportion",
    "rank_agreement",
    "rank_stability",
    "sd_estimate",
    "sharpe_ratio",
    "shortfall",
    "stylized_facts",
    "summarise",
    "t_test",
    "var_cvar",
    "variance_ratio",
    "wilcoxon",
]
