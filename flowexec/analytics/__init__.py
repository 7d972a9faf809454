"""What trading cost."""

from .compare import PairedDifference, compare, paired_difference
from .dependence import autocorrelation, batch_estimate
from .evaluate import Summary, evaluate, summarise
from .power import coverage, observations_needed, power_of_test, variance_ratio
from .samples import CostSample, cost_sample
from .shortfall import Shortfall, shortfall
from .statistics import Estimate, mean_estimate, sd_estimate, var_cvar
from .stylized_facts import stylized_facts
from .table import Table

__all__ = [
    "CostSample",
    "Estimate",
    "PairedDifference",
    "Shortfall",
    "Summary",
    "Table",
    "autocorrelation",
    "batch_estimate",
    "compare",
    "cost_sample",
    "coverage",
    "evaluate",
    "mean_estimate",
    "observations_needed",
    "paired_difference",
    "power_of_test",
    "sd_estimate",
    "shortfall",
    "stylized_facts",
    "summarise",
    "var_cvar",
    "variance_ratio",
]
