"""Where prices come from."""

from .brownian import GBM, Bachelier
from .heston import Heston
from .heston_bias import CallBias, call_bias
from .heston_pricing import (
    characteristic_function,
    european_price,
    log_return_density,
    log_return_distribution,
)
from .paths import MarketModel, MarketPaths
from .volume import VolumeCurve

__all__ = [
    "GBM",
    "Bachelier",
    "CallBias",
    "Heston",
    "MarketModel",
    "MarketPaths",
    "VolumeCurve",
    "call_bias",
    "characteristic_function",
    "european_price",
    "log_return_density",
    "log_return_distribution",
]
