"""Heston QE-M, full paths in float64, against QuantLib's own generator and against the normals alone."""

from __future__ import annotations

import types
from collections.abc import Callable

import numpy as np

from flowexec.market.heston import SLAB_STEPS, Heston
from flowexec.market.streams import STREAM_PATHS, generator

from .timing import Figure, Timing, at_least, at_most, rate, take_turns

PATHS, STEPS = 100_000, 100
COPIED_PATHS = 4_000  # copying into numpy is slow enough to time on fewer
CASES = {  # time unit: a year; horizon
    "equity (kappa 2, xi 0.5, rho -0.7, 1 year)": (
        Heston(price=100, v0=0.04, kappa=2.0, theta=0.04, xi=0.5, rho=-0.7), 1.0
    ),
    "Andersen's case I (kappa 0.5, xi 1, rho -0.9, 10 years)": (
        Heston(price=100, v0=0.04, kappa=0.5, theta=0.04, xi=1.0, rho=-0.9), 10.0
    ),
}  # fmt: skip


def normals_alone() -> None:
    """The two normals of every path-step, from the same generator, drawn as `simulate` draws them."""
    buffer = np.empty((SLAB_STEPS, 2, STREAM_PATHS))
    for stream in range(-(-PATHS // STREAM_PATHS)):
        rng = generator(1, stream)
        for first in range(0, STEPS, SLAB_STEPS):
            rng.standard_normal(out=buffer[: min(SLAB_STEPS, STEPS - first)])


def _process(ql: types.ModuleType, model: Heston) -> object:
    day = ql.Date(2, 1, 2025)
    ql.Settings.instance().evaluationDate = day
    flat = ql.YieldTermStructureHandle(ql.FlatForward(day, 0.0, ql.Actual365Fixed()))
    spot = ql.QuoteHandle(ql.SimpleQuote(model.price))
    parameters = (model.v0, model.kappa, model.theta, model.xi, model.rho)
    return ql.HestonProcess(flat, flat, spot, *parameters, ql.HestonProcess.QuadraticExponentialMartingale)


def quantlib_engine(ql: types.ModuleType, model: Heston, horizon: float) -> Callable[[], object]:
    """QuantLib's C++ Monte Carlo engine: the paths, and one payoff at their end, nothing kept."""
    process = _process(ql, model)
    exercise = ql.EuropeanExercise(ql.Settings.instance().evaluationDate + round(365 * horizon))

    def run() -> object:
        engine = ql.MCEuropeanHestonEngine(
            process, "pseudorandom", timeSteps=STEPS, requiredSamples=PATHS, seed=42
        )
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, model.price), exercise)
        option.setPricingEngine(engine)
        return option.NPV()

    return run


def quantlib_copied(ql: types.ModuleType, model: Heston, horizon: float) -> Callable[[], object]:
    """QuantLib's path generator from Python, both factors of every path copied into numpy arrays."""
    process = _process(ql, model)
    times = ql.TimeGrid(horizon, STEPS)
    dimension = process.factors() * STEPS

    def run() -> object:
        uniforms = ql.UniformRandomSequenceGenerator(dimension, ql.UniformRandomGenerator(42))
        normals = ql.GaussianRandomSequenceGenerator(uniforms)
        paths = ql.GaussianMultiPathGenerator(process, list(times), normals, False)
        price, variance = (np.empty((STEPS + 1, COPIED_PATHS)) for _ in range(2))
        for j in range(COPIED_PATHS):
            path = paths.next().value()
            price[:, j] = list(path[0])
            variance[:, j] = list(path[1])
        return price, variance

    return run


def run(ql: types.ModuleType | None, rounds: int) -> list[tuple[str, list[Figure]]]:
    """One table for each case: rates, then the ratios asked for."""
    tables = []
    for title, (model, horizon) in CASES.items():
        work = PATHS * STEPS

        def simulate(threads: int, model: Heston = model, horizon: float = horizon) -> Callable[[], object]:
            return lambda: model.simulate(PATHS, STEPS, horizon, seed=1, threads=threads)

        contenders: dict[str, tuple[Callable[[], object], float]] = {
            "one": (simulate(1), work), "two": (simulate(2), work), "normals": (normals_alone, work)
        }  # fmt: skip
        if ql is not None:
            contenders["engine"] = (quantlib_engine(ql, model, horizon), work)
            contenders["copied"] = (quantlib_copied(ql, model, horizon), COPIED_PATHS * STEPS)
        timing: dict[str, Timing] = take_turns(contenders, rounds)
        figures = [
            rate("flowexec, one thread", timing["one"], "path-steps"),
            rate("flowexec, two threads", timing["two"], "path-steps"),
            rate("its two normals alone, one thread", timing["normals"], "path-steps"),
        ]
        if ql is not None:
            figures += [
                rate("QuantLib's C++ engine, one thread", timing["engine"], "path-steps"),
                rate("QuantLib's paths copied into numpy", timing["copied"], "path-steps"),
                at_least("one thread against QuantLib's engine", timing["one"], timing["engine"], 4),
                at_least("two threads against QuantLib's engine", timing["two"], timing["engine"], 8),
                at_least(
                    "one thread against QuantLib copied into numpy", timing["one"], timing["copied"], 20
                ),
            ]
        figures.append(at_most("one thread against its normals alone", timing["one"], timing["normals"], 2.5))
        tables.append((f"Heston QE-M, {PATHS:,} paths × {STEPS} steps: {title}", figures))
    return tables
