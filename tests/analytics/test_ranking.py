"""Rankings: closed forms of how firm they are, enumeration of who agrees, laws of who dominates whom."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from flowexec.analytics.ranking import pareto_layers, rank_agreement, rank_stability


def normalized(rng, n):
    noise = rng.standard_normal(n)
    return (noise - noise.mean()) / noise.std()


def test_two_strategies_keep_their_ranks_as_often_as_the_normal_law_says():
    """A difference of z standard errors keeps its sign in Φ(z) of the resamples, whatever is shared."""
    rng = np.random.default_rng(1)
    n, resamples = 400, 10_000
    common, noise = 100.0 * rng.standard_normal(n), normalized(rng, n)
    for z in (0.0, 0.5, 1.5, 3.0):
        costs = {"dear": common + noise + z / math.sqrt(n), "cheap": common}
        names, shares = rank_stability(costs, seed=2, resamples=resamples)
        expected = norm.cdf(z)
        assert z == 0.0 or names == ("cheap", "dear")
        # 4 errors of the resamples; the mean of 400 draws is nearly normal
        assert abs(shares[0, 0] - expected) < 4 * math.sqrt(0.25 / resamples) + 0.01
        assert shares[0, 0] == shares[1, 1] == pytest.approx(1 - shares[0, 1])


def test_every_strategy_has_one_rank_and_every_rank_one_strategy():
    rng = np.random.default_rng(3)
    costs = {name: rng.normal(0.02 * i, 1.0, 2500) for i, name in enumerate("abcdef")}
    stability = rank_stability(costs, seed=4)
    np.testing.assert_allclose(stability.shares.sum(axis=0), 1.0)
    np.testing.assert_allclose(stability.shares.sum(axis=1), 1.0)
    means = [costs[name].mean() for name in stability.names]
    assert means == sorted(means)
    assert 0.2 < stability.kept[stability.names[2]] < 0.9
    again = rank_stability(costs, seed=4)
    assert again.names == stability.names
    np.testing.assert_array_equal(again.shares, stability.shares)


def test_a_gap_is_firm_and_twins_keep_their_order():
    cost = np.random.default_rng(5).standard_normal(500)
    kept = rank_stability({"b": cost, "a": cost, "best": cost - 0.1, "worst": cost + 0.1}, seed=6)
    assert kept.names == ("best", "b", "a", "worst")
    assert kept.kept == {"best": 1.0, "b": 1.0, "a": 1.0, "worst": 1.0}


ORDERS = st.permutations(range(5))


@given(ORDERS, ORDERS)
def test_agreement_counts_pairs(one, other):
    costs = {"HH": dict(zip("abcde", one, strict=True)), "LL": dict(zip("edcba", other, strict=True))}
    same = sum(
        1 if (costs["HH"][i] < costs["HH"][j]) == (costs["LL"][i] < costs["LL"][j]) else -1
        for i, j in combinations("abcde", 2)
    )
    np.testing.assert_allclose(rank_agreement(costs), [[1, same / 10], [same / 10, 1]], atol=1e-12)


def test_agreement_with_ties():
    """τ_b = Σ signs / √(pairs untied in one · in the other): of 3 pairs one is tied in the first."""
    tied = rank_agreement({"x": {"a": 1, "b": 1, "c": 2}, "y": {"a": 1, "b": 2, "c": 3}})
    assert tied[0, 1] == pytest.approx(2 / math.sqrt(2 * 3))
    assert math.isnan(rank_agreement({"x": {"a": 1, "b": 1}, "y": {"a": 1, "b": 2}})[0, 1])


def dominates(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def test_layers_by_hand():
    points = {"TWAP": (1, 9), "AC": (2, 4), "twin": (2, 4), "VWAP": (2, 9), "now": (9, 0), "lost": (9, 9)}
    assert pareto_layers(points) == [["TWAP", "AC", "twin", "now"], ["VWAP"], ["lost"]]
    assert pareto_layers({"a": [2.0], "b": [1.0], "c": [3.0]}) == [["b"], ["a"], ["c"]]
    assert pareto_layers({}) == []


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=12))
def test_a_layer_is_beaten_by_the_one_before_and_by_nobody_in_it(rows):
    points = {str(i): row for i, row in enumerate(rows)}
    layers = pareto_layers(points)
    assert sorted(name for layer in layers for name in layer) == sorted(points)
    for layer in layers:
        assert not any(dominates(points[a], points[b]) for a in layer for b in layer)
    for better, worse in pairwise(layers):
        assert all(any(dominates(points[a], points[b]) for a in better) for b in worse)


def test_refuses(refused):
    with refused("`costs` must hold at least two strategies, got ['TWAP']"):
        rank_stability({"TWAP": np.ones(5)}, seed=1)
    with refused("`costs` must be on the same paths for all strategies, got {'a': 5, 'b': 6} paths"):
        rank_stability({"a": np.ones(5), "b": np.ones(6)}, seed=1)
    with refused("`costs['b']` must be finite throughout, got nan"):
        rank_stability({"a": np.ones(2), "b": [1.0, math.nan]}, seed=1)
    with pytest.raises(ValueError, match=r"`costs\['LL'\]` must have the strategies of the other scenarios"):
        rank_agreement({"HH": {"a": 1.0, "b": 2.0}, "LL": {"a": 1.0, "c": 2.0}})
    with pytest.raises(ValueError, match="`points` must have the same number of criteria each"):
        pareto_layers({"a": (1.0, 2.0), "b": (1.0,)})
