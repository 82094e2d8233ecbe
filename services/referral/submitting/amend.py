"""Changes to a stored referral (rule I2): new facts are its next version, with the first received time, triaged again.

A change that leaves the facts as they were is stored, and nobody hears of it: no version, event, mail or line of the
feed, and a confirmed decline stays. But what was counted or listed from the last event (what equality counts need, the
gaps, the linked referrals) is said again when it changed, under the version there is, on which nobody decides. Other
words on the safety list are new facts, although their code is the same: somebody has to read them (A1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import facts as coded
from services.referral import history, tables, views
from services.referral.agencies import AgencyActor
from services.referral.document.read import keep_dangers
from services.referral.document.text import stored as as_stored
from services.referral.families import links, relating
from services.referral.identity import Sealed
from services.referral.status import STEPS, Status, Step, status_of
from services.referral.submitting import idempotency
from services.referral.submitting.idempotency import Answer
from services.referral.submitting.prepare import Prepared, Preparing
from shared import audit
from shared.crypto import seal
from shared.database import sql
from shared.events import Event, Facts, ReferralAmended, ReferralMonitored, ReferralReceived
from shared.messaging import outbox
from shared.messaging.outbox import Draft
from shared.problems import Problem
from shared.strict_json import canonical

REFERENCE: Final = "external_reference"
MOST_COPIES: Final = 20
"""So many replaced copies are known again when they come late; a referral has few."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A referral's own row, locked as its family is, with what was sent: the document and the answers given since."""

    row: sa.Row[Any]
    key: bytes
    document: Any
    answers: tuple[dict[str, str], ...]
    status: Status

    def sealed_with(self, document: Any, answers: Sequence[dict[str, str]]) -> bytes:
        """The row's `identity` for this document and these answers."""
        text = json.dumps({"document": document, "answers": answers}, ensure_ascii=False).encode()
        return seal(self.key, text, about=self.row.id.bytes)


async def open_for(
    tx: AsyncConnection, preparing: Preparing, reference_or_id: str | UUID, by: AgencyActor, step: Step
) -> Stored:
    """Lock the agency's referral for a step.

    Raises Problem 404 when it is not theirs, 410 when it is erased, 409 when the step is refused.
    """
    column = tables.referral.c.id if isinstance(reference_or_id, UUID) else tables.referral.c.reference
    own = (column == reference_or_id, tables.referral.c.agency_id == by.agency.id)
    found = await tx.scalar(sa.select(tables.referral.c.id).where(*own))
    if found is None:
        raise Problem("not-found")
    # The family before the row, as an arrival of the same family locks them.
    await idempotency.lock(tx, await links.tokens_of(tx, found))
    row = (await tx.execute(sa.select(tables.referral).where(*own).with_for_update())).one_or_none()
    if row is None:
        raise Problem("not-found")
    if row.wrapped_key is None or row.identity is None:
        raise Problem("erased")
    status = status_of(views.progress(row, await views.route_states(tx, row.id)))
    if step not in STEPS[status]:
        raise Problem("step-not-allowed", f"A referral that is {status.value} can't take this step")
    kept = preparing.identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))
    key = preparing.identities.unwrap(row.wrapped_key)
    return Stored(row, key, kept["document"], tuple(kept["answers"]), status)


async def send_again(
    tx: AsyncConnection, preparing: Preparing, referral_id: UUID, value: Mapping[str, Any], by: AgencyActor
) -> Answer:
    """The whole document once more, changed: an amendment, which no danger of before leaves (rule I2).

    Raises Problem 409, too, for what a late copy could undo: a change by PATCH or on a page, a newer copy.
    """
    stored = await open_for(tx, preparing, referral_id, by, Step.AMEND)

    def digests_of(document: Any) -> tuple[bytes, ...]:
        return preparing.identities.body_digests(by.agency.id, canonical(as_stored(document)))

    more = {"reference": stored.row.reference, "version": stored.row.version}
    if stored.row.body_digest not in digests_of(stored.document):
        words = "It has been changed by PATCH since: a whole copy could undo that. Change it by PATCH"
        raise Problem("conflict", words, extra=more)
    document = keep_dangers(stored.document, value)
    document.pop(REFERENCE, None)  # by this the agency knows it: it stays
    document |= {REFERENCE: own} if (own := stored.document.get(REFERENCE)) else {}
    body_digests = digests_of(document)
    if not {*digests_of(value), *body_digests}.isdisjoint(stored.row.earlier_copies):
        words = "You sent this copy before, and a newer one since. If it is right after all, change it by PATCH"
        raise Problem("conflict", words, extra=more)
    return await store(tx, preparing, stored, document, by, body_digest=body_digests[0])


