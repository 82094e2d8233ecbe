"""What an agency does with its own referral after sending it: change, withdraw, inform, challenge; and enquiries.

Each runs inside an open transaction and returns the answer; nothing here commits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import facts as coded
from services.referral import tables, views
from services.referral.amendments import By, Stored, open_for, store
from services.referral.answers import Answer
from services.referral.document import Enquiry, Information, dropped, keep_dangers, merge_patch, split_taken_back
from services.referral.families import relating
from services.referral.families.relating import Since
from services.referral.preparing import Preparing
from services.referral.status import Status, Step
from shared import audit
from shared.audit import Actor, Entry
from shared.crypto import seal
from shared.events import (
    EnquiryReceived,
    Facts,
    Kind,
    ReferralChallenged,
    ReferralInformed,
    ReferralWithdrawn,
    WithdrawalReason,
)
from shared.messaging import outbox
from shared.messaging.outbox import Draft
from shared.problems import Problem


async def patch(
    tx: AsyncConnection, preparing: Preparing, reference: str, change: object, by: By, *, version: int | None = None
) -> Answer:
    """A JSON merge patch of the referral; a danger stays until `taken_back` names it.

    Raises Invalid for a result that can't be read, Problem 404 or 409, and 412 when `version` is not that of now.
    """
    stored = await open_for(tx, preparing, reference, by, Step.AMEND)
    if version not in (None, stored.row.version):
        raise Problem("precondition-failed", extra={"version": stored.row.version})
    change, taken_back = split_taken_back(change)
    if _is_enquiry(stored):
        raise Problem("step-not-allowed", "An enquiry can't be changed; answer in words, or send a new one")
    document = keep_dangers(stored.document, merge_patch(stored.document, change), taken_back)
    answer = await store(tx, preparing, stored, document, by)
    if taken_back:
        await audit.write(tx, [_entry(by, "referral.danger-taken-back", stored.row.id, " ".join(taken_back))])
    gone = [pointer for pointer in dropped(stored.document, change) if not _is_kept(pointer, document)]
    return replace(answer, body=answer.body | {"dropped": gone})


def _is_kept(pointer: str, document: Mapping[str, Any]) -> bool:
    """A danger that the patch left out stands there all the same."""
    _, member, *rest = pointer.split("/")
    return member == "safety" and rest[0] in (document.get("safety") or ())


async def withdraw(
    tx: AsyncConnection, preparing: Preparing, reference: str, reason: WithdrawalReason, by: By
) -> Answer:
    """The agency takes the referral back; nothing can be done with it any more. Raises Problem 404 or 409."""
    stored = await open_for(tx, preparing, reference, by, Step.WITHDRAW)
    referral_id = stored.row.id
    await _set(tx, referral_id, withdrawn_at=by.at, withdrawal_reason=reason.value)
    await views.tell(tx, referral_id, "withdrawn", at=by.at, detail=reason.value)
    await audit.write(tx, [_entry(by, "referral.withdrawn", referral_id, reason.value)])
    event = ReferralWithdrawn(reference=reference, agency_id=by.agency.id, reason=reason)
    await outbox.append(tx, [Draft(referral_id, event, by.at, by.cause)])
    await relating.afresh(tx, referral_id, Since(by.at, by.cause), preparing.policy, tell_own=False)
    return Answer(200, {"reference": reference, "status": Status.WITHDRAWN.value}, f"/referrals/{reference}")


async def inform(tx: AsyncConnection, preparing: Preparing, reference: str, information: Information, by: By) -> Answer:
    """The referrer's answer: words kept with the identity, changed members as an amendment; the clock runs again.

    An enquiry has no versions: it takes words only, and is not decided anew. Safety words in them are seen by whoever
    works on its open item, and by nobody else.
    """
    stored = await open_for(tx, preparing, reference, by, Step.INFORM)
    referral_id = stored.row.id
    given = {"at": by.at.isoformat(), "notes": information.notes} if information.notes else None
    act_now = await _keep_words(tx, preparing, stored, given, information.changes, by)
    await _set(tx, referral_id)
    await views.tell(tx, referral_id, "informed", at=by.at)
    await views.stop_waiting(tx, referral_id, at=by.at)
    await audit.write(tx, [_entry(by, "referral.informed", referral_id)])
    event = ReferralInformed(reference=reference, agency_id=by.agency.id)
    await outbox.append(tx, [Draft(referral_id, event, by.at, by.cause)])
    told = {"dropped": dropped(stored.document, dict(information.changes))} if information.changes else {}
    body = {"reference": reference, "received_at": by.at.isoformat(), "act_now": act_now}
    return Answer(200, body | told, f"/referrals/{reference}")


async def challenge(tx: AsyncConnection, preparing: Preparing, reference: str, words: str, by: By) -> Answer:
    """The referrer asks, once, to look again at a decline; the words are kept as answers are. Problem 404 or 409."""
    stored = await open_for(tx, preparing, reference, by, Step.CHALLENGE)
    referral_id = stored.row.id
    if stored.row.challenged_at is not None:
        raise Problem("step-not-allowed", "You have asked us once to look again; that is all there is to this step")
    said = {"at": by.at.isoformat(), "notes": words, "of": Step.CHALLENGE.value}
    await _keep_words(tx, preparing, stored, said, {}, by)
    await _set(tx, referral_id, challenged_at=by.at)
    await views.tell(tx, referral_id, "challenged", at=by.at)
    await audit.write(tx, [_entry(by, "referral.challenged", referral_id)])
    event = ReferralChallenged(reference=reference, agency_id=by.agency.id, about=Kind(stored.row.kind))
    await outbox.append(tx, [Draft(referral_id, event, by.at, by.cause)])
    return Answer(200, {"reference": reference, "received_at": by.at.isoformat()}, f"/referrals/{reference}")


async def _keep_words(
    tx: AsyncConnection,
    preparing: Preparing,
    stored: Stored,
    said: dict[str, str] | None,
    changes: Mapping[str, Any],
    by: By,
) -> list[str]:
    """Words beside the document; with changed members, or words on the safety list, it is an amendment as well.

    Returns whom to ring now.
    """
    if changes and _is_enquiry(stored):
        raise Problem("step-not-allowed", "An enquiry takes an answer in words only; send a new one to change it")
    answers = [*stored.answers, said] if said else list(stored.answers)
    words_matter = bool(said and not _is_enquiry(stored) and preparing.policy.safety_words_in(said["notes"]))
    if changes or words_matter:
        document = keep_dangers(stored.document, merge_patch(stored.document, dict(changes)))
        answer = await store(tx, preparing, stored, document, by, answers=answers)
        return list(answer.body["act_now"])
    if said:
        text = json.dumps({"document": stored.document, "answers": answers}, ensure_ascii=False).encode()
        await _set(tx, stored.row.id, identity=seal(stored.key, text, about=stored.row.id.bytes))
    return coded.act_now(Facts.model_validate(stored.row.facts), preparing.policy)


async def _set(tx: AsyncConnection, referral_id: UUID, **values: Any) -> None:
    """Change the referral's row, for the agency's feed too."""
    changed = tables.referral.update().where(tables.referral.c.id == referral_id)
    await tx.execute(changed.values(changed_in=views.CURRENT_TRANSACTION, **values))


async def enquire(
    tx: AsyncConnection, preparing: Preparing, enquiry: Enquiry, value: Any, by: By, *, enquiry_id: UUID, reference: str
) -> Answer:
    """A consultation or training request: no child in it, a reference of its own, counted apart from referrals."""
    facts = coded.enquiry_facts(enquiry, source_of_agency=by.agency.source, policy=preparing.policy)
    sealed = preparing.identities.seal(enquiry_id, value)
    receipt = _enquiry_receipt(enquiry_id, reference, coded.act_now(facts, preparing.policy), by.at)
    await tx.execute(
        tables.referral.insert().values(
            id=enquiry_id,
            reference=reference,
            kind=facts.kind.value,
            agency_id=by.agency.id,
            version=1,
            body_digest=preparing.identities.digest("enquiry", enquiry_id.bytes),
            received_at=by.at,
            expected_by=preparing.expected_by(by.at),
            family_id=enquiry_id,
            profile={},
            wrapped_key=sealed.wrapped_key,
            identity=sealed.identity,
            facts=facts.model_dump(mode="json"),
            gaps=[],
            receipt=receipt,
            changed_in=views.CURRENT_TRANSACTION,
        )
    )
    await views.tell(tx, enquiry_id, "received", at=by.at)
    await audit.write(tx, [_entry(by, "enquiry.received", enquiry_id)])
    event = EnquiryReceived(
        reference=reference,
        agency_id=by.agency.id,
        about=facts.kind,
        received_at=by.at,
        expected_by=preparing.expected_by(by.at),
        facts=facts,
        people=enquiry.people or 1,
    )
    await outbox.append(tx, [Draft(enquiry_id, event, by.at, by.cause)])
    return Answer(201, receipt, f"/referrals/{reference}")


def _enquiry_receipt(enquiry_id: UUID, reference: str, act_now: list[str], at: datetime) -> dict[str, Any]:
    return {
        "id": str(enquiry_id),
        "reference": reference,
        "status": Status.RECEIVED.value,
        "received_at": at.isoformat(timespec="milliseconds"),
        "act_now": act_now,
        "links": [],
    }


def _is_enquiry(stored: Stored) -> bool:
    return bool(stored.row.kind != Kind.FAMILY.value)


def _entry(by: By, action: str, referral_id: UUID, detail: str | None = None) -> Entry:
    return Entry(Actor("agency", by.agency.slug), action, by.at, referral_id, detail)
