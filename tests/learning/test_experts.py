"""The ensemble of experts: who is in it, each the best in its own market."""

import numpy as np
import pytest

from flowexec import TWAP, VWAP, AlmgrenChriss, execute
from flowexec.execution.presets import REGIMES, book_scenario
from flowexec.learning.checkpoint import describe
from flowexec.learning.experts import calibrated_experts
from flowexec.learning.features import Features
from flowexec.learning.flow_policy import FlowField, FlowPolicy
from flowexec.learning.networks import Network, NetworkPolicy
from flowexec.learning.pathwise import controlled_objective

SCENARIOS = {regime: book_scenario(regime) for regime in REGIMES}


@pytest.fixture(scope="module")
def experts():
    return calibrated_experts(SCENARIOS)


def test_each_optimum_is_the_best_expert_of_its_market(experts):
    """And each static optimum the best plan, within 3 standard errors, on 4,000 paths of each market."""
    plans = [name for name in experts if not name.startswith("Optimum")]
    static = {"HH": "Static HH", "HL": "Static HH", "LH": "Static LH", "LL": "Static LH"}
    for regime, scenario in SCENARIOS.items():
        problem = scenario.sample(4000, seed=1)
        cost = {name: controlled_objective(execute(e, problem), scenario) for name, e in experts.items()}
        for best, others in ((f"Optimum {regime}", experts), (static[regime], plans)):
            for name in others:
                gap = cost[name] - cost[best]
                assert gap.mean() >= -3 * gap.std() / np.sqrt(4000)
        assert cost["TWAP"].mean() > 1.2 * cost[f"Optimum {regime}"].mean()


def test_of_equal_plans_the_first_is_kept(experts):
    """Variances of equal mean have one plan, and without risk aversion there is one of Almgren–Chriss."""
    assert list(experts) == [
        "TWAP",
        "VWAP",
        "Almgren–Chriss ×1",
        "Almgren–Chriss ×3",
        "Static HH",
        "Static LH",
        *(f"Optimum {regime}" for regime in REGIMES),
    ]
    assert experts["VWAP"] == VWAP()
    assert experts["Almgren–Chriss ×3"] == AlmgrenChriss(3 * SCENARIOS["HH"].risk_aversion)
    neutral = {regime: book_scenario(regime, risk_aversion=0.0) for regime in REGIMES}
    plans = calibrated_experts(neutral, adaptive=False, risk_aversions=(2.0, 5.0))
    assert list(plans) == ["TWAP", "VWAP", "Almgren–Chriss ×2", "Static HH"]
    problem = neutral["HH"].sample(3, seed=1)
    for name in ("Almgren–Chriss ×2", "Static HH"):
        ours, twap = (execute(e, problem).shares for e in (plans[name], TWAP()))
        np.testing.assert_allclose(ours, twap, rtol=1e-5)


def test_all_experts_can_be_told_apart(experts):
    """By what a checkpoint says of them, learned ones included."""
    features = Features(("time", "inventory"))
    learned = {
        "network": NetworkPolicy(Network.initial((2, 4, 1), seed=1), features),
        "other network": NetworkPolicy(Network.initial((2, 4, 1), seed=2), features),
        "flow": FlowPolicy(FlowField.initial(1, 2, (4,), seed=1), features, 3, (0.0,), (1.0,)),
        "other flow": FlowPolicy(FlowField.initial(1, 2, (4,), seed=1), features, 4, (0.0,), (1.0,)),
    }
    told = [str(describe(expert)) for expert in (experts | learned).values()]
    assert len(set(told)) == len(told)


def test_refusals(refused):
    with refused("`scenarios` must map names to scenarios, at least one, got {}"):
        calibrated_experts({})
    with refused("`scenarios['a']` must be a Scenario, got 3"):
        calibrated_experts({"a": 3})
    with refused("`risk_aversions` must be greater than 0, got 0"):
        calibrated_experts(SCENARIOS, risk_aversions=(1.0, 0))
    with refused(
        "`scenarios` must differ in their markets alone, got another order, impact or risk aversion in 'b'"
    ):
        calibrated_experts({"a": SCENARIOS["HH"], "b": book_scenario("LL", n_steps=20)})
