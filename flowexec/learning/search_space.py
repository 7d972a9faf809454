"""Where a setting may lie while it is tuned: four kinds of range, each refused when nothing lies in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol, runtime_checkable

from ..checks import check_count, check_real


@runtime_checkable
class SearchRange(Protocol):
    """Values that a setting may take."""

    def suggest(self, trial: Any, name: str) -> Any:
        """The value of the setting `name` that `trial`, an `optuna.Trial`, shall try."""
        ...


@dataclass(frozen=True)
class Uniform:
    """A real number in [low, high], every part of it alike.

    Parameters
    ----------
    low, high : float

    Notes
    -----
    Pinned, as the other three, by `tests/learning/test_tuning.py`.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        check_real("low", self.low)
        check_real("high", self.high)
        _check_order(self.low, self.high)

    def suggest(self, trial: Any, name: str) -> float:
        return float(trial.suggest_float(name, self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """A positive number in [low, high], every part of its logarithm alike: learning rates, penalties.

    Parameters
    ----------
    low, high : float
        Greater than 0.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        check_real("low", self.low, above=0)
        check_real("high", self.high, above=0)
        _check_order(self.low, self.high)

    def suggest(self, trial: Any, name: str) -> float:
        return float(trial.suggest_float(name, self.low, self.high, log=True))


@dataclass(frozen=True)
class Integer:
    """A whole number from `low` to `high`, both included.

    Parameters
    ----------
    low, high : int
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        check_count("low", self.low, at_least=-(2**53))  # a sampler computes with floats
        check_count("high", self.high, at_least=-(2**53))
        _check_order(self.low, self.high)

    def suggest(self, trial: Any, name: str) -> int:
        return int(trial.suggest_int(name, self.low, self.high))


@dataclass(frozen=True)
class Choice:
    """One of some values without an order: sizes of layers, batch sizes, flags.

    Parameters
    ----------
    values : tuple
        Numbers, texts, flags, None, or tuples of such.
    """

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.values, tuple) or not self.values:
            raise ValueError(f"`values` must be a tuple of at least one value, got {self.values!r}")
        labels = self._labels()
        if len(set(labels)) < len(labels):
            raise ValueError(f"`values` must differ from one another, got {self.values!r}")

    def suggest(self, trial: Any, name: str) -> Any:
        # Optuna knows categories of plain values only, not the tuples that settings have
        labels = self._labels()
        return self.values[labels.index(trial.suggest_categorical(name, labels))]

    def _labels(self) -> list[str]:
        try:
            return [json.dumps(value, allow_nan=False) for value in self.values]
        except (TypeError, ValueError):
            raise ValueError(
                f"`values` must be numbers, texts, flags, None or tuples of such, got {self.values!r}"
            ) from None


def check_search(search: object, config: object) -> None:
    """Raise `ValueError` unless `search` says where some fields of the dataclass `config` may lie."""
    if not is_dataclass(config) or isinstance(config, type):
        raise ValueError(f"`config` must be an object of a dataclass, got {config!r:.80}")
    if not isinstance(search, Mapping) or not search:
        raise ValueError(f"`search` must say where at least one setting may lie, got {search!r:.80}")
    settings = [field.name for field in fields(config) if field.init]
    for name, values in search.items():
        if name not in settings:
            raise ValueError(
                f"`search` must name settings of {type(config).__name__}, which has "
                f"{', '.join(settings)}, got {name!r}"
            )
        if isinstance(values, type) or not isinstance(values, SearchRange):
            raise ValueError(
                f"`search[{name!r}]` must be LogUniform, Uniform, Integer or Choice, got {values!r:.80}"
            )


def _check_order(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(
            f"`low` must be less than `high`, or nothing is to be searched, got {low} and {high}"
        )
