"""The market of many exercises in deep Q-learning, as one scenario: little to win, and easy to be fooled."""

from __future__ import annotations

import math

from ..checks import check_real
from ..market.brownian import GBM
from .impact import PowerImpact
from .order import Order
from .scenario import Scenario

SIMPLE_MULTIPLES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
"""The rates that may be chosen in a step, in multiples of TWAP's."""

INVENTORY_PENALTY = 1e-5
"""p, currency per share² and step. The exercise charges 0.01 x²/X, and X is 1,000."""

PRICE, SHARES, STEPS = 100.0, 1000.0, 50
STEP_VOLATILITY = 0.002
"""σ√τ, of a step."""
STEP_TEMPORARY, STEP_PERMANENT = 0.05, 0.01
"""Currency per share by which each share of a step moves its own price, and all later ones."""


def simple_market(*, side: str = "sell", inventory_penalty: float = INVENTORY_PENALTY) -> Scenario:
    """1,000 shares in 50 steps, at a price without drift, under linear impact and a penalty on what is held.

    The mid follows S_{k+1} = S_k exp(0.002 Z − 0.002²/2) from S₀ = 100. A trade of n_k shares is done at

        P_k = S_k ± (0.01 Σ_{j<k} n_j + 0.05 n_k),

    and p x² is charged for every step at the end of which x shares are left. So a schedule n costs

        E[cost] = (0.05 − 0.01/2) Σ n_k² + 0.01 X²/2 + p Σ x_{k+1}²

    on average. The engine counts in days: the order has one, a step is τ = 1/50. There ε ν, with the rate
    ν = n/τ, is 0.05 n for ε = 0.05 τ; τ γ ν is 0.01 n for γ = 0.01; and σ = 0.002/√τ. Since S₀² v τ is
    (100 · 0.002)² on every path, the risk term λ S₀² v τ x² is p x² for

        λ = p/(100 · 0.002)².

    Parameters
    ----------
    side : {"sell", "buy"}
    inventory_penalty : float
        p ≥ 0, currency per share² and step.

    Raises
    ------
    ValueError
        Naming the argument, the rule and the value.

    Notes
    -----
    For p = 0 nothing adapted beats TWAP (`flowexec.analytics.controls.zero_alpha`). At the usual p haste pays
    a little, but not in the steps of `SIMPLE_MULTIPLES`: among those TWAP is the optimum. Nothing can be won,
    and an agent that "saves" was lucky or is not compared on the same paths.

    After the project rl-order-execution (alex-is-busy-coding), which charges what is held *before* a trade,
    p x_k², more by p X² for whatever schedule; moves the price before a trade rather than after it; and
    rewards without the permanent impact that it measures by.
    Pinned by `tests/execution/test_simple_market.py`; solved in `tests/learning/test_dqn.py`.
    """
    check_real("inventory_penalty", inventory_penalty, at_least=0)
    order = Order(side, SHARES, 1.0, STEPS)
    market = GBM(PRICE, STEP_VOLATILITY / math.sqrt(order.step_length))
    impact = PowerImpact(STEP_TEMPORARY * order.step_length, permanent=STEP_PERMANENT)
    return Scenario(order, market, impact, inventory_penalty / (PRICE * STEP_VOLATILITY) ** 2)
