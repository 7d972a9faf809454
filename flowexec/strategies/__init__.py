"""How to trade, in closed form."""

from .almgren_2003 import Almgren2003
from .almgren_chriss import AlmgrenChriss, efficient_frontier
from .cartea_jaimungal import CarteaJaimungal
from .clock import clock_penalty
from .convex import solve_static
from .expected_cost import decay_matrix, displacement_path, scale_to_cost, schedule_cost
from .gatheral_schied import GatheralSchied
from .heston_riccati import HestonRiccati, solve_riccati
from .limit_price import LimitPrice
from .obizhaeva_wang import ObizhaevaWang, obizhaeva_wang_limit
from .optimal import Grid, solve_optimal
from .optimal_control import OptimalControl
from .price_adaptive import AggressiveInTheMoney
from .recorded import Recorded, peeking
from .round_lots import RoundLots
from .round_trip import (
    best_two_speed_round_trip,
    execute_signed,
    two_speed_cost,
    two_speed_round_trip,
    worst_round_trip,
)
from .schedules import POV, TWAP, VWAP, Immediate, Schedule
from .static import StaticPlan, static_plan
from .static_optimum import static_optimum
from .transient import one_sided_trades, solve_transient
from .worth import Worth, worth_of_adapting

__all__ = [
    "POV",
    "TWAP",
    "VWAP",
    "AggressiveInTheMoney",
    "Almgren2003",
    "AlmgrenChriss",
    "CarteaJaimungal",
    "GatheralSchied",
    "Grid",
    "HestonRiccati",
    "Immediate",
    "LimitPrice",
    "ObizhaevaWang",
    "OptimalControl",
    "Recorded",
    "RoundLots",
    "Schedule",
    "StaticPlan",
    "Worth",
    "best_two_speed_round_trip",
    "clock_penalty",
    "decay_matrix",
    "displacement_path",
    "efficient_frontier",
    "execute_signed",
    "obizhaeva_wang_limit",
    "one_sided_trades",
    "peeking",
    "scale_to_cost",
    "schedule_cost",
    "solve_optimal",
    "solve_riccati",
    "solve_static",
    "solve_transient",
    "static_optimum",
    "static_plan",
    "two_speed_cost",
    "two_speed_round_trip",
    "worst_round_trip",
    "worth_of_adapting",
]
