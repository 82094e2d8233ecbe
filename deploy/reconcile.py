"""After a restore: what was lost, told from the topics, which remember 90 days: `python -m deploy.reconcile --out DIR`.

For stopped services. An event that stands in a topic and not in the database came after the backup. They are written
down for each agency (referrals and changes to send again) and for the team (work to do again). With `--apply` messages
that had gone out are marked as sent, so that nobody hears twice, and everybody who was signed in is signed out.
Repeatable; asks DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS and PIR_KAFKA_... as the deploy step does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer

from deploy.secrets import database_url
from shared import events
from shared.brokers import Brokers
from shared.events import SPEAKERS, TOPICS, Envelope, Event, speaker_of
from shared.messaging.cloudevents import UnreadableRecordError, read_record
from shared.settings import KafkaSettings

NEW: Final = (events.ReferralReceived, events.EnquiryReceived)
LOST: Final = "is lost"
MONITORED: Final = "was changed (ethnicity, language or home)"
CHANGES: Final[dict[type[Event], str]] = {
    events.ReferralAmended: "was changed",
    events.ReferralMonitored: MONITORED,
    events.ReferralInformed: "was answered",
    events.ReferralChallenged: "was challenged",
    events.ReferralWithdrawn: "was withdrawn",
}
WORK: Final[dict[type[Event], str]] = {
    events.WorkItemClaimed: "taken on",
    events.WorkItemAccepted: "accepted",
    events.WorkItemDeclined: "declined",
    events.WorkItemFirstContact: "first contact made",
    events.WorkItemWaiting: "waiting",
    events.WorkItemClosed: "closed",
}
LISTED: Final = "lost.json"
SESSIONS: Final = ("triage.session", "metrics.session", "referral.member_session", "referral.sign_in_code")


@dataclass(frozen=True, slots=True)
class Lost:
    """One line of a list: a referral, what happened to it after the backup, and when (ISO 8601, UTC)."""

    reference: str
    what: str
    at: str


@dataclass
class Reckoning:
    """What came after the backup.

    `agencies` by slug; `sent`: ids of messages and when they went; `read` counts the records in the topics.
    """

    agencies: dict[str, list[Lost]] = field(default_factory=dict)
    team: list[Lost] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    sent: dict[UUID, datetime] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)
    """Slugs of agencies of which keys were revoked since, and whether the agency itself was ended."""
    read: int = 0
    unreadable: int = 0

    @property
    def referrals(self) -> int:
        return sum(each.what == LOST for lines in self.agencies.values() for each in lines)


async def topics_read(brokers: Brokers) -> AsyncIterator[Envelope[Event] | None]:
    """Every event of the topics as they are now; None for a record that nobody can read."""
    consumer = AIOKafkaConsumer(*TOPICS, **brokers.for_client(), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    try:
                        yield read_record(record, heard_at=datetime.now(UTC))
                    except UnreadableRecordError:
                        yield None
    finally:
        await consumer.stop()


async def reckon(database: asyncpg.Connection[Any], brokers: Brokers) -> Reckoning:
    """Compare the topics with the journals of the three services that speak."""
    found = Reckoning()
    known = {
        schema: {row[0] for row in await database.fetch(f"SELECT id FROM {schema}.event")}  # noqa: S608  three names
        for schema in SPEAKERS
    }
    slugs = {row["id"]: row["slug"] for row in await database.fetch("SELECT id, slug FROM referral.agency")}
    gone = {row[0] for row in await database.fetch("SELECT key FROM referral.erased")}
    counted = "SELECT agency_id, count(*) FROM referral.agency_key WHERE revoked_at IS NOT NULL GROUP BY agency_id"
    revoked = {row[0]: row[1] for row in await database.fetch(counted)}
    async for event in topics_read(brokers):
        found.read += 1
        if event is None:
            found.unreadable += 1
        elif event.id not in known[speaker_of(event.data.topic)] and event.key not in gone:
            _note(found, event, slugs, revoked)
    _leave_out_the_erased(found)
    return found


def _note(found: Reckoning, event: Envelope[Event], slugs: dict[UUID, str], revoked: dict[UUID, int]) -> None:
    data, at = event.data, event.occurred_at.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(data, events.AboutReferral) and type(data) in (*NEW, *CHANGES):
        what = CHANGES.get(type(data), LOST)
        slug = slugs.get(data.agency_id, str(data.agency_id))
        found.agencies.setdefault(slug, []).append(Lost(data.reference, what, at))
    elif isinstance(data, events.ReferralErased):
        found.erased.append(data.reference)
    elif isinstance(data, events.ReferralRestricted):
        found.team.append(Lost(data.reference, "restrict it again" if data.is_restricted else "is free again", at))
    elif isinstance(data, events.AgencyUpdated):
        if not data.active or data.revoked_keys > revoked.get(event.key, 0):
            found.ended[data.slug] = found.ended.get(data.slug, False) or not data.active
    elif isinstance(data, events.MessageSent):
        found.sent[data.message_id] = event.occurred_at
    elif type(data) in WORK and isinstance(data, events.AboutWorkItem):
        found.team.append(Lost(data.reference, f"{data.route.value}: {WORK[type(data)]}", at))


def _leave_out_the_erased(found: Reckoning) -> None:
    """Nobody is asked to send again what was erased since."""
    found.agencies = {
        slug: kept
        for slug, lines in found.agencies.items()
        if (kept := [line for line in _plainly(lines) if line.reference not in found.erased])
    }
    found.team = [line for line in found.team if line.reference not in found.erased]


def _plainly(lines: list[Lost]) -> list[Lost]:
    """What is counted for equality comes with the referral, and with most changes of it: then it has no line."""
    others = {line.reference for line in lines if line.what != MONITORED}
    return [line for line in lines if line.what != MONITORED or line.reference not in others]


async def apply(database: asyncpg.Connection[Any], found: Reckoning) -> tuple[int, int]:
    """Mark as sent what went out, end all sessions, and what has no right to send any more; (messages, sessions).

    Of an agency of which some key was revoked since, all keys are: which of them it was is not known any more.
    """
    async with database.transaction():
        for slug, is_ended in found.ended.items():
            await database.execute(
                """
                UPDATE referral.agency_key SET revoked_at = now() WHERE revoked_at IS NULL
                    AND agency_id = (SELECT id FROM referral.agency WHERE slug = $1)
                """,
                slug,
            )
            if is_ended:
                await database.execute("UPDATE referral.agency SET is_active = false WHERE slug = $1", slug)
            await database.execute(
                """
                INSERT INTO referral.audit (at, actor_kind, actor_id, action, detail)
                VALUES (now(), 'system', 'restore', $2, $1)
                """,
                slug,
                "agency.ended" if is_ended else "agency.keys-revoked",
            )
        marked = await database.fetch(
            """
            UPDATE notify.message m SET state = 'sent', sent_at = t.at
            FROM unnest(CAST($1 AS uuid[]), CAST($2 AS timestamptz[])) AS t(id, at)
            WHERE m.id = t.id AND m.state IN ('due', 'failed', 'collected', 'held') RETURNING m.id
            """,
            list(found.sent),
            list(found.sent.values()),
        )
        ended = [await database.fetch(f"DELETE FROM {table} RETURNING 1") for table in SESSIONS]  # noqa: S608  ours
    return len(marked), sum(map(len, ended))


def write(found: Reckoning, out: Path) -> None:
    """`lost.json` whole, and a text for each agency and for the team that can be mailed or read out. Mode 0600."""
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    texts = {f"agency-{slug}.txt": lines for slug, lines in found.agencies.items()} | {"team.txt": found.team}
    for name, lines in texts.items():
        _write(out / name, "".join(f"{line.at}  {line.reference}  {line.what}\n" for line in lines))
    whole = {
        "agencies": {slug: [_plain(line) for line in lines] for slug, lines in found.agencies.items()},
        "team": [_plain(line) for line in found.team],
        "erased": found.erased,
        "ended": found.ended,
        "sent": [str(message) for message in found.sent],
    }
    _write(out / LISTED, json.dumps(whole, indent=2) + "\n")


def _plain(line: Lost) -> dict[str, str]:
    return {"reference": line.reference, "what": line.what, "at": line.at}


def _write(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as to:
        to.write(text)


@asynccontextmanager
async def connected() -> AsyncIterator[asyncpg.Connection[Any]]:
    database = await asyncpg.connect(database_url(), timeout=10, server_settings={"pir.agency": "*"})
    try:
        yield database
    finally:
        await database.close()


def told(found: Reckoning) -> Iterable[str]:
    """What a person reads first."""
    yield f"{found.read} events in the topics, {found.unreadable} of them unreadable"
    yield f"{found.referrals} referral(s) lost; agencies to ring: {', '.join(sorted(found.agencies)) or 'none'}"
    yield f"{len(found.team)} step(s) of the team's work lost"
    for slug, is_ended in found.ended.items():
        yield f"{slug}: {'was ended' if is_ended else 'keys were revoked; give it a new one: agency rotate ' + slug}"
    yield f"{len(found.erased)} erasure(s) since the backup: the ledger has them"


async def main(arguments: list[str]) -> int:
    """Write the lists, and apply what can be applied."""
    parser = argparse.ArgumentParser(prog="python -m deploy.reconcile", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="a new folder for the lists: references, no names")
    parser.add_argument("--apply", action="store_true", help="mark messages as sent, and sign everybody out")
    asked = parser.parse_args(arguments)
    if (asked.out / LISTED).exists():
        print(f"{asked.out / LISTED} is there already: it may be the only list, so it is left as it is")
        return 1
    async with connected() as database:
        found = await reckon(database, KafkaSettings().brokers)
        write(found, asked.out)
        print("\n".join(told(found)))
        if asked.apply:
            marked, ended = await apply(database, found)
            print(f"{marked} message(s) marked as sent, {ended} session(s) and codes ended")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
