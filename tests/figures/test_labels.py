"""Names go beside their own curve, inside the frame, and clear of everything that is not theirs."""

import math

import numpy as np
import pytest

from flowexec.figures.boxes import OFFSET, text_size
from flowexec.figures.labels import UNCLEAR, place_labels
from flowexec.figures.lanes import stack_lanes

FRAME = (600.0, 300.0)
NOTHING = np.empty((0, 2))
X = np.linspace(0, 600, 200)


def box(place, size):
    """Corners of a level label."""
    centre = np.array(place.point) + np.array(place.offset) + np.array(place.side) * np.array(size) / 2
    return centre - np.array(size) / 2, centre + np.array(size) / 2


def covers(place, size, points):
    low, high = box(place, size)
    return ((points > low) & (points < high)).all(axis=1).any()


def test_two_curves_far_apart_have_their_names_beside_them_and_level():
    curves = [np.column_stack([X, 200 + 20 * np.sin(X / 90)]), np.column_stack([X, 80 + 20 * np.sin(X / 60)])]
    places = place_labels(curves, [(60, 17)] * 2, FRAME, NOTHING)
    for place, own, other in zip(places, curves, curves[::-1], strict=True):
        assert np.abs(place.offset).max() == OFFSET
        assert place.angle == 0
        gap = [np.hypot(*(c - place.point).T).min() for c in (own, other)]
        assert gap[0] < 3 < 40 < gap[1]
        assert not covers(place, (60, 17), own)
        assert not covers(place, (60, 17), other)


@pytest.mark.parametrize("seed", range(6))
def test_names_stay_in_the_frame_and_off_other_curves(seed):
    rng = np.random.default_rng(seed)
    curves = [
        np.column_stack([X, 150 + 120 * np.sin(X / rng.uniform(80, 200) + rng.uniform(0, 6))])
        for _ in range(3)
    ]
    size = (50.0, 17.0)
    places = place_labels(curves, [size] * 3, FRAME, NOTHING)
    for i, place in enumerate(places):
        if place.angle:
            continue
        low, high = box(place, size)
        assert (low >= -1e-9).all()
        assert (high <= np.array(FRAME) + 1e-9).all()
        assert not any(covers(place, size, c) for j, c in enumerate(curves) if j != i)


def test_obstacles_are_avoided():
    line = np.column_stack([X, np.full(200, 150.0)])
    above = np.column_stack([X, np.full(200, 160.0)])
    place = place_labels([line], [(60, 17)], FRAME, above)[0]
    assert place.side[1] < 0


def test_crowded_points_are_led_to_their_names():
    points = [np.array([[300.0 + 6 * i, 150.0]]) for i in range(4)]
    size = (50.0, 17.0)
    places = place_labels(points, [size] * 4, FRAME, NOTHING)
    boxes = [box(place, size) for place in places]
    for i, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[:i]:
            assert (low >= other_high - 1e-9).any() or (other_low >= high - 1e-9).any()
    assert any(place.led for place in places)


def test_name_between_two_slopes_lies_along_them():
    curves = [np.column_stack([X, 0.4 * X + shift]) for shift in (0.0, 34.0, 68.0)]
    middle = place_labels(curves, [(150, 17)] * 3, FRAME, NOTHING)[1]
    assert middle.angle == pytest.approx(math.atan(0.4), abs=0.02)


def test_curves_on_top_of_one_another_are_unclear_and_lone_ones_are_not():
    together = [np.column_stack([X, 150 + 3 * i + 100 * np.sin(X / 30)]) for i in range(6)]
    assert max(place.price for place in place_labels(together, [(180, 17)] * 6, FRAME, NOTHING)) > UNCLEAR
    assert place_labels(together[:1], [(180, 17)], FRAME, NOTHING)[0].price < UNCLEAR


def test_name_starts_where_its_curve_is_apart_from_one_of_the_same_colour():
    curves = [np.column_stack([X, 20 + 0.1 * X]), np.column_stack([X, 20 + 0.4 * X])]
    for colours in (["a", "b"], ["a", "a"]):
        place = place_labels(curves, [(60, 17)] * 2, FRAME, NOTHING, colours=colours)[0]
        assert np.hypot(*(curves[1] - place.point).T).min() > 14


def test_marker_of_a_point_stays_free():
    place = place_labels([np.array([[300.0, 150.0]])], [(60, 17)], FRAME, NOTHING, clear=[9.0])[0]
    low, high = box(place, (60, 17))
    outside = np.maximum(np.maximum(low - place.point, place.point - high), 0)
    assert np.abs(outside).max() >= 9


def test_same_curves_same_places():
    curves = [np.column_stack([X, 150 + 100 * np.sin(X / k)]) for k in (50, 70)]
    assert place_labels(curves, [(60, 17)] * 2, FRAME, NOTHING) == place_labels(
        curves, [(60, 17)] * 2, FRAME, NOTHING
    )


def test_size_of_a_text_counts_letters_not_tags():
    assert text_size("n<sup>2</sup>", 13) == text_size("n2", 13)
    assert text_size("two<br>lines", 13)[1] == 2 * text_size("two", 13)[1]


def spans(positions, widths, lanes):
    return [
        (lane.number, *sorted((x, x + lane.side * (w + OFFSET))))
        for x, w, lane in zip(positions, widths, lanes, strict=True)
    ]


@pytest.mark.parametrize(
    "positions", [[100, 110, 120], [10, 590], [300, 310, 320, 330], [5, 10, 300, 310, 590, 595]]
)
def test_marks_cover_neither_one_another_nor_a_line_beside_them(positions):
    widths = [60.0] * len(positions)
    lanes = stack_lanes(positions, widths, 600.0)
    placed = spans(positions, widths, lanes)
    for i, (lane, left, right) in enumerate(placed):
        assert left >= 0
        assert right <= 600
        for j, (other, begin, end) in enumerate(placed):
            if i != j:
                assert lane != other or right <= begin or end <= left
                assert not left < positions[j] < right or other > lane


def test_marks_with_room_share_the_first_lane_and_stand_right():
    assert [tuple(lane) for lane in stack_lanes([0, 200, 400], [60] * 3, 600.0)] == [(0, 1)] * 3
    assert stack_lanes([], [], 600.0) == []
