"""A worked example of learning on recorded order books, with its rules one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..checks import check_choice, check_count, check_flag, check_kind, check_real, check_weights
from ..execution.observation import Observation, Strategy
from ..execution.order import Order
from ..execution.problem import ExecutionProblem
from ..execution.scenario import Scenario
from ..execution.walk_the_book import WalkTheBook
from ..market.order_book import DAY_SECONDS
from ..market.paths import Array
from ..market.replay import OrderBookReplay
from .actions import RateMultiples

BOOK_ACTIONS = RateMultiples(tuple(i / 19 for i in range(39)))
"""Its 39 actions, evenly from nothing to twice TWAP's rate; number 19 is TWAP."""


@dataclass(frozen=True)
class BookProtocol:
    """One side of one recorded day: an order for each horizon, the earlier ones to learn from.

    Parameters
    ----------
    replay : OrderBookReplay
        Its `interval`, `train_share` and `gaps` count; the `part` is chosen here.
    side : {"sell", "buy"}
    shares : float
        Of the order that each horizon is given.
    n_steps : int
        Decisions in a horizon.

    Notes
    -----
    After the MathWorks example "Deep Reinforcement Learning for Optimal Trade Execution", with 12 steps of
    5 seconds. What is left before the last step is traded in it, whatever the action. Pinned by
    `tests/learning/test_book_protocol.py`.
    """

    replay: OrderBookReplay
    side: str = "sell"
    shares: float = 60.0
    n_steps: int = 12

    def __post_init__(self) -> None:
        check_kind("replay", self.replay, OrderBookReplay)
        check_choice("side", self.side, ("sell", "buy"))
        check_real("shares", self.shares, above=0)
        check_count("n_steps", self.n_steps, at_least=2)

    @cached_property
    def order(self) -> Order:
        """The order of every horizon."""
        horizon = self.n_steps * self.replay.interval / DAY_SECONDS
        return Order(self.side, self.shares, horizon, self.n_steps)

    def problem(self, part: str) -> ExecutionProblem:
        """The horizons of "train" or "test", in the order of time."""
        check_choice("part", part, ("train", "test"))
        return ExecutionProblem(self.order, self.replay.horizons(self.n_steps, part), WalkTheBook())

    @property
    def training(self) -> Scenario:
        """What to train on: it cannot show a horizon of the test."""
        return self._scenario("train")

    @property
    def testing(self) -> Scenario:
        """What to judge on, in a `league`, which plays each horizon once, or as `validation` of `tune`."""
        return self._scenario("test")

    def _scenario(self, part: str) -> Scenario:
        return Scenario(self.order, replace(self.replay, part=part), WalkTheBook())


@dataclass(frozen=True)
class PriceDivergenceRule:
    """Rate multiples of which only half is traded while the price is better than on arrival.

    A rule written by hand, not learned: it lets a favorable move run, and so turns many small gains into few
    large ones, at no change of their mean where the mid is a martingale. What it does to the gain-loss ratio
    of an agent that knows nothing is seen on `driftless_copies`.

    Parameters
    ----------
    actions : RateMultiples
    stale_arrival : bool
        Compare in the first step of a horizon with the arrival of the order *before* in the batch (0 for the
        first), as the example does, instead of with its own. It is a fault, kept for comparison.

    Notes
    -----
    Prices are mids; the example measures from the quote that the order hits. Pinned by
    `tests/learning/test_book_protocol.py`.
    """

    actions: RateMultiples = BOOK_ACTIONS
    stale_arrival: bool = False

    def __post_init__(self) -> None:
        check_kind("actions", self.actions, RateMultiples)
        check_flag("stale_arrival", self.stale_arrival)

    @property
    def multiples(self) -> tuple[float, ...]:
        return self.actions.multiples

    def shares(self, action: Array, observation: Observation) -> Array:
        """Shares [order] that `action` [order] stands for."""
        return self.halved(self.actions.shares(action, observation), observation)

    def around(self, strategy: Strategy) -> Strategy:
        """`strategy` under this rule."""
        check_kind("strategy", strategy, Strategy)
        return _Ruled(strategy, self)

    def halved(self, shares: Array, observation: Observation) -> Array:
        """`shares` [order], half of them where the price is better than on arrival."""
        arrival = observation.arrival_price
        if self.stale_arrival and observation.step == 0:
            arrival = np.concatenate([[0.0], arrival[:-1]])
        better = observation.order.sign * (observation.mid - arrival) < 0
        return shares * (1.0 - 0.5 * better)


@dataclass(frozen=True, eq=False)
class _Ruled:
    strategy: Strategy
    rule: PriceDivergenceRule

    def trade(self, observation: Observation) -> Array:
        return self.rule.halved(self.strategy.trade(observation), observation)


@dataclass(frozen=True, eq=False)
class RandomRates:
    """Any of `multiples` of TWAP's rate at random: an agent that has learned nothing.

    Parameters
    ----------
    multiples : tuple of float
    seed : int
        With the step it decides the rates; path i has the same in a larger batch.
    """

    multiples: tuple[float, ...]
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "multiples", check_weights("multiples", self.multiples))
        check_count("seed", self.seed, at_least=0)

    def trade(self, observation: Observation) -> Array:
        rng = np.random.default_rng([self.seed, observation.step])
        order = observation.order
        drawn = rng.choice(np.array(self.multiples), size=observation.inventory.size)
        return drawn * (order.shares / order.n_steps)
