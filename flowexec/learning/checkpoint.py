"""Checkpoints that cannot run code: numbers in a safetensors file, everything else in JSON beside it.

A folder holds `checkpoint.json` and the one file of tensors that it names, with its SHA-256. The JSON is
replaced last and in one stroke, so that a training killed at any moment leaves a whole checkpoint behind.
Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import __version__
from ..checks import check_count, check_kind
from .files import replace_file

FORMAT = 1
"""Grows when the meaning of a checkpoint changes."""

NAME = "checkpoint.json"


class Checkpoint(NamedTuple):
    """What a training goes on from."""

    iteration: int
    """Iterations done."""
    tensors: dict[str, np.ndarray]
    identity: dict[str, Any]
    """What it is a training of: algorithm, scenario, config and seed, as plain data (`describe`). The package
    version is added when it is saved."""


def describe(value: Any) -> Any:
    """A parameter object as plain data that differs when the object does.

    A dataclass becomes {"type": its class, field: …}; an array its shape, dtype and SHA-256.

    Raises
    ------
    ValueError
        When something in it has no fields to tell it by.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, np.integer | np.floating):
        return describe(value.item())
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"type": "array", "shape": list(value.shape), "dtype": str(value.dtype), "sha256": digest}
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [describe(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        described = {field.name: describe(getattr(value, field.name)) for field in fields(value)}
        return {"type": f"{type(value).__module__}.{type(value).__qualname__}", **described}
    raise ValueError(
        f"a checkpoint can tell dataclasses, numbers, text and arrays from one another, but not {value!r:.80}"
    )


def save_checkpoint(folder: str | Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to `folder`, which is made if need be, in place of the one before.

    Raises
    ------
    ValueError
        When `folder` cannot be made, no iteration is done, a tensor does not hold numbers or the identity is
        no plain data; nothing is written then.

    Notes
    -----
    Pinned by `tests/learning/test_checkpoint.py`.
    """
    from safetensors.numpy import save

    check_kind("checkpoint", checkpoint, Checkpoint)
    check_count("iteration", checkpoint.iteration)
    tensors = {name: np.array(a, order="C") for name, a in checkpoint.tensors.items()}
    for name, tensor in tensors.items():
        if tensor.dtype.kind not in "biuf":
            raise ValueError(f"`tensors[{name!r}]` must hold numbers, got {tensor.dtype}")
    data = save(tensors)
    name = _tensors_file(checkpoint.iteration)
    record = {
        "format": FORMAT,
        "iteration": checkpoint.iteration,
        "tensors": name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "identity": {"version": __version__, **checkpoint.identity},
    }
    try:
        text = json.dumps(record, indent=1, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`identity` must be plain data, as `describe` makes it: {error}") from None
    folder = make_folder("folder", folder)
    replace_file(folder / name, data)
    replace_file(folder / NAME, text.encode())
    for old in folder.glob("iteration-*"):  # and what a killed training did not finish writing
        if old.name != name:
            old.unlink()


def load_checkpoint(folder: str | Path, identity: Mapping[str, Any] | None = None) -> Checkpoint | None:
    """The checkpoint in `folder`, or None where there is none.

    Parameters
    ----------
    folder : str or Path
    identity : mapping, optional
        What the checkpoint has to be of; the first difference is the reason for which another is refused.

    Raises
    ------
    ValueError
        When `folder` is none, or the checkpoint damaged, of another package version, or of something else
        than `identity`.

    Notes
    -----
    Pinned by `tests/learning/test_checkpoint.py`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not isinstance(folder, str | Path) or Path(folder).is_file():
        raise ValueError(f"`folder` must be the path of a folder, got {str(folder)!r}")
    folder = Path(folder)
    if not (folder / NAME).exists():
        return None
    try:
        record = json.loads((folder / NAME).read_bytes())
        written, iteration, name = record["format"], record["iteration"], record["tensors"]
        found, digest = dict(record["identity"]), record["sha256"]
        if iteration < 1 or name != _tensors_file(iteration):
            raise ValueError(f"{name!r} does not hold iteration {iteration!r}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"the checkpoint in {folder} is damaged: {NAME} is no record of one ({error!r})"
        ) from None
    if written != FORMAT:
        raise ValueError(
            f"the checkpoint in {folder} has format {written!r}, and this package reads {FORMAT}"
        )
    if found.get("version") != __version__:
        raise ValueError(
            f"the checkpoint in {folder} was written by flowexec {found.get('version')}, "
            f"and this is {__version__}"
        )
    if identity is not None and (difference := first_difference(found, identity)):
        raise ValueError(
            f"the checkpoint in {folder} is of another training: {difference}. Choose another folder, or "
            "delete this one"
        )
    try:
        data = (folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError("its SHA-256 is another")
        return Checkpoint(iteration, load(data), found)
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(f"the checkpoint in {folder} is damaged: {name}: {error}") from None


def first_difference(there: Any, here: Any, name: str = "") -> str:
    """Where two descriptions differ first, "`config.clip` is 0.2 there and 0.3 here"; "" where nowhere.

    Parameters
    ----------
    there, here : plain data
        As `describe` gives it.
    name : str
        What they are descriptions of.

    Notes
    -----
    Pinned by `tests/learning/test_checkpoint.py`.
    """
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for key in dict.fromkeys([*here, *there]):
            inner = f"{name}.{key}".lstrip(".")
            if key not in there or key not in here:
                return f"`{inner}` is {'missing' if key not in there else 'there only'}"
            if found := first_difference(there[key], here[key], inner):
                return found
        return ""
    same = json.dumps(there, sort_keys=True) == json.dumps(here, sort_keys=True)
    return "" if same else f"`{name}` is {there!r:.60} there and {here!r:.60} here"


def make_folder(name: str, value: object) -> Path:
    """`value`, the argument called `name`, as a folder that is there; `ValueError` where none can be made."""
    if not isinstance(value, str | Path):
        raise ValueError(f"`{name}` must be a path, got {value!r}")
    try:
        Path(value).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be a folder that is there or can be made, got {str(value)!r} ({error})"
        ) from None
    return Path(value)


def _tensors_file(iteration: int) -> str:
    return f"iteration-{iteration:06d}.safetensors"
