"""PPO lands on the exact optimum, on Almgren and Chriss and on TWAP, from scratch and in seconds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flowexec import TWAP, Bachelier, Order, PowerImpact, Scenario, evaluate, execute
from flowexec.execution.presets import book_scenario
from flowexec.learning.pathwise import controlled_objective
from flowexec.learning.policy_gradient import generalized_advantages, log_density
from flowexec.learning.ppo import PPO, train_ppo
from flowexec.learning.ppo_config import PPOConfig
from flowexec.learning.training import Monitor
from flowexec.market.signal import OrnsteinUhlenbeck, SignalBachelier
from flowexec.strategies.optimal import solve_optimal
from flowexec.strategies.static_optimum import static_optimum

HIGH = book_scenario("HH")
SMALL = PPOConfig(iterations=3, n_paths=64, epochs=2, minibatches=2, hidden=(8,))
SIGNAL = Scenario(
    Order("sell", 1e5, 1.0, 20),
    SignalBachelier(100.0, 1.4, OrnsteinUhlenbeck(5.0, 2.0)),
    PowerImpact(0.05 / 1e5**0.6, 0.6),
    3.0 * 0.05 / (1.4**2 * 1e5),
)
"""Where adapting is worth a third of the cost: the optimum waits, then hurries."""


def regret(strategy, optimum, scenario, n_paths=20_000, seed=7):
    """Mean objective above that of `optimum` on the same fresh paths, and its standard error."""
    problem = scenario.sample(n_paths, seed=seed)
    ours, best = (controlled_objective(execute(s, problem), scenario) for s in (strategy, optimum))
    return (ours - best).mean(), (ours - best).std() / np.sqrt(n_paths)


# ---- learning ----


def test_lands_on_the_optimum_of_a_market_whose_variance_moves():
    """Within a tenth of what adapting is worth: it has learned to watch the variance."""
    optimum, static = solve_optimal(HIGH), static_optimum(HIGH)
    trained = train_ppo(HIGH, PPOConfig(iterations=25), seed=1)
    worse, error = regret(trained.policy, optimum, HIGH)
    assert worse > -3 * error  # or else the optimum is none
    assert worse + 2 * error < 1e-3 * optimum.value
    assert worse + 2 * error < 0.1 * (static.objective - optimum.value)
    objective = trained.history["objective"] * HIGH.order.shares * 100.0 / 1e4
    assert objective[0] > 1.5 * optimum.value
    assert optimum.value < objective[-1] < 1.1 * optimum.value  # it still explores


def test_lands_near_the_optimum_where_a_signal_makes_it_wait_and_hurry():
    optimum, static = solve_optimal(SIGNAL), static_optimum(SIGNAL)
    trained = train_ppo(SIGNAL, PPOConfig(iterations=50), seed=2)
    worse, error = regret(trained.policy, optimum, SIGNAL)
    assert worse > -3 * error
    assert worse + 2 * error < 0.03 * (static.objective - optimum.value)


def test_lands_on_almgren_and_chriss_where_impact_is_linear():
    """Their example of 2000 in 20 steps, at λ = 1e-6: inventory within 1 % of the order at every step."""
    impact = PowerImpact(2.5e-6, 1.0, 2.5e-7)
    scenario = Scenario(Order("sell", 1e6, 5.0, 20), Bachelier(50.0, 0.95, spread=0.125), impact, 1e-6)
    trained = train_ppo(scenario, PPOConfig(iterations=50), seed=1)
    problem = scenario.sample(1000, seed=3)
    ours = execute(trained.policy, problem).inventory
    closed = execute(static_optimum(scenario).strategy, problem).inventory
    assert abs(ours - closed).max() < 0.01 * 1e6
    assert abs(execute(TWAP(), problem).inventory - closed).max() > 0.1 * 1e6


def test_finds_nothing_where_there_is_nothing_to_find():
    """Price a martingale, no risk aversion: TWAP is optimal, and found again as exploration dies."""
    scenario = book_scenario("HH", risk_aversion=0.0)
    trained = train_ppo(scenario, PPOConfig(iterations=40), seed=4)
    worse, error = regret(trained.policy, TWAP(), scenario)
    twap = evaluate(TWAP(), scenario, 1024, seed=1).controlled_objective.value
    assert -3 * error < worse < 3e-4 * twap
    problem = scenario.sample(1000, seed=5)
    ours, theirs = (execute(s, problem).inventory for s in (trained.policy, TWAP()))
    assert abs(ours - theirs).max() < 0.03 * scenario.order.shares


# ---- the machine ----


def test_bits_depend_on_the_seed_and_on_no_number_of_threads():
    one = train_ppo(HIGH, SMALL, seed=6)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        two = train_ppo(HIGH, SMALL, seed=6)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    other = train_ppo(HIGH, SMALL, seed=7)
    for a, b in zip(one.policy.network.weights, two.policy.network.weights, strict=True):
        assert np.array_equal(a, b)
    assert one.policy.features == two.policy.features
    for name, values in one.history.items():
        assert np.array_equal(values, two.history[name])
    assert not np.array_equal(one.policy.network.weights[0], other.policy.network.weights[0])
    assert one.policy.features != other.policy.features  # it has seen other paths


def test_no_torch_generator_is_touched():
    state = torch.random.get_rng_state()
    np_state = np.random.get_state()[1].copy()  # noqa: NPY002  that nobody uses it is the point
    train_ppo(HIGH, SMALL, seed=8)
    assert torch.equal(state, torch.random.get_rng_state())
    assert np.array_equal(np_state, np.random.get_state()[1])  # noqa: NPY002


def test_rollout_is_what_was_played():
    """Densities, values and advantages of a rollout, from the environment and the networks anew."""
    learner = PPO(HIGH, SMALL, seed=9)
    for iteration in range(2):
        learner.iterate(iteration)
    rollout, objective = learner.play(2)
    n, each = SMALL.n_paths, SMALL.orders_per_path
    problem = HIGH.sample(n, seed=learner.paths_seed, first_path=2 * n)
    shared = replace(problem, paths=problem.paths.select(np.repeat(np.arange(n), each)))
    episode = learner.environment.start(shared)
    rewards, values = [], []
    for k in range(HIGH.order.n_steps):
        seen = learner.environment.observe(episode)
        np.testing.assert_allclose(rollout.seen[:, k], seen, rtol=1e-6, atol=1e-6)
        held = episode.state.inventory / HIGH.order.shares
        np.testing.assert_allclose(rollout.held[k], held, rtol=1e-6)
        with torch.no_grad():
            tensor = torch.tensor(seen, dtype=torch.float32)
            values.append(learner.agent.values(tensor, torch.tensor(held, dtype=torch.float32)))
            density = log_density(rollout.logits[k], *learner.agent.logits(tensor))
        np.testing.assert_allclose(rollout.log_density[k], density, rtol=1e-3, atol=1e-3)
        episode, reward = learner.environment.step(episode, rollout.logits[k].double().numpy())
        rewards.append(torch.tensor(reward) / learner.unit)
    rewards, values = torch.stack(rewards), torch.stack(values).double()
    assert objective == pytest.approx(-learner.unit * rewards.sum(0).mean().item(), rel=1e-6)
    advantages = generalized_advantages(rewards, values, SMALL.gae_lambda)
    np.testing.assert_allclose(rollout.targets, advantages + values, rtol=1e-3, atol=1e-4)
    groups = advantages.unflatten(-1, (n, each))
    centered = (groups - groups.mean(-1, keepdim=True)).flatten(-2)
    np.testing.assert_allclose(rollout.advantages, centered / centered.std(), rtol=0.02, atol=2e-3)


def test_policy_is_the_mean_of_the_actor():
    learner = PPO(HIGH, SMALL, seed=10)
    for iteration in range(3):
        learner.iterate(iteration)
    policy, problem = learner.policy(), HIGH.sample(20, seed=11)
    observation = problem.observe(problem.start())
    with torch.no_grad():
        mean, _ = learner.agent.logits(torch.tensor(policy.features(observation), dtype=torch.float32))
    np.testing.assert_allclose(policy.network(policy.features(observation))[0], mean, rtol=1e-4, atol=1e-6)


def test_first_policy_is_twap_and_the_first_values_are_0():
    learner = PPO(HIGH, SMALL, seed=12)
    problem = HIGH.sample(20, seed=13)
    ours, theirs = (execute(s, problem).shares for s in (learner.policy(), TWAP()))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    rollout, _ = learner.play(0)
    np.testing.assert_allclose((rollout.logits / SMALL.initial_std).std(), 1.0, rtol=0.05)
    with torch.no_grad():
        assert not learner.agent.values(rollout.seen, rollout.held).any()


def test_logits_that_are_not_centred_halve_what_is_left_and_mean_the_same_to_policy_and_environment():
    learner = PPO(HIGH, replace(SMALL, centered=False), seed=1)
    problem = HIGH.sample(8, seed=2)
    run = execute(learner.policy(), problem)
    halves = HIGH.order.shares * 0.5 ** np.arange(HIGH.order.n_steps)
    np.testing.assert_allclose(run.inventory[:-1], np.tile(halves[:, None], 8), rtol=1e-12)
    np.testing.assert_array_equal(run.inventory[-1], 0.0)
    episode = learner.environment.start(problem)
    while not episode.done:
        episode, _ = learner.environment.step(episode, np.zeros(8))
        np.testing.assert_array_equal(episode.state.inventory, run.inventory[episode.state.step])


def test_common_paths_and_the_martingale_control_take_out_noise():
    """How much the first gradient varies from path to path, by what is left out."""

    def noise(**kw):
        learner = PPO(HIGH, PPOConfig(n_paths=512, hidden=(8,), **kw), seed=14)
        rollout, _ = learner.play(0)
        score = rollout.logits / SMALL.initial_std  # of the mean, in standard deviations
        by_path = (rollout.advantages * score).sum(0).unflatten(-1, (512, -1)).mean(-1)
        signal = abs(by_path.mean())
        return (by_path.std() / signal).item() * np.sqrt(kw["orders_per_path"])

    plain = noise(orders_per_path=1, control=False)
    controlled = noise(orders_per_path=1, control=True)
    both = noise(orders_per_path=4, control=True)
    shared = noise(orders_per_path=4, control=False)
    assert controlled < 0.7 * plain
    assert shared < 0.7 * plain
    assert both < plain


def test_learning_rate_falls_along_half_a_cosine_and_epochs_end_at_the_divergence():
    history = train_ppo(HIGH, replace(SMALL, iterations=4), seed=15).history
    expected = 5e-3 * 0.5 * (1 + np.cos(np.pi * np.arange(4) / 4))
    np.testing.assert_allclose(history["learning_rate"], expected, rtol=1e-12)
    assert set(history) == {"objective", "kl", "clipped", "value_error", "std", "learning_rate"}
    steps = []
    learner = PPO(HIGH, replace(SMALL, epochs=5, max_kl=1e-9), seed=16)
    descend = learner.agent.descend
    learner.agent.descend = lambda *a, **kw: (steps.append(kw), descend(*a, **kw))
    learner.iterate(0)
    assert len(steps) == 1  # of five epochs of two


def test_gradients_are_cut_to_length():
    learner = PPO(HIGH, SMALL, seed=17)
    parameters = learner.agent.parameters
    loss = 1e3 * sum((p**2).sum() for part in parameters for p in part)
    learner.agent.descend(loss, learning_rate=1e-9, max_gradient_norm=0.5)
    for part in parameters:
        length = torch.sqrt(sum((p.grad**2).sum() for p in part)).item()
        assert length == pytest.approx(0.5, rel=1e-4)


def test_sells_and_buys_are_mirrored():
    """A buy in a market of symmetric moves costs what a sale does; PPO finds both."""
    config = PPOConfig(iterations=3, features=("time", "inventory", "volatility"))
    sell, buy = (
        train_ppo(book_scenario("HH", side=side), config, seed=18).history["objective"]
        for side in ("sell", "buy")
    )
    np.testing.assert_allclose(sell, buy, rtol=1e-4)


def test_progress_goes_to_whoever_asks():
    said = []
    trained = train_ppo(
        HIGH, SMALL, seed=19, monitor=Monitor(on_iteration=lambda i, policy: said.append((i, policy)))
    )
    assert [i for i, _ in said] == [1, 2, 3]
    assert np.array_equal(said[-1][1].network.weights[0], trained.policy.network.weights[0])
    assert not np.array_equal(said[0][1].network.weights[0], trained.policy.network.weights[0])


# ---- bad input ----


def test_scenarios_that_cannot_be_learned_are_refused(refused):
    still = replace(HIGH, market=Bachelier(100.0, 0.0))
    with refused(
        "the feature 'volatility' needs a market with a variance; the mean of this one's is 0. "
        "Choose `features` without it"
    ):
        train_ppo(still, SMALL, seed=1)
    train_ppo(still, replace(SMALL, features=("time", "inventory")), seed=1)
    with refused("`scenario.order.n_steps` must be a whole number, at least 2, got 1"):
        train_ppo(book_scenario("HH", n_steps=1), SMALL, seed=1)
    with refused("`scenario` must be a Scenario, got 3"):
        train_ppo(3, SMALL, seed=1)
    with refused("`config` must be a PPOConfig, got 3"):
        train_ppo(HIGH, 3, seed=1)
    with refused("`seed` must be a whole number, at least 0, got -1"):
        train_ppo(HIGH, SMALL, seed=-1)
    with refused("`device` must be 'cpu', or 'cuda' where there is a GPU, got 'tpu'"):
        train_ppo(HIGH, SMALL, seed=1, device="tpu")


def test_a_reward_that_is_no_number_stops_the_training(refused):
    class Spoiled(Bachelier):
        def simulate(self, n_paths, *args, first_path=0, **kw):
            paths = super().simulate(n_paths, *args, first_path=first_path, **kw)
            if first_path == 2 * SMALL.n_paths:  # the third iteration
                paths.mid[3, 5] = np.nan
            return paths

    scenario = replace(HIGH, market=Spoiled(100.0, 1.0))
    config = replace(SMALL, features=("time", "inventory"), control=False)
    reason = "the reward of order 20 is nan in step 2: `mid` of step 3 is nan"
    with refused(f"{reason}\nin iteration 2 of the training"):
        train_ppo(scenario, config, seed=20)


def test_a_training_that_diverges_stops_with_the_iteration():
    config = replace(SMALL, learning_rate=1e30, max_gradient_norm=1e30)
    with pytest.raises(
        (RuntimeError, ValueError), match=r"in iteration \d: training has diverged|must be finite"
    ):
        train_ppo(HIGH, config, seed=21)


def test_bad_settings_are_refused(refused):
    for bad, sentence in (
        ({"iterations": 0}, "`iterations` must be a whole number, at least 1, got 0"),
        ({"n_paths": 3}, "`minibatches` must be at most the 3 `n_paths`, got 4"),
        ({"learning_rate": 0.0}, "`learning_rate` must be greater than 0, got 0.0"),
        ({"gae_lambda": 1.1}, "`gae_lambda` must lie in [0, 1], got 1.1"),
        ({"clip": 1.0}, "`clip` must lie in (0, 1), got 1.0"),
        ({"value_weight": -1.0}, "`value_weight` must be greater than 0, got -1.0"),
        ({"entropy_weight": -1.0}, "`entropy_weight` must be at least 0, got -1.0"),
        ({"max_kl": 0.0}, "`max_kl` must be greater than 0, got 0.0"),
        ({"initial_std": float("nan")}, "`initial_std` must be greater than 0, got nan"),
        ({"hidden": [8]}, "`hidden` must be a tuple of widths, got [8]"),
        ({"smallest_std": 3.0}, "`smallest_std` must lie in (0, 2], got 3.0"),
        ({"features": ["time"]}, "`features` must be a tuple of names, got ['time']"),
        ({"hidden": (0,)}, "`hidden` must be a whole number, at least 1, got 0"),
        ({"control": 1}, "`control` must be True or False, got 1"),
    ):
        with refused(sentence):
            PPOConfig(**bad)


def test_features_may_be_chosen():
    trained = train_ppo(HIGH, replace(SMALL, features=("time", "inventory", "spread")), seed=22)
    assert trained.policy.features.names == ("time", "inventory", "spread")
    assert trained.policy.features.spread_scale == pytest.approx(0.01)
    assert trained.policy.features.variance_scale is None
