"""Rows of steps have their bands, clouds their points, and both say in words what they show."""

import numpy as np
import pytest

from flowexec.analytics import Estimate
from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures import cloud, step_by_step

TWAP = [Estimate(5.0, 0.0), Estimate(5.0, 0.0)]
AGENT = [Estimate(3.0, 0.5), Estimate(7.0, 0.25)]
ROWS = {"Executed (shares)": {"TWAP": TWAP, "agent": AGENT}, "Left (shares)": {"agent": AGENT[::-1]}}


def test_every_row_has_its_series_with_its_band():
    figure = step_by_step(ROWS)
    bands, lines = figure.data[0::2], figure.data[1::2]
    assert [(t.name, t.yaxis) for t in lines] == [("TWAP", "y"), ("agent", "y"), ("agent", "y2")]
    np.testing.assert_array_equal(lines[1].y, [3.0, 7.0])
    np.testing.assert_array_equal(lines[1].x, [1.0, 2.0])
    high, low = np.split(np.asarray(bands[1].y), 2)
    np.testing.assert_allclose(high - low[::-1], 2 * NORMAL_95 * np.array([0.5, 0.25]))
    assert lines[1].line.color == lines[2].line.color != lines[0].line.color
    titles = [figure.layout[axis].title.text for axis in ("yaxis", "yaxis2")]
    assert titles == list(ROWS)
    assert (
        "Executed (shares): TWAP 5 first and 5 last and agent 3.00 ± 0.50 first" in figure.layout.meta["alt"]
    )


def test_a_cloud_has_a_point_for_each_order_and_its_correlation_in_words():
    x, y = np.array([-1.0, 0.0, 1.0]), np.array([2.0, 0.0, -2.0])
    figure = cloud({"a": (x, y), "b": (x, x)}, x_title="Reward", y_title="Saving", diagonal="reward = saving")
    first, second, line = figure.data
    np.testing.assert_array_equal(first.x, x)
    np.testing.assert_array_equal(first.y, y)
    np.testing.assert_array_equal(line.x, line.y)
    assert (line.x[0], line.x[-1]) == (-1.0, 1.0)
    assert first.marker.symbol != second.marker.symbol
    assert "a, 3 points with correlation −1 and b, 3 points with correlation 1" in figure.layout.meta["alt"]
    assert len(cloud({"a": (x, y)}, x_title="Reward", y_title="Saving").data) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, r"\A`rows` must map at least one label"),
        ({"a": {}}, r"\A`a` must map at least one label"),
        ({"a": {"TWAP": TWAP, "agent": AGENT[:1]}}, r"\A`rows\['a'\]\['agent'\]` must hold 2 numbers, got 1"),
    ],
)
def test_steps_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        step_by_step(change)


def test_clouds_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\A`points\['a'\]\[1\]` must hold 2 numbers, got 3"):
        cloud({"a": (np.zeros(2), np.zeros(3))}, x_title="x", y_title="y")
