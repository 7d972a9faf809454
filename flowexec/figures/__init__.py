"""Figures of the book: pure functions from results to Plotly, one finding each."""

from .comparisons import curves, estimates_against
from .costs import cost_components, cost_waterfall
from .day import over_the_day, volume_curve
from .density import density
from .distribution import cost_distribution
from .execution import inventory_fan, price_and_fills
from .forest import forest
from .frontier import frontier
from .impact import decay_kernels, impact_curves
from .market import path_fan
from .models import characteristic_function, scheme_bias, smile
from .order_book import book_depth, mean_depth, walking_cost
from .policy import policy_map
from .schedules import schedules
from .worth import worth_map

__all__ = [
    "book_depth",
    "characteristic_function",
    "cost_components",
    "cost_distribution",
    "cost_waterfall",
    "curves",
    "decay_kernels",
    "density",
    "estimates_against",
    "forest",
    "frontier",
    "impact_curves",
    "inventory_fan",
    "mean_depth",
    "over_the_day",
    "path_fan",
    "policy_map",
    "price_and_fills",
    "scheme_bias",
    "schedules",
    "smile",
    "volume_curve",
    "walking_cost",
    "worth_map",
]
