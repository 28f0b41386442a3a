"""Arrays from strangers: refused and named, before anything is unpacked, allocated or unpickled."""

import ast
import contextlib
import io
import os
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults.tally import Mutant
from samples import ROOT, classes, seeds

from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.project import artifacts

MUTANTS = [
    Mutant(
        file="pipeline/project/arrays.py",
        guard="                    check_array(opened, member.file_size, member.filename)\n",
        without="                    pass\n",
        test="test_an_array_that_promises_more_than_it_has",
    ),
    Mutant(
        file="pipeline/project/arrays.py",
        guard="            if total > path.stat().st_size:\n",
        without="            if False:\n",
        test="test_an_archive_that_would_grow_too_large",
    ),
    Mutant(
        file="pipeline/project/arrays.py",
        guard='    if dtype.hasobject:\n        raise ValueError(f"{name} holds objects, which are never unpickled")\n',
        without="",
        test="test_a_pickle[data/some.npz]",
    ),
    Mutant(
        file="pipeline/core/dataset.py",
        guard="        if not 1 <= self.outputs <= most_outputs:\n",
        without="        if False:\n",
        test="test_more_classes_than_can_be",
    ),
    Mutant(
        file="pipeline/project/artifacts.py",
        guard='                _check_column(f"{table}.{name}", arrays[f"{table}.{name}"])\n',
        without="                pass\n",
        test="test_arrays_of_other_types_and_shapes",
    ),
]

DATASET, DIAGNOSTICS_FOLDER = Path("data/some.npz"), Path("data/diagnostics/study.npz")
READERS: dict[Path, Callable[[], object]] = {
    DATASET: lambda: artifacts.read_dataset("some", seeds(3)),
    DIAGNOSTICS_FOLDER: lambda: artifacts.read_diagnostics("study"),
}


class Trap:
    """An object that leaves a trace where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("opened",)


@pytest.fixture(autouse=True)
def written(in_folder: Path) -> None:
    """A data set and measurements as the pipeline leaves them."""
    artifacts.write_dataset("some", classes())
    rows: dict[str, list[list[Any]]] = {
        "layers": [["a", 0, "start", "gradient_rms", 1, 0.1]],
        "weights": [["a", 0, 3, -0.5], ["a", 1, 3, 0.5]],
        "points": [["train", 0.5, -0.5, 1]],
        "pictures": [["a", True, "Bag", "Coat", np.linspace(0.0, 1.0, 16)]],
    }
    tables = {name: pd.DataFrame(rows[name], columns=columns) for name, columns in artifacts.DIAGNOSTICS.items()}
    artifacts.write_diagnostics(
        "study", artifacts.Diagnostics(**tables, environment={"numpy": "2"}, code="0123456789ab")
    )
    for read in READERS.values():
        read()


def refused(path: Path) -> str:
    """The one line with which a file is refused; nothing was executed."""
    with pytest.raises(UserError) as caught:
        READERS[path]()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")
    assert len(line) < 600
    assert line.isprintable()
    assert not Path("opened").exists()
    return line


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """No more than 4 MB are allocated meanwhile."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return dict(archive)


