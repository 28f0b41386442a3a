"""A run is a pure function of settings, seed and data, bit for bit, whatever it is stacked with, whoever computes it.

Shapes are chosen to hurt: odd widths, classes and batches, a last short batch, a single output, a stack of one.
"""

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from samples import ROOT, classes, seeds, setting, values

from pipeline.project.dataset import Dataset
from pipeline.project.settings.training import Setting
from pipeline.training import concise, loop

SEEDS = 5
RUNS = 37

STOPPING = {"name": "validation_loss", "fraction": 0.3, "patience": 1}
# what a run may have and its neighbours in the stack not
RATES = [{"name": "constant"}, {"name": "step", "every": 1, "gamma": 0.3}, {"name": "cosine", "final": 0.1}]

CASES = {
    "softmax regression": (classes, {"model.hidden": []}),
    "odd widths": (classes, {"model.hidden": [33, 20]}),
    "one hidden unit": (classes, {"model.hidden": [1, 7]}),
    "round widths": (classes, {"model.hidden": [16, 32]}),
    "relu": (classes, {"model.activation": "relu"}),
    "sigmoid": (classes, {"model.activation": "sigmoid"}),
    "identity": (classes, {"model.activation": "identity"}),
    **{name: (classes, {"model.activation": name}) for name in ("leaky_relu", "elu", "gelu", "silu")},
    "l1 penalty": (classes, {"penalty.l1": 0.01}),
    "few examples": (classes, {"data.examples": 23}),
    "folds": (classes, {"data.validation": {"name": "k_fold", "folds": 3}}),
    "example weights": (classes, {"data.correction": {"name": "estimated", "clip": 2.0}}),
    "dropout": (classes, {"model.dropout": [0.2, 0.5]}),
    "all dropped": (classes, {"model.dropout": [0.5, 1.0], "model.activation": "sigmoid"}),
    "no bias": (classes, {"model.bias": False}),
    "momentum": (classes, {"optimizer.momentum": 0.9}),
    "nesterov": (classes, {"optimizer.momentum": 0.9, "optimizer.nesterov": True, "penalty.l1": 0.01}),
    "adam": (classes, {"optimizer": {"name": "adam", "learning_rate": 0.1, "weight_decay": 0.0}}),
    "adamw, wide": (
        lambda: classes(SEEDS, features=784, outputs=10),
        {"optimizer": {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0.0}, "model.hidden": [37]},
    ),
    "adam, regression": (
        values,
        {"optimizer": {"name": "adam", "learning_rate": 0.1, "weight_decay": 0.0}, "loss": "squared_error"},
    ),
    "label smoothing": (classes, {"label_smoothing": 0.1}),
    "early stopping": (classes, {"schedule.early_stopping": STOPPING, "schedule.epochs": 12}),
    "one feature": (classes, {"model.features": 1}),
    "two examples a batch": (classes, {"schedule.batch_size": 2}),
    "one example a batch": (classes, {"schedule.batch_size": 1, "schedule.epochs": 1}),
    "whole batch": (classes, {"schedule.batch_size": 99}),
    "wide images": (lambda: classes(SEEDS, features=784, outputs=10), {"model.hidden": [37]}),
    "two classes": (lambda: classes(SEEDS, outputs=2), {}),
    "linear regression": (values, {"model.hidden": [], "loss": "squared_error"}),
    "many inputs": (lambda: values(SEEDS, features=200, train=20), {"model.hidden": [], "loss": "half_squared_error"}),
    "two features": (values, {"model.hidden": [], "loss": "squared_error", "model.features": 2}),
    "regression": (values, {"loss": "squared_error", "model.activation": "sigmoid", "model.dropout": 0.3}),
    "regression, relu": (values, {"loss": "half_squared_error", "model.activation": "relu"}),
}
EPOCHS = 2
STARTS = [
    {"name": name} for name in ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "torch_linear")
]


def stack(case: str) -> tuple[list[Setting], list, list[int], Dataset]:
    """37 runs that differ in everything in which runs of one program may differ: setting, seed and fold of each."""
    make, changes = CASES[case]
    dataset = make() if make not in (classes, values) else make(SEEDS)
    base = setting(changes)
    settings = []
    for number in range(RUNS):
        rates = [rate * (number % 3) / 2 for rate in base.model.dropout_rates]
        own = {
            **changes,
            "optimizer.learning_rate": 0.01 * (1 + number % 5),
            "optimizer.weight_decay": 0.03 * (number % 4),
            "penalty.l2": 0.02 * (number % 2),
            "model.dropout": rates,
            "model.initialization.weight": STARTS[number % len(STARTS)],
            "schedule.epochs": min(EPOCHS, base.schedule.epochs),
            "schedule.learning_rate": RATES[number % 3],
            "label_smoothing": base.label_smoothing * (1 + number % 4),
        }
        if case == "early stopping":
            own["schedule.epochs"] = base.schedule.epochs
            own["schedule.early_stopping"] = {**STOPPING, "patience": 1 + number % 3}
        settings.append(setting(own))
    count = base.data.validation.folds
    folds = [1 + number % count if count else 0 for number in range(RUNS)]
    return settings, [seeds(SEEDS)[number % SEEDS] for number in range(RUNS)], folds, dataset


