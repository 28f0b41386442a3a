"""`dvc.lock`: the digests of the files that each stage read and left.

DVC takes a file for unchanged if its size and time are, and a stage that is run alone does not check its inputs. So
every file that a stage left is checked here before it is read, and nowhere else.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.core.errors import UserError
from pipeline.core.files import is_being_written

PATH = Path("dvc.lock")
_DEEPEST = 20  # nested collections; DVC writes 7


def read() -> Mapping[str, Any]:
    """Return `dvc.lock` of the current folder; empty before the first stage was run."""
    try:
        return parse(PATH.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{PATH}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        remedy = f"restore it by `git checkout HEAD -- {PATH}`, or delete it and run `dvc repro`"
        raise UserError(f"{PATH}: damaged ({error}); {remedy}") from None


@functools.lru_cache(maxsize=4)  # a report reads some fifty files
def parse(content: bytes) -> Mapping[str, Any]:
    """Parse the bytes of a `dvc.lock`; for others, raise a `ValueError` with a message of one line.

    Every stage does this, and ruamel.yaml would take 0.15 s of each. All scalars stay text.
    """
    try:
        _check_depth(content)
        lock: Mapping[str, Any] = yaml.CBaseLoader(content).get_single_data() or {}
        digests(lock)  # this and the next lines fail for another structure
        for stage in _stages(lock):
            dependencies(lock, stage)
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())[:120]) from None
    return lock


def _check_depth(content: bytes) -> None:
    """Refuse collections nested so deeply that the loader, which is recursive, could exhaust the stack."""
    depth = 0
    for event in yaml.parse(content, yaml.CBaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} nested collections")


def digests(lock: Mapping[str, Any]) -> dict[str, str]:
    """Return the MD5 digest of every file that a stage left, by its path from the project's folder."""
    outs = [out for stage in _stages(lock).values() for out in stage.get("outs", [])]
    return {str(out["path"]): str(out.get("md5")) for out in outs}


def dependencies(lock: Mapping[str, Any], stage: str) -> dict[str, str]:
    """Return the MD5 digest of every file and folder that a stage was run on, by path; empty if it was never run."""
    return {str(dep["path"]): str(dep.get("md5")) for dep in _stages(lock).get(stage, {}).get("deps", [])}


def is_stale(lock: Mapping[str, Any], stage: str, path: Path, text: str) -> bool:
    """Return whether a stage was run on this file with another text; False if nothing is recorded."""
    recorded = dependencies(lock, stage).get(path.as_posix())
    return recorded is not None and recorded != hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def problem(lock: Mapping[str, Any], path: Path, digest: str) -> str | None:
    """Return why the file with this MD5 digest is not the recorded one; None if it is, or if nothing is recorded."""
    if not _stages(lock):
        return None
    recorded = digests(lock).get(path.as_posix())
    if recorded is None:
        return f"no stage in {PATH} made it"
    return None if recorded == digest else f"damaged or replaced: found md5 {digest}, {PATH} has {recorded}"


def check(path: Path, stage: str) -> None:
    """Refuse a file that is missing or is not what its stage, such as `train@dropout`, left."""
    _check(path, _digest(path, stage))


def check_folder(folder: Path, stage: str) -> None:
    """Refuse a folder whose files are not what its stage left."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    entries = [
        {"md5": _digest(path, stage), "relpath": name}
        for name, path in sorted(files.items())
        if not is_being_written(path)
    ]
    # as DVC computes the digest of a folder
    content = json.dumps(entries, sort_keys=True).encode()
    _check(folder, hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir")


def _digest(path: Path, stage: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except FileNotFoundError:
        raise UserError(f"{path}: missing; `dvc repro {stage}` makes it") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _check(path: Path, digest: str) -> None:
    if reason := problem(read(), path, digest):
        remedy = "delete it and run `dvc repro` (if that brings it back unchanged, `ablate verify --no-run`)"
        raise UserError(f"{path}: {reason}; {remedy}")


def _stages(lock: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(lock.get("stages") or {})
