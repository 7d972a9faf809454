"""Numbers as words, ticks, decimation, and who is which colour."""

import numpy as np
import pytest

from flowexec.analytics import Estimate
from flowexec.figures.axes import Axis, clock_ticks, fraction_ticks, log_ticks
from flowexec.figures.identity import identities
from flowexec.figures.inputs import spaced, thin
from flowexec.figures.theme import PALETTE, SCHEME_COLOURS, SERIES_COLOURS, STRATEGY_COLOURS, STRATEGY_DASHES
from flowexec.figures.wording import clock, estimate, listed, number, short, value_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"), (-1234567.0, "−1,234,567"), (0.045678, "0.0457"), (2.5e-7, "2.5·10⁻⁷"), (1e-6, "10⁻⁶"),
        (-1e-9, "−10⁻⁹"), (99.96, "100"), (0.99999, "1"), (12.0, "12"), (1e15, "10¹⁵"), (123.4, "123"),
        (0.0001, "0.0001"),
    ],
)  # fmt: skip
def test_numbers_in_words(value, words):
    assert number(value) == words


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Estimate(12.3456, 0.0423), "12.346 ± 0.042"),
        (Estimate(-1234.5, 17.0), "−1,234 ± 17"),
        (Estimate(0.5, 0.0), "0.5"),
        (Estimate(1.0, 1e-17), "1"),
        (Estimate(0.0, 0.02), "0.000 ± 0.020"),
    ],
)
def test_estimates_in_words(item, words):
    assert estimate(item) == words


def test_signed_estimates_and_other_words():
    assert estimate(Estimate(1.234, 0.2), signed=True) == "+1.23 ± 0.20"
    assert value_of(Estimate(2.0, 0.0), signed=True) == "+2"
    assert [short(v) for v in (500, 20_000, 5e5, 2e6, 3e9)] == ["500", "20k", "500k", "2M", "3G"]
    assert (clock(34_200), clock(57_600)) == ("09:30", "16:00")
    assert (listed(["a"]), listed(["a", "b", "c"])) == ("a", "a, b and c")


def test_logarithmic_ticks_are_decades_with_steps_where_there_is_room():
    assert list(log_ticks(-2, 2).values()) == ["0.01", "0.1", "1", "10", "100"]
    assert list(log_ticks(0, 1).values()) == ["1", "2", "5", "10"]
    assert list(log_ticks(-8, -6).values()) == ["10⁻⁸", "3·10⁻⁸", "10⁻⁷", "3·10⁻⁷", "10⁻⁶"]
    assert len(log_ticks(-20, 20)) <= 8
    for position, text in log_ticks(3, 6.5).items():
        assert position == float(text.replace("k", "e3").replace("M", "e6").replace(",", ""))


def test_ticks_of_clocks_and_fractions():
    assert list(clock_ticks(34_200, 57_600).values()) == [f"{h}:00" for h in range(10, 17)]
    assert fraction_ticks(np.array([1.0, 0.25, 1 / 16, 0.3])) == {
        1 / 16: "1/16",
        0.25: "1/4",
        0.3: "0.3",
        1.0: "1",
    }


def test_axis_that_must_reach_zero_ends_there_or_goes_beyond():
    axis = Axis("x", zero=True)
    axis.reach([3.0, 10.0])
    assert axis.range(0.1) == (0.0, 11.0)
    axis.reach([-10.0, np.nan, np.inf])
    assert axis.range(0.1) == (-12.0, 12.0)


def test_room_is_a_share_of_the_whole_axis():
    axis = Axis("x")
    axis.reach([0.0, 60.0])
    assert axis.range(0.0, (0.1, 0.3)) == pytest.approx((-10.0, 90.0))


def test_logarithmic_axis_ignores_what_it_cannot_show():
    axis = Axis("x", log=True)
    axis.reach([0.0, -1.0, 10.0, 1000.0])
    assert axis.range(0.0) == (1.0, 3.0)
    assert axis.place(100.0) == 2.0


def test_thinning_keeps_ends_and_spikes_and_is_the_same_each_time():
    x, y = np.arange(100_000.0), np.random.default_rng(1).standard_normal(100_000)
    y[54_321] = 50.0
    kept_x, kept_y = thin(x, y)
    assert kept_x.size <= 2000
    assert (kept_x[0], kept_x[-1], kept_y.max(), kept_y.min()) == (0, 99_999, 50.0, y.min())
    assert (np.diff(kept_x) > 0).all()
    np.testing.assert_array_equal(thin(x, y)[0], kept_x)
    assert thin(x[:2000], y[:2000])[0].size == 2000


def test_spaced_keeps_both_ends():
    chosen = spaced(10_001, 100)
    assert (chosen[0], chosen[-1], chosen.size) == (0, 10_000, 100)


@pytest.mark.parametrize("name", STRATEGY_COLOURS)
@pytest.mark.parametrize("form", ["{}", "{}, λ = 10⁻⁶", "{} 10 %"])
def test_strategy_has_its_colour_and_dash_under_every_name_that_begins_with_its_own(name, form):
    look = identities([form.format(name)])[form.format(name)]
    assert (look.colour, look.dash) == (STRATEGY_COLOURS[name], STRATEGY_DASHES[name])


def test_schemes_and_components_have_theirs():
    assert identities(["QE-M"])["QE-M"].colour == SCHEME_COLOURS["qe_m"]
    assert identities(["timing"])["timing"].colour == SERIES_COLOURS["timing"]


def test_a_longer_word_is_another_name():
    assert identities(["Flowers"])["Flowers"].colour == PALETTE["blue"]


def test_strangers_take_hues_that_nobody_else_in_the_figure_has():
    looks = identities(["first", "Almgren–Chriss", "second"])
    assert looks["Almgren–Chriss"].colour == PALETTE["blue"]
    assert len({look.colour for look in looks.values()}) == 3


def test_variants_of_one_strategy_differ_by_dash():
    looks = identities([f"Almgren–Chriss, λ = {i}" for i in range(4)])
    assert {look.colour for look in looks.values()} == {STRATEGY_COLOURS["Almgren–Chriss"]}
    assert len({look.dash for look in looks.values()}) == 4


def test_many_strangers_still_get_colours():
    assert len(identities([f"series {i}" for i in range(20)])) == 20
