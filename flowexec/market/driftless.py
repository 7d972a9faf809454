"""The same market without a drift: the sign of every move is drawn anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..checks import check_count, check_kind
from .paths import PRICE, SIZE, MarketPaths
from .streams import generator

SIGNS = 7
"""The purpose of the random stream, see `flowexec.market.streams.generator`."""


def driftless_copies(paths: MarketPaths, copies: int, *, seed: int) -> MarketPaths:
    """Paths with the moves of `paths` in size and order, but with signs tossed by a fair coin.

        S'_k = S_0 + Σ_{j<k} ε_j (S_{j+1} − S_j),   ε_j = ±1 independent of everything.

    Given all sizes of moves, volumes, spreads and books, the mid S' is a martingale, on which nobody can have
    an expected gain from its moves: what a strategy scores here is what it would score if it knew nothing.
    Books move with the mid, so that spread, sizes and the cost of walking stay as recorded.

    Parameters
    ----------
    paths : MarketPaths
        On numpy, without a signal, which would announce moves that do not come.
    copies : int
    seed : int

    Returns
    -------
    MarketPaths
        Path c·H + h is copy c of path h, of H. A larger number of copies begins with the smaller one.

    Raises
    ------
    ValueError
        Naming the argument, the rule and the value.

    Notes
    -----
    A randomization test of conditional symmetry (Fisher 1935, section 21). Pinned by
    `tests/market/test_driftless.py`.
    """
    check_kind("paths", paths, MarketPaths)
    check_count("copies", copies)
    check_count("seed", seed, at_least=0)
    if paths.signal is not None:
        raise ValueError("`paths` must be without a signal: it would announce moves that do not come")
    moves = np.diff(paths.mid, axis=0)
    signs = [2 * generator(seed, copy, SIGNS).integers(0, 2, moves.shape) - 1 for copy in range(copies)]
    every = paths.select(np.tile(np.arange(paths.n_paths), copies))
    wander = np.cumsum(np.tile(moves, copies) * np.concatenate(signs, axis=1), axis=0)
    mid = every.mid[0] + np.concatenate([np.zeros((1, every.n_paths)), wander])
    depth = every.depth
    if depth is not None:
        depth = depth.copy()
        shift = (mid - every.mid)[:-1, :, None, None]
        depth[..., PRICE] += shift * (depth[..., SIZE] > 0)
    return replace(every, mid=mid, depth=depth)
