"""The blocks of code in README and documentation, as a reader meets them."""

import re
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

from samples import ROOT

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    language: str
    text: str


def pages() -> list[str]:
    """Return README and every page that git knows or will know."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "README.md", "CONTRIBUTING.md", "docs"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(name for name in done.stdout.split() if name.endswith(".md") and (ROOT / name).is_file())


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page."""
    text = (ROOT / page).read_text()
    # dedent also empties the lines that consist of the space in front of an unchanged line
    found = [Block(page, m[2], textwrap.dedent(m[3]) if m[1] else m[3]) for m in _BLOCK.finditer(text)]
    assert len(re.findall(r"^ *```", text, flags=re.MULTILINE)) == 2 * len(found), f"{page}: a block without an end"
    return found


def commands(text: str) -> list[str]:
    """Return the commands of a block: one per line, or as many lines as a shell needs."""
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


def transcript(text: str) -> list[tuple[str, list[str]]]:
    """Return the commands behind `$ `, each with the lines that it prints."""
    steps = [part.splitlines() for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [(command, lines) for command, *lines in steps]


def apply_diff(text: str, path: Path) -> None:
    """Change a file as the lines with + and - say."""
    lines = text.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
    content = path.read_text()
    assert content.count(before) == 1, f"not once in {path.name}:\n{before}"
    path.write_text(content.replace(before, after))
