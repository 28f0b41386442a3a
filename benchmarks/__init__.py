"""The engine against its peers: each pair measured in turns in one process, printed as one table.

Not part of the pipeline: nothing in `pipeline/` imports it and no result depends on it.
"""
