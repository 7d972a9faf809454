"""Tuning finds a known best, in the right direction, and a study outlives and outgrows its processes."""

import json
import logging
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import optuna
import pytest
from sqlalchemy.exc import OperationalError

from flowexec import TWAP, AlmgrenChriss, Bachelier, Order, PowerImpact, Scenario, cost_sample
from flowexec.execution.presets import book_scenario
from flowexec.execution.walk_the_book import WalkTheBook
from flowexec.learning import study as study_module
from flowexec.learning.networks import TrainedPolicy
from flowexec.learning.pathwise import PathwiseConfig, train_policy
from flowexec.learning.search_space import Choice, Integer, LogUniform, Uniform
from flowexec.learning.trial import paired_saving
from flowexec.learning.tuned_config import best_config
from flowexec.learning.tuning import tune
from flowexec.market.order_book import DAY_SECONDS
from flowexec.market.replay import OrderBookReplay
from flowexec.market.synthetic_book import ZeroIntelligence

optuna.logging.set_verbosity(optuna.logging.ERROR)

SCENARIO = Scenario(
    Order("sell", 1e6, 5.0, 5),
    Bachelier(50.0, 0.95, spread=0.125),
    PowerImpact(2.5e-6, permanent=2.5e-7),
    1e-6,
)
"""Almgren and Chriss (2000)."""


@dataclass(frozen=True)
class Urgency:
    """As averse to risk as one trades, in units of 1e-6 per currency, and a label that changes nothing."""

    risk_aversion: float = 0.0
    label: tuple[str, ...] = ()
    pause: float = 0.0
    log: str = os.devnull

    def __post_init__(self):
        if self.risk_aversion > 1e5:
            raise ValueError(f"`risk_aversion` must be at most 1e5, got {self.risk_aversion}")


SEARCH = {"risk_aversion": LogUniform(1e-2, 1e2)}


def train_urgency(scenario, config, *, seed):
    """Learns nothing: the policy is the closed form for the config's risk aversion."""
    with Path(config.log).open("a") as log:
        log.write(f"start {os.getpid()} {config.risk_aversion!r}\n")
    time.sleep(config.pause)
    with Path(config.log).open("a") as log:
        log.write(f"end {os.getpid()} {config.risk_aversion!r}\n")
    return TrainedPolicy(AlmgrenChriss(1e-6 * config.risk_aversion), {})


def closed_form(risk_aversion):
    """The saving over TWAP of the plan for another risk aversion, bps."""

    def objective(aversion):
        plan = AlmgrenChriss(aversion).plan(
            SCENARIO.order, volatility=0.95, impact=SCENARIO.impact, spread=0.125
        )
        return plan.expected_cost + SCENARIO.risk_aversion * plan.variance

    return (objective(0.0) - objective(1e-6 * risk_aversion)) / (1e6 * 50.0) * 1e4


def search(folder, n_trials, *, train=train_urgency, config=None, space=None, **settings):
    """`tune` on few paths: without the noise of the price one would do."""
    scenario, seed = settings.pop("scenario", SCENARIO), settings.pop("seed", 1)
    return tune(
        train,
        scenario,
        Urgency() if config is None else config,
        SEARCH if space is None else space,
        study="urgency",
        folder=folder,
        n_trials=n_trials,
        seed=seed,
        **{"n_validation": 2, **settings},
    )


def trials(folder):
    return optuna.load_study(study_name="urgency", storage=f"sqlite:///{folder}/urgency.db").trials


@pytest.mark.parametrize("risk_aversion", [0.0, 0.03, 1.0, 40.0])
def test_saving_is_the_closed_form_whatever_the_paths(risk_aversion):
    saving = paired_saving(AlmgrenChriss(1e-6 * risk_aversion), SCENARIO, 3000, seed=2)
    assert saving.value == pytest.approx(closed_form(risk_aversion), abs=1e-9)
    assert saving.standard_error < 1e-9


