"""How good a saving is: its mean, the ratios that desks quote, its tail, each with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_kind, check_numbers, check_real
from ..execution.observation import Strategy
from ..execution.scenario import Scenario
from ..strategies.schedules import TWAP
from .blocks import BLOCK_PATHS
from .samples import cost_sample
from .statistics import Estimate, JointMoments, mean_estimate, var_cvar
from .table import Table

ROUNDING = 1e-12
"""A standard deviation below this part of the mean is rounding: the ratio of the two is infinite."""


@dataclass(frozen=True, eq=False)
class SavingMetrics:
    """Ratios of a saving D = C₀ − C over the paths; of any sample of gains. Samples merge in flat memory.

    =========================  ========================================================================
    `information_ratio`        E[D]/sd[D]
    `win_rate`                 P(D > 0); a tie is no win
    `total_gain_loss_ratio`    TGLR = E[D₊]/E[D₋], all that was gained over all that was lost
    `gain_loss_ratio`          GLR = E[D | D > 0]/E[−D | D < 0], the average gain over the average loss
    =========================  ========================================================================

    All are functions of the means of (D, D², D₊, D₋, 1{D > 0}, 1{D < 0}), and have the error of the delta
    method (`JointMoments`); for the information ratio that is the one of Mertens (2002), which needs no
    normal law. A ratio is infinite, without an error (NaN), where it divides by 0: a saving that is constant
    up to rounding, a strategy that never loses. It is NaN where it is 0/0, as for a strategy against itself.

    None of the ratios is comparable between baselines, and only the information ratio and TGLR know the sign
    of the mean: TGLR > 1 exactly when E[D] > 0, while a rule that takes small gains and leaves rare large
    losses has a high win rate, and the opposite rule a high GLR, with nothing saved.

    Notes
    -----
    TGLR and GLR as in the execution literature (Ning, Lin and Jaimungal 2021, for GLR).
    Pinned by `tests/analytics/test_metrics.py`.
    """

    moments: JointMoments

    @classmethod
    def of(cls, saving: ArrayLike) -> SavingMetrics:
        """Of the savings [path] of one sample, in any unit."""
        values = check_numbers("saving", saving)
        gain, loss = np.maximum(values, 0.0), np.maximum(-values, 0.0)
        return cls(JointMoments.of(values, values * values, gain, loss, values > 0.0, values < 0.0))

    def merge(self, other: SavingMetrics) -> SavingMetrics:
        return SavingMetrics(self.moments.merge(other.moments))

    @property
    def mean(self) -> Estimate:
        return self.moments.estimate(float(self.moments.mean[0]), (1, 0, 0, 0, 0, 0))

    @property
    def information_ratio(self) -> Estimate:
        """E[D]/sd[D], of one order."""
        mean = float(self.moments.mean[0])
        if self.moments.count < 2:
            return Estimate(math.nan, math.inf)
        sd = math.sqrt(float(self.moments.scatter[0, 0]) / (self.moments.count - 1))
        if sd <= ROUNDING * abs(mean):
            return _no_ratio(mean)
        slope = mean / (2.0 * sd**3)
        return self.moments.estimate(mean / sd, (1.0 / sd + 2.0 * slope * mean, -slope, 0, 0, 0, 0))

    @property
    def win_rate(self) -> Estimate:
        return self.moments.estimate(float(self.moments.mean[4]), (0, 0, 0, 0, 1, 0))

    @property
    def total_gain_loss_ratio(self) -> Estimate:
        """E[D₊]/E[D₋]."""
        gain, loss = self.moments.mean[2:4].tolist()
        if loss == 0.0:
            return _no_ratio(gain)
        return self.moments.estimate(gain / loss, (0, 0, 1 / loss, -gain / loss**2, 0, 0))

    @property
    def gain_loss_ratio(self) -> Estimate:
        """E[D | D > 0]/E[−D | D < 0]."""
        gain, loss, wins, losses = self.moments.mean[2:].tolist()
        if loss == 0.0 or gain == 0.0:
            return _no_ratio(gain) if loss == 0.0 else Estimate(math.nan, math.nan)
        ratio = (gain / wins) / (loss / losses)
        return self.moments.estimate(
            ratio, (0, 0, ratio / gain, -ratio / loss, -ratio / wins, ratio / losses)
        )


@dataclass(frozen=True)
class SavingSummary:
    """What a strategy saves over a baseline on the same paths, each figure with its standard error.

    The saving of a path is D = C₀ − C, the baseline's implementation shortfall less the strategy's. Risk is
    not charged: what a strategy pays for less of it counts as lost.

    Attributes
    ----------
    unit : {"bps", "currency"}
    n_paths : int
    mean : Estimate
        E[D].
    controlled_mean : Estimate
        E[D] again, from costs less their martingale parts (`CostSample`): of less noise, for all who cannot
        see the future.
    information_ratio, win_rate, total_gain_loss_ratio, gain_loss_ratio : Estimate
        See `SavingMetrics`.
    var95, cvar95 : Estimate
        Value at risk and expected shortfall of the extra cost −D (`var_cvar`): one order of twenty costs at
        least `var95` more than with the baseline, and `cvar95` more on average.
    """

    unit: str
    n_paths: int
    mean: Estimate
    controlled_mean: Estimate
    information_ratio: Estimate
    win_rate: Estimate
    total_gain_loss_ratio: Estimate
    gain_loss_ratio: Estimate
    var95: Estimate
    cvar95: Estimate

    def table(self, digits: int = 2) -> Table:
        """Every figure and its standard error, as a table; ratios with one digit more."""
        amount, ratio = f",.{digits}f", f",.{digits + 1}f"
        rows = (
            ("mean saving", self.mean, amount),
            ("mean saving, controlled", self.controlled_mean, amount),
            ("VaR 95 % of savings", self.var95, amount),
            ("CVaR 95 % of savings", self.cvar95, amount),
            ("information ratio", self.information_ratio, ratio),
            ("win rate", self.win_rate, ".2%"),
            ("total gain to loss", self.total_gain_loss_ratio, ratio),
            ("average gain to loss", self.gain_loss_ratio, ratio),
        )
        text = [(label, format(e.value, spec), format(e.standard_error, spec)) for label, e, spec in rows]
        unit = "currency" if self.unit == "currency" else "bps of arrival value"
        return Table((f"{self.n_paths:,} paths", unit, "s.e."), tuple(text))


def evaluate_saving(
    strategy: Strategy,
    scenario: Scenario,
    n_paths: int,
    *,
    baseline: Strategy | None = None,
    seed: int,
    unit: str = "bps",
    block_paths: int = BLOCK_PATHS,
    threads: int | None = None,
) -> SavingSummary:
    """What `strategy` saves over `baseline` on the same `n_paths` fresh paths of `scenario`.

    The paths are those of `evaluate` and `compare` for the same seed, and are taken for independent. Memory
    is four numbers a path. The result does not depend on `block_paths` nor on `threads`.

    Parameters
    ----------
    strategy : Strategy
    scenario : Scenario
    n_paths : int
    baseline : Strategy, optional
        TWAP unless it is given.
    seed : int
    unit : {"bps", "currency"}

    Raises
    ------
    ValueError
        When an argument breaks its rule.

    Notes
    -----
    A `league` has these figures beside tests of the objective. Pinned by `tests/analytics/test_metrics.py`.
    """
    baseline = TWAP() if baseline is None else baseline
    check_kind("baseline", baseline, Strategy)
    ours, theirs = (
        cost_sample(s, scenario, n_paths, seed=seed, unit=unit, block_paths=block_paths, threads=threads)
        for s in (strategy, baseline)
    )
    metrics = SavingMetrics.of(theirs.total - ours.total)
    var95, cvar95 = var_cvar(ours.total - theirs.total, 0.95)
    return SavingSummary(
        unit=unit,
        n_paths=n_paths,
        mean=metrics.mean,
        controlled_mean=mean_estimate(theirs.controlled - ours.controlled),
        information_ratio=metrics.information_ratio,
        win_rate=metrics.win_rate,
        total_gain_loss_ratio=metrics.total_gain_loss_ratio,
        gain_loss_ratio=metrics.gain_loss_ratio,
        var95=var95,
        cvar95=cvar95,
    )


def sharpe_ratio(cost: ArrayLike, arrival_value: ArrayLike) -> Estimate:
    """E[r]/sd[r] of the return r = −cost/arrival_value of one order, whose riskless alternative earns 0.

    Negative as long as trading costs something; not annualized, since an order is no holding period. It is
    the `information_ratio` of `SavingMetrics.of(r)`, for a sample that comes in pieces.

    Parameters
    ----------
    cost : array [path]
        Implementation shortfall, currency.
    arrival_value : float or array [path]
        Shares times arrival price, currency.

    Notes
    -----
    Sharpe (1994). Pinned by `tests/analytics/test_metrics.py`.
    """
    values = check_numbers("cost", cost)
    arrival = check_numbers("arrival_value", np.atleast_1d(arrival_value))
    check_real("arrival_value", float(arrival.min()), above=0)
    if arrival.size not in (1, values.size):
        raise ValueError(f"`arrival_value` must be one number or as many as `cost`, got {arrival.size}")
    return SavingMetrics.of(-values / arrival).information_ratio


def _no_ratio(numerator: float) -> Estimate:
    """Something over 0."""
    return Estimate(math.copysign(math.inf, numerator) if numerator else math.nan, math.nan)
