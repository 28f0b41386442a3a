"""One module a side: a function from work to its losses, written as a competent user of the library would write it.

Everything that depends on the seed is drawn by the engine's own functions and on everybody's own time: the initial
weights (`initializers.initial`) and the order of the examples (`draws.orders`). Only dropout masks are each side's own.
"""
