"""A replay buffer keeps whole orders, forgets the oldest, and draws all that it keeps equally often."""

import numpy as np
import pytest

from flowexec.learning.replay_buffer import ReplayBuffer


def numbered(first, count):
    """Orders that carry their number in every step."""
    number = np.arange(first, first + count)
    return {"reward": np.tile(1.0 * number, (3, 1)), "action": np.tile(number, (3, 2, 1))}


def test_the_oldest_orders_are_forgotten():
    buffer, first = ReplayBuffer(10), 0
    for count in (4, 4, 4, 7, 1):  # wraps around inside a batch
        buffer.add(**numbered(first, count))
        first += count
        drawn = buffer.sample(500, np.random.default_rng(0))
        np.testing.assert_array_equal(
            drawn["action"][:, 0], drawn["reward"]
        )  # a draw is one order throughout
        np.testing.assert_array_equal(np.unique(drawn["reward"]), np.arange(max(0, first - 10), first))
        assert len(buffer) == min(first, 10)


def test_draws_are_uniform():
    """20 orders, 200,000 draws: Pearson's χ² with 19 degrees of freedom, within 5 standard deviations."""
    buffer = ReplayBuffer(32)
    buffer.add(**numbered(0, 20))
    counts = np.bincount(buffer.sample(200_000, np.random.default_rng(1))["action"][0, 0], minlength=20)
    chi2 = ((counts - 10_000) ** 2 / 10_000).sum()
    assert counts.size == 20
    assert abs(chi2 - 19) < 5 * np.sqrt(2 * 19)


def test_a_restored_buffer_goes_on_alike():
    buffer, other = ReplayBuffer(6), ReplayBuffer(6)
    buffer.add(**numbered(0, 5))
    other.restore(buffer.arrays, buffer.added)
    for each in (buffer, other):
        each.add(**numbered(5, 4))
    assert other.added == buffer.added == 9
    for name, array in buffer.arrays.items():
        np.testing.assert_array_equal(other.arrays[name], array)


def test_what_does_not_fit_is_refused():
    buffer = ReplayBuffer(4)
    with pytest.raises(ValueError, match="nothing can be drawn from an empty buffer"):
        buffer.sample(1, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"the same number of orders, 1 to 4, got \[5\]"):
        buffer.add(**numbered(0, 5))
    with pytest.raises(ValueError, match=r"got \[1, 2\]"):
        buffer.add(reward=np.zeros((3, 1)), action=np.zeros((3, 2)))
    buffer.add(**numbered(0, 2))
    with pytest.raises(ValueError, match="`arrays` must be like those before"):
        buffer.add(reward=np.zeros((3, 1)))
