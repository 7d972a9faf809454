"""What a market is to a trader who plans ahead: the laws of variance and signal, and the moves to expect."""

from __future__ import annotations

import reprlib
from typing import NamedTuple

import numpy as np

from ..execution.order import Order
from ..market.brownian import GBM, Bachelier
from ..market.heston import Heston
from ..market.paths import MarketModel
from ..market.signal import SignalBachelier, WithSignal
from .transition import Chain, constant, gaussian_chain, square_root_chain


class MarketLaw(NamedTuple):
    """Two states that move by themselves, independent of one another, and the drift that one of them is."""

    price: float
    variance: Chain
    """Of the relative return per day: λS₀²τ v x² is the charge for holding x shares through a step."""
    signal: Chain
    expected_move: np.ndarray
    """E[S_{k+1} − S_k | signal] [signal node], currency per share."""


def driftless(market: MarketModel) -> Bachelier | GBM | Heston:
    """The market without its signal.

    Raises
    ------
    ValueError
        When it is none whose future is decided by time, variance and signal.
    """
    if isinstance(market, SignalBachelier):
        return Bachelier(market.price, market.volatility, spread=market.spread, volume=market.volume)
    base = market.market if isinstance(market, WithSignal) else market
    if not isinstance(base, Bachelier | GBM | Heston):
        raise ValueError(
            "`market` must be a Bachelier, GBM, Heston or SignalBachelier, or WithSignal around one of the "
            f"first three, got {reprlib.repr(market)}: its future depends on more than one variance and one "
            "signal"
        )
    if isinstance(base, GBM | Heston) and base.drift != 0:
        raise ValueError(
            f"`market.drift` must be 0 for a {type(base).__name__}, got {base.drift:g}: a drift in "
            "proportion to the price makes the price one more state"
        )
    return base


def market_law(
    market: MarketModel,
    order: Order,
    *,
    variance_nodes: int,
    signal_nodes: int,
    max_variance: float | None = None,
) -> MarketLaw:
    """The law of `market` over the steps of `order`.

    Raises
    ------
    ValueError
        As `driftless` and the chains of `transition`.

    Notes
    -----
    Pinned by `tests/strategies/test_optimal.py`.
    """
    base, tau = driftless(market), order.step_length
    if isinstance(base, Heston):
        variance = square_root_chain(
            base, n_steps=order.n_steps, step_length=tau, size=variance_nodes, largest=max_variance
        )
    elif isinstance(base, GBM):
        variance = constant(base.volatility**2)
    else:
        variance = constant((base.volatility / base.price) ** 2)
    if isinstance(market, WithSignal | SignalBachelier):
        signal = gaussian_chain(market.signal, n_steps=order.n_steps, step_length=tau, size=signal_nodes)
        move = np.asarray(market.signal.integrated_mean(signal.nodes, tau))
    else:
        signal = constant(0.0)
        move = np.array([base.drift * tau])
    return MarketLaw(base.price, variance, signal, move)
