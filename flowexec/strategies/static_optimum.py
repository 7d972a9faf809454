"""The best schedule that can be fixed on arrival, in a market whose volatility is still to come."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import check_kind
from ..execution.impact import PowerImpact, TransientImpact
from ..execution.scenario import Scenario
from ..market.brownian import GBM, Bachelier
from ..market.heston import Heston
from .convex import solve_static
from .market_law import driftless
from .static import StaticPlan
from .transient import solve_transient


def static_optimum(scenario: Scenario) -> StaticPlan:
    """The schedule of least E[C] + λE[risk] among all that are fixed on arrival, of the scenario itself.

    For a fixed schedule the risk S₀² Σ v_k τ x_{k+1}² has the mean

        E[risk] = S₀² τ Σ_k E[v_k] x_{k+1}²,

    and no noise in the price matters: only E[v_k] does, which moves from v₀ to θ under Heston. The best
    schedule is that of `solve_static`, or of `solve_transient`, with σ_k = S₀ √E[v_k], and its `objective` is
    exactly the scenario's E[C] + λE[risk], spread and fees included (under Heston by the schemes whose
    variance has the right mean, all but Euler's). What an adaptive strategy does better is the worth of
    adapting. A signal that is 0 on arrival has mean 0 ever after, and so has what it adds to the cost.

    Returns
    -------
    StaticPlan
        With E[risk] as its `variance`; `strategy` runs it.

    Raises
    ------
    ValueError
        For a market other than Bachelier, GBM and Heston, with or without a signal, a drift, or a signal that
        is not 0 on arrival; for an order that need not be completed, or an impact unknown to both solvers.

    Notes
    -----
    Pinned by `tests/strategies/test_static_optimum.py`.
    """
    check_kind("scenario", scenario, Scenario)
    order, impact = scenario.order, scenario.impact
    if not order.complete:
        raise ValueError("`scenario.order.complete` must be True for a static optimum, got False")
    market = driftless(scenario.market)
    if market.drift != 0:
        raise ValueError(f"`market.drift` must be 0 for a static optimum, got {market.drift:g}")
    signal = getattr(scenario.market, "signal", None)
    if signal is not None and signal.initial != 0:
        raise ValueError(f"`market.signal.initial` must be 0 for a static optimum, got {signal.initial:g}")
    variances = mean_variances(market, order.step_length * np.arange(order.n_steps))
    terms: dict[str, Any] = {
        "volatility": market.price * np.sqrt(variances),
        "spread": market.spread,
        "risk_aversion": scenario.risk_aversion,
    }
    if isinstance(impact, TransientImpact):
        return solve_transient(order, impact, **terms)
    if isinstance(impact, PowerImpact):
        return solve_static(order, impact=impact, **terms)
    raise ValueError(f"`scenario.impact` must be a PowerImpact or a TransientImpact, got {impact!r}")


def mean_variances(market: Bachelier | GBM | Heston, times: np.ndarray) -> np.ndarray:
    """E[v_t] at each of `times`, of the relative return per day, [time]."""
    if isinstance(market, Heston):
        return np.array([market.mean_variance(float(t)) for t in times])
    sigma = market.volatility / market.price if isinstance(market, Bachelier) else market.volatility
    return np.full(times.size, sigma**2)
