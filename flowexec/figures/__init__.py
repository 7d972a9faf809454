"""Figures of the book: pure functions from results to Plotly, one finding each."""

from .comparisons import curves, estimates_against, forest
from .costs import cost_components, cost_distribution, cost_waterfall
from .execution import inventory_fan, price_and_fills, schedules
from .frontier import frontier
from .impact import decay_kernels, impact_curves
from .market import path_fan, volume_curve
from .models import characteristic_function, density, scheme_bias, smile
from .order_book import book_depth, mean_depth, over_the_day, walking_cost

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
    "price_and_fills",
    "scheme_bias",
    "schedules",
    "smile",
    "volume_curve",
    "walking_cost",
]
