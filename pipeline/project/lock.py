"""What DVC recorded when a stage had ended: the digests of its files and the configs that they were made with.

DVC takes a file for unchanged as long as its size and time are, and a stage that is run by itself asks nobody whether
its inputs are of the configs that stand in `params.yaml` now. So whoever reads a file holds it to `dvc.lock` first.
"""

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.core.errors import UserError

PATH = Path("dvc.lock")


def read() -> Mapping[str, Any]:
    """`dvc.lock` of the current folder; empty where nothing was run yet.

    Raises:
        UserError: If it is damaged.
    """
    try:
        content = PATH.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{PATH}: cannot be read ({error.strerror})") from None
    try:
        return parse(content)
    except ValueError as error:
        raise UserError(f"{PATH}: damaged ({error}); `git restore {PATH}` or `dvc repro` brings it back") from None


@functools.lru_cache(maxsize=4)  # a report asks for fifty files
def parse(content: bytes) -> Mapping[str, Any]:
    """The text of a `dvc.lock`.

    Raises:
        ValueError: If it is none; in one line.
    """
    try:
        found = YAML(typ="safe", pure=True).load(content) or {}
        for stage in _stages(found).values():
            for out in stage.get("outs", []):
                str(out["path"])
            dict((stage.get("params") or {}).get("params.yaml") or {})
    except (YAMLError, RecursionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())[:120]) from None
    return found


def digests(lock: Mapping[str, Any]) -> dict[str, str]:
    """MD5 digest of every file that a stage left, by its path from the project's folder."""
    outs = [out for stage in _stages(lock).values() for out in stage.get("outs", [])]
    return {str(out["path"]): str(out.get("md5")) for out in outs}


def configs(lock: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """What a stage was run with, by dotted key of `params.yaml`; empty where it was never run."""
    return dict((_stages(lock).get(stage, {}).get("params") or {}).get("params.yaml") or {})


def stale(lock: Mapping[str, Any], stage: str, written: Mapping[str, Any]) -> list[str]:
    """Dotted keys that a stage was run with other values of than `params.yaml` has.

    Args:
        lock: `dvc.lock`.
        stage: Its name there.
        written: `params.yaml`, as written.
    """
    return [dotted for dotted, value in configs(lock, stage).items() if _at(written, dotted) != value]


def problem(lock: Mapping[str, Any], path: Path, digest: str) -> str | None:
    """Why a file is not the one that DVC recorded; None if it is, or if nothing was recorded yet.

    Args:
        lock: `dvc.lock`.
        path: From the project's folder.
        digest: MD5 of its bytes.
    """
    if not _stages(lock):
        return None
    recorded = digests(lock).get(path.as_posix())
    if recorded is None:
        return f"no stage in {PATH} made it"
    return None if recorded == digest else f"damaged or replaced: found md5 {digest}, {PATH} has {recorded}"


def check(path: Path) -> None:
    """Refuse a file of the current folder that is not what DVC recorded.

    Raises:
        UserError: If it holds other bytes than its stage left.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except FileNotFoundError:
        return  # its reader knows who makes it
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if found := problem(read(), path, digest):
        raise UserError(
            f"{path}: {found}; delete it and run `dvc repro` (if it comes back so, `ablate verify --no-run`)"
        )


def _stages(lock: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = lock.get("stages") or {}
    return found


def _at(written: Mapping[str, Any], dotted: str) -> Any:
    node: Any = written
    for key in dotted.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
