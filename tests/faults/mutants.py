"""Each guard taken out once, in a copy of the repository: the test that stands for it must fail.

make mutants
make mutants MUTANTS=lock.py     # only those of files and tests with this word in their names
"""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path

from faults.tally import Mutant

ROOT = Path(__file__).parents[2]


def mutants() -> Iterator[tuple[str, Mutant]]:
    """All that the modules of this folder list, with the path of the module."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"faults.{path.stem}")
        for mutant in getattr(module, "MUTANTS", ()):
            yield str(path.relative_to(ROOT)), mutant


def mutated(mutant: Mutant, root: Path = ROOT) -> str:
    """The file without the guard."""
    text = (root / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.guard) == 1, f"{mutant.file}: found {text.count(mutant.guard)} times: {mutant.guard}"
    return text.replace(mutant.guard, mutant.without)


def _copy(folder: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def survives(module: str, mutant: Mutant) -> str:
    """Empty if the test fails without the guard; else what happened."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name) / "copy"
        _copy(folder)
        (folder / mutant.file).write_text(mutated(mutant), encoding="utf-8")
        options = ["-q", "-x", "-p", "no:cacheprovider", "--basetemp", str(folder.with_name("pytest"))]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"{module}::{mutant.test}"],
            cwd=folder,
            # before the installed package, which is the one with all guards
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == 1 and "FAILED" in done.stdout:
        return ""
    return "the test passes" if done.returncode == 0 else f"no test failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def _timed(module: str, mutant: Mutant) -> tuple[str, float]:
    begun = time.monotonic()
    return survives(module, mutant), time.monotonic() - begun


def main(words: list[str]) -> int:
    """Try all of them; the exit status is how many survived."""
    chosen = [
        (module, mutant)
        for module, mutant in mutants()
        if not words or any(word in f"{module} {mutant.file}" for word in words)
    ]
    survivors = 0
    with ThreadPool(os.cpu_count()) as pool:
        for number, ((_, mutant), (found, seconds)) in enumerate(
            zip(chosen, pool.imap(lambda each: _timed(*each), chosen), strict=True), start=1
        ):
            survivors += bool(found)
            outcome = f"SURVIVES, {found}" if found else "fails, as it must"
            guard = " ".join(mutant.guard.split())[:60]
            print(
                f"{number}/{len(chosen)} {mutant.file}: {guard}\n    {mutant.test}: {outcome} ({seconds:.0f} s)",
                flush=True,
            )
    print(f"{len(chosen) - survivors} of {len(chosen)} guards: their test fails without them")
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
