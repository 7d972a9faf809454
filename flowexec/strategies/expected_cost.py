"""What a schedule is expected to cost, and how the price remembers it, under power-law or transient impact.

Trades here carry a sign, + in the direction of the order and − against it, so that round trips can be priced
too. With linear impulses the expected cost is a quadratic form in the trades, and its kernel decides
everything: whether prices can be manipulated, and what the best schedule is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..checks import check_numbers, check_real
from ..execution.impact import PowerImpact, TransientImpact


def decay_matrix(decay: Callable[[float], float], times: np.ndarray) -> np.ndarray:
    """G(|t_j − t_k|) [trade, trade]: how much of trade k's impulse is left (or was to come) at trade j.

    Parameters
    ----------
    decay : callable
        G, from a time in days to the share of an impulse that is left, G(0) = 1; an `ExponentialDecay`, a
        `PowerLawDecay` or any other function of one number.
    times : array [trade]
        Trading days, in any order.

    Notes
    -----
    Pinned by `tests/strategies/test_transient.py`.
    """
    times = check_numbers("times", times)
    lags = np.abs(times[:, None] - times[None, :])
    distinct, where = np.unique(lags, return_inverse=True)
    return np.array([decay(float(lag)) for lag in distinct])[where].reshape(lags.shape)


def schedule_cost(
    trades: np.ndarray, impact: PowerImpact | TransientImpact, *, step_length: float, spread: float = 0.0
) -> float:
    """Expected cost, currency, of trades of either sign, one a step, when the mid is a martingale.

        E[C] = Σ_k n_k D_k + Σ_k |n_k| (spread/2 + own(|n_k|)),   D_k = displacement left by the trades before
        k,

    with own(n) = ε(n/τ)^β and D from impulses τγ(n/τ)^δ that stay (`PowerImpact`), or own(n) = κn^δ/(1+δ) and
    D from impulses κn^δ that decay by G (`TransientImpact`); impulses have the sign of their trade. For δ = 1
    the latter is the quadratic form ½κ n'Gn of Gatheral, Schied and Slynko (2012) plus the spread.

    Parameters
    ----------
    trades : array [step]
        Shares, + in one direction, − in the other. A schedule of an order, or a round trip if they sum to 0,
        for which a negative result is an expected gain.
    impact : PowerImpact or TransientImpact
    step_length : float
        τ, trading days.
    spread : float
        Quoted spread, currency per share.

    Notes
    -----
    Pinned, against the engine path by path, by `tests/strategies/test_transient.py`.
    """
    trades = check_numbers("trades", trades)
    check_real("step_length", step_length, above=0)
    check_real("spread", spread, at_least=0)
    size = np.abs(trades)
    impulses = _impulses(trades, impact, step_length)
    if isinstance(impact, PowerImpact):
        displacement = np.cumsum(impulses) - impulses
        own = impact.temporary * (size / step_length) ** impact.exponent
    else:
        kernel = decay_matrix(impact.decay, step_length * np.arange(trades.size))
        displacement = np.tril(kernel, -1) @ impulses
        own = np.abs(impulses) / (1.0 + impact.exponent)
    return float(trades @ displacement + size @ (0.5 * spread + own))


def scale_to_cost(
    impact: TransientImpact, trades: np.ndarray, cost: float, *, step_length: float
) -> TransientImpact:
    """The same impact with the coefficient κ at which `trades` cost `cost` currency, spread aside.

    Two models that are scaled to one bill can only be told apart by other schedules than the billed one.

    Raises
    ------
    ValueError
        When the trades cost nothing, or gain, at the present coefficient, so that no κ > 0 gives `cost`.

    Notes
    -----
    Pinned by `tests/strategies/test_transient.py`.
    """
    check_real("cost", cost, above=0)
    unit = schedule_cost(trades, replace(impact, coefficient=1.0), step_length=step_length)
    if not unit > 0:
        raise ValueError(
            f"`trades` must cost more than 0 under the impact, got {unit:g} for a coefficient of 1"
        )
    return replace(impact, coefficient=cost / unit)


def displacement_path(
    trades: np.ndarray, impact: PowerImpact | TransientImpact, times: np.ndarray, *, step_length: float
) -> np.ndarray:
    """By how much the trades have moved the price at each of `times`, [time], currency per share.

    Trade k is done at t_k = kτ, and counts from that moment on: D(t) = Σ_{t_k ≤ t} impulse_k G(t − t_k), with
    G = 1 for a `PowerImpact`. Times may run beyond the last trade: that is where impact relaxes.

    Pinned by `tests/strategies/test_transient.py`.
    """
    trades = check_numbers("trades", trades)
    check_real("step_length", step_length, above=0)
    times = check_numbers("times", times)
    impulses = _impulses(trades, impact, step_length)
    age = times[:, None] - step_length * np.arange(trades.size)
    done = age >= -1e-12 * step_length  # kτ and a time meant to be kτ may differ in the last bit
    if isinstance(impact, PowerImpact):
        return np.asarray(done @ impulses)
    left = np.vectorize(impact.decay, otypes=[float])(np.maximum(age, 0.0))
    return np.asarray((left * done) @ impulses)


def _impulses(trades: np.ndarray, impact: PowerImpact | TransientImpact, step_length: float) -> np.ndarray:
    """By how much each trade moves the price beyond its own step, with the trade's sign."""
    if isinstance(impact, PowerImpact):
        rate = np.abs(trades) / step_length
        return np.asarray(np.sign(trades) * step_length * impact.permanent * rate**impact.permanent_exponent)
    if isinstance(impact, TransientImpact):
        return np.asarray(np.sign(trades) * impact.coefficient * np.abs(trades) ** impact.exponent)
    raise ValueError(f"`impact` must be a PowerImpact or a TransientImpact, got {impact!r}")
