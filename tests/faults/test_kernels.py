"""Kernels that the numerical library chooses, at a first call or by the environment, change no bit."""

import ast
import importlib
import os
import subprocess
import sys

import pytest
import torch
from faults.tally import Mutant
from samples import ROOT
from torch.utils._python_dispatch import TorchDispatchMode

import pipeline.training
from pipeline.training import VECTOR_FUNCTIONS

INIT = "pipeline/training/__init__.py"
MUTANTS = [
    Mutant(
        file=INIT,
        guard="        getattr(torch, _function)(torch.full((1,), 0.5, dtype=_dtype))\n",
        without="        pass\n",
        test="test_each_vector_function_is_called_before_threads_can_be",
    ),
    Mutant(
        file=INIT,
        guard='os.environ["MKL_CBWR"] = "AUTO"',
        without="os.environ",
        test="test_the_environment_does_not_choose[MKL_CBWR-COMPATIBLE]",
    ),
    Mutant(
        file=INIT,
        guard='os.environ.pop("MKL_ENABLE_INSTRUCTIONS", None)\n',
        without="",
        test="test_the_environment_does_not_choose[MKL_ENABLE_INSTRUCTIONS-SSE4_2]",
    ),
]

# The first call of a function by two threads, and the second: 25,600 elements are enough for torch to split them.
FIRST = """
import sys, pipeline.training, torch
function, values = getattr(torch, sys.argv[1]), torch.rand(25_600, dtype=getattr(torch, sys.argv[2])) + 1
for _ in range(5):
    values + 1  # until both threads are there
sys.exit(not torch.equal(function(values), function(values)))
"""

# A forward and a backward pass, as bits.
BITS = """
import hashlib, pipeline.training, torch
source = torch.Generator().manual_seed(0)
inputs, weight = (torch.rand(shape, generator=source) - 0.5 for shape in ((10, 256, 64), (10, 64, 256)))
outputs = torch.bmm(inputs, weight).tanh().exp()
back = torch.bmm(inputs.transpose(1, 2), outputs)
print(hashlib.sha256(outputs.numpy().tobytes() + back.numpy().tobytes()).hexdigest())
"""


def run(script: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)


class Called(TorchDispatchMode):
    """Writes down the name and type of each operation."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, torch.dtype]] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if args and isinstance(args[0], torch.Tensor):
            self.found.add((func.overloadpacket.__name__, args[0].dtype))
        return func(*args, **(kwargs or {}))


def test_each_vector_function_is_called_before_threads_can_be():
    called = Called()
    with called:
        importlib.reload(pipeline.training)
    for name in VECTOR_FUNCTIONS:
        for dtype in (torch.float32, torch.float64):
            assert (name, dtype) in called.found


def test_no_function_is_used_that_is_not_called_first():
    """Of the unary functions of numbers that torch has, those that round."""
    rounding = {"acosh", "asinh", "atanh", "cosh", "digamma", "erfinv", "exp2", "log1p", "logit", "pow", "rsqrt"}
    rounding |= {"sigmoid", "sinc", "sinh", "softplus", "silu", "gelu", "elu", "mish", "logsigmoid", "tan"}
    rounding |= set(VECTOR_FUNCTIONS)
    used = set()
    for path in (ROOT / "pipeline" / "training").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("np", "math"):
                used.add(node.attr.removesuffix("_"))
    assert used & rounding <= set(VECTOR_FUNCTIONS)
    assert {"exp", "tanh", "erf", "sqrt"} <= used


def test_the_first_call_by_two_threads_gives_what_the_second_gives(many, tally):
    """In processes of its own each; without the guard 1 in 10 (float32) and 1 in 4 (float64) differ."""
    tries = many(100)
    for number in range(tries):
        for dtype in ("float32", "float64"):
            assert run(FIRST, "exp", dtype, OMP_NUM_THREADS="2").returncode == 0, (number, dtype)
    tally("kernels", "first call of a vector function, by two threads", "same bits", 2 * tries)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MKL_CBWR", "COMPATIBLE"),
        ("MKL_CBWR", "nonsense"),
        ("MKL_ENABLE_INSTRUCTIONS", "SSE4_2"),
        ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
        ("MKL_DYNAMIC", "FALSE"),
        ("OMP_NUM_THREADS", "1"),
        ("OMP_NUM_THREADS", "3"),
        ("MKL_NUM_THREADS", "1"),
        ("OMP_WAIT_POLICY", "active"),
    ],
)
def test_the_environment_does_not_choose(name, value, tally):
    expected = run(BITS)
    assert expected.returncode == 0, expected.stderr
    assert run(BITS, **{name: value}).stdout == expected.stdout
    tally("kernels", f"variable of the environment: {name}", "same bits")
