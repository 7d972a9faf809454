"""The sentences with which bad parameters are refused."""

import math
from fractions import Fraction

import numpy as np
import pytest

from flowexec.checks import check_choice, check_count, check_real


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
    for value in ("hold", "Buy", None, 1):
        with refused(f"`side` must be one of 'sell', 'buy', got {value!r}"):
            check_choice("side", value, ("sell", "buy"))
