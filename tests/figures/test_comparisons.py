"""Forests, estimates and curves."""

import math

import numpy as np
import pytest

from flowexec.analytics import Estimate
from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures import curves, decay_kernels, estimates_against, forest, impact_curves
from flowexec.figures.theme import PAPER, STRATEGY_COLOURS

ROWS = {"PPO": Estimate(0.1, 0.2), "VWAP": Estimate(2.0, 0.1), "peeks": Estimate(-3.0, 0.3)}


def test_forest_is_hollow_exactly_where_the_interval_holds_zero():
    figure = forest(ROWS, x_title="Difference (bps)", zero="TWAP")
    drawn = [t for t in figure.data if t.mode == "markers"]
    assert [t.marker.color[0] == PAPER for t in drawn] == [True, False, False]
    assert [t.error_x.array[0] for t in drawn] == [NORMAL_95 * e.standard_error for e in ROWS.values()]
    assert [t.marker.line.color for t in drawn][:2] == [STRATEGY_COLOURS["PPO"], STRATEGY_COLOURS["VWAP"]]
    assert "1 of 3 intervals hold zero" in figure.layout.meta["alt"]
    assert "peeks (−3.00 ± 0.30)" in figure.layout.meta["alt"]


def test_rows_that_agree_up_to_a_comma_share_a_colour():
    figure = forest({f"{n}, {k}": Estimate(k, 0.1) for n in ("a", "TWAP") for k in (1, 2)}, x_title="x")
    colours = [t.marker.line.color for t in figure.data if t.mode == "markers"]
    assert colours[0] == colours[1] != colours[2] == colours[3] == STRATEGY_COLOURS["TWAP"]


def test_next_to_nothing_has_no_sign():
    figure = forest({"a": Estimate(-0.0004, 0.03), "b": Estimate(2.0, 0.03)}, x_title="x")
    assert {"0.000", "+2.000"} <= {note.text for note in figure.layout.annotations}


def test_forest_reads_from_top_to_bottom_and_reaches_zero():
    figure = forest({"a": Estimate(5, 0.1), "b": Estimate(6, 0.1)}, x_title="x")
    assert figure.layout.yaxis.tickvals[0] > figure.layout.yaxis.tickvals[1]
    assert figure.layout.xaxis.range[0] <= 0 <= figure.layout.xaxis.range[1]


def test_estimates_are_sorted_by_x_with_their_intervals():
    figure = estimates_against(
        [3, 1, 2], {"TWAP": [Estimate(30, 3), Estimate(10, 1), Estimate(20, 2)]}, x_title="x", y_title="y"
    )
    points = next(t for t in figure.data if "markers" in t.mode)
    assert list(points.x) == [1, 2, 3]
    assert list(points.y) == [10, 20, 30]
    np.testing.assert_allclose(points.error_y.array, NORMAL_95 * np.array([1, 2, 3]))


def test_whisker_below_zero_stays_on_a_logarithmic_axis():
    figure = estimates_against(
        [1, 2], {"a": [Estimate(1, 2), Estimate(5, 1)]}, x_title="x", y_title="y", log_y=True
    )
    points = next(t for t in figure.data if "markers" in t.mode)
    assert ((points.y - points.error_y.arrayminus) > 0).all()


def test_exact_line_has_the_colour_of_its_series_and_is_dashed():
    figure = estimates_against(
        [1, 2],
        {"TWAP": [Estimate(1, 0.1), Estimate(2, 0.1)]},
        exact={"TWAP": [1.0, 2.0]},
        x_title="x",
        y_title="y",
    )
    line = next(t for t in figure.data if t.mode == "lines")
    assert (line.line.color, line.line.dash) == (STRATEGY_COLOURS["TWAP"], "dash")


def test_axes_of_curves_are_logarithmic_on_request():
    x = np.geomspace(1e-3, 1e3, 7)
    figure = curves(x, {"a": x**2}, x_title="x", y_title="y", log_x=True, log_y=True)
    assert figure.layout.xaxis.range == pytest.approx((-3, 3))
    assert list(figure.layout.xaxis.ticktext) == ["0.001", "0.01", "0.1", "1", "10", "100", "1,000"]


def test_mark_is_a_line_with_its_name():
    figure = curves([0, 1], {"a": [0, 1]}, x_title="x", y_title="y", marks={"noon": 0.5})
    assert [s.x0 for s in figure.layout.shapes if s.x0 == s.x1] == [0.5]
    assert "noon" in [note.text for note in figure.layout.annotations]


def test_impact_says_what_the_middle_and_the_last_rate_cost():
    rates = np.array([1.0, 2.0, 4.0])
    assert "β = 2 4 and 16" in impact_curves(rates, {"β = 2": rates**2}).layout.meta["alt"]


def test_decay_is_in_per_cent_and_says_when_half_is_gone():
    t = np.linspace(0, 2, 201)
    figure = decay_kernels(t, {"exponential": np.exp(-t)})
    assert figure.data[0].y[0] == 100
    half = figure.layout.meta["alt"].split("half is gone after ")[1].rstrip(".")
    assert float(half) == pytest.approx(math.log(2), abs=0.02)


def test_bad_input_is_named(refused):
    with refused("`differences['a']` must hold finite estimates with finite standard errors, got (1.0, inf)"):
        forest({"a": (1.0, math.inf)}, x_title="x")
    with refused("`differences['a']` must hold Estimates, each a value with its standard error, got 1.0"):
        forest({"a": 1.0}, x_title="x")
    with refused("`series['a']` must be a list of at least one Estimate, got []"):
        estimates_against([1.0], {"a": []}, x_title="x", y_title="y")
    with refused("`lines['a']` must hold 2 numbers, got 3"):
        curves([0, 1], {"a": [1, 2, 3]}, x_title="x", y_title="y")
    with refused("`lines['a']` must be greater than 0 on a logarithmic axis, got -1"):
        curves([1, 2], {"a": [1, -1]}, x_title="x", y_title="y", log_y=True)
    with refused("`x` must be a list of at least 2 numbers, got shape (0,)"):
        curves([], {"a": []}, x_title="x", y_title="y")
    with refused("`points['a']` must be a pair (x, list of Estimate), got list"):
        curves([0, 1], {"a": [1, 2]}, points={"a": [Estimate(1, 1)]}, x_title="x", y_title="y")
