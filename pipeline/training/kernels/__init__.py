"""The training of one run as compiled code.

`training` calls `network` or `linear`, which call the others. `load`, `store`, `where`, `splat` and their like come
from `pipeline.arithmetic.vector`. Read in this order: network, activations, losses, optimizers, training.
"""