def test_saving_is_paired_and_larger_for_whoever_costs_less():
    """Without risk aversion it is the mean difference of costs on the paths of `cost_sample`."""
    scenario = replace(book_scenario("HH"), risk_aversion=0.0)
    strategy = AlmgrenChriss(1e-6)
    saving = paired_saving(strategy, scenario, 3000, seed=3)
    ours, twap = (cost_sample(s, scenario, 3000, seed=3).controlled for s in (strategy, TWAP()))
    assert saving.value == pytest.approx((twap - ours).mean(), rel=1e-9)
    assert saving.value < 0  # without risk aversion haste costs
    assert paired_saving(TWAP(), scenario, 3000, seed=3) == (0.0, 0.0)
    assert paired_saving(TWAP(), scenario, 3000, seed=3, baseline=strategy).value == -saving.value


def test_the_known_best_is_found_and_used_by_the_next_training(tmp_path):
    """The best a trader can do is to trade with the scenario's own risk aversion, which is 1."""
    tuned = search(tmp_path, 18)
    best = closed_form(1.0)
    assert closed_form(1e2) < 0 < 0.98 * best < tuned.saving.value <= best + 1e-9
    assert 0.5 < tuned.config.risk_aversion < 2
    values = [t.value for t in trials(tmp_path)]
    assert np.mean(values[10:]) > np.mean(values[:10])  # the first ten are drawn at random
    assert (tuned.saving.value, tuned.trial) == (max(values), int(np.argmax(values)))
    assert (tuned.finished, tuned.pruned, tuned.failed) == (18, 0, 0)
    # the next training
    config = best_config(tuned.path, Urgency(label=("kept",)))
    assert config == replace(tuned.config, label=("kept",))
    policy = train_urgency(SCENARIO, config, seed=9).policy
    assert paired_saving(policy, SCENARIO, 100, seed=9).value == pytest.approx(tuned.saving.value, rel=1e-9)
    record = json.loads(tuned.path.read_text())
    assert record["settings"] == {"risk_aversion": config.risk_aversion}
    assert record["saving_bps"] == tuned.saving.value
    # whoever asks again gets the answer, and no trial is run
    assert search(tmp_path, 18) == tuned
    assert len(trials(tmp_path)) == 18


def test_a_real_learner_is_tuned_on_paths_it_has_not_seen(tmp_path):
    """One step of descent learns less than five; the score is that of a fresh training on the same paths."""
    scenario = book_scenario("HH", n_steps=4)
    space = {"iterations": Choice((1, 5)), "hidden": Choice(((2,), (4, 4)))}
    tuned = tune(
        train_policy,
        scenario,
        PathwiseConfig(n_paths=64),
        space,
        study="pathwise",
        folder=tmp_path,
        n_trials=4,
        seed=4,
        n_validation=1024,
    )
    assert tuned.config.iterations == 5
    assert tuned.config == best_config(tuned.path, PathwiseConfig(n_paths=64))
    assert isinstance(tuned.config.hidden, tuple)
    assert tuned.saving.value > 3 * tuned.saving.standard_error > 0
    policy = train_policy(scenario, tuned.config, seed=4).policy
    other = paired_saving(policy, scenario, 1024, seed=4)
    assert other.value != tuned.saving.value  # the seed of the training is not that of the validation
    error = math.hypot(other.standard_error, tuned.saving.standard_error)
    assert abs(other.value - tuned.saving.value) < 4 * error


@dataclass(frozen=True)
class Watched:
    """A market that remembers of which seed how many paths were drawn."""

    drawn: ClassVar[list[tuple[int, int]]] = []

    def simulate(self, n_paths, n_steps, horizon, *, seed, first_path=0, threads=None):
        self.drawn.append((n_paths, seed))
        return SCENARIO.market.simulate(n_paths, n_steps, horizon, seed=seed, first_path=first_path)


def test_validation_paths_are_of_a_seed_of_their_own(tmp_path):
    """Neither that of a training nor one that a user knows."""
    scenario, config = replace(SCENARIO, market=Watched()), PathwiseConfig((2,), n_paths=3, iterations=1)
    Watched.drawn.clear()
    search(tmp_path, 2, train=train_policy, scenario=scenario, config=config,
           space={"iterations": Integer(1, 2)}, n_validation=7, seed=5)  # fmt: skip
    training, validation = ({seed for n, seed in Watched.drawn if n == paths} for paths in (3, 7))
    assert len(validation) == 1
    assert not validation & (training | {5})


