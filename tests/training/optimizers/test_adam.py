from samples import ADAM

from pipeline.training.optimizers.adam import Adam

# steps against those of torch: test_engine.py


def test_the_decay_of_adamw_is_decoupled():
    adam, adamw = (Adam(**ADAM | {"name": name}) for name in ("adam", "adamw"))
    assert (adam.decoupled, adamw.decoupled) == (False, True)
    arguments = {"betas": (0.9, 0.999), "eps": 1e-8, "fused": True}
    assert (adam.counterpart, adamw.counterpart) == (("Adam", arguments), ("AdamW", arguments))
