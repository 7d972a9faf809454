"""How far a scheme's price of a call is from the exact one: the bias of its step, with a standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..checks import check_count, check_real
from .heston import Heston
from .heston_pricing import european_price
from .streams import STREAM_PATHS


@dataclass(frozen=True)
class CallBias:
    """The price of a call by simulation against the exact one; currency per share, step in trading days."""

    scheme: str
    n_steps: int
    step: float
    n_paths: int
    price: float
    exact: float
    standard_error: float
    """Of `price` and, the exact price being known, of `bias`."""

    @property
    def bias(self) -> float:
        return self.price - self.exact

    @property
    def z_score(self) -> float:
        """The bias in standard errors: within ±2, this many paths cannot tell it from 0."""
        return self.bias / self.standard_error


def call_bias(
    model: Heston,
    strike: float,
    maturity: float,
    n_steps: int,
    *,
    n_paths: int,
    seed: int,
    threads: int | None = None,
) -> CallBias:
    """Simulate a European call with `n_steps` steps of the model's scheme and compare with `european_price`.

    The model's drift is taken as the interest rate. Noise is reduced by one control, S_T, whose mean
    S₀e^{μT} all three schemes have *exactly, at every step size* (Euler and iVi by construction, QE-M by
    its correction): it removes noise and nothing of the bias. Its coefficient is the regression's on the
    same paths, which shifts the estimate by O(1/n_paths). Paths are drawn in blocks of at most 64 MiB.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Pinned by `tests/market/test_heston.py`, against the biases in Andersen's (2008) case I.
    """
    check_real("strike", strike, above=0)
    check_real("maturity", maturity, above=0)
    check_count("n_steps", n_steps)
    check_count("n_paths", n_paths, at_least=3)
    discount = math.exp(-model.drift * maturity)
    exact = float(european_price(model, strike, maturity, rate=model.drift))
    streams = max(1, 2**22 // (STREAM_PATHS * (n_steps + 1)))
    block = streams * STREAM_PATHS
    payoff, control = np.empty(n_paths), np.empty(n_paths)
    for first in range(0, n_paths, block):
        inside = slice(first, min(first + block, n_paths))
        paths = model.simulate(
            inside.stop - first, n_steps, maturity, seed=seed, first_path=first, threads=threads
        )
        control[inside] = discount * paths.mid[-1] - model.price
        payoff[inside] = discount * np.maximum(paths.mid[-1] - strike, 0.0)
    slope = float(np.dot(control - control.mean(), payoff) / np.dot(control - control.mean(), control))
    residual = payoff - slope * control
    return CallBias(
        scheme=model.scheme,
        n_steps=n_steps,
        step=maturity / n_steps,
        n_paths=n_paths,
        price=float(residual.mean()),
        exact=exact,
        standard_error=float(residual.std(ddof=2)) / math.sqrt(n_paths),
    )
