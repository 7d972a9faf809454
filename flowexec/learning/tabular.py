"""Q-learning with a table, beside the exact optimum of the same problem: orders cut into a few lots.

Small enough that every value is known, and a learner's belief can be held against the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..analytics.shortfall import BPS
from ..checks import check_count, check_flag, check_kind, check_real
from ..execution.impact import Bar, PowerImpact
from ..execution.order import Order


@dataclass(frozen=True)
class LotProblem:
    """An order of `lots` equal lots in a market of constant variance, rewarded as in `Environment`.

    With x lots left, trading a of them is rewarded with r(x, a) + σ(x, a) Z, Z standard normal, in bps of the
    arrival value: minus temporary impact, permanent impact on what is left, and λ S₀² v τ (held)²; and the
    price noise of what is held, σ(x, a) = 10⁴ √(vτ) (x − a)/lots.

    Parameters
    ----------
    order : Order
        `complete`, without fees.
    impact : PowerImpact
        With linear permanent impact.
    price : float
        S₀, currency per share.
    variance : float
        v of the relative return, per day; at least 0.
    lots : int
    risk_aversion : float
        λ ≥ 0, 1/currency.

    Notes
    -----
    Pinned to `Environment` and to enumeration by `tests/learning/test_tabular.py`.
    """

    order: Order
    impact: PowerImpact
    price: float
    variance: float
    lots: int
    risk_aversion: float = 0.0

    def __post_init__(self) -> None:
        check_kind("order", self.order, Order)
        check_kind("impact", self.impact, PowerImpact)
        check_real("price", self.price, above=0)
        check_real("variance", self.variance, at_least=0)
        check_count("lots", self.lots)
        check_real("risk_aversion", self.risk_aversion, at_least=0)
        if not self.order.complete or self.order.fee_per_share or self.order.fixed_fee:
            raise ValueError(f"`order` must be complete and without fees, got {self.order}")
        if self.impact.permanent_exponent != 1.0:
            raise ValueError(f"`impact.permanent_exponent` must be 1, got {self.impact.permanent_exponent!r}")

    @property
    def rewards(self) -> np.ndarray:
        """r(x, a) [left, action], −∞ where a > x."""
        left, traded = np.indices((self.lots + 1, self.lots + 1)) * (self.order.shares / self.lots)
        held = np.maximum(left - traded, 0.0)
        flat = np.zeros_like(traded)
        bar = Bar(flat, flat, self.order.step_length)
        price, after = self.impact.trade(self.impact.start(flat), traded, bar, +1)
        risk = self.price**2 * self.variance * self.order.step_length * held**2
        cost = traded * price + held * after.displacement + self.risk_aversion * risk
        possible: np.ndarray = np.where(traded <= left, -self._to_bps * cost, -np.inf)
        return possible

    @property
    def noise(self) -> np.ndarray:
        """σ(x, a) [left, action], 0 where a ≥ x."""
        left, traded = np.indices((self.lots + 1, self.lots + 1))
        sd = BPS * math.sqrt(self.variance * self.order.step_length)
        noise: np.ndarray = sd * np.maximum(left - traded, 0.0) / self.lots
        return noise

    @property
    def _to_bps(self) -> float:
        return BPS / (self.order.shares * self.price)

    def optimal_values(self) -> np.ndarray:
        """Q*(k, x, a) [step, left, action] by backward induction, −∞ for impossible actions.

        Q*_k(x, a) = r(x, a) + max_b Q*_{k+1}(x − a, b),   Q*_{N−1}(x, x) = r(x, x).
        """
        rewards, size = self.rewards, self.lots + 1
        values = np.full((self.order.n_steps, size, size), -np.inf)
        np.fill_diagonal(values[-1], rewards.diagonal())
        after = np.maximum(np.arange(size)[:, None] - np.arange(size), 0)  # [left, action]; r is −∞ elsewhere
        for k in reversed(range(self.order.n_steps - 1)):
            values[k] = rewards + values[k + 1].max(axis=1)[after]
        return values

    def worth(self, policy: np.ndarray) -> float:
        """Expected return of a policy [step, left], lots to trade, from the start; bps."""
        rewards, left, total = self.rewards, self.lots, 0.0
        for k in range(self.order.n_steps):
            traded = left if k == self.order.n_steps - 1 else int(policy[k, left])
            total += float(rewards[left, traded])
            left -= traded
        return total

    @property
    def even(self) -> np.ndarray:
        """The policy [step, left] that trades what is left evenly, rounded up."""
        left = np.arange(self.lots + 1)
        return -(-left // np.arange(self.order.n_steps, 0, -1)[:, None])


class Learned(NamedTuple):
    """What `learn_tables` gives."""

    orders: np.ndarray
    """Orders played when the learners were asked, [checkpoint]."""
    believed: np.ndarray
    """What a learner expects of the order, bps, [checkpoint, learner]: max_a Q(0, lots, a), and in double
    Q-learning the mean of what each table says of the other's best action, as in its targets."""
    worth: np.ndarray
    """What its greedy policy is worth indeed, bps, [checkpoint, learner]."""
    values: np.ndarray
    """The tables in the end, [learner, step, left, action]; NaN for impossible actions."""


