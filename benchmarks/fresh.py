"""One side in a process of its own: `python -m benchmarks.fresh SIDE`, which reads pickled work and writes losses.

It imports nothing that its side does not need, since its start is part of what is measured.
"""

import importlib
import pickle
import sys


def main() -> None:
    """Train every work on standard input; write the losses to standard output."""
    side = importlib.import_module(f"benchmarks.sides.{sys.argv[1]}")
    works = pickle.load(sys.stdin.buffer)  # noqa: S301
    pickle.dump([side.train(work) for work in works], sys.stdout.buffer)


if __name__ == "__main__":
    main()
