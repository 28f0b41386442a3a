import numpy as np
import pytest
import torch
from samples import seeds

from pipeline.project.seeding import generator
from pipeline.training import draws
from pipeline.training.draws import Dropout, orders
from pipeline.training.products import padded

LIKE = torch.empty(0, dtype=torch.float64)


def test_every_epoch_is_a_permutation_and_no_two_are_alike():
    found = [order.copy() for order in orders(seeds(1)[0], 50, 20)]
    assert all(sorted(order) == list(range(50)) for order in found)
    assert len({tuple(order) for order in found}) == 20


def test_more_epochs_begin_with_the_same_ones():
    short, long = ([order.tolist() for order in orders(seeds(1)[0], 50, count)] for count in (3, 20))
    assert long[:3] == short


def test_the_order_does_not_depend_on_how_many_epochs_are_drawn_in_one_call(monkeypatch):
    at_once = [order.tolist() for order in orders(seeds(1)[0], 50, 20)]
    monkeypatch.setattr(draws, "_BLOCK", 150)
    assert [order.tolist() for order in orders(seeds(1)[0], 50, 20)] == at_once


def masks(rate: float, runs: int = 2, rows: int = 400, width: int = 250) -> torch.Tensor | None:
    (mask,) = Dropout(seeds(runs), [[rate]] * runs, [width], LIKE).keeps(rows, [padded(width)])
    return mask


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.9])
def test_rate_and_scale_of_a_mask(rate):
    """P(drop) = p, E[m] = 1, Var[m] = p / (1 - p), checked at 5 standard errors, n = 200,000."""
    mask = masks(rate)[..., :250]
    n = mask.numel()
    dropped = float((mask == 0).double().mean())
    assert dropped == pytest.approx(rate, abs=5 * (rate * (1 - rate) / n) ** 0.5)
    variance = rate / (1 - rate)
    assert float(mask.mean()) == pytest.approx(1, abs=5 * (variance / n) ** 0.5)
    assert float(mask.var()) == pytest.approx(variance, rel=0.05)
    assert float(mask.max()) == pytest.approx(1 / (1 - rate), rel=2e-4)


def test_rate_0_drops_nothing_and_rate_1_everything():
    assert masks(0.0) is None
    assert not masks(1.0).any()


def test_a_run_without_dropout_beside_one_with_it_is_multiplied_by_exactly_one():
    (mask,) = Dropout(seeds(2), [[0.0], [0.5]], [30], LIKE).keeps(8, [32])
    assert torch.equal(mask[0, :, :30], torch.ones(8, 30, dtype=torch.float64))


def test_masks_depend_on_seed_layer_and_step_and_on_nothing_else():
    widths, sizes = [33, 20], [48, 32]
    together = Dropout([*seeds(3), *seeds(3)], [[0.3, 0.5]] * 6, widths, LIKE)
    alone = Dropout(seeds(3)[1:2], [[0.3, 0.5]], widths, LIKE)
    seen = set()
    for rows in (17, 17, 5):
        all_masks = [mask.clone() for mask in together.keeps(rows, sizes)]
        for layer, mask in enumerate(alone.keeps(rows, sizes)):
            assert torch.equal(mask[0], all_masks[layer][1])
            assert torch.equal(mask[0], all_masks[layer][4])
        seen |= {mask[run].numpy().tobytes() for mask in all_masks for run in range(3)}
    assert len(seen) == 3 * 2 * 3


def test_a_higher_rate_drops_what_a_lower_one_drops_and_more():
    (mask,) = Dropout([seeds(1)[0]] * 2, [[0.2], [0.6]], [64], LIKE).keeps(50, [64])
    assert not ((mask[0] == 0) & (mask[1] != 0)).any()


def test_no_two_columns_of_a_mask_go_together():
    mask = (masks(0.5, runs=1, rows=2000, width=40)[0, :, :40] > 0).double().numpy()
    correlations = np.corrcoef(mask.T)[np.triu_indices(40, 1)]
    assert np.abs(correlations).max() < 5 / 2000**0.5


def test_the_draws_of_a_device_drop_at_the_rate_and_are_the_seed_s_own():
    """The generators that live on a GPU, here on the processor: any width, stacks of any composition."""
    stream = draws._DeviceStream(generator(seeds(1)[0], "dropout", 0), torch.device("cpu"))
    drawn = stream.draw(200_001)
    assert drawn.dtype == torch.int16
    assert drawn.shape == (200_001,)
    for rate in (0.2, 0.5):
        dropped = float((drawn < rate * 65_536 - 32_768).double().mean())
        assert dropped == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 200_001) ** 0.5)
    again = draws._DeviceStream(generator(seeds(1)[0], "dropout", 0), torch.device("cpu"))
    assert torch.equal(again.draw(200_001), drawn)
    assert not torch.equal(again.draw(200_001), drawn)
    other = draws._DeviceStream(generator(seeds(2)[1], "dropout", 0), torch.device("cpu"))
    assert not torch.equal(other.draw(200_001), drawn)
