"""Heston's model in several regimes: drawn once per path, or changing by a Markov chain that nobody sees."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..checks import check_kind, check_real, check_weights
from .heston import SLAB_STEPS, Heston
from .paths import MarketPaths
from .streams import STREAM_PATHS, StreamSlice, check_simulation, for_each_stream, generator

SHARED = ("price", "drift", "spread", "volume")
"""What the regimes must agree on; in v₀, κ, θ, ξ and ρ they may differ."""


@dataclass(frozen=True)
class RegimeSwitching:
    """Heston's model with parameters by a hidden regime r: dv = κ_r(θ_r − v) dt + ξ_r√v dB, dW dB = ρ_r dt.

    A path starts in regime r with the probability of its weight, at that regime's v₀. Without a `generator`
    it stays there. With one, r is a continuous-time Markov chain, independent of the two Brownian motions,
    with the transition matrix exp(Qt): its labels are exact at the grid points, and a step uses the regime at
    its beginning. When the regime changes, price and variance go on from where they are.

    Parameters
    ----------
    regimes : mapping of str to Heston
        1 to 127 of them, by scheme "qe_m", with `price`, `drift`, `spread` and `volume` in common.
    weights : sequence of float, optional
        Relative probability of each regime at the start, none negative, not all zero; by default all equal.
    generator : array [regime, regime], optional
        Q, rates per day: Q_ij ≥ 0 from regime i to another regime j, and rows that sum to 0.

    Raises
    ------
    ValueError
        When a parameter breaks its rule.

    Notes
    -----
    Every step is Heston's own, so E[S_T] = S₀e^{μT} exactly. Without a generator a path in regime r is, to
    the last bit, the path of the same number and seed that `Heston.simulate` draws in that regime. Pinned by
    `tests/market/test_regime_switching.py`.
    """

    regimes: Mapping[str, Heston]
    weights: Sequence[float] | None = None
    generator: Sequence[Sequence[float]] | np.ndarray | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.regimes, Mapping) or not 1 <= len(self.regimes) <= 127:
            raise ValueError(
                f"`regimes` must map 1 to 127 names to markets, got {reprlib.repr(self.regimes)}"
            )
        object.__setattr__(self, "regimes", dict(self.regimes))
        for name, model in self.regimes.items():
            if not isinstance(name, str):
                raise ValueError(f"`regimes` must have strings for names, got {name!r}")
            check_kind(f"regimes[{name!r}]", model, Heston)
            for shared in SHARED:
                ours, first = getattr(model, shared), getattr(self._models[0], shared)
                if ours != first:
                    raise ValueError(
                        f"`regimes` must share one `{shared}`, got {first!r} in {self.labels[0]!r} "
                        f"and {ours!r} in {name!r}"
                    )
            if model.scheme != "qe_m":
                raise ValueError(f"`regimes` must use the scheme 'qe_m', got {model.scheme!r} in {name!r}")
        count = len(self.regimes)
        weights = check_weights("weights", [1.0] * count if self.weights is None else self.weights)
        if len(weights) != count:
            raise ValueError(f"`weights` must have one entry for each of {count} regimes, got {len(weights)}")
        object.__setattr__(self, "weights", weights)
        if self.generator is not None:
            object.__setattr__(self, "generator", _check_generator(self.generator, count))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the regimes: where `MarketPaths.regime` holds i, `labels[i]` rules."""
        return tuple(self.regimes)

    @property
    def drift(self) -> float:
        """μ per day, the same in all regimes."""
        return self._models[0].drift

    @property
    def _models(self) -> tuple[Heston, ...]:
        return tuple(self.regimes.values())

    def transition(self, t: float) -> np.ndarray:
        """P(regime j at t | regime i at 0) = exp(Qt)_ij [regime, regime]; the identity without Q."""
        check_real("t", t, at_least=0)
        if self.generator is None:
            return np.eye(len(self.regimes))
        from scipy.linalg import expm  # takes longer to import than all markets together

        matrix: np.ndarray = expm(np.asarray(self.generator) * t)
        return matrix

    def simulate(
        self,
        n_paths: int,
        n_steps: int,
        horizon: float,
        *,
        seed: int,
        first_path: int = 0,
        threads: int | None = None,
    ) -> MarketPaths:
        """Draw paths [step+1, path]; path number `first_path + i` is the same whatever batch it is drawn in.

        Raises
        ------
        ValueError
            When an argument breaks its rule, or a step is too long for a regime (see `Heston.simulate`).
        """
        # numba takes longer to import than all the rest of the package
        from .heston_schemes import Block, qe_m, qe_m_constants

        check_simulation(n_paths, n_steps, horizon, seed, first_path, threads)
        models, step_length = self._models, horizon / n_steps
        constants = [qe_m_constants(m.kappa, m.theta, m.xi, m.rho, m.drift, step_length) for m in models]
        start_variance = np.array([m.v0 for m in models], dtype=float)
        start = _cumulative(np.array([self.weights]))
        transition = _cumulative(self.transition(step_length))
        switching = self.generator is not None
        slab = 1 if switching else SLAB_STEPS  # steps in which no path changes its regime
        rows, columns = np.arange(1, slab + 1)[:, None], np.arange(STREAM_PATHS)
        mid, variance = np.empty((2, n_steps + 1, n_paths))
        regime = np.empty((n_steps + 1 if switching else 1, n_paths), dtype=np.int8)
        mid[0] = models[0].price

        def draw(cut: StreamSlice) -> None:
            prices, chain = generator(seed, cut.stream), generator(seed, cut.stream, purpose=4)
            label = _next_label(chain, start, np.zeros(STREAM_PATHS, dtype=int))
            v = start_variance[label]
            regime[0, cut.output], variance[0, cut.output] = label[cut.inside], v[cut.inside]
            normals = np.empty((slab, 2, STREAM_PATHS))
            shape = (len(models), slab + 1, STREAM_PATHS)
            v_in, growth_in, factor_in = np.empty((3, *shape))
            for first in range(0, n_steps, slab):
                steps = min(slab, n_steps - first)
                z = normals[:steps]
                prices.standard_normal(out=z)
                # A kernel costs a fifth of what the normals do: each regime is computed for all paths, and a
                # path keeps its own, whose bits are those of Heston's model in that regime alone.
                for r, constant in enumerate(constants):
                    v_in[r, 0] = v
                    filled = growth_in[r, 1:]  # in place of the uniforms too, which this scheme does not read
                    qe_m(constant, Block(z, filled, v, v_in[r], filled, factor_in[r, 1:]))
                # entries [label, 1 … steps, path] of the flat arrays, which `take` finds much faster
                own = (label * (slab + 1) + rows[:steps]) * STREAM_PATHS + columns
                growth = np.exp(growth_in.take(own)) * factor_in.take(own)
                for k in range(steps):
                    row = mid[first + k, cut.output]
                    np.multiply(row, growth[k, cut.inside], out=mid[first + k + 1, cut.output])
                v_own = v_in.take(own)
                variance[first + 1 : first + steps + 1, cut.output] = v_own[:, cut.inside]
                v = v_own[-1]
                if switching:
                    label = _next_label(chain, transition, label)
                    regime[first + 1, cut.output] = label[cut.inside]

        for_each_stream(draw, n_paths, first_path=first_path, threads=threads)
        return MarketPaths(
            times=np.linspace(0.0, horizon, n_steps + 1),
            mid=mid,
            variance=variance,
            volume=models[0].volume.sample(
                n_paths, n_steps, horizon, seed=seed, first_path=first_path, threads=threads
            ),
            spread=np.broadcast_to(models[0].spread, (n_steps, n_paths)),
            regime=np.broadcast_to(regime, mid.shape),
        )


