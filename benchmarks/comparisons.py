"""Rows that compare the engine with one peer in this process."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec

from benchmarks.agreement import DisagreementError, Exact, OnAverage
from benchmarks.options import Options
from benchmarks.results import Row, Target, duration
from benchmarks.sides import engine, functional, in_memory, product, sklearn_mlp, textbook
from benchmarks.timing import alternating, seconds
from benchmarks.work import Losses, Work, digits, images, polynomial

Side = Callable[[Work], Losses]

JAX_MISSING = "jax is not installed: pip install --no-deps -r requirements-benchmark.txt"


def _polynomial(quick: bool) -> Work:
    return polynomial(4, 8) if quick else polynomial()


def _digits(quick: bool) -> Work:
    return digits(4, 2) if quick else digits()


def _images(dropout: tuple[float, float], quick: bool) -> Work:
    return images(dropout, 2, 1, 512, 512) if quick else images(dropout)


_with_dropout = partial(_images, (0.2, 0.5))
_without_dropout = partial(_images, (0.0, 0.0))


@dataclass(frozen=True)
class Comparison:
    """Time per run of the engine and of a peer.

    Attributes:
        name, against: Name and peer of the row.
        work: Makes the work; the argument asks for a small one.
        ways: One or several ways in which the peer can do it; all are checked, the fastest is compared.
        target: The ratio that should be reached.
        agreement: How far the losses may differ.
        sample: Number of runs of a peer that trains one after the other; None for all.
        jax: Whether the peer is JAX, which may be missing.
    """

    name: str
    against: str
    work: Callable[[bool], Work]
    ways: Mapping[str, Side]
    target: Target
    agreement: Exact | OnAverage = field(default_factory=Exact)
    sample: int | None = None
    jax: bool = False

    def measure(self, options: Options) -> list[Row]:
        """Measure the row; a side that ends at other losses makes it an error."""
        work = self.work(options.quick)
        row = Row(self.name, str(work), self.against, self.target)
        if self.jax and find_spec("jax") is None:
            return [row.skipped(JAX_MISSING)]
        sample = work.first(min(self.sample or work.runs, work.runs))
        expected = engine.train(work).first(sample.runs)
        try:
            notes = {way: self.agreement.check(expected, side(sample), work) for way, side in self.ways.items()}
        except DisagreementError as error:
            return [row.failed(str(error))]
        way = self._fastest(sample)
        rounds = alternating(options.repeats, lambda: engine.train(work), lambda: self.ways[way](sample))
        per_run = [(ours / work.runs, theirs / sample.runs) for ours, theirs in rounds]
        ours, theirs = (_words(statistics.median(side), work) for side in zip(*per_run, strict=True))
        note = f"{way}; {notes[way]}" if way else notes[way]
        ratios = [theirs / ours for ours, theirs in per_run]
        return [row.judged(ratios, small=options.quick, ours=ours, theirs=theirs, note=note)]

    def _fastest(self, work: Work) -> str:
        if len(self.ways) == 1:
            return next(iter(self.ways))
        best = {way: min(seconds(partial(side, work))[0] for _ in range(2)) for way, side in self.ways.items()}
        return min(best, key=lambda way: best[way])


@dataclass(frozen=True)
class Rate:
    """Operations per second of the engine's training, against those of one large matrix product.

    The faster library of each round counts.
    """

    name: str
    work: Callable[[bool], Work]
    target: Target
    agreement: Exact | OnAverage = field(default_factory=Exact)
    against: str = "the machine's float32 matrix product of 1024 x 1024 x 1024"

    def measure(self, options: Options) -> list[Row]:
        """Measure the row; the counted operations are those of the matrix products that the work needs."""
        work = self.work(options.quick)
        row = Row(self.name, str(work), self.against, self.target, unit="%")
        sample = work.first(2)
        try:
            # that the counted operations were carried out at all shows in the losses
            note = self.agreement.check(engine.train(work).first(sample.runs), in_memory.train(sample), work)
        except DisagreementError as error:
            return [row.failed(str(error))]
        # about as many products as the work has operations, so that all feel the same machine for as long
        products = max(1, round(work.operations / product.OPERATIONS))
        multiplied = products * product.OPERATIONS
        libraries = {"NumPy": partial(product.by_numpy, products), "torch": partial(product.by_torch, products)}
        for multiply in libraries.values():
            multiply()
        rounds = alternating(options.repeats, lambda: engine.train(work), *libraries.values())
        rates = [(work.operations / ours, *(multiplied / elapsed for elapsed in others)) for ours, *others in rounds]
        ours, *others = (f"{statistics.median(side) / 1e9:.1f} GFLOP/s" for side in zip(*rates, strict=True))
        return [
            row.judged(
                [ours / max(others) for ours, *others in rates],
                small=options.quick,
                ours=ours,
                theirs=", ".join(f"{library} {rate}" for library, rate in zip(libraries, others, strict=True)),
                note=f"against in-memory: {note}",
            )
        ]


def _words(per_run: float, work: Work) -> str:
    return f"{duration(per_run)} per run, {duration(per_run / work.steps)} per step"


def _jax(work: Work, prng: str = "threefry2x32") -> Losses:
    from benchmarks.sides import jax_stack  # may not be installed

    return jax_stack.train(work, prng)


_IN_MEMORY = "tensors, nn.Sequential, autograd, optim.SGD"
_IN_MEMORY_WAYS: Mapping[str, Side] = {
    "optim.SGD(...)": in_memory.train,
    "optim.SGD(..., fused=True)": partial(in_memory.train, fused=True),
}
_JAX = "JAX jit(vmap(scan)), compiled before"

# JAX comes last: its threads stay once it was imported
COMPARISONS: tuple[Comparison | Rate, ...] = (
    Comparison(
        name="polynomial-textbook",
        against="DataLoader, nn.Linear, optim.SGD",
        work=_polynomial,
        ways={"": textbook.tables},
        target=Target(1000),
        sample=2,
    ),
    Comparison(
        name="images-textbook",
        against="DataLoader, ToTensor, nn.Sequential, optim.SGD",
        work=_with_dropout,
        ways={"": textbook.images},
        target=Target(13),
        agreement=OnAverage(),
        sample=1,
    ),
    Comparison(
        name="images-in-memory",
        against=_IN_MEMORY,
        work=_with_dropout,
        ways=_IN_MEMORY_WAYS,
        target=Target(3),
        agreement=OnAverage(),
        sample=4,
    ),
    Comparison(
        name="images-functional",
        against="torch.func: vmap(grad), functional_call",
        work=_with_dropout,
        ways={"": functional.train},
        target=Target(2.5),
        agreement=OnAverage(),
    ),
    Rate(name="images-rate", work=_without_dropout, target=Target(0.95, "%")),
    Rate(
        name="images-rate-dropout",
        work=_with_dropout,
        target=Target(0.95, "%"),
        agreement=OnAverage(),
    ),
    Comparison(
        name="images-sklearn",
        against="scikit-learn MLPClassifier",
        work=_without_dropout,
        ways={"": sklearn_mlp.train},
        target=Target(2),
        sample=2,
    ),
    Comparison(
        name="digits-in-memory",
        against=_IN_MEMORY,
        work=_digits,
        ways=_IN_MEMORY_WAYS,
        target=Target(20),
        sample=5,
    ),
    Comparison(
        name="digits-sklearn",
        against="scikit-learn MLPClassifier",
        work=_digits,
        ways={"": sklearn_mlp.train},
        target=Target(2),
        sample=5,
    ),
    Comparison(
        name="polynomial-jax",
        against=_JAX,
        work=_polynomial,
        ways={"": _jax},
        target=Target(3),
        jax=True,
    ),
    Comparison(
        name="images-jax",
        against=_JAX,
        work=_with_dropout,
        ways={prng: partial(_jax, prng=prng) for prng in ("threefry2x32", "rbg")},
        target=Target(1.5),
        agreement=OnAverage(),
        jax=True,
    ),
    Comparison(
        name="digits-jax",
        against=_JAX,
        work=_digits,
        ways={"": _jax},
        target=Target(4),
        jax=True,
    ),
)
