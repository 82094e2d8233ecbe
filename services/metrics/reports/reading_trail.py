"""Who reads which published report: an entry of the audit trail (`report.read`) before each answer with figures."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request

from services.metrics.reports.queries import PublishedReports
from shared import audit
from shared.access import Staff
from shared.audit import Actor, Entry

READ: Final = "report.read"

_MONTH: Final = r"[0-9]{4}-[0-9]{2}"
_KNOWN: Final = {
    "month": re.compile(_MONTH),
    "period": re.compile(f"{_MONTH}(--{_MONTH})?"),
    "version": re.compile("[0-9]{1,4}"),
    "suffix": re.compile("csv|xlsx|json|html"),
}
"""Parts of an address that are told, where they can be no words of somebody's own."""


async def write_down(reports: PublishedReports, request: Request, staff: Staff) -> None:
    """Also where the answer will be that there is no such report."""
    async with reports.engine.begin() as tx:
        await audit.write(tx, [Entry(Actor("staff", staff.id), READ, reports.now(), detail=_asked(request))])


def _asked(request: Request) -> str:
    """The address, such as `/staff/reports/2026-06.csv`: as the route has it, with what is known filled in."""
    path = str(request.scope["route"].path)
    for name, value in request.path_params.items():
        if name in _KNOWN and _KNOWN[name].fullmatch(value):
            path = path.replace(f"{{{name}}}", value)
    asked = request.query_params.items()
    told = [f"{name}={value}" for name, value in asked if name in _KNOWN and _KNOWN[name].fullmatch(value)]
    return path + ("?" + "&".join(told) if told else "")
