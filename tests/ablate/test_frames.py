import re

from revisions_of import results, revision
from trained import fill

from ablate import frames, revisions, show
from pipeline.project import params


def test_the_tables_of_the_commands(params_file, in_folder):
    params_file({"seeds.count": 8})
    fill()
    table = frames.judged("activation")
    assert table.drop(columns=["study", "metric"]).equals(show.judged(params.load(), "activation")[1])
    assert frames.judged()["study"].unique().tolist() == ["weight_decay", "activation"]
    assert set(frames.judged("activation", metric="test_loss")["metric"]) == {"test_loss"}
    # columns that the docstring shows
    (columns,) = re.findall(r'judged\("dropout"\)\[\[(.*)\]\]', frames.judged.__doc__)
    assert set(re.findall(r'"(\w+)"', columns)) <= set(table.columns)


def test_against_a_revision_it_is_the_comparison(monkeypatch):
    sides = {
        name: revision(str(name), {"s": results({"a": [value, 0.6]})}) for name, value in (("old", 0.5), (None, 0.7))
    }
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    table = frames.judged(against="old")
    assert table[["study", "variant", "verdict"]].to_numpy().tolist() == [["s", "a", "undecided"]]
    assert frames.judged("s", against="old").equals(table)
