"""The certificate of a disposal: what went, under which rule, when and by whom; a signed JSON file and a text to read.

It is made from the audit trail, so it can be made again, also of a run that was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.identity import Identities, hexadecimal
from services.referral.records.disposal import DISPOSED, MEMBER_DISPOSED, MEMBERS
from shared.database import sql
from shared.retention import Schedule
from shared.strict_json import canonical

_PURPOSE: Final = "disposal-certificate"


@dataclass(frozen=True, slots=True)
class Certificate:
    """`classes` by code: period, source, and a line (`reference`, `at`, `by`, `asked_by`) for each record."""

    since: datetime
    until: datetime
    classes: Mapping[str, Mapping[str, Any]]

    @property
    def count(self) -> int:
        return sum(len(each["records"]) for each in self.classes.values())


async def certify(engine: AsyncEngine, schedule: Schedule, *, since: datetime, until: datetime) -> Certificate:
    """What the audit trail says was disposed of in that time, both ends included."""
    found: dict[str, list[dict[str, str | None]]] = {}
    async with engine.connect() as tx:
        rows = await tx.execute(_DISPOSED, {"since": since, "until": until, "actions": [DISPOSED, MEMBER_DISPOSED]})
        for row in rows:
            is_member = row.action == MEMBER_DISPOSED
            rule, _, asked_by = (MEMBERS, "", "") if is_member else (row.detail or "").partition(" asked-by=")
            line = {"reference": row.detail if is_member else row.reference, "at": row.at.isoformat()}
            found.setdefault(rule, []).append(line | {"by": row.actor_id, "asked_by": asked_by or None})
    classes = {
        rule: {"holds": schedule[rule].holds, "kept": schedule[rule].how_long, "source": schedule[rule].source}
        | {"records": records}
        for rule, records in sorted(found.items())
        if rule in schedule
    }
    return Certificate(since, until, classes)


_DISPOSED: Final = sql("""
    SELECT a.at, a.action, a.actor_id, a.detail, r.reference
    FROM audit a LEFT JOIN referral r ON r.id = a.referral_id
    WHERE a.action = ANY(:actions) AND a.at BETWEEN :since AND :until ORDER BY a.id
""")


def write(folder: Path, identities: Identities, certificate: Certificate) -> Path:
    """The JSON file's path; the text lies beside it. Never over one that is there: raises FileExistsError."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"disposal-{certificate.until:%Y%m%dT%H%M%S%f}.json"
    members = _members(certificate)
    signed = members | {"signed": _signature(members, identities)}
    with file.open("x", encoding="utf-8") as out:
        json.dump(signed, out, indent=2)
    file.with_suffix(".txt").write_text(_text(certificate), encoding="utf-8")
    return file


def is_ours(file: Path, identities: Identities) -> bool:
    """Whether the JSON file is as it was written here, with an index key that is accepted.

    One of a key that is gone can be made again, from the audit trail.
    """
    members = json.loads(file.read_text(encoding="utf-8"))
    signed = members.pop("signed", None)
    return signed in hexadecimal(identities.digests(_PURPOSE, canonical(members)))


def _members(certificate: Certificate) -> dict[str, Any]:
    return {
        "since": certificate.since.isoformat(),
        "until": certificate.until.isoformat(),
        "count": certificate.count,
        "classes": {rule: dict(each) for rule, each in certificate.classes.items()},
    }


def _signature(members: dict[str, Any], identities: Identities) -> str:
    return identities.digest(_PURPOSE, canonical(members)).hex()


def _text(certificate: Certificate) -> str:
    since, until = (f"{each:%d %B %Y %H:%M}" for each in (certificate.since, certificate.until))
    lines = [
        "Certificate of disposal",
        "",
        f"Between {since} and {until} (UTC) {certificate.count} record(s) were destroyed,",
        "because the time for which they have to be kept was over.",
        "Of a referral the keys were destroyed, and all four services delete what they hold about the family.",
        "What stays says that there was a referral, when, and from whom.",
    ]
    for rule, each in certificate.classes.items():
        lines += ["", f"{rule}: {len(each['records'])}", f"  What: {each['holds']}", f"  Kept: {each['kept']}"]
        lines += [f"  Rule: {each['source']}"]
        for record in each["records"]:
            asked = f", asked for by {record['asked_by']}" if record["asked_by"] else ""
            lines.append(f"    {record['reference']}  {record['at'][:19]}  by {record['by']}{asked}")
    return "\n".join(lines) + "\n"
