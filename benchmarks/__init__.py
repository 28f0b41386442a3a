"""The engine against its peers: the two sides of a row run in turns in one process.

Not part of the pipeline: nothing in `pipeline/` imports it and no result depends on it.
"""
