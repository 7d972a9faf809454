"""The volume curve: what it expects in a step, what it draws, and what it refuses."""

import math
import re

import numpy as np
import pytest
from scipy import stats

from flowexec.market.volume import VolumeCurve


def test_a_day_of_any_number_of_steps_trades_the_daily_volume() -> None:
    curve = VolumeCurve.u_shape(2_000_000, depth=0.7)
    for n_steps in (1, 7, 78, 390):
        assert curve.expected(n_steps, 1.0).sum() == pytest.approx(2_000_000, rel=1e-12)
    assert curve.expected(10, 2.5).sum() == pytest.approx(5_000_000, rel=1e-12)


def test_u_shape_is_symmetric_low_at_noon_and_has_mean_one() -> None:
    curve = VolumeCurve.u_shape(78.0, depth=0.5, bins=78)
    bins = curve.expected(78, 1.0)
    np.testing.assert_allclose(bins, bins[::-1], rtol=1e-12)
    assert bins.argmin() in (38, 39)
    fine = VolumeCurve.u_shape(10_001.0, depth=0.5, bins=10_001)
    rate = fine.expected(10_001, 1.0)
    assert rate[5_000] == pytest.approx(0.5, abs=1e-6)
    assert rate[0] == pytest.approx(1 - 0.5 + 1.5, abs=1e-3)
    flat = VolumeCurve.u_shape(100.0, depth=0.0)
    np.testing.assert_allclose(flat.expected(4, 1.0), 25.0)


def test_expected_volume_is_the_integral_of_the_profile() -> None:
    curve = VolumeCurve(100.0, (1.0, 3.0))
    np.testing.assert_allclose(curve.expected(4, 1.0), [12.5, 12.5, 37.5, 37.5])
    np.testing.assert_allclose(curve.expected(1, 0.75), [62.5])
    np.testing.assert_allclose(curve.expected(3, 1.5), [25.0, 75.0, 25.0])


def test_the_profile_repeats_every_day_and_can_start_within_one() -> None:
    curve = VolumeCurve.u_shape(1000.0, depth=0.9)
    day = curve.expected(13, 1.0)
    np.testing.assert_allclose(curve.expected(39, 3.0), np.tile(day, 3), rtol=1e-9)
    np.testing.assert_allclose(curve.expected(13, 1.0, start=2.0), day, rtol=1e-9)
    half = curve.expected(26, 1.0)
    np.testing.assert_allclose(curve.expected(26, 1.0, start=0.5), np.roll(half, -13), rtol=1e-9)


def test_splitting_steps_splits_volume() -> None:
    curve = VolumeCurve(1.0, (2.0, 1.0, 5.0, 0.0, 3.0))
    np.testing.assert_allclose(
        curve.expected(60, 1.7).reshape(20, 3).sum(axis=1), curve.expected(20, 1.7), rtol=1e-12
    )


def test_noise_is_gamma_of_mean_one_with_the_stated_dispersion() -> None:
    """Kolmogorov–Smirnov p above 1e-3 for each step; steps uncorrelated with |z| < 4; 100,000 paths."""
    curve, n = VolumeCurve.u_shape(1e6, dispersion=0.4), 100_000
    volume = curve.sample(n, 3, 1.0, seed=1)
    ratio = volume / curve.expected(3, 1.0)[:, None]
    law = stats.gamma(1 / 0.16, scale=0.16)
    for row in ratio:
        assert stats.kstest(row, law.cdf).pvalue > 1e-3
        assert abs(row.mean() - 1) < 4 * 0.4 / math.sqrt(n)
    correlation = np.corrcoef(ratio)
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() * math.sqrt(n) < 4
    assert volume.min() > 0


def test_without_dispersion_it_is_the_expectation_and_costs_no_memory() -> None:
    curve = VolumeCurve.u_shape(500.0)
    volume = curve.sample(10**9, 4, 1.0, seed=0)
    assert volume.shape == (4, 10**9)
    assert volume.strides[1] == 0
    np.testing.assert_array_equal(volume[:, 12345], curve.expected(4, 1.0))
    assert not volume.flags.writeable


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"daily_volume": 0.0}, "`daily_volume` must be greater than 0, got 0.0"),
        ({"daily_volume": float("nan")}, "`daily_volume` must be greater than 0, got nan"),
        ({"dispersion": -0.5}, "`dispersion` must be at least 0, got -0.5"),
        ({"profile": ()}, "`profile` must hold at least one positive number, got ()"),
        ({"profile": (0.0, 0.0)}, "`profile` must hold at least one positive number, got (0.0, 0.0)"),
        ({"profile": (2.0, -1.0)}, "`profile` must be at least 0, got -1.0"),
        ({"profile": (1.0, float("nan"))}, "`profile` must be at least 0, got nan"),
    ],
)
def test_bad_curves_are_named(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        VolumeCurve(**arguments)


def test_bad_shapes_and_grids_are_named() -> None:
    with pytest.raises(ValueError, match=r"`depth` must lie in \[0, 1\), got 1"):
        VolumeCurve.u_shape(depth=1)
    with pytest.raises(ValueError, match="`bins` must be a whole number, at least 1, got 0"):
        VolumeCurve.u_shape(bins=0)
    with pytest.raises(ValueError, match="`n_steps` must be a whole number, at least 1, got 0"):
        VolumeCurve().expected(0, 1.0)
    with pytest.raises(ValueError, match="`start` must be at least 0, got -1"):
        VolumeCurve().expected(1, 1.0, start=-1)
