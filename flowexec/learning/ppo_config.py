"""Settings of proximal policy optimization."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_count, check_flag, check_real, check_widths


@dataclass(frozen=True)
class PPOConfig:
    """Settings of `train_ppo`.

    Parameters
    ----------
    iterations : int
        How often orders play and the policy improves.
    n_paths, orders_per_path : int
        Market paths of an iteration, and orders that meet each of them.
    epochs, minibatches : int
        Passes over the orders of an iteration, and steps of Adam in each.
    learning_rate : float
        Of Adam; falls to 0 along half a cosine.
    gae_lambda : float
        λ of the generalized advantages, in [0, 1]. Below 1 they believe the value function, which knows
        little of inventories that the policy does not meet: once it explores no more, TWAP is unlearned
        where it is optimal. The noise that 1 lets in is what `orders_per_path` takes out.
    clip : float
        ε of the clipped objective, in (0, 1).
    value_weight, entropy_weight : float
        Of the value loss and of the entropy bonus in the loss.
    max_gradient_norm : float
        Longer gradients are cut to this length.
    max_kl : float
        The policy improves until it has moved this far from the one that played, but no more than the epochs.
    initial_std, smallest_std : float
        Standard deviation of the logits around TWAP's at first, where a logit of 2 more trades seven times
        as much, and at least. With less the policy would learn nothing more, and a step would throw it far.
    hidden : tuple of int
        Width of each hidden layer, of the policy and of the value function.
    features : tuple of str, optional
        Names of `Features`; by default those of `Features.calibrate`.
    centered : bool
        Whether a logit of 0 is TWAP's fraction of what is left; if not, it is a half.
    control : bool
        Whether rewards leave the martingale part out, see `Environment`.
    """

    iterations: int = 100
    n_paths: int = 256
    orders_per_path: int = 4
    epochs: int = 4
    minibatches: int = 4
    learning_rate: float = 5e-3
    gae_lambda: float = 1.0
    clip: float = 0.2
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    max_gradient_norm: float = 1.0
    max_kl: float = 0.05
    initial_std: float = 2.0
    smallest_std: float = 0.1
    hidden: tuple[int, ...] = (32, 32)
    features: tuple[str, ...] | None = None
    centered: bool = True
    control: bool = True

    def __post_init__(self) -> None:
        for name in ("iterations", "n_paths", "orders_per_path", "epochs", "minibatches"):
            check_count(name, getattr(self, name))
        if self.minibatches > self.n_paths:
            raise ValueError(
                f"`minibatches` must be at most the {self.n_paths} `n_paths`, got {self.minibatches}"
            )
        check_real("learning_rate", self.learning_rate, above=0)
        check_real("gae_lambda", self.gae_lambda, at_least=0, at_most=1)
        check_real("clip", self.clip, above=0, below=1)
        check_real("value_weight", self.value_weight, above=0)
        check_real("entropy_weight", self.entropy_weight, at_least=0)
        for name in ("max_gradient_norm", "max_kl", "initial_std", "smallest_std"):
            check_real(name, getattr(self, name), above=0)
        check_real("smallest_std", self.smallest_std, above=0, at_most=self.initial_std)
        check_widths("hidden", self.hidden)
        if not (self.features is None or isinstance(self.features, tuple)):
            raise ValueError(f"`features` must be a tuple of names, got {self.features!r}")
        check_flag("centered", self.centered)
        check_flag("control", self.control)
