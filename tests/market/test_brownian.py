"""Bachelier and geometric Brownian motion: exact laws at the grid points, whatever the grid."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from flowexec.market.brownian import GBM, Bachelier, brownian_paths
from flowexec.market.volume import VolumeCurve

BACHELIER = Bachelier(price=50.0, volatility=0.95, drift=0.02)
GEOMETRIC = GBM(price=50.0, volatility=0.02, drift=0.001)


def z_score(sample: np.ndarray, expected: float) -> float:
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(sample.size)))


@pytest.mark.parametrize("n_steps", [1, 5])
def test_brownian_motion_is_standard_normal_with_independent_increments(n_steps: int) -> None:
    """Kolmogorov–Smirnov p above 1e-3, covariances min(s, t) with |z| < 4, on 200,000 paths."""
    n = 200_000
    w = brownian_paths(n, n_steps, 3.0, seed=1)
    assert np.all(w[0] == 0)
    assert stats.kstest(w[-1] / math.sqrt(3.0), "norm").pvalue > 1e-3
    times = np.linspace(0, 3.0, n_steps + 1)
    for i in range(1, n_steps + 1):
        for j in range(i, n_steps + 1):
            assert abs(z_score(w[i] * w[j], times[i])) < 4


@pytest.mark.parametrize("n_steps", [1, 7])
def test_bachelier_has_its_normal_law_at_the_end(n_steps: int) -> None:
    end = BACHELIER.simulate(200_000, n_steps, 5.0, seed=2).mid[-1]
    law = stats.norm(50 + 0.02 * 5, 0.95 * math.sqrt(5))
    assert stats.kstest(end, law.cdf).pvalue > 1e-3
    assert abs(z_score(end, law.mean())) < 4
    assert abs(z_score((end - law.mean()) ** 2, law.var())) < 4


@pytest.mark.parametrize("n_steps", [1, 7])
def test_gbm_has_its_lognormal_law_at_the_end(n_steps: int) -> None:
    end = GEOMETRIC.simulate(200_000, n_steps, 5.0, seed=3).mid[-1]
    law = stats.norm(math.log(50) + (0.001 - 0.0002) * 5, 0.02 * math.sqrt(5))
    assert stats.kstest(np.log(end), law.cdf).pvalue > 1e-3
    assert abs(z_score(end, 50 * math.exp(0.001 * 5))) < 4
    assert end.std() / math.sqrt(end.size) < 0.01


@pytest.mark.parametrize("model", [BACHELIER, GEOMETRIC])
def test_variance_is_that_of_the_relative_return_per_day(model: Bachelier | GBM) -> None:
    """Realised variance of the first step, per day, against what `variance` announces; |z| < 4."""
    paths = replace(model, drift=0.0).simulate(200_000, 50, 0.5, seed=4)
    relative = paths.mid[1] / paths.mid[0] - 1
    assert abs(z_score(relative**2 / 0.01, float(paths.variance[0, 0]))) < 4
    assert np.all(paths.variance == paths.variance[0, 0])


def test_without_volatility_only_the_drift_is_left() -> None:
    np.testing.assert_allclose(
        replace(BACHELIER, volatility=0).simulate(2, 4, 2.0, seed=0).mid[:, 1],
        50 + 0.02 * np.linspace(0, 2, 5),
    )
    np.testing.assert_allclose(
        replace(GEOMETRIC, volatility=0).simulate(2, 4, 2.0, seed=0).mid[-1], 50 * math.exp(0.002), rtol=1e-14
    )


def test_prices_start_at_the_price_and_scale_with_it() -> None:
    paths = GEOMETRIC.simulate(100, 6, 1.0, seed=5)
    assert np.all(paths.mid[0] == 50)
    double = replace(GEOMETRIC, price=100.0).simulate(100, 6, 1.0, seed=5)
    np.testing.assert_allclose(double.mid, 2 * paths.mid, rtol=1e-14)


def test_spread_and_volume_reach_the_paths() -> None:
    model = replace(BACHELIER, spread=0.01, volume=VolumeCurve(400.0))
    paths = model.simulate(3, 4, 2.0, seed=0)
    assert paths.spread.shape == paths.volume.shape == (4, 3)
    assert np.all(paths.spread == 0.01)
    np.testing.assert_allclose(paths.volume, 200.0)


@pytest.mark.parametrize("model", [BACHELIER, GEOMETRIC])
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"price": 0}, "`price` must be greater than 0, got 0"),
        ({"volatility": -0.1}, "`volatility` must be at least 0, got -0.1"),
        ({"volatility": float("nan")}, "`volatility` must be at least 0, got nan"),
        ({"drift": float("inf")}, "`drift` must be a finite number, got inf"),
        ({"spread": -1.0}, "`spread` must be at least 0, got -1.0"),
        ({"price": "50"}, "`price` must be greater than 0, got '50'"),
        ({"price": True}, "`price` must be greater than 0, got True"),
    ],
)
def test_bad_parameters_are_named(model: Bachelier | GBM, changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        replace(model, **changed)


@pytest.mark.parametrize("model", [BACHELIER, GEOMETRIC])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_steps": 0}, "`n_steps` must be a whole number, at least 1, got 0"),
        ({"n_paths": 0}, "`n_paths` must be a whole number, at least 1, got 0"),
        ({"horizon": 0.0}, "`horizon` must be greater than 0, got 0.0"),
        ({"seed": -1}, "`seed` must be a whole number, at least 0, got -1"),
    ],
)
def test_bad_requests_are_named(model: Bachelier | GBM, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        model.simulate(**{"n_paths": 1, "n_steps": 1, "horizon": 1.0, "seed": 0, **arguments})
