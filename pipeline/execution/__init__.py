"""Which runs of a study are trained together, and what they leave as tables."""
