"""The loop of tabular Q-learning, compiled; `tabular` says what it learns.

Imports numba, half a second, and is therefore imported only where a table learns.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def best(table: np.ndarray, left: int) -> int:
    """argmax_a table[left, a] over a ≤ left, the first of equals."""
    found = 0
    for a in range(1, left + 1):
        if table[left, a] > table[left, found]:
            found = a
    return found


@numba.njit(cache=True)
def play_orders(
    rng: np.random.Generator,
    rewards: np.ndarray,
    noise: np.ndarray,
    orders: int,
    curiosity: float,
    decay: float,
    tables: np.ndarray,
    visits: np.ndarray,
) -> None:
    """Play `orders` orders; what they teach goes into `tables` and `visits` [table, step, left, action]."""
    n_tables, n_steps, size, _ = tables.shape
    behavior = np.empty((size, size))
    for _ in range(orders):
        left = size - 1
        for k in range(n_steps):
            if k == n_steps - 1:
                action = left
            elif rng.random() < curiosity:
                action = int(rng.random() * (left + 1))
            else:
                behavior[left, : left + 1] = 0.0
                for table in range(n_tables):
                    behavior[left, : left + 1] += tables[table, k, left, : left + 1]
                action = best(behavior, left)
            target = rewards[left, action] + noise[left, action] * rng.standard_normal()
            learns = int(rng.random() * n_tables)
            after = left - action
            if k == n_steps - 2:  # the last step trades all that is left, whatever looks better
                target += tables[n_tables - 1 - learns, k + 1, after, after]
            elif k < n_steps - 2:
                chosen = best(tables[learns, k + 1], after)
                target += tables[n_tables - 1 - learns, k + 1, after, chosen]
            visits[learns, k, left, action] += 1.0
            step = visits[learns, k, left, action] ** -decay
            tables[learns, k, left, action] += step * (target - tables[learns, k, left, action])
            left = after
