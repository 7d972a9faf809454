"""How to trade, in closed form."""

from .almgren_2003 import Almgren2003
from .almgren_chriss import AlmgrenChriss, efficient_frontier
from .clock import clock_penalty
from .convex import solve_static
from .expected_cost import decay_matrix, displacement_path, scale_to_cost, schedule_cost
from .limit_price import LimitPrice
from .obizhaeva_wang import ObizhaevaWang, obizhaeva_wang_limit
from .price_adaptive import AggressiveInTheMoney
from .recorded import Recorded, peeking
from .round_trip import (
    best_two_speed_round_trip,
    execute_signed,
    two_speed_cost,
    two_speed_round_trip,
    worst_round_trip,
)
from .schedules import POV, TWAP, VWAP, Immediate, Schedule
from .static import StaticPlan, static_plan
from .transient import solve_transient

__all__ = [
    "POV",
    "TWAP",
    "VWAP",
    "AggressiveInTheMoney",
    "Almgren2003",
    "AlmgrenChriss",
    "Immediate",
    "LimitPrice",
    "ObizhaevaWang",
    "Recorded",
    "Schedule",
    "StaticPlan",
    "best_two_speed_round_trip",
    "clock_penalty",
    "decay_matrix",
    "displacement_path",
    "efficient_frontier",
    "execute_signed",
    "obizhaeva_wang_limit",
    "peeking",
    "scale_to_cost",
    "schedule_cost",
    "solve_static",
    "solve_transient",
    "static_plan",
    "two_speed_cost",
    "two_speed_round_trip",
    "worst_round_trip",
]
