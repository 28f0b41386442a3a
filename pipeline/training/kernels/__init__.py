"""The training of one run as compiled code: `training` calls `network` or `linear`, and these all others.

`load`, `store`, `where`, `splat` and their like are of `pipeline.arithmetic.vector`. Read in this order: network,
activations, losses, optimizers, training.
"""
