import torch
from samples import classes, seeds, setting
from torch import nn

from pipeline.training import concise, loop, probes
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
    found = probes.layers(network, LOSSES["squared_error"], inputs, torch.ones(2, 1, dtype=torch.float64))
    # d (wx - 1)^2 / dw = 2 (wx - 1) x with wx = 11 and 0
    assert found["gradient_rms"].tolist() == [[20 * 12.5**0.5], [2 * 12.5**0.5]]
    assert found["activation_sd"].shape == (2, 0)
    assert probes.weight_norm(network).tolist() == [5**0.5, 0.0]


def test_a_probe_leaves_the_network_as_it_was():
    network = StackedMLP(2, (13, 20, 7), ACTIVATIONS["tanh"], True, torch.empty(0))
    nn.init.normal_(network.weights[0], generator=torch.Generator().manual_seed(0))
    kept = [weight.clone() for weight in network.weights]
    probes.layers(network, LOSSES["cross_entropy"], torch.ones(2, 3, 16), torch.zeros(2, 3, dtype=torch.int64))
    assert all(torch.equal(weight, old) for weight, old in zip(network.weights, kept, strict=True))
