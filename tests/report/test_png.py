import io
import zlib

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pipeline.report import drawing, png, svg

RANDOM = np.random.default_rng(0)
IMAGES = {
    "random": RANDOM.integers(0, 256, (40, 30), np.uint8),
    "flat": np.full((70, 90), 200, np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
    "single row": RANDOM.integers(0, 2, (1, 3000), np.uint8),
    "single column": RANDOM.integers(0, 2, (3000, 1), np.uint8),
    # runs of every length around the limits of a code
    "runs": np.repeat(np.arange(300) % 251, np.arange(1, 301)).astype(np.uint8).reshape(50, -1),
    "many colours": RANDOM.integers(0, 256, (30, 20, 3), np.uint8),
}


def decoded(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", IMAGES)
def test_the_pixels_are_those_encoded(name):
    pixels = IMAGES[name]
    colours = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    np.testing.assert_array_equal(decoded(png.encode(pixels)), colours)


def test_a_palette_replaces_numbers_by_colours():
    palette = RANDOM.integers(0, 256, (256, 3), np.uint8)
    np.testing.assert_array_equal(decoded(png.encode(IMAGES["random"], palette)), palette[IMAGES["random"]])


@pytest.mark.parametrize("length", [*range(1, 20), *range(255, 265), 514, 515, 516, 517, 518, 519, 520])
@pytest.mark.parametrize("value", [0, 143, 144, 255])
def test_bytes_and_repetitions_of_every_length(length, value):
    content = np.array([7, *[value] * length, 9], np.uint8)
    assert zlib.decompress(png._compressed(content)) == content.tobytes()


def test_bytes_are_always_the_same():
    """A change of these bytes changes every PNG that users track."""
    assert zlib.crc32(png.encode(IMAGES["runs"])) == 1650155213
    assert zlib.crc32(png.encode(IMAGES["many colours"])) == 3308054049


@pytest.mark.parametrize("hues", [1, 30])
def test_a_figure_has_the_size_and_the_layout_of_its_svg(hues):
    with drawing.style():
        figure = Figure(figsize=(3, 2), layout="constrained")
        axes = figure.subplots()
        for hue in range(hues):
            axes.plot([0, 1, 2], [hue, 2, hue], color=f"C{hue}" if hues == 1 else (hue / 30, 1 - hue / 30, 0.5))
        axes.set_title("title")
        svg.write(figure)
        laid_out = axes.get_position().bounds
        file = png.draw(figure, 100)
    assert axes.get_position().bounds == laid_out
    pixels = decoded(file)
    assert pixels.shape == (200, 300, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert 1 < len(np.unique(pixels.reshape(-1, 3), axis=0)) <= 256
    assert len(file) < pixels.size / 5
