"""What the machine itself can do: one large float32 matrix product after the other."""

import torch

SIZE = 1024
OPERATIONS = 2 * SIZE**3  # of one product


def multiply(products: int) -> None:
    """Square matrices with torch's threads, nothing but the product in the loop."""
    left, right, out = (torch.full((SIZE, SIZE), 1 / SIZE) for _ in range(3))
    for _ in range(products):
        torch.mm(left, right, out=out)
