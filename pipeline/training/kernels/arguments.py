"""The record of one run, which NumPy fills and the kernels read by name, and the names that it stores as numbers."""

from typing import Literal, get_args

import numpy as np

# a new activation is a function of this name in `activations`, and this word
ActivationName = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity"]
ACTIVATIONS = get_args(ActivationName)

# a new loss of a regression is a function of this name in `losses`, and one line here: which factor times which
# function of torch.nn.functional it is
REGRESSION_LOSSES = {
    "squared_error": (1.0, "mse_loss"),
    "half_squared_error": (0.5, "mse_loss"),
}
LOSSES = ("cross_entropy", *REGRESSION_LOSSES)
LossName = Literal[LOSSES]

CURVES = (
    *("train_loss_running", "train_accuracy_running", "train_loss", "train_accuracy"),
    *("validation_loss", "validation_accuracy", "test_loss", "test_accuracy"),
)

LEVELS = 2**16  # dropout compares 16-bit draws; a rate is rounded to a multiple of 1 / 65,536
ROWS = 256  # examples that are evaluated at once, and on which layers are measured
HYPER = 4  # hyperparameters that an optimizer may have

_ADDRESSES = (
    # examples: rows of whole strips, bytes or floats; labels or values; which rows are used for what
    *("train_inputs", "train_targets", "test_inputs", "test_targets"),
    *("trained", "validation", "stopping", "tested", "example_weights"),
    # the network: width of each layer's inputs and outputs, where its numbers lie, which units are dropped
    *("widths", "weight_offsets", "bias_offsets", "output_offsets", "thresholds", "mask_keys"),
    # the training: learning rate of each epoch, number of each evaluation, state of the order's generator
    *("learning_rates", "evaluations", "order_state"),
    # the optimizer: its hyperparameters, and the t-th power of each after t steps
    *("hyper", "powers"),
    # parameters, their moments and the best of them; all of `parameter_count` numbers
    *("parameters", "first_moments", "second_moments", "best_parameters"),
    # workspace
    *("order", "x", "targets", "weights", "predicted", "outputs", "hidden", "deltas", "gradient", "workspace"),
    # shared with other threads, and results
    *("stop", "progress", "curves", "activation_sd", "gradient_rms", "predictions", "best_epoch", "affine_gap"),
)
_INTEGERS = (
    *("bytes", "features", "trained_count", "validation_count", "stopping_count", "tested_count"),
    *("layers", "parameter_count", "activation", "loss", "optimizer", "linear", "bias", "weighted"),
    *("epochs", "batch_size", "patience"),
)
_NUMBERS = ("factor", "offset", "label_smoothing", "l1", "decay", "decoupled_decay")

RUN = np.dtype(
    [(name, np.uint64) for name in _ADDRESSES]
    + [(name, np.int64) for name in _INTEGERS]
    + [(name, np.float64) for name in _NUMBERS]
)
