"""The kernel of `orders`; this module is imported only while it is compiled.

The cache of compiled kernels does not follow this file: give the kernel another name when it changes.
"""
# mypy: ignore-errors

from pipeline.arithmetic.draws import permute
from pipeline.arithmetic.vector import kernel, skip


@kernel
def permute_each(state, orders, epochs, count):
    """Write a random order of 0 .. count - 1 for every epoch, one after the other."""
    for epoch in range(epochs):
        permute(state, skip(orders, epoch * count), count)
