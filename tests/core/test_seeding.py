import itertools

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


def test_the_streams_are_the_published_ones():
    """A change here changes every committed result."""
    assert generator(Seed(0, 0), "order").integers(1000, size=4).tolist() == [892, 364, 310, 511]
