"""The database that a study of trials lives in: opened, recognized, and shared by any number of processes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .checkpoint import first_difference

HEARTBEAT, GRACE = 10, 60
"""Seconds between two signs of life of a running trial, and without one after which it counts as lost."""

LOCK_TIMEOUT = 30.0
"""Seconds to wait for others to let go of an SQLite file; a trial's own writes take milliseconds."""

SETTINGS, ERROR, FAILURE = "settings", "standard_error", "failure"
"""Attributes of a trial: its part of the config, the error of its saving, or why it has none. A failed trial
that does not say why was lost, and is replaced."""

_IDENTITY = "flowexec"


def open_study(name: str, storage: str, identity: Mapping[str, Any]) -> Any:
    """The `optuna.Study` called `name` in the database at `storage`, made if it is not there.

    Parameters
    ----------
    name : str
    storage : str
        SQLAlchemy's URL of a database, such as "sqlite:///study.db" or "postgresql://user@host/db".
    identity : mapping
        What the trials are trials of, as plain data; the first difference refuses a study of something else.

    Raises
    ------
    ValueError
        When `storage` is no URL, has no driver here or keeps nothing, or the study is of something else than
        `identity`.
    OSError
        When the database cannot be opened, is locked, or is none.

    Notes
    -----
    Pinned by `tests/learning/test_tuning.py`.
    """
    import optuna

    with storage_errors(storage), _without_experimental_warnings():
        study = optuna.create_study(
            storage=_open_storage(storage),
            study_name=name,
            sampler=_sampler(0),  # until `seed_sampler` is called
            direction="maximize",  # the value is a saving
            pruner=optuna.pruners.MedianPruner(),
            load_if_exists=True,
        )
        known = study.user_attrs.get(_IDENTITY)
        if study.direction != optuna.study.StudyDirection.MAXIMIZE or (known is None and study.trials):
            raise ValueError(
                f"the study {name!r} in {_shown(storage)} was not made by `tune`. Choose another name"
            )
        if known is None:
            study.set_user_attr(_IDENTITY, dict(identity))
        elif reason := first_difference(known, identity):
            raise ValueError(
                f"the study {name!r} in {_shown(storage)} is of another problem: {reason}. "
                "Choose another name"
            )
    return study


def seed_sampler(study: Any, seed: int, number: int) -> None:
    """Let the sampler draw for trial `number` what depends on it, on `seed` and on the trials before alone.

    One generator for each process would draw the same trials again in another, and again after a restart.
    """
    entropy = np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1)
    study.sampler = _sampler(int(entropy[0]))


def announce(trial: Any, settings: Mapping[str, Any]) -> None:
    """Write down what a trial tries, but first that it lives.

    Optuna's thread signs too, but waits for the lock while the trial writes; a trial that is killed before
    the first sign would count as running for ever.
    """
    trial.study._storage.record_heartbeat(trial._trial_id)
    trial.set_user_attr(SETTINGS, dict(settings))


def trials_left(study: Any, n_trials: int) -> tuple[int, int]:
    """How many trials have to be started, and how many are running, until `n_trials` are finished.

    Trials whose process died are given up first. A trial is finished when it has a value, was pruned, or has
    failed for a reason of its own.
    """
    import optuna

    state = optuna.trial.TrialState
    with _without_experimental_warnings():
        optuna.storages.fail_stale_trials(study)
    trials = study.get_trials(deepcopy=False)
    finished = sum(
        t.state in (state.COMPLETE, state.PRUNED) or (t.state == state.FAIL and FAILURE in t.user_attrs)
        for t in trials
    )
    # those without settings may have died before their first sign of life, see `announce`
    running = sum(t.state == state.RUNNING and SETTINGS in t.user_attrs for t in trials)
    return max(n_trials - finished - running, 0), running if finished < n_trials else 0


@contextmanager
def storage_errors(storage: str) -> Iterator[None]:
    """What goes wrong with the database, in a sentence."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        yield
    except ArgumentError:
        raise ValueError(
            f"`storage` must be the URL of a database, such as 'sqlite:///study.db', got {_shown(storage)!r}"
        ) from None
    except (StorageInternalError, SQLAlchemyError) as error:
        raise OSError(_complaint(storage, error)) from error
    except (AssertionError, UnboundLocalError) as error:
        # what Optuna stumbles over when it cannot write down how a trial has ended
        if not isinstance(error.__context__, StorageInternalError):
            raise
        raise OSError(_complaint(storage, error.__context__)) from error


def _complaint(storage: str, error: BaseException) -> str:
    from optuna.exceptions import StorageInternalError

    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    reason = str(getattr(cause, "orig", cause)).strip()
    hints = {
        "locked": f": another program has held it for more than {LOCK_TIMEOUT:g} s",
        "unable to open": ": its folder must exist, and be writable",
        "not a database": ": it is some other file, or damaged",
    }
    hint = next((text for words, text in hints.items() if words in reason), "")
    return f"the study database {_shown(storage)} cannot be used: {reason}{hint}"


def _sampler(seed: int) -> Any:
    from optuna.samplers import TPESampler

    with _without_experimental_warnings():
        return TPESampler(
            seed=seed,
            multivariate=False,  # else it draws before the number of the trial is known
            constant_liar=True,  # keeps away from what others are just trying
        )


def _open_storage(storage: str) -> Any:
    """Optuna's storage at a URL, with signs of life."""
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    url = make_url(storage)
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and (not url.database or ":memory:" in url.database or url.query.get("mode") == "memory"):
        raise ValueError(f"`storage` must be a database that outlives its process, got {storage!r}")
    engine = {"connect_args": {"timeout": LOCK_TIMEOUT}} if sqlite else {}
    for _ in range(10):
        try:
            return RDBStorage(storage, engine, heartbeat_interval=HEARTBEAT, grace_period=GRACE)
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            # two processes that make the tables of a new database at once: one is late, and finds them made
            if not isinstance(error, IntegrityError) and "already exists" not in str(error):
                raise
            late = error
            time.sleep(0.1)
        except ImportError as error:
            raise ValueError(
                f"`storage` must be of a database whose driver is installed, got {_shown(storage)!r} "
                f"({error.__cause__})"
            ) from None
    raise late


def _shown(storage: str) -> str:
    """The URL without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(storage).render_as_string(hide_password=True)
    except ArgumentError:  # no URL
        return storage


@contextmanager
def _without_experimental_warnings() -> Iterator[None]:
    """Heartbeats and constant liars have been called experimental for years."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
