"""One step of backward induction under convex impact, without a search for the best trade.

Units are the order and what it costs, spread and permanent impact aside, to trade all of it in one step. The
step's problem, from an inventory x, is

    V(x) = min_{0 ≤ f ≤ x}  g(f) + W(x − f),   g(f) = f^(1+β) − ½ q f²,

with W the value of what is left. Where the minimum is inside, g'(f) = W'(y) with y = x − f: the marginal cost
of trading now equals that of holding on. Read backwards the equation needs no solver (Carroll 2006, the
endogenous grid method): each y on the grid tells its own trade f, the one with g'(f) = W'(y), and with it the
x = y + f to which it is the answer. There V and its slope V'(x) = W'(y) are exact, and Hermite's cubics carry
both to the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

NEWTON_STEPS = 60
"""More than are ever used: the iteration ends when nothing moves."""


@dataclass(frozen=True)
class StepCost:
    """g(f) = f^(1+β) − ½ q f², convex on [0, 1].

    Beyond f = 1, more than the order, no f is ever used, but the cell of the grid in which f = 1 lies has to
    end somewhere. There q (f − ½) takes the place of ½ q f² if β < 1, and g stays convex.

    Attributes
    ----------
    exponent : float
        β > 0.
    curvature : float
        q in [0, β(1+β)], less than 2 where β = 1 and 0 where β > 1: what permanent impact forgives, since no
        trade meets its own.
    """

    exponent: float
    curvature: float = 0.0

    def __call__(self, f: np.ndarray) -> np.ndarray:
        part = self._part(f)
        return np.asarray(f ** (1.0 + self.exponent) - self.curvature * part * (f - 0.5 * part))

    def slope(self, f: np.ndarray) -> np.ndarray:
        """g'(f) = (1+β) f^β − q f."""
        return np.asarray((1.0 + self.exponent) * f**self.exponent - self.curvature * self._part(f))

    def trade(self, slope: np.ndarray) -> np.ndarray:
        """The f ≥ 0 whose marginal cost is `slope`; 0 where none is wanted, slope ≤ 0."""
        beta, q = self.exponent, self.curvature
        wanted = np.maximum(slope, 0.0)
        if q == 0.0:
            return np.asarray((wanted / (1.0 + beta)) ** (1.0 / beta))
        if beta == 1.0:
            return np.asarray(wanted / (2.0 - q))
        whole = 1.0 + beta - q
        beyond = ((np.maximum(wanted, whole) + q) / (1.0 + beta)) ** (1.0 / beta) - 1.0
        target = np.minimum(wanted, whole)
        f = (target / (1.0 + beta)) ** (1.0 / beta)
        for _ in range(NEWTON_STEPS):  # g' is concave and f left of the root: Newton only goes right
            inside = (f > 0.0) & (f < 1.0)
            at = np.where(inside, f, 1.0)
            steepness = beta * (1.0 + beta) * at ** (beta - 1.0) - q
            step = np.where(
                inside & (steepness > 0.0), (target - self.slope(at)) / np.maximum(steepness, 1e-300), 0.0
            )
            step = np.maximum(step, 0.0)
            f = np.minimum(f + step, 1.0)
            if np.all(step <= 1e-10 * f):  # the next would be a square of that
                break
        return np.asarray(f + beyond)

    def _part(self, f: np.ndarray) -> np.ndarray:
        """f, but 1 beyond 1 where the parabola would win in the end."""
        return f if self.exponent == 1.0 else np.minimum(f, 1.0)


class Value(NamedTuple):
    """A value function on the grid of inventories x = u², u even, for many states of the market at once."""

    cost: np.ndarray
    """V [inventory, state]."""
    slope: np.ndarray
    """V' [inventory, state], in x."""


def last_step(cost: StepCost, roots: np.ndarray, states: int) -> Value:
    """V = g: what is left is traded. `roots` are u [inventory], from 0 to 1."""
    x = roots[:, None] ** 2
    return Value(np.repeat(cost(x), states, axis=1), np.repeat(cost.slope(x), states, axis=1))


def step_back(cost: StepCost, roots: np.ndarray, after: Value) -> Value:
    """V from `after`, which is W on the same grid: impact, and the best trade, are put before it."""
    y = roots[:, None] ** 2
    trade = cost.trade(after.slope)
    x = y + trade
    cost_there = cost(trade) + after.cost
    found = _hermite(np.sqrt(x), cost_there, after.slope, roots)
    # below the x at which the first share is worth holding, all is traded at once
    at_once = y < x[:1]
    return Value(np.where(at_once, cost(y), found.cost), np.where(at_once, cost.slope(y), found.slope))


def _hermite(nodes: np.ndarray, cost: np.ndarray, slope: np.ndarray, roots: np.ndarray) -> Value:
    """Hermite's cubic in u = √x through V and dV/du = 2u V' at `nodes` [node, state], and its slope in x.

    In u the value, close to x^(1+β) for small x, is smooth enough at 0 for the fourth order of the cubic.
    """
    states = nodes.shape[1]
    # the columns of nodes laid end to end on one axis, so that a single search serves all of them; those far
    # beyond the order, which for small β may be anywhere, drawn near, lest the digits go to them
    shift = 4.0 * np.arange(states)
    near = (np.minimum(nodes, 2.0) + shift).ravel(order="F")
    place = np.searchsorted(near, (roots[:, None] + shift).ravel(order="F"), side="right")
    cell = place.reshape(states, -1).T - 1 - nodes.shape[0] * np.arange(states)
    cell = np.minimum(np.maximum(cell, 0), nodes.shape[0] - 2)
    column = np.arange(states)
    left, right = nodes[cell, column], nodes[cell + 1, column]
    width = right - left
    t = (roots[:, None] - left) / width
    v0, v1 = cost[cell, column], cost[cell + 1, column]
    d0, d1 = 2 * left * slope[cell, column] * width, 2 * right * slope[cell + 1, column] * width
    square, cube = 3 * (v1 - v0) - 2 * d0 - d1, 2 * (v0 - v1) + d0 + d1
    value = v0 + t * (d0 + t * (square + t * cube))
    in_u = (d0 + t * (2 * square + 3 * t * cube)) / width
    in_x = in_u / np.where(roots > 0, 2 * roots, 1.0)[:, None]
    in_x[0] = slope[0]  # the grid's x = 0 is the first node, or lies where all is traded at once
    return Value(value, in_x)
