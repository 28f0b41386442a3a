"""A reproducible ablation pipeline for multilayer perceptrons: see docs/architecture.md for the map."""
