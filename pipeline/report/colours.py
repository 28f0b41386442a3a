"""Colours of figures: one palette per kind of variable, the signs of verdicts, and their forms on a dark page.

Colours are `#rrggbb`. tests/report/test_colours.py holds what they promise to readers with and without colour vision.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ink:
    """Colour, marker of matplotlib and character of a verdict; a marker that is not filled is a hollow outline."""

    colour: str
    marker: str
    symbol: str
    filled: bool = True


INK = "#1d2733"  # text
QUIET = "#566372"  # secondary text
GRID = "#e3e7ec"
FAINT = "#b9c1ca"  # lines of variants that are not highlighted
GROUND = "#ffffff"  # inside of hollow marks
LINK = "#0b5cad"
CLASSES = ("#a8c8e8", "#f0c8a0", "#b8dcb0", "#e0b8d8", "#d8d8a8")  # of points behind lines
BAND = "#e9edf2"  # equivalence band

# a colour alone tells the first 6 apart, also in greyscale and for the colour-blind; further ones need a dash or marker
CATEGORICAL = ("#015385", "#bc6805", "#004a25", "#d461ca", "#6f5d07", "#6b5dc8", "#007e8c", "#f3586a")

VERDICTS: Mapping[str, Ink] = {
    "better": Ink("#045f3e", "^", "▲"),
    "worse": Ink("#c25605", "v", "▼"),
    "higher": Ink("#8a3fa0", ">", "▶"),
    "lower": Ink("#7a5a00", "<", "◀"),
    "equivalent": Ink("#2c277d", "s", "■"),
    "undecided": Ink("#5e6772", "o", "○", filled=False),
    "not comparable": Ink("#6b7480", "x", "✕", filled=False),
}

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_CONES, _FROM_OKLAB = np.linalg.inv(_TO_CONES), np.linalg.inv(_TO_OKLAB)
_HALVINGS = 16  # after which a chroma is exact to less than one step of a channel


def linear(colour: str) -> np.ndarray:
    """Return red, green and blue of a colour in proportion to light, in [0, 1], (3,)."""
    encoded = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def oklab(light: np.ndarray) -> np.ndarray:
    """Convert linear red, green and blue, (3,), to OKLab: lightness, green to red and blue to yellow, (3,).

    Reference: Ottosson, "A perceptual color space for image processing", 2020.
    """
    lab: np.ndarray = _TO_OKLAB @ np.cbrt(_TO_CONES @ light)
    return lab


def ordered(n: int) -> list[str]:
    """Return n shades of one ramp for numbers, from light green-blue to dark violet.

    >>> len(set(ordered(20)))
    20
    """
    shares = np.linspace(0, 1, n) if n > 1 else np.array([0.5])
    return [_polar(0.655 - 0.395 * share, 0.15, 195 + 90 * share) for share in shares]


def diverging(t: float) -> str:
    """Return the colour of a cell of a heat map: white at 0, orange towards -1 (worse), blue towards 1 (better).

    Raises:
        ValueError: If `t` is outside [-1, 1] or not a number.
    """
    if not -1 <= t <= 1:
        raise ValueError(f"diverging: t is {t}, must be in [-1, 1]")
    return _polar(0.98 - 0.48 * abs(t), 0.16 * abs(t), 250 if t > 0 else 50)


def on_dark(colour: str) -> str:
    """Return the form of a colour on the dark page: the same hue with inverted lightness, greys tinted as the page."""
    lightness, *plane = oklab(linear(colour))
    # the power gives light greys, as of a grid, more distance from the page
    grey = _DARKEST + (_LIGHTEST - _DARKEST) * (1 - lightness**1.5)
    return _nearest(grey + np.array([0, *plane]))


def _polar(lightness: float, chroma: float, hue: float) -> str:
    angle = np.deg2rad(hue)
    return _nearest(np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)]))


def _nearest(lab: np.ndarray) -> str:
    """Return the colour of sRGB with the lightness and hue of one in OKLab, and its chroma as far as sRGB has it."""
    inside, outside = 0.0, 1.0
    light = _light(lab)
    if not _exists(light):
        for _ in range(_HALVINGS):
            share = (inside + outside) / 2
            inside, outside = (share, outside) if _exists(_light(lab * [1, share, share])) else (inside, share)
        light = _light(lab * [1, inside, inside])
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * float(value)):02x}" for value in encoded)


def _light(lab: np.ndarray) -> np.ndarray:
    light: np.ndarray = _FROM_CONES @ (_FROM_OKLAB @ lab) ** 3
    return light


def _exists(light: np.ndarray) -> bool:
    return bool(np.all((light > -1e-4) & (light < 1 + 1e-4)))


_DARKEST, _LIGHTEST = oklab(linear("#14191f")), oklab(linear("#fafafa"))  # of white and of black on the dark page
