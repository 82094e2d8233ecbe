"""Coded rows for the national data sets, taken along by a manager: a form, a file, and a line in the trail."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from services.metrics.coded import dictionary_csv
from services.metrics.files import media_type
from services.metrics.formats import Format
from services.metrics.pages.reading import span_in_words
from services.metrics.pages.room import Coded, Room
from services.metrics.spans import Span, month_of, read_month
from shared import audit
from shared.access import Permission
from shared.audit import Actor, Entry
from shared.sign_in import Visitor, read_form, visitor
from shared.working_time import months_later

Manager = Annotated[Visitor, Depends(visitor(Permission.EXPORT_CODED))]

MONTHS: Final = 24
"""So many months that have ended can be chosen."""
MISSING: Final = "Choose a month from the list"


def add(routes: APIRouter, room: Room, coded: Coded) -> None:
    @routes.get("/export")
    async def form(request: Request, _: Manager) -> Response:
        return room.pages.render(request, "export.html", months=_choices(room), errors=[])

    @routes.post("/export")
    async def take(request: Request, who: Manager) -> Response:
        span = _chosen(room, (await read_form(request, who)).get("month"))
        if span is None:
            errors = [{"text": MISSING, "href": "#month"}]
            return room.pages.render(request, "export.html", status=422, months=_choices(room), errors=errors)
        async with room.engine.begin() as tx:
            content = await coded(tx, span)
            entry = Entry(Actor("staff", who.staff.id), "codes.exported", room.archive.now(), detail=span.code)
            await audit.write(tx, [entry])
        return _file(content, f"coded-export-{span.code}.csv")

    @routes.get("/export/dictionary.csv")
    async def meanings(_: Manager) -> Response:
        return _file(dictionary_csv(), "coded-export-dictionary.csv")


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=media_type(Format.CSV))


def _ended(room: Room) -> list[Span]:
    """The latest first."""
    first = month_of(room.archive.today).first_day
    return [Span(months_later(first, -number)) for number in range(1, MONTHS + 1)]


def _choices(room: Room) -> list[dict[str, str]]:
    """As the select of the design system takes them."""
    return [{"value": span.code, "text": span_in_words(span)} for span in _ended(room)]


def _chosen(room: Room, typed: object) -> Span | None:
    """None for what is not on the list."""
    try:
        span = read_month(typed) if isinstance(typed, str) else None
    except ValueError:
        return None
    return span if span in _ended(room) else None
