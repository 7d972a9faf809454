"""Histograms integrate to one, tails stand where the sample has them, z-scores are those of the exact law."""

import numpy as np
import pytest

from flowexec.analytics import var_cvar
from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures import cost_distribution, density
from flowexec.figures.theme import STRATEGY_COLOURS
from tests.figures.gallery import costs


def normal(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


@pytest.fixture(scope="module")
def sample():
    return np.random.default_rng(4).standard_normal(20_000)


def marked(figure):
    """Vertical lines by their text."""
    lines = {shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1}
    return {note.text: note.x for note in figure.layout.annotations if note.x in lines}


def test_tail_lines_stand_at_value_at_risk_and_expected_shortfall():
    total = costs()["TWAP"].total
    var, cvar = var_cvar(total, 0.95)
    marks = marked(cost_distribution(total))
    assert marks == {"mean": pytest.approx(total.mean()), "VaR 95 %": var.value, "CVaR 95 %": cvar.value}
    assert cvar.value == pytest.approx(total[total >= var.value].mean(), rel=5e-3)


def test_another_level_moves_the_tail():
    total = costs()["TWAP"].total
    assert marked(cost_distribution(total, level=0.99))["VaR 99 %"] == var_cvar(total, 0.99)[0].value


def test_outline_is_the_density_of_the_sample():
    total = costs()["TWAP"].total
    outline = next(t for t in cost_distribution(total).data if t.line.shape == "hv")
    area = (np.diff(outline.x) * outline.y[:-1]).sum()
    inside = np.mean((total >= outline.x[0]) & (total <= outline.x[-1]))
    assert area == pytest.approx(inside, abs=1e-9)


def test_shaded_tail_holds_one_minus_level():
    total = np.random.default_rng(1).standard_normal(40_000)
    bar = next(t for t in cost_distribution(total, level=0.9, bins=60).data if t.type == "bar")
    assert (bar.y * bar.width).sum() == pytest.approx(0.1, abs=0.006)
    assert (bar.x - bar.width / 2).min() == pytest.approx(var_cvar(total, 0.9)[0].value)


def test_several_distributions_have_a_row_and_a_colour_each():
    figure = cost_distribution(costs())
    assert list(figure.layout.yaxis2.ticktext) == list(costs())
    for name, cost in costs().items():
        mean = next(t for t in figure.data if t.name == f"{name} mean")
        assert mean.x[0] == pytest.approx(cost.total.mean())
        assert mean.error_x.array[0] == pytest.approx(
            NORMAL_95 * cost.total.std(ddof=1) / np.sqrt(cost.total.size)
        )
        assert mean.marker.color == STRATEGY_COLOURS[name.removesuffix(" 5 %")]


def test_unit_is_that_of_the_shortfall():
    assert cost_distribution(costs()["TWAP"]).layout.xaxis.title.text == "Cost (bps of arrival value)"


def test_bars_of_the_right_law_are_within_two_errors_as_often_as_they_should(sample):
    figure = density(sample, normal, x_title="X", bins=60)
    z = next(t for t in figure.data if t.yaxis == "y2" and t.mode == "markers").customdata
    assert np.mean(np.abs(z) <= 2) >= 0.88  # binomial: 60 bars of 95.4 %, less than 0.88 in 1 of 10⁴ samples
    assert abs(np.mean(np.square(z)) - 1) < 5 * np.sqrt(2 / 60)


def test_a_wrong_law_is_seen(sample):
    figure = density(sample, lambda x: normal(x / 1.2) / 1.2, x_title="X", bins=60)
    z = next(t for t in figure.data if t.yaxis == "y2" and t.mode == "markers").customdata
    assert np.abs(z).max() > 6
    assert f"the furthest is {np.abs(z).max():.1f} away" in figure.layout.meta["alt"]


def test_density_on_a_grid_is_the_density_by_function(sample):
    grid = np.linspace(-6, 6, 4001)
    by_grid, by_function = (density(sample, e, x_title="X") for e in ((grid, normal(grid)), normal))
    for one, other in zip(by_grid.data, by_function.data, strict=True):
        np.testing.assert_allclose(np.asarray(one.y, float), np.asarray(other.y, float), atol=2e-3)


def test_hollow_scores_are_those_within_two_errors(sample):
    figure = density(sample, lambda x: normal(x / 1.05) / 1.05, x_title="X")
    scores = next(t for t in figure.data if t.yaxis == "y2" and t.mode == "markers")
    hollow = np.array([c == "#fefefe" for c in scores.marker.color])
    np.testing.assert_array_equal(hollow, np.abs(scores.customdata) <= 2)


def test_density_that_is_infinite_at_its_end_is_drawn_up_to_the_bars():
    sample = np.random.default_rng(3).chisquare(1, 50_000)
    figure = density(sample, lambda x: np.exp(-x / 2) / np.sqrt(2 * np.pi * x), x_title="X", bins=40)
    line = next(t for t in figure.data if t.name == "exact")
    bars = next(t for t in figure.data if t.type == "bar")
    assert np.isfinite(line.y).all()
    assert line.y.max() <= 1.3 * bars.y.max()
    z = next(t for t in figure.data if t.yaxis == "y2" and t.mode == "markers").customdata
    assert np.mean(np.abs(z[1:]) <= 2) > 0.85  # all but the bin with the singularity


def test_bad_input_is_named(refused):
    with refused("`costs['TWAP']` must be a list of at least 100 numbers, got shape (3,)"):
        cost_distribution({"TWAP": [1.0, 2.0, 3.0]})
    with refused("`level` must lie in (0, 1), got 95"):
        cost_distribution(costs()["TWAP"], level=95)
    with refused("`sample` must vary, got 1 throughout"):
        density(np.ones(200), normal, x_title="X")
    with refused("`exact` must be a function or a pair (x, density), got list"):
        density(np.arange(200.0), [1.0], x_title="X")
    with refused("`exact[0]` must cover the bins, from 0.0995 to 198.901, got a grid from 1 to 200"):
        density(np.arange(200.0), ([1.0, 200.0], [0.005, 0.005]), x_title="X")
    with refused("`sample` must be finite, got nan at position 7"):
        density(np.where(np.arange(200) == 7, np.nan, 1.0 * np.arange(200)), normal, x_title="X")
