"""PCG64, permutations and Philox; normal numbers are tested in test_arrays.py."""

import numpy as np
import pytest
from compiled import compiled

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import pcg64_state

SEEDS = [0, 1, 2**63, 2**128 - 1]


def state_of(seed: int) -> np.ndarray:
    return pcg64_state(np.random.Generator(np.random.PCG64(seed)))


@pytest.mark.parametrize("seed", SEEDS)
def test_pcg64_is_numpy_s_to_the_bit(seed):
    state, numbers = state_of(seed), np.empty(10_000, np.uint64)
    raw_bits = compiled("arithmetic.appliers:raw_bits", "uint64*", "uint64*", "int64")
    raw_bits(state.ctypes.data, numbers.ctypes.data, len(numbers))
    generator = np.random.PCG64(seed)
    assert np.array_equal(numbers, generator.random_raw(len(numbers)))
    assert np.array_equal(state, pcg64_state(np.random.Generator(generator)))


def fisher_yates(seed: int, count: int) -> list[int]:
    """Draw the same order by Lemire's method on the halves of PCG64's numbers, the lower half first."""
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


@pytest.mark.parametrize("count", [0, 1, 2, 7, 1000, 60_000])
def test_an_order_is_that_of_the_textbook(count):
    permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
    for seed in SEEDS:
        state, drawn = state_of(seed), np.empty(count, np.int64)
        permute(state.ctypes.data, drawn.ctypes.data, count)
        assert drawn.tolist() == fisher_yates(seed, count)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), 0, (0xFF1DAE59, 0x6CD10DF2)),
        ((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF, (0x2C3F628B, 0xAB4FD7AD)),
        ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
    ],
)
@pytest.mark.parametrize("lane", [0, 5])
def test_philox_gives_the_published_answers(counter, key, expected, lane):
    """The known answers of Random123 (kat_vectors), philox2x32 with 10 rounds; lane i has the i-th counter."""
    words = np.empty((2, 16), np.int32)
    philox = compiled("arithmetic.appliers:philox", "int64", "int64", "int64", "int32*")
    philox((counter[0] - lane) % 2**32, counter[1], key, words.ctypes.data)
    assert tuple(words.view(np.uint32)[:, lane].tolist()) == expected
