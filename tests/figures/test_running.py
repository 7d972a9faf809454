"""Cost by step has its band, and errors have the order they are said to have."""

import numpy as np
import pytest

from flowexec.analytics import Estimate
from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures import convergence, running_cost
from tests.figures.gallery import season
from tests.figures.reader import content, numbers

STEPS = [Estimate(1.0, 0.1), Estimate(3.0, 0.2), Estimate(4.0, 0.3)]


def test_band_is_the_95_per_cent_interval_of_every_step():
    figure = running_cost({"TWAP": STEPS})
    band, line = figure.data
    np.testing.assert_array_equal(line.y, [1.0, 3.0, 4.0])
    high, low = np.split(band.y, 2)
    np.testing.assert_allclose(high - line.y, NORMAL_95 * np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(line.y - low[::-1], NORMAL_95 * np.array([0.1, 0.2, 0.3]))
    assert list(line.x) == [1, 2, 3]
    assert "TWAP 4.00 ± 0.30" in figure.layout.meta["alt"]


def test_the_leagues_last_step_is_its_controlled_mean_and_what_is_ahead_is_below():
    entries = season().scenarios["LL"].entries
    drawn = [t for t in content("running_cost")["data"] if t.get("showlegend")]
    for trace in drawn:
        entry, last = entries[trace["name"]], numbers(trace["y"])[-1]
        if trace["yaxis"] == "y":
            assert last == pytest.approx(entry.summary.controlled_mean.value, rel=1e-9)
        else:
            assert last == pytest.approx(-entry.comparison.controlled.value, rel=1e-9)
    assert {t["name"] for t in drawn if t["yaxis"] == "y2"} == {"Static", "Optimum"}
    colours = {t["name"]: t["line"]["color"] for t in drawn if t["yaxis"] == "y"}
    assert all(colours[t["name"]] == t["line"]["color"] for t in drawn)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"costs": {}}, r"\A`costs` must map at least one label"),
        ({"costs": {"a": STEPS, "b": STEPS[:2]}}, r"\A`costs\['b'\]` must hold 3 numbers, got 2"),
        ({"times": [1.0, 1.0, 2.0]}, r"\A`times` must increase"),
        ({"efficiency": {"a": STEPS[:1]}}, r"\A`efficiency\['a'\]` must hold 3 numbers, got 1"),
    ],
)
def test_steps_that_do_not_fit_are_refused(change, message):
    given = {"costs": {"a": STEPS}, **change}
    with pytest.raises(ValueError, match=message):
        running_cost(given.pop("costs"), **given)


@pytest.mark.parametrize("order", [-1.0, -2.0, 0.5])
def test_the_slope_of_a_power_law_is_its_exponent(order):
    grids = np.array([10.0, 20.0, 40.0, 80.0])
    figure = convergence(grids, {"a": 5 * grids**order}, x_title="Points", y_title="Error", order=(order,))
    name = f"a, slope {order:.2f}".replace("-", "−")
    assert name in [t.name for t in figure.data]
    reference = next(t for t in figure.data if t.mode == "lines")
    assert reference.name == f"order {abs(order):g}"
    np.testing.assert_allclose(reference.y, 0.6 * 5 * grids**order)


@pytest.mark.parametrize(
    ("sizes", "errors", "message"),
    [
        ([2.0, 1.0], [1.0, 1.0], r"\A`sizes` must increase"),
        ([1.0, 2.0], [1.0, 0.0], r"\A`errors\['a'\]` must be greater than 0 on a logarithmic axis, got 0"),
        ([1.0], [1.0], r"\A`sizes` must be a list of at least 2 numbers"),
    ],
)
def test_errors_that_have_no_logarithm_are_refused(sizes, errors, message):
    with pytest.raises(ValueError, match=message):
        convergence(sizes, {"a": errors}, x_title="x", y_title="y")
