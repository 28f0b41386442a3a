"""Stacking with torch.func: one network's step under vmap(grad), all runs at once."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from benchmarks.sides.network import build, loss_of, tensors
from benchmarks.work import EVALUATION_BATCH, Losses, Work
from pipeline.training.draws import orders

Parameters = dict[str, Tensor]


def train(work: Work) -> Losses:
    """Train every run of the work; all seeds have one data set."""
    torch.manual_seed(0)
    config, epochs, size = work.config, work.config.training.epochs, work.config.training.batch_size
    train_set, test_set = (tensors(work, split, work.seeds[0]) for split in (work.dataset.train, work.dataset.test))
    networks = [build(work, seed) for seed in work.seeds]
    parameters, _ = stack_module_state(networks)
    parameters = {name: value.detach() for name, value in parameters.items()}
    network, criterion = networks[0], loss_of(work)

    def loss(own: Parameters, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = functional_call(network, own, (inputs,))
        correct = (outputs.argmax(dim=1) == targets).sum()
        return criterion(outputs, targets), correct

    step = vmap(grad_and_value(loss, has_aux=True), randomness="different")
    measure = vmap(loss, in_dims=(0, None, None))
    streams = [orders(seed, len(train_set[0]), epochs) for seed in work.seeds]
    evaluated = set(work.evaluated)
    curves = []
    for epoch in range(1, epochs + 1):
        network.train()
        total, correct = torch.zeros(work.runs), torch.zeros(work.runs, dtype=torch.int64)
        for batch in torch.from_numpy(np.stack([next(stream) for stream in streams])).split(size, dim=1):
            gradients, (losses, right) = step(parameters, train_set[0][batch], train_set[1][batch])
            torch._foreach_add_(
                list(parameters.values()), list(gradients.values()), alpha=-config.optimizer.learning_rate
            )
            total += losses * batch.shape[1]
            correct += right
        if epoch in evaluated:
            network.eval()
            curves.append([_evaluate(measure, parameters, *examples) for examples in (train_set, test_set)])
    train_losses, test_losses = np.array(curves).transpose(1, 2, 0)
    return Losses(train_losses, test_losses, _numpy(total / len(train_set[0])))


@torch.no_grad()
def _evaluate(
    measure: Callable[..., tuple[Tensor, Tensor]], parameters: Parameters, inputs: Tensor, targets: Tensor
) -> np.ndarray:
    """Mean loss of each run; the accuracy is measured as well, since the engine measures it."""
    runs = len(next(iter(parameters.values())))
    total, correct = torch.zeros(runs), torch.zeros(runs, dtype=torch.int64)
    for rows, labels in zip(inputs.split(EVALUATION_BATCH), targets.split(EVALUATION_BATCH), strict=True):
        losses, right = measure(parameters, rows, labels)
        total += losses * len(rows)
        correct += right
    return _numpy(total / len(inputs))


def _numpy(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.double().numpy()
    return array
