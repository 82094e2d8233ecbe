"""A picture of a page in as few bytes as it can be: its 256 commonest colours and the best compression.

Pages have few colours, and what is lost in the edges of letters nobody sees.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MOST_COLOURS: Final = 256

Colour = tuple[int, int, int]


def small(png: bytes) -> bytes:
    """The same picture with a palette; takes 8-bit RGB without interlacing, as browsers make it."""
    chunks = list(_chunks(png))
    width, height, *kind = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    if kind != [8, 2, 0, 0, 0]:
        raise ValueError(f"not 8-bit RGB: {kind}")
    lines = _unfiltered(zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT")), width * 3)
    pixels = [list(zip(line[::3], line[1::3], line[2::3], strict=True)) for line in lines]
    places, palette = _palette(Counter(pixel for line in pixels for pixel in line))
    packed = b"".join(b"\0" + bytes(places[pixel] for pixel in line) for line in pixels)
    return SIGNATURE + b"".join(
        _chunk(name, content)
        for name, content in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", b"".join(map(bytes, palette))),
            (b"IDAT", zlib.compress(packed, 9)),
            (b"IEND", b""),
        )
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _unfiltered(packed: bytes, size: int) -> Iterator[bytes]:
    """Lines of so many bytes, each as it was before its filter (PNG, section 9)."""
    above = bytes(size)
    for start in range(0, len(packed), size + 1):
        line = bytearray(packed[start + 1 : start + 1 + size])
        way = packed[start]
        for at in range(size) if way else ():
            left, corner = (line[at - 3], above[at - 3]) if at > 2 else (0, 0)
            guess = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[way]
            line[at] = (line[at] + guess) & 255
        above = bytes(line)
        yield above


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))


def _palette(counts: Counter[Colour]) -> tuple[dict[Colour, int], list[Colour]]:
    """The place of every colour in the palette: its own, or that of the nearest one."""
    palette = [colour for colour, _ in counts.most_common(MOST_COLOURS)]
    places = {colour: place for place, colour in enumerate(palette)}
    for colour in counts:
        if colour not in places:
            nearest = min(palette, key=lambda kept: sum((a - b) ** 2 for a, b in zip(kept, colour, strict=True)))
            places[colour] = places[nearest]
    return places, palette
