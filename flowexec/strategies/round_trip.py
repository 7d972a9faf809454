"""Round trips: buying and selling the same shares to see whether a model of impact pays for it.

A model in which some round trip gains on average, without any view on the price, is wrong in a way that no
amount of data can excuse: an optimiser will find the round trip. This module prices and runs them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import check_count, check_numbers, check_real
from ..execution.impact import Bar, PowerImpact, TransientImpact
from ..execution.problem import sum_over_steps
from ..market.paths import MarketPaths
from .expected_cost import schedule_cost


def execute_signed(
    trades: np.ndarray, impact: PowerImpact | TransientImpact, paths: MarketPaths
) -> np.ndarray:
    """Cost [path], currency, of trades of either sign on `paths`: Σ_k n_k (P_k − S_0), a gain where negative.

    An `Order` trades in one direction. Here every trade passes through the impact's own `trade` method, the
    very lines the engine runs; when the direction turns, the displacement that stood against the trader
    stands for her.

    Parameters
    ----------
    trades : array [step]
        Shares bought (+) and sold (−), one entry for each step of `paths`.
    impact : PowerImpact or TransientImpact
    paths : MarketPaths

    Notes
    -----
    On trades of one sign this is `shortfall(execute(…)).total` to the last bits, and its mean is
    `schedule_cost`; both are pinned by `tests/strategies/test_round_trip.py`.
    """
    trades = check_numbers("trades", trades)
    if len(trades) != paths.n_steps:
        raise ValueError(f"`trades` must be {paths.n_steps} numbers, one a step, got {len(trades)}")
    length = float(paths.times[1] - paths.times[0])
    side, cash = 1, []
    state: Any = impact.start(paths.mid[0])
    for k in range(paths.n_steps):
        if trades[k] * side < 0:
            side, state = -side, _mirrored(state)
        shares = np.full(paths.n_paths, abs(trades[k]))
        bar = Bar(paths.mid[k], paths.spread[k], length)
        price, state = impact.trade(state, shares, bar, side)
        cash.append(trades[k] * (price - paths.mid[0]))
    return np.asarray(sum_over_steps(cash))


def two_speed_round_trip(shares: float, buying_steps: int, selling_steps: int) -> np.ndarray:
    """Buy `shares` evenly in the first steps, sell them evenly in the next: signed trades [step]."""
    check_real("shares", shares, above=0)
    check_count("buying_steps", buying_steps)
    check_count("selling_steps", selling_steps)
    return np.concatenate(
        [np.full(buying_steps, shares / buying_steps), np.full(selling_steps, -shares / selling_steps)]
    )


def best_two_speed_round_trip(
    shares: float,
    n_steps: int,
    impact: PowerImpact | TransientImpact,
    *,
    step_length: float,
    spread: float = 0.0,
) -> np.ndarray:
    """The cheapest two-speed round trip of `n_steps` ≥ 2 trades, bought first: signed trades [step].

    Tries every number of buying steps; if even the best one costs something, two speeds are no manipulation.
    Pinned by `tests/strategies/test_round_trip.py`.
    """
    check_count("n_steps", n_steps, at_least=2)
    trips = [two_speed_round_trip(shares, bought, n_steps - bought) for bought in range(1, n_steps)]
    return min(trips, key=lambda trip: schedule_cost(trip, impact, step_length=step_length, spread=spread))


def two_speed_cost(selling_time: np.ndarray, *, decay_exponent: float, impact_exponent: float) -> np.ndarray:
    """Cost of the continuous two-speed round trip under power laws of impact and of decay.

    Buying at a constant rate, then selling at a constant rate for the last fraction φ of the time T; trading
    at the rate v moves the price by κv^δ a day, and the move decays like t^(−γ). In units of κ v^(1+δ)
    T^(2−γ)/((1−γ)(2−γ)), v the buying rate,

        c(φ) = (1−φ)^(2−γ) + r^(1+δ) φ^(2−γ) − r [1 − (1−φ)^(2−γ) − φ^(2−γ)],   r = (1−φ)/φ.

    A negative value is an expected gain. As φ → 0 the second term is φ^(1−γ−δ): with γ + δ < 1 it vanishes
    and c tends to −(1−γ).

    Parameters
    ----------
    selling_time : array
        φ in (0, 1).
    decay_exponent : float
        γ in (0, 1).
    impact_exponent : float
        δ > 0.

    Notes
    -----
    Gatheral (2010), the power-law case. Pinned, against the discrete cost, by
    `tests/strategies/test_round_trip.py`.
    """
    check_real("decay_exponent", decay_exponent, above=0, below=1)
    check_real("impact_exponent", impact_exponent, above=0)
    phi = np.asarray(selling_time, dtype=float)
    if not ((phi > 0) & (phi < 1)).all():
        raise ValueError("`selling_time` must lie in (0, 1)")
    ratio, power = (1.0 - phi) / phi, 2.0 - decay_exponent
    sold = phi**power
    short = -np.expm1(power * np.log1p(-phi))  # 1 − (1−φ)^(2−γ), exact where φ is tiny
    return np.asarray(1.0 - short + ratio ** (1.0 + impact_exponent) * sold - ratio * (short - sold))


def worst_round_trip(kernel: np.ndarray) -> tuple[np.ndarray, float]:
    """The round trip n, Σ n = 0 and |n| = 1, of least n'Gn, and that value: below 0 manipulation pays.

    Parameters
    ----------
    kernel : array [trade, trade]
        Symmetric, as `decay_matrix` gives it.

    Returns
    -------
    trades : array [trade]
        The first trade that is not 0 is a purchase.
    value : float
        Smallest eigenvalue of G on the trades that sum to 0; the expected cost is κ/2 times this.

    Notes
    -----
    Pinned by `tests/strategies/test_round_trip.py`.
    """
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or kernel.shape[0] < 2:
        raise ValueError(f"`kernel` must be square with at least 2 rows, got shape {kernel.shape}")
    if not np.allclose(kernel, kernel.T):
        raise ValueError("`kernel` must be symmetric")
    n = len(kernel)
    # orthonormal basis of the trades that sum to 0: all but the first column of a QR of (1 | unit vectors)
    basis = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:]
    values, vectors = np.linalg.eigh(basis.T @ kernel @ basis)
    trades = basis @ vectors[:, 0]
    first = trades[np.argmax(np.abs(trades) > 1e-9)]
    return trades * np.sign(first), float(values[0])


def _mirrored(state: Any) -> Any:
    """An impact's state as the other side sees it: what moved the price against one favours the other."""
    return type(state)(
        *(tuple(-item for item in part) if isinstance(part, tuple) else -part for part in state)
    )
