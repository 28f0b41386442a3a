"""Stacking with JAX: `jit(vmap(scan))`, the whole training of all runs as one compiled program.

Needs jax, which the project does not depend on (requirements-benchmark.txt).
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from benchmarks.sides import orders
from benchmarks.work import EVALUATION_BATCH, Losses, Work
from pipeline.core.dataset import Split
from pipeline.training.config import RunConfig
from pipeline.training.initializers import initial
from pipeline.training.optimizers.sgd import SGD

Layers = list[tuple[Array, Array]]
Measured = tuple[Array, Array]  # loss and accuracy


def train(work: Work, prng: str = "threefry2x32") -> Losses:
    """Train every run of the work; compiled on the first call for work of this shape.

    Args:
        work: All runs on the same training.
        prng: How JAX draws dropout masks: its default, or `rbg`, which it has for speed.

    Raises:
        ValueError: If the steps are not all alike, as a scan needs them.
    """
    config, dataset, training = work.config, work.dataset, work.config.training
    spacing = training.epochs // len(work.evaluated)
    if dataset.train.examples % training.batch_size or work.evaluated != [
        *range(spacing, training.epochs + 1, spacing)
    ]:
        raise ValueError(f"{training} on {dataset.train.examples} examples: steps differ, allowed: all alike")
    own = bool(dataset.seeds)
    seed_indices = [dataset.seed_index(seed.index) for seed in work.seeds] if own else 0

    def examples(split: Split) -> tuple[Array, Array]:
        inputs = jnp.asarray(split.inputs[seed_indices], jnp.float32) * dataset.factor + dataset.offset
        return inputs, jnp.asarray(split.targets[seed_indices])

    layers = []
    for layer, (before, after) in enumerate(itertools.pairwise(work.widths)):
        pairs = [initial(config.model.initialization, seed, layer, before, after) for seed in work.seeds]
        layers.append(tuple(jnp.array(np.stack(part), jnp.float32) for part in zip(*pairs, strict=True)))
    order = orders.draw(work.seeds, training.epochs, dataset.train.examples)
    order = order.reshape(work.runs, len(work.evaluated), spacing, -1, training.batch_size)
    keys = jax.random.split(jax.random.key(0, impl=prng), work.runs)
    _, (trained, tested, running) = _program(config, own)(
        layers, keys, order, examples(dataset.train), examples(dataset.test)
    )
    return Losses(*(np.asarray(curve, np.float64) for curve in (trained[0], tested[0], running[0][:, -1])))


@functools.cache
def _program(config: RunConfig, own_examples: bool) -> Callable[..., Any]:
    """Layers (R, ...), keys (R,), orders (R, E, epochs, steps, B), train and test set -> layers and curves."""
    model, rates = config.model, config.model.dropout_rates
    optimizer = config.optimizer
    plain = isinstance(optimizer, SGD) and not optimizer.momentum and not optimizer.weight_decay
    if model.activation not in ("relu", "identity") or not plain:
        raise ValueError("found a network or an optimizer that this side does not have")

    def forward(layers: Layers, values: Array, key: Array | None) -> Array:
        for number, (weight, bias) in enumerate(layers):
            values = values @ weight + bias if model.bias else values @ weight
            if number == len(layers) - 1:
                break
            values = jax.nn.relu(values) if model.activation == "relu" else values
            if key is not None and rates[number] > 0:
                kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - rates[number], values.shape)
                values = jnp.where(kept, values / (1 - rates[number]), 0)
        return values

    def loss(layers: Layers, inputs: Array, targets: Array, key: Array | None = None) -> Measured:
        outputs = forward(layers, inputs, key)
        if config.loss == "squared_error":
            return jnp.square(outputs[:, 0] - targets).mean(), jnp.zeros(())
        of_label = jnp.take_along_axis(jax.nn.log_softmax(outputs), targets[:, None], axis=1)
        return -of_label.mean(), (outputs.argmax(axis=1) == targets).mean()

    def evaluate(layers: Layers, inputs: Array, targets: Array) -> Measured:
        if len(inputs) % EVALUATION_BATCH:
            return loss(layers, inputs, targets)
        batches = (part.reshape(-1, EVALUATION_BATCH, *part.shape[1:]) for part in (inputs, targets))
        losses, accuracies = lax.map(lambda batch: loss(layers, *batch), tuple(batches))
        return losses.mean(), accuracies.mean()

    def run(layers: Layers, key: Array, order: Array, train_set: Measured, test_set: Measured) -> Any:
        inputs, targets = train_set

        def step(state: tuple[Layers, Array], batch: Array) -> tuple[tuple[Layers, Array], Measured]:
            layers, key = state
            key, own = jax.random.split(key)
            gradient_of = jax.value_and_grad(loss, has_aux=True)
            measured, gradients = gradient_of(layers, inputs[batch], targets[batch], own)
            rate = config.optimizer.learning_rate
            return (jax.tree.map(lambda value, slope: value - rate * slope, layers, gradients), key), measured

        def epoch(state: tuple[Layers, Array], batches: Array) -> tuple[tuple[Layers, Array], Measured]:
            state, (losses, accuracies) = lax.scan(step, state, batches)
            return state, (losses.mean(), accuracies.mean())

        def until_evaluated(state: tuple[Layers, Array], epochs: Array) -> Any:
            state, (losses, accuracies) = lax.scan(epoch, state, epochs)
            evaluated = evaluate(state[0], *train_set), evaluate(state[0], *test_set)
            return state, (*evaluated, (losses[-1], accuracies[-1]))

        (layers, _), curves = lax.scan(until_evaluated, (layers, key), order)
        return layers, curves

    axis = 0 if own_examples else None
    compiled: Callable[..., Any] = jax.jit(jax.vmap(run, in_axes=(0, 0, 0, axis, axis)), donate_argnums=0)
    return compiled
