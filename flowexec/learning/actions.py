"""What a learner may do in a step, and how many shares that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..checks import check_flag, check_weights
from ..execution.observation import Observation
from ..market.paths import Array
from .networks import fraction_of_remaining


@runtime_checkable
class Actions(Protocol):
    """What a learner may do: `Fractions`, `Logits` or `RateMultiples`."""

    def shares(self, action: Array, observation: Observation) -> Array:
        """Shares [order] that `action` [order] stands for; ValueError where it stands for none."""
        ...


@dataclass(frozen=True)
class Fractions:
    """The fraction of what remains, in [0, 1].

    Notes
    -----
    Pinned, as the other two, by `tests/learning/test_environment.py`.
    """

    def shares(self, action: Array, observation: Observation) -> Array:
        _check_kind(action, observation)
        if not bool((action >= 0).all() & (action <= 1).all()):  # false for NaN as well
            raise ValueError(
                f"`action` must lie in [0, 1], got {_first(action, (action < 0) | (action > 1))}"
            )
        return observation.inventory * action


@dataclass(frozen=True)
class Logits:
    """A real number z, of which `fraction_of_remaining` makes a fraction: 0 is TWAP's 1/(steps left).

    Parameters
    ----------
    centered : bool
        If not, 0 is half of what is left.
    """

    centered: bool = True

    def __post_init__(self) -> None:
        check_flag("centered", self.centered)

    def shares(self, action: Array, observation: Observation) -> Array:
        _check_kind(action, observation)
        if not bool((abs(action) < math.inf).all()):
            raise ValueError(f"`action` must be finite, got {_first(action, abs(action) == math.inf)}")
        logit = 1.0 * action  # an unsigned number has no negative
        steps = observation.steps_remaining
        return observation.inventory * fraction_of_remaining(logit, steps, centered=self.centered)


@dataclass(frozen=True)
class RateMultiples:
    """The number of one of `multiples` of TWAP's rate: shares = multiple · X/N, or what is left of them.

    Parameters
    ----------
    multiples : tuple of float
        Each at least 0, not all 0.
    """

    multiples: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "multiples", check_weights("multiples", self.multiples))

    def shares(self, action: Array, observation: Observation) -> Array:
        _check_kind(action, observation, whole=True)
        last = len(self.multiples) - 1
        if not bool((action >= 0).all() & (action <= last).all()):
            wrong = _first(action, (action < 0) | (action > last))
            raise ValueError(f"`action` must be whole numbers from 0 to {last}, got {wrong}")
        order, held = observation.order, observation.inventory
        table = np.array(self.multiples) * (order.shares / order.n_steps)
        if isinstance(held, np.ndarray):
            return table[action]
        return held.new_tensor(table)[action.long()]  # bytes would be a mask


def _check_kind(action: Array, observation: Observation, *, whole: bool = False) -> None:
    """Raise `ValueError` unless `action` holds a number for each order, of the library of the inventory."""
    held = observation.inventory
    shape = tuple(held.shape)
    if tuple(getattr(action, "shape", ())) != shape:
        got = tuple(action.shape) if hasattr(action, "shape") else type(action).__name__
        raise ValueError(f"`action` must have shape {shape}, one for each order, got {got}")
    if isinstance(action, np.ndarray) != isinstance(held, np.ndarray):
        library, other = ("numpy", "torch") if isinstance(held, np.ndarray) else ("torch", "numpy")
        raise ValueError(f"`action` must be of {library}, as the paths are, got one of {other}")
    kind = getattr(action.dtype, "name", str(action.dtype)).removeprefix("torch.").rstrip("0123456789")
    if kind not in ("int", "uint") and (whole or kind not in ("float", "bfloat")):
        raise ValueError(f"`action` must be {'whole' if whole else 'real'} numbers, got {action.dtype}")


def _first(action: Array, wrong: Array) -> str:
    """The first action that is `wrong` or NaN, with its order."""
    order = (wrong | (action != action)).tolist().index(True)
    return f"{action[order].item():g} for order {order}"
