"""How to trade, learned. Needs torch, which nothing below this folder imports."""

from .networks import Network, NetworkPolicy, TrainedPolicy, fraction_of_remaining
from .pathwise import (
    PathwiseConfig,
    controlled_objective,
    optimize_schedule,
    train_policy,
)

__all__ = [
    "Network",
    "NetworkPolicy",
    "PathwiseConfig",
    "TrainedPolicy",
    "controlled_objective",
    "fraction_of_remaining",
    "optimize_schedule",
    "train_policy",
]