async def store(
    tx: AsyncConnection,
    preparing: Preparing,
    stored: Stored,
    document: Any,
    by: AgencyActor,
    *,
    body_digest: bytes | None = None,
    answers: Sequence[dict[str, str]] | None = None,
) -> Answer:
    """Keep the changed document; new facts are the next version. Raises Invalid when it can't be read.

    A document and answers that are the same write nothing.
    """
    document = as_stored(document)
    row, answers = stored.row, stored.answers if answers is None else tuple(answers)
    is_same_document = canonical(document) == canonical(stored.document)
    if is_same_document and answers == stored.answers:
        facts = Facts.model_validate(row.facts)
        told = links.told_codes((await links.carried(tx, [row.id]))[row.id].linked)
        return _answer(stored, row.version, told, coded.act_now(facts, preparing.policy), row.gaps)
    prepared = preparing.referral(
        document,
        agency=by.agency,
        now=by.at,
        received_at=row.received_at,
        consent_sent_at=row.received_at if document.get("consent") == stored.document.get("consent") else None,
        answers=[answer["notes"] for answer in answers],
    )
    event = await _related(tx, preparing, stored, prepared, by)
    new_words = _texts(document, answers) - _texts(stored.document, stored.answers)
    is_new = _in_one_order(event.facts.model_dump(mode="json")) != _in_one_order(row.facts) or any(
        preparing.policy.safety_words_in(text) for text in new_words
    )
    if is_new:
        event = event.model_copy(update={"version": row.version + 1})
    await _keep(tx, stored, document, answers, event, by, body_digest or row.body_digest)
    if is_new:
        await history.add(tx, row.id, "amended", at=by.at, detail=str(event.version))
    elif not is_same_document:  # a name, an address, how to reach them
        await history.add(tx, row.id, "corrected", at=by.at)
    listed = await _last_told(tx, row.id, ReferralReceived, ReferralAmended)
    monitored = await _last_told(tx, row.id, ReferralMonitored)
    news: list[Event] = [event] if is_new or listed is None or _listed(event) != _listed(listed) else []
    if monitored is None or prepared.monitoring != monitored.monitoring:
        news.append(ReferralMonitored(reference=row.reference, agency_id=by.agency.id, monitoring=prepared.monitoring))
    await outbox.append(tx, [Draft(row.id, each, by.at, by.cause) for each in news])
    return _answer(stored, event.version, links.told_codes(event.linked), prepared.act_now, prepared.gaps)


def _in_one_order(value: Any) -> Any:
    """The same for the same facts: the order of a list of codes says nothing."""
    if isinstance(value, dict):
        return {name: _in_one_order(member) for name, member in value.items()}
    return sorted(value) if isinstance(value, list) else value


def _texts(document: Any, answers: Sequence[dict[str, str]]) -> set[str]:
    """The free texts that are searched for safety words, as they were sent."""
    consent, caregivers = document.get("consent") or {}, document.get("caregivers") or ()
    said = [document.get("notes"), consent.get("override_reason"), *(each.get("safe_contact") for each in caregivers)]
    return {text for text in said if text} | {answer["notes"] for answer in answers}


def _listed(event: ReferralReceived) -> tuple[Any, ...]:
    """What others list besides the facts."""
    return event.gaps, event.linked, event.family_id, event.household


async def _last_told(tx: AsyncConnection, referral_id: UUID, *kinds: type[Event]) -> Any:
    """The event of these kinds that others heard last, or None."""
    found = await tx.execute(
        sql("SELECT type, value FROM event WHERE key = :id AND type = ANY(:types) ORDER BY sequence DESC LIMIT 1"),
        {"id": referral_id, "types": [each.type for each in kinds]},
    )
    row = found.one_or_none()
    return next(each for each in kinds if each.type == row.type).model_validate_json(row.value) if row else None


async def _keep(
    tx: AsyncConnection,
    stored: Stored,
    document: Any,
    answers: Sequence[dict[str, str]],
    event: ReferralAmended,
    by: AgencyActor,
    body_digest: bytes,
) -> None:
    """The row as it is now. The feed shows the version and the gaps."""
    row = stored.row
    is_shown = event.version > row.version or list(event.gaps) != row.gaps
    replaced = [row.body_digest] if body_digest != row.body_digest else []
    await tx.execute(
        tables.referral.update()
        .where(tables.referral.c.id == row.id)
        .values(
            version=event.version,
            body_digest=body_digest,
            earlier_copies=[*row.earlier_copies, *replaced][-MOST_COPIES:],
            identity=stored.sealed_with(document, answers),
            facts=event.facts.model_dump(mode="json"),
            gaps=list(event.gaps),
            changed_in=history.CURRENT_TRANSACTION if is_shown else row.changed_in,
        )
    )
    await audit.write(tx, [by.entry("referral.amended", row.id)])


def _answer(stored: Stored, version: int, told: list[str], act_now: Sequence[str], gaps: Sequence[str]) -> Answer:
    news = {
        "status": stored.status.value,
        "version": version,
        "act_now": list(act_now),
        "gaps": list(gaps),
        "links": told,
    }
    return Answer(200, stored.row.receipt | news, f"/referrals/{stored.row.reference}")


async def _related(
    tx: AsyncConnection, preparing: Preparing, stored: Stored, prepared: Prepared, by: AgencyActor
) -> ReferralAmended:
    """The referral as it is now among its family, under the version there is."""
    row = stored.row
    await idempotency.lock(tx, sorted(prepared.family.relating))
    await links.keep_tokens(tx, {row.id: prepared.family.tokens})
    await tx.execute(
        tables.referral.update()
        .where(tables.referral.c.id == row.id)
        .values(profile=prepared.family.profile.model_dump(mode="json"))
    )
    related = await relating.afresh(tx, row.id, by, preparing.policy, tell_own=False)
    return ReferralAmended(
        reference=row.reference,
        agency_id=by.agency.id,
        version=row.version,
        received_at=row.received_at,
        expected_by=row.expected_by,
        family_id=related.family_id,
        facts=prepared.facts.model_copy(update={"links": related.links.codes}),
        linked=related.links.linked,
        gaps=prepared.gaps,
        household=prepared.household,
    )
