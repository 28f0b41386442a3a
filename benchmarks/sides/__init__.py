"""The sides of a comparison: one module each, as a competent user of the library would write it.

`train` takes work and returns its losses. Everything that depends on the seed is drawn by the engine's own functions
and within the side's own time: the initial weights (`initializers.initial`) and the order of the examples
(`draws.orders`). Only dropout masks are each side's own.
"""