def test_draws_depend_on_the_seed_and_the_trial_alone(tmp_path):
    space = {"risk_aversion": Uniform(0.1, 3.0), "pause": Choice((0.0, 1e-6)), "label": Choice(((), ("a",)))}
    drawn = {}
    for name, seed, parts in [("whole", 1, [4]), ("pieces", 1, [2, 4]), ("other", 2, [4])]:
        for n_trials in parts:
            search(tmp_path / name, n_trials, space=space, seed=seed)
        drawn[name] = [t.params for t in trials(tmp_path / name)]
    assert drawn["whole"] == drawn["pieces"]
    assert drawn["whole"] != drawn["other"]
    assert len({p["risk_aversion"] for p in drawn["whole"]}) == 4
    assert {p["label"] for p in drawn["whole"]} == {"[]", '["a"]'}


def test_ranges_give_what_lies_in_them():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    ranges = {
        "uniform": Uniform(-1.0, 3.0),
        "log": LogUniform(1e-4, 1.0),
        "integer": Integer(-2, 1),
        "choice": Choice(((16, 16), None, True, 1)),
    }
    drawn = {name: [r.suggest(study.ask(), name) for _ in range(400)] for name, r in ranges.items()}
    uniform, log = np.array(drawn["uniform"]), np.log10(drawn["log"])
    for sample, low, high in [(uniform, -1.0, 3.0), (log, -4.0, 0.0)]:
        assert low <= sample.min() < sample.max() <= high
        assert abs(sample.mean() - (low + high) / 2) < 4 * (high - low) / math.sqrt(12 * 400)
    assert set(drawn["integer"]) == {-2, -1, 0, 1}
    assert {repr(value) for value in drawn["choice"]} == {"(16, 16)", "None", "True", "1"}


def test_trials_that_lag_behind_are_pruned(tmp_path):
    """A trainer that shows its policy as it goes is stopped where that saves less than the median."""
    reached = {}

    def train(scenario, config, *, seed, monitor):
        policy = AlmgrenChriss(1e-6 * config.risk_aversion)
        for iteration in range(1, 31):
            reached[config.risk_aversion] = iteration
            monitor.on_iteration(iteration, policy)
        return TrainedPolicy(policy, {})

    tuned = search(tmp_path, 12, train=train)
    assert tuned.pruned > 0
    assert tuned.finished + tuned.pruned == 12
    seen = []
    for trial in trials(tmp_path):
        saving = closed_form(trial.params["risk_aversion"])
        iteration = reached[trial.params["risk_aversion"]]
        if trial.state == optuna.trial.TrialState.PRUNED:
            assert iteration == 10
            assert saving < np.median(seen)
        else:
            assert iteration == 30
            assert sorted(trial.intermediate_values) == [10, 20, 30]
            seen.append(saving)
        assert trial.intermediate_values[10] == pytest.approx(saving, abs=1e-9)
    assert tuned.saving.value == pytest.approx(max(seen), abs=1e-9)


@dataclass(frozen=True)
class Broken:
    """A strategy of no numbers."""

    def trade(self, observation):
        return math.nan * observation.inventory


@dataclass(frozen=True)
class NoPrices:
    """A market that ends without a price."""

    def simulate(self, n_paths, n_steps, horizon, *, seed, first_path=0, threads=None):
        paths = SCENARIO.market.simulate(n_paths, n_steps, horizon, seed=seed, first_path=first_path)
        return replace(paths, mid=np.concatenate([paths.mid[:1], math.nan * paths.mid[1:]]))


