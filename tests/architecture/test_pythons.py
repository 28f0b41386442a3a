"""`make` accepts some Pythons and systems, and refuses the others in one line."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from samples import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GOES_ON = 3  # the status with which the Python of these tests refuses to make an environment


@pytest.fixture
def make(tmp_path: Path):
    """Run the Makefile's recipe of an environment with this Python, changed by some lines that it executes first."""
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for name in ("requirements.txt", "requirements-build.txt", "requirements-torch.txt", "pyproject.toml"):
        (tmp_path / name).touch()

    def run(*changes: str) -> tuple[bool, list[str]]:
        lines = [
            "import platform, sys, sysconfig",
            f'if sys.argv[1] == "-m": sys.exit({GOES_ON})',  # the command after the check: python -m venv
            *changes,
            "exec(sys.argv[2])",
        ]
        python = tmp_path / "python"
        python.write_text("\n".join([f"#!{sys.executable}", *lines]))
        python.chmod(0o755)
        command = ["make", "--silent", f"PYTHON={python}", ".venv/installed"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        return f"Error {GOES_ON}" in done.stderr, done.stderr.splitlines()[:-1]

    return run


def test_makefile_pyproject_and_readme_name_the_same_versions(make):
    versions = [f"3.{minor}" for minor in range(8, 20)]
    accepted = [one for one in versions if make(f"sys.version_info = ({one.replace('.', ', ')}, 1)") == (True, [])]
    assert accepted == list(SpecifierSet(PROJECT["requires-python"]).filter(versions))
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line]
    assert named == accepted
    assert f"Python {accepted[0]} to {accepted[-1]}," in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (["sys.version_info = (2, 7, 18)"], "found CPython 2.7, allowed: CPython 3.11 to 3.14"),
        (["sys.version_info = (3, 15, 0)"], "found CPython 3.15, allowed: CPython 3.11 to 3.14"),
        (["platform.python_implementation = lambda: 'PyPy'"], "found PyPy 3."),
        (["sys.maxsize = 2**31 - 1"], " of 32 bits, allowed: "),
        (["sysconfig.get_config_var = lambda name: int(name == 'Py_GIL_DISABLED')"], ", free-threaded, allowed: "),
        (["sys.modules['ensurepip'] = None"], "found no module ensurepip, allowed: a complete Python; on Debian"),
        (["platform.mac_ver = lambda: ('15.1', ('', '', ''), '')"], "found macOS 15.1 on x86_64, allowed: macOS 14 or"),
        (
            ["platform.mac_ver = lambda: ('13.6', ('', '', ''), '')", "platform.machine = lambda: 'arm64'"],
            "found macOS 13.6 on arm64, allowed: macOS 14 or",
        ),
        (["platform.libc_ver = lambda: ('musl', '1.2.5')"], "found musl 1.2.5, allowed: glibc 2.28"),
        (["platform.libc_ver = lambda: ('', '')"], "found an unknown C library, allowed: glibc 2.28"),
        (["platform.libc_ver = lambda: ('glibc', '2.17')"], "found glibc 2.17, allowed: glibc 2.28"),
    ],
)
def test_other_pythons_and_systems_are_refused_in_one_line(make, changes, found):
    # as on Linux and x86-64, wherever the tests run
    system = ["sys.platform, platform.machine = 'linux', lambda: 'x86_64'", "platform.mac_ver = lambda: ('', '', '')"]
    went_on, lines = make(*system, "platform.libc_ver = lambda: ('glibc', '2.36')", *changes)
    assert not went_on
    (line,) = lines
    assert found in line


@pytest.mark.parametrize("name", ["folder", "a folder"])
def test_an_environment_of_another_folder_or_without_its_python_is_refused(name, tmp_path):
    folder = tmp_path / name
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    python, installed = folder / ".venv" / "bin" / "python", folder / ".venv" / "installed"

    def refused(goal: str = "format") -> list[str]:
        command = ["make", "--dry-run", "--assume-old=.venv/installed-test", goal]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return [line.partition("*** ")[2] for line in done.stderr.splitlines() if "environment" in line]

    python.symlink_to(sys.executable)
    for content in ("", f"{folder}\n"):  # written by earlier versions, and by this one
        installed.write_text(content)
        assert refused() == []
    python.unlink()
    (line,) = refused()
    assert line.startswith(f".venv: found the environment of {folder}, which was moved, copied or lost its Python: rm ")
    python.symlink_to(sys.executable)
    installed.write_text("/another folder\n")
    (line,) = refused()
    assert line.startswith(".venv: found the environment of /another folder, ")
    assert refused("clean") == []
    (folder / ".venv").rename(folder / "elsewhere")
    (folder / ".venv").symlink_to("elsewhere")
    assert refused() == []
