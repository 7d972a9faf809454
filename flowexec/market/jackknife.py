"""Standard errors from one session: leave out one piece of it at a time."""

from __future__ import annotations

import numpy as np


def session_piece(times: np.ndarray, session: tuple[float, float], pieces: int) -> np.ndarray:
    """In which of `pieces` equal pieces of the session each time lies, from 0; the end is in the last."""
    begin, end = session
    piece: np.ndarray = np.minimum((times - begin) / (end - begin) * pieces, pieces - 1).astype(int)
    return piece


def leave_one_out(
    values: np.ndarray, times: np.ndarray, session: tuple[float, float], pieces: int
) -> np.ndarray:
    """Means of `values` [time, …] without one piece of the session at a time, [piece, …].

    Raises
    ------
    ValueError
        When all data lie in one piece.
    """
    piece = session_piece(times, session, pieces)
    present = np.unique(piece)
    if len(present) < 2:
        raise ValueError(
            f"the data lie in one of the {pieces} `blocks` of the session: no standard error from one"
        )
    return np.stack([values[piece != p].mean(axis=0) for p in present])


def jackknife_error(replicates: np.ndarray) -> np.ndarray:
    """√((n − 1)/n Σ (r_i − r̄)²) over the first axis, r_i the estimate without piece i (Tukey 1958).

    Pinned by `tests/market/test_book_costs.py`: for a mean it is the textbook error.
    """
    n = len(replicates)
    squares = (replicates - replicates.mean(axis=0)) ** 2
    error: np.ndarray = np.sqrt((n - 1) / n * squares.sum(axis=0))
    return error
