"""Changes to a stored referral: a new version with the first received time, triaged again (rule I2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import kin_rows, tables, views
from services.referral.agencies import Agency
from services.referral.answers import Answer
from services.referral.identity import Sealed
from services.referral.kinship import relate
from services.referral.preparing import Prepared, Preparing
from services.referral.status import STEPS, Step, status_of
from shared import audit, outbox
from shared.audit import Actor, Entry
from shared.crypto import seal
from shared.events import ReferralAmended
from shared.outbox import Cause, Draft
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class By:
    """Who changes a referral, when, and what led to it."""

    agency: Agency
    at: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class Stored:
    """A referral's own row, locked, with what was sent: the document and the answers given since."""

    row: sa.Row[Any]
    key: bytes
    document: Any
    answers: tuple[dict[str, str], ...]


Change = Callable[[Any], Any]
"""From the stored document to the new one."""


async def open_for(
    tx: AsyncConnection, preparing: Preparing, reference_or_id: str | UUID, by: By, step: Step
) -> Stored:
    """Lock the agency's referral for a step. Raises Problem 404 when it is not theirs, 409 when the step is refused."""
    column = tables.referral.c.id if isinstance(reference_or_id, UUID) else tables.referral.c.reference
    row = (
        await tx.execute(
            sa.select(tables.referral)
            .where(column == reference_or_id, tables.referral.c.agency_id == by.agency.id)
            .with_for_update()
        )
    ).one_or_none()
    if row is None or row.wrapped_key is None or row.identity is None:
        raise Problem("not-found")
    status = status_of(views.progress(row, await views.route_states(tx, row.id)))
    if step not in STEPS[status]:
        raise Problem("step-not-allowed", f"A referral that is {status.value} can't take this step")
    kept = preparing.identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))
    key = preparing.identities.unwrap(row.wrapped_key)
    return Stored(row, key, kept["document"], tuple(kept["answers"]))


async def store(
    tx: AsyncConnection,
    preparing: Preparing,
    stored: Stored,
    document: Any,
    by: By,
    *,
    body_digest: bytes | None = None,
    answers: Sequence[dict[str, str]] | None = None,
) -> Answer:
    """Keep the changed document as the next version and announce it. Raises Invalid when it can't be read."""
    answers = stored.answers if answers is None else tuple(answers)
    prepared = preparing.referral(
        document,
        agency=by.agency,
        now=by.at,
        received_at=stored.row.received_at,
        consent_sent_at=stored.row.received_at if document.get("consent") == stored.document.get("consent") else None,
        answers=[answer["notes"] for answer in answers],
    )
    version = stored.row.version + 1
    event = await _related(tx, preparing, stored, prepared, by, version)
    text = json.dumps({"document": document, "answers": answers}, ensure_ascii=False).encode()
    await tx.execute(
        tables.referral.update()
        .where(tables.referral.c.id == stored.row.id)
        .values(
            version=version,
            body_digest=body_digest or stored.row.body_digest,
            identity=seal(stored.key, text, about=stored.row.id.bytes),
            facts=event.facts.model_dump(mode="json"),
            gaps=list(prepared.gaps),
            is_baby_named=prepared.is_baby_named,
            declined_at=None,
            changed_in=views.CURRENT_TRANSACTION,
        )
    )
    await tx.execute(tables.family_token.delete().where(tables.family_token.c.referral_id == stored.row.id))
    await kin_rows.keep(tx, {stored.row.id: prepared.tokens}, {stored.row.id: event.linked})
    await views.tell(tx, stored.row.id, "amended", at=by.at, detail=str(version))
    await audit.write(tx, [Entry(Actor("agency", by.agency.slug), "referral.amended", by.at, stored.row.id)])
    await outbox.append(tx, [Draft(stored.row.id, event, by.at, by.cause)])
    receipt = stored.row.receipt | {
        "version": version,
        "act_now": list(prepared.act_now),
        "gaps": list(prepared.gaps),
        "links": [link.value for link in event.facts.links],
    }
    return Answer(200, receipt, f"/referrals/{stored.row.reference}")


async def _related(
    tx: AsyncConnection, preparing: Preparing, stored: Stored, prepared: Prepared, by: By, version: int
) -> ReferralAmended:
    kin = await kin_rows.find(tx, {stored.row.id: prepared.tokens})
    kinship = relate(
        (each for each in kin.get(stored.row.id, ()) if each.received_at < stored.row.received_at),
        own_id=stored.row.id,
        agency_id=by.agency.id,
        infant=prepared.facts.infant,
        is_baby_named=prepared.is_baby_named,
        at=stored.row.received_at,
        policy=preparing.policy,
    )
    return ReferralAmended(
        reference=stored.row.reference,
        agency_id=by.agency.id,
        version=version,
        received_at=stored.row.received_at,
        expected_by=stored.row.expected_by,
        family_id=stored.row.family_id,
        facts=prepared.facts.model_copy(update={"links": kinship.links}),
        monitoring=prepared.monitoring,
        linked=kinship.linked,
        gaps=prepared.gaps,
    )
