"""Figures and images as PNG: the bytes depend on nothing but the pixels, neither on the version of zlib nor processor.

The compression is the part of DEFLATE that pays for figures: rows minus the row above, repetitions of one byte, and
fixed Huffman codes.
"""

import zlib
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_LONGEST = 258  # bytes of a match in DEFLATE


def draw(figure: Figure, dpi: float) -> bytes:
    """Rasterise a figure as `svg.write` laid it out, which is not solved again, in at most 256 colours."""
    figure.set_layout_engine("none")
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return encode(*_with_palette(np.asarray(canvas.buffer_rgba())[..., :3]))


def encode(pixels: np.ndarray, palette: np.ndarray | None = None) -> bytes:
    """Encode an image without loss.

    Args:
        pixels: Grey levels or, with a palette, places in it, (height, width), or colours, (height, width, 3), uint8.
        palette: Up to 256 colours, (colours, 3), uint8.
    """
    height, width = pixels.shape[:2]
    kind = 3 if palette is not None else 2 if pixels.ndim == 3 else 0
    rows = pixels.reshape(height, -1)
    filtered = np.full((height, rows.shape[1] + 1), 2, np.uint8)  # each row starts with 2: minus the row above
    filtered[:, 1:] = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, kind, 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", _compressed(filtered.ravel())), (b"IEND", b"")]
    if palette is not None:
        chunks.insert(1, (b"PLTE", palette.tobytes()))
    file = b"\x89PNG\r\n\x1a\n"
    for name, content in chunks:
        file += len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)
    return file


def _with_palette(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep the 256 most frequent colours, equal to 5 bits per channel; others become the nearest of them.

    Each has the value of one of its pixels, so that an area of one colour keeps it.

    Returns:
        Places in the palette, (height, width), and the palette, (colours, 3), both uint8.
    """
    levels = ((np.arange(256) * 31 + 127) // 255).astype(np.uint16)
    numbers: Any = sum((levels << 5 * place).take(colours[..., 2 - place]) for place in range(3))
    counts = np.bincount(numbers.ravel(), minlength=2**15)
    used = np.flatnonzero(counts)
    kept = np.sort(used[np.argsort(-counts[used], kind="stable")[:256]])
    red, green, blue = (np.arange(2**15) >> shift & 31 for shift in (10, 5, 0))
    distances: Any = sum(np.square(channel[used, None] - channel[kept]) for channel in (red, green, blue))
    places = np.empty(2**15, np.uint8)
    places[used] = distances.argmin(axis=1)
    exact = np.empty((2**15, 3), np.uint8)
    exact[numbers.ravel()] = colours.reshape(-1, 3)
    return places[numbers], exact[kept]


def _compressed(content: np.ndarray) -> bytes:
    """Compress bytes to the format of zlib: each run of equal bytes is one of them and repetitions of it.

    Reference: RFC 1951, sections 3.2.5 and 3.2.6.
    """
    starts = np.flatnonzero(np.diff(content, prepend=content[:1] + 1))
    repetitions = np.diff(starts, append=len(content)) - 1
    full, rest = np.divmod(repetitions, _LONGEST)
    # per run: the byte, matches of full length, and one match of what remains or, where it is too short, the bytes
    tokens = 1 + full + np.where(rest < 3, rest, 1)
    run = np.repeat(np.arange(len(starts)), tokens)
    place = np.arange(len(run)) - np.repeat(np.cumsum(tokens) - tokens, tokens)
    length = np.where(place <= full[run], _LONGEST, rest[run])
    is_byte = (place == 0) | (length < 3)
    symbols = np.where(is_byte, content[starts][run], 256 + length)
    codes, sizes = (np.concatenate([[first], table[symbols], [last]]) for first, table, last in _FRAMED)
    bits = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    packed = np.packbits(np.repeat(codes, sizes) >> bits & 1, bitorder="little")
    return b"\x78\x01" + packed.tobytes() + zlib.adler32(content.tobytes()).to_bytes(4)


def _fixed_codes() -> tuple[np.ndarray, np.ndarray]:
    """Return bits and their number, lowest first, for each byte and, from 256 on, for repetitions of 0 to 258."""
    codes, sizes = np.zeros((2, 257 + _LONGEST), np.int64)
    for symbol in range(len(codes)):
        extra, more, after = 0, 0, 0
        if symbol < 256:
            code, size = (0x30 + symbol, 8) if symbol < 144 else (0x190 + symbol - 144, 9)
        else:
            length = max(symbol - 256, 3) - 3
            more, after = max(0, length.bit_length() - 3), 5  # bits of the distance, which is 1: code 0
            extra, number = length & (2**more - 1), 4 * more + (length >> more) + 1
            if length == _LONGEST - 3:
                more, extra, number = 0, 0, 29
            code, size = (number, 7) if number < 24 else (0xC0 + number - 24, 8)
        codes[symbol] = int(f"{code:0{size}b}"[::-1], 2) | extra << size
        sizes[symbol] = size + more + after
    return codes, sizes


# before the codes: the last block, with fixed codes; after them: its end
_FRAMED = tuple(zip((3, 3), _fixed_codes(), (0, 7), strict=True))
