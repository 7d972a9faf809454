"""A training that is interrupted or killed goes on to the same last bit; what it says can be watched."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from flowexec.execution.presets import book_scenario
from flowexec.learning.checkpoint import NAME, load_checkpoint, save_checkpoint
from flowexec.learning.dqn import train_dqn
from flowexec.learning.dqn_config import DQNConfig
from flowexec.learning.ppo import train_ppo
from flowexec.learning.ppo_config import PPOConfig
from flowexec.learning.training import Monitor, optimizer_tensors, restore_optimizer, train

SCENARIO = book_scenario("HH", n_steps=6)
CONFIG = PPOConfig(iterations=7, n_paths=32, orders_per_path=2, epochs=2, minibatches=2, hidden=(8,))
LONG = {
    "PPO": (train_ppo, replace(CONFIG, iterations=24)),
    "DQN": (
        train_dqn,
        DQNConfig(hidden=(8,), memory="gru", memory_size=4, iterations=24, orders=16, batch_orders=8,
                  updates=2, target_every=5, capacity=100),
    ),
}  # fmt: skip
"""Trainings that take a moment; the memory of the second wraps around."""


class Interrupted(Exception):
    """Somebody pulled the plug."""


def stop_at(iteration):
    def on_iteration(done, policy):
        if done == iteration:
            raise Interrupted

    return on_iteration


def same(one, other):
    """Two checkpoints, to the last bit: weights, optimizer, memory, history."""
    assert one.iteration == other.iteration
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        assert np.array_equal(tensor, other.tensors[name]), name


# ---- resuming ----


@pytest.mark.parametrize("at", [1, 2, 3, 6])
def test_interrupted_training_resumes_to_the_same_final_weights(tmp_path, at):
    """Whether a checkpoint has just been written, one was a while ago, or none has been yet."""
    folder, whole = tmp_path / "folder", tmp_path / "whole"
    expected = train_ppo(SCENARIO, CONFIG, seed=1, monitor=Monitor(whole))
    with pytest.raises(Interrupted):
        train_ppo(SCENARIO, CONFIG, seed=1, monitor=Monitor(folder, every=2, on_iteration=stop_at(at)))
    found = load_checkpoint(folder)
    assert (found.iteration if found else 0) == at // 2 * 2
    seen = []
    monitor = Monitor(folder, every=2, on_iteration=lambda done, policy: seen.append(done))
    train_ppo(SCENARIO, CONFIG, seed=1, monitor=monitor)
    same(load_checkpoint(folder), load_checkpoint(whole))
    assert seen == list(range(at // 2 * 2 + 1, 8))
    # and what is finished is not done again
    again = train_ppo(SCENARIO, CONFIG, seed=1, monitor=Monitor(folder, on_iteration=stop_at(1)))
    assert again.history.keys() == expected.history.keys()
    for name, values in expected.history.items():
        assert np.array_equal(again.history[name], values)
    problem = SCENARIO.sample(50, seed=2)
    seen = problem.observe(problem.start())
    assert np.array_equal(again.policy.trade(seen), expected.policy.trade(seen))


def work(name, folder):
    """What a process does until it is killed: the training of `LONG`, at leisure."""
    learn, config = LONG[name]
    monitor = Monitor(folder, every=1, on_iteration=lambda done, policy: time.sleep(0.02))
    learn(SCENARIO, config, seed=1, monitor=monitor)


def test_killed_training_resumes_to_the_same_final_weights(tmp_path):
    """Processes that get no chance to tidy up, in the middle of their trainings."""
    processes = {}
    for name in LONG:
        code = f"from {__name__} import work; work({name!r}, {str(tmp_path / name)!r})"
        root = Path(__file__).resolve().parents[2]
        processes[name] = subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    for name, process in processes.items():
        record = tmp_path / name / NAME
        while not record.exists() or json.loads(record.read_bytes())["iteration"] < 5:
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    for name, (learn, config) in LONG.items():
        killed, whole = tmp_path / name, tmp_path / f"whole {name}"
        begun, seen = load_checkpoint(killed).iteration, []
        assert 5 <= begun < config.iterations
        monitor = Monitor(killed, on_iteration=lambda done, policy, seen=seen: seen.append(done))
        learn(SCENARIO, config, seed=1, monitor=monitor)
        assert seen == list(range(begun + 1, config.iterations + 1))
        learn(SCENARIO, config, seed=1, monitor=Monitor(whole, every=config.iterations))
        same(load_checkpoint(killed), load_checkpoint(whole))


# ---- what does not fit ----


def trained(name, folder):
    learn, config = LONG[name]
    learn(SCENARIO, replace(config, iterations=7), seed=1, monitor=Monitor(folder))
    return load_checkpoint(folder)


MISFITS = {
    "PPO": {
        "'parameter.0' is missing": {"parameter.0": None},
        "The size of tensor a": {"parameter.0": np.zeros((3, 3), np.float32)},
        "parameter.0 cannot be restored": {"parameter.0": np.zeros((1, 1), np.float32)},
        "parameter.99 cannot be restored": {"parameter.99": np.zeros(3)},
        "it has the optimizer's state of 9 parameters, not 8": {"optimizer.8.step": np.array(1.0)},
        "the optimizer's state of parameter 5 has other parts": {"optimizer.5.exp_avg": None},
        "optimizer.0.exp_avg has shape (3,)": {"optimizer.0.exp_avg": np.zeros(3, np.float32)},
        "history.kl has shape (2,)": {"history.kl": np.zeros(2)},
    },
    "DQN": {
        "'learning.0' is missing": {"learning.0": None},
        "target.0 cannot be restored": {"target.0": np.zeros((1, 1))},
        "'state' is missing": {"state": None},
        "the optimizer's state of parameter 1 has other parts": {"optimizer.0.exp_avg": None},
    },
}
"""What is said of a checkpoint in which tensors are others, or missing."""


@pytest.mark.parametrize("name", MISFITS)
def test_checkpoint_that_does_not_fit_its_description_is_refused(name, tmp_path):
    """Nothing is broadcast, begun anew or ignored, and the checkpoint stays as it is."""
    found = trained(name, tmp_path)
    for sentence, change in MISFITS[name].items():
        tensors = {k: v for k, v in (found.tensors | change).items() if v is not None}
        save_checkpoint(tmp_path, found._replace(tensors=tensors))
        before = (tmp_path / NAME).read_bytes()
        with pytest.raises(ValueError, match="does not fit its own description: ") as error:
            trained(name, tmp_path)
        assert sentence in str(error.value)
        assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.filterwarnings("error")
def test_state_of_an_optimizer_goes_through_arrays():
    """It goes on as if it had been left alone, and neither PyTorch nor numpy has anything to warn of."""

    def begin():
        parameters = [torch.ones(2, 3, requires_grad=True), torch.ones(4, requires_grad=True)]
        return parameters, torch.optim.Adam(parameters, lr=0.1)

    def descend(parameters, optimizer):
        optimizer.zero_grad()
        sum((p**3).sum() for p in parameters).backward()
        optimizer.step()

    parameters, optimizer = begin()
    descend(parameters, optimizer)
    tensors, at = optimizer_tensors(optimizer), [p.detach().clone() for p in parameters]
    descend(parameters, optimizer)
    others, fresh = begin()
    for other, here in zip(others, at, strict=True):
        other.data.copy_(here)
    restore_optimizer(fresh, tensors)
    descend(others, fresh)
    for one, other in zip(parameters, others, strict=True):
        assert torch.equal(one, other)
    for name, tensor in optimizer_tensors(fresh).items():
        assert np.array_equal(tensor, optimizer_tensors(optimizer)[name])
        assert not np.array_equal(tensor, tensors[name])  # which are copies


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


def test_what_goes_wrong_says_in_which_iteration():
    class Failing(Counting):
        def iterate(self, iteration):
            if iteration == 3:
                raise ValueError("the reward of order 2 is nan in step 1: `mid` of step 2 is nan")
            return super().iterate(iteration)

    with pytest.raises(ValueError, match=r"^the reward of order 2 is nan in step 1") as error:
        train(Failing(), 5, identity={})
    assert error.value.__notes__ == ["in iteration 3 of the training"]


def test_weights_that_are_no_numbers_end_the_training_and_are_not_kept(tmp_path):
    """As a last step of descent may leave them, after the loss was said."""

    class Diverging(Counting):
        def tensors(self):
            return {"count": np.array(self.count), "weight": np.array(1.0 if self.count < 4 else np.inf)}

    sentence = r"^`weight` is not finite after iteration 3: training has diverged$"
    for monitor in (None, Monitor(tmp_path, every=2)):
        with pytest.raises(RuntimeError, match=sentence):
            train(Diverging(), 4, identity={}, monitor=monitor)
    assert load_checkpoint(tmp_path).iteration == 2


def test_folder_that_cannot_be_made_ends_the_training_before_it_begins(tmp_path):
    (tmp_path / "file").write_text("here")
    before = [*tmp_path.iterdir()]
    with pytest.raises(ValueError, match="a checkpoint can tell dataclasses, numbers, text and arrays"):
        train(Counting(), 5, identity={"market": object()}, monitor=Monitor(tmp_path / "new"))
    assert [*tmp_path.iterdir()] == before
    for folder in (tmp_path / "file", tmp_path / "file" / "folder"):
        learner = Counting()
        with pytest.raises(ValueError, match="`folder` must be a folder that is there or can be made, got"):
            train(learner, 5, identity={}, monitor=Monitor(folder))
        assert learner.count == 0


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
    with refused("`monitor` must be a Monitor, got 'folder'"):
        train(Counting(), 5, identity={}, monitor="folder")
