"""Fans, characteristic functions, biases and smiles against what their samples say."""

import numpy as np
import pytest

from flowexec.analytics import Estimate
from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures import characteristic_function, path_fan, scheme_bias, smile
from flowexec.figures.theme import PAPER, SCHEME_COLOURS
from tests.figures.gallery import STEPS, biases, problem


def markers(figure, name):
    return next(t for t in figure.data if t.name == name and "markers" in t.mode)


def test_fan_holds_the_quantiles_of_the_paths_and_draws_single_ones():
    paths = problem().paths
    figure = path_fan(paths.times, paths.mid, y_title="Mid", samples=2)
    outer = next(t for t in figure.data if t.fill == "toself")
    half = len(outer.x) // 2
    np.testing.assert_allclose(outer.y[:half], np.quantile(paths.mid, 0.95, axis=1))
    single = [t for t in figure.data if t.mode == "lines" and t.fill is None and not t.name]
    np.testing.assert_array_equal(single[1].y, paths.mid[:, 1])
    assert len(single) == 2


def test_long_fans_are_thinned_and_keep_their_ends():
    times = np.linspace(0, 1, 20_001)
    walk = np.cumsum(np.random.default_rng(1).standard_normal((20_001, 3)), axis=0)
    figure = path_fan(times, walk, y_title="W", samples=1)
    assert max(len(t.x) for t in figure.data) <= 2000
    single = next(t for t in figure.data if t.mode == "lines" and t.fill is None and not t.name)
    assert (single.x[0], single.x[-1]) == (0, 1)
    assert (single.y.min(), single.y.max()) == (walk[:, 0].min(), walk[:, 0].max())


def test_empirical_characteristic_function_is_the_mean_of_waves():
    sample = np.random.default_rng(2).standard_normal(5000)
    u = np.linspace(0, 3, 25)
    figure = characteristic_function(u, np.exp(-(u**2) / 2), sample)
    points = [t for t in figure.data if t.mode == "markers"]
    np.testing.assert_allclose(points[0].y + 1j * points[1].y, [np.exp(1j * v * sample).mean() for v in u])
    error = np.cos(u[10] * sample).std(ddof=1) / np.sqrt(5000)
    assert points[0].error_y.array[10] == pytest.approx(2 * error)


def test_wrong_characteristic_function_is_far_away():
    sample = np.random.default_rng(2).standard_normal(5000)
    u = np.linspace(0, 3, 25)
    far = [
        float(characteristic_function(u, np.exp(-((s * u) ** 2) / 2), sample).layout.meta["alt"].split()[-4])
        for s in (1.0, 1.2)
    ]
    assert far[0] < 4 < 8 < far[1]


def test_bias_is_drawn_by_size_and_hollow_when_it_may_be_nothing():
    rows = {"euler": [Estimate(-2.0, 0.1), Estimate(0.05, 0.1)]}
    figure = scheme_bias([0.5, 1.0], rows)
    euler = markers(figure, "Euler")
    np.testing.assert_allclose(euler.y, [2.0, 0.05])
    assert list(euler.marker.color) == [SCHEME_COLOURS["euler"], PAPER]
    assert euler.error_y.arrayminus[0] == pytest.approx(NORMAL_95 * 0.1)
    assert euler.y[1] - euler.error_y.arrayminus[1] == pytest.approx(10 ** np.floor(np.log10(0.05)))
    assert "1 of 2 not distinguishable" in figure.layout.meta["alt"]


def test_reference_line_has_the_slope_it_says():
    figure = scheme_bias(STEPS, biases(), slopes=(1.0, 2.0))
    for order in (1, 2):
        line = next(t for t in figure.data if t.name == f"order {order}")
        slopes = np.diff(np.log(line.y)) / np.diff(np.log(line.x))
        np.testing.assert_allclose(slopes, order)


def test_steps_are_the_ticks():
    figure = scheme_bias(STEPS, biases())
    assert list(figure.layout.xaxis.ticktext) == ["1/8", "1/4", "1/2", "1"]


def test_points_of_a_smile_have_the_colour_of_their_line():
    points = {"1 month": [Estimate(21.0, 0.2), Estimate(20.0, 0.2), Estimate(19.5, 0.2)]}
    figure = smile([90, 100, 110], {"1 month": [21, 20, 19], "1 year": [20, 19.5, 19]}, points=points)
    line = next(t for t in figure.data if t.name == "1 month" and t.mode == "lines")
    dots = next(t for t in figure.data if t.mode == "markers")
    assert dots.marker.line.color == line.line.color
    np.testing.assert_allclose(dots.error_y.array, NORMAL_95 * 0.2)


def test_bad_input_is_named(refused):
    with refused("`values` must have shape [3, path] with no empty side, got (2, 5)"):
        path_fan([0, 1, 2], np.ones((2, 5)), y_title="y")
    with refused("`times` must increase, got 1 before a number not above it"):
        path_fan([0, 1, 1], np.ones((3, 5)), y_title="y")
    with refused("`exact` must be 2 finite complex numbers, one for each of `u`, got shape (3,)"):
        characteristic_function([0, 1], [1, 1, 1], np.ones(10))
    with refused("`step_lengths` must be greater than 0 on a logarithmic axis, got 0"):
        scheme_bias([0.0, 1.0], {"euler": [Estimate(1, 0.1)] * 2})
    with refused("`biases['euler']` must hold 2 numbers, got 1"):
        scheme_bias([0.5, 1.0], {"euler": [Estimate(1, 0.1)]})
    with refused("`biases` must hold at least one estimate that is not exactly 0 ± 0"):
        scheme_bias([0.5], {"euler": [Estimate(0, 0)]})
