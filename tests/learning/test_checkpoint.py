"""A killed training goes on to the same last bit; what is damaged or foreign is refused, with the reason."""

import json
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from flowexec import Order
from flowexec.execution.presets import book_scenario
from flowexec.learning import checkpoint as module
from flowexec.learning.checkpoint import NAME, Checkpoint, describe, load_checkpoint, save_checkpoint
from flowexec.learning.ppo import train_ppo
from flowexec.learning.ppo_config import PPOConfig
from flowexec.learning.training import Monitor, train

SCENARIO = book_scenario("HH", n_steps=6)
CONFIG = PPOConfig(iterations=7, n_paths=32, orders_per_path=2, epochs=2, minibatches=2, hidden=(8,))


class Interrupted(Exception):
    """Somebody pulled the plug."""


def stop_at(iteration):
    def on_iteration(done, policy):
        if done == iteration:
            raise Interrupted

    return on_iteration


def same(one, other):
    for a, b in zip(one.policy.network.weights, other.policy.network.weights, strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(one.policy.network.biases, other.policy.network.biases, strict=True):
        assert np.array_equal(a, b)
    assert set(one.history) == set(other.history)
    for name, values in one.history.items():
        assert np.array_equal(values, other.history[name])
    assert one.policy.features == other.policy.features


# ---- resuming ----


@pytest.mark.parametrize("at", [1, 2, 3, 6])
def test_interrupted_training_resumes_to_the_same_final_weights(tmp_path, at):
    """Whether a checkpoint has just been written, one was a while ago, or none has been yet."""
    whole = train_ppo(SCENARIO, CONFIG, seed=1)
    with pytest.raises(Interrupted):
        train_ppo(SCENARIO, CONFIG, seed=1, monitor=Monitor(tmp_path, every=2, on_iteration=stop_at(at)))
    found = load_checkpoint(tmp_path)
    assert (found.iteration if found else 0) == at // 2 * 2
    seen = []
    monitor = Monitor(tmp_path, every=2, on_iteration=lambda done, policy: seen.append(done))
    same(train_ppo(SCENARIO, CONFIG, seed=1, monitor=monitor), whole)
    assert seen == list(range(at // 2 * 2 + 1, 8))
    # and what is finished is not done again
    same(train_ppo(SCENARIO, CONFIG, seed=1, monitor=Monitor(tmp_path, on_iteration=stop_at(1))), whole)


def test_killed_training_resumes_to_the_same_final_weights(tmp_path):
    """A process that gets no chance to tidy up."""
    program = """
import sys
from flowexec.learning.ppo import train_ppo
from flowexec.learning.training import Monitor
from tests.learning.test_checkpoint import CONFIG, SCENARIO
from dataclasses import replace
train_ppo(SCENARIO, replace(CONFIG, iterations=100_000), seed=1, monitor=Monitor(sys.argv[1], every=1))
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / NAME).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    errors = process.communicate()[1].decode()
    assert process.returncode == -signal.SIGKILL, errors
    done = load_checkpoint(tmp_path).iteration
    assert 0 < done < 100_000
    config = replace(CONFIG, iterations=100_000)
    ahead = done + 3
    monitor = Monitor(tmp_path, every=1, on_iteration=stop_at(ahead))
    with pytest.raises(Interrupted):
        train_ppo(SCENARIO, config, seed=1, monitor=monitor)
    with pytest.raises(Interrupted):
        train_ppo(
            SCENARIO,
            config,
            seed=1,
            monitor=Monitor(tmp_path / "whole", every=ahead, on_iteration=stop_at(ahead)),
        )
    one, other = load_checkpoint(tmp_path), load_checkpoint(tmp_path / "whole")
    assert one.iteration == other.iteration == ahead
    assert set(one.tensors) == set(other.tensors)
    for name, tensor in one.tensors.items():
        assert np.array_equal(tensor, other.tensors[name]), name


# ---- files ----


def write(folder, iteration=3, **identity):
    tensors = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array(2, dtype=np.int64)}
    save_checkpoint(folder, Checkpoint(iteration, tensors, {"version": module.__version__, **identity}))
    return tensors


def test_what_is_saved_is_loaded(tmp_path):
    assert load_checkpoint(tmp_path) is None
    tensors = write(tmp_path / "new" / "folder", seed=1)
    found = load_checkpoint(tmp_path / "new" / "folder", {"version": module.__version__, "seed": 1})
    assert found.iteration == 3
    for name, tensor in tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert np.array_equal(found.tensors[name], tensor)


def test_only_the_newest_stays_and_a_torn_write_leaves_the_one_before(tmp_path, monkeypatch):
    write(tmp_path, 3)
    write(tmp_path, 4)
    assert sorted(p.name for p in tmp_path.iterdir()) == [NAME, "iteration-000004.safetensors"]

    def torn(path, data):
        if path.name == NAME:
            raise OSError("no space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(module, "_replace", torn)
    with pytest.raises(OSError, match="no space left"):
        write(tmp_path, 5)
    monkeypatch.undo()
    assert load_checkpoint(tmp_path).iteration == 4


def test_nothing_is_ever_unpickled(tmp_path, refused):
    """A pickle in place of the tensors, and with their hash, is refused without being run."""

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "boom"), "w"))

    write(tmp_path)
    data = pickle.dumps(Bomb())
    (tmp_path / "iteration-000003.safetensors").write_bytes(data)
    record = json.loads((tmp_path / NAME).read_text())
    record["sha256"] = module.hashlib.sha256(data).hexdigest()
    (tmp_path / NAME).write_text(json.dumps(record))
    with pytest.raises(ValueError, match="is damaged"):
        load_checkpoint(tmp_path)
    assert not (tmp_path / "boom").exists()


def test_tensors_outside_the_folder_are_not_read(tmp_path):
    folder = tmp_path / "here"
    write(folder)
    (folder / "iteration-000003.safetensors").rename(tmp_path / "iteration-000003.safetensors")
    record = json.loads((folder / NAME).read_text())
    record["tensors"] = "../iteration-000003.safetensors"
    (folder / NAME).write_text(json.dumps(record))
    with pytest.raises(ValueError, match="is damaged"):
        load_checkpoint(folder)


# ---- refused ----


def test_damaged_checkpoints_are_refused(tmp_path):
    where = f"the checkpoint in {tmp_path} is damaged: "
    tensors = tmp_path / "iteration-000003.safetensors"

    def refused_with(sentence):
        with pytest.raises(ValueError, match="is damaged") as error:
            load_checkpoint(tmp_path)
        assert str(error.value).startswith(where + sentence)

    write(tmp_path)
    whole = tensors.read_bytes()
    tensors.write_bytes(whole[:-1])
    refused_with("iteration-000003.safetensors: its SHA-256 is another")
    tensors.write_bytes(whole[:-8] + b"12345678")
    refused_with("iteration-000003.safetensors: its SHA-256 is another")
    tensors.unlink()
    refused_with("iteration-000003.safetensors: [Errno 2] No such file")
    tensors.write_bytes(whole)
    good = (tmp_path / NAME).read_text()
    for bad in (good[:50], "[]", "{}", good.replace("3", "three", 1), ""):
        (tmp_path / NAME).write_text(bad)
        refused_with(f"{NAME} is no record of one")


def test_checkpoints_of_other_versions_are_refused(tmp_path, monkeypatch, refused):
    write(tmp_path)
    here = module.__version__
    monkeypatch.setattr(module, "__version__", "99.0")
    with refused(f"the checkpoint in {tmp_path} was written by flowexec {here}, and this is 99.0"):
        load_checkpoint(tmp_path)
    monkeypatch.setattr(module, "FORMAT", 2)
    with refused(f"the checkpoint in {tmp_path} has format 1, and this package reads 2"):
        load_checkpoint(tmp_path)


OTHERS = {
    "scenario.order.side": (
        "'sell' there and 'buy' here",
        {"scenario": book_scenario("HH", n_steps=6, side="buy")},
    ),
    "scenario.market.v0": (None, {"scenario": book_scenario("LH", n_steps=6)}),
    "scenario.risk_aversion": (None, {"scenario": replace(SCENARIO, risk_aversion=1e-6)}),
    "config.clip": ("0.2 there and 0.3 here", {"config": replace(CONFIG, clip=0.3)}),
    "config.iterations": ("7 there and 8 here", {"config": replace(CONFIG, iterations=8)}),
    "seed": ("1 there and 2 here", {"seed": 2}),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which a training has been."""
    folder = tmp_path_factory.mktemp("trained")
    train_ppo(SCENARIO, CONFIG, seed=1, monitor=Monitor(folder))
    return folder


@pytest.mark.parametrize("name", OTHERS)
def test_checkpoints_of_another_training_are_refused_with_the_difference(trained, name):
    words, other = OTHERS[name]
    arguments = {"scenario": SCENARIO, "config": CONFIG, "seed": 1} | other
    with pytest.raises(ValueError, match="is of another training") as error:
        train_ppo(**arguments, monitor=Monitor(trained))
    assert f"is of another training: `{name}` is {words or ''}" in str(error.value)
    assert "Choose another folder, or delete this one" in str(error.value)


def test_checkpoint_that_does_not_fit_its_description_is_refused(trained, tmp_path):
    found = load_checkpoint(trained)
    for change in ({"parameter.0": np.zeros((3, 3), np.float32)}, {"parameter.0": None}):
        tensors = {k: v for k, v in (found.tensors | change).items() if v is not None}
        save_checkpoint(tmp_path, found._replace(tensors=tensors))
        with pytest.raises(ValueError, match="does not fit its own description"):
            train_ppo(SCENARIO, CONFIG, seed=1, monitor=Monitor(tmp_path))


def test_record_says_what_was_trained(trained):
    record = json.loads((trained / NAME).read_text())
    assert record["iteration"] == 7
    identity = record["identity"]
    assert identity["algorithm"] == "PPO"
    assert identity["seed"] == 1
    assert identity["scenario"]["type"] == "flowexec.execution.scenario.Scenario"
    assert identity["scenario"]["market"]["kappa"] == 5.0
    assert identity["config"]["hidden"] == [8]


# ---- describing ----


def test_descriptions_differ_when_objects_do():
    order = Order("sell", 1e5, 1.0, 5)
    assert describe(order) == describe(Order("sell", 1e5, 1.0, 5))
    assert describe(order) != describe(Order("sell", 1e5, 1.0, 6))
    array = np.arange(6.0)
    assert describe(array) == describe(array.copy())
    for other in (array + 1e-9, array.astype(np.float32), array.reshape(2, 3)):
        assert describe(array) != describe(other)
    assert describe({"a": (1, 2.5, None, True, np.float64(3.0), np.inf)}) == {
        "a": [1, 2.5, None, True, 3.0, "inf"]
    }
    json.dumps(describe(SCENARIO))


def test_what_cannot_be_told_apart_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a checkpoint can tell dataclasses, numbers, text and arrays"):
        describe({"a": object()})


# ---- monitors ----


class Counting:
    """A learner that says how often it was asked; at `worst` it says something else."""

    def __init__(self, worst=None):
        self.count, self.worst = 0, worst

    def iterate(self, iteration):
        self.count += 1
        return {"count": self.count, "loss": np.nan if self.worst == iteration else 1.0 / (1 + iteration)}

    def tensors(self):
        return {"count": np.array(self.count)}

    def restore(self, tensors):
        self.count = int(tensors["count"])

    def policy(self):
        return self.count


def test_any_learner_can_be_trained(tmp_path):
    done = train(Counting(), 5, identity={"algorithm": "counting"}, monitor=Monitor(tmp_path, every=3))
    assert done.policy == 5
    assert np.array_equal(done.history["count"], np.arange(1.0, 6.0))
    again = train(Counting(), 5, identity={"algorithm": "counting"}, monitor=Monitor(tmp_path))
    assert again.policy == 5


def test_a_number_that_is_none_ends_the_training():
    with pytest.raises(RuntimeError, match=r"^`loss` is nan in iteration 3: training has diverged$"):
        train(Counting(worst=3), 5, identity={})


def test_tensorboard_holds_the_history_also_of_a_training_that_went_on(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(Interrupted):
        train(
            Counting(),
            5,
            identity={},
            monitor=Monitor(tmp_path, 2, tensorboard=True, on_iteration=stop_at(3)),
        )
    done = train(Counting(), 5, identity={}, monitor=Monitor(tmp_path, 2, tensorboard=True))
    written = EventAccumulator(str(tmp_path / "tensorboard"))
    written.Reload()
    for name in ("count", "loss"):
        events = written.Scalars(name)
        assert [e.step for e in events] == [0, 1, 2, 3, 4]
        np.testing.assert_allclose([e.value for e in events], done.history[name], rtol=1e-6)


def test_progress_bar_counts_from_where_it_went_on(tmp_path, capsys):
    with pytest.raises(Interrupted):
        train(Counting(), 5, identity={}, monitor=Monitor(tmp_path, 2, on_iteration=stop_at(2)))
    train(Counting(), 5, identity={}, monitor=Monitor(tmp_path, 2, progress=True))
    said = capsys.readouterr().err
    assert "5/5" in said
    assert "count=5" in said
    assert "0/5" not in said


def test_bad_monitors_are_refused(refused):
    with refused("`folder` must be a path, got 3"):
        Monitor(3)
    with refused("`every` must be a whole number, at least 1, got 0"):
        Monitor(every=0)
    with refused("`folder` must be given where `tensorboard` is True"):
        Monitor(tensorboard=True)
    with refused("`progress` must be True or False, got 1"):
        Monitor(progress=1)
    with refused("`on_iteration` must be callable, got 3"):
        Monitor(on_iteration=3)
