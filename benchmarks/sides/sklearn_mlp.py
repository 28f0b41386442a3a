"""scikit-learn's MLPClassifier by plain SGD, one run at a time.

`fit` shuffles and evaluates as it likes, so every epoch is one `partial_fit` on examples laid in the engine's order.
"""

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.work import EVALUATION_BATCH, Losses, Work
from pipeline.core.dataset import Split
from pipeline.core.seeding import Seed
from pipeline.training.draws import orders
from pipeline.training.initializers import initial

Examples = tuple[np.ndarray, np.ndarray]


def train(work: Work) -> Losses:
    """Train every run of the work."""
    return Losses.join([_run(work, seed) for seed in work.seeds])


def _run(work: Work, seed: Seed) -> Losses:
    config, dataset, training = work.config, work.dataset, work.config.training
    if any(config.model.dropout_rates):
        raise ValueError("found dropout, which MLPClassifier does not have")

    def examples(split: Split) -> Examples:
        # single precision throughout, as scikit-learn then computes in it
        return split.inputs[0].astype(np.float32) * np.float32(dataset.factor), split.targets[0]

    train_set, test_set = examples(dataset.train), examples(dataset.test)
    inputs, targets = train_set
    model = MLPClassifier(
        hidden_layer_sizes=config.model.hidden,
        activation=config.model.activation,
        solver="sgd",
        alpha=0.0,
        batch_size=training.batch_size,
        learning_rate="constant",
        learning_rate_init=config.optimizer.learning_rate,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        random_state=0,
    )
    # a first step makes the arrays, which then take the initial weights
    size = training.batch_size
    model.partial_fit(inputs[:size], targets[:size], classes=np.arange(dataset.outputs))
    for layer, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        weight[...], bias[...] = initial(config.model.initialization, seed, layer, *weight.shape)
    evaluated = set(work.evaluated)
    curves = []
    for epoch, order in enumerate(orders(seed, len(inputs), training.epochs), start=1):
        model.partial_fit(inputs[order], targets[order])
        if epoch in evaluated:
            curves.append([_evaluate(model, *split) for split in (train_set, test_set)])
    train_losses, test_losses = np.array(curves).T
    return Losses(train_losses[None], test_losses[None], np.array([model.loss_]))


def _evaluate(model: MLPClassifier, inputs: np.ndarray, labels: np.ndarray) -> float:
    """Mean loss; the accuracy is measured as well, since the engine measures it."""
    total, correct = 0.0, 0
    for first in range(0, len(inputs), EVALUATION_BATCH):
        rows, right = inputs[first : first + EVALUATION_BATCH], labels[first : first + EVALUATION_BATCH]
        probabilities = model.predict_proba(rows)
        total -= float(np.log(probabilities[np.arange(len(rows)), right]).sum(dtype=np.float64))
        correct += int((probabilities.argmax(axis=1) == right).sum())
    return total / len(inputs)
