"""What trading does: the order, its impact, and the one step through which all shares change hands."""

from .impact import Bar, ExponentialDecay, Impact, PowerImpact, PowerLawDecay, TransientImpact
from .observation import Observation, Strategy
from .order import Order
from .presets import REGIMES, Textbook, book_scenario, book_scenarios, regime_market
from .problem import Execution, ExecutionProblem, Fill, State, execute
from .scenario import Scenario
from .simple_market import SIMPLE_MULTIPLES, simple_market
from .ticket_fee import TicketFee
from .walk_the_book import WalkTheBook

__all__ = [
    "REGIMES",
    "SIMPLE_MULTIPLES",
    "Bar",
    "Execution",
    "ExecutionProblem",
    "ExponentialDecay",
    "Fill",
    "Impact",
    "Observation",
    "Order",
    "PowerImpact",
    "PowerLawDecay",
    "Scenario",
    "State",
    "Strategy",
    "Textbook",
    "TicketFee",
    "TransientImpact",
    "WalkTheBook",
    "book_scenario",
    "book_scenarios",
    "execute",
    "regime_market",
    "simple_market",
]
