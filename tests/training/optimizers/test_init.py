import samples
from samples import ADAM

from pipeline.training.kernels.arguments import HYPER
from pipeline.training.optimizers import OPTIMIZERS, hyperparameters
from pipeline.training.optimizers.adam import Adam
from pipeline.training.optimizers.sgd import SGD


def test_hyperparameters_are_the_fields_of_an_optimizer_alone_in_their_order():
    assert hyperparameters(SGD(**samples.SGD | {"momentum": 0.5, "nesterov": True})) == [0.5, 1.0]
    assert hyperparameters(Adam(**ADAM)) == [0.9, 0.999, 1e-8]


def test_no_optimizer_has_more_hyperparameters_than_the_record_holds():
    assert max(len(optimizer.model_fields) - 3 for optimizer in OPTIMIZERS) <= HYPER
