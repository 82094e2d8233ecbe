"""What pages ask of an address, who may look, and what is said while nothing is published."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import Depends, Request, Response

from services.metrics.desk import asking
from services.metrics.desk.asking import Asked, Found
from services.metrics.desk.files import file_name, media_type
from services.metrics.desk.formats import Format
from services.metrics.pages.room import Room
from services.metrics.reports import words
from services.metrics.reports.model import ReportKind
from services.metrics.spans import Span
from shared.access import Permission
from shared.problems import Problem
from shared.sign_in import Visitor, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_REPORTS))]
Coming = tuple[Span, date]
"""A period, and the day on which its report comes."""

FILES: Final = (Format.CSV, Format.XLSX, Format.JSON)
_DIGITS: Final = 4


def version_of(text: str | None) -> int | None:
    """None for the latest; raises Problem 404 for what is no number of a version."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise Problem("not-found", "There is no such version.")
    return int(text)


async def found_at(room: Room, asked: Asked) -> Found:
    """Raises Problem 404, for what is no period as well: it is part of the address of a page."""
    try:
        return await room.archive.find(asked)
    except Problem as problem:
        if problem.name != "invalid":
            raise
        raise Problem("not-found", "There is no report at this address.") from None


async def download(room: Room, found: Found, suffix: str) -> Response:
    """The report as a file to keep; raises Problem 404 for another form and where nothing is published."""
    if suffix not in set(FILES) or found.edition is None:
        raise Problem("not-found", "There is no such file.")
    form = Format(suffix)
    content = await room.archive.files.content(found, form)
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(found.report.heading, form)}"',
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers, media_type=media_type(form))


def coming(room: Room, kind: ReportKind = ReportKind.CONTRACT) -> Coming | None:
    """The report that comes next; None when the policy has no contract."""
    contract = room.archive.policy.contract
    return asking.next_publication(kind, contract, today=room.archive.today) if contract else None


def waiting(room: Room, kind: ReportKind = ReportKind.CONTRACT) -> str:
    """Why the first of the reports of a kind that are due is not published, in a sentence; empty when none waits."""
    waits = room.archive.waits()
    first = next((span for each, span in waits.reports if each is kind), None) if waits else None
    return words.waiting(first.first_day, first.last_day, waits.reason) if waits and first else ""


def nothing_yet(room: Room, request: Request, kind: ReportKind = ReportKind.CONTRACT) -> Response:
    """For a first day: says when a report of this kind comes, and about which period."""
    awaited = coming(room, kind)
    return room.pages.render(
        request,
        "nothing_yet.html",
        awaited=awaited,
        awaited_words=span_in_words(awaited[0]) if awaited else "",
        kind=kind,
        waiting=waiting(room, kind),
    )


def span_in_words(span: Span) -> str:
    """`June 2026`; `March 2026 to August 2026`."""
    return words.span(span.first_day, span.last_day)
