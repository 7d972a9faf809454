"""Path-numbered randomness: threads, blocks, the first path and the size of the sample change no bit."""

import threading
import time

import numpy as np
import pytest

from flowexec.market.brownian import GBM, Bachelier
from flowexec.market.heston import Heston
from flowexec.market.paths import MarketModel, MarketPaths
from flowexec.market.regime_switching import RegimeSwitching
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier
from flowexec.market.streams import (
    STREAM_PATHS,
    default_threads,
    for_each_stream,
    generator,
    stream_slices,
)
from flowexec.market.volume import VolumeCurve

NOISY = VolumeCurve.u_shape(dispersion=0.5)
REGIMES = {
    "calm": Heston(50, 0.0004, 0.5, 0.0004, 0.03, -0.9, volume=NOISY),
    "wild": Heston(50, 0.0009, 5.0, 0.0009, 0.09, -0.5, volume=NOISY),
}
MODELS: dict[str, MarketModel] = {
    "Bachelier": Bachelier(price=50, volatility=0.95, volume=NOISY),
    "GBM": GBM(price=50, volatility=0.02, volume=NOISY),
    **{
        f"Heston {scheme}": Heston(50, 0.0004, 0.5, 0.0004, 0.03, -0.9, scheme=scheme, volume=NOISY)
        for scheme in ("euler", "qe_m", "ivi")
    },
    "drawn regimes": RegimeSwitching(REGIMES),
    "switching regimes": RegimeSwitching(REGIMES, generator=[[-3, 3], [5, -5]]),
    "SignalBachelier": SignalBachelier(50, 0.95, OrnsteinUhlenbeck(2.0, 1.5), volume=NOISY),
}
ARRAYS = ("mid", "variance", "volume", "spread", "signal", "regime")
STEPS, HORIZON, SEED = (
    21,
    2.0,
    1234,
)  # more steps than the Heston schemes draw at a time, and no multiple of it


def assert_identical(some: MarketPaths, other: MarketPaths) -> None:
    for name in ARRAYS:
        a, b = getattr(some, name), getattr(other, name)
        if a is None or b is None:
            assert a is b, name
        else:
            assert a.shape == b.shape, name
            assert a.tobytes() == b.tobytes(), name


@pytest.fixture(params=MODELS, ids=str)
def model(request: pytest.FixtureRequest) -> MarketModel:
    return MODELS[request.param]


@pytest.fixture
def whole(model: MarketModel) -> MarketPaths:
    return model.simulate(3 * STREAM_PATHS + 17, STEPS, HORIZON, seed=SEED, threads=1)


@pytest.mark.parametrize("threads", [2, 3, None])
def test_threads_do_not_matter(model: MarketModel, whole: MarketPaths, threads: int | None) -> None:
    assert_identical(whole, model.simulate(whole.n_paths, STEPS, HORIZON, seed=SEED, threads=threads))


@pytest.mark.parametrize("n_paths", [1, 7, 1023, 1024, 1025, 2048, 3000])
def test_a_smaller_sample_is_the_beginning_of_a_larger_one(
    model: MarketModel, whole: MarketPaths, n_paths: int
) -> None:
    small = model.simulate(n_paths, STEPS, HORIZON, seed=SEED)
    assert_identical(whole.select(slice(0, n_paths)), small)


@pytest.mark.parametrize("block", [500, 1024, 1500, 3089])
def test_blocks_put_together_are_the_whole(model: MarketModel, whole: MarketPaths, block: int) -> None:
    for first in range(0, whole.n_paths, block):
        last = min(first + block, whole.n_paths)
        part = model.simulate(last - first, STEPS, HORIZON, seed=SEED, first_path=first, threads=2)
        assert_identical(whole.select(slice(first, last)), part)


def test_one_path_from_the_middle(model: MarketModel, whole: MarketPaths) -> None:
    for number in (1, 1023, 1024, 2500):
        part = model.simulate(1, STEPS, HORIZON, seed=SEED, first_path=number)
        assert_identical(whole.select(slice(number, number + 1)), part)


