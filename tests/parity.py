"""The compiled kernels and torch.nn side by side."""

import numpy as np

from pipeline.core.dataset import Dataset
from pipeline.training import concise, engine
from pipeline.training.config import RunConfig
from pipeline.training.engine import Examples


def assert_alike(config: RunConfig, dataset: Dataset, tolerance: float = 1e-10, fold: int = 0) -> None:
    """Compare a run per seed, in float64: every weight, bias, curve, layer and prediction."""
    examples = Examples(dataset, "float64")
    for seed in dataset.seeds:
        scratch, torchs = (module.train(config, seed, examples, fold=fold) for module in (engine, concise))
        assert scratch.epochs.tolist() == torchs.epochs.tolist()
        for left, right in zip(scratch.weights + scratch.biases, torchs.weights + torchs.biases, strict=True):
            np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)
        assert set(scratch.curves) == set(torchs.curves)
        for name, curve in torchs.curves.items():
            np.testing.assert_allclose(scratch.curves[name], curve, rtol=1e-9, atol=tolerance, err_msg=name)
        for key, values in torchs.layers.items():
            np.testing.assert_allclose(scratch.layers[key], values, rtol=1e-7, atol=tolerance, err_msg=str(key))
        np.testing.assert_allclose(scratch.affine_gap, torchs.affine_gap, rtol=1e-7, atol=tolerance)
        assert scratch.best_epoch == torchs.best_epoch
        assert scratch.predictions.tolist() == torchs.predictions.tolist()
