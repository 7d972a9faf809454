"""Figures of the book: pure functions from results to Plotly, one finding each."""

from .comparisons import curves, estimates_against
from .convergence import convergence
from .costs import cost_components, cost_waterfall
from .day import over_the_day, volume_curve
from .density import density
from .distribution import cost_distribution
from .execution import inventory_fan, price_and_fills
from .forest import forest
from .frontier import frontier
from .impact import decay_kernels, impact_curves
from .league import league_board
from .learning_curves import learning_curves
from .market import path_fan
from .models import characteristic_function, scheme_bias, smile
from .order_book import book_depth, mean_depth, walking_cost
from .owners import frontier_board
from .policy import policy_map
from .running import running_cost
from .schedules import schedules
from .steps import cloud, step_by_step
from .worth import worth_map

__all__ = [
    "book_depth",
    "characteristic_function",
    "cloud",
    "convergence",
    "cost_components",
    "cost_distribution",
    "cost_waterfall",
    "curves",
    "decay_kernels",
    "density",
    "estimates_against",
    "forest",
    "frontier",
    "frontier_board",
    "impact_curves",
    "inventory_fan",
    "league_board",
    "learning_curves",
    "mean_depth",
    "over_the_day",
    "path_fan",
    "policy_map",
    "price_and_fills",
    "running_cost",
    "scheme_bias",
    "schedules",
    "smile",
    "step_by_step",
    "volume_curve",
    "walking_cost",
    "worth_map",
]
