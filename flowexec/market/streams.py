"""Random streams that belong to paths, so that no result depends on threads, blocks or batch size.

Paths are numbered. Path number p draws from the stream of group p // STREAM_PATHS, always at the same place
of it; a group is drawn whole even when only some of its paths are wanted. Drawing paths 0…999 at once, in
ten blocks, or on two threads therefore gives the same bits, and the first paths of a larger sample are the
smaller one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ..checks import check_count, check_real

STREAM_PATHS = 1024
"""Paths to a stream: one row of normals is 8 KiB, and a few rows stay in the first-level cache."""


class StreamSlice(NamedTuple):
    """The part of one stream that a request covers."""

    stream: int
    inside: slice
    """Which of the stream's STREAM_PATHS paths are wanted."""
    output: slice
    """Where they go among the request's paths."""


def generator(seed: int, stream: int, purpose: int = 0) -> np.random.Generator:
    """The generator of one stream; each `purpose` has its own, so none shifts another.

    Purposes: 0 prices, 1 volumes, 2 the roots of Heston's inverse Gaussian, 3 signals, 4 regimes, 5 the sign
    flips of a league's shuffled-label control, 6 resampling, 7 signs of recorded moves. The sub-streams are
    those of `numpy.random.SeedSequence(seed).spawn`, addressed by their spawn key. SFC64 because normals are
    most of what a path costs: 7 ns each, against 8 from PCG64 and 10 from Philox on the same machine.
    """
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(purpose, stream))))


def stream_slices(n_paths: int, first_path: int = 0) -> list[StreamSlice]:
    """Cut the paths `first_path … first_path + n_paths - 1` at stream boundaries."""
    cuts = []
    position = first_path
    end = first_path + n_paths
    while position < end:
        stream, offset = divmod(position, STREAM_PATHS)
        width = min(STREAM_PATHS - offset, end - position)
        start = position - first_path
        cuts.append(StreamSlice(stream, slice(offset, offset + width), slice(start, start + width)))
        position += width
    return cuts


def default_threads() -> int:
    """`FLOWEXEC_THREADS`, else the number of cores this process may use."""
    asked = os.environ.get("FLOWEXEC_THREADS")
    if asked is not None:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"`FLOWEXEC_THREADS` must be a whole number, at least 1, got {asked!r}")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_each_stream(
    work: Callable[[StreamSlice], None], n_paths: int, *, first_path: int = 0, threads: int | None = None
) -> None:
    """Call `work` for every stream that the paths touch, on `threads` threads; the first error is raised."""
    threads = default_threads() if threads is None else threads
    cuts = stream_slices(n_paths, first_path)
    if threads == 1 or len(cuts) == 1:
        for cut in cuts:
            work(cut)
        return
    with ThreadPoolExecutor(min(threads, len(cuts))) as pool:
        list(pool.map(work, cuts))


def check_simulation(
    n_paths: int, n_steps: int, horizon: float, seed: int, first_path: int, threads: int | None
) -> None:
    """Refuse a request for paths that no model could serve, naming the argument."""
    check_count("n_paths", n_paths)
    check_count("n_steps", n_steps)
    check_real("horizon", horizon, above=0)
    check_count("seed", seed, at_least=0)
    check_count("first_path", first_path, at_least=0)
    if threads is not None:
        check_count("threads", threads)
