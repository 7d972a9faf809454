"""How to trade, learned. Needs the extra `learn`, which nothing below this folder imports.

The adapters to other libraries are imported from their own modules: `flowexec.learning.gymnasium_adapter` and
`flowexec.learning.stable_baselines`.
"""

from .actions import Fractions, Logits, RateMultiples
from .book_protocol import BookProtocol, PriceDivergenceRule, RandomRates
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .demonstrations import Demonstrations, demonstrate
from .distillation import distill
from .distillation_losses import mean_flow_target, two_steps
from .dqn import train_dqn
from .dqn_config import DQNConfig
from .environment import Environment, Episode
from .expert_selection import expected_cost_to_go, selection_weights
from .experts import calibrated_experts
from .features import Features
from .flow_config import DistillationConfig, FlowConfig
from .flow_export import load_flow, save_flow
from .flow_matching import (
    GaussianMixture,
    LinearPath,
    VariancePreservingPath,
    flow_matching_loss,
    follow,
    interpolate,
)
from .flow_onnx import export_onnx
from .flow_policy import FlowField, FlowPolicy
from .gaussian_flow import GaussianFlow
from .imitation import imitate
from .mean_velocity import Residuals, residuals
from .networks import Network, NetworkPolicy, TrainedPolicy, fraction_of_remaining
from .no_path import NoPath
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
    "Demonstrations",
    "DistillationConfig",
    "Environment",
    "Episode",
    "Features",
    "FlowConfig",
    "FlowField",
    "FlowPolicy",
    "Fractions",
    "GaussianFlow",
    "GaussianMixture",
    "Integer",
    "LinearPath",
    "LogUniform",
    "Logits",
    "LotProblem",
    "Monitor",
    "Network",
    "NetworkPolicy",
    "NoPath",
    "PPOConfig",
    "PathwiseConfig",
    "PriceDivergenceRule",
    "QNetwork",
    "QPolicy",
    "RandomRates",
    "RateMultiples",
    "Residuals",
    "TrainedPolicy",
    "Tuned",
    "Uniform",
    "VariancePreservingPath",
    "best_config",
    "calibrated_experts",
    "clipped_objective",
    "controlled_objective",
    "decision_savings",
    "demonstrate",
    "distill",
    "entropy",
    "expected_cost_to_go",
    "export_onnx",
    "flow_matching_loss",
    "follow",
    "fraction_of_remaining",
    "generalized_advantages",
    "imitate",
    "interpolate",
    "kl_estimate",
    "learn_tables",
    "load_checkpoint",
    "load_flow",
    "log_density",
    "mean_flow_target",
    "optimize_schedule",
    "paired_saving",
    "residuals",
    "save_checkpoint",
    "save_flow",
    "selection_weights",
    "train_dqn",
    "train_policy",
    "train_ppo",
    "tune",
    "two_steps",
    "value_loss",
]
