"""Experience replay: whole orders, the oldest forgotten first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..checks import check_count


class ReplayBuffer:
    """The last `capacity` orders, each with all its steps, as arrays whose last axis is the order.

    Orders are kept whole because a target needs the steps that follow, and a memory those that went before.

    Parameters
    ----------
    capacity : int

    Raises
    ------
    ValueError
        In `add`, when arrays disagree in their number of orders, with those before, or exceed the capacity;
        in `sample`, when the buffer is empty; in `restore`, when arrays are of another capacity.

    Notes
    -----
    Lin (1992). Pinned by `tests/learning/test_replay_buffer.py`.
    """

    def __init__(self, capacity: int) -> None:
        check_count("capacity", capacity)
        self.capacity = capacity
        self.added = 0
        self.arrays: dict[str, np.ndarray] = {}
        """What is kept, [..., place]; places beyond `len(self)` hold nothing."""

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, **arrays: np.ndarray) -> None:
        """Keep a batch of orders: arrays [..., order] by name, always the same names."""
        orders = {array.shape[-1] for array in arrays.values()}
        if len(orders) != 1 or not 0 < max(orders) <= self.capacity:
            raise ValueError(
                f"`arrays` must all hold the same number of orders, 1 to {self.capacity}, "
                f"got {sorted(orders)}"
            )
        if not self.arrays:
            self.arrays = {
                name: np.zeros((*array.shape[:-1], self.capacity), array.dtype)
                for name, array in arrays.items()
            }
        shapes = {name: array.shape[:-1] for name, array in arrays.items()}
        kept = {name: array.shape[:-1] for name, array in self.arrays.items()}
        if shapes != kept:
            raise ValueError(f"`arrays` must be like those before, {kept}, got {shapes}")
        batch = orders.pop()
        places = (self.added + np.arange(batch)) % self.capacity
        for name, array in arrays.items():
            self.arrays[name][..., places] = array
        self.added += batch

    def sample(self, n_orders: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw `n_orders` of the kept orders at random, with replacement."""
        if len(self) == 0:
            raise ValueError("nothing can be drawn from an empty buffer")
        drawn = rng.integers(len(self), size=n_orders)
        return {name: array[..., drawn] for name, array in self.arrays.items()}

    def restore(self, arrays: Mapping[str, np.ndarray], added: int) -> None:
        """Go on from the `arrays` and `added` of another buffer of the same capacity."""
        for name, array in arrays.items():
            if array.ndim == 0 or array.shape[-1] != self.capacity:
                raise ValueError(
                    f"`arrays[{name!r}]` must have a place for each of {self.capacity} orders, "
                    f"got shape {array.shape}"
                )
        self.arrays, self.added = {name: np.array(array) for name, array in arrays.items()}, added
