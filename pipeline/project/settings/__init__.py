"""The typed settings: what each block of `params.yaml` may hold, and how a mistake in it is named."""
