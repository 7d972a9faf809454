"""Ready problems: the book's order in its four regimes, and a textbook market of annual parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..checks import check_choice, check_count, check_real
from ..market.heston import Heston
from ..market.regime_switching import RegimeSwitching
from ..market.volume import VolumeCurve
from .impact import PowerImpact
from .order import Order
from .scenario import Scenario

REGIMES = ("HH", "HL", "LH", "LL")
"""Level of the variance, then its uncertainty: H is high, L is low."""

PRICE = 100.0
"""Currency per share. Costs in bps do not depend on it: all else is relative, but for the spread."""

SHARES, DAILY_VOLUME, SHARES_OUTSTANDING, VOLATILITY = 656_100.0, 6_561_000.0, 1_728_000_000.0, 0.0157
"""IBM in Almgren, Thum, Hauptmann and Li (2005, section 4): 10 % of a day's volume, σ = 1.57 % a day."""

BOOK_IMPACT = PowerImpact.almgren_2005(
    price=PRICE, volatility=VOLATILITY, daily_volume=DAILY_VOLUME, shares_outstanding=SHARES_OUTSTANDING
)
"""One impact for all regimes: γ = 0.314, η = 0.142 and β = 0.6 are averages over many days of every kind."""

SPREAD = 0.01
"""One cent, the tick: 1 bp of the price, what a large American stock quotes."""

RISK_TO_IMPACT = {"L": 3.0, "H": 10.0}
"""TWAP's risk term in units of its temporary impact cost, by the level of the variance. At these
TWAP and an immediate sale are both poor plans: the best schedule is a quarter or more below them."""

BOOK_STEPS = 26
"""Quarter-hours of a session of 390 minutes."""

MEAN_REVERSION = 5.0
"""κ per day: a burst of volatility has a half-life of ln 2/κ = 0.14 days, 54 minutes of the session. Faster
and it is over before the order has reacted, slower and the variance on arrival says it all."""

UNCERTAINTY = {"L": 1.0, "H": 3.0}
"""ξ in units of √θ. In the long run the variance has a standard deviation of ξ/√(2κ) = 0.32 or 0.95 of its
mean; H is just inside Feller's condition, 2κ/ξ² = 10/9 ≥ 1, so that the variance stays positive."""

CORRELATION = -0.5
"""ρ: volatility rises when the price falls. It bends the distribution of costs, but not the optimum: neither
the mean cost nor the mean risk of a strategy that reads time, inventory and variance depends on it."""

SESSION_MINUTES, DAYS_A_YEAR = 390.0, 252.0


def book_scenario(
    regime: str = "LL", *, side: str = "sell", n_steps: int = BOOK_STEPS, risk_aversion: float | None = None
) -> Scenario:
    """The book's order, 656,100 shares of IBM within a day, when the variance is of the kind `regime`.

    The market is Heston's with v₀ = θ and ξ = `UNCERTAINTY`·√θ. With one impact and one risk aversion, the
    two ratios `RISK_TO_IMPACT` fix that of the two levels, θ_H/θ_L = 10/3; their geometric mean is the
    measured variance, (1.57 %)². So σ is 1.16 % or 2.12 % a day.

    Volumes follow a U over the day, with noise of 30 % in each step. They matter to strategies that follow
    the volume only: the impact is that of average volumes.

    Parameters
    ----------
    regime : {"HH", "HL", "LH", "LL"}
    side : {"sell", "buy"}
    n_steps : int
    risk_aversion : float, optional
        λ ≥ 0, 1/currency; by default `book_risk_aversion()`, the same whatever the regime and the steps.

    Raises
    ------
    ValueError
        Naming the argument, the rule and the value.

    Notes
    -----
    Pinned by `tests/execution/test_presets.py`.
    """
    order = Order(side, SHARES, 1.0, n_steps)
    risk_aversion = book_risk_aversion() if risk_aversion is None else risk_aversion
    return Scenario(order, _book_market(regime), BOOK_IMPACT, risk_aversion)


def book_scenarios(
    *, side: str = "sell", n_steps: int = BOOK_STEPS, risk_aversion: float | None = None
) -> dict[str, Scenario]:
    """`book_scenario` in each of the four `REGIMES`, by name."""
    return {
        regime: book_scenario(regime, side=side, n_steps=n_steps, risk_aversion=risk_aversion)
        for regime in REGIMES
    }


def regime_market(
    *, weights: Sequence[float] | None = None, generator: Sequence[Sequence[float]] | np.ndarray | None = None
) -> RegimeSwitching:
    """The markets of the four `REGIMES` as one, drawn path by path or switching; see `RegimeSwitching`."""
    return RegimeSwitching({regime: _book_market(regime) for regime in REGIMES}, weights, generator)


def book_risk_aversion() -> float:
    """λ, 1/currency, at which TWAP's mean risk costs 3 times its temporary impact in LL and LH, at 26 steps.

    Hence 10 times in HH and HL. It is 6.03e-7; Almgren and Chriss (2000) take 1e-6 per dollar. With other
    than 26 steps it stays the same, and the ratios move a little: they tend to 3.18 and 10.6.
    """
    order = Order("sell", SHARES, 1.0, BOOK_STEPS)
    return RISK_TO_IMPACT["L"] * _impact_to_risk(order, BOOK_IMPACT, PRICE, _book_variance("L"))


