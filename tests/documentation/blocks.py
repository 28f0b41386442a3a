"""The blocks of code in README and documentation, as a reader meets them."""

import re
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samples import ROOT

TUTORIAL = [f"docs/tutorial/first-{name}.md" for name in ("report", "change", "sweep", "comparison")]
EXTENDING = "docs/extending.md"  # its blocks change the code: test_extending.py applies them
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    language: str
    text: str


def pages(root: Path = ROOT) -> list[str]:
    """README and every page that git knows or will know."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "README.md", "CONTRIBUTING.md", "docs"]
    done = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True)
    return sorted(name for name in done.stdout.split() if name.endswith(".md") and (root / name).is_file())


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page."""
    if page != EXTENDING:
        yield from _blocks(page, (ROOT / page).read_text())


def _blocks(page: str, text: str) -> Iterator[Block]:
    fences = len(re.findall(r"^ *```", text, flags=re.MULTILINE))
    found = [Block(page, one[2], textwrap.dedent(one[3])) for one in _BLOCK.finditer(text)]
    assert fences == 2 * len(found), f"{page}: a block without an end"
    yield from found


def commands(text: str) -> list[str]:
    """The commands of a block: one a line, or as many lines as a shell needs."""
    joined: list[str] = []
    open_end = False
    for line in text.splitlines():
        if open_end:
            joined[-1] += "\n" + line
        elif line.strip() and not line.startswith("#"):
            joined.append(line)
        else:
            continue
        read = subprocess.run(["bash", "-n"], input=joined[-1], capture_output=True, text=True, check=False)
        open_end = line.endswith("\\") or read.returncode != 0
    assert not open_end, f"a command without an end: {text}"
    return joined


def without_comment(command: str) -> str:
    return re.sub(r"\s+# .*$", "", command)


def status(command: str) -> int:
    """The exit status that its comment states; 0 where it states none."""
    found = re.search(r"# exit status (\d+)$", command)
    return int(found[1]) if found else 0


def transcript(text: str) -> list[tuple[str, list[str]]]:
    """Commands behind `$ `, each with the lines that it prints."""
    steps: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append((line.removeprefix("$ "), []))
        elif steps:
            steps[-1][1].append(line)
    return steps
