"""Books: ladders cumulate, errors allow for dependence, medians weigh time."""

import numpy as np
import pytest

from flowexec.analytics import Estimate
from flowexec.figures import book_depth, mean_depth, over_the_day, volume_curve, walking_cost
from flowexec.figures.theme import SERIES_COLOURS
from tests.figures.gallery import book_sizes, depth

#: Bids 10.0 (3), 9.9 (4), asks 10.2 (5), 10.4 (6).
LADDER = np.array([[[10.0, 3], [9.9, 4]], [[10.2, 5], [10.4, 6]]])


def steps(figure, name):
    trace = next(t for t in figure.data if t.name == name)
    return np.column_stack([trace.x, trace.y])


def test_ladder_cumulates_outwards():
    figure = book_depth(LADDER)
    np.testing.assert_allclose(steps(figure, "asks")[:4], [[10.2, 0], [10.2, 5], [10.4, 5], [10.4, 11]])
    np.testing.assert_allclose(steps(figure, "bids")[-4:], [[9.9, 7], [9.9, 3], [10.0, 3], [10.0, 0]])
    assert (np.diff(steps(figure, "bids")[:, 0]) >= 0).all()
    assert "the spread is 0.2" in figure.layout.meta["alt"]


def test_missing_levels_do_not_count():
    thin = LADDER.copy()
    thin[1, 1, 1] = 0
    assert steps(book_depth(thin), "asks")[:, 1].max() == 5


@pytest.mark.parametrize(
    ("shares", "said"), [(3, "takes 1"), (4, "takes 2"), (9, "takes 2 and exceeds them")]
)
def test_levels_an_order_takes(shares, said):
    assert (
        said
        in book_depth(LADDER, shares=shares).layout.meta["alt"].split("bid levels")[1].split("ask levels")[0]
    )


def test_mean_depth_has_the_error_of_the_batches():
    sizes = book_sizes()[:80]
    bids = next(t for t in mean_depth(sizes, batches=4).data if t.name == "bids")
    means = sizes.reshape(4, 20, 2, -1).mean(axis=1)
    np.testing.assert_allclose(bids.y, sizes[:, 0].mean(axis=0))
    np.testing.assert_allclose(bids.error_y.array, 1.959964 * means[:, 0].std(axis=0, ddof=1) / 2, rtol=1e-6)


def test_sides_have_their_colours():
    figure = mean_depth(book_sizes())
    for side in ("bid", "ask"):
        assert next(t for t in figure.data if t.name == f"{side}s").marker.color == SERIES_COLOURS[side]


def test_fit_goes_through_the_middle_of_the_solid_points():
    shares = np.array([1.0, 10.0, 100.0])
    costs = [Estimate(2.0 * s**0.5, 0.01) for s in shares[:2]] + [Estimate(900.0, 1.0)]
    figure = walking_cost(shares, costs, fit=0.5, understated=[False, False, True])
    line = next(t for t in figure.data if t.mode == "lines")
    np.testing.assert_allclose(line.y, 2 * np.sqrt(line.x))
    assert line.x.max() == 10
    dots = next(t for t in figure.data if t.mode == "markers")
    assert list(dots.marker.color) == [dots.marker.line.color] * 2 + ["#fefefe"]


def test_fit_with_its_coefficient_is_drawn_as_given():
    figure = walking_cost([1.0, 4.0], [Estimate(1, 0.1), Estimate(2, 0.1)], fit=(3.0, 2.0))
    line = next(t for t in figure.data if t.mode == "lines")
    np.testing.assert_allclose(line.y, 3 * line.x**2)


def test_median_weighs_values_by_how_long_they_stood():
    # in [0, 10): 1 for nine seconds, 100 for one; in [10, 20): 100 throughout
    figure = over_the_day([0.0, 9.0], {"Spread (cents)": [1.0, 100.0]}, bins=2, session=(0.0, 20.0))
    median = next(t for t in figure.data if t.name == "median")
    assert list(median.y) == [1.0, 100.0]


def test_bins_without_a_value_are_left_out():
    figure = over_the_day([0.0, 10.0], {"a": [np.nan, 2.0]}, bins=2, session=(0.0, 20.0))
    assert list(next(t for t in figure.data if t.name == "median").x) == [15.0]


def test_observed_volume_has_the_error_of_its_days():
    table = np.array([[10.0, 14.0], [4.0, 4.0]])
    figure = volume_curve({"flat": [9.0, 9.0]}, observed=table)
    bars = next(t for t in figure.data if t.type == "bar")
    assert list(bars.y) == [12.0, 4.0]
    band = next(t for t in figure.data if t.type == "scatter" and t.fill == "toself")
    assert (max(band.y), min(band.y)) == (pytest.approx(12 + 2 * 2.0), 4.0)
    assert "largest at 09:30" in figure.layout.meta["alt"]


def test_curve_is_a_step_chart_over_the_session():
    line = next(
        t for t in volume_curve({"U": [3.0, 1.0, 2.0]}, session=(0.0, 300.0)).data if t.mode == "lines"
    )
    assert line.line.shape == "hv"
    assert list(line.x) == [0.0, 100.0, 200.0, 300.0]
    assert list(line.y) == [3.0, 1.0, 2.0, 2.0]


def test_bad_input_is_named(refused):
    with refused("`depth` must have shape [2, level, 2] with no empty side, got (5, 2)"):
        book_depth(depth()[0])
    empty = LADDER.copy()
    empty[0, :, 1] = 0
    with refused("`depth` must have at least one level on the bid side, got none"):
        book_depth(empty)
    with refused("`batches` must lie in [2, 10], the number of moments, got 20"):
        mean_depth(book_sizes()[:10])
    with refused("`costs['cost of walking']` must be greater than 0 on a logarithmic axis, got 0"):
        walking_cost([1.0], [Estimate(0.0, 0.1)])
    with refused("`series['a']` must have shape (2,), got (3,)"):
        over_the_day([0.0, 1.0], {"a": [1, 2, 3]})
    with refused("`times` must not go back"):
        over_the_day([1.0, 0.0], {"a": [1, 2]})
    with refused("`session` must be (begin, end) with begin < end, got (2.0, 1.0)"):
        volume_curve({"a": [1.0]}, session=(2.0, 1.0))
