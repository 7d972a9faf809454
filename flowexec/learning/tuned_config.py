"""The best settings of a study as a small file, so that the next training needs no database."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from .. import __version__
from .study import ERROR, SETTINGS

Config = TypeVar("Config")


def best_config(path: str | Path, config: Config) -> Config:
    """`config` with the best settings that `tune` has found so far, read from its file.

    They may be used in other scenarios than that of the search.

    Parameters
    ----------
    path : str or Path
        `Tuned.path`, `folder`/`study`.json.
    config : dataclass
        Of the class that was tuned; holds the settings that were not searched.

    Raises
    ------
    ValueError
        When there is no such file, or it is damaged, or tells of another class than that of `config`.

    Notes
    -----
    Pinned by `tests/learning/test_tuning.py`.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise ValueError(f"`config` must be an object of a dataclass, got {config!r:.80}")
    try:
        record = json.loads(Path(path).read_bytes())
        kind, settings = record["config"], dict(record["settings"])
    except FileNotFoundError:
        raise ValueError(f"`path` must be a file that `tune` has written, and {path} is not there") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"`path` must be a file that `tune` has written, got {path} ({error!r})") from None
    if kind != type(config).__name__:
        raise ValueError(f"`config` must be a {kind}, whose settings {path} holds, got {config!r:.80}")
    try:
        best: Config = apply_settings(config, settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`path` must hold settings of a {kind}, got {path} ({error})") from None
    return best


def save_best(study: Any, path: Path, config: Any) -> None:
    """Write what `best_config` reads, in one stroke; nothing as long as no trial of `study` has a saving."""
    from optuna.trial import TrialState

    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return
    best = study.best_trial
    record = {
        "version": __version__,
        "study": study.study_name,
        "trial": best.number,
        "saving_bps": best.value,
        "standard_error": best.user_attrs[ERROR],
        "config": type(config).__name__,
        "settings": best.user_attrs[SETTINGS],
    }
    part = path.with_suffix(f".{os.getpid()}.part")  # others may be writing theirs
    part.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf8")
    part.replace(path)


def apply_settings(config: Any, settings: Mapping[str, Any]) -> Any:
    """`config` with `settings` that have been through JSON, which knows no tuples."""
    return replace(config, **{name: _tuples(value) for name, value in settings.items()})


def _tuples(value: Any) -> Any:
    """A setting as it was before JSON, which knows no tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
