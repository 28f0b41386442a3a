"""What the bits of a run depend on besides settings, seed, data and code."""

import platform
import re
from pathlib import Path

import numpy as np
import torch


def environment(device: str) -> dict[str, str]:
    """Kind of processor, device and versions of the libraries that compute."""
    return {
        "processor": f"{_processor()} {torch.backends.cpu.get_cpu_capability()}",
        "device": device,
        "torch": torch.__version__.split("+")[0],
        "numpy": np.__version__,
    }


def _processor() -> str:
    """The kind of processor: libraries choose their kernels by maker, family and model."""
    try:
        known = dict(re.findall(r"^(\w[\w ]*?)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE))
        return f"{platform.machine()} {known['vendor_id']} family {known['cpu family']} model {known['model']}"
    except (OSError, KeyError):
        # not Linux, or not x86
        return f"{platform.machine()} {platform.processor()}".strip()
