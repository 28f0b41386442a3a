"""What the bits of a run depend on besides settings, seed, data and code."""

import platform
import re
from pathlib import Path

import numpy as np

from pipeline.project.errors import UserError


def demand(device: str) -> None:
    """Refuse a device that this machine does not have.

    Raises:
        UserError: If it is a GPU and torch finds none.
    """
    if device == "cpu":
        return
    import torch  # two seconds that a check without a GPU need not pay

    if not torch.cuda.is_available():
        allowed = "cpu, or cuda with a CUDA build of torch"
        raise UserError(
            f"params.yaml: device: found {device!r}, but torch finds no such device here; allowed: {allowed}"
        )


def environment(device: str) -> dict[str, str]:
    """Kind of processor, device and versions of the libraries that compute."""
    import torch

    return {
        "processor": f"{_processor()} {torch.backends.cpu.get_cpu_capability()}",
        "device": device if device == "cpu" else f"{device} {torch.cuda.get_device_name()}",
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
