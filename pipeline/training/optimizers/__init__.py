"""Optimizers: one module each, with its config, its compiled step and its counterpart in torch.

A new optimizer is a new module and one more class in `Optimizer`. The class has

- the fields `name`, `learning_rate` and `weight_decay`, and its hyperparameters, which reach the step as
  `numbers.hyper` in the order of their declaration,
- `moments`: how many numbers per parameter it keeps from step to step, at most 2,
- `decoupled`: whether weights decay apart from their gradients, as in AdamW,
- `step()`, which builds the compiled step and imports numba only then,
- `counterpart`: name and arguments in `torch.optim`, without learning rate and weight decay.
"""

from typing import Annotated, get_args

from pydantic import Discriminator

from pipeline.training.optimizers.adam import Adam
from pipeline.training.optimizers.sgd import SGD

Optimizer = Annotated[SGD | Adam, Discriminator("name")]

OPTIMIZERS = get_args(get_args(Optimizer)[0])  # the kernels know an optimizer by its index


_SHARED = ("name", "learning_rate", "weight_decay")
HYPER = max(len(optimizer.model_fields) - len(_SHARED) for optimizer in OPTIMIZERS)


def hyperparameters(optimizer: Optimizer) -> list[float]:
    """Return the fields that belong to this optimizer alone, in the order of their declaration, then zeros."""
    values = [float(value) for name, value in optimizer if name not in _SHARED]
    return values + [0.0] * (HYPER - len(values))
