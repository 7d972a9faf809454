"""How much the rest of the market trades, and when in the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import check_count, check_real, check_weights
from .streams import STREAM_PATHS, StreamSlice, check_simulation, for_each_stream, generator


@dataclass(frozen=True)
class VolumeCurve:
    """Expected market volume through the trading day, with independent noise around it.

    The day is cut into equal bins with relative weights `profile`; inside a bin volume flows evenly, and the
    profile repeats every day. A step's volume is its expectation times a Gamma variable of mean 1 and
    standard deviation `dispersion`, independent between steps and paths.

    Parameters
    ----------
    daily_volume : float
        Shares a day, greater than 0.
    profile : tuple of float
        Relative volume of each bin of the day, none negative, not all zero.
    dispersion : float
        Coefficient of variation of a step's volume, at least 0; 0 makes volumes deterministic.

    Notes
    -----
    Pinned by `tests/market/test_volume.py`.
    """

    daily_volume: float = 1_000_000.0
    profile: tuple[float, ...] = (1.0,)
    dispersion: float = 0.0

    def __post_init__(self) -> None:
        check_real("daily_volume", self.daily_volume, above=0)
        check_real("dispersion", self.dispersion, at_least=0)
        object.__setattr__(self, "profile", check_weights("profile", self.profile))

    @classmethod
    def u_shape(
        cls, daily_volume: float = 1_000_000.0, *, depth: float = 0.5, bins: int = 78, dispersion: float = 0.0
    ) -> VolumeCurve:
        """Volume ∝ 1 − depth + 3·depth·(2t − 1)², t the fraction of the day: high at the open and the close.

        The curve has mean 1 for every `depth` in [0, 1); `depth` 0 is flat, and the quietest moment (noon)
        trades at 1 − depth of the average.
        """
        check_real("depth", depth, at_least=0, below=1)
        check_count("bins", bins)
        edges = np.linspace(-1.0, 1.0, bins + 1)
        weights = (1 - depth) + depth * np.diff(edges**3) / np.diff(edges)
        return cls(daily_volume, tuple(weights.tolist()), dispersion)

    def expected(self, n_steps: int, horizon: float, start: float = 0.0) -> np.ndarray:
        """Expected shares in each of `n_steps` equal steps of `horizon` days, `start` days after an open."""
        check_count("n_steps", n_steps)
        check_real("horizon", horizon, above=0)
        check_real("start", start, at_least=0)
        weights = np.asarray(self.profile) / np.sum(self.profile)
        within = np.concatenate([[0.0], np.cumsum(weights)])
        edges = start + np.linspace(0.0, horizon, n_steps + 1)
        day = np.floor(edges)
        cumulative = day + np.interp(edges - day, np.linspace(0.0, 1.0, len(within)), within)
        expected: np.ndarray = self.daily_volume * np.diff(cumulative)
        return expected

    def sample(
        self,
        n_paths: int,
        n_steps: int,
        horizon: float,
        *,
        seed: int,
        first_path: int = 0,
        threads: int | None = None,
    ) -> np.ndarray:
        """Volumes [step, path]; without dispersion a read-only broadcast of `expected`."""
        check_simulation(n_paths, n_steps, horizon, seed, first_path, threads)
        expected = self.expected(n_steps, horizon)[:, None]
        if self.dispersion == 0:
            return np.broadcast_to(expected, (n_steps, n_paths))
        volume = np.empty((n_steps, n_paths))
        shape = self.dispersion**-2

        def draw(cut: StreamSlice) -> None:
            rng = generator(seed, cut.stream, purpose=1)
            for k in range(n_steps):
                volume[k, cut.output] = rng.standard_gamma(shape, STREAM_PATHS)[cut.inside] / shape

        for_each_stream(draw, n_paths, first_path=first_path, threads=threads)
        volume *= expected
        return volume
