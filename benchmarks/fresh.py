"""One side in a process of its own: `python -m benchmarks.fresh SIDE`, pickled work on standard input, its losses out.

It imports nothing that its side does not need, since its start is part of what is measured.
"""

import importlib
import pickle
import sys


def main() -> None:
    """Train every piece of work that is read; write the losses of each."""
    side = importlib.import_module(f"benchmarks.sides.{sys.argv[1]}")
    works = pickle.load(sys.stdin.buffer)  # noqa: S301
    pickle.dump([side.train(work) for work in works], sys.stdout.buffer)


if __name__ == "__main__":
    main()
