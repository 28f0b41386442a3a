import numpy as np
import pytest
import torch
from samples import classes, config, seeds

from pipeline.training import concise
from pipeline.training.engine import Control, Examples, StoppedError, TrainingResult

# parity with the compiled kernels over every choice: test_engine.py

SEED = seeds(1)[0]


def train(changes: dict, seed=SEED, control: Control | None = None) -> TrainingResult:
    return concise.train(config(changes), seed, Examples(classes()), control=control)


def test_dropout_is_active_in_training_only_and_seeded():
    rates = {"model.dropout": [0.3, 0.5]}
    one, same, other, plain = train(rates), train(rates), train(rates, seeds(2)[1]), train({})
    np.testing.assert_array_equal(one.weights[0], same.weights[0])
    assert not np.allclose(one.weights[0], other.weights[0])
    assert not np.allclose(one.weights[0], plain.weights[0])
    np.testing.assert_array_equal(one.layers["gradient_rms", "start"], plain.layers["gradient_rms", "start"])


def test_rate_0_is_no_dropout():
    np.testing.assert_array_equal(train({"model.dropout": [0.0, 0.0]}).weights[0], train({}).weights[0])


def test_the_process_is_left_as_it_was():
    torch.manual_seed(11)
    threads, onednn, expected = torch.get_num_threads(), torch.backends.mkldnn.enabled, torch.random.get_rng_state()
    train({"model.dropout": 0.5})
    assert torch.equal(torch.random.get_rng_state(), expected)
    assert torch.get_num_threads() == threads
    assert torch.backends.mkldnn.enabled == onednn


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_has_the_same_bits_on_one_and_two_threads(threads):
    dataset = classes(2, features=784, outputs=10, train=300, test=300)
    chosen = config({"model.hidden": [256], "training": {"epochs": 1, "batch_size": 256, "evaluations": 1}})
    before = torch.get_num_threads()
    reference = concise.train(chosen, SEED, Examples(dataset))
    torch.set_num_threads(threads)
    try:
        found = concise.train(chosen, SEED, Examples(dataset))
    finally:
        torch.set_num_threads(before)
    for own, other in zip(found.weights, reference.weights, strict=True):
        assert own.tobytes() == other.tobytes()


def test_a_training_counts_its_epochs_and_can_be_stopped():
    control = Control.of_one_run()
    train({}, control=control)
    assert control.epochs[0] == 3
    control.stop[0] = True
    with pytest.raises(StoppedError):
        train({}, control=control)
