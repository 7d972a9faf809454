"""How to trade, in closed form."""

from .almgren_chriss import AlmgrenChriss, efficient_frontier
from .schedules import POV, TWAP, VWAP, Immediate, Schedule
from .static import Almgren2003, StaticPlan, solve_static, static_plan

__all__ = [
    "POV",
    "TWAP",
    "VWAP",
    "Almgren2003",
    "AlmgrenChriss",
    "Immediate",
    "Schedule",
    "StaticPlan",
    "efficient_frontier",
    "solve_static",
    "static_plan",
]
