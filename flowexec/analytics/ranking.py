"""Order among strategies: how firm a ranking is, whether scenarios agree, who is beaten in everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_numbers
from .bootstrap import batch_means, resample


class RankStability(NamedTuple):
    """How often each strategy takes each rank when the paths are drawn again."""

    names: tuple[str, ...]
    """Cheapest first."""
    shares: np.ndarray
    """[strategy, rank], rows and columns sum to 1; the diagonal is how often the ranking above is kept."""

    @property
    def kept(self) -> dict[str, float]:
        """Share of the resamples in which the strategy has the rank that it has in `names`."""
        return dict(zip(self.names, self.shares.diagonal().tolist(), strict=True))


def rank_stability(costs: Mapping[str, ArrayLike], *, seed: int, resamples: int = 2000) -> RankStability:
    """Rank the strategies by mean cost in bootstrap resamples of their common paths.

    A path, or batch of paths, is drawn for all strategies together, so that what moves them together does not
    blur their order. Equal means keep the order of `names`, and there that of the mapping.

    Parameters
    ----------
    costs : mapping of name to array [path]
        Costs on the same paths, or their means over the same batches of independent paths; beyond 1,000 they
        are averaged in batches here (`batch_means`).
    seed : int
    resamples : int
        At least 100.

    Raises
    ------
    ValueError
        When the strategies have unequal numbers of paths, or another argument breaks its rule.

    Notes
    -----
    Goldstein and Spiegelhalter (1996) on the uncertainty of league tables; Hall and Miller (2009) on its
    bootstrap, which makes near ties look firmer than they are.
    Pinned by `tests/analytics/test_ranking.py`.
    """
    if len(costs) < 2:
        raise ValueError(f"`costs` must hold at least two strategies, got {list(costs)}")
    rows = {name: batch_means(check_numbers(f"costs[{name!r}]", c, at_least=2)) for name, c in costs.items()}
    sizes = {name: np.size(cost) for name, cost in costs.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"`costs` must be on the same paths for all strategies, got {sizes} paths")
    names = tuple(sorted(rows, key=lambda name: float(rows[name].mean())))
    draws = resample(np.stack([rows[name] for name in names]), seed=seed, resamples=resamples)
    order = draws.argsort(axis=0, kind="stable")
    shares = np.stack([(order == i).mean(axis=1) for i in range(len(names))])
    return RankStability(names, shares)


def rank_agreement(costs: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """Kendall's τ_b between the rankings of every two scenarios, [scenario, scenario].

    1 where two scenarios order the strategies alike, −1 where they reverse them, 0 where one says nothing of
    the other; NaN where a scenario does not distinguish any two strategies.

    Parameters
    ----------
    costs : mapping of scenario to mapping of strategy to mean cost
        The same strategies, at least two, in every scenario.

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Kendall (1945), by `scipy.stats.kendalltau`. Pinned by `tests/analytics/test_ranking.py`.
    """
    from scipy.stats import kendalltau  # heavy, and needed here alone

    strategies = next(iter(costs.values()), {})
    for scenario, means in costs.items():
        if set(means) != set(strategies) or len(means) < 2:
            raise ValueError(
                f"`costs[{scenario!r}]` must have the strategies of the other scenarios, at least two, "
                f"got {sorted(means)}"
            )
    rows = [np.array([means[name] for name in strategies]) for means in costs.values()]
    return np.array([[float(kendalltau(a, b).statistic) for b in rows] for a in rows])


def pareto_layers(points: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """Who is beaten in nothing, who is once those are gone, and so on; the first layer is the Pareto front.

    One point dominates another when it is nowhere larger and somewhere smaller: every criterion is a cost.

    Parameters
    ----------
    points : mapping of name to sequence of float
        The criteria of each strategy, the same number for all: mean cost, risk, …

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    Non-dominated sorting (Goldberg 1989). Pinned by `tests/analytics/test_ranking.py`.
    """
    rows = {name: check_numbers(f"points[{name!r}]", point) for name, point in points.items()}
    if len({row.size for row in rows.values()}) > 1:
        raise ValueError(f"`points` must have the same number of criteria each, got {dict(points)}")
    layers = []
    while rows:
        front = [name for name, p in rows.items() if not any(_dominates(q, p) for q in rows.values())]
        layers.append(front)
        rows = {name: row for name, row in rows.items() if name not in front}
    return layers


def _dominates(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one <= other).all() and (one < other).any())
