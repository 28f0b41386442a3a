"""A project: what `params.yaml` says, checked, and the files that stand for its data and results."""
