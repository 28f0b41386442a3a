import dataclasses

from matplotlib.figure import Figure
from report.sections import made

from pipeline.report import drawing


def of(study: str):
    return next(section for section in made().sections if section.study.id == study)


def test_every_variant_has_a_colour_of_its_own():
    study = of("named").study
    many = [dataclasses.replace(study.variants[0], id=f"v{n}", label=f"v{n}") for n in range(24)]
    assert len(set(drawing.colours(dataclasses.replace(study, variants=tuple(many))).values())) == 24


def test_a_factor_is_named_in_words():
    words = {name: drawing.factor_words(of(name).study) for name in ("weight_decay", "activation", "named")}
    assert words == {"weight_decay": "weight decay", "activation": "activation", "named": "variant"}


def test_coordinates_are_rounded_and_words_are_not():
    def draw() -> Figure:
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1 / 3, 1], [0, 0.123456, 1])
        axes.set_title("0.123456")
        return figure

    svg = drawing.picture("name", "caption", draw).svg
    assert ">0.123456<" in svg
    paths = [part.split('"')[0] for part in svg.split(' d="')[1:]]
    numbers = [word for path in paths for word in path.split() if "." in word]
    assert numbers
    assert max(len(word.split(".")[1]) for word in numbers) == 2


def test_a_block_says_what_its_number_is_of():
    assert drawing.block_names(of("activation").study) == ["learning rate 0.1", "learning rate 0.5"]
    assert drawing.block_names(of("named").study) == [""]


def test_long_names_do_not_stand_beside_each_other():
    assert not drawing.is_long(["0", "0.5"])
    assert drawing.is_long(["normal(std=0.01)"])
    assert drawing.is_long(["ten letters"] * 7)
