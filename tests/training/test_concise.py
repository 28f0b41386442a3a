import numpy as np
import torch
from samples import classes, seeds, setting

from pipeline.training import concise

# parity with the stacked engine over every choice: test_loop.py


def test_torch_s_own_dropout_is_active_in_training_only_and_seeded():
    chosen = setting({"model.dropout": [0.3, 0.5]})
    one, same, other = (concise.train(chosen, seed, classes()) for seed in (*seeds(1), *seeds(1), seeds(2)[1]))
    plain = concise.train(setting(), seeds(1)[0], classes())
    np.testing.assert_array_equal(one.weights[0], same.weights[0])
    assert not np.allclose(one.weights[0], other.weights[0])
    assert not np.allclose(one.weights[0], plain.weights[0])
    np.testing.assert_array_equal(one.layers["gradient_rms", "start"], plain.layers["gradient_rms", "start"])


def test_rate_0_is_no_dropout():
    one, plain = (concise.train(setting({"model.dropout": rate}), seeds(1)[0], classes()) for rate in (0.0, [0.0, 0.0]))
    np.testing.assert_array_equal(one.weights[0], plain.weights[0])


def test_the_global_generator_and_the_number_of_threads_are_left_as_they_were():
    torch.manual_seed(11)
    threads, expected = torch.get_num_threads(), torch.random.get_rng_state()
    concise.train(setting({"model.dropout": 0.5}), seeds(1)[0], classes())
    assert torch.equal(torch.random.get_rng_state(), expected)
    assert torch.get_num_threads() == threads
