"""The network against torch's own layers; the policy as a strategy like any other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flowexec import TWAP, Heston, Order, PowerImpact, Scenario, VolumeCurve, evaluate, execute, shortfall
from flowexec.learning.features import Features
from flowexec.learning.networks import Network, NetworkPolicy, fraction_of_remaining
from flowexec.market.signal import OrnsteinUhlenbeck, WithSignal

HESTON = Heston(100.0, 4e-4, 5.0, 2e-4, 0.04, -0.5, spread=0.02, volume=VolumeCurve(1e6, dispersion=0.3))
SCENARIO = Scenario(Order("sell", 1e5, 0.7, 8), HESTON, PowerImpact(1e-4, 0.6, 1e-8), 1e-6)
WITH_SIGNAL = replace(SCENARIO, market=WithSignal(HESTON, OrnsteinUhlenbeck(5.0, 2.0)))


def random_network(*sizes, seed=0):
    """Weights of a trained kind: none of them 0."""
    rng = np.random.default_rng(seed)
    return Network.initial(sizes, seed=seed).map(lambda a: a + 0.5 * rng.standard_normal(a.shape))


SEEN = Features(("time", "inventory", "volatility"), 3e-4)
SEEN_WITH_SIGNAL = Features((*SEEN.names, "signal"), 3e-4, 0.6)
POLICY = NetworkPolicy(random_network(3, 16, 16, 1), SEEN)
SIGNAL_POLICY = NetworkPolicy(random_network(4, 8, 1), SEEN_WITH_SIGNAL)


@pytest.mark.parametrize("sizes", [(3, 1), (4, 7, 1), (3, 16, 5, 2)], ids=str)
def test_forward_pass_is_that_of_torch_layers(sizes):
    network = random_network(*sizes)
    layers = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(weight), torch.tensor(bias[:, 0])
        layers += [linear, torch.nn.Softsign()]
    inputs = np.random.default_rng(1).standard_normal((sizes[0], 513))  # two blocks and one path
    expected = torch.nn.Sequential(*layers[:-1])(torch.tensor(inputs.T)).detach().numpy().T
    np.testing.assert_allclose(network(inputs), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(network.map(torch.tensor)(torch.tensor(inputs)), expected, atol=1e-13)


def test_an_initial_network_answers_0_whatever_its_other_layers():
    network = Network.initial((3, 400, 300, 2), seed=7)
    assert np.array_equal(network(np.ones((3, 5))), np.zeros((2, 5)))
    for inputs, weight in zip((3, 400), network.weights[:-1], strict=True):
        n = weight.size
        assert abs(weight.var() * inputs - 1.0) < 4 * np.sqrt(2 / n)
    assert abs(network.biases[0].var() - 0.25) < 4 * 0.25 * np.sqrt(2 / 400)
    again, other = (Network.initial((3, 400, 300, 2), seed=seed) for seed in (7, 8))
    assert np.array_equal(again.weights[1], network.weights[1])
    assert not np.array_equal(other.weights[1], network.weights[1])


def test_logit_is_centred_on_twap():
    z = np.linspace(-20.0, 20.0, 41)
    for n in (2, 5, 30):
        f = fraction_of_remaining(z, n)
        np.testing.assert_allclose(np.log(f) - np.log1p(-f), z - np.log(n - 1), atol=1e-6)
        assert fraction_of_remaining(np.zeros(1), n)[0] == 1.0 / n
        np.testing.assert_allclose(fraction_of_remaining(np.array([-1e4, 1e4]), n), [0.0, 1.0], atol=1e-20)
    assert np.array_equal(fraction_of_remaining(z, 1), np.ones(41))
    for dtype in (torch.float32, torch.float64):  # no infinity on the way, whose gradient would be NaN
        logit = torch.tensor([-1e4, 0.0, 1e4], dtype=dtype, requires_grad=True)
        fraction_of_remaining(logit, 5).sum().backward()
        np.testing.assert_allclose(logit.grad.numpy(), [0.0, 0.16, 0.0], rtol=1e-6)


def test_an_initial_policy_is_twap():
    policy = NetworkPolicy(Network.initial((4, 16, 1), seed=1), SEEN_WITH_SIGNAL)
    problem = WITH_SIGNAL.sample(100, seed=1)
    assert np.array_equal(execute(policy, problem).shares, execute(TWAP(), problem).shares)


@pytest.mark.parametrize(("scenario", "policy"), [(SCENARIO, POLICY), (WITH_SIGNAL, SIGNAL_POLICY)])
def test_torch_is_numpy(scenario, policy):
    problem = scenario.sample(9, seed=2)
    tensors = replace(policy, network=policy.network.map(torch.tensor))
    ours, theirs = execute(policy, problem), execute(tensors, problem.to_torch())
    assert ours.shares.std(axis=1)[1:-1].min() > 20  # it does react
    np.testing.assert_allclose(theirs.shares.numpy(), ours.shares, rtol=1e-11)


def test_gradient_in_the_weights_is_the_derivative():
    problem = WITH_SIGNAL.sample(20, seed=3)
    tensors = problem.to_torch()

    def objective(policy, problem):
        execution = execute(policy, problem)
        return (shortfall(execution).total + 1e-6 * execution.risk).mean()

    network = SIGNAL_POLICY.network.map(lambda a: torch.tensor(a, requires_grad=True))
    objective(replace(SIGNAL_POLICY, network=network), tensors).backward()
    for which in ("weights", "biases"):
        for layer in (0, 1):
            for entry in ((0, 0), (0, -1)):

                def moved(by, which=which, layer=layer, entry=entry):
                    arrays = [a.copy() for a in getattr(SIGNAL_POLICY.network, which)]
                    arrays[layer][entry] += by
                    network = replace(SIGNAL_POLICY.network, **{which: tuple(arrays)})
                    return objective(replace(SIGNAL_POLICY, network=network), problem)

                gradient = getattr(network, which)[layer].grad[entry].item()
                assert gradient == pytest.approx((moved(1e-5) - moved(-1e-5)) / 2e-5, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("n_paths", [1025, 1026, 2049, 8195])
def test_bits_depend_on_neither_blocks_nor_threads(n_paths):
    """Blocks of 1,024, of which one, two or three paths are left over."""
    inputs = np.random.default_rng(2).standard_normal((3, n_paths))
    whole = POLICY.network(inputs)
    blocks = [POLICY.network(inputs[:, i : i + 1024]) for i in range(0, n_paths, 1024)]
    assert np.array_equal(np.concatenate(blocks, axis=1), whole)
    one = evaluate(POLICY, SCENARIO, n_paths, seed=5, block_paths=8192, threads=1)
    assert one == evaluate(POLICY, SCENARIO, n_paths, seed=5, block_paths=1024, threads=2)


def test_policy_does_not_see_the_future():
    problem = WITH_SIGNAL.sample(5, seed=6)
    shares = execute(SIGNAL_POLICY, problem).shares
    k = 4
    blind = {
        name: np.where(np.arange(len(rows))[:, None] > k, np.nan, rows)
        for name in ("mid", "variance", "signal")
        if (rows := getattr(problem.paths, name)) is not None
    }
    state = problem.start()
    later = replace(problem, paths=replace(problem.paths, **blind))
    for step in range(k + 1):
        state, fill = later.step(state, SIGNAL_POLICY.trade(later.observe(state)))
        assert np.array_equal(fill.shares, shares[step])


def test_a_trained_policy_is_shown_by_its_widths_and_not_by_its_weights():
    assert repr(Network.initial((4, 32, 16, 1), seed=0)) == "<Network 4-32-16-1>"
    assert "array" not in repr(SIGNAL_POLICY)


def test_bad_networks_are_refused(refused):
    ones = np.ones((2, 3)), np.ones((2, 1)), np.ones((1, 2)), np.ones((1, 1))
    w0, b0, w1, b1 = ones
    with refused("`weights` must be one or more arrays [output, input], got ()"):
        Network((), ())
    with refused("`weights` must be one or more arrays [output, input], got (array([1., 1., 1.]),)"):
        Network((np.ones(3),), (b1,))
    with refused("`biases` must have one entry for each of the 2 `weights`, got 1"):
        Network((w0, w1), (b0,))
    with refused("`weights[1]` must have shape (1, 2), got (1, 3)"):
        Network((w0, np.ones((1, 3))), (b0, b1))
    with refused("`biases[0]` must have shape (2, 1), got (2,)"):
        Network((w0, w1), (np.ones(2), b1))
    with refused("`biases[1]` must be finite throughout"):
        Network((w0, w1), (b0, np.full((1, 1), np.inf)))
    with refused("`sizes` must hold at least the inputs and the outputs, got (3,)"):
        Network.initial((3,), seed=1)
    with refused("`sizes` must be a whole number, at least 1, got 0"):
        Network.initial((3, 0, 1), seed=1)


def test_bad_policies_are_refused(refused):
    network = Network.initial((3, 2, 1), seed=1)
    with refused("`network` must be a Network, got 3"):
        NetworkPolicy(3, SEEN)
    with refused("`features` must be a Features, got 0.1"):
        NetworkPolicy(network, 0.1)
    with refused("`network` must have 4 inputs and 1 output, got 3 and 1"):
        NetworkPolicy(network, SEEN_WITH_SIGNAL)
    with refused("`network` must have 3 inputs and 1 output, got 3 and 2"):
        NetworkPolicy(Network.initial((3, 2), seed=1), SEEN)
    with refused("the feature 'signal' needs a market that shows a signal, and this one shows none"):
        execute(SIGNAL_POLICY, SCENARIO.sample(2, seed=1))