def _book_variance(level: str) -> float:
    other = {"H": "L", "L": "H"}[level]
    return VOLATILITY**2 * math.sqrt(RISK_TO_IMPACT[level] / RISK_TO_IMPACT[other])


def _book_market(regime: str) -> Heston:
    check_choice("regime", regime, REGIMES)
    level, uncertainty = regime[0], regime[1]
    theta = _book_variance(level)
    return Heston(
        price=PRICE,
        v0=theta,
        kappa=MEAN_REVERSION,
        theta=theta,
        xi=UNCERTAINTY[uncertainty] * math.sqrt(theta),
        rho=CORRELATION,
        spread=SPREAD,
        volume=VolumeCurve.u_shape(DAILY_VOLUME, dispersion=0.3),
    )


def _impact_to_risk(order: Order, impact: PowerImpact, price: float, variance: float) -> float:
    """TWAP's temporary impact cost per unit of its risk S₀² v τ Σ x_{k+1}² at constant v, 1/currency."""
    temporary_cost = order.shares * impact.temporary * (order.shares / order.horizon) ** impact.exponent
    held = order.shares * np.arange(order.n_steps)[::-1] / order.n_steps
    return float(temporary_cost / (price**2 * variance * order.step_length * (held @ held)))


@dataclass(frozen=True)
class Textbook:
    """A Heston market and an order in the units of textbooks: a year, minutes, fractions of the price.

    A year has 252 sessions of 390 minutes. There is no spread and no permanent impact, and the order is 10 %
    of the volume while it lasts, which flows evenly.

    Parameters
    ----------
    price : float
        S₀, currency per share, in [50, 500].
    volatility : float
        √v₀ per √year, in [0.1, 1].
    kappa : float
        Speed of mean reversion, per year, in [0.1, 5].
    theta : float
        Annual *variance* to which v reverts, in [0.1, 1]: 0.1 is a volatility of 32 %.
    xi : float
        Volatility of variance, per year, in [0.1, 1].
    rho : float
        Correlation of price and variance, in [-1, 1].
    minutes : float
        Time for the order, in [5, 480]; beyond 390 it goes on the next day, without a gap.
    shares : float
        In [100, 1,000,000].
    impact : float
        Temporary impact at TWAP's rate as a fraction of the price, in [0.001, 0.1]: ε(X/T)^β = impact · S₀.
    exponent : float
        β of the temporary impact, in [0.1, 2].
    risk_aversion : float
        TWAP's risk term in units of its temporary impact cost when the variance stays at v₀, in [0, 10].
    n_steps : int
        At least 2: in a single step nothing is at risk.
    side : {"sell", "buy"}

    Raises
    ------
    ValueError
        Naming the argument, its range and the value.

    Notes
    -----
    A variance that reverts a few times a *year* is nearly constant over a day: at the defaults its standard
    deviation is 6 % of its mean by the end. There is less to adapt to than in `book_scenario`. Pinned by
    `tests/execution/test_presets.py`.
    """

    price: float = 100.0
    volatility: float = 0.3
    kappa: float = 2.0
    theta: float = 0.1
    xi: float = 0.3
    rho: float = -0.5
    minutes: float = 390.0
    shares: float = 100_000.0
    impact: float = 0.01
    exponent: float = 0.6
    risk_aversion: float = 1.0
    n_steps: int = 20
    side: str = "sell"

    def __post_init__(self) -> None:
        check_real("price", self.price, at_least=50, at_most=500)
        check_real("volatility", self.volatility, at_least=0.1, at_most=1)
        check_real("kappa", self.kappa, at_least=0.1, at_most=5)
        check_real("theta", self.theta, at_least=0.1, at_most=1)
        check_real("xi", self.xi, at_least=0.1, at_most=1)
        check_real("rho", self.rho, at_least=-1, at_most=1)
        check_real("minutes", self.minutes, at_least=5, at_most=480)
        check_real("shares", self.shares, at_least=100, at_most=1_000_000)
        check_real("impact", self.impact, at_least=0.001, at_most=0.1)
        check_real("exponent", self.exponent, at_least=0.1, at_most=2)
        check_real("risk_aversion", self.risk_aversion, at_least=0, at_most=10)
        check_count("n_steps", self.n_steps, at_least=2)
        check_choice("side", self.side, ("sell", "buy"))

    def scenario(self) -> Scenario:
        """The same problem in currency, shares and trading days."""
        order = Order(self.side, self.shares, self.minutes / SESSION_MINUTES, self.n_steps)
        rate = order.shares / order.horizon
        impact = PowerImpact(self.impact * self.price / rate**self.exponent, self.exponent)
        market = Heston.from_annual(
            self.price,
            self.volatility**2,
            self.kappa,
            self.theta,
            self.xi,
            self.rho,
            volume=VolumeCurve(10 * rate),
            days=DAYS_A_YEAR,
        )
        unit = _impact_to_risk(order, impact, self.price, market.v0)
        return Scenario(order, market, impact, self.risk_aversion * unit)
