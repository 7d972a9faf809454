"""A flow's decisions on numpy: its one-step student against its 64 steps, and against its bare network."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import numpy as np

from flowexec.learning.features import Features
from flowexec.learning.flow_policy import INPUTS_OF_TIME, FlowField, FlowPolicy
from flowexec.learning.networks import Network

from .timing import Figure, Timing, at_least, at_most

NAMES = ("time", "inventory", "volatility", "arrival_volatility", "volatility_of_variance")
HIDDEN = (32, 32)
TURN = 0.2
"""Seconds a turn lasts at least."""

CLOCKS = {"processor": time.process_time, "wall": time.perf_counter}


def policies() -> tuple[FlowPolicy, FlowPolicy]:
    """A one-step student and its 64-step teacher; what their weights are changes no time."""
    sizes = (1 + len(NAMES) + INPUTS_OF_TIME, *HIDDEN, 1)
    rng = np.random.default_rng(1)
    network = Network.initial(sizes, seed=1).map(lambda a: a + 0.3 * rng.standard_normal(a.shape))
    features = Features(NAMES, variance_scale=1e-4)
    student = FlowPolicy(FlowField(network), features, 1, (0.1,), (0.5,), jumps=True)
    return student, FlowPolicy(FlowField(network), features, 64, (0.1,), (0.5,))


def bare(network: Network, inputs: np.ndarray) -> np.ndarray:
    """One evaluation, and nothing around it."""
    hidden = inputs
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        hidden = weight @ hidden + bias
        hidden /= 1.0 + np.abs(hidden)
    answer: np.ndarray = network.weights[-1] @ hidden + network.biases[-1]
    return answer


def run(rounds: int) -> tuple[str, list[Figure]]:
    """Ratios at batch 1 and 10,000 by both clocks, and the memory of a million decisions."""
    student, teacher = policies()
    network, rng = student.field.network, np.random.default_rng(2)
    figures = []
    for batch, target in ((1, 30.0), (10_000, 40.0)):
        condition = rng.standard_normal((len(NAMES), batch))
        inputs = rng.standard_normal((network.n_inputs, batch))
        seconds = take_turns(
            {
                "bare": lambda inputs=inputs: bare(network, inputs),
                "student": lambda condition=condition: student.decide(condition),
                "teacher": lambda condition=condition: teacher.decide(condition),
            },
            rounds,
        )
        for clock, timing in seconds.items():
            where = f"at batch {batch:,}, {clock} time"
            if batch == 1:
                figures.append(_microseconds(f"one-step student, µs {where}", timing["student"], 15.0))
            figures += [
                at_most(f"  against its bare network {where}", timing["student"], timing["bare"], 3.0),
                at_least(f"  against 64 steps {where}", timing["student"], timing["teacher"], target),
            ]
    condition = rng.standard_normal((len(NAMES), 1_000_000))
    start = time.process_time()
    answer = student.decide(condition)
    took = time.process_time() - start
    tracemalloc.start()
    student.decide(condition)
    beyond = (tracemalloc.get_traced_memory()[1] - answer.nbytes) / 2**20
    tracemalloc.stop()
    name = f"MB beyond its answers, a million decisions in {took:.2f} s of processor"
    figures.append(Figure(name, f"{beyond:.2f}", "", "≤ 1", beyond <= 1))
    return f"Flow on numpy, {len(NAMES)} features, hidden layers of {HIDDEN}", figures


def take_turns(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, Timing]]:
    """Seconds of a call of each contender, by each clock: of a turn, best and median of all rounds."""
    seconds: dict[str, dict[str, list[float]]] = {
        clock: {name: [] for name in contenders} for clock in CLOCKS
    }
    for call in contenders.values():
        call()
    for _ in range(rounds):
        for name, call in contenders.items():
            calls, start = 0, {clock: now() for clock, now in CLOCKS.items()}
            while time.perf_counter() - start["wall"] < TURN:
                for _ in range(8):
                    call()
                calls += 8
            for clock, now in CLOCKS.items():
                seconds[clock][name].append((now() - start[clock]) / calls)
    return {
        clock: {name: Timing(min(s), median(s)) for name, s in by_name.items()}
        for clock, by_name in seconds.items()
    }


def _microseconds(name: str, timing: Timing, target: float) -> Figure:
    best, middle = 1e6 * timing.best, 1e6 * timing.median
    return Figure(name, f"{best:.1f}", f"{middle:.1f}", f"≤ {target:g}", best <= target)