def _check_generator(rates: object, count: int) -> tuple[tuple[float, ...], ...]:
    """The rate matrix as tuples, which compare and cannot change; ValueError unless it is one."""
    try:
        matrix = np.asarray(rates, dtype=float)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != (count, count) or not np.isfinite(matrix).all():
        raise ValueError(
            f"`generator` must be a matrix of {count} × {count} finite rates, got {reprlib.repr(rates)}"
        )
    for i, row in enumerate(matrix):
        for j, rate in enumerate(row):
            if i != j:
                check_real(f"generator[{i}][{j}]", float(rate), at_least=0)
        if abs(math.fsum(row)) > 1e-9 * abs(row[i]):
            raise ValueError(f"`generator` must have rows that sum to 0, got {math.fsum(row):g} in row {i}")
    return tuple(tuple(row) for row in matrix.tolist())


def _cumulative(probabilities: np.ndarray) -> np.ndarray:
    """Sums from the left along each row, ending in exactly 1."""
    total = np.cumsum(probabilities, axis=1)
    cumulative: np.ndarray = total / total[:, -1:]
    return cumulative


def _next_label(chain: np.random.Generator, cumulative: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Labels [path] of a stream, by the row of cumulative probabilities that belongs to the present label."""
    uniform = chain.random(STREAM_PATHS)
    following = np.zeros_like(label)
    for below in cumulative.T[:-1]:
        following += uniform >= below[label]
    return following
