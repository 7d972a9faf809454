"""Recurrent cells are PyTorch's, and what they read of a path is its past."""

import math

import numpy as np
import pytest
import torch

from flowexec.learning.networks import Network
from flowexec.learning.recurrent import Cell, market_inputs

HIDDEN = 5


@pytest.mark.parametrize(("kind", "theirs"), [("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM)])
def test_a_cell_is_that_of_pytorch(kind, theirs):
    """The same weights and inputs give the same memory after every step, on numpy and on torch."""
    cell = Cell.initial(kind, HIDDEN, seed=3)
    reference = theirs(2, HIDDEN, dtype=torch.float64)
    (w,), (b,) = cell.read.weights, cell.read.biases
    (u,), (d,) = cell.recall.weights, cell.recall.biases
    with torch.no_grad():
        for name, value in {"weight_ih": w, "weight_hh": u, "bias_ih": b[:, 0], "bias_hh": d[:, 0]}.items():
            getattr(reference, f"{name}_l0").copy_(torch.from_numpy(value))
        inputs = np.random.default_rng(4).normal(size=(7, 2, 11))
        expected = reference(torch.from_numpy(inputs).swapaxes(1, 2))[0].swapaxes(1, 2).numpy()
        on_torch = torch.stack(cell.map(torch.from_numpy)(torch.from_numpy(inputs))).numpy()
    np.testing.assert_allclose(np.stack(cell(inputs)), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(on_torch, expected, rtol=0, atol=1e-14)


def test_what_a_cell_reads_is_measured_in_standard_deviations():
    """Move 1 of one deviation, then none: last 1/(1 + 1), 0; since arrival 1/2, then 1/√2 squashed."""
    variance, tau = 4e-4, 0.25
    unit = 100.0 * math.sqrt(variance * tau)
    mid = 100.0 + unit * np.array([[0.0, 0.0], [1.0, -1.0], [1.0, -1.0]])
    root = 1 / math.sqrt(2)
    expected = [[0.0, 0.0], [0.5, 0.5], [0.0, root / (1 + root)]]
    inputs = market_inputs(mid, variance, tau)
    np.testing.assert_allclose(inputs[:, :, 0], expected, atol=1e-12)
    np.testing.assert_allclose(inputs[:, :, 1], -np.array(expected), atol=1e-12)


def test_what_a_cell_reads_is_the_past():
    mid = 100.0 + np.random.default_rng(5).normal(size=(9, 4)).cumsum(axis=0)
    whole = market_inputs(mid, 1e-4, 0.1)
    for step in range(1, 10):
        np.testing.assert_array_equal(market_inputs(mid[:step], 1e-4, 0.1), whole[:step])


def test_cells_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`kind` must be one of 'gru', 'lstm', got 'rnn'"):
        Cell.initial("rnn", 4, seed=0)
    cell = Cell.initial("gru", 4, seed=0)
    with pytest.raises(ValueError, match="`read` must be a single layer of 16 outputs, got 12"):
        Cell("lstm", cell.read, cell.recall)
    with pytest.raises(ValueError, match="`recall` must be a single layer"):
        Cell("gru", cell.read, Network.initial((4, 4, 12), seed=0))
