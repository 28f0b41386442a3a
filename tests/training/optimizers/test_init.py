import samples
from samples import ADAM

from pipeline.training.optimizers import HYPER, hyperparameters
from pipeline.training.optimizers.adam import Adam
from pipeline.training.optimizers.sgd import SGD


def test_hyperparameters_are_the_fields_of_an_optimizer_alone_in_their_order():
    assert hyperparameters(Adam(**ADAM)) == [0.9, 0.999, 1e-8]
    sgd = hyperparameters(SGD(**samples.SGD | {"momentum": 0.5, "nesterov": True}))
    assert sgd == [0.5, 1.0, 0.0]
    assert len(sgd) == HYPER
