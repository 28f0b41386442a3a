"""The rows that compare the engine with one peer in this process."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec

from benchmarks.agreement import DisagreementError, Exact, OnAverage
from benchmarks.options import Options
from benchmarks.results import Row, Target, duration
from benchmarks.sides import functional, in_memory, product, sklearn_mlp, textbook
from benchmarks.timing import alternating, seconds
from benchmarks.work import Losses, Work, images, polynomial

Side = Callable[[Work], Losses]


def _polynomial(quick: bool) -> Work:
    return polynomial(4, 8) if quick else polynomial()


def _images(dropout: tuple[float, float], quick: bool) -> Work:
    return images(dropout, 2, 1, 512, 512) if quick else images(dropout)


_with_dropout = partial(_images, (0.2, 0.5))
_without_dropout = partial(_images, (0.0, 0.0))


@dataclass(frozen=True)
class Comparison:
    """Time per run of the engine and of a peer.

    Attributes:
        name, against: Of the row.
        work: From whether it shall be small.
        ways: One or several ways in which the peer can do it; all are checked, the fastest is compared.
        target: What the ratio is held to.
        agreement: How far the losses may differ.
        sample: How many runs a peer trains that trains one after the other; None for all.
        needs: A package that may be missing.
    """

    name: str
    against: str
    work: Callable[[bool], Work]
    ways: Mapping[str, Side]
    target: Target | None
    agreement: Exact | OnAverage = field(default_factory=Exact)
    sample: int | None = None
    needs: str = "torch"

    def measure(self, options: Options) -> list[Row]:
        """The row; a side that ends at other losses makes it an error."""
        work = self.work(options.quick)
        row = Row(self.name, str(work), self.against, self.target)
        if find_spec(self.needs) is None:
            return [row.skipped(f"{self.needs} is not installed: pip install -r requirements-benchmark.txt")]
        sample = work.first(min(self.sample or work.runs, work.runs))
        expected = options.ours(work).first(sample.runs)
        try:
            notes = {way: self.agreement.check(expected, side(sample), work) for way, side in self.ways.items()}
        except DisagreementError as error:
            return [row.failed(str(error))]
        way = self._fastest(sample)
        rounds = alternating(lambda: options.ours(work), lambda: self.ways[way](sample), options.repeats)
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
    """Operations per second of the engine's training, against those of one large matrix product."""

    name: str
    work: Callable[[bool], Work]
    target: Target
    agreement: Exact | OnAverage = field(default_factory=Exact)
    against: str = "the machine's float32 matrix product, torch.mm of 1024 x 1024"

    def measure(self, options: Options) -> list[Row]:
        """The row; the operations that are counted are those of the products that the work needs."""
        work = self.work(options.quick)
        row = Row(self.name, str(work), self.against, self.target, unit="%")
        sample = work.first(2)
        try:
            # that the counted operations were carried out at all shows in the losses
            note = self.agreement.check(options.ours(work).first(sample.runs), in_memory.train(sample), work)
        except DisagreementError as error:
            return [row.failed(str(error))]
        # about as many products as the work has operations, so that both feel the same machine for as long
        products = max(1, round(work.operations / product.OPERATIONS))
        product.multiply(products)
        rounds = alternating(lambda: options.ours(work), lambda: product.multiply(products), options.repeats)
        rates = [(work.operations / ours, products * product.OPERATIONS / theirs) for ours, theirs in rounds]
        ours, theirs = (f"{statistics.median(side) / 1e9:.1f} GFLOP/s" for side in zip(*rates, strict=True))
        ratios = [ours / theirs for ours, theirs in rates]
        return [row.judged(ratios, small=options.quick, ours=ours, theirs=theirs, note=f"against in-memory: {note}")]


def _words(per_run: float, work: Work) -> str:
    return f"{duration(per_run)} a run, {duration(per_run / work.steps)} a step"


def _jax(work: Work, prng: str = "threefry2x32") -> Losses:
    from benchmarks.sides import jax_stack  # may not be installed

    return jax_stack.train(work, prng)


def _jax_cold(work: Work) -> Losses:
    from benchmarks.sides import jax_stack

    return jax_stack.train_cold(work)


# JAX comes last: its threads stay once it was imported
COMPARISONS: tuple[Comparison | Rate, ...] = (
    Comparison(
        name="polynomial-textbook",
        against="DataLoader, nn.Linear, optim.SGD",
        work=_polynomial,
        ways={"": textbook.tables},
        target=Target(200),
        sample=2,
    ),
    Comparison(
        name="images-textbook",
        against="DataLoader, ToTensor, nn.Sequential, optim.SGD",
        work=_with_dropout,
        ways={"": textbook.images},
        target=Target(9),
        agreement=OnAverage(),
        sample=1,
    ),
    Comparison(
        name="images-textbook-workers",
        against="the same with num_workers=2",
        work=_with_dropout,
        ways={"": partial(textbook.images, workers=2)},
        target=None,
        agreement=OnAverage(),
        sample=1,
    ),
    Comparison(
        name="images-in-memory",
        against="tensors, nn.Sequential, autograd, optim.SGD",
        work=_with_dropout,
        ways={"": in_memory.train},
        target=Target(1.6),
        agreement=OnAverage(),
        sample=4,
    ),
    Comparison(
        name="images-functional",
        against="torch.func: vmap(grad), functional_call",
        work=_with_dropout,
        ways={"": functional.train},
        target=Target(1.6),
        agreement=OnAverage(),
    ),
    Rate(name="images-rate", work=_without_dropout, target=Target(0.85, "%")),
    Rate(
        name="images-rate-dropout",
        work=_with_dropout,
        target=Target(0.70, "%"),
        agreement=OnAverage(),
    ),
    Comparison(
        name="images-sklearn",
        against="scikit-learn MLPClassifier",
        work=_without_dropout,
        ways={"": sklearn_mlp.train},
        target=Target(1),
        sample=2,
    ),
    Comparison(
        name="polynomial-jax",
        against="JAX jit(vmap(scan)), compiled before",
        work=_polynomial,
        ways={"": _jax},
        target=Target(1.2),
        needs="jax",
    ),
    Comparison(
        name="polynomial-jax-compile",
        against="JAX jit(vmap(scan)), with compilation",
        work=_polynomial,
        ways={"": _jax_cold},
        target=Target(5),
        needs="jax",
    ),
    Comparison(
        name="images-jax",
        against="JAX jit(vmap(scan)), compiled before",
        work=_with_dropout,
        ways={prng: partial(_jax, prng=prng) for prng in ("threefry2x32", "rbg")},
        target=Target(1.3),
        agreement=OnAverage(),
        needs="jax",
    ),
)
