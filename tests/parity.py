"""The stacked engine and torch.nn side by side."""

import numpy as np
import torch
from samples import seeds
from torch import Tensor, nn

from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import Setting
from pipeline.training import concise, loop
from pipeline.training.draws import Dropout


class Replayed(nn.Module):
    """The masks of the stacked engine as a torch module: both implementations drop the same units."""

    def __init__(self, seed: Seed, layer: int, rate: float, width: int) -> None:
        super().__init__()
        rates, widths = [0.0] * layer + [rate], [1] * layer + [width]
        self.layer, self.sizes = layer, widths
        self.draws = Dropout([seed], [rates], widths, torch.empty(0, dtype=torch.float64))

    def forward(self, values: Tensor) -> Tensor:
        if not self.training:
            return values
        mask = self.draws.keeps(len(values), self.sizes)[self.layer]
        return values if mask is None else values * mask[0]


def assert_alike(setting: Setting, dataset: Dataset, tolerance: float = 1e-10, fold: int = 0) -> None:
    """Three stacked runs against three single ones by torch: every weight, bias, curve, layer and prediction."""
    stacked = loop.train([setting] * 3, seeds(3), dataset, folds=[fold] * 3, dtype=torch.float64)
    for run, seed in enumerate(seeds(3)):
        alone = concise.train(
            setting,
            seed,
            dataset,
            fold=fold,
            dtype=torch.float64,
            dropout=lambda layer, rate, seed=seed: Replayed(seed, layer, rate, setting.model.hidden[layer]),
        )
        assert stacked.epochs.tolist() == alone.epochs.tolist()
        for ours, theirs in zip(stacked.weights + stacked.biases, alone.weights + alone.biases, strict=True):
            np.testing.assert_allclose(ours[run], theirs[0], rtol=0, atol=tolerance)
        assert set(stacked.curves) == set(alone.curves)
        for name, curve in alone.curves.items():
            np.testing.assert_allclose(stacked.curves[name][run], curve[0], rtol=1e-9, atol=tolerance)
        for key, values in alone.layers.items():
            np.testing.assert_allclose(stacked.layers[key][run], values[0], rtol=1e-7, atol=tolerance)
        assert set(stacked.final) == set(alone.final)
        for name, values in alone.final.items():
            np.testing.assert_allclose(stacked.final[name][run], values[0], rtol=1e-7, atol=tolerance)
        assert stacked.predictions[run].tolist() == alone.predictions[0].tolist()
