"""The record of one run, which `engine` fills and the kernels read by name; names are stored as their index."""

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

# type* is the address of an array, and real the floating-point type of the run
_FIELDS = [
    # examples: inputs padded to whole vectors, bytes or floats; labels or values; indices by what they are used for
    ("real*", "train_inputs train_targets test_inputs test_targets example_weights"),
    ("int64*", "trained validation stopping tested"),
    ("int64", "trained_count validation_count stopping_count tested_count bytes features weighted"),
    ("float64", "factor offset"),
    # the network: width of each layer's inputs and outputs, where its numbers begin, dropout of each hidden layer
    ("int64*", "widths weight_offsets bias_offsets output_offsets thresholds mask_keys"),
    ("int64", "layers parameter_count activation linear bias"),
    # the loss
    ("int64", "loss"),
    ("float64", "label_smoothing l1 decay decoupled_decay"),
    # the optimizer: its hyperparameters, and their t-th powers in step t
    ("int64", "optimizer"),
    ("float64*", "hyper powers"),
    # the training: learning rate of each epoch, its row in the curves or -1, state of the order's generator
    ("int64", "epochs batch_size patience"),
    ("float64*", "learning_rates"),
    ("int64*", "evaluations"),
    ("uint64*", "order_state"),
    # the current step, from 1 on, and its learning rate
    ("int64", "step"),
    ("float64", "rate"),
    # the parameters, their moments and the best parameters, `parameter_count` numbers each
    ("real*", "parameters first_moments second_moments best_parameters"),
    # workspace
    ("real*", "x targets weights predicted outputs hidden deltas gradient workspace"),
    ("int64*", "order"),
    # numbers shared with other threads
    ("int64*", "stop progress"),
    # results
    ("float64*", "curves activation_sd gradient_rms"),
    ("int64*", "predictions"),
    ("int64", "best_epoch"),
]
FIELDS = tuple((name, type_) for type_, names in _FIELDS for name in names.split())
RUN = np.dtype([(name, np.uint64 if type_.endswith("*") else type_) for name, type_ in FIELDS])
