import numpy as np
import pytest
from samples import seeds

from pipeline.core.seeding import generator
from pipeline.training.draws import mask_key, masks, orders

# that trainings drop by these masks: parity with torch, test_engine.py
SEED = seeds(1)[0]


def test_every_epoch_is_a_permutation_of_the_seed_s_own_and_more_epochs_begin_with_the_same_ones():
    long, short, other = (
        [order.tolist() for order in orders(seeds(2)[i], 50, n)] for i, n in ((0, 20), (0, 3), (1, 20))
    )
    assert all(sorted(order) == list(range(50)) for order in long)
    assert len({tuple(order) for order in long + other}) == 40
    assert long[:3] == short


def mask(rate: float) -> np.ndarray:
    """The mask of the first step, of 400 examples and 500 units."""
    return masks(SEED, 0, rate, 500)(400)


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.9])
def test_rate_and_scale_of_a_mask(rate):
    """P(drop) = p, E[m] = 1, Var[m] = p / (1 - p), checked at 5 standard errors, n = 200,000."""
    drawn, n, variance = mask(rate), 200_000, rate / (1 - rate)
    assert (drawn == 0).mean() == pytest.approx(rate, abs=5 * (rate * (1 - rate) / n) ** 0.5)
    assert drawn.mean() == pytest.approx(1, abs=5 * (variance / n) ** 0.5)
    assert drawn.var() == pytest.approx(variance, rel=0.05)
    # a rate is rounded to a multiple of 2^-16
    assert set(np.unique(drawn)) == {0.0, 1 / (1 - round(rate * 2**16) / 2**16)}


def test_rate_0_drops_nothing_and_rate_1_everything():
    assert (mask(0.0) == 1).all()
    assert (mask(1.0) == 0).all()
    assert (mask(2.0**-17) == 1).all()


@pytest.mark.parametrize("lower", [0.0, 0.2, 0.59])
def test_a_higher_rate_drops_the_units_of_a_lower_one_and_more(lower):
    few, many = mask(lower) == 0, mask(0.6) == 0
    assert (many | ~few).all()
    assert many.sum() > few.sum()


def test_masks_depend_on_seed_layer_and_step_and_on_nothing_else():
    drawn = {}
    for seed in (*seeds(2), SEED):
        for layer in (0, 1):
            draw = masks(seed, layer, 0.3, 33)
            for step in range(3):
                drawn.setdefault((seed, layer, step), set()).add(draw(17).tobytes())
    assert all(len(different) == 1 for different in drawn.values())
    assert len(set.union(*drawn.values())) == 2 * 2 * 3
    assert mask_key(SEED, 3) == generator(SEED, "dropout", 3).integers(2**32)
