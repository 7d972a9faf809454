"""What trading cost."""

from .evaluate import Summary, evaluate, summarise
from .shortfall import Shortfall, shortfall
from .statistics import Estimate, mean_estimate, sd_estimate, var_cvar
from .table import Table

__all__ = [
    "Estimate",
    "Shortfall",
    "Summary",
    "Table",
    "evaluate",
    "mean_estimate",
    "sd_estimate",
    "shortfall",
    "summarise",
    "var_cvar",
]
