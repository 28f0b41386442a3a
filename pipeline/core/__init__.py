"""Shared by every other package: errors, configs, seeds, data sets, atomic files, the cache."""
