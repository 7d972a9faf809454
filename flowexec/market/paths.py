"""What a market model hands to the trader: paths of prices, variances, volumes and quotes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

Array: TypeAlias = Any
"""A numpy array or, after `MarketPaths.to_torch`, a torch tensor; the engine only uses what both share."""

BID, ASK = 0, 1
PRICE, SIZE = 0, 1


@dataclass(frozen=True)
class MarketPaths:
    """Market paths, time first, so that one step of all paths is contiguous in memory.

    Attributes
    ----------
    times : array [step+1]
        Trading days since the order arrived; `times[0]` is 0.
    mid : array [step+1, path]
        Mid price, currency per share, at the *beginning* of each step; the last row is the close.
    variance : array [step+1, path]
        Spot variance of the relative return per trading day. A Bachelier market of volatility σ
        (currency/√day) has σ² / S₀² here, so arrival² · variance is variance in currency everywhere.
    volume : array [step, path]
        Shares the rest of the market trades in the step.
    spread : array [step, path]
        Quoted bid–ask spread, currency per share.
    signal : array [step+1, path], optional
        Expected drift of the mid, currency per share and day.
    depth : array [step, path, 2, level, 2], optional
        Visible book at the beginning of each step: side (`BID`, `ASK`), level from the best
        outwards, (`PRICE`, `SIZE`). A missing level has size 0.
    regime : array of int [step+1, path], optional
        Number of the regime that rules from the beginning of each step on. A hidden label: it is there to
        compare with, and no strategy observes it.

    Raises
    ------
    ValueError
        When something is no array, shapes disagree, times do not increase from 0, or regimes are no whole
        numbers.
    """

    times: Array
    mid: Array
    variance: Array
    volume: Array
    spread: Array
    signal: Array | None = None
    depth: Array | None = None
    regime: Array | None = None

    def __post_init__(self) -> None:
        optional = ("signal", "depth", "regime")
        for field in fields(self):
            value = getattr(self, field.name)
            if not hasattr(value, "shape") and not (value is None and field.name in optional):
                raise ValueError(f"`{field.name}` must be a numpy array or a torch tensor, got {value!r}")
        if self.mid.ndim != 2 or self.mid.shape[0] < 2:
            raise ValueError(
                f"`mid` must have shape [step+1, path] with at least 2 rows, got {tuple(self.mid.shape)}"
            )
        rows, paths = self.mid.shape
        if tuple(self.times.shape) != (rows,) or not bool(
            (self.times[1:] > self.times[:-1]).all() and self.times[0] == 0
        ):
            raise ValueError(
                f"`times` must increase from 0 and have one entry for each of the {rows} rows of `mid`"
            )
        for name in ("variance", "volume", "spread", "signal", "regime"):
            value, steps = getattr(self, name), rows - (name in ("volume", "spread"))
            if value is not None and tuple(value.shape) != (steps, paths):
                raise ValueError(f"`{name}` must have shape {(steps, paths)}, got {tuple(value.shape)}")
        if self.depth is not None:
            shape = tuple(self.depth.shape)
            if len(shape) != 5 or shape[:3] != (rows - 1, paths, 2) or shape[3] < 1 or shape[4] != 2:
                raise ValueError(f"`depth` must have shape {(rows - 1, paths, 2, 'level', 2)}, got {shape}")
        if self.regime is not None and "int" not in str(self.regime.dtype):
            raise ValueError(f"`regime` must hold whole numbers, got {self.regime.dtype}")

    @property
    def n_steps(self) -> int:
        return int(self.mid.shape[0]) - 1

    @property
    def n_paths(self) -> int:
        return int(self.mid.shape[1])

    @property
    def horizon(self) -> float:
        """Length of the paths in trading days."""
        return float(self.times[-1])

    def map(self, transform: Callable[[Array], Array]) -> MarketPaths:
        """The same paths with `transform` applied to each array that is present."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: transform(a) for name, a in arrays.items() if a is not None})

    def select(self, paths: slice | np.ndarray) -> MarketPaths:
        """The chosen paths only (a slice gives views, an index array copies)."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "times"}
        return replace(self, **{name: a[:, paths] for name, a in arrays.items() if a is not None})

    def to_torch(self, device: str = "cpu", dtype: Any = None) -> MarketPaths:
        """The same paths as torch tensors of `dtype` (float64 unless told) on `device`; regimes stay int."""
        import torch  # only learning needs torch; importing flowexec must not

        dtype = torch.float64 if dtype is None else dtype
        # a copy: broadcast (zero-stride) numpy arrays have no torch counterpart
        real = replace(self, regime=None).map(
            lambda a: torch.as_tensor(np.array(a), dtype=dtype, device=device)
        )
        regime = None if self.regime is None else torch.as_tensor(np.array(self.regime), device=device)
        return replace(real, regime=regime)


@runtime_checkable
class MarketModel(Protocol):
    """Anything that can draw paths; `seed` and the path's number decide a path, nothing else does."""

    def simulate(
        self,
        n_paths: int,
        n_steps: int,
        horizon: float,
        *,
        seed: int,
        first_path: int = 0,
        threads: int | None = None,
    ) -> MarketPaths: ...