def test_a_trial_without_a_number_fails_and_the_study_goes_on(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("optuna"), "propagate", True)
    trained = []

    def train(scenario, config, *, seed):
        trained.append(config)
        if len(trained) == 1:
            raise RuntimeError("`loss` is nan in iteration 3: training has diverged")
        return TrainedPolicy(Broken() if len(trained) == 2 else AlmgrenChriss(1e-6), {})

    space = {"risk_aversion": Choice((1.0, 1e6))}
    with caplog.at_level(logging.WARNING, "flowexec"), caplog.at_level(logging.WARNING, "optuna"):
        tuned = search(tmp_path, 7, train=train, space=space)
    assert tuned.finished + tuned.failed == 7
    assert tuned.saving.value == pytest.approx(closed_form(1.0), abs=1e-9)
    assert not any(record.exc_info for record in caplog.records)  # a sentence, and no traceback
    said = [record.getMessage() for record in caplog.records if record.name.startswith("flowexec")]
    assert len(said) == tuned.failed == sum(t.state.name == "FAIL" for t in trials(tmp_path))
    for reason in ("training has diverged", "`risk_aversion` must be at most 1e5", "got nan"):
        assert any(reason in message for message in said), reason
    assert search(tmp_path, 7, train=train, space=space) == tuned  # failures are finished, and not repeated


def test_a_study_without_any_saving_ends_with_the_reason(tmp_path):
    with pytest.raises(
        RuntimeError, match=r"^no trial of 2 has a saving; the last failed: the saving is nan$"
    ):
        search(tmp_path, 2, validation=replace(SCENARIO, market=NoPrices()))
    assert not (tmp_path / "urgency.json").exists()


@pytest.mark.parametrize("mistake", [KeyError("misspelled"), AssertionError("misspelled")], ids=repr)
def test_an_error_of_the_program_is_not_swallowed_and_its_trial_is_replaced(tmp_path, mistake):
    calls = []

    def train(scenario, config, *, seed):
        calls.append(config.risk_aversion)
        if len(calls) == 2:
            raise mistake
        return TrainedPolicy(TWAP(), {})

    with pytest.raises(type(mistake), match="misspelled"):
        search(tmp_path, 3, train=train)
    tuned = search(tmp_path, 3, train=train)
    assert (tuned.finished, tuned.failed, len(calls)) == (3, 0, 4)


def test_a_trial_says_that_it_lives_before_it_trains(tmp_path, monkeypatch):
    """Optuna's own thread may come too late for a process that is killed at once."""
    thread = optuna.storages._heartbeat.HeartbeatThread
    for method in ("start", "join"):
        monkeypatch.setattr(thread, method, lambda self: None)
    seen = []

    def train(scenario, config, *, seed):
        with sqlite3.connect(tmp_path / "urgency.db") as database:
            seen.extend(database.execute("SELECT count(*) FROM trial_heartbeats").fetchone())
        return TrainedPolicy(TWAP(), {})

    search(tmp_path, 2, train=train)
    assert seen == [1, 2]


def test_a_trial_given_up_while_it_ran_is_dropped(tmp_path, caplog):
    """As when a machine has slept for longer than the others waited."""
    gave_up = []

    def train(scenario, config, *, seed):
        if not gave_up:
            (running,) = trials(tmp_path)
            gave_up.append(running.number)
            with sqlite3.connect(tmp_path / "urgency.db") as database:
                database.execute("UPDATE trials SET state = 'FAIL' WHERE number = 0")
        return TrainedPolicy(TWAP(), {})

    tuned = search(tmp_path, 2, train=train)
    assert (tuned.finished, tuned.failed) == (2, 0)
    assert [t.state.name for t in trials(tmp_path)] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert "given up by another process" in caplog.text


def work(folder, n_trials=6):
    """What each process of a shared study does: trials that take a moment, soon given up when it dies."""
    study_module.HEARTBEAT, study_module.GRACE = 1, 2
    return search(folder, n_trials, config=Urgency(pause=0.3, log=str(folder / "log")))


def worker(folder):
    """`work` in a process of its own, which prints what it found."""
    code = f"from pathlib import Path; from {__name__} import work; print(work(Path({str(folder)!r})).saving)"
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, env=environment, stdout=subprocess.PIPE, text=True
    )


