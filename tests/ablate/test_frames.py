import re

import pytest
from revisions_of import results, revision
from trained import fill

from ablate import frames, revisions, show


def test_one_call_gives_the_tables_of_the_commands(params_file, in_folder, monkeypatch):
    params_file({"seeds.count": 8})
    fill()
    one = frames.judged("activation")
    assert one.drop(columns=["study", "metric"]).equals(show.judged("activation")[2])
    every = frames.judged()
    assert every["study"].unique().tolist() == ["weight_decay", "activation"]
    assert set(frames.judged("activation", metric="test_loss")["metric"]) == {"test_loss"}


def test_against_a_revision_it_is_the_comparison(monkeypatch):
    sides = {
        name: revision(str(name), {"s": results({"a": [0.5 + shift, 0.6, 0.7]})})
        for name, shift in (("old", 0), (None, 0.1))
    }
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    found = frames.judged(against="old")
    assert found[["study", "variant", "verdict"]].to_numpy().tolist() == [["s", "a", "undecided"]]
    assert frames.judged("s", against="old").equals(found)


def test_what_its_docstring_shows_names_columns_there_are(params_file, in_folder):
    params_file({"seeds.count": 8})
    fill()
    (columns,) = re.findall(r'judged\("dropout"\)\[\[(.*)\]\]', frames.judged.__doc__)
    assert set(re.findall(r'"(\w+)"', columns)) <= set(frames.judged("activation").columns)
    with pytest.raises(KeyError):
        frames.judged("activation")["delta"]
