"""Forgetting a family: the key of a referral's identity is destroyed, and everybody is told to drop what they hold.

deploy/erasure.toml says of every column of every table what becomes of it, and why. Each erasure is also written down
outside the database, in the ledger, so that a restored backup can be made to forget again: one JSON line with id,
reference, agency, when, by whom, and a keyed digest, so that nobody adds one by hand. A line stands there before the
erasure is committed: better one that is carried out twice than one that is lost.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import history, tables
from services.referral.families import relating
from services.referral.history import Occasion
from services.referral.identity import Identities, hexadecimal
from services.referral.status import WORK_ENDED
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import LOSSES, RED_FLAGS, SAFETY_ROUTES, Facts, ReferralErased, Route
from shared.ids import uuid7
from shared.messaging import erasure, outbox
from shared.messaging.outbox import Cause, Draft
from shared.working_time import day_in_london

LEDGER: Final = "erasure-ledger"
HEARD_WITHIN: Final = timedelta(days=1)
DECIDED_WITHIN: Final = timedelta(days=30)
"""What triage has not decided about by then has rung every alert, and is no referral on its way."""


Locked = sa.Row[Any, Any, Any, Any]
"""`id`, `reference`, `agency_id` and `kind` of a referral, in this order."""


class NotErasedError(Exception):
    """It may not be erased now; the message says why, and what to do."""


async def erase(
    tx: AsyncConnection, reference: str, *, actor: Actor, at: datetime, needs_second: bool = False
) -> Locked | None:
    """Erase one referral or enquiry, and return it; None when it is unknown or erased.

    What stays is a row that says that there was a referral, when, and from whom, and the audit trail. Raises
    NotErasedError under a hold, while somebody works on a danger to the child, and, with `needs_second`, until another
    person confirms.
    """
    if (row := await locked(tx, tables.referral.c.reference == reference)) is None:
        return None
    await _refuse_under_a_legal_hold(tx, row.id)
    await _refuse_in_danger(tx, row.id, at)
    if needs_second:
        await _confirm(tx, row.id, actor, at)
    await _forget(tx, row, actor, at)
    return row


async def asked_by(tx: AsyncConnection, reference: str) -> str | None:
    """Who asked first for an erasure that a second person has to confirm."""
    first: str | None = await tx.scalar(
        sa.select(tables.erasure_request.c.asked_by)
        .join(tables.referral, tables.referral.c.id == tables.erasure_request.c.referral_id)
        .where(tables.referral.c.reference == reference)
    )
    return first


async def erase_again(tx: AsyncConnection, entry: Erasure, *, actor: Actor, at: datetime) -> bool:
    """Carry an erasure of the ledger out after a restore, whatever speaks against it; False when nothing is left."""
    if (row := await locked(tx, tables.referral.c.id == UUID(entry.id))) is None:
        return False
    await _forget(tx, row, actor, at)
    return True


async def locked(tx: AsyncConnection, condition: sa.ColumnElement[bool]) -> Locked | None:
    """The referral that is not erased yet: `id`, `reference`, `agency_id` and `kind`."""
    columns = tables.referral.c
    found = sa.select(columns.id, columns.reference, columns.agency_id, columns.kind).where(
        condition, columns.wrapped_key.is_not(None)
    )
    return (await tx.execute(found.with_for_update())).one_or_none()


async def _forget(tx: AsyncConnection, row: Locked, actor: Actor, at: datetime) -> None:
    referral_id, reference, agency_id = row.id, row.reference, row.agency_id
    await relating.forget(tx, referral_id, Occasion(at, Cause(uuid7())))
    for statement in _FORGET:
        await tx.execute(sql(statement), {"id": referral_id} | ({"ref": reference} if ":ref" in statement else {}))
    await tx.execute(
        tables.referral.update()
        .where(tables.referral.c.id == referral_id)
        .values(_EMPTY | {"receipt": {"reference": reference}, "family_id": referral_id})
    )
    event = ReferralErased(reference=reference, agency_id=agency_id)
    await outbox.append(tx, [Draft(referral_id, event, at, Cause(uuid7()))])
    await tx.execute(
        sql("DELETE FROM event WHERE key = :id AND type <> :kept"), {"id": referral_id, "kept": event.type}
    )
    await erasure.forget(tx, referral_id, reference, at=at)
    await audit.write(tx, [Entry(actor, "referral.erased", at, referral_id)])


_FORGET: Final = (
    "DELETE FROM family_token WHERE referral_id = :id",
    "DELETE FROM history WHERE referral_id = :id",
    "DELETE FROM route_state WHERE referral_id = :id",
    "DELETE FROM erasure_request WHERE referral_id = :id",
    "DELETE FROM author WHERE referral_id = :id",
    "DELETE FROM contact_given WHERE referral_id = :id",
    "UPDATE hold SET reason = '' WHERE referral_id = :id",
    # The key stays used, so that the same request sent again is not a new referral.
    """UPDATE request SET answer = jsonb_build_object('reference', CAST(:ref AS text))
    WHERE location = '/referrals/' || :ref""",
)
_EMPTY: Final[dict[str, Any]] = {
    "wrapped_key": None,
    "identity": None,
    "external_digest": None,
    "external_sealed": None,
    "body_digest": b"",
    "earlier_copies": [],
    "profile": {},
    "facts": {},
    "gaps": [],
    "changed_in": history.CURRENT_TRANSACTION,
    **dict.fromkeys(("decision", "decided_by", "decided_version", "decided_at", "declined_at", "challenged_at")),
    **dict.fromkeys(("withdrawn_at", "withdrawal_reason", "ended_at")),
}


async def _refuse_under_a_legal_hold(tx: AsyncConnection, referral_id: UUID) -> None:
    held = await tx.execute(
        sa.select(tables.hold.c.id, tables.hold.c.review_on).where(
            tables.hold.c.referral_id == referral_id, tables.hold.c.ended_at.is_(None)
        )
    )
    if row := held.first():
        raise NotErasedError(f"hold {row.id} keeps it, to be looked at again on {row.review_on}: `hold end {row.id}`")


async def _refuse_in_danger(tx: AsyncConnection, referral_id: UUID, at: datetime) -> None:
    """Work on a danger to the child, or a loss, that has not ended or not begun would end unread."""
    values = {
        "id": referral_id,
        "ended": sorted(WORK_ENDED),
        "lately": at - HEARD_WITHIN,
        "not_long_ago": at - DECIDED_WITHIN,
    }
    found = (await tx.execute(_DANGER, values)).one()
    safety = SAFETY_ROUTES | ({Route.REVIEW} if found.has_words else frozenset())
    if open_work := sorted(safety.intersection(found.routes)):
        raise NotErasedError(f"somebody still has to look at {', '.join(open_work)}: end that work first")
    if found.is_undecided and _opens_safety_work(Facts.model_validate(found.facts), day_in_london(at)):
        raise NotErasedError("it tells of a danger or a loss that triage has not decided about yet: try again later")


def _opens_safety_work(facts: Facts, on: date) -> bool:
    """A birth that is overdue by a day counts too: how long is too long (E2) is the policy's, which triage reads."""
    due_on = facts.infant.unborn_due_on
    return bool(
        (due_on is not None and due_on < on)
        or facts.safety
        or facts.safety_words
        or facts.mental_health in RED_FLAGS
        or not LOSSES.isdisjoint(facts.circumstances)
    )


