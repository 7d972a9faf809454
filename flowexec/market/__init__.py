"""Where prices come from."""

from .book_audit import reconcile, time_priority
from .book_calibration import calibrate_zero_intelligence
from .book_costs import response_function, walking_cost
from .book_statistics import depth_profile, durations, imbalance_curve, spread_statistics, volume_curve
from .brownian import GBM, Bachelier
from .heston import Heston
from .heston_bias import CallBias, call_bias
from .heston_pricing import (
    characteristic_function,
    european_price,
    log_return_density,
    log_return_distribution,
    variance_density,
)
from .load_book import how_to_get_data, load_book, load_books, lobster_source
from .lobster import read_lobster, write_lobster
from .order_book import OrderBook, clock, walk_levels
from .paths import ASK, BID, MarketModel, MarketPaths
from .planted_faults import planted_faults
from .regime_switching import RegimeSwitching
from .replay import OrderBookReplay
from .signal import OrnsteinUhlenbeck, SignalBachelier, WithSignal
from .synthetic_book import ZeroIntelligence
from .volume import VolumeCurve

__all__ = [
    "ASK",
    "BID",
    "GBM",
    "Bachelier",
    "CallBias",
    "Heston",
    "MarketModel",
    "MarketPaths",
    "OrderBook",
    "OrderBookReplay",
    "OrnsteinUhlenbeck",
    "RegimeSwitching",
    "SignalBachelier",
    "VolumeCurve",
    "WithSignal",
    "ZeroIntelligence",
    "calibrate_zero_intelligence",
    "call_bias",
    "characteristic_function",
    "clock",
    "depth_profile",
    "durations",
    "european_price",
    "how_to_get_data",
    "imbalance_curve",
    "load_book",
    "load_books",
    "lobster_source",
    "log_return_density",
    "log_return_distribution",
    "planted_faults",
    "read_lobster",
    "reconcile",
    "response_function",
    "spread_statistics",
    "time_priority",
    "variance_density",
    "volume_curve",
    "walk_levels",
    "walking_cost",
    "write_lobster",
]