def events(folder):
    log = folder / "log"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def test_a_killed_study_resumes_and_two_processes_share_it(tmp_path, monkeypatch):
    """Killed in its third trial, then finished by two at once: all train once, but the lost one."""
    first = worker(tmp_path)
    deadline = time.monotonic() + 60
    while sum(kind == "start" for kind, *_ in events(tmp_path)) < 3:
        assert time.monotonic() < deadline
        assert first.poll() is None
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = events(tmp_path)
    assert [kind for kind, *_ in before] == ["start", "end", "start", "end", "start"]
    assert best_config(tmp_path / "urgency.json", Urgency()).risk_aversion in {float(e[2]) for e in before}

    monkeypatch.setattr(study_module, "HEARTBEAT", 1)
    monkeypatch.setattr(study_module, "GRACE", 2)
    second = worker(tmp_path)
    while len(events(tmp_path)) == len(before):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    tuned = work(tmp_path)
    answer, _ = second.communicate(timeout=60)
    assert second.returncode == 0
    assert answer.strip() == str(tuned.saving)  # both waited for the last trial
    ended = [(int(pid), drawn) for kind, pid, drawn in events(tmp_path) if kind == "end"]
    assert {pid for pid, _ in ended} == {first.pid, second.pid, os.getpid()}
    assert len({drawn for _, drawn in ended}) == len(ended)
    states = [t.state.name for t in trials(tmp_path)]
    assert states[2] == "FAIL"  # the lost one, given up
    assert sorted({*states[:2], *states[3:]}) == ["COMPLETE"]
    assert states.count("COMPLETE") == len(ended) in (6, 7)  # two may begin the last one at once
    best = max(closed_form(float(drawn)) for _, drawn in ended)
    assert tuned.saving.value == pytest.approx(best, abs=1e-9)


def test_a_study_of_another_problem_is_refused_with_the_reason(tmp_path, refused):
    search(tmp_path, 1)
    shown = f"sqlite:///{tmp_path}/urgency.db"

    def other(reason):
        return refused(f"the study 'urgency' in {shown} is of another problem: {reason}. Choose another name")

    with other("`scenario.risk_aversion` is 1e-06 there and 2e-06 here"):
        search(tmp_path, 1, scenario=replace(SCENARIO, risk_aversion=2e-6))
    with other("`search.risk_aversion.high` is 100.0 there and 10.0 here"):
        search(tmp_path, 1, space={"risk_aversion": LogUniform(1e-2, 10.0)})
    with other("`config.pause` is 0.0 there and 1.0 here"):
        search(tmp_path, 1, config=Urgency(pause=1.0))
    with other("`seed` is 1 there and 2 here"):
        search(tmp_path, 1, seed=2)
    with other("`judge.n_paths` is 2 there and 3 here"):
        search(tmp_path, 1, n_validation=3)
    optuna.create_study(study_name="urgency", storage=f"sqlite:///{tmp_path}/foreign.db")
    with refused(
        f"the study 'urgency' in sqlite:///{tmp_path}/foreign.db was not made by `tune`. Choose another name"
    ):  # it minimizes
        search(tmp_path, 1, storage=f"sqlite:///{tmp_path}/foreign.db")


