"""Orders: what is refused, in which words, and the two derived numbers."""

import math

import pytest

from flowexec import Order

GOOD = {"side": "sell", "shares": 100.0, "horizon": 1.0, "n_steps": 4}


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("side", "hold", "`side` must be one of 'sell', 'buy', got 'hold'"),
        ("side", 1, "`side` must be one of 'sell', 'buy', got 1"),
        ("shares", -5, "`shares` must be greater than 0, got -5"),
        ("shares", 0, "`shares` must be greater than 0, got 0"),
        ("shares", math.nan, "`shares` must be greater than 0, got nan"),
        ("shares", math.inf, "`shares` must be greater than 0, got inf"),
        ("shares", True, "`shares` must be greater than 0, got True"),
        ("shares", "1e6", "`shares` must be greater than 0, got '1e6'"),
        ("horizon", 0.0, "`horizon` must be greater than 0, got 0.0"),
        ("horizon", math.nan, "`horizon` must be greater than 0, got nan"),
        ("n_steps", 0, "`n_steps` must be a whole number, at least 1, got 0"),
        ("n_steps", 2.5, "`n_steps` must be a whole number, at least 1, got 2.5"),
        ("n_steps", True, "`n_steps` must be a whole number, at least 1, got True"),
        ("fee_per_share", -0.01, "`fee_per_share` must be at least 0, got -0.01"),
        ("fixed_fee", math.nan, "`fixed_fee` must be at least 0, got nan"),
    ],
)
def test_a_bad_order_is_refused_by_name(argument, value, sentence, refused):
    with refused(sentence):
        Order(**(GOOD | {argument: value}))


def test_sign_and_step_length():
    assert (Order(**GOOD).sign, Order(**GOOD | {"side": "buy"}).sign) == (-1, 1)
    assert Order(**GOOD | {"horizon": 0.5, "n_steps": 5}).step_length == 0.1
