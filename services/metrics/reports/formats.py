"""The forms a report comes in: which a client wants, by suffix or `Accept`, and each made once for a heading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from services.metrics.reports.as_csv import contract_csv, equality_csv, need_csv
from services.metrics.reports.as_xlsx import report_xlsx
from services.metrics.reports.model import Heading, ReportKind
from services.metrics.reports.store import ReportResult, ReportStore


class Format(StrEnum):
    """The value is the suffix of an address."""

    JSON = "json"
    HTML = "html"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.HTML: "text/html",
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""In the order of our preference, where a client has none."""


def wanted(accept: str) -> Format | None:
    """The best of what `Accept` takes (RFC 9110, 12.5.1); None when it takes none of ours. Without one: JSON.

    The closest range decides about a type: `text/csv;q=0, text/*` is no CSV. A range that can't be read is none.
    """
    ranges = [found for each in accept.split(",") if (found := _range(each))]
    if not accept.strip():
        return Format.JSON
    weights = {form: _weight(media_type, ranges) for form, media_type in MEDIA_TYPES.items()}
    best = max(weights, key=lambda form: weights[form])
    return best if weights[best] > 0 else None


def _range(text: str) -> tuple[str, float] | None:
    """`text/*;q=0.5` as its name and weight."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((value for parameter in parameters if (value := _quality(parameter)) is not None), 1.0)
    return (name, quality) if "/" in name and 0 <= quality <= 1 else None


def _quality(parameter: str) -> float | None:
    """None for another parameter; -1 for a weight that is none."""
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return None
    try:
        return float(value) if value.strip()[:1] in ("0", "1") else -1
    except ValueError:
        return -1


def _weight(media_type: str, ranges: list[tuple[str, float]]) -> float:
    weights = dict(ranges)
    family = f"{media_type.partition('/')[0]}/*"
    return next((weights[name] for name in (media_type, family, "*/*") if name in weights), 0.0)


KEPT: Final = 60
"""Files in memory, some 50 KB each."""
MAKING: Final[dict[tuple[ReportKind, Format], Callable[[Any], bytes]]] = {
    (ReportKind.CONTRACT, Format.CSV): contract_csv,
    (ReportKind.EQUALITY, Format.CSV): equality_csv,
    (ReportKind.NEED, Format.CSV): need_csv,
    **dict.fromkeys(((kind, Format.XLSX) for kind in ReportKind), report_xlsx),
}


class ReportFiles:
    """Made beside the event loop, and kept."""

    def __init__(self, store: ReportStore) -> None:
        self._store = store
        self._made: dict[tuple[Heading, Format], bytes] = {}

    async def content(self, found: ReportResult, form: Format) -> bytes:
        """JSON as it was published; CSV or XLSX of it."""
        if form is Format.JSON:
            if found.edition is None:
                return found.report.model_dump_json().encode()
            return (await self._store.documents([found.edition]))[0].text.encode()
        made = self._made.get((found.report.heading, form))
        if made is None:
            made = await asyncio.to_thread(MAKING[found.report.heading.kind, form], found.report)
        self._keep(found, form, made)
        return made

    def _keep(self, found: ReportResult, form: Format, made: bytes) -> None:
        """Those that were asked for last stay longest."""
        key = (found.report.heading, form)
        self._made.pop(key, None)
        self._made[key] = made
        for oldest in list(self._made)[:-KEPT]:
            del self._made[oldest]


def file_name(heading: Heading, form: Format) -> str:
    """`nottingham-contract-report-2026-06-version-2.csv`: letters, digits, hyphens and a dot."""
    place = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in heading.authority_name)
    practice = "practice-" if heading.is_practice else ""
    return f"{practice}{place.lower()}-{heading.kind}-report-{heading.period}-version-{heading.version}.{form}"


def media_type(form: Format) -> str:
    """With its charset, where it is text."""
    return f"{MEDIA_TYPES[form]}; charset=utf-8" if form in (Format.HTML, Format.CSV) else MEDIA_TYPES[form]
