import numpy as np
import torch
from samples import classes, seeds, setting
from torch import nn

from pipeline.training import concise, layers, loop
from pipeline.training.activations import ACTIVATIONS
from pipeline.training.losses import LOSSES
from pipeline.training.mlp import StackedMLP


def test_layers_are_measured_as_torch_measures_them():
    """The stacked engine's probe against the concise one, which reads modules and autograd."""
    dataset = classes()
    for activation in ("sigmoid", "relu"):
        chosen = setting({"model.activation": activation})
        stacked = loop.train([chosen] * 2, seeds(2), dataset, dtype=torch.float64)
        for run, seed in enumerate(seeds(2)):
            alone = concise.train(chosen, seed, dataset, dtype=torch.float64)
            for key, found in alone.layers.items():
                torch.testing.assert_close(stacked.layers[key][run], found[0], rtol=1e-9, atol=1e-12)


def test_closed_form_of_a_linear_network():
    network = StackedMLP(2, (2, 1), ACTIVATIONS["identity"], False, torch.empty(0, dtype=torch.float64))
    network.real_weights()[0].copy_(torch.tensor([[[1.0], [2.0]], [[0.0], [0.0]]]))
    inputs = torch.zeros(2, 1, 16, dtype=torch.float64)
    inputs[..., :2] = torch.tensor([3.0, 4.0])
    found = layers.sizes(network, LOSSES["squared_error"], inputs, torch.ones(2, 1, dtype=torch.float64))
    # d (wx - 1)^2 / dw = 2 (wx - 1) x with wx = 11 and 0
    assert found["gradient_rms"].tolist() == [[20 * 12.5**0.5], [2 * 12.5**0.5]]
    assert found["activation_sd"].shape == (2, 0)
    assert layers.weight_norm(network).tolist() == [5**0.5, 0.0]


def test_a_probe_leaves_the_network_as_it_was():
    network = StackedMLP(2, (13, 20, 7), ACTIVATIONS["tanh"], True, torch.empty(0))
    nn.init.normal_(network.weights[0], generator=torch.Generator().manual_seed(0))
    kept = [weight.clone() for weight in network.weights]
    layers.sizes(network, LOSSES["cross_entropy"], torch.ones(2, 3, 16), torch.zeros(2, 3, dtype=torch.int64))
    assert all(torch.equal(weight, old) for weight, old in zip(network.weights, kept, strict=True))


def summary(weights, biases, activation: str, inputs) -> dict[str, np.ndarray]:
    sizes = {("activation_sd", "start"): np.array([[2.0, 1.0]]), ("gradient_rms", "start"): np.array([[1.0, 4.0]])}
    return layers.summary(weights, biases, ACTIVATIONS[activation], torch.as_tensor(inputs), sizes)


def test_the_summary_of_a_network_by_hand():
    """Two inputs, two hidden units, one output; ReLU cuts off the second unit, whose share of the output is -6."""
    weights = [np.array([[[1.0, -1.0], [1.0, -2.0]]]), np.array([[[1.0], [2.0]]])]
    biases = [np.zeros((1, 2)), np.zeros((1, 1))]
    inputs = np.array([[[1.0, 1.0]]])
    found = summary(weights, biases, "relu", inputs)
    # outputs: relu(2, -3) . (1, 2) = 2; without activation 2 - 6 = -4
    assert found["affine_gap"].tolist() == [3.0]
    assert found["unit_spread"].tolist() == [((2.0**2 + 3.0**2) / 2) ** 0.5]
    assert found["activation_ratio"].tolist() == [0.5]
    assert found["gradient_ratio"].tolist() == [0.25]
    assert summary(weights, biases, "identity", inputs)["affine_gap"].tolist() == [0.0]


def test_without_activation_any_depth_is_the_product_of_its_weights():
    random = np.random.default_rng(0)
    weights = [random.standard_normal((3, *shape)) for shape in ((13, 20), (20, 33), (33, 7))]
    biases = [random.standard_normal((3, width)) for width in (20, 33, 7)]
    inputs = random.standard_normal((3, 30, 13))
    assert summary(weights, biases, "identity", inputs)["affine_gap"].max() < 1e-13
    assert summary(weights, biases, "tanh", inputs)["affine_gap"].min() > 0.1


def test_units_are_alike_only_when_all_their_incoming_weights_are():
    alike = np.repeat(np.array([[[0.5], [-1.0]]]), 4, axis=2)
    head, biases = np.ones((1, 4, 2)), [np.zeros((1, 4)), np.zeros((1, 2))]
    inputs = np.ones((1, 3, 2))
    assert summary([alike, head], biases, "tanh", inputs)["unit_spread"].tolist() == [0.0]
    one = alike.copy()
    one[0, 1, 3] += 1e-9
    assert summary([one, head], biases, "tanh", inputs)["unit_spread"][0] > 0


def test_a_ratio_of_zeros_is_undefined_and_a_dead_network_is_affine():
    weights = [np.zeros((1, 2, 4)), np.zeros((1, 4, 2))]
    sizes = {("activation_sd", "start"): np.zeros((1, 2)), ("gradient_rms", "start"): np.zeros((1, 2))}
    biases = [np.zeros((1, 4)), np.zeros((1, 2))]
    found = layers.summary(weights, biases, ACTIVATIONS["relu"], torch.ones(1, 3, 2), sizes)
    assert np.isnan(found["activation_ratio"][0])
    assert np.isnan(found["gradient_ratio"][0])
    assert found["affine_gap"].tolist() == [0.0]