_DANGER: Final = sql("""
    SELECT r.facts, CASE
            WHEN r.decided_version IS NULL THEN r.received_at > :not_long_ago
            ELSE r.decided_version < r.version AND EXISTS (
                SELECT FROM event WHERE key = r.id AND type = 'referral.amended.v1' AND occurred_at > :lately)
        END AS is_undecided,
        ARRAY(SELECT route FROM route_state WHERE referral_id = r.id AND state <> ALL(:ended)) AS routes,
        EXISTS (
            SELECT FROM event WHERE key = r.id AND CAST(value AS jsonb) -> 'facts' -> 'safety_words' = 'true'
        ) AS has_words
    FROM referral r WHERE r.id = :id
""")
"""`is_undecided`: triage has not heard of the danger yet. Where a person's decision stood it says nothing of a new
version, but opens what a new danger needs: a day is enough to hear of that.
`has_words`: a version that was sent had words on the safety list (A1), for which a `review` is safety work."""


async def _confirm(tx: AsyncConnection, referral_id: UUID, actor: Actor, at: datetime) -> None:
    """The first who asks is written down, and another one confirms."""
    first = await tx.scalar(
        sa.select(tables.erasure_request.c.asked_by).where(tables.erasure_request.c.referral_id == referral_id)
    )
    if first is None:
        await tx.execute(
            tables.erasure_request.insert().values(referral_id=referral_id, asked_by=actor.id, asked_at=at)
        )
    if first is None or not audit.is_another_person(first, actor.id):
        raise AskedFor(f"{first or actor.id} has asked for it: another person confirms it by the same command")


class AskedFor(NotErasedError):  # noqa: N818  nothing went wrong
    """The request is kept; it takes a second person."""


@dataclass(frozen=True, slots=True)
class Erasure:
    id: str
    reference: str
    agency_id: str
    at: str
    by: str


class LedgerError(Exception):
    """The file can't be read or written, or a line of it is not ours; the message says which."""


def write_down(file: Path, identities: Identities, entry: Erasure) -> None:
    """Append a line and have it on the disk; raises LedgerError."""
    line = json.dumps(asdict(entry) | {"signed": _signature(entry, identities)})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as out:
            out.write(f"{line}\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise LedgerError(f"{file}: {error.strerror}") from error


def written_down(file: Path, identities: Identities) -> list[Erasure]:
    """Every erasure in its order, once; raises LedgerError for a line that is cut off, changed or of other keys.

    A line of an index key that is gone counts when the same erasure was signed again since.
    """
    signed = _lines_of(file)
    ours = {entry for entry, signature in signed if _has_signed(identities, entry, signature)}
    for number, (entry, _) in enumerate(signed, 1):
        if entry not in ours:
            raise LedgerError(f"{file}, line {number}: it was changed, or written with another index key")
    return list(dict.fromkeys(entry for entry, _ in signed))


def sign_again(file: Path, identities: Identities) -> int:
    """Append what the current index key has not signed yet; returns how many lines. Raises LedgerError."""
    if not file.exists():
        return 0
    lines = _lines_of(file)
    current = {entry for entry, signature in lines if signature == _signature(entry, identities)}
    others = [entry for entry in written_down(file, identities) if entry not in current]
    for entry in others:
        write_down(file, identities, entry)
    return len(others)


def _lines_of(file: Path) -> list[tuple[Erasure, str]]:
    """Each erasure with its signature."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LedgerError(f"{file}: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            members = json.loads(line)
            signed = str(members.pop("signed"))
            found.append((Erasure(**members), signed))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LedgerError(f"{file}, line {number}: this is no erasure") from None
    return found


def _signature(entry: Erasure, identities: Identities) -> str:
    return identities.digest(LEDGER, *asdict(entry).values()).hex()


def _has_signed(identities: Identities, entry: Erasure, signature: str) -> bool:
    return signature in hexadecimal(identities.digests(LEDGER, *asdict(entry).values()))
