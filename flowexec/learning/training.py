"""The loop around every learner: iterations, their history, checkpoints, TensorBoard and a progress bar."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import __version__
from ..checks import check_count, check_flag, check_kind
from ..execution.observation import Strategy
from .checkpoint import Checkpoint, describe, load_checkpoint, make_folder, save_checkpoint
from .networks import TrainedPolicy

HISTORY = "history."
"""How the names of a checkpoint's tensors begin that are columns of the history."""

DIVERGED = "training has diverged"


class Learner(Protocol):
    """What learns, one iteration at a time."""

    def iterate(self, iteration: int) -> Mapping[str, float]:
        """Learn a little, and say how it went; what is drawn depends on `iteration` and a seed alone."""
        ...

    def tensors(self) -> dict[str, np.ndarray]:
        """All that is to be known to go on from here."""
        ...

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Go on from what `tensors` said."""
        ...

    def policy(self) -> Strategy:
        """What has been learned so far."""
        ...


@dataclass(frozen=True)
class Monitor:
    """What is seen and kept of a training while it goes on.

    Parameters
    ----------
    folder : str or Path, optional
        Where checkpoints are kept. A training that finds one of its own there goes on from it, to the same
        last bit as if it had never been interrupted; one of another scenario, config, seed or version is
        refused with the reason. One that is finished is handed back at once.
    every : int
        Iterations between two checkpoints; there is one at the end as well.
    tensorboard : bool
        Whether the history also goes to `folder`/tensorboard as it arises, for `tensorboard --logdir`.
    progress : bool
        Whether a progress bar shows.
    on_iteration : callable, optional
        Called with the number of iterations done and the policy after each; what it raises ends the training.

    Notes
    -----
    Pinned by `tests/learning/test_training.py`.
    """

    folder: str | Path | None = None
    every: int = 10
    tensorboard: bool = False
    progress: bool = False
    on_iteration: Callable[[int, Strategy], None] | None = None

    def __post_init__(self) -> None:
        if self.folder is not None and not isinstance(self.folder, str | Path):
            raise ValueError(f"`folder` must be a path, got {self.folder!r}")
        check_count("every", self.every)
        check_flag("tensorboard", self.tensorboard)
        check_flag("progress", self.progress)
        if self.tensorboard and self.folder is None:
            raise ValueError("`folder` must be given where `tensorboard` is True")
        if self.on_iteration is not None and not callable(self.on_iteration):
            raise ValueError(f"`on_iteration` must be callable, got {self.on_iteration!r}")


def train(
    learner: Learner, iterations: int, *, identity: Mapping[str, Any], monitor: Monitor | None = None
) -> TrainedPolicy:
    """Let `learner` iterate, from the checkpoint that `monitor` finds or from the start.

    Parameters
    ----------
    learner : Learner
    iterations : int
    identity : mapping
        What decides the result: algorithm, scenario, config, seed. The package version is added.
    monitor : Monitor, optional

    Raises
    ------
    ValueError
        When the folder cannot be made, or its checkpoint is damaged or of another training.
    RuntimeError
        When an iteration says or leaves something that is not finite; the checkpoint before stays.

    Notes
    -----
    Pinned by `tests/learning/test_training.py`.
    """
    monitor = Monitor() if monitor is None else monitor
    check_kind("monitor", monitor, Monitor)
    folder, known, start = None, {}, 0
    history: dict[str, list[float]] = {}
    if monitor.folder is not None:
        known = {"version": __version__, **describe(identity)}
        folder = make_folder("folder", monitor.folder)
        if found := load_checkpoint(folder, known):
            start = found.iteration
            _restore(learner, found, history, folder)
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        show = stack.enter_context(_progress_bar(start, iterations) if monitor.progress else _silence())
        log = stack.enter_context(_tensorboard(folder, start) if monitor.tensorboard else _silence())
        for iteration in range(start, iterations):
            try:
                said = learner.iterate(iteration)
            except Exception as error:
                error.add_note(f"in iteration {iteration} of the training")
                raise
            for name, value in said.items():
                if not math.isfinite(value):
                    raise RuntimeError(f"`{name}` is {value} in iteration {iteration}: {DIVERGED}")
                history.setdefault(name, []).append(float(value))
            show(iteration, said)
            log(iteration, said)
            done = iteration + 1
            if done == iterations or (folder is not None and done % monitor.every == 0):
                tensors = learner.tensors()
                if bad := [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]:
                    raise RuntimeError(f"`{bad[0]}` is not finite after iteration {iteration}: {DIVERGED}")
                if folder is not None:
                    columns = {f"{HISTORY}{name}": np.array(values) for name, values in history.items()}
                    save_checkpoint(folder, Checkpoint(done, tensors | columns, known))
            if monitor.on_iteration is not None:
                monitor.on_iteration(done, learner.policy())
    return TrainedPolicy(learner.policy(), {name: np.array(values) for name, values in history.items()})


@contextmanager
def one_thread() -> Iterator[None]:
    """Batches of a few thousand are too small to share, and the bits must not depend on the machine."""
    import torch  # what is above serves learners without it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def optimizer_tensors(optimizer: Any) -> dict[str, np.ndarray]:
    """The state of a torch optimizer, number by parameter and name."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer.{i}.{name}": value.detach().cpu().numpy().copy()
        for i, values in state.items()
        for name, value in values.items()
    }


