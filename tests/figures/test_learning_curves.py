"""Training over seeds: median and range are those of the runs."""

import numpy as np
import pytest

from flowexec.figures import learning_curves

AT = np.array([1.0, 2.0, 4.0])
RUNS = np.array([[9.0, 3.0, 1.0], [8.0, 5.0, 2.0], [7.0, 4.0, 8.0]])
TITLES = {"x_title": "Iteration", "y_title": "Regret (%)"}


def test_band_holds_all_seeds_and_the_line_is_their_median():
    figure = learning_curves(AT, {"PPO": RUNS}, **TITLES, log_y=True)
    band, *seeds, median = figure.data
    high, low = np.split(band.y, 2)
    np.testing.assert_array_equal(high, [9.0, 5.0, 8.0])
    np.testing.assert_array_equal(low[::-1], [7.0, 3.0, 1.0])
    np.testing.assert_array_equal([s.y for s in seeds], RUNS)
    np.testing.assert_array_equal(median.y, [8.0, 4.0, 2.0])
    assert figure.layout.yaxis.type == "log"
    assert "PPO from 8 to 2 in the median of 3 seeds, which end between 1 and 8" in figure.layout.meta["alt"]


def test_a_level_stands_where_it_was_asked_for():
    figure = learning_curves(AT, {"PPO": RUNS}, **TITLES, levels={"target": 6.0})
    (line,) = (shape for shape in figure.layout.shapes if shape.y0 == 6.0)
    assert line.y1 == 6.0
    assert any(note.text and "target" in note.text for note in figure.layout.annotations)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [1.0, 1.0, 2.0]}, r"\A`x` must increase"),
        ({"runs": {}}, r"\A`runs` must map at least one label"),
        ({"runs": {"a": RUNS[:, :2]}}, r"\A`runs\['a'\]` must have shape \[seed, 3\]"),
        (
            {"runs": {"a": RUNS - 2}, "log_y": True},
            r"\A`runs\['a'\]` must be greater than 0 on a logarithmic",
        ),
    ],
)
def test_runs_that_do_not_fit_are_refused(change, message):
    given = {"x": AT, "runs": {"a": RUNS}, **TITLES, **change}
    with pytest.raises(ValueError, match=message):
        learning_curves(given.pop("x"), given.pop("runs"), **given)
