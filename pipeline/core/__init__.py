"""Shared by every other package: errors, configs, dotted keys, seeds, data sets, atomic files, the cache."""
