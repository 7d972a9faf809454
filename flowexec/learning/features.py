"""What a learned trader looks at: a few numbers of the present and the past, all in [−3, 3]."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..checks import check_kind, check_real
from ..execution.observation import Observation
from ..execution.problem import ExecutionProblem, stack, sum_over_steps
from ..market.paths import ASK, BID, SIZE, Array

BOUND = 3.0
"""No feature is larger."""

MOMENTUM_STEPS = 5
"""How far back momentum looks."""


@dataclass(frozen=True)
class Features:
    """Numbers made of an `Observation`, by name; with n of N steps, x of X shares left, s(u) = u/(1 + |u|/3):

    - "time" 4n/N − 2
    - "inventory" 2(r − 1)/(r + 1), r = (x/X)/(n/N): 0 on TWAP's path, and as fine late as early
    - "volatility" 2(v − v̄)/(v + v̄)
    - "arrival_volatility" 2(v₀ − v̄)/(v₀ + v̄), of the variance on arrival
    - "volatility_of_variance" 2(q − 1)/(q + 1), q = Σ(v_{j+1} − v_j)²/(3 v̄ τ Σ v_j) of the steps gone by,
      and 0 on arrival: large where the variance itself moves fast (q is ξ²/(3v̄) for Heston's in short steps)
    - "momentum" s(u), u = (S_k − S_{k−m})/(S₀ √(v̄ m τ)) over the last m = 5 steps, or as many as there are
    - "signal" s(α/ᾱ)
    - "imbalance" 2(bid − ask)/(bid + ask) of the sizes at the best quotes
    - "spread" 2(q − q̄)/(q + q̄)
    - "vwap_deviation" s(u), u = (S_k − VWAP)/(S₀ √(v̄ kτ)), of the volume-weighted average mid so far

    All have a standard deviation of order 1. 2(r − 1)/(r + 1) = 2 tanh(½ ln r) is ln r around r = 1, and
    defined at 0 as well.

    Parameters
    ----------
    names : tuple of str
    variance_scale, signal_scale, spread_scale : float, optional
        v̄ (per day), ᾱ (currency per share and day) and q̄ (currency per share), for the names that need them.

    Raises
    ------
    ValueError
        For an unknown or repeated name, or one whose scale is missing or not greater than 0; in use, for one
        that the market does not show.

    Notes
    -----
    The same lines serve numpy and torch. Pinned by `tests/learning/test_features.py`.
    """

    names: tuple[str, ...]
    variance_scale: float | None = None
    signal_scale: float | None = None
    spread_scale: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.names, tuple) or not self.names or len(set(self.names)) != len(self.names):
            raise ValueError(f"`names` must be a tuple of different names, at least one, got {self.names!r}")
        for name in self.names:
            if name not in FORMULAS:
                known = ", ".join(map(repr, FORMULAS))
                raise ValueError(f"`names` must be of {known}, got {name!r}")
            scale = SCALES.get(name)
            if scale is not None and getattr(self, scale) is None:
                raise ValueError(f"`{scale}` must be given for the feature {name!r}")
        for scale in ("variance_scale", "signal_scale", "spread_scale"):
            if getattr(self, scale) is not None:
                check_real(scale, getattr(self, scale), above=0)

    @classmethod
    def calibrate(cls, problem: ExecutionProblem, names: Sequence[str] | None = None) -> Features:
        """Features whose scales are the means of a sample: of the variance, the spread and √(signal²).

        Parameters
        ----------
        problem : ExecutionProblem
            The sample, on numpy.
        names : sequence of str, optional
            By default "time", "inventory", "volatility", "momentum", and "signal" where the market has one.

        Raises
        ------
        ValueError
            When the sample has no positive scale for a name, as a market without variance has none for
            "volatility".
        """
        check_kind("problem", problem, ExecutionProblem)
        paths = problem.paths
        if names is None:
            names = ("time", "inventory", "volatility", "momentum")
            names = names if paths.signal is None else (*names, "signal")
        if isinstance(names, str):  # a sequence of letters
            raise ValueError(f"`names` must be a sequence of names, got {names!r}")
        means = {
            "variance_scale": float(np.mean(problem.observed_variance)),
            "signal_scale": 0.0 if paths.signal is None else math.sqrt(np.mean(paths.signal**2)),
            "spread_scale": float(np.mean(paths.spread)),
        }
        needed = {SCALES[name]: name for name in reversed(tuple(names)) if name in SCALES}  # the first asks
        for scale, name in needed.items():
            if not 0 < means[scale] < math.inf:
                quantity = scale.removesuffix("_scale")
                raise ValueError(
                    f"the feature {name!r} needs a market with a {quantity}; the mean of this one's is "
                    f"{means[scale]:g}. Choose `features` without it"
                )
        return cls(tuple(names), **{scale: means[scale] for scale in needed})

    def __call__(self, observation: Observation) -> Array:
        """[feature, path]."""
        return stack([FORMULAS[name](self, observation) for name in self.names])


def _bounded(u: Array) -> Array:
    """u where it is small, and never beyond `BOUND`."""
    return u / (1.0 + abs(u) / BOUND)


def _log_ratio(quantity: Array, scale: Array | float) -> Array:
    return 2.0 * (quantity - scale) / (quantity + scale)


def _time(features: Features, observation: Observation) -> Array:
    return 0.0 * observation.inventory + (4.0 * observation.steps_remaining / observation.order.n_steps - 2.0)


def _inventory(features: Features, observation: Observation) -> Array:
    order = observation.order
    return _log_ratio(observation.inventory, order.shares * observation.steps_remaining / order.n_steps)


def _volatility(features: Features, observation: Observation) -> Array:
    return _log_ratio(observation.variance, features.variance_scale or 0.0)


def _arrival_volatility(features: Features, observation: Observation) -> Array:
    return _log_ratio(observation.past_variance[0], features.variance_scale or 0.0)


def _volatility_of_variance(features: Features, observation: Observation) -> Array:
    v = observation.past_variance
    if observation.step == 0:
        return 0.0 * v[0]
    rate = 3.0 * (features.variance_scale or 0.0) * observation.order.step_length
    moved, expected = sum_over_steps((v[1:] - v[:-1]) ** 2), rate * sum_over_steps(v[:-1])
    return _log_ratio(moved, expected + (moved + expected == 0))


def _momentum(features: Features, observation: Observation) -> Array:
    mid, lag = observation.past_mid, min(observation.step, MOMENTUM_STEPS)
    return _in_deviations(features, observation, mid[-1] - mid[-1 - lag], lag)


def _signal(features: Features, observation: Observation) -> Array:
    if observation.signal is None:
        raise ValueError("the feature 'signal' needs a market that shows a signal, and this one shows none")
    return _bounded(observation.signal / features.signal_scale)


def _imbalance(features: Features, observation: Observation) -> Array:
    if observation.depth is None:
        raise ValueError("the feature 'imbalance' needs a market that shows a book, and this one shows none")
    bid, ask = (observation.depth[:, side, 0, SIZE] for side in (BID, ASK))
    return 2.0 * (bid - ask) / (bid + ask + (bid + ask == 0))


def _spread(features: Features, observation: Observation) -> Array:
    return _log_ratio(observation.spread, features.spread_scale or 0.0)


def _vwap_deviation(features: Features, observation: Observation) -> Array:
    k, mid, volume = observation.step, observation.past_mid, observation.past_volume
    if k == 0:
        return 0.0 * mid[0]
    total = sum_over_steps(volume)
    deviation = mid[-1] - sum_over_steps(mid[:-1] * volume) / (total + (total == 0))
    return _in_deviations(features, observation, deviation * (total > 0), k)


def _in_deviations(features: Features, observation: Observation, move: Array, n_steps: int) -> Array:
    """A move over `n_steps`, bounded, in standard deviations of the mid; 0 over no step."""
    variance = (features.variance_scale or 0.0) * max(n_steps, 1) * observation.order.step_length
    return _bounded(move / (observation.arrival_price * math.sqrt(variance)))


FORMULAS: dict[str, Callable[[Features, Observation], Array]] = {
    "time": _time,
    "inventory": _inventory,
    "volatility": _volatility,
    "arrival_volatility": _arrival_volatility,
    "volatility_of_variance": _volatility_of_variance,
    "momentum": _momentum,
    "signal": _signal,
    "imbalance": _imbalance,
    "spread": _spread,
    "vwap_deviation": _vwap_deviation,
}
SCALES = {
    "volatility": "variance_scale",
    "arrival_volatility": "variance_scale",
    "volatility_of_variance": "variance_scale",
    "momentum": "variance_scale",
    "vwap_deviation": "variance_scale",
    "signal": "signal_scale",
    "spread": "spread_scale",
}
"""The scale that a feature needs."""
