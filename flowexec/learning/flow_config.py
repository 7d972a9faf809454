"""Settings of imitation by a flow, and of its distillation."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..checks import check_choice, check_count, check_flag, check_kind, check_real, check_widths
from .flow_matching import LinearPath, Path
from .flow_policy import check_schedule_features

MARKET_FEATURES = ("volatility", "arrival_volatility", "volatility_of_variance")


@dataclass(frozen=True)
class FlowConfig:
    """Settings of `imitate`.

    Parameters
    ----------
    features : tuple of str, optional
        Names of `Features`; by default the time and the inventory (of a schedule no inventory, and the time
        only where it is planned anew) and what tells the kinds of variance apart.
    schedules : bool
        Whether the flow is of whole schedules instead of the next action.
    replan_every : int, optional
        Steps for which such a schedule stands; by default it is planned once, on arrival.
    hidden : tuple of int
        Width of each hidden layer of the field.
    path : Path
        From noise to data: `LinearPath` or `VariancePreservingPath`.
    n_steps : int
        Steps of the flow when it trades.
    demonstration_paths : int
        Paths on which the experts show what they do.
    foresight : bool
        Whether experts are believed by what they are to be expected to cost (`expected_cost_to_go`), or, with
        hindsight, by what they did cost.
    temperature : float
        Of `selection_weights`, bps of the value of what is left.
    matching_steps : int
        Steps of Adam on the flow-matching loss.
    batch : int
        Samples in each.
    learning_rate : float
        Of Adam at first; it falls to 0 along half a cosine.
    refinement : {"engine", "advantage"}
        Along gradients through the engine, or by matching the best of the flow's own actions, which needs
        none.
    refinements : int
        Rounds of it; 0 for imitation alone.
    refining_paths : int
        Market paths of each.
    imitation_weight : tuple of two float
        What a unit of the matching loss counts in the refining loss, bps, in the first round and in the last;
        geometric between them.
    """

    features: tuple[str, ...] | None = None
    schedules: bool = False
    replan_every: int | None = None
    hidden: tuple[int, ...] = (32, 32)
    path: Path = field(default_factory=LinearPath)
    n_steps: int = 8
    demonstration_paths: int = 8192
    foresight: bool = True
    temperature: float = 0.05
    matching_steps: int = 1500
    batch: int = 4096
    learning_rate: float = 5e-3
    refinement: str = "engine"
    refinements: int = 10
    refining_paths: int = 1024
    imitation_weight: tuple[float, float] = (0.1, 0.01)

    def __post_init__(self) -> None:
        for name in ("n_steps", "demonstration_paths", "batch", "refining_paths"):
            check_count(name, getattr(self, name))
        for name in ("matching_steps", "refinements"):
            check_count(name, getattr(self, name), at_least=0)
        for name in ("schedules", "foresight"):
            check_flag(name, getattr(self, name))
        if self.replan_every is not None:
            check_count("replan_every", self.replan_every)
            if not self.schedules:
                raise ValueError(f"`replan_every` is for `schedules`, got {self.replan_every} without")
        if self.schedules:
            check_schedule_features(self.names)
        check_kind("path", self.path, Path)
        check_choice("refinement", self.refinement, ("engine", "advantage"))
        check_real("temperature", self.temperature, at_least=0)
        check_real("learning_rate", self.learning_rate, above=0)
        check_widths("hidden", self.hidden, at_least_one=True)
        if not isinstance(self.imitation_weight, tuple) or len(self.imitation_weight) != 2:
            raise ValueError(f"`imitation_weight` must be two numbers, got {self.imitation_weight!r}")
        for weight in self.imitation_weight:
            check_real("imitation_weight", weight, above=0)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        if self.features is not None:
            return self.features
        if not self.schedules:
            return ("time", "inventory", *MARKET_FEATURES)
        return MARKET_FEATURES if self.replan_every is None else ("time", *MARKET_FEATURES)

    def imitation(self, refinement: int) -> float:
        """What the matching loss counts in round `refinement`."""
        first, last = self.imitation_weight
        return float(first * (last / first) ** (refinement / max(1, self.refinements - 1)))


@dataclass(frozen=True)
class DistillationConfig:
    """Settings of `distill`.

    Parameters
    ----------
    n_paths : int
        Orders of the teacher in whose states the student learns.
    shake : float
        Standard deviation of the noise in their logits, in units of the teacher's `scale`, so that the
        student knows what to do after an error of its own.
    steps : int
        Steps of Adam.
    batch : int
        Samples in each.
    learning_rate : float
        Of Adam at first; it falls to 0 along half a cosine.
    finest : int
        Steps of the teacher on the roads along which the student learns. A progressive or shortcut student
        begins with jumps of no more than 1/`finest`, for which two steps along the velocity are as good as
        exact.
    velocity_share : float
        Part of a batch on which a shortcut or mean-flow student learns the velocity, in (0, 1).
    cost_weight : float
        What the cost of the student's own orders counts, for each bps, beside the loss of its method; 0 for
        distillation alone.
    imitation : FlowConfig
        How a teacher that is no flow is turned into one; by default at the features that it looks at itself.
    """

    n_paths: int = 1024
    shake: float = 0.3
    steps: int = 1200
    batch: int = 2048
    learning_rate: float = 2e-3
    finest: int = 16
    velocity_share: float = 0.5
    cost_weight: float = 0.0
    imitation: FlowConfig = field(default_factory=lambda: FlowConfig(refinements=0))

    def __post_init__(self) -> None:
        for name in ("n_paths", "steps", "batch", "finest"):
            check_count(name, getattr(self, name))
        check_real("shake", self.shake, at_least=0)
        check_real("learning_rate", self.learning_rate, above=0)
        check_real("velocity_share", self.velocity_share, above=0, below=1)
        check_real("cost_weight", self.cost_weight, at_least=0)
        check_kind("imitation", self.imitation, FlowConfig)
