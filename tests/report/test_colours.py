"""The palettes are told apart in both themes, with and without colour vision, and in greyscale."""

import itertools

import numpy as np
import pytest

from pipeline.report import colours, drawing
from pipeline.report.colours import linear, oklab

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009:
# severity 1, for linear red, green and blue
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
THEMES = {"light": (lambda colour: colour, "#ffffff"), "dark": (colours.on_dark, colours.on_dark("#ffffff"))}
NAMED = list(itertools.combinations(colours.CATEGORICAL[:6], 2))
MAIN = ["better", "worse", "equivalent", "undecided"]
VERDICTS = list(itertools.combinations([colours.VERDICTS[verdict].colour for verdict in MAIN], 2))
NUMBERS = [pair for n in range(2, 7) for pair in itertools.pairwise(colours.ordered(n))]
HUES = [*colours.CATEGORICAL, *colours.ordered(6), *(ink.colour for ink in colours.VERDICTS.values())]


def seen(colour: str, sight: str) -> np.ndarray:
    return oklab(np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1))


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def grey(colour: str) -> float:
    """L* of CIELAB, of which a reader sees a step of about 1 side by side."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def contrast(colour: str, ground: str) -> float:
    """Of WCAG 2."""
    light, dark = sorted([luminance(colour) + 0.05, luminance(ground) + 0.05], reverse=True)
    return light / dark


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("pairs", [NAMED, VERDICTS, NUMBERS], ids=["named", "verdicts", "numbers"])
def test_colours_are_told_apart(pairs, theme):
    shown, _ = THEMES[theme]
    for one, other in pairs:
        one, other = shown(one), shown(other)
        for sight in SIGHT:
            # a step of 0.02 is just seen
            assert np.linalg.norm(seen(one, sight) - seen(other, sight)) > 0.04, (one, other, sight)
        assert abs(grey(one) - grey(other)) > 4.5, (one, other)


def test_more_names_than_6_have_their_own_colours():
    for shown, _ in THEMES.values():
        for one, other in itertools.combinations(map(shown, colours.CATEGORICAL), 2):
            assert np.linalg.norm(seen(one, "normal") - seen(other, "normal")) > 0.04, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_marks_stand_out_from_the_page(theme):
    shown, ground = THEMES[theme]
    for colour in [colours.INK, colours.QUIET, *(ink.colour for ink in colours.VERDICTS.values())]:
        assert contrast(shown(colour), ground) >= 4.5, colour
    for colour in HUES:
        assert contrast(shown(colour), ground) >= 3, colour
    for colour in [colours.GRID, colours.BAND, colours.FAINT]:
        assert 1.1 < contrast(shown(colour), ground) < 3, colour


def test_the_dark_page_keeps_the_order_of_shades_and_the_hue():
    for shades in [colours.ordered(20), [f"#{8 * n:02x}{8 * n:02x}{8 * n:02x}" for n in range(31, -1, -1)]]:
        light, dark = [[grey(shown(shade)) for shade in shades] for shown, _ in THEMES.values()]
        assert light == sorted(light, reverse=True)
        assert dark == sorted(dark)
        assert len(set(dark)) == len(dark)
    assert colours.on_dark("#ffffff") == "#14191f"
    for colour in HUES:
        hues = [np.arctan2(*oklab(linear(form))[:0:-1]) for form in (colour, colours.on_dark(colour))]
        if np.linalg.norm(oklab(linear(colour))[1:]) > 0.05:
            assert abs(np.angle(np.exp(1j * (hues[1] - hues[0])))) < 0.25, colour


def test_a_heat_map_is_white_at_0_and_as_dark_at_both_ends():
    shades = [colours.diverging(t) for t in np.linspace(-1, 1, 21)]
    assert shades[10] == "#f8f8f8"
    for end in (shades[10:], shades[10::-1]):
        lightness = [oklab(linear(shade))[0] for shade in end]
        assert np.all(np.diff(lightness) < -0.03)
    assert abs(grey(shades[0]) - grey(shades[-1])) < 5
    # colour-blind readers tell worse from better
    for sight in SIGHT:
        assert np.linalg.norm(seen(shades[5], sight) - seen(shades[15], sight)) > 0.06, sight
    for wrong in (1.5, float("nan")):
        with pytest.raises(ValueError, match="must be in"):
            colours.diverging(wrong)


@pytest.mark.parametrize("theme", THEMES)
def test_numbers_in_a_heat_map_are_readable(theme):
    shown, _ = THEMES[theme]
    for t in (-drawing.TINT, drawing.TINT):
        assert contrast(shown(colours.INK), shown(colours.diverging(t))) >= 4.5


def test_every_verdict_has_its_own_marker_and_symbol():
    inks = colours.VERDICTS.values()
    assert len({ink.marker for ink in inks}) == len({ink.symbol for ink in inks}) == len(colours.VERDICTS) == 7
