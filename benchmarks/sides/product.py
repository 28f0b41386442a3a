"""The speed of the machine: one large float32 matrix product after another, by two libraries."""

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from pipeline.core.cores import threads

SIZE = 1024
OPERATIONS = 2 * SIZE**3  # of one product


def by_torch(products: int) -> None:
    """Square matrices with torch's threads, nothing but the product in the loop."""
    left, right, out = (torch.full((SIZE, SIZE), 1 / SIZE) for _ in range(3))
    for _ in range(products):
        torch.mm(left, right, out=out)


def by_numpy(products: int) -> None:
    """The same with NumPy and as many threads."""
    left, right, out = (np.full((SIZE, SIZE), 1 / SIZE, np.float32) for _ in range(3))
    with threadpool_limits(threads(), user_api="blas"):
        for _ in range(products):
            np.matmul(left, right, out=out)
