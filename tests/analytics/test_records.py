"""Results as plain data: there and back, nothing lost, and whatever does not fit is named by its place."""

import json
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from flowexec.analytics.records import decode, encode, numbers
from flowexec.analytics.statistics import Estimate


class Pair(NamedTuple):
    low: float
    count: int


@dataclass(frozen=True)
class Inner:
    flag: bool
    pair: Pair | None


@dataclass(frozen=True)
class Outer:
    word: str
    parts: dict[str, Inner]
    steps: tuple[Estimate, ...]
    size: float
    inner: Inner | None = None


WHOLE = Outer(
    "α ≥ “1”",
    {"a": Inner(True, Pair(-0.1, 3)), "b": Inner(False, None)},
    (Estimate(1.5, 0.25), Estimate(math.inf, math.nan), Estimate(-math.inf, 0.0)),
    1 / 3,
    Inner(True, Pair(float(np.float64(2.5)), 0)),
)


def test_there_and_back_by_way_of_json():
    text = json.dumps(encode(WHOLE), allow_nan=False)
    again = decode(Outer, json.loads(text))
    assert repr(again) == repr(WHOLE)  # NaN is not itself
    assert [type(step) for step in again.steps] == [Estimate] * 3
    assert again.size == WHOLE.size


def test_numpy_numbers_become_plain():
    data = encode({"x": np.float64(0.1), "y": [np.float64(math.nan)]})
    assert data == {"x": 0.1, "y": ["nan"]}
    assert type(data["x"]) is float


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("word",), 3, "`data.word` must be a string, got 3"),
        (("parts",), [], "`data.parts` must be an object"),
        (("parts", "a"), {"flag": True}, r"`data.parts.a` must have the keys \['flag', 'pair'\]"),
        (("parts", "a", "flag"), 1, "`data.parts.a.flag` must be true or false, got 1"),
        (("parts", "a", "pair", "count"), True, "`data.parts.a.pair.count` must be a whole number"),
        (("parts", "a", "pair", "low"), "much", '`data.parts.a.pair.low` must be a number, "inf"'),
        (("parts", "a", "pair", "low"), True, "`data.parts.a.pair.low` must be a number"),
        (("parts", "a", "pair", "low"), None, "`data.parts.a.pair.low` must be a number"),
        (("steps",), {}, "`data.steps` must be a list"),
        (("steps",), [{"value": 1.0}], r"`data.steps\[0\]` must have the keys"),
        (("more",), 1, "`data` must have the keys"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(place, value, sentence):
    data = encode(WHOLE)
    here = data
    for key in place[:-1]:
        here = here[key]
    here[place[-1]] = value
    with pytest.raises(ValueError, match=sentence):
        decode(Outer, data)


def test_what_is_no_plain_data_is_refused():
    with pytest.raises(ValueError, match="`value` must be made of plain data, got array"):
        encode({"x": np.ones(2)})


def test_numbers_are_found_with_their_places():
    found = dict(numbers(WHOLE))
    assert found["steps.1"] == Estimate(1.5, 0.25)
    assert found["parts.a.pair.count"].value == 3.0
    assert math.isnan(found["size"].standard_error)
    assert set(found) == {
        "parts.a.pair.low", "parts.a.pair.count", "steps.1", "steps.2", "steps.3", "size", "inner.pair.low",
        "inner.pair.count"
    }  # fmt: skip
