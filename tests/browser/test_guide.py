"""The guide beside the pages: its pictures are there, small, and its words are those of the buttons."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest

from services.referral.front import TEMPLATES
from services.triage.pages.steps.step_forms import WORDS
from shared.pages.wording import STEPS
from tests.browser.guide import FOLDER, OF_OPERATIONS, OF_REFERRERS, OF_REPORTS, WIDTH
from tests.browser.small_png import small
from tests.reading import grade

TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")
OF_REFERRERS_TEXT = FOLDER.parent.joinpath("refer.md").read_text(encoding="utf-8")
OF_REPORTS_TEXT = FOLDER.parent.joinpath("reports.md").read_text(encoding="utf-8")
OF_OPERATIONS_TEXT = FOLDER.parent.joinpath("operations.md").read_text(encoding="utf-8")
PAGES = "".join(
    file.read_text(encoding="utf-8") for file in TEMPLATES.parent.rglob("*.*") if file.suffix in (".py", ".html")
)
MOST_BYTES = 100_000
HARDEST = 9
"""The school year of the guide for those who refer."""
CONFIRM = "Confirm the decline"
"""What a proposed decline is called."""


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (TEXT, FOLDER),
        (OF_REFERRERS_TEXT, OF_REFERRERS),
        (OF_REPORTS_TEXT, OF_REPORTS),
        (OF_OPERATIONS_TEXT, OF_OPERATIONS),
    ],
    ids=["staff", "referrers", "reports", "operations"],
)
def test_every_picture_is_shown_and_every_shown_picture_is_there(text: str, folder: Path) -> None:
    shown = re.findall(r"!\[([^\]]+)\]\((?:refer/|reports/|operations/)?([^)/]+\.png)\)", text)
    assert {name for _, name in shown} == {file.name for file in folder.glob("*.png")}
    assert all(len(words) > 20 for words, _ in shown), "whoever can't see a picture reads what is on it"


def test_pictures_are_as_wide_as_a_page_and_small() -> None:
    for file in (file for folder in (FOLDER, OF_REFERRERS, OF_REPORTS, OF_OPERATIONS) for file in folder.glob("*.png")):
        content = file.read_bytes()
        assert struct.unpack(">I", content[16:20]) == (WIDTH,)
        assert len(content) < MOST_BYTES, file.name


def test_steps_are_called_what_their_buttons_say() -> None:
    acting = TEXT.partition("## Acting")[2].partition("\n## ")[0]
    named = re.findall(r"^- \*\*([^*]+)\*\*", acting, re.MULTILINE)
    assert len(named) > 5
    assert set(named) <= {*STEPS.values(), *WORDS.values(), CONFIRM}


def test_what_is_pressed_is_called_what_the_pages_of_those_who_refer_say() -> None:
    named = re.findall(r"\*\*([^*.]+)\*\*", re.sub(r"\s+", " ", OF_REFERRERS_TEXT))
    assert len(named) > 15
    assert [words for words in named if f">{words}<" not in PAGES and f'"{words}"' not in PAGES] == []


def test_the_guide_of_those_who_refer_is_easy_to_read() -> None:
    prose = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|[*#`]", r"\1", OF_REFERRERS_TEXT)
    assert grade(prose) <= HARDEST


def test_a_small_picture_shows_the_same_as_the_large_one() -> None:
    lines = [bytes((x * 40, y * 60, 7)[part] for x in range(3) for part in range(3)) for y in range(4)]
    sub = [bytes((byte - (line[at - 3] if at > 2 else 0)) & 255 for at, byte in enumerate(line)) for line in lines]
    packed = zlib.compress(b"".join(b"\1" + line for line in sub))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 3, 4, 8, 2, 0, 0, 0)), (b"IDAT", packed), (b"IEND", b"")]
    large = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    made = small(large)
    palette, indices = _part(made, b"PLTE"), zlib.decompress(_part(made, b"IDAT"))
    shown = [indices[start + 1 : start + 4] for start in range(0, len(indices), 4)]
    assert [b"".join(palette[place * 3 : place * 3 + 3] for place in line) for line in shown] == lines


def _part(png: bytes, name: bytes) -> bytes:
    at = png.index(name)
    return png[at + 4 : at + 4 + struct.unpack(">I", png[at - 4 : at])[0]]
