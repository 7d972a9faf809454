"""How to trade, learned. Needs the extra `learn`, which nothing below this folder imports.

The adapters to other libraries are imported from their own modules: `flowexec.learning.gymnasium_adapter` and
`flowexec.learning.stable_baselines`.
"""

from .actions import Fractions, Logits, RateMultiples
from .book_protocol import BookProtocol, PriceDivergenceRule, RandomRates
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .dqn import train_dqn
from .dqn_config import DQNConfig
from .environment import Environment, Episode
from .features import Features
from .networks import Network, NetworkPolicy, TrainedPolicy, fraction_of_remaining
from .pathwise import PathwiseConfig, controlled_objective, optimize_schedule, train_policy
from .policy_gradient import (
    clipped_objective,
    entropy,
    generalized_advantages,
    kl_estimate,
    log_density,
    value_loss,
)
from .ppo import train_ppo
from .ppo_config import PPOConfig
from .q_network import QNetwork, QPolicy
from .savings import decision_savings
from .search_space import Choice, Integer, LogUniform, Uniform
from .tabular import LotProblem, learn_tables
from .training import Monitor
from .trial import paired_saving
from .tuned_config import best_config
from .tuning import Tuned, tune

__all__ = [
    "BookProtocol",
    "Checkpoint",
    "Choice",
    "DQNConfig",
    "Environment",
    "Episode",
    "Features",
    "Fractions",
    "Integer",
    "LogUniform",
    "Logits",
    "LotProblem",
    "Monitor",
    "Network",
    "NetworkPolicy",
    "PPOConfig",
    "PathwiseConfig",
    "PriceDivergenceRule",
    "QNetwork",
    "QPolicy",
    "RandomRates",
    "RateMultiples",
    "TrainedPolicy",
    "Tuned",
    "Uniform",
    "best_config",
    "clipped_objective",
    "controlled_objective",
    "decision_savings",
    "entropy",
    "fraction_of_remaining",
    "generalized_advantages",
    "kl_estimate",
    "learn_tables",
    "load_checkpoint",
    "log_density",
    "optimize_schedule",
    "paired_saving",
    "save_checkpoint",
    "train_dqn",
    "train_policy",
    "train_ppo",
    "tune",
    "value_loss",
]