def arrays(outcome: loop.Outcome) -> Iterator[tuple[str, np.ndarray]]:
    yield from ((f"weight {layer}", weight) for layer, weight in enumerate(outcome.weights))
    yield from ((f"bias {layer}", bias) for layer, bias in enumerate(outcome.biases))
    yield from outcome.curves.items()
    yield from ((" ".join(key), value) for key, value in outcome.layers.items())
    yield from outcome.final.items()
    yield "predictions", outcome.predictions


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_a_run_has_the_same_bits_in_every_stack(case, dtype, threads):
    settings, own_seeds, folds, dataset = stack(case)
    torch.set_num_threads(2)
    reference = loop.train(settings, own_seeds, dataset, folds=folds, dtype=dtype)
    assert np.isfinite(reference.final["weight_norm"]).all()
    cuts = [range(3, 4), range(2), range(11, 24), [30, 5, 17], range(RUNS)]
    for count, runs in itertools.product((1, 2), cuts):
        torch.set_num_threads(count)
        own = ([values[run] for run in runs] for values in (settings, own_seeds, folds))
        some_settings, some_seeds, some_folds = own
        found = loop.train(some_settings, some_seeds, dataset, folds=some_folds, dtype=dtype)
        for (name, whole), (_, part) in zip(arrays(reference), arrays(found), strict=True):
            assert part.tobytes() == whole[list(runs)].tobytes(), (name, count, runs)


def test_large_products_have_the_same_bits_on_one_and_two_threads(threads):
    """Large enough that the library splits the work."""
    dataset = classes(2, features=784, outputs=10, train=300, test=300)
    changes = {"model.hidden": [256, 255], "schedule": {"epochs": 1, "batch_size": 256, "evaluations": 1}}
    chosen = [setting({**changes, "optimizer.learning_rate": rate}) for rate in (0.1, 0.2, 0.3)]
    torch.set_num_threads(2)
    reference = loop.train(chosen, [seeds(2)[1]] * 3, dataset)
    for count, runs in itertools.product((1, 2), ([0], [1, 2], [2, 1, 0])):
        torch.set_num_threads(count)
        found = loop.train([chosen[run] for run in runs], [seeds(2)[1]] * len(runs), dataset)
        for (name, whole), (_, part) in zip(arrays(reference), arrays(found), strict=True):
            assert part.tobytes() == whole[runs].tobytes(), (name, count, runs)


def test_a_concise_run_has_the_same_bits_on_one_and_two_threads(threads):
    dataset = classes(2, features=784, outputs=10, train=300, test=300)
    chosen = setting({"model.hidden": [256], "schedule": {"epochs": 1, "batch_size": 256, "evaluations": 1}})
    found = []
    for count in (1, 2):
        torch.set_num_threads(count)
        found.append(concise.train(chosen, seeds(2)[1], dataset))
    for (name, one), (_, other) in zip(*map(arrays, found), strict=True):
        assert one.tobytes() == other.tobytes(), name


def digest(case: str) -> str:
    settings, own_seeds, folds, dataset = stack(case)
    outcome = loop.train(settings, own_seeds, dataset, folds=folds)
    return hashlib.sha256(b"".join(array.tobytes() for _, array in arrays(outcome))).hexdigest()


@pytest.mark.parametrize("count", ["1", "2"])
def test_another_process_computes_the_same_bits(count):
    cases = ["odd widths", "sigmoid", "regression"]
    program = f"from training.test_purity import digest; print([digest(case) for case in {cases}])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
            "OMP_NUM_THREADS": count,
            "MKL_NUM_THREADS": count,
            "PYTHONHASHSEED": count,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str([digest(case) for case in cases])


def test_neither_global_generator_is_touched():
    settings, own_seeds, folds, dataset = stack("dropout")
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    np.random.seed(5)  # noqa: NPY002
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    loop.train(settings, own_seeds, dataset, folds=folds)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


NEUTRAL = {
    "dropout": {"model.dropout": [0.0, 0.0]},
    "weight decay": {"optimizer.weight_decay": 0.0},
    "all features": {"model.features": 13},
    "all examples": {"data.examples": 44},
    "l2 penalty": {"penalty.l2": 0.0},
    "validation": {"data.validation": {"name": "hold_out", "fraction": 0.5}},
}


@pytest.mark.parametrize("name", NEUTRAL)
def test_a_factor_at_its_off_value_leaves_every_bit_as_it_was(name):
    without = loop.train([setting()] * 3, seeds(3), classes())
    off = loop.train([setting(NEUTRAL[name])] * 3, seeds(3), classes())
    for (_, one), (_, other) in zip(arrays(without), arrays(off), strict=True):
        assert one.tobytes() == other.tobytes()
