"""What markets hand over: hidden labels of regimes, which travel with the paths and never reach a trader."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from flowexec.execution.observation import Observation
from flowexec.execution.presets import BOOK_IMPACT, book_scenario, regime_market
from flowexec.execution.problem import ExecutionProblem
from flowexec.market.paths import MarketPaths

RATES = np.full((4, 4), 2.0) - 8 * np.eye(4)


@pytest.fixture(scope="module")
def paths() -> MarketPaths:
    return regime_market(generator=RATES).simulate(60, 26, 1.0, seed=1)


def test_labels_are_selected_with_their_paths(paths: MarketPaths) -> None:
    assert paths.regime is not None
    for chosen in (slice(5, 20), np.array([3, 3, 50])):
        part = paths.select(chosen)
        assert np.array_equal(part.regime, paths.regime[:, chosen])
        assert np.array_equal(part.mid, paths.mid[:, chosen])
    assert book_scenario().sample(2, seed=0).paths.regime is None


def test_labels_stay_whole_numbers_in_torch(paths: MarketPaths) -> None:
    for dtype in (None, torch.float32):
        tensors = paths.to_torch(dtype=dtype)
        assert tensors.regime.dtype == torch.int8
        assert np.array_equal(tensors.regime.numpy(), paths.regime)
        assert tensors.mid.dtype == (dtype or torch.float64)
    assert book_scenario().sample(2, seed=0).to_torch().paths.regime is None


def test_no_trader_sees_a_label(paths: MarketPaths) -> None:
    """No field of an observation is the label, and none changes when all labels do."""
    order = book_scenario().order
    assert paths.regime is not None
    problem = ExecutionProblem(order, paths, BOOK_IMPACT)
    other = ExecutionProblem(order, replace(paths, regime=3 - paths.regime), BOOK_IMPACT)
    state = problem.start()
    for k in range(order.n_steps):
        seen, told = problem.observe(state._replace(step=k)), other.observe(state._replace(step=k))
        for field in fields(Observation):
            assert field.name != "regime"
            assert np.array_equal(getattr(seen, field.name), getattr(told, field.name)), field.name


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"regime": np.zeros((26, 60), dtype=int)}, "`regime` must have shape (27, 60), got (26, 60)"),
        ({"regime": np.zeros((27, 60))}, "`regime` must hold whole numbers, got float64"),
        ({"regime": 2}, "`regime` must be a numpy array or a torch tensor, got 2"),
        ({"signal": np.zeros((26, 60))}, "`signal` must have shape (27, 60), got (26, 60)"),
        ({"volume": np.zeros((27, 60))}, "`volume` must have shape (26, 60), got (27, 60)"),
        ({"spread": np.zeros((26, 59))}, "`spread` must have shape (26, 60), got (26, 59)"),
        ({"variance": np.zeros(27)}, "`variance` must have shape (27, 60), got (27,)"),
        ({"mid": np.ones((1, 60))}, "`mid` must have shape [step+1, path] with at least 2 rows, got (1, 60)"),
        (
            {"times": np.linspace(1, 2, 27)},
            "`times` must increase from 0 and have one entry for each of the 27 rows of `mid`",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(paths, changed, sentence, refused) -> None:
    with refused(sentence):
        replace(paths, **changed)
