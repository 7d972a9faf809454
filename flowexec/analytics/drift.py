"""What a market is expected to do next: the part of a price move that is no noise."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple, Protocol, runtime_checkable

from ..execution.problem import sum_over_steps
from ..market.brownian import GBM, Bachelier
from ..market.heston import Heston
from ..market.paths import Array, MarketModel, MarketPaths
from ..market.regime_switching import RegimeSwitching
from ..market.signal import SignalBachelier, WithSignal
from .shortfall import BPS, Shortfall


@runtime_checkable
class KnowsItsDrift(Protocol):
    """A market of one's own that says what its mid is expected to do."""

    def expected_moves(self, paths: MarketPaths) -> Array | float:
        """E[S_{k+1} − S_k | what is known at step k], [step, path] or one number for all."""
        ...


class Drift(NamedTuple):
    """How much of a price move a control variate must leave in the cost."""

    control: str
    """"martingale": the mid has no drift, and all of Σ x_{k+1} ΔS is noise. "drift": the drift is known, and
    only the move around it is noise. "none": nothing is known, and nothing is taken for noise."""
    moves: Array | float
    """d_k = E[S_{k+1} − S_k | F_k], currency per share, [step, path] or a number; or the move for "none"."""


def conditional_drift(market: MarketModel, paths: MarketPaths) -> Drift:
    """The conditional drift d_k = E[S_{k+1} − S_k | F_k] of `paths`, drawn from `market`.

    Whoever decides x_{k+1} from what is known at step k, a signal included, has

        E[Σ_k x_{k+1} (S_{k+1} − S_k − d_k)] = 0,

    so that this sum, and not Σ x_{k+1}(S_{k+1} − S_k), is the martingale control of a cost in a market that
    drifts: what a signal is worth stays in.

    Returns
    -------
    Drift
        With d = μτ for Bachelier; S_k (e^{μτ} − 1) for GBM, Heston and RegimeSwitching; α_k (1 − e^{−κτ})/κ
        with a signal; what a market with a method `expected_moves(paths)` says. Any other market, a recorded
        book above all, has control "none".

    Notes
    -----
    Pinned by `tests/analytics/test_controls.py`.
    """
    tau = paths.horizon / paths.n_steps
    moves: Array | float
    if isinstance(market, SignalBachelier | WithSignal):
        moves = market.signal.integrated_mean(paths.signal[:-1], tau)  # type: ignore[index]
    elif isinstance(market, Bachelier):
        moves = market.drift * tau
    elif isinstance(market, GBM | Heston | RegimeSwitching):
        moves = paths.mid[:-1] * math.expm1(market.drift * tau) if market.drift else 0.0
    elif isinstance(market, KnowsItsDrift):
        moves = market.expected_moves(paths)
    else:
        return Drift("none", paths.mid[1:] - paths.mid[:-1])
    return Drift("martingale" if isinstance(moves, float) and moves == 0.0 else "drift", moves)


def martingale_part(cost: Shortfall, drift: Drift) -> Array:
    """s Σ x_{k+1} (S_{k+1} − S_k − d_k) [path], in the unit of `cost`: the noise of the price, of mean 0.

    All of `cost.martingale` in a market without drift; 0 where nothing is known of the drift.

    Pinned by `tests/analytics/test_controls.py`.
    """
    if drift.control == "martingale":
        return cost.martingale
    execution = cost.execution
    expected = execution.problem.order.sign * sum_over_steps(execution.inventory[1:] * drift.moves)
    return cost.martingale - (expected if cost.unit == "currency" else expected * BPS / cost.arrival_value)


def without_drift(market: MarketModel) -> MarketModel | None:
    """The same market as a martingale, a signal showing 0 throughout; None where it is not known how.

    Pinned by `tests/analytics/test_controls.py`.
    """
    if isinstance(market, Bachelier | GBM | Heston):
        return replace(market, drift=0.0)
    if isinstance(market, SignalBachelier | WithSignal):
        return replace(market, signal=replace(market.signal, volatility=0.0, initial=0.0))
    if isinstance(market, RegimeSwitching):
        return replace(market, regimes={k: replace(m, drift=0.0) for k, m in market.regimes.items()})
    return None
