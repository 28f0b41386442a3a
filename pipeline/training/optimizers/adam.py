"""Adam and AdamW.

Reference: Kingma and Ba (2015), "Adam"; Loshchilov and Hutter (2019), "Decoupled weight decay regularization".
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.core.config import LARGEST, Config, NonNegative, Positive


class Adam(Config):
    """Adaptive moments, as `torch.optim.Adam` has them, or `torch.optim.AdamW` with decoupled weight decay."""

    name: Literal["adam", "adamw"]
    learning_rate: Positive
    """Factor of the step against the mean gradient, which is divided by its root mean square."""
    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Share of the mean of gradients that the next step keeps."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Share of the mean of squared gradients that the next step keeps."""
    epsilon: Annotated[float, Field(ge=1e-30, le=LARGEST)]
    """Added to the denominator for numerical stability."""
    weight_decay: NonNegative
    """Adam: factor of the weights that are added to their gradients. AdamW: decoupled, each step multiplies the weights
    by 1 - learning_rate * weight_decay. Never of biases; 0 for none."""

    moments: ClassVar[int] = 2

    @property
    def decoupled(self) -> bool:
        return self.name == "adamw"

    @property
    def counterpart(self) -> tuple[str, dict[str, Any]]:
        """Return name and arguments in `torch.optim`."""
        arguments = {"betas": (self.beta1, self.beta2), "eps": self.epsilon, "fused": True}
        return "AdamW" if self.decoupled else "Adam", arguments

    @staticmethod
    def step() -> Callable[..., Any]:
        """Build the step: the bias-corrected mean of gradients, divided by the root of that of their squares."""
        # imports numba, which takes a second, and every command imports this module
        from pipeline.arithmetic.vector import inline, load, sqrt, store

        @inline
        def adam(w, gradient, first, second, strip, row, numbers):
            beta1, beta2, epsilon = numbers.hyper[0], numbers.hyper[1], numbers.hyper[2]
            correction1, correction2 = 1.0 - numbers.powers[0], 1.0 - numbers.powers[1]
            mean = beta1 * load(first, strip, row) + (1.0 - beta1) * gradient
            square = beta2 * load(second, strip, row) + (1.0 - beta2) * gradient * gradient
            store(first, strip, row, mean)
            store(second, strip, row, square)
            return w - numbers.rate / correction1 * mean / (sqrt(square / correction2) + epsilon)

        return adam