def learn_tables(
    problem: LotProblem,
    *,
    orders: int,
    learners: int,
    seed: int,
    double: bool = False,
    control: bool = False,
    curiosity: float = 0.2,
    decay: float = 0.8,
    checkpoints: int = 12,
) -> Learned:
    """Tabular Q-learning, order after order, by many independent learners.

    In step k of an order, with a of x lots traded for the reward r and y = x − a left,

        Q_k(x, a) += α [r + max_b Q_{k+1}(y, b) − Q_k(x, a)],   α = (visits of k, x, a)^(−decay),

    from Q = 0. In double Q-learning there are two tables; a coin decides which of them learns, and its target
    is the *other* table's value of its own best action. The trader is curious with probability `curiosity`,
    and takes any possible action; else the best of Q, or of the mean of the two tables.

    Parameters
    ----------
    problem : LotProblem
        Of at least two steps.
    orders : int
        That each learner plays.
    learners : int
    seed : int
    double : bool
    control : bool
        Whether the price noise is left out of the rewards, whose means it does not change.
    curiosity : float
        In (0, 1]: every action must be tried again and again.
    decay : float
        In (½, 1]: Σα = ∞ and Σα² < ∞.
    checkpoints : int
        How often the learners are asked, at orders in geometric progression.

    Notes
    -----
    Watkins and Dayan (1992); van Hasselt (2010); for `decay`, Even-Dar and Mansour (2003). Pinned by
    `tests/learning/test_tabular.py`.
    """
    check_kind("problem", problem, LotProblem)
    check_count("problem.order.n_steps", problem.order.n_steps, at_least=2)
    for name, value in (("orders", orders), ("learners", learners), ("checkpoints", checkpoints)):
        check_count(name, value)
    check_count("seed", seed, at_least=0)
    check_flag("double", double)
    check_flag("control", control)
    check_real("curiosity", curiosity, above=0, at_most=1)
    check_real("decay", decay, above=0.5, at_most=1)
    from .tabular_kernel import play_orders  # numba, half a second

    n_steps, size = problem.order.n_steps, problem.lots + 1
    asked = np.unique(np.geomspace(orders, min(10, orders), checkpoints).round().astype(int))
    rewards = problem.rewards
    noise = 0.0 * problem.noise if control else problem.noise
    believed, worth = np.empty((2, len(asked), learners))
    values = np.empty((learners, n_steps, size, size))
    impossible = np.broadcast_to(np.isinf(rewards), values.shape[1:]).copy()
    impossible[-1] |= ~np.eye(size, dtype=bool)
    for learner, stream in enumerate(np.random.SeedSequence(seed).spawn(learners)):
        rng = np.random.default_rng(stream)
        tables, visits = np.zeros((2, 1 + double, n_steps, size, size))
        for point, played in enumerate(np.diff(asked, prepend=0)):
            play_orders(rng, rewards, noise, int(played), curiosity, decay, tables, visits)
            mean = np.where(impossible, -np.inf, tables.mean(axis=0))
            first = tables[:, 0, -1]  # no action is impossible on arrival
            believed[point, learner] = np.mean(first[::-1][np.arange(len(first)), first.argmax(axis=1)])
            worth[point, learner] = problem.worth(mean.argmax(axis=2))
        values[learner] = np.where(impossible, np.nan, tables.mean(axis=0))
    return Learned(asked, believed, worth, values)


def expected_maximum(count: int) -> float:
    """E max of `count` independent standard normal variables, ∫ x d Φ(x)^count.

    What the best of `count` equal actions promises, in standard errors of their estimates: 1/√π for two,
    2.15 for 39; it grows like √(2 ln count).

    Notes
    -----
    Pinned by `tests/learning/test_tabular.py`.
    """
    from scipy.integrate import quad
    from scipy.special import ndtr

    check_count("count", count)
    if count == 1:
        return 0.0  # quadrature would leave a rounding error, with a sign

    def integrand(x: float) -> float:
        return float(1.0 - ndtr(x) ** count - ndtr(-x) ** count)

    return float(quad(integrand, 0.0, 40.0, epsabs=1e-12, limit=200)[0])