def archive_of(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def array_file(array: np.ndarray, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def header_of(text: str) -> bytes:
    """The beginning of an array file with this header."""
    line = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(line).to_bytes(2, "little") + line


@pytest.mark.parametrize("path", READERS, ids=str)
def test_a_pickle(path, tally):
    trap = array_file(np.array([Trap()], dtype=object), pickled=True)
    names = list(arrays(path))
    for name in names:
        members = {f"{other}.npy": array_file(array) for other, array in arrays(path).items()}
        archive_of(path, {**members, f"{name}.npy": trap})
        assert "never unpickled" in refused(path)
        archive_of(path, members)
    # also beside all that belongs there, as the whole file, and as a field of a structure
    archive_of(path, {**members, "more.npy": trap})
    assert "never unpickled" in refused(path)
    path.write_bytes(trap)
    refused(path)
    archive_of(path, {**members, f"{names[0]}.npy": array_file(np.array([(1, Trap())], "i8,O"), pickled=True)})
    refused(path)
    tally("arrays", "pickle", "refused, named, not opened", len(names) + 3)


@pytest.mark.parametrize("path", READERS, ids=str)
def test_an_array_that_promises_more_than_it_has(path, tally):
    name = next(iter(arrays(path)))
    promises = [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
        "{'descr': '|V1000000000', 'fortran_order': False, 'shape': (), }",
        "{'descr': '<U250000000', 'fortran_order': True, 'shape': (1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }",
    ]
    for promise in promises:
        archive_of(path, {f"{name}.npy": header_of(promise) + bytes(8)})
        with little_memory():
            assert "its header wants" in refused(path)
    tally("arrays", "header that promises more than there is", "refused, named, not allocated", len(promises))


@pytest.mark.parametrize("path", READERS, ids=str)
def test_an_archive_that_would_grow_too_large(path, tally):
    """A zip bomb."""
    name = next(iter(arrays(path)))
    members = {f"{other}.npy": array_file(array) for other, array in arrays(path).items()}
    bomb = array_file(np.zeros(2**20))
    archive_of(path, {**members, f"{name}.npy": bomb}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**16 + sum(map(len, members.values()))
    with little_memory():
        assert "it would grow to 8" in refused(path)
    # in many members, none of them large
    archive_of(path, {f"{number}.npy": bomb[: 2**20] for number in range(5)}, zipfile.ZIP_DEFLATED)
    assert "it would grow to 5" in refused(path)
    tally("arrays", "zip bomb", "refused, named, not unpacked", 2)


@pytest.mark.parametrize("path", READERS, ids=str)
def test_what_is_no_archive_of_arrays(path, tally):
    whole = path.read_bytes()
    members = {f"{name}.npy": array_file(array) for name, array in arrays(path).items()}
    name = next(iter(members))
    encrypted = bytearray(whole)
    for start in (whole.index(b"PK\x01\x02") + 8, whole.index(b"PK\x03\x04") + 6):
        encrypted[start] |= 1
    unknown = bytearray(whole)
    for start in (whole.index(b"PK\x01\x02") + 10, whole.index(b"PK\x03\x04") + 8):
        unknown[start] = 99
    strangers = {
        "empty": b"",
        "text": b"a,b\n1,2\n",
        "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "gzip": b"\x1f\x8b\x08" + bytes(100),
        "encrypted": bytes(encrypted),
        "another compression": bytes(unknown),
        "an end of archive alone": whole[whole.index(b"PK\x05\x06") :],
        "one array": members[name],
    }
    for content in strangers.values():
        path.write_bytes(content)
        refused(path)
    for other in (
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00" + bytes(50),
        header_of("__import__('os').mkdir('opened')"),
        b"text",
    ):
        archive_of(path, {**members, name: other})
        refused(path)
    archive_of(path, {"../../escaped.npy": members[name]})
    refused(path)
    assert not list(Path("..").glob("**/escaped*"))
    path.unlink()
    path.mkdir()
    refused(path)
    tally("arrays", "no archive of arrays", "refused, named", len(strangers) + 7)


SHAPES = [(), (0,), (1,), (3,), (3, 44), (44, 3), (3, 44, 13), (3, 30), (1, 44, 13), (3, 0, 13), (2, 2, 2, 2)]
TYPES = ["u1", "<f2", "<f4", ">f8", "<f8", "<f16", "<c16", "<i4", ">i8", "<i8", "<u8", "?", "S3", "<U5", "<M8[s]", "V8"]


def test_arrays_of_other_types_and_shapes(many, tally):
    """Whatever one array is replaced by: refused, or what is read is as much a data set as before."""
    random = np.random.default_rng(0)
    kept = {path: arrays(path) for path in READERS}
    counts = {"refused, named": 0, "read, and of the right kind": 0}
    for _ in range(many(5000)):
        path = list(READERS)[int(random.integers(2))]
        changed = dict(kept[path])
        for name in random.choice(list(changed), size=int(random.integers(1, 3))):
            kind, shape = TYPES[int(random.integers(len(TYPES)))], SHAPES[int(random.integers(len(SHAPES)))]
            if random.random() < 0.3:
                shape = changed[name].shape
            if random.random() < 0.1:
                del changed[name]
                break
            noise = random.integers(0, 256, size=np.dtype(kind).itemsize * int(np.prod(shape)), dtype=np.uint8)
            value: Any = np.frombuffer(noise.tobytes(), dtype=kind).reshape(shape)
            if kind == "<U5":
                value = np.full(shape, "a" * int(random.integers(5)))
            elif random.random() < 0.7 and kind not in ("S3", "V8", "<M8[s]"):
                value = random.integers(-2, 9, size=shape).astype(kind)
            changed[name] = value
        np.savez(path, **changed)
        try:
            found = READERS[path]()
        except UserError:
            refused(path)
            counts["refused, named"] += 1
            continue
        if isinstance(found, Dataset):
            assert found.outputs <= 2**16
            assert len(found.names) in (0, found.outputs)
            for split in (found.train, found.test):
                assert split.inputs.shape == (len(found.seeds) or 1, split.examples, found.features)
                assert split.examples * found.features > 0
                assert split.inputs.dtype.isnative
                assert split.targets.dtype in ("int64", "float32", "float64")
        else:
            assert isinstance(found, artifacts.Diagnostics)
            for table, columns in artifacts.DIAGNOSTICS.items():
                frame = getattr(found, table)
                assert list(frame.columns) == columns
                for name in {"value", "x1", "seed_index"} & set(columns):
                    assert frame.empty or frame[name].dtype.kind in "fiub"
            assert isinstance(found.environment, dict)
        counts["read, and of the right kind"] += 1
    assert all(counts.values())
    for outcome, count in counts.items():
        tally("arrays", "other types and shapes", outcome, count)


@pytest.mark.parametrize("outputs", [0, -1, 2**16 + 1, 10**12])
def test_more_classes_than_can_be(outputs, tally):
    """A network would get as many outputs as the file says."""
    np.savez(DATASET, **{**arrays(DATASET), "outputs": outputs, "names": np.zeros(0, dtype=str)})
    assert f"found {outputs} outputs, allowed: 1 to 65536" in refused(DATASET)
    tally("arrays", "more classes than can be", "refused, named")


# PyYAML builds objects where it is not told otherwise; ruamel.yaml is told so in every place
FORBIDDEN = {"pickle", "cPickle", "dill", "shelve", "marshal", "cloudpickle", "yaml"}
FORBIDDEN_CALLS = {"read_pickle", "to_pickle", "unsafe_load", "full_load"}
FORBIDDEN_BUILTINS = {"eval", "exec", "compile", "__import__"}


def test_no_module_unpickles_or_evaluates_anything():
    for path in (ROOT / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            names |= {str(node.module)} if isinstance(node, ast.ImportFrom) else set()
            assert not names & FORBIDDEN, path
            if isinstance(node, ast.Call):
                function = node.func
                called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                assert called not in FORBIDDEN_CALLS, path
                assert getattr(function, "id", "") not in FORBIDDEN_BUILTINS, path
                owner = getattr(getattr(function, "value", None), "id", "")
                assert (owner, called) != ("torch", "load"), path
                for keyword in node.keywords:
                    if keyword.arg in ("allow_pickle", "shell"):
                        assert getattr(keyword.value, "value", True) is False, path
                if called == "YAML":
                    assert {keyword.arg: getattr(keyword.value, "value", "") for keyword in node.keywords}[
                        "typ"
                    ] == "safe"
                if (owner, called) == ("np", "load"):
                    assert "allow_pickle" in {keyword.arg for keyword in node.keywords}, path