def restore_optimizer(optimizer: Any, tensors: Mapping[str, np.ndarray]) -> None:
    """The way back from `optimizer_tensors`.

    Raises
    ------
    ValueError
        When not every parameter has its own state; a torch optimizer would begin anew without a word.
    """
    import torch

    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, number, part = key.split(".")
            state.setdefault(int(number), {})[part] = torch.tensor(value)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if sorted(state) != list(range(len(parameters))):
        raise ValueError(f"it has the optimizer's state of {len(state)} parameters, not {len(parameters)}")
    for i, parameter in enumerate(parameters):
        if state[i].keys() != state[0].keys():
            raise ValueError(f"the optimizer's state of parameter {i} has other parts than that of 0")
        for part, values in state[i].items():
            if values.ndim and values.shape != parameter.shape:
                raise ValueError(f"optimizer.{i}.{part} has shape {tuple(values.shape)}")
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _restore(learner: Learner, found: Checkpoint, history: dict[str, list[float]], folder: Path) -> None:
    columns = {name for name in found.tensors if name.startswith(HISTORY)}
    kept = {name: tensor for name, tensor in found.tensors.items() if name not in columns}
    try:
        learner.restore(kept)
        restored = learner.tensors()
        for name in sorted(kept.keys() | restored.keys()):  # nothing is ignored, broadcast or made up
            if name not in kept or name not in restored or not np.array_equal(kept[name], restored[name]):
                raise ValueError(f"{name} cannot be restored")
        for name in sorted(columns):
            history[name.removeprefix(HISTORY)] = found.tensors[name].tolist()
            if found.tensors[name].shape != (found.iteration,):
                raise ValueError(f"{name} has shape {found.tensors[name].shape}")
    except (KeyError, ValueError, RuntimeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"the checkpoint in {folder} does not fit its own description: {reason}") from None


Show = Callable[[int, Mapping[str, float]], None]


@contextmanager
def _silence() -> Iterator[Show]:
    yield lambda iteration, said: None


@contextmanager
def _progress_bar(start: int, iterations: int) -> Iterator[Show]:
    from tqdm.auto import tqdm

    with tqdm(initial=start, total=iterations, unit="iteration") as bar:

        def show(iteration: int, said: Mapping[str, float]) -> None:
            bar.set_postfix({name: f"{value:.3g}" for name, value in list(said.items())[:3]}, refresh=False)
            bar.update()

        yield show


@contextmanager
def _tensorboard(folder: Path | None, start: int) -> Iterator[Show]:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(f"{folder}/tensorboard", purge_step=start) as writer:

        def log(iteration: int, said: Mapping[str, float]) -> None:
            for name, value in said.items():
                writer.add_scalar(name, value, iteration)

        yield log
