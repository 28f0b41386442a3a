"""The locks against what the packages themselves require: a package added, dropped or moved on is noticed."""

import ast
import sys
import tomllib
from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from samples import ROOT

# needs the packages of all locks, of which `make test` installs a part
pytestmark = pytest.mark.slow

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT, EXTRAS = PROJECT["dependencies"], PROJECT["optional-dependencies"]


UNHASHED = "requirements-torch.txt"


def locked(name: str) -> dict[str, str]:
    """Return the versions of a file; every package must have the hashes of its files, as far as the file has any."""
    text = (ROOT / name).read_text().replace("\\\n", "")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    hashed = [all(word.startswith("--hash=sha256:") for word in words) and bool(words) for _, *words in lines]
    assert set(hashed) == {name != UNHASHED}
    found = dict(line[0].split("==") for line in lines)
    assert len(found) == len(lines), "each package once"
    assert all(str(Version(pin)) == pin for pin in found.values())
    return {canonicalize_name(package): pin for package, pin in found.items()}


RUNTIME = locked("requirements.txt") | locked("requirements-build.txt") | locked(UNHASHED)
TEST, DOCS = locked("requirements-test.txt"), locked("requirements-docs.txt")
ALL = {**RUNTIME, **TEST, **DOCS}


def needed(direct: Collection[str], python: str | None = None) -> dict[str, list[Requirement]]:
    """Return every requirement on every package, from the direct ones on, as the installed packages state them."""
    environment = {key: str(value) for key, value in default_environment().items()}
    if python:
        environment |= {"python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, list[Requirement]] = {}
    open_ends, seen = [Requirement(line) for line in direct], set()
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
        for other in map(Requirement, lines):
            extras = ["", *requirement.extras]
            holds = [not other.marker or other.marker.evaluate({**environment, "extra": extra}) for extra in extras]
            # builds of torch for CUDA pin packages that the builds for CPUs do not have
            cuda = name == "torch" and canonicalize_name(other.name).startswith(("nvidia-", "cuda-", "triton"))
            if any(holds) and not cuda:
                open_ends.append(other)
    return found


def problems(lock: Mapping[str, str], direct: Collection[str]) -> list[str]:
    """Return what is wrong with a lock of these direct dependencies."""
    here = needed(direct)
    # the lock is made with the oldest supported Python, which may need more than this one
    anywhere = here.keys() | needed(direct, "3.11").keys()
    found = [f"{name} is missing" for name in here.keys() - lock.keys()]
    found += [f"nothing needs {name}" for name in lock.keys() - anywhere]
    for name in here.keys() & lock.keys():
        unmet = [str(one) for one in here[name] if not one.specifier.contains(lock[name], prereleases=True)]
        found += [f"{name}=={lock[name]} is not {one}" for one in unmet]
    return found


@pytest.mark.parametrize(
    ("lock", "direct"),
    [
        (RUNTIME, DIRECT),
        ({**RUNTIME, **TEST}, [*DIRECT, *EXTRAS["test"]]),
        ({**RUNTIME, **DOCS}, [*DIRECT, *EXTRAS["docs"]]),
    ],
    ids=["runtime", "test", "docs"],
)
def test_a_lock_has_what_is_needed_and_nothing_else(lock, direct, tally):
    assert problems(lock, direct) == []
    # and the check notices a wrong lock
    name = next(iter(lock))
    assert problems({key: pin for key, pin in lock.items() if key != name}, direct) == [f"{name} is missing"]
    assert problems({**lock, "left-over": "1.0"}, direct) == ["nothing needs left-over"]
    assert any("fsspec==0.1 is not" in problem for problem in problems({**lock, "fsspec": "0.1"}, direct))
    tally("dependencies", "package missing, unneeded or too old", "noticed", 3)


def test_the_locks_share_no_package_and_agree_with_pyproject_and_with_what_is_installed():
    locks = [locked(path.name) for path in ROOT.glob("requirements*.txt")]
    assert len(set().union(*locks)) == sum(map(len, locks))
    # torch's build for CPUs adds a local label to its version
    assert {name: Version(version(name)).public for name in ALL} == ALL
    for line in [*DIRECT, *(line for extra in EXTRAS.values() for line in extra)]:
        name, _, pin = line.partition("==")
        assert ALL[canonicalize_name(name)] == pin


def test_what_is_imported_is_declared():
    """A package that is there only because another needs it may go with the next version of that other."""
    given_by = packages_distributions()
    declared = {canonicalize_name(Requirement(line).name) for line in [*DIRECT, *EXTRAS["cluster"]]}
    imported = set()
    for path in [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "ablate").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"pipeline", "ablate"}
    assert foreign
    assert [name for name in foreign if not declared & set(map(canonicalize_name, given_by[name]))] == []
