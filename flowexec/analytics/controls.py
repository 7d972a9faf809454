"""Experiments whose answer is known beforehand, run beside every league: if one fails, no figure counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..execution.impact import PowerImpact
from ..execution.observation import Strategy
from ..execution.scenario import Scenario
from ..market.streams import STREAM_PATHS, generator, stream_slices
from ..strategies.schedules import TWAP
from .compare import compare
from .drift import without_drift
from .inference import holm, t_test
from .statistics import Estimate, Moments

CONTROL_PATHS = 65_536
"""Paths of the driftless market at most."""
LEVEL, ALARM = 0.05, 0.001
"""Where a cost below TWAP's, and a look into the future, count as found; both after Holm's correction."""
LABELS = 5
"""The purpose of the random stream, see `flowexec.market.streams.generator`."""


@dataclass(frozen=True)
class ZeroAlpha:
    """A strategy against TWAP where TWAP cannot be beaten: in the driftless market, at λ = 0.

    Attributes
    ----------
    difference : Estimate
        Mean cost less TWAP's, bps of the arrival value; plain, for the martingale control would hide a cheat.
    p_below : float
        One-sided p-value of the hypothesis that it is at least 0; `p_holm` after Holm's correction.
    p_holm : float
    martingale_p : float
        Two-sided p-value of the hypothesis that the strategy earns nothing from the moves of the mid, after
        Holm's correction. More powerful: costs do not blur it.
    """

    difference: Estimate
    p_below: float
    p_holm: float
    martingale_p: float


@dataclass(frozen=True)
class Controls:
    """Three nulls of a scenario.

    Attributes
    ----------
    self_difference : float
        Largest difference, over all kept paths, between two executions of the baseline: exactly 0, unless a
        strategy remembers or rolls dice, or paths are not common.
    shuffled : dict of float
        p-value of each strategy's t test after its label and the baseline's were exchanged on a random half
        of the kept paths. Whatever the strategy, this is a null: the p-values are uniform.
    zero_alpha : dict of ZeroAlpha
        Empty where `zero_alpha_reason` says why the theorem does not hold.
    zero_alpha_reason : str
        Empty where it does.
    """

    self_difference: float
    shuffled: dict[str, float]
    zero_alpha: dict[str, ZeroAlpha]
    zero_alpha_reason: str

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, in sentences; empty when nothing did."""
        found = []
        if self.self_difference != 0.0:
            found.append(f"the baseline differs from itself by up to {self.self_difference:g}")
        for name, result in self.zero_alpha.items():
            if result.p_holm < LEVEL:
                found.append(f"{name} beats TWAP without alpha or risk aversion (p = {result.p_holm:.2g})")
            if result.martingale_p < ALARM:
                found.append(
                    f"{name} gains or loses from moves nobody can foresee (p = {result.martingale_p:.2g})"
                )
        return tuple(found)

    @property
    def passed(self) -> bool:
        return not self.failures


def zero_alpha(scenario: Scenario) -> tuple[Scenario | None, str]:
    """The scenario without drift and risk aversion, where the order is completed; or None, and why not.

    When the mid is a martingale, permanent impact is linear, and the cost of a step,
    ε n^{1+β} τ^{−β} − γn²/2, is convex for 0 ≤ n ≤ X, no strategy has a mean cost below TWAP's:

        E[cost] = const + E Σ_k f(n_k) ≥ const + N f(X/N)      (Jensen's inequality, twice).

    A visible book, transient impact and an unknown market are outside of it.

    Pinned by `tests/analytics/test_controls.py`.
    """
    market, impact, order = without_drift(scenario.market), scenario.impact, scenario.order
    if market is None:
        return None, f"the drift of {type(scenario.market).__name__} is not known"
    if not isinstance(impact, PowerImpact):
        return None, f"{type(impact).__name__} is no PowerImpact"
    if impact.permanent > 0:
        if impact.permanent_exponent != 1.0:
            return None, "permanent impact is not linear"
        beta, tau = impact.exponent, order.step_length
        # f″ = εβ(1+β) n^(β−1) τ^(−β) − γ is least at n = X for β < 1, and at 0 for β > 1
        steepest = impact.temporary * beta * (1.0 + beta) * order.shares ** (beta - 1.0) * tau**-beta
        if beta > 1.0 or steepest < impact.permanent:
            return None, "the cost of a step is not convex"
    return replace(scenario, market=market, order=replace(order, complete=True), risk_aversion=0.0), ""


def zero_alpha_control(
    players: Mapping[str, Strategy],
    scenario: Scenario,
    n_paths: int,
    *,
    seed: int,
    block_paths: int,
    threads: int | None,
) -> tuple[dict[str, ZeroAlpha], str]:
    """Every strategy, as it was made for `scenario`, against TWAP in its `zero_alpha` version."""
    null, reason = zero_alpha(scenario)
    if null is None:
        return {}, reason
    twap = " ".join(players)  # the name of none of them
    n_paths = min(n_paths, CONTROL_PATHS)
    found = compare(
        {**players, twap: TWAP()},
        null,
        n_paths,
        baseline=twap,
        seed=seed,
        block_paths=block_paths,
        threads=threads,
    )
    below, leak = {}, {}
    for name, pair in found.items():
        test = t_test(_moments(pair.difference, n_paths))
        below[name] = 0.5 * test.p_value if test.statistic < 0 else 1.0 - 0.5 * test.p_value
        leak[name] = t_test(_moments(pair.martingale, n_paths)).p_value
    below_holm, leak_holm = holm(below), holm(leak)
    return {
        name: ZeroAlpha(found[name].difference, below[name], below_holm[name], leak_holm[name])
        for name in found
    }, ""


def shuffled_labels(differences: Mapping[str, np.ndarray], *, seed: int) -> dict[str, float]:
    """p-values of t tests of `differences` [path] whose sign a coin has decided, the same coin for all.

    Pinned by `tests/analytics/test_controls.py`.
    """
    n_paths = next(iter(differences.values())).size
    signs = np.empty(n_paths)
    for cut in stream_slices(n_paths):
        coins = generator(seed, cut.stream, LABELS).integers(2, size=STREAM_PATHS)
        signs[cut.output] = 1.0 - 2.0 * coins[cut.inside]
    return {name: t_test(values * signs).p_value for name, values in differences.items()}


def _moments(estimate: Estimate, count: int) -> Moments:
    """The moments that an estimate came from; those of nothing where it is rounding."""
    value, error = estimate
    if abs(value) + error < 1e-9:  # bps
        return Moments(count, 0.0, 0.0)
    return Moments(count, value, error**2 * count * (count - 1))
