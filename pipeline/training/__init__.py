"""The engine: R networks trained as one tensor program (`loop`), and the same network by torch.nn (`concise`).

Before anything is computed here, two things of Intel's library, which torch computes with, are made the same for all:

- Its vector functions choose a kernel when each is called for the first time. Two threads that do so at once may get
  one of low accuracy, for that call only: `exp` in float32 was 1.5e-4 off in 1 process of 10
  (https://github.com/pytorch/pytorch/issues/188792). So one thread calls all of them first.
- How it cuts products follows the sizes of this machine's caches, unless it is asked not to, and variables of the
  environment may choose other kernels.
"""

import os

os.environ["MKL_CBWR"] = "AUTO"  # read at the first product, not when torch is imported
os.environ.pop("MKL_ENABLE_INSTRUCTIONS", None)

import torch

# all unary functions that torch hands on, used or not
VECTOR_FUNCTIONS = (
    *("acos", "asin", "atan", "cos", "erf", "erfc", "erfinv", "exp", "expm1", "log", "log10", "log1p", "log2"),
    *("sin", "sqrt", "tan", "tanh", "lgamma"),
)

for _function in VECTOR_FUNCTIONS:
    for _dtype in (torch.float32, torch.float64):
        getattr(torch, _function)(torch.full((1,), 0.5, dtype=_dtype))
