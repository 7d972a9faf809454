"""Exported flows: torch, file and ONNX act alike; what is not whole, or not a flow, is refused by name."""

import json
import subprocess
import sys
import tracemalloc
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from flowexec import Bachelier, Order, PowerImpact, Scenario, execute
from flowexec.execution.presets import book_scenario
from flowexec.learning.checkpoint import describe, first_difference
from flowexec.learning.features import Features
from flowexec.learning.flow_export import load_flow, save_flow
from flowexec.learning.flow_onnx import export_onnx
from flowexec.learning.flow_policy import INPUTS_OF_TIME, FlowField, FlowPolicy
from flowexec.learning.networks import BLOCK, Network

ROOT = Path(__file__).resolve().parents[2]
N = 5
SCENARIO = book_scenario("HH", n_steps=N)
PROBLEM = SCENARIO.sample(BLOCK + 33, seed=1)


def flow(dimension=1, hidden=(16, 8), seed=3, **settings):
    names = ("time", "inventory", "volatility") if dimension == 1 else ("time", "arrival_volatility")
    features = Features.calibrate(PROBLEM, names)
    sizes = (dimension + len(names) + INPUTS_OF_TIME, *hidden, dimension)
    rng = np.random.default_rng(seed)
    layers = list(zip(sizes[1:], sizes[:-1], strict=True))
    network = Network(
        tuple(rng.standard_normal(shape) / np.sqrt(shape[1]) for shape in layers),
        tuple(rng.standard_normal((rows, 1)) for rows, _ in layers),
    )
    shift, scale = rng.standard_normal(dimension), 0.5 + rng.random(dimension)
    settings = {"n_steps": 4, "trained_in": describe(SCENARIO)} | settings
    return FlowPolicy(FlowField(network), features, shift=tuple(shift), scale=tuple(scale), **settings)


FLOWS = {
    "one-step student": flow(n_steps=1, jumps=True),
    "student of three": flow(n_steps=3, jumps=True, noise=np.array([0.4])),
    "teacher": flow(n_steps=64, hidden=(32, 32)),
    "affine": flow(hidden=()),
    "schedule": flow(N, n_steps=2, replan_every=2),
    "schedule of noise": flow(N, n_steps=2, jumps=True, noise=np.linspace(-1, 1, N)),
}


def session(path):
    """`decide` of a graph."""
    import onnxruntime

    graph = onnxruntime.InferenceSession(path.read_bytes())

    def decide(condition, **noise):
        (z,) = graph.run(None, {"condition": condition.T.astype(np.float32), **noise})
        return z.T.astype(float)

    return decide


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("name", FLOWS)
def test_a_file_gives_the_policy_back_to_the_last_bit(name, suffix, tmp_path):
    policy, path = FLOWS[name], tmp_path / f"flow{suffix}"
    save_flow(policy, path)
    loaded = load_flow(path)
    for field in fields(FlowPolicy):
        if field.name not in ("field", "noise", "trained_in"):
            assert getattr(loaded, field.name) == getattr(policy, field.name)
    assert first_difference(loaded.trained_in, policy.trained_in) == ""
    np.testing.assert_allclose(execute(loaded, PROBLEM).shares, execute(policy, PROBLEM).shares, rtol=1e-11)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", FLOWS)
def test_torch_numpy_and_onnx_act_alike(name, tmp_path):
    """Actions within 1e-5 of the order: on torch, from a file, and through the graph."""
    policy = FLOWS[name]
    save_flow(policy, tmp_path / "flow.npz")
    export_onnx(policy, tmp_path / "flow.onnx")
    loaded, order = load_flow(tmp_path / "flow.npz"), PROBLEM.order
    shares = execute(loaded, PROBLEM).shares / order.shares
    single = policy.map(lambda a: torch.tensor(a, dtype=torch.float32))
    on_torch = execute(single, PROBLEM.to_torch()).shares.numpy() / order.shares
    np.testing.assert_allclose(on_torch, shares, atol=1e-5)

    decide, by_graph = session(tmp_path / "flow.onnx"), replace(policy)
    object.__setattr__(by_graph, "decide", decide)
    np.testing.assert_allclose(execute(by_graph, PROBLEM).shares / order.shares, shares, atol=1e-5)
    condition = np.random.default_rng(1).standard_normal((policy.field.n_conditions, 1))
    np.testing.assert_allclose(decide(condition), policy.decide(condition), atol=1e-5)


def test_the_graph_takes_other_noise_and_tells_what_it_was_fed(tmp_path):
    import onnx

    policy, path = flow(N, n_steps=3), tmp_path / "flow.onnx"
    export_onnx(policy, path)
    rng = np.random.default_rng(2)
    condition, noise = rng.standard_normal((2, 7)), rng.standard_normal((N, 7))
    z = session(path)(condition, noise=noise.T.astype(np.float32))
    np.testing.assert_allclose(z, replace(policy, noise=noise).decide(condition), atol=1e-5)
    (record,) = onnx.load(path).metadata_props
    assert json.loads(record.value)["features"]["names"] == list(policy.features.names)


def test_steps_computed_beforehand_are_the_steps_of_the_field():
    """The kernel of numpy against the field followed on torch, in double precision; alone as in a batch."""
    rng = np.random.default_rng(4)
    for policy in FLOWS.values():
        condition = rng.standard_normal((policy.field.n_conditions, 2 * BLOCK + 1))
        per_path = replace(policy, noise=rng.standard_normal((policy.dimension, condition.shape[1])))
        for one in (policy, per_path):
            z = one.decide(condition)
            tensors = replace(
                one.map(torch.tensor), noise=None if one.noise is None else torch.tensor(one.noise)
            )
            np.testing.assert_allclose(z, tensors.decide(torch.tensor(condition)).numpy(), atol=1e-12)
        for path in (0, BLOCK, 2 * BLOCK):
            alone, together = policy.decide(condition[:, path : path + 1]), policy.decide(condition)
            np.testing.assert_allclose(alone, together[:, path : path + 1], rtol=1e-11, atol=1e-13)


