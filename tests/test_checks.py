"""The sentences with which bad parameters are refused."""

import math
from fractions import Fraction

import numpy as np
import pytest

from flowexec import TWAP, Order
from flowexec.checks import (
    check_choice,
    check_count,
    check_flag,
    check_kind,
    check_numbers,
    check_real,
    check_weights,
)
from flowexec.execution import Strategy
from flowexec.market import MarketModel


@pytest.mark.parametrize(
    ("bounds", "value", "sentence"),
    [
        ({"at_least": -1, "at_most": 1}, 1.3, "`rho` must lie in [-1, 1], got 1.3"),
        ({"above": 0, "below": 1}, 1.0, "`rho` must lie in (0, 1), got 1.0"),
        ({"above": 0, "at_most": 1}, 0, "`rho` must lie in (0, 1], got 0"),
        ({"at_least": 0, "below": 1}, 1, "`rho` must lie in [0, 1), got 1"),
        ({"above": 0}, 0.0, "`rho` must be greater than 0, got 0.0"),
        ({"at_least": 0}, -1e-300, "`rho` must be at least 0, got -1e-300"),
        ({"below": 2}, 2, "`rho` must be less than 2, got 2"),
        ({"at_most": 2}, 2.5, "`rho` must be at most 2, got 2.5"),
        ({}, math.inf, "`rho` must be a finite number, got inf"),
        ({}, math.nan, "`rho` must be a finite number, got nan"),
        ({"above": 0}, math.nan, "`rho` must be greater than 0, got nan"),
        ({"at_least": 0}, math.inf, "`rho` must be at least 0, got inf"),
        ({"at_least": 0}, True, "`rho` must be at least 0, got True"),
        ({"at_least": 0}, "1", "`rho` must be at least 0, got '1'"),
        ({"at_least": 0}, None, "`rho` must be at least 0, got None"),
        ({"at_least": 0}, 1 + 0j, "`rho` must be at least 0, got (1+0j)"),
        ({"at_least": 0}, [1.0], "`rho` must be at least 0, got [1.0]"),
        ({}, 10**400, f"`rho` must be a finite number, got {10**400}"),
    ],
)
def test_check_real_names_argument_rule_and_value(bounds, value, sentence, refused):
    with refused(sentence):
        check_real("rho", value, **bounds)


def test_check_real_refuses_an_array_as_a_value_error():
    with pytest.raises(ValueError, match=r"`rho` must be at least 0, got array"):
        check_real("rho", np.ones(2), at_least=0)


@pytest.mark.parametrize(
    "value", [0, 1, 0.5, -1, Fraction(1, 3), np.float64(0.5), np.float32(1), np.int64(-1)]
)
def test_check_real_accepts_every_kind_of_real_number_up_to_closed_bounds(value):
    check_real("rho", value, at_least=-1, at_most=1)


def test_check_real_keeps_open_bounds_open_on_both_sides():
    check_real("rate", math.nextafter(0, 1), above=0, below=1)
    check_real("rate", math.nextafter(1, 0), above=0, below=1)
    for bound in (0, 1):
        with pytest.raises(ValueError, match=r"must lie in \(0, 1\)"):
            check_real("rate", bound, above=0, below=1)


@pytest.mark.parametrize("value", [0, -3, 2.0, 2.5, math.nan, True, "2", None, np.float64(2), np.bool_(True)])
def test_check_count_refuses_what_is_not_a_count(value, refused):
    with refused(f"`n_steps` must be a whole number, at least 1, got {value!r}"):
        check_count("n_steps", value)


def test_check_count_has_a_lower_bound_of_its_own():
    check_count("seed", 0, at_least=0)
    check_count("n_steps", np.int32(1))
    with pytest.raises(ValueError, match="`seed` must be a whole number, at least 2, got 1"):
        check_count("seed", 1, at_least=2)


def test_check_choice_lists_the_choices(refused):
    check_choice("side", "buy", ("sell", "buy"))
    for value in ("hold", "Buy", None, 1, ["buy"], np.array(["buy"])):
        with refused(f"`side` must be one of 'sell', 'buy', got {value!r}"):
            check_choice("side", value, ("sell", "buy"))


def test_check_flag_takes_no_word_for_a_truth(refused):
    check_flag("complete", False)
    for value in ("no", 0, 1, None, np.bool_(True)):
        with refused(f"`complete` must be True or False, got {value!r}"):
            check_flag("complete", value)


def test_check_kind_asks_for_the_class_or_for_the_methods_of_a_protocol(refused):
    class Model:
        def simulate(self):
            """What `MarketModel` asks for."""

    check_kind("order", Order("sell", 1, 1.0, 1), Order)
    check_kind("market", Model(), MarketModel)
    with refused("`order` must be an Order, got None"):
        check_kind("order", None, Order)
    with refused("`market` must be a MarketModel, got 'GBM'"):
        check_kind("market", "GBM", MarketModel)
    with pytest.raises(ValueError, match=r"`strategy` must be a Strategy, got <class .*TWAP'>"):
        check_kind("strategy", TWAP, Strategy)  # the parentheses were forgotten


def test_check_weights_hands_back_a_tuple_of_floats(refused):
    for values in ([1, 0, 3], (1.0, 0.0, 3.0), np.array([1, 0, 3]), iter([1, 0, 3])):
        weights = check_weights("profile", values)
        assert weights == (1.0, 0.0, 3.0)
        assert [type(weight) for weight in weights] == [float] * 3
    with refused("`profile` must be a sequence of numbers, got 3"):
        check_weights("profile", 3)
    with refused("`profile` must be at least 0, got -1"):
        check_weights("profile", [1, -1])
    with refused("`profile` must be greater than 0, got 0"):
        check_weights("profile", [1, 0], above=0)
    for empty in ((), (0.0, 0.0)):
        with refused(f"`profile` must hold at least one positive number, got {empty!r}"):
            check_weights("profile", empty)


def test_check_numbers_hands_back_an_array_of_floats(refused):
    for values in ([1, 2], (1.0, 2.0), np.array([1, 2])):
        numbers = check_numbers("lags", values)
        assert numbers.dtype == np.float64
        np.testing.assert_array_equal(numbers, [1.0, 2.0])
    kept = np.array([1.0, 2.0])
    assert check_numbers("lags", kept) is kept  # ten million paths are not copied
    for values in (
        [1.0],
        3,
        None,
        "12",
        ["1", "2"],
        [[1.0, 2.0]],
        [[1.0], [2.0, 3.0]],
        [True, False],
        [1j, 2],
    ):
        with refused(f"`lags` must be an array of at least 2 numbers, got {values!r}"):
            check_numbers("lags", values, at_least=2)
    for value in (math.nan, math.inf):
        with refused(f"`lags` must be finite throughout, got {value}"):
            check_numbers("lags", [1.0, value])
