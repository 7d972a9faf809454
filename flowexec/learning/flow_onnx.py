"""A flow as an ONNX graph, for whatever runs those: its steps one after another, nothing to be installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from .files import replace_file
from .flow_export import check_path, describe_flow, flow_arrays
from .flow_policy import FlowPolicy

OPSET, IR = 17, 8
"""Versions of the operators and of the format, which runtimes have read since 2022."""


def export_onnx(policy: FlowPolicy, path: str | Path) -> None:
    """Write `FlowPolicy.decide` as a graph in single precision: condition → logits, with any number of rows.

    Parameters
    ----------
    policy : FlowPolicy
        On numpy, by Euler's method, with no or a single x_0 for all paths.
    path : str or Path
        Ends in ".onnx". A file that is there is replaced in one stroke.

    Raises
    ------
    ValueError
        When an argument breaks its rule; nothing is written then.

    Notes
    -----
    Input "condition" [batch, feature]; input "noise" [batch or 1, dimension], x_0, which may be left out;
    output "logits" [batch, dimension], z = shift + scale · x_1. With n steps to go, 1/(1 + (n − 1)e^{−z}) of
    what is left is traded, see `fraction_of_remaining`. The metadata "flowexec" is the record of `save_flow`:
    names and scales of the features, and the scenario of the training. Needs the package `onnx`.
    Pinned by `tests/learning/test_flow_export.py`.
    """
    arrays, file = flow_arrays(policy), check_path(path, (".onnx",))
    if policy.method != "euler":
        raise ValueError(f"`policy.method` must be 'euler' for ONNX, got {policy.method!r}")
    noise = arrays.get("noise", np.zeros(policy.dimension)).reshape(policy.dimension, -1).T
    if len(noise) != 1:
        raise ValueError(f"`policy.noise` must be a single x_0 for ONNX, got {len(noise)}, one for each path")
    graph = _Graph()
    n_features = policy.field.n_conditions
    layers = len(policy.field.network.weights)
    of_x, of_condition, of_time = np.split(
        arrays["weights.0"], [policy.dimension, policy.dimension + n_features], axis=1
    )
    started = (of_time @ policy.times + arrays["biases.0"]).T
    known = graph.node("MatMul", "condition", graph.constant(of_condition.T))
    of_x_name = graph.constant(of_x.T)
    later = [
        (graph.constant(arrays[f"weights.{i}"].T), graph.constant(arrays[f"biases.{i}"].T))
        for i in range(1, layers)
    ]
    length = graph.constant(np.array(1.0 / policy.n_steps))
    x = "noise"
    for step in range(policy.n_steps):
        u = graph.node("Add", known, graph.constant(started[step]))
        u = graph.node("Add", u, graph.node("MatMul", x, of_x_name))
        for weight, bias in later:
            u = graph.node("Add", graph.node("MatMul", graph.node("Softsign", u), weight), bias)
        x = graph.node("Add", x, graph.node("Mul", length, u))
    scaled = graph.node("Mul", x, graph.constant(np.array(policy.scale)))
    graph.node("Add", scaled, graph.constant(np.array(policy.shift)), output="logits")
    record = json.dumps(describe_flow(policy), ensure_ascii=False)
    replace_file(file, graph.model(n_features, noise, record).SerializeToString())


class _Graph:
    """Nodes and constants of a graph, named as they come."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: str, output: str = "") -> str:
        """One more node; the name of its output."""
        from onnx import helper

        name = output or f"{operator}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name]))
        return name

    def constant(self, array: np.ndarray, name: str = "") -> str:
        """One more constant; its name."""
        from onnx import numpy_helper

        name = name or f"constant.{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(array, dtype=np.float32, order="C"), name))
        return name

    def model(self, n_features: int, noise: np.ndarray, record: str) -> Any:
        """The whole, checked."""
        from onnx import TensorProto, checker, helper

        def rows(name: str, batch: str, columns: int) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, columns])

        dimension = noise.shape[1]
        self.constant(noise, "noise")  # a default: an input of the same name overrides it
        inputs = [rows("condition", "batch", n_features), rows("noise", "noises", dimension)]
        outputs = [rows("logits", "batch", dimension)]
        graph = helper.make_graph(self.nodes, "flow", inputs, outputs, initializer=self.constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="flowexec"
        )
        helper.set_model_props(model, {"flowexec": record})
        checker.check_model(model, full_check=True)
        return model
