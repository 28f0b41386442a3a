"""What every other package builds on: configs, seeds, data sets, errors, the cache."""
