"""Learning-rate schedules: the factor of the learning rate in each epoch, and the counterpart of each in torch.

A new schedule is a class here and its place in `LRSchedule`. Its `counterpart` is name and arguments in
`torch.optim.lr_scheduler`.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field

from pipeline.core.config import Config, Count, Rate


class ConstantSchedule(Config):
    """The learning rate of the optimizer in every epoch."""

    name: Literal["constant"]

    def factor(self, epoch: int, epochs: int) -> float:
        """Return the factor of the learning rate in an epoch, from 1 to `epochs`."""
        return 1.0

    def counterpart(self, learning_rate: float, epochs: int) -> tuple[str, dict[str, Any]]:
        return "ConstantLR", {"factor": 1.0}


class StepSchedule(Config):
    """The learning rate times `gamma` after every `every` epochs, as `torch.optim.lr_scheduler.StepLR`."""

    name: Literal["step"]
    every: Count
    """Epochs from one step to the next."""
    gamma: Annotated[float, Field(gt=0, le=1)]
    """Factor of the learning rate at each step."""

    def factor(self, epoch: int, epochs: int) -> float:
        return float(self.gamma ** ((epoch - 1) // self.every))

    def counterpart(self, learning_rate: float, epochs: int) -> tuple[str, dict[str, Any]]:
        return "StepLR", {"step_size": self.every, "gamma": self.gamma}


class CosineSchedule(Config):
    """From the learning rate down half a cosine, as `torch.optim.lr_scheduler.CosineAnnealingLR` over all epochs."""

    name: Literal["cosine"]
    final: Rate
    """Share of the learning rate that would be left after the last epoch; 0 for none."""

    def factor(self, epoch: int, epochs: int) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2

    def counterpart(self, learning_rate: float, epochs: int) -> tuple[str, dict[str, Any]]:
        return "CosineAnnealingLR", {"T_max": epochs, "eta_min": self.final * learning_rate}


LRSchedule = Annotated[ConstantSchedule | StepSchedule | CosineSchedule, Discriminator("name")]