def test_a_million_decisions_need_room_for_their_answers_and_no_more():
    policy = FLOWS["one-step student"]
    condition = np.random.default_rng(5).standard_normal((3, 1_000_000))
    policy.decide(condition[:, :1])
    tracemalloc.start()
    z = policy.decide(condition)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert z.shape == (1, 1_000_000)
    assert peak - z.nbytes < 500_000
    np.testing.assert_allclose(z[:, -7:], policy.decide(condition[:, -7:]), rtol=1e-11, atol=1e-13)


WITHOUT_TORCH = """
import sys, types
sys.modules["torch"] = None  # importing it fails
package = types.ModuleType("flowexec.learning")
package.__path__ = ["flowexec/learning"]
sys.modules["flowexec.learning"] = package  # without the names of those that train
from flowexec import Bachelier, Order, PowerImpact, Scenario, execute
from flowexec.learning.flow_export import load_flow
problem = Scenario(Order("sell", 1e4, 1.0, 5), Bachelier(50.0, 1.0), PowerImpact(1e-6)).sample(3, seed=1)
print([execute(load_flow(path), problem).shares.tolist() for path in sys.argv[1:]])
"""


def test_it_trades_without_torch(tmp_path):
    policy = FLOWS["one-step student"]
    paths = [tmp_path / f"flow{suffix}" for suffix in (".npz", ".safetensors")]
    for path in paths:
        save_flow(policy, path)
    program = [sys.executable, "-c", WITHOUT_TORCH, *map(str, paths)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    scenario = Scenario(Order("sell", 1e4, 1.0, 5), Bachelier(50.0, 1.0), PowerImpact(1e-6))
    shares = execute(policy, scenario.sample(3, seed=1)).shares
    assert json.loads(done.stdout) == 2 * [shares.tolist()]


def rewrite(path, change):
    """Change the arrays in a file behind the package's back."""
    arrays = dict(np.load(path, allow_pickle=False))
    change(arrays)
    np.savez(path, **arrays)


def set_format(arrays):
    record = json.loads(arrays["record"].tobytes()) | {"format": 7, "version": "9.9"}
    arrays["record"] = np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)


CHANGES = {
    "shape": (
        lambda a: a.update({"weights.1": a["weights.1"][:, :-1]}),
        "`weights.1` in {path} must have shape (8, 16), got (8, 15)",
    ),
    "missing": (lambda a: a.pop("biases.2"), "`biases.2` in {path} must have shape (1, 1), got none"),
    "value": (lambda a: a["biases.2"].fill(1.0), "{path} is damaged: its SHA-256 is another"),
    "format": (
        set_format,
        "{path} has format 7 of flowexec 9.9, and this is flowexec 0.1.0, which reads format 1",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_files_are_refused_and_say_why(name, tmp_path, refused):
    change, sentence = CHANGES[name]
    path = tmp_path / "flow.npz"
    save_flow(FLOWS["one-step student"], path)
    rewrite(path, change)
    with refused(sentence.format(path=path)):
        load_flow(path)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_no_damage_goes_unnoticed(suffix, tmp_path):
    """Cut short, or a byte changed anywhere: refused, or (in what pads the archive) the same weights."""
    path, policy = tmp_path / f"flow{suffix}", FLOWS["one-step student"]
    save_flow(policy, path)
    whole, rng = path.read_bytes(), np.random.default_rng(6)
    refusals = 0
    for _ in range(150):
        data = bytearray(whole)
        data[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(data))
        try:
            loaded = load_flow(path)
        except ValueError:
            refusals += 1
            continue
        for ours, theirs in zip(loaded.field.arrays, policy.field.arrays, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert refusals > 100
    for size in (0, 1, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="is damaged, or no file of a flow"):
            load_flow(path)


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "flow.npz"
    np.savez(path, record=np.array([{"format": 1}], dtype=object), sha256=np.zeros(32, np.uint8))
    with pytest.raises(ValueError, match="is damaged, or no file of a flow"):
        load_flow(path)


@pytest.mark.parametrize("export", [save_flow, export_onnx])
def test_a_failure_leaves_what_was_there(export, tmp_path, monkeypatch):
    suffix = ".onnx" if export is export_onnx else ".npz"
    path, policy = tmp_path / f"flow{suffix}", FLOWS["one-step student"]
    export(policy, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="`policy` must be on numpy, got Tensor"):
        export(policy.map(torch.tensor), path)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        export(FLOWS["teacher"], path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: save_flow(FLOWS["teacher"], "flow.pt"),
            "`path` must end in .npz or .safetensors, got 'flow.pt'",
        ),
        (lambda: load_flow("flow.pkl"), "`path` must end in .npz or .safetensors, got 'flow.pkl'"),
        (lambda: export_onnx(FLOWS["teacher"], "flow.npz"), "`path` must end in .onnx, got 'flow.npz'"),
        (lambda: save_flow(None, "flow.npz"), "`policy` must be a FlowPolicy, got None"),
        (
            lambda: export_onnx(flow(method="heun"), "flow.onnx"),
            "`policy.method` must be 'euler' for ONNX, got 'heun'",
        ),
        (
            lambda: export_onnx(flow(noise=np.zeros((1, 4))), "flow.onnx"),
            "`policy.noise` must be a single x_0 for ONNX, got 4, one for each path",
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(make, sentence, refused):
    with refused(sentence):
        make()
