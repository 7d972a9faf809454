"""What is saved is loaded, and never run; what is damaged or foreign is refused, with the reason."""

import ast
import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowexec import Order
from flowexec.execution.presets import book_scenario
from flowexec.learning import checkpoint as module
from flowexec.learning.checkpoint import (
    NAME,
    Checkpoint,
    describe,
    first_difference,
    load_checkpoint,
    save_checkpoint,
)
from flowexec.learning.dqn import train_dqn
from flowexec.learning.ppo import train_ppo
from flowexec.learning.ppo_config import PPOConfig
from flowexec.learning.training import Monitor

SCENARIO = book_scenario("HH", n_steps=6)
CONFIG = PPOConfig(iterations=7, n_paths=32, orders_per_path=2, epochs=2, minibatches=2, hidden=(8,))


UNPICKLERS = {
    "pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve",
    "torch.load", "np.load", "numpy.load", "allow_pickle",
}  # fmt: skip


# ---- files ----


def write(folder, iteration=3, **identity):
    tensors = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array(2, dtype=np.int64)}
    save_checkpoint(folder, Checkpoint(iteration, tensors, {"version": module.__version__, **identity}))
    return tensors


def test_what_is_saved_is_loaded(tmp_path):
    assert load_checkpoint(tmp_path) is None
    tensors = write(tmp_path / "new" / "folder", seed=1)
    found = load_checkpoint(str(tmp_path / "new" / "folder"), {"version": module.__version__, "seed": 1})
    assert found.iteration == 3
    for name, tensor in tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert np.array_equal(found.tensors[name], tensor)


def test_only_the_newest_stays_and_a_torn_write_leaves_the_one_before(tmp_path, monkeypatch):
    write(tmp_path, 3)
    (tmp_path / "iteration-000004.safetensors.part").write_text("what a killed process")
    (tmp_path / "iteration-000005.safetensors.part").write_text("did not finish")
    write(tmp_path, 4)
    assert sorted(p.name for p in tmp_path.iterdir()) == [NAME, "iteration-000004.safetensors"]

    def torn(path, data):
        if path.name == NAME:
            raise OSError("no space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(module, "replace_file", torn)
    with pytest.raises(OSError, match="no space left"):
        write(tmp_path, 5)
    monkeypatch.undo()
    assert load_checkpoint(tmp_path).iteration == 4


def test_a_pickle_is_not_run(tmp_path):
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


def test_nothing_in_the_package_unpickles():
    """Neither a module that runs what it reads, nor numpy's or PyTorch's way to do so."""
    package = Path(module.__file__).parents[1]
    sources = sorted(package.rglob("*.py"))
    assert len(sources) > 100
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Import):
                named = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                named = {(node.module or "").split(".")[0]}
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                named = {f"{node.value.id}.{node.attr}"}
            else:
                named = {node.arg} if isinstance(node, ast.keyword) else set()
            assert not named & UNPICKLERS, (path.name, node.lineno)


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
    changed = [
        json.dumps(json.loads(good) | change)
        for change in (
            {"iteration": 2},  # which is not what the file of tensors is called
            {"iteration": 0, "tensors": "iteration-000000.safetensors"},
            {"iteration": "3"},
            {"iteration": np.inf},
            {"tensors": None},
            {"tensors": "../iteration-000003.safetensors"},
            {"identity": 3},
        )
    ]
    for bad in (good[:50], "[]", "{}", "null", "", 100_000 * "[", "\0", *changed):
        (tmp_path / NAME).write_text(bad)
        refused_with(f"{NAME} is no record of one")
    (tmp_path / NAME).write_bytes(b"\xff\xfe")
    refused_with(f"{NAME} is no record of one")
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    refused_with(f"{NAME} is no record of one")


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path, refused):
    for array in (np.array(["one"]), np.array([None])):
        with refused(f"`tensors['a']` must hold numbers, got {array.dtype}"):
            save_checkpoint(tmp_path / "new", Checkpoint(1, {"a": array}, {}))
    one = {"a": np.ones(1)}
    for iteration in (0, "1"):
        with refused(f"`iteration` must be a whole number, at least 1, got {iteration!r}"):
            save_checkpoint(tmp_path / "new", Checkpoint(iteration, one, {}))
    with refused(
        "`identity` must be plain data, as `describe` makes it: "
        "Object of type ndarray is not JSON serializable"
    ):
        save_checkpoint(tmp_path / "new", Checkpoint(1, one, {"curve": np.ones(2)}))
    with refused("`checkpoint` must be a Checkpoint, got {'a': 1}"):
        save_checkpoint(tmp_path / "new", {"a": 1})
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("here")
    with pytest.raises(
        ValueError, match=r"`folder` must be a folder that is there or can be made, got '.*file'"
    ):
        write(tmp_path / "file")
    with refused("`folder` must be a path, got 3"):
        write(3)


def test_a_checkpoint_of_one_s_own_needs_no_version_and_is_looked_for_in_a_folder(tmp_path, refused):
    save_checkpoint(tmp_path, Checkpoint(1, {"a": np.ones(1)}, {"seed": 3}))
    assert load_checkpoint(tmp_path).identity == {"version": module.__version__, "seed": 3}
    for wrong in (tmp_path / NAME, 3):
        with refused(f"`folder` must be the path of a folder, got {str(wrong)!r}"):
            load_checkpoint(wrong)


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


def test_checkpoints_of_another_algorithm_are_refused(trained, refused):
    sentence = (
        f"the checkpoint in {trained} is of another training: `algorithm` is 'PPO' there and 'DQN' here. "
        "Choose another folder, or delete this one"
    )
    with refused(sentence):
        train_dqn(SCENARIO, seed=1, monitor=Monitor(trained))


@pytest.mark.parametrize("name", OTHERS)
def test_checkpoints_of_another_training_are_refused_with_the_difference(trained, name):
    words, other = OTHERS[name]
    arguments = {"scenario": SCENARIO, "config": CONFIG, "seed": 1} | other
    before = {path.name: path.read_bytes() for path in trained.iterdir()}
    with pytest.raises(ValueError, match="is of another training") as error:
        train_ppo(**arguments, monitor=Monitor(trained))
    assert f"is of another training: `{name}` is {words or ''}" in str(error.value)
    assert "Choose another folder, or delete this one" in str(error.value)
    assert {path.name: path.read_bytes() for path in trained.iterdir()} == before


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


def test_the_first_difference_is_named():
    one = {"config": {"clip": 0.2, "hidden": [8]}, "seed": 1}
    assert first_difference(one, json.loads(json.dumps(one))) == ""
    for other, words in (
        (
            {"config": {"clip": 0.2, "hidden": [8, 8]}, "seed": 2},
            "`config.hidden` is [8] there and [8, 8] here",
        ),
        ({"config": 3, "seed": 1}, "`config` is {'clip': 0.2, 'hidden': [8]} there and 3 here"),
        ({"config": one["config"]}, "`seed` is there only"),
        ({**one, "new": 1}, "`new` is missing"),
        ({**one, "seed": True}, "`seed` is 1 there and True here"),
    ):
        assert first_difference(one, other) == words


def test_what_cannot_be_told_apart_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a checkpoint can tell dataclasses, numbers, text and arrays"):
        describe({"a": object()})
