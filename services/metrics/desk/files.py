"""A report as a file to take along: made once for each heading, since what stands under it never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from services.metrics.desk.asking import Found
from services.metrics.desk.formats import MEDIA_TYPES, Format
from services.metrics.desk.library import Library
from services.metrics.reports.as_csv import contract_csv, equality_csv, need_csv
from services.metrics.reports.as_xlsx import report_xlsx
from services.metrics.reports.model import Heading, ReportKind

KEPT: Final = 60
"""Files in memory, some 50 KB each."""
MAKING: Final[dict[tuple[ReportKind, Format], Callable[[Any], bytes]]] = {
    (ReportKind.CONTRACT, Format.CSV): contract_csv,
    (ReportKind.EQUALITY, Format.CSV): equality_csv,
    (ReportKind.NEED, Format.CSV): need_csv,
    **dict.fromkeys(((kind, Format.XLSX) for kind in ReportKind), report_xlsx),
}


class Files:
    """Workbooks take a second of a processor: one at a time, and beside the event loop. Nothing else waits for them."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: dict[tuple[Heading, Format], bytes] = {}
        self._one_workbook = asyncio.Lock()

    async def content(self, found: Found, form: Format) -> bytes:
        """JSON as it was published; CSV or XLSX of it."""
        if form is Format.JSON:
            if found.edition is None:
                return found.report.model_dump_json().encode()
            return (await self._library.documents([found.edition]))[0].text.encode()
        made = self._made.get((found.report.heading, form))
        if made is None:
            made = await (self._workbook(found) if form is Format.XLSX else _make(found, form))
        self._keep(found, form, made)
        return made

    async def _workbook(self, found: Found) -> bytes:
        """Made by whoever comes first; who waited for it finds it."""
        async with self._one_workbook:
            made = self._made.get((found.report.heading, Format.XLSX))
            if made is None:
                made = await _make(found, Format.XLSX)
                self._keep(found, Format.XLSX, made)
            return made

    def _keep(self, found: Found, form: Format, made: bytes) -> None:
        """Those that were asked for last stay longest."""
        key = (found.report.heading, form)
        self._made.pop(key, None)
        self._made[key] = made
        for oldest in list(self._made)[:-KEPT]:
            del self._made[oldest]


async def _make(found: Found, form: Format) -> bytes:
    return await asyncio.to_thread(MAKING[found.report.heading.kind, form], found.report)


def file_name(heading: Heading, form: Format) -> str:
    """`nottingham-contract-report-2026-06-version-2.csv`: letters, digits, hyphens and a dot."""
    place = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in heading.authority_name)
    practice = "practice-" if heading.is_practice else ""
    return f"{practice}{place.lower()}-{heading.kind}-report-{heading.period}-version-{heading.version}.{form}"


def media_type(form: Format) -> str:
    """With its charset, where it is text."""
    return f"{MEDIA_TYPES[form]}; charset=utf-8" if form in (Format.HTML, Format.CSV) else MEDIA_TYPES[form]