def test_a_database_that_cannot_be_used_is_named_with_the_cause(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(study_module, "LOCK_TIMEOUT", 0.1)
    search(tmp_path, 1)
    holder = sqlite3.connect(tmp_path / "urgency.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OSError, match=r"urgency\.db cannot be used: .*locked: another program has held it"):
        search(tmp_path, 2)
    holder.execute("ROLLBACK")
    holder.close()
    search(tmp_path, 2)
    missing = tmp_path / "missing" / "study.db"
    with pytest.raises(OSError, match=r"missing/study\.db cannot be used: .*: its folder must exist"):
        search(tmp_path, 1, storage=f"sqlite:///{missing}")
    (tmp_path / "letter.db").write_text("Dear all, this is no database." * 100)
    with pytest.raises(OSError, match=r"letter\.db cannot be used: .*: it is some other file, or damaged"):
        search(tmp_path, 1, storage=f"sqlite:///{tmp_path}/letter.db")
    with refused("`storage` must be the URL of a database, such as 'sqlite:///study.db', got 'study.db'"):
        search(tmp_path, 1, storage="study.db")
    with refused(
        "`storage` must be the URL of a database, such as 'sqlite:///study.db', got 'x://me:***@y/z'"
    ):
        search(tmp_path, 1, storage="x://me:secret@y/z")
    for storage in ("sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"):
        with refused(f"`storage` must be a database that outlives its process, got {storage!r}"):
            search(tmp_path, 1, storage=storage)
    with refused(
        "`storage` must be of a database whose driver is installed, got 'sqlite+pysqlcipher://:***@/x' "
        "(No module named 'pysqlcipher3')"
    ):
        search(tmp_path, 1, storage="sqlite+pysqlcipher://:secret@/x")


@pytest.mark.parametrize(("late", "words"), [(2, None), (99, "already exists"), (1, "no such column")])
def test_who_comes_late_to_a_new_database_finds_its_tables_made(tmp_path, monkeypatch, late, words):
    """Two that make them at once: one is told that they are there. Whatever else is said is an error."""
    make, calls = optuna.storages.RDBStorage.__init__, []

    def begin(storage, *args, **kwargs):
        calls.append(args)
        if len(calls) <= late:
            cause = Exception(words or "table studies already exists")
            raise OperationalError("CREATE TABLE studies", {}, cause)
        make(storage, *args, **kwargs)

    monkeypatch.setattr(optuna.storages.RDBStorage, "__init__", begin)
    monkeypatch.setattr(study_module.time, "sleep", lambda seconds: None)
    if words is None:
        assert search(tmp_path, 1).finished == 1
    else:
        with pytest.raises(OSError, match=f"cannot be used: .*{words}"):
            search(tmp_path, 1)
    assert len(calls) == {2: 3, 99: 10, 1: 1}[late]


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_database_that_is_locked_during_a_trial_is_named_too(tmp_path, monkeypatch, lock):
    """Not even its failure can be written down; whoever comes later replaces the trial."""
    monkeypatch.setattr(study_module, "LOCK_TIMEOUT", 0.1)
    monkeypatch.setattr(study_module, "HEARTBEAT", 1)
    monkeypatch.setattr(study_module, "GRACE", 2)
    holder = sqlite3.connect(tmp_path / "urgency.db", isolation_level=None)
    held = []

    def train(scenario, config, *, seed):
        if not held:
            held.append(holder.execute(f"BEGIN {lock}"))
        return TrainedPolicy(TWAP(), {})

    with pytest.raises(OSError, match=r"urgency\.db cannot be used: .*locked: another program has held it"):
        search(tmp_path, 1, train=train)
    holder.execute("ROLLBACK")
    holder.close()
    assert search(tmp_path, 1, train=train).finished == 1
    assert [t.state.name for t in trials(tmp_path)] == ["FAIL", "COMPLETE"]


def test_bad_input_is_refused(tmp_path, refused):
    for kind in (Uniform, LogUniform, Integer):
        with refused("`low` must be less than `high`, or nothing is to be searched, got 2 and 2"):
            kind(2, 2)
    with refused("`low` must be greater than 0, got 0.0"):
        LogUniform(0.0, 1.0)
    with refused("`high` must be a finite number, got inf"):
        Uniform(0.0, math.inf)
    with refused("`values` must be a tuple of at least one value, got ()"):
        Choice(())
    with refused("`values` must differ from one another, got (1, 1)"):
        Choice((1, 1))
    with refused("`values` must be numbers, texts, flags, None or tuples of such, got (nan,)"):
        Choice((math.nan,))
    with refused("`search` must say where at least one setting may lie, got {}"):
        search(tmp_path, 1, space={})
    with refused(
        "`search` must name settings of Urgency, which has risk_aversion, label, pause, log, got 'rate'"
    ):
        search(tmp_path, 1, space={"rate": Uniform(0.0, 1.0)})
    with refused("`search['pause']` must be LogUniform, Uniform, Integer or Choice, got 3"):
        search(tmp_path, 1, space={"pause": 3})
    with refused("`config` must be an object of a dataclass, got 3"):
        search(tmp_path, 1, config=3)
    with refused("`train` must be callable, got 3"):
        search(tmp_path, 1, train=3)
    with refused("`n_trials` must be a whole number, at least 1, got 0"):
        search(tmp_path, 0)
    for study in ("../x", "a/b", "", ".", "..", "a\0b", 3):
        with refused(f"`study` must be a name that a file can have, got {study!r}"):
            tune(train_urgency, SCENARIO, Urgency(), SEARCH, study=study, folder=tmp_path, n_trials=1, seed=1)
    with refused("`folder` must be a path, got 3"):
        search(3, 1)
    (tmp_path / "file").write_text("here")
    with pytest.raises(ValueError, match="`folder` must be a folder that is there or can be made, got"):
        search(tmp_path / "file", 1)
    with refused("`baseline` must be a Strategy, got 3"):
        paired_saving(TWAP(), SCENARIO, 2, seed=1, baseline=3)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with refused("`config` must be an object of a dataclass, got 3"):
        best_config(tmp_path / "none.json", 3)
    with refused(f"`path` must be a file that `tune` has written, and {tmp_path / 'none.json'} is not there"):
        best_config(tmp_path / "none.json", Urgency())
    path = search(tmp_path, 1).path
    with refused(
        f"`config` must be a Urgency, whose settings {path} holds, got {str(PathwiseConfig())!r:.80}".replace(
            "'", ""
        )
    ):
        best_config(path, PathwiseConfig())
    good = json.loads(path.read_text())
    for settings, reason in (
        ({"rate": 1.0}, "unexpected keyword argument 'rate'"),
        ({"risk_aversion": 1e6}, "1e5"),
    ):
        path.write_text(json.dumps(good | {"settings": settings}))
        with pytest.raises(ValueError, match=f"`path` must hold settings of a Urgency, got .*{reason}"):
            best_config(path, Urgency())
    for bad in ("{", "[]", "null", 100_000 * "[", json.dumps(good | {"settings": [1]})):
        path.write_text(bad)
        with pytest.raises(ValueError, match="`path` must be a file that `tune` has written"):
            best_config(path, Urgency())
    with pytest.raises(ValueError, match="`path` must be a file that `tune` has written"):
        best_config(tmp_path, Urgency())


def test_a_recorded_book_is_not_validated_on_what_it_trains_on(tmp_path, refused):
    book = ZeroIntelligence().simulate_day(seed=1, session=(34_200.0, 34_800.0))
    order = replace(SCENARIO.order, shares=100.0, horizon=5 * 5.0 / DAY_SECONDS)

    def part(which, **other):
        return Scenario(order, OrderBookReplay(book, part=which, **other), WalkTheBook())

    train, test = part("train"), part("test")
    longer = replace(test, order=replace(order, horizon=2 * order.horizon, n_steps=10))
    cut = (5.0, 0.75, 5)
    for scenario, validation, here, there in (
        (train, None, ("train", *cut), ("train", *cut)),
        (part("all"), test, ("all", *cut), ("test", *cut)),
        (train, part("test", train_share=0.5), ("train", *cut), ("test", 5.0, 0.5, 5)),
        (train, longer, ("train", *cut), ("test", 5.0, 0.75, 10)),
    ):
        with refused(
            "`validation` must replay the other part of the book that `scenario` replays, 'test' for "
            f"'train', with the same `interval`, `train_share` and `n_steps`; got {there} for {here}"
        ):
            search(tmp_path, 1, scenario=scenario, validation=validation)
    with refused("`validation` must be a Scenario, got 3"):
        search(tmp_path, 1, scenario=train, validation=3)
    assert not list(tmp_path.iterdir())
    tuned = search(
        tmp_path, 1, scenario=train, validation=test, train=lambda *args, seed: TrainedPolicy(TWAP(), {})
    )
    assert tuned.saving == (0.0, 0.0)
