"""What a kernel is told about a run: one structured record, which NumPy fills and the kernels read by name."""

import numpy as np

# the number of each is its place; training/config.py has the same names
ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity")
LOSSES = ("cross_entropy", "squared_error", "half_squared_error")

CURVES = (
    *("train_loss_running", "train_accuracy_running", "train_loss", "train_accuracy"),
    *("validation_loss", "validation_accuracy", "test_loss", "test_accuracy"),
)

LEVELS = 2**16  # dropout compares 16-bit draws; a rate is rounded to a multiple of 1 / 65,536
ROWS = 256  # examples that are evaluated at once, and on which layers are measured

_ADDRESSES = (
    # examples: rows of whole strips, bytes or floats; labels or values; which rows are used for what
    *("train_inputs", "train_targets", "test_inputs", "test_targets"),
    *("trained", "validation", "stopping", "tested", "example_weights"),
    # the network: strips of each layer's inputs and outputs, where its numbers lie, what is dropped
    *("widths", "weight_offsets", "bias_offsets", "output_offsets", "thresholds", "mask_keys"),
    # the training: learning rate of each epoch, number of each evaluation, state of the order's generator
    *("learning_rates", "evaluations", "order_state"),
    # parameters, their moments and the best of them; all of `parameter_count` numbers
    *("parameters", "first_moments", "second_moments", "best_parameters"),
    # room to work in
    *("order", "x", "targets", "weights", "predicted", "outputs", "hidden", "deltas", "gradient", "room"),
    # what is read from outside while it runs, and what it leaves
    *("stop", "progress", "curves", "activation_sd", "gradient_rms", "predictions", "best_epoch", "affine_gap"),
)
_INTEGERS = (
    *("bytes", "features", "trained_count", "validation_count", "stopping_count", "tested_count"),
    *("layers", "parameter_count", "activation", "loss", "optimizer", "nesterov", "linear", "bias", "weighted"),
    *("epochs", "batch_size", "patience"),
)
_NUMBERS = (
    *("factor", "offset", "label_smoothing", "l1", "decay", "decoupled_decay"),
    *("momentum", "beta1", "beta2", "epsilon"),
)

RUN = np.dtype(
    [(name, np.uint64) for name in _ADDRESSES]
    + [(name, np.int64) for name in _INTEGERS]
    + [(name, np.float64) for name in _NUMBERS]
)
