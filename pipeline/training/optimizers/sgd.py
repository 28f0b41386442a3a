"""Stochastic gradient descent, with momentum and Nesterov's lookahead."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pipeline.core.config import Config, NonNegative, Positive, refused


class SGD(Config):
    """Stochastic gradient descent, as in `torch.optim.SGD`."""

    name: Literal["sgd"]
    learning_rate: Positive
    """Factor of the step against the gradient."""
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Share of the velocity that the next step keeps; 0 for no momentum."""
    nesterov: bool
    """Whether the momentum looks one step ahead (Nesterov); needs momentum above 0."""
    weight_decay: NonNegative
    """Multiple of each weight that is added to its gradient; biases are exempt; 0 for none."""

    decoupled: ClassVar[bool] = False

    @model_validator(mode="after")
    def _check_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise refused("nesterov", "true only with momentum above 0")
        return self

    @property
    def moments(self) -> int:
        """Return the number of moment arrays: 1 (the velocity) with momentum, else 0."""
        return int(self.momentum > 0)

    @property
    def counterpart(self) -> tuple[str, dict[str, Any]]:
        """Return name and arguments in `torch.optim`."""
        return "SGD", {"momentum": self.momentum, "nesterov": self.nesterov, "fused": True}

    @staticmethod
    def step() -> Callable[..., Any]:
        """Build the step: velocity = momentum * velocity + gradient; Nesterov looks ahead by one more momentum step."""
        # imports numba, which takes a second, and every command imports this module
        from pipeline.arithmetic.vector import inline, load, store

        @inline
        def sgd(w, gradient, first, second, strip, row, numbers):
            momentum, nesterov = numbers.hyper[0], numbers.hyper[1]
            if momentum == 0.0:
                return w - numbers.rate * gradient
            velocity = momentum * load(first, strip, row) + gradient
            store(first, strip, row, velocity)
            direction = gradient + momentum * velocity if nesterov else velocity
            return w - numbers.rate * direction

        return sgd
