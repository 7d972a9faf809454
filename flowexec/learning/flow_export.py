"""A flow to take along: its weights and all that it needs in one file, for numpy alone or as ONNX.

A file of weights holds arrays, among them a record in JSON, and the SHA-256 of all of them. Nothing is ever
unpickled, nothing needs torch, and what is not whole is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..checks import check_kind
from .features import Features
from .files import replace_file
from .flow_policy import FlowField, FlowPolicy
from .networks import Network

FORMAT = 1
"""Grows when the meaning of a file changes."""

SUFFIXES = (".npz", ".safetensors")

RECORD, DIGEST = "record", "sha256"
"""Names of the arrays of bytes beside the weights."""


def save_flow(policy: FlowPolicy, path: str | Path) -> None:
    """Write `policy` to a file, from which `load_flow` makes it again to the last bit.

    Parameters
    ----------
    policy : FlowPolicy
        On numpy.
    path : str or Path
        Ends in ".npz" or ".safetensors". A file that is there is replaced in one stroke.

    Raises
    ------
    ValueError
        When an argument breaks its rule; nothing is written then.

    Notes
    -----
    Arrays "weights.0", "biases.0" …, [output, input] and [output, 1] in the order of the layers; "noise",
    where the policy has one; "record" and "sha256", bytes. Pinned by `tests/learning/test_flow_export.py`.
    """
    arrays, file = flow_arrays(policy), check_path(path, SUFFIXES)
    record = describe_flow(policy) | {"shapes": {name: list(array.shape) for name, array in arrays.items()}}
    arrays[RECORD] = np.frombuffer(json.dumps(record, ensure_ascii=False).encode(), dtype=np.uint8)
    arrays[DIGEST] = _digest(arrays)
    if file.suffix == ".npz":
        whole = io.BytesIO()
        np.savez(whole, **arrays)  # type: ignore[arg-type]
        data = whole.getvalue()
    else:
        from safetensors.numpy import save

        data = save(arrays)
    replace_file(file, data)


def load_flow(path: str | Path) -> FlowPolicy:
    """The flow in a file of `save_flow`, ready to trade, on numpy.

    Raises
    ------
    FileNotFoundError
        When there is no file.
    ValueError
        When it is damaged, of another format, no file of a flow, or holds weights of another shape than its
        record says, naming them.

    Notes
    -----
    Pinned by `tests/learning/test_flow_export.py`.
    """
    path = check_path(path, SUFFIXES)
    arrays = _read(path)
    try:
        digest, record = arrays.pop(DIGEST).tobytes(), json.loads(arrays[RECORD].tobytes())
        written, shapes = record["format"], record["shapes"].items()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, or no file of a flow: it has no record ({error!r})") from None
    if written != FORMAT:
        raise ValueError(
            f"{path} has format {written!r} of flowexec {record.get('version')}, and this is flowexec "
            f"{__version__}, which reads format {FORMAT}"
        )
    for name, shape in shapes:
        if name not in arrays or list(arrays[name].shape) != shape:
            got = arrays[name].shape if name in arrays else "none"
            raise ValueError(f"`{name}` in {path} must have shape {tuple(shape)}, got {got}")
    if _digest(arrays).tobytes() != digest:
        raise ValueError(f"{path} is damaged: its SHA-256 is another")
    layers = sum(name.startswith("weights.") for name, _ in shapes)
    weights, biases = ([arrays[f"{kind}.{i}"] for i in range(layers)] for kind in ("weights", "biases"))
    features = record["features"] | {"names": tuple(record["features"]["names"])}
    return FlowPolicy(
        FlowField(Network(tuple(weights), tuple(biases))),
        Features(**features),
        record["n_steps"],
        tuple(record["shift"]),
        tuple(record["scale"]),
        jumps=record["jumps"],
        method=record["method"],
        replan_every=record["replan_every"],
        noise=arrays.get("noise"),
        trained_in=record["trained_in"],
    )


def describe_flow(policy: FlowPolicy) -> dict[str, Any]:
    """All of a policy but its arrays, as plain data."""
    return {
        "format": FORMAT,
        "version": __version__,
        "kind": "action" if policy.dimension == 1 else "schedule",
        "features": asdict(policy.features),
        "n_steps": policy.n_steps,
        "shift": list(policy.shift),
        "scale": list(policy.scale),
        "jumps": policy.jumps,
        "method": policy.method,
        "replan_every": policy.replan_every,
        "trained_in": policy.trained_in,
    }


def flow_arrays(policy: FlowPolicy) -> dict[str, np.ndarray]:
    """The arrays of a policy on numpy by name, in double precision."""
    check_kind("policy", policy, FlowPolicy)
    network = policy.field.network
    arrays = {f"weights.{i}": a for i, a in enumerate(network.weights)}
    arrays |= {f"biases.{i}": a for i, a in enumerate(network.biases)}
    arrays |= {} if policy.noise is None else {"noise": policy.noise}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"`policy` must be on numpy, got {type(array).__name__} for its {name!r}")
    return {name: np.array(array, dtype=float, order="C") for name, array in arrays.items()}


def _read(path: Path) -> dict[str, np.ndarray]:
    data = path.read_bytes()
    try:
        return _from_npz(data) if path.suffix == ".npz" else _from_safetensors(data)
    except (ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged, or no file of a flow ({error})") from None


def _from_npz(data: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name.removesuffix(".npy"): io.BytesIO(archive.read(name)) for name in archive.namelist()}
    return {name: np.lib.format.read_array(file) for name, file in files.items()}  # refuses objects


def _from_safetensors(data: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def check_path(path: str | Path, suffixes: tuple[str, ...]) -> Path:
    """`path`, if it ends in one of `suffixes`; else `ValueError`."""
    if not isinstance(path, str | Path) or Path(path).suffix not in suffixes:
        raise ValueError(f"`path` must end in {' or '.join(suffixes)}, got {str(path)!r}")
    return Path(path)


def _digest(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """SHA-256 of names, shapes, types and bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.shape} {array.dtype.str} ".encode() + array.tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)
