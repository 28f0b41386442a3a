import pytest
import torch
from samples import classes, config, seeds

from pipeline.training import concise
from pipeline.training.engine import Control, Examples, StoppedError, TrainingResult

# parity with the compiled kernels over every option: test_engine.py

SEED = seeds(1)[0]


def train(changes: dict, seed=SEED, control: Control | None = None) -> TrainingResult:
    return concise.train(config(changes), seed, Examples(classes()), control=control)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_has_the_same_bits_on_one_and_two_threads_and_leaves_the_process_as_it_was(threads):
    examples = Examples(classes(2, features=784, outputs=10, train=300, test=300))
    chosen = config({"model.hidden": [256], "model.dropout": 0.5, "training": {"epochs": 1, "batch_size": 256}})
    before, onednn = torch.get_num_threads(), torch.backends.mkldnn.enabled
    reference = concise.train(chosen, SEED, examples)
    torch.manual_seed(11)
    state = torch.random.get_rng_state()
    torch.set_num_threads(threads)
    try:
        result = concise.train(chosen, SEED, examples)
    finally:
        torch.set_num_threads(before)
    for left, right in zip(result.weights, reference.weights, strict=True):
        assert left.tobytes() == right.tobytes()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.backends.mkldnn.enabled == onednn


def test_a_training_counts_its_epochs_and_can_be_stopped():
    control = Control()
    train({}, control=control)
    assert control.epochs[0] == 3
    control.stop[0] = True
    with pytest.raises(StoppedError):
        train({}, control=control)
