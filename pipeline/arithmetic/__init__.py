"""Arithmetic with the same bits on every processor: what kernels are written in (`vector`), functions of `arrays`."""
