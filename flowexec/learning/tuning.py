"""The settings of a learner, searched by Optuna for the largest saving on paths that nobody trains on.

The learner may be any that makes a policy of a scenario, a config and a seed. All trials are judged on the
same paths, against the same baseline, path by path; so two of them differ by what they learned alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import __version__
from ..analytics.blocks import distinct_paths
from ..analytics.statistics import Estimate
from ..checks import check_count, check_kind
from ..execution.observation import Strategy
from ..execution.scenario import Scenario
from ..market.replay import OrderBookReplay
from ..strategies.schedules import TWAP
from .checkpoint import describe, make_folder
from .search_space import SearchRange, check_search
from .study import ERROR, FAILURE, SETTINGS, open_study, storage_errors, trials_left
from .trial import Judge, Trainer, TrialObjective
from .tuned_config import apply_settings, save_best

_LOG = logging.getLogger(__name__)
_VALIDATION = int.from_bytes(b"tune")
"""Names the stream of the validation paths: trainers spawn theirs by counting from 0."""
_POLL = 0.5
"""Seconds between two looks at trials that others are still running."""


class Tuned(NamedTuple):
    """What tuning found."""

    config: Any
    """The config of the best trial."""
    saving: Estimate
    """Its mean saving on the validation paths, bps. The best of many is also the luckiest of many: what the
    config is worth has to be measured on other paths."""
    trial: int
    """Its number in the study."""
    path: Path
    """The file that `best_config` reads."""
    finished: int
    """Trials with a saving."""
    pruned: int
    failed: int
    """Trials that ended by themselves without a saving; the log says why."""


def tune(
    train: Trainer,
    scenario: Scenario,
    config: Any,
    search: Mapping[str, SearchRange],
    *,
    study: str,
    folder: str | Path,
    n_trials: int,
    seed: int,
    storage: str | None = None,
    validation: Scenario | None = None,
    n_validation: int = 8192,
    baseline: Strategy | None = None,
    look_every: int = 10,
) -> Tuned:
    """Search the settings of `train` whose policy saves most, by the tree-structured Parzen estimator.

    A trial trains with settings from `search` and is worth its `paired_saving` on the validation paths, which
    depend on `seed` alone and are neither those of a training nor those that `scenario.sample` or `evaluate`
    draw for any seed in use. A trial that is below the median of the others, at the same number of
    iterations, is pruned. One whose training or saving is no number fails, is logged, and the study goes on.

    The study is kept in a database. Whoever calls `tune` with the same arguments goes on with it, after a
    kill, or at the same time from other processes or machines. Finished trials are never run again; those
    whose process has died are given up after a minute, and replaced. All callers return when `n_trials` have
    finished; a larger number goes on from there.

    Parameters
    ----------
    train : callable
        `train(scenario, config, *, seed)` gives a `TrainedPolicy`. If it has a parameter `monitor`, it is
        given a `Monitor` whose `on_iteration` it has to call.
    scenario : Scenario
        To train on.
    config : dataclass
        Holds the settings that are not searched.
    search : mapping of setting to SearchRange
        `LogUniform`, `Uniform`, `Integer` or `Choice` for fields of `config`.
    study : str
        A name. The best settings are kept in `folder`/`study`.json.
    folder : str or Path
    n_trials : int
        Trials that the study is to have in all, whoever ran them; each process beyond the first may add one.
    seed : int
        Decides the validation paths, the seed of every training, and what the sampler draws in each trial.
    storage : str, optional
        SQLAlchemy's URL of the database; by default an SQLite file, `folder`/`study`.db.
    validation : Scenario, optional
        To validate on; by default `scenario`. Where that replays part "train" of an order book, part "test".
    n_validation : int
        Paths to validate on; on a replayed order book no more than it has horizons, each of them once.
    baseline : Strategy, optional
        TWAP by default.
    look_every : int
        Iterations between two savings that the pruner sees.

    Raises
    ------
    ValueError
        When an argument breaks its rule, or the study is of another problem, naming the first difference.
    OSError
        When the database cannot be opened, is locked or is none.
    RuntimeError
        When no trial has a saving, with the reason of the last.

    Notes
    -----
    Bergstra, Bardenet, Bengio and Kégl (2011); Akiba et al. (2019). Pinned by
    `tests/learning/test_tuning.py`.
    """
    if not callable(train):
        raise ValueError(f"`train` must be callable, got {train!r:.80}")
    check_kind("scenario", scenario, Scenario)
    check_search(search, config)
    plain = isinstance(study, str) and study.isprintable() and Path(study).name == study
    if not plain or study in ("", ".."):
        raise ValueError(f"`study` must be a name that a file can have, got {study!r}")
    check_count("n_trials", n_trials)
    check_count("seed", seed, at_least=0)
    check_count("n_validation", n_validation, at_least=2)
    check_count("look_every", look_every)
    validation = _validation(scenario, validation)
    distinct = distinct_paths(validation)
    n_validation = n_validation if distinct is None else min(n_validation, distinct)
    baseline = TWAP() if baseline is None else baseline
    check_kind("baseline", baseline, Strategy)
    path = make_folder("folder", folder) / f"{study}.json"
    url = f"sqlite:///{path.with_suffix('.db').as_posix()}" if storage is None else storage
    judge = Judge(validation, n_validation, _validation_seed(seed), baseline)
    identity = {
        "version": __version__,
        "trainer": f"{train.__module__}.{getattr(train, '__qualname__', type(train).__qualname__)}",
        "scenario": scenario,
        "config": config,
        "search": search,
        "seed": seed,
        "judge": judge,
    }
    opened = open_study(study, url, describe(identity))
    objective = TrialObjective(train, scenario, config, search, judge, seed, look_every)
    with storage_errors(url):
        while any(left := trials_left(opened, n_trials)):
            to_start, _ = left
            if to_start:
                _run_trial(opened, objective)
                save_best(opened, path, config)
            else:
                time.sleep(_POLL)  # the last trials of others end, or are found to be lost
        save_best(opened, path, config)
        return _tuned(opened, path, config)


def _validation(scenario: Scenario, validation: Scenario | None) -> Scenario:
    """The scenario to validate on, whose paths are not those of the training."""
    validation = scenario if validation is None else validation
    check_kind("validation", validation, Scenario)
    ours, theirs = scenario.market, validation.market
    if isinstance(ours, OrderBookReplay) and isinstance(theirs, OrderBookReplay) and ours.book is theirs.book:
        here = ours.part, ours.interval, ours.train_share, scenario.order.n_steps
        there = theirs.part, theirs.interval, theirs.train_share, validation.order.n_steps
        if {ours.part, theirs.part} != {"train", "test"} or here[1:] != there[1:]:
            raise ValueError(
                "`validation` must replay the other part of the book that `scenario` replays, 'test' for "
                f"'train', with the same `interval`, `train_share` and `n_steps`; got {there} for {here}"
            )
    return validation


def _validation_seed(seed: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(_VALIDATION,)).generate_state(1, np.uint64)[0])


def _run_trial(study: Any, objective: TrialObjective) -> None:
    try:
        study.optimize(objective, n_trials=1)
    except ValueError as error:
        # a process that slept for longer than others waited for its signs of life
        if not str(error).startswith("Cannot tell a "):
            raise
        _LOG.warning("a trial was given up by another process while it ran; its result is dropped")


def _tuned(study: Any, path: Path, config: Any) -> Tuned:
    import optuna

    trials = study.get_trials(deepcopy=False)
    completed = sum(t.state == optuna.trial.TrialState.COMPLETE for t in trials)
    reasons = [t.user_attrs[FAILURE] for t in trials if FAILURE in t.user_attrs]
    if not completed:
        reason = f": {reasons[-1]}" if reasons else ", all were pruned"
        raise RuntimeError(f"no trial of {len(trials)} has a saving; the last failed{reason}")
    best = study.best_trial
    return Tuned(
        config=apply_settings(config, best.user_attrs[SETTINGS]),
        saving=Estimate(best.value, best.user_attrs[ERROR]),
        trial=best.number,
        path=path,
        finished=completed,
        pruned=sum(t.state == optuna.trial.TrialState.PRUNED for t in trials),
        failed=len(reasons),
    )
