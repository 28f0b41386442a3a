import itertools

import numpy as np
import pytest

from pipeline.core.seeding import Seed, generator


def draws(*stream) -> list[float]:
    return generator(*stream).random(4).tolist()


def test_every_seed_purpose_and_key_has_its_own_stream():
    streams = [
        (Seed(root, index), purpose, *key)
        for root, index, purpose, key in itertools.product(
            (0, 1), (0, 1, 2), ("data", "split", "initialization", "order", "dropout"), ((), (0,), (1,), (0, 1), (1, 0))
        )
    ]
    assert len({tuple(draws(*stream)) for stream in streams}) == len(streams)
    assert draws(Seed(0, 1), "order") == draws(Seed(0, 1), "order")


def test_numpy_s_global_generator_is_neither_used_nor_moved():
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first = draws(Seed(0, 0), "data")
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert draws(Seed(0, 0), "data") == first


def test_an_unknown_purpose_is_refused():
    with pytest.raises(ValueError, match="not in tuple"):
        generator(Seed(0, 0), "luck")  # type: ignore[arg-type]


def test_the_streams_are_the_published_ones():
    """A change here changes every committed result."""
    assert generator(Seed(0, 0), "order").integers(1000, size=4).tolist() == [892, 364, 310, 511]
