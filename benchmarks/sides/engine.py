"""The engine of this project, one run per thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.work import Losses, Work
from pipeline.core.cores import threads
from pipeline.training import engine
from pipeline.training.engine import Examples


def train(work: Work) -> Losses:
    """Train every run of the work."""
    examples = Examples(work.dataset)
    with ThreadPoolExecutor(threads()) as pool:
        outcomes = list(pool.map(lambda seed: engine.train(work.config, seed, examples), work.seeds))
    curves = [outcome.curves for outcome in outcomes]
    return Losses(
        np.array([curve["train_loss"] for curve in curves]),
        np.array([curve["test_loss"] for curve in curves]),
        np.array([curve["train_loss_running"][-1] for curve in curves]),
    )
