"""A report as a file to take along: made once for each published version, since it never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from services.metrics.asking import Found
from services.metrics.formats import MEDIA_TYPES, Format
from services.metrics.library import Edition, Library
from services.metrics.reports.as_csv import contract_csv, equality_csv, need_csv
from services.metrics.reports.as_xlsx import contract_xlsx, equality_xlsx, need_xlsx
from services.metrics.reports.model import Heading, ReportKind

KEPT: Final = 60
"""Files in memory, some 50 KB each."""
MAKING: Final[dict[tuple[ReportKind, Format], Callable[[Any], bytes]]] = {
    (ReportKind.CONTRACT, Format.CSV): contract_csv,
    (ReportKind.EQUALITY, Format.CSV): equality_csv,
    (ReportKind.NEED, Format.CSV): need_csv,
    (ReportKind.CONTRACT, Format.XLSX): contract_xlsx,
    (ReportKind.EQUALITY, Format.XLSX): equality_xlsx,
    (ReportKind.NEED, Format.XLSX): need_xlsx,
}


class Files:
    """Workbooks take a second of a processor: one at a time, and beside the event loop."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: dict[tuple[Edition, Format], bytes] = {}
        self._one_at_a_time = asyncio.Lock()

    async def content(self, found: Found, form: Format) -> bytes:
        """JSON as it was published; CSV or XLSX of it."""
        edition = found.edition
        if form is Format.JSON:
            if edition is None:
                return found.report.model_dump_json().encode()
            return (await self._library.documents([edition]))[0].text.encode()
        make = MAKING[found.report.heading.kind, form]
        if edition is None:
            return await asyncio.to_thread(make, found.report)
        async with self._one_at_a_time:
            if (made := self._made.get((edition, form))) is None:
                made = await asyncio.to_thread(make, found.report)
            self._keep(edition, form, made)
        return made

    def _keep(self, edition: Edition, form: Format, made: bytes) -> None:
        self._made.pop((edition, form), None)
        self._made[edition, form] = made
        for key in list(self._made)[:-KEPT]:
            del self._made[key]


def file_name(heading: Heading, form: Format) -> str:
    """`nottingham-contract-report-2026-06-version-2.csv`: letters, digits, hyphens and a dot."""
    place = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in heading.authority_name)
    practice = "practice-" if heading.is_practice else ""
    return f"{practice}{place.lower()}-{heading.kind}-report-{heading.period}-version-{heading.version}.{form}"


def media_type(form: Format) -> str:
    """With its charset, where it is text."""
    return f"{MEDIA_TYPES[form]}; charset=utf-8" if form in (Format.HTML, Format.CSV) else MEDIA_TYPES[form]
