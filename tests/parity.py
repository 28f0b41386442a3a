"""The compiled kernels and torch.nn side by side."""

import numpy as np
from samples import seeds

from pipeline.core.dataset import Dataset
from pipeline.training import concise, engine
from pipeline.training.config import RunConfig
from pipeline.training.engine import Examples


def assert_alike(config: RunConfig, dataset: Dataset, tolerance: float = 1e-10, fold: int = 0) -> None:
    """Three runs by each, in float64: every weight, bias, curve, layer and prediction."""
    examples = Examples(dataset, "float64")
    for seed in seeds(3):
        ours, theirs = (module.train(config, seed, examples, fold=fold) for module in (engine, concise))
        assert ours.epochs.tolist() == theirs.epochs.tolist()
        for own, other in zip(ours.weights + ours.biases, theirs.weights + theirs.biases, strict=True):
            np.testing.assert_allclose(own, other, rtol=0, atol=tolerance)
        assert set(ours.curves) == set(theirs.curves)
        for name, curve in theirs.curves.items():
            np.testing.assert_allclose(ours.curves[name], curve, rtol=1e-9, atol=tolerance, err_msg=name)
        for key, values in theirs.layers.items():
            np.testing.assert_allclose(ours.layers[key], values, rtol=1e-7, atol=tolerance, err_msg=str(key))
        np.testing.assert_allclose(ours.affine_gap, theirs.affine_gap, rtol=1e-7, atol=tolerance)
        assert ours.best_epoch == theirs.best_epoch
        assert ours.predictions.tolist() == theirs.predictions.tolist()