def test_far_away_paths_and_large_seeds_can_be_asked_for(model: MarketModel) -> None:
    seed, first = 2**80 + 3, 10**12 + 5
    a = model.simulate(4, 3, 1.0, seed=seed, first_path=first)
    b = model.simulate(2, 3, 1.0, seed=seed, first_path=first + 2)
    assert_identical(a.select(slice(2, 4)), b)


def test_seeds_and_streams_differ(model: MarketModel, whole: MarketPaths) -> None:
    other = model.simulate(STREAM_PATHS, STEPS, HORIZON, seed=SEED + 1)
    assert not np.any(other.mid[-1] == whole.mid[-1, :STREAM_PATHS])
    assert not np.any(whole.mid[-1, :STREAM_PATHS] == whole.mid[-1, STREAM_PATHS : 2 * STREAM_PATHS])
    assert np.unique(whole.mid[-1]).size == whole.n_paths


def test_noise_in_volume_leaves_the_prices_alone() -> None:
    calm = Heston(50, 0.0004, 0.5, 0.0004, 0.03, -0.9)
    noisy = Heston(50, 0.0004, 0.5, 0.0004, 0.03, -0.9, volume=NOISY)
    a, b = (m.simulate(50, 9, 1.0, seed=1) for m in (calm, noisy))
    assert np.array_equal(a.mid, b.mid)
    assert not np.array_equal(a.volume, b.volume)


def test_the_global_generator_is_neither_read_nor_moved(model: MarketModel) -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    a = model.simulate(10, 4, 1.0, seed=2)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert_identical(a, model.simulate(10, 4, 1.0, seed=2))


def test_streams_of_one_seed_are_uncorrelated() -> None:
    """Normals of neighbouring streams, of all purposes, and of two seeds: 7 correlations, each |z| < 4."""
    n = 100_000
    base = generator(5, 0).standard_normal(n)
    purposes = [generator(5, 0, purpose) for purpose in range(1, 6)]
    for other in (generator(5, 1), generator(6, 0), *purposes):
        assert abs(np.corrcoef(base, other.standard_normal(n))[0, 1]) * np.sqrt(n) < 4


def test_slices_cover_the_request_once_and_in_order() -> None:
    for first, n in ((0, 1), (0, 5000), (1023, 2), (1024, 1024), (4095, 3000)):
        cuts = stream_slices(n, first)
        covered = np.concatenate(
            [np.arange(c.inside.start, c.inside.stop) + c.stream * STREAM_PATHS for c in cuts]
        )
        assert np.array_equal(covered, np.arange(first, first + n))
        places = np.concatenate([np.arange(c.output.start, c.output.stop) for c in cuts])
        assert np.array_equal(places, np.arange(n))


def test_work_is_done_by_as_many_threads_as_asked_for() -> None:
    seen: set[int] = set()

    def work(_: object) -> None:
        seen.add(threading.get_ident())
        time.sleep(0.02)

    for_each_stream(work, 8 * STREAM_PATHS, threads=1)
    assert seen == {threading.get_ident()}
    seen.clear()
    for_each_stream(work, 8 * STREAM_PATHS, threads=4)
    assert len(seen) == 4


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_stream_reaches_the_caller(threads: int) -> None:
    def work(cut: object) -> None:
        raise ArithmeticError("in the stream")

    with pytest.raises(ArithmeticError, match="in the stream"):
        for_each_stream(work, 3 * STREAM_PATHS, threads=threads)


def test_threads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWEXEC_THREADS", "3")
    assert default_threads() == 3
    monkeypatch.setenv("FLOWEXEC_THREADS", "many")
    with pytest.raises(ValueError, match="`FLOWEXEC_THREADS` must be a whole number, at least 1, got 'many'"):
        default_threads()
    monkeypatch.delenv("FLOWEXEC_THREADS")
    assert default_threads() >= 1
