import numpy as np
import pytest
import torch
from samples import classes, seeds, setting, values

from pipeline.training import loop
from pipeline.training.activations import ACTIVATIONS
from pipeline.training.mlp import StackedMLP
from pipeline.training.stopping import EarlyStopping
from pipeline.training.subsets import subset

NAN, INF = float("nan"), float("inf")


def network() -> StackedMLP:
    return StackedMLP(3, (2, 1), ACTIVATIONS["relu"], True, torch.empty(0, dtype=torch.float64))


def followed(losses, patience, epochs=9) -> tuple[EarlyStopping, StackedMLP]:
    """Three runs whose weights are the number of the epoch, with these losses epoch by epoch."""
    made = network()
    stopping = EarlyStopping(made, patience, epochs)
    for epoch, row in enumerate(losses, start=1):
        for parameter in (*made.weights, *made.biases):
            parameter.fill_(epoch)
        stopping.see(epoch, np.array(row, dtype=float))
    return stopping, made


def test_each_run_keeps_the_weights_of_its_own_lowest_loss_and_ends_by_its_own_patience():
    losses = [[3, 3, 3], [2, 4, 2], [1, 5, 3], [2, 6, 1], [3, 1, 9], [0, 9, 9]]
    stopping, made = followed(losses, [2, 3, 9])
    assert stopping.kept_epoch.tolist() == [3, 1, 4]
    assert stopping.last_epoch.tolist() == [5, 4, 9]
    assert stopping.active.tolist() == [False, False, True]
    stopping.restore()
    for parameter in (*made.weights, *made.biases):
        assert [set(own.unique().tolist()) for own in parameter] == [{3}, {1}, {4}]


@pytest.mark.parametrize("strange", [NAN, INF])
def test_a_loss_that_is_no_number_is_never_the_lowest_but_the_first_epoch_is_kept(strange):
    stopping, _ = followed([[strange, 2, strange], [strange, strange, 5], [strange, strange, strange]], [1, 1, 1])
    assert stopping.kept_epoch.tolist() == [1, 1, 2]
    assert stopping.last_epoch.tolist() == [2, 2, 3]


def test_an_equal_loss_is_not_lower():
    stopping, _ = followed([[1, 1, 1], [1, 0.5, 1], [1, 0.5, 1]], [1, 1, 2])
    assert stopping.kept_epoch.tolist() == [1, 2, 1]
    assert stopping.last_epoch.tolist() == [2, 3, 3]


def chosen(patience: int, epochs: int = 25, **changes):
    early = {"name": "validation_loss", "fraction": 0.3, "patience": patience}
    return setting(
        {"schedule": {"epochs": epochs, "batch_size": 5, "evaluations": epochs, "early_stopping": early}, **changes}
    )


def test_the_end_is_that_of_a_training_of_as_many_epochs():
    """What is kept is what a training gives that ends there by itself, on the same examples in the same order."""
    fast = {"optimizer.learning_rate": 0.5}
    stopped = loop.train([chosen(2, 60, **fast)] * 3, seeds(3), classes())
    for run, kept in enumerate(map(int, stopped.final["kept_epoch"])):
        assert 1 <= kept < 58
        exact = loop.train([chosen(99, kept, **fast)] * 2, [seeds(3)[run]] * 2, classes())
        assert exact.final["kept_epoch"][0] == kept
        for ours, theirs in zip(stopped.weights + stopped.biases, exact.weights + exact.biases, strict=True):
            assert np.array_equal(ours[run], theirs[0])
        for name in ("train_loss", "test_loss", "test_accuracy"):
            assert stopped.curves[name][run, -1] == exact.curves[name][0, -1]


def test_curves_are_level_after_the_end_and_as_trained_before_it():
    early, late = (loop.train([chosen(patience, 60)] * 3, seeds(3), classes()) for patience in (2, 99))
    for run, kept in enumerate(map(int, early.final["kept_epoch"])):
        last = kept + 2
        assert last < 60
        for name, curve in early.curves.items():
            assert np.array_equal(curve[run, :last], late.curves[name][run, :last])
            assert len(set(curve[run, last:])) == 1
        assert early.curves["test_loss"][run, -1] == early.curves["test_loss"][run, kept - 1]
        # of what was trained last, not of what is kept
        assert early.curves["train_loss_running"][run, -1] == late.curves["train_loss_running"][run, last - 1]


def test_runs_that_end_at_different_epochs_have_the_bits_that_they_have_alone():
    runs = [
        chosen(patience, **{"optimizer.learning_rate": rate}) for patience, rate in ((1, 0.5), (3, 0.1), (99, 0.01))
    ]
    together = loop.train(runs, seeds(3), classes())
    assert len(set(together.final["kept_epoch"])) == 3
    for run, one in enumerate(runs):
        alone = loop.train([one], [seeds(3)[run]], classes())
        for ours, theirs in zip(together.weights + together.biases, alone.weights + alone.biases, strict=True):
            assert ours[run].tobytes() == theirs[0].tobytes()
        for name, curve in together.curves.items():
            assert curve[run].tobytes() == alone.curves[name][0].tobytes()


def test_the_examples_that_are_set_aside_are_not_trained_on():
    """Nothing but the epoch that is kept depends on them."""
    dataset = values()
    one = chosen(99, 4, **{"loss": "squared_error", "model.hidden": [], "optimizer.learning_rate": 0.01})
    plain = loop.train([one] * 2, [seeds(3)[0]] * 2, dataset)
    aside = subset(one, seeds(3)[0], 0, dataset.train.examples).stopping
    dataset.train.targets[0, aside] += 1e-3
    moved = loop.train([one] * 2, [seeds(3)[0]] * 2, dataset)
    assert plain.final["kept_epoch"][0] == moved.final["kept_epoch"][0]
    assert np.array_equal(plain.weights[0], moved.weights[0])


def test_a_run_that_diverges_at_once_keeps_its_first_epoch_whatever_its_stack_does():
    calm = chosen(20, **{"model.activation": "relu"})
    wild = chosen(2, **{"optimizer.learning_rate": 1e30, "model.activation": "relu"})
    alone = loop.train([wild], seeds(1), classes())
    together = loop.train([wild, calm, calm], [seeds(1)[0], *seeds(2)], classes())
    assert not np.isfinite(alone.curves["train_loss"][0, -1])
    for ours, theirs in zip(together.weights, alone.weights, strict=True):
        assert ours[0].tobytes() == theirs[0].tobytes()


def test_every_epoch_is_told_of_also_those_that_are_not_trained():
    told = []
    loop.train([chosen(1)] * 3, seeds(3), classes(), progress=told.append)
    assert sum(told) == 3 * 25
    assert len(told) < 25
