"""Waterfall and components draw the Summary's own numbers."""

import numpy as np
import pytest

from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures import cost_components, cost_waterfall
from flowexec.figures.theme import SERIES_COLOURS, STRATEGY_COLOURS, translucent
from tests.figures.gallery import costs, executions, summaries


def bars(figure):
    return {trace.name: trace for trace in figure.data if trace.type == "bar"}


def test_bars_of_the_waterfall_follow_one_another_and_end_at_the_total():
    drawn = bars(cost_waterfall(summaries()["POV 5 %"]))
    total = drawn.pop("total")
    level = 0.0
    for trace in drawn.values():
        assert trace.base[0] == pytest.approx(level, abs=1e-12)
        level += trace.x[0]
    assert total.base[0] == 0
    assert total.x[0] == pytest.approx(level, rel=1e-12)
    assert total.x[0] == summaries()["POV 5 %"].mean.value


def test_whiskers_of_the_waterfall_are_95_per_cent_intervals():
    summary = summaries()["POV 5 %"]
    for name, trace in bars(cost_waterfall(summary)).items():
        part = summary.mean if name == "total" else summary.components[name]
        assert trace.error_x.array[0] == NORMAL_95 * part.standard_error
        assert trace.marker.color.startswith(translucent(SERIES_COLOURS[name], 0.5)[:-4])


def test_components_that_are_nothing_have_a_row_only_on_request():
    summary = summaries()["TWAP"]
    assert "fees" not in bars(cost_waterfall(summary))
    assert bars(cost_waterfall(summary, zeros=True))["fees"].x[0] == 0


def test_rows_of_the_waterfall_stand_in_the_order_of_the_text_beside_them():
    figure = cost_waterfall(summaries()["POV 5 %"])
    texts = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    for name, trace in bars(figure).items():
        assert texts[trace.y[0]] == name


def test_components_side_by_side_are_the_summaries_means():
    drawn = {
        trace.name or trace.hovertemplate.split(":")[0]: trace for trace in cost_components(summaries()).data
    }
    for name, summary in summaries().items():
        trace = drawn[name]
        expected = [summary.components[c].value for c in ("spread", "temporary", "permanent", "timing")]
        np.testing.assert_array_equal(trace.x, [*expected, summary.mean.value])
        assert trace.error_x.array[-1] == NORMAL_95 * summary.mean.standard_error
        assert trace.marker.color == STRATEGY_COLOURS[name.removesuffix(" 5 %")]


def test_chosen_components_only():
    figure = cost_components(summaries(), components=["timing", "total"])
    assert list(figure.layout.yaxis.ticktext) == ["timing", "total"]


def test_bad_input_is_named(refused):
    with refused("`summary` must be a Summary, what `evaluate` returns, got Shortfall"):
        cost_waterfall(costs()["TWAP"])
    with refused("`summaries` must map at least one label to its data, got {}"):
        cost_components({})
    with refused("`summaries` must be Summaries in one unit"):
        cost_components({"TWAP": executions()["TWAP"]})
    with pytest.raises(ValueError, match=r"\A`components` must be among spread, .* got 'luck'\Z"):
        cost_components(summaries(), components=["luck"])
