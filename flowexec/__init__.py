"""flowexec: optimal trade execution, every strategy on the same random paths through one execution step."""

from .analytics import Estimate, Shortfall, Summary, Table, evaluate, mean_estimate, shortfall, summarise
from .execution import (
    Execution,
    ExecutionProblem,
    ExponentialDecay,
    Observation,
    Order,
    PowerImpact,
    PowerLawDecay,
    Scenario,
    TransientImpact,
    execute,
)
from .market import (
    GBM,
    Bachelier,
    Heston,
    MarketPaths,
    VolumeCurve,
    call_bias,
    characteristic_function,
    european_price,
    log_return_density,
)
from .strategies import (
    POV,
    TWAP,
    VWAP,
    Almgren2003,
    AlmgrenChriss,
    Immediate,
    Schedule,
    StaticPlan,
    efficient_frontier,
    solve_static,
    static_plan,
)

__version__ = "0.1.0"
