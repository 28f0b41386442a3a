import numpy as np
import pytest
from compiled import compiled
from scipy import stats

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import pcg64_state

SEEDS = [0, 1, 2**63, 2**128 - 1]


def state(seed: int) -> np.ndarray:
    return pcg64_state(np.random.Generator(np.random.PCG64(seed)))


@pytest.mark.parametrize("seed", SEEDS)
def test_pcg64_is_numpy_s_to_the_bit(seed):
    own, found = state(seed), np.empty(10_000, np.uint64)
    compiled("arithmetic.appliers:raw_bits", "uint64*", "uint64*", "int64")(
        own.ctypes.data, found.ctypes.data, len(found)
    )
    generator = np.random.PCG64(seed)
    assert np.array_equal(found, generator.random_raw(len(found)))
    assert np.array_equal(own, pcg64_state(np.random.Generator(generator)))


def orders(seed: int, count: int, times: int = 1) -> np.ndarray:
    permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
    own, found = state(seed), np.empty((times, count), np.int64)
    for order in found:
        permute(own.ctypes.data, order.ctypes.data, count)
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 3, 16, 17, 1000, 60_000])
def test_an_order_is_a_permutation(count):
    for order in orders(5, count, 3):
        assert np.array_equal(np.sort(order), np.arange(count))


@pytest.mark.parametrize("seed", range(3))
def test_every_permutation_of_five_is_equally_frequent(seed):
    found = orders(seed, 5, 120_000) @ 5 ** np.arange(5)
    counts = np.unique(found, return_counts=True)[1]
    assert len(counts) == 120
    assert 1e-3 < stats.chisquare(counts).pvalue < 0.999


def test_every_example_comes_to_every_place_equally_often():
    found = orders(7, 37, 40_000)
    counts = np.stack([np.bincount(column, minlength=37) for column in found.T])
    # rows and columns have one sum: of so many cells that are free
    statistic = ((counts - 40_000 / 37) ** 2 / (40_000 / 37)).sum() * 36 / 37
    assert 1e-3 < stats.chi2.sf(statistic, 36 * 36) < 0.999


def fisher_yates(seed: int, count: int) -> list[int]:
    """The same by Lemire's method on the halves of PCG64's numbers, the lower one first."""
    generator, halves, order = np.random.PCG64(seed), [], list(range(count))

    def draw(bound: int) -> int:
        while True:
            if not halves:
                word = int(generator.random_raw())
                halves.extend([word >> 32, word & (2**32 - 1)])
            product = halves.pop() * bound
            if product % 2**32 >= 2**32 % bound:
                return product >> 32

    for last in range(count - 1, 0, -1):
        chosen = draw(last + 1)
        order[last], order[chosen] = order[chosen], order[last]
    return order


@pytest.mark.parametrize("count", [2, 7, 1000])
def test_an_order_is_that_of_the_textbook(count):
    for seed in SEEDS:
        assert orders(seed, count)[0].tolist() == fisher_yates(seed, count)


def normals(seed: int, count: int) -> np.ndarray:
    draw = library.function("pipeline.arithmetic.draws:normals", "uint64*", "float64*", "int64")
    own, found = state(seed), np.empty(-(-count // 16) * 16)
    draw(own.ctypes.data, found.ctypes.data, count)
    return found[:count]


def test_normal_numbers_have_the_moments_and_the_quantiles_of_the_distribution():
    n = 1_000_000
    found = normals(3, n)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (5, 0), (6, 15)):
        spread = (stats.norm.moment(2 * power) - moment**2) ** 0.5
        assert np.mean(found**power) == pytest.approx(moment, abs=4 * spread / n**0.5)
    assert stats.kstest(found, "norm").pvalue > 1e-3
    # in the tails, 4 standard deviations out: 63 are expected
    assert 35 < (np.abs(found) > 4).sum() < 95
    assert np.abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 4 / n**0.5


def test_a_normal_number_is_the_quantile_of_52_bits():
    raw = np.random.PCG64(9).random_raw(1000) >> np.uint64(12)
    expected = stats.norm.ppf((raw.astype(float) + 0.5) * 2.0**-52)
    np.testing.assert_allclose(normals(9, 1000), expected, rtol=1e-13, atol=1e-16)


def test_fewer_normal_numbers_are_the_first_of_more():
    assert normals(4, 5).tolist() == normals(4, 40)[:5].tolist()


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), 0, (0xFF1DAE59, 0x6CD10DF2)),
        ((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF, (0x2C3F628B, 0xAB4FD7AD)),
        ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
    ],
)
def test_philox_gives_the_published_answers(counter, key, expected):
    """The known answers of Random123 (kat_vectors), philox2x32 with 10 rounds."""
    found = np.empty((2, 16), np.int32)
    compiled("arithmetic.appliers:philox", "int64", "int64", "int64", "int32*")(*counter, key, found.ctypes.data)
    assert tuple(found.view(np.uint32)[:, 0].tolist()) == expected
    # the other lanes are those of the counters that follow
    compiled("arithmetic.appliers:philox", "int64", "int64", "int64", "int32*")(
        (counter[0] - 5) % 2**32, counter[1], key, found.ctypes.data
    )
    assert tuple(found.view(np.uint32)[:, 5].tolist()) == expected
