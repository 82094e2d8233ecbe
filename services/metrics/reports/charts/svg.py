"""A picture under construction: shapes in per cent across and pixels down, and what it shows in words."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

from services.metrics.reports.harmless_text import without_controls
from services.metrics.reports.model import Shown

INK: Final = "currentColor"
BLUE: Final = "#005eb8"
GREY: Final = "#768692"
LINE: Final = 20
"""Pixels from one line of words to the next; they are 15 high."""
BAR: Final = 18
GAP: Final = 14
LETTERS: Final = 36
"""What fits in a line on a phone of 320 pixels."""

_IDENT: Final = re.compile(r"[a-z][a-z0-9_-]*")
_FONT: Final = {"font-family": "arial, sans-serif", "font-size": "15", "fill": INK}


class Drawing:
    """A picture that grows downwards: `y` is the next free pixel."""

    def __init__(self, ident: str, title: str, message: str) -> None:
        """`message` says in words what the picture shows. ValueError when `ident` cannot be an id."""
        if not _IDENT.fullmatch(ident):
            raise ValueError(f"{ident!r} is no id for a picture")
        self.ident = ident
        self.y = 0.0
        names = {"title": f"{ident}-title", "desc": f"{ident}-desc"}
        self._root = ET.Element("svg", {"class": "pir-chart", "role": "img", "width": "100%"})
        self._root.set("aria-labelledby", " ".join(names.values()))
        for tag, text in (("title", title), ("desc", message)):
            ET.SubElement(self._root, tag, id=names[tag]).text = without_controls(text)

    def shape(self, tag: str, **attributes: str | float) -> ET.Element:
        """One element; `stroke_width` becomes `stroke-width`."""
        written = {name.rstrip("_").replace("_", "-"): _written(value) for name, value in attributes.items()}
        return ET.SubElement(self._root, tag, written)

    def words(self, text: str, *, x: float, y: float, anchor: str = "start", dx: float = 0) -> None:
        """One line of words, its base at `y`."""
        attributes = _FONT | {"x": across(x), "y": _written(y), "text-anchor": anchor}
        if dx:
            attributes["dx"] = _written(dx)
        ET.SubElement(self._root, "text", attributes).text = without_controls(text)

    def paragraph(self, text: str) -> None:
        """Words over the whole width, on as many lines as a phone needs."""
        for line in textwrap.wrap(text, LETTERS) or [""]:
            self.y += LINE
            self.words(line, x=0, y=self.y - 6)

    def label(self, name: str, text: str) -> None:
        """`name: text` on one line where a phone has room for it, else on lines of their own."""
        for line in [f"{name}: {text}"] if len(name) + len(text) + 2 <= LETTERS else [f"{name}:", text]:
            self.paragraph(line)

    def line(self, x: tuple[float, float], y: tuple[float, float], **attributes: str | float) -> None:
        """From one place to another; solid, dark and thin unless said otherwise."""
        usual: dict[str, str | float] = {"stroke": INK, "stroke_width": 1}
        self.shape("line", x1=across(x[0]), y1=y[0], x2=across(x[1]), y2=y[1], **(usual | attributes))

    def hatch(self) -> str:
        """A fill of slanted lines, which print in black and white."""
        name = f"{self.ident}-hatch"
        definitions = self.shape("defs")
        attributes = {"id": name, "width": "6", "height": "6", "patternUnits": "userSpaceOnUse"}
        pattern = ET.SubElement(definitions, "pattern", attributes | {"patternTransform": "rotate(45)"})
        ET.SubElement(pattern, "rect", width="6", height="6", fill="#ffffff")
        ET.SubElement(pattern, "rect", width="3", height="6", fill=GREY)
        return f"url(#{name})"

    def markup(self) -> Markup:
        """The finished picture, as high as what was drawn."""
        self._root.set("height", _written(self.y + GAP))
        return Markup(ET.tostring(self._root, encoding="unicode"))  # noqa: S704  the writer has escaped every text


def across(percent: float) -> str:
    """A place or width within the picture: `37.5%`."""
    return f"{_written(percent)}%"


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


SOME: Final = 5
"""Longer lists are counted, not read out."""


def joined(names: Sequence[str]) -> str:
    """`one, two and three`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def listing(what: str, names: Sequence[str]) -> str:
    """`Targets met: A and B.`; the number of them when they are many, nothing when there are none."""
    if not names:
        return ""
    return f"{what}: {joined(names) if len(names) <= SOME else len(names)}."


def held_back(rows: Sequence[tuple[str, Shown]]) -> str:
    """Which names have no number."""
    return listing("Without a number", [name for name, shown in rows if shown.value is None])
