"""Where prices come from."""

from .brownian import GBM, Bachelier
from .paths import MarketModel, MarketPaths
from .volume import VolumeCurve

__all__ = ["GBM", "Bachelier", "MarketModel", "MarketPaths", "VolumeCurve"]
