"""The training of one run as compiled code: read network, activations, losses, update, training.

`load`, `store`, `where`, `splat` and their like come from `pipeline.arithmetic.vector`.
"""
