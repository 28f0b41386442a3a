"""The lock against what the packages themselves say they need: a package added, dropped or moved on is noticed."""

import ast
import functools
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from samples import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT, EXTRAS = PROJECT["dependencies"], PROJECT["optional-dependencies"]


def locked(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = dict(line.split("==") for line in lines)
    assert len(found) == len(lines), "each package once"
    return {canonicalize_name(name): pin for name, pin in found.items()}


RUNTIME = locked((ROOT / "requirements.txt").read_text())
TEST = locked((ROOT / "requirements-test.txt").read_text())
DOCS = locked((ROOT / "requirements-docs.txt").read_text())
BENCHMARK = locked((ROOT / "requirements-benchmark.txt").read_text())


@functools.cache
def needed(direct: tuple[str, ...], python: str | None = None) -> dict[str, list[Requirement]]:
    """Every requirement on every package, from the direct ones on, as the installed packages state them."""
    environment = {key: str(value) for key, value in default_environment().items()}
    if python:
        environment |= {"python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, list[Requirement]] = {}
    open_ends, seen = [Requirement(one) for one in direct], set()
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        found.setdefault(name, []).append(requirement)
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # it stays in `found`, and no lock has it
        for line in lines:
            one = Requirement(line)
            extras = ["", *requirement.extras]
            holds = [not one.marker or one.marker.evaluate({**environment, "extra": extra}) for extra in extras]
            # the CUDA builds of torch pin the rest of CUDA themselves, and only they have it
            cuda = name == "torch" and canonicalize_name(one.name).startswith(("nvidia-", "cuda-", "triton"))
            if any(holds) and not cuda:
                open_ends.append(one)
    return found


def problems(lock: Mapping[str, str], direct: Iterable[str]) -> list[str]:
    """What is wrong with a lock of these direct dependencies."""
    direct = tuple(direct)
    here = needed(direct)
    # the lock is made with the oldest Python that is supported, which may need more than this one
    anywhere = here.keys() | needed(direct, "3.11").keys()
    found = [f"{name} is missing" for name in here.keys() - lock.keys()]
    found += [f"nothing needs {name}" for name in lock.keys() - anywhere]
    for name in here.keys() & lock.keys():
        unmet = [str(one) for one in here[name] if not one.specifier.contains(lock[name], prereleases=True)]
        found += [f"{name}=={lock[name]} is not {one}" for one in unmet]
    return found


def installed() -> dict[str, str]:
    # torch's build for CPUs adds a local label to its version
    return {name: Version(version(name)).public for name in {**RUNTIME, **TEST, **DOCS}}


def test_the_lock_is_the_closure():
    assert problems(RUNTIME, DIRECT) == []


def test_the_lock_of_the_tests_is_the_closure_of_theirs():
    assert not RUNTIME.keys() & TEST.keys()
    assert problems({**RUNTIME, **TEST}, [*DIRECT, *EXTRAS["test"]]) == []
    assert EXTRAS["cluster"][0] in EXTRAS["test"]


def test_the_lock_of_the_documentation_is_the_closure_of_its_own():
    assert not DOCS.keys() & (RUNTIME.keys() | TEST.keys())
    assert problems({**RUNTIME, **DOCS}, [*DIRECT, *EXTRAS["docs"]]) == []


def test_what_is_installed_is_what_is_locked():
    assert installed() == {**RUNTIME, **TEST, **DOCS}


def test_the_locks_hold_exact_versions_and_do_not_contradict_each_other():
    for lock in (RUNTIME, TEST, DOCS, BENCHMARK):
        assert all(str(Version(pin)) == pin for pin in lock.values())
    assert not BENCHMARK.keys() & (RUNTIME.keys() | TEST.keys() | DOCS.keys())
    for one in [*DIRECT, *(line for extra in EXTRAS.values() for line in extra)]:
        (specifier,) = Requirement(one).specifier
        assert specifier.operator == "=="
        assert {**RUNTIME, **TEST, **DOCS}[canonicalize_name(Requirement(one).name)] == specifier.version


def test_what_is_imported_is_declared():
    """A package that is there only because another needs it may go with the next version of that other."""
    given_by = packages_distributions()
    declared = {canonicalize_name(Requirement(one).name) for one in [*DIRECT, *EXTRAS["cluster"]]}
    imported = set()
    for path in [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "ablate").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            else:
                continue
            imported |= {name.partition(".")[0] for name in names}
    foreign = imported - sys.stdlib_module_names - {"pipeline", "ablate"}
    assert foreign
    missing = {name for name in foreign if not declared & set(map(canonicalize_name, given_by[name]))}
    assert missing == set()


def test_a_lock_that_is_wrong_is_noticed(tally):
    whole, direct = {**RUNTIME, **TEST, **DOCS}, [*DIRECT, *EXTRAS["test"], *EXTRAS["docs"]]
    for name in whole:
        assert problems({key: pin for key, pin in whole.items() if key != name}, direct) == [f"{name} is missing"]
    assert problems({**RUNTIME, "left-over": "1.0"}, DIRECT) == ["nothing needs left-over"]
    assert any("fsspec==0.1 is not" in problem for problem in problems({**RUNTIME, "fsspec": "0.1"}, DIRECT))
    tally("dependencies", "package missing, unneeded or too old", "noticed", len(whole) + 2)


def test_the_makefile_installs_the_locks_and_nothing_else():
    makefile = Path(ROOT, "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    sources = {line.split("--requirement ")[-1] if "--requirement" in line else line.split()[-1] for line in installs}
    assert sources == {path.name for path in ROOT.glob("requirements*.txt")} | {"."}
    (own,) = [line for line in installs if line.endswith(" .")]
    assert "--no-deps" in own
