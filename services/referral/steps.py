"""What an agency does with its own referral after sending it: change, withdraw, inform, challenge; and enquiries.

Each reads its JSON value, runs inside an open transaction and returns the answer; nothing here commits. Raises Invalid
for a value that can't be read, Problem 404 for a referral that is not the agency's, 409 for a step that is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import facts as coded
from services.referral import history, tables, views
from services.referral.agencies import AgencyActor
from services.referral.document.read import (
    dropped,
    keep_dangers,
    merge_patch,
    read_challenge,
    read_enquiry,
    read_information,
    read_withdrawal,
    split_taken_back,
)
from services.referral.families import relating
from services.referral.status import RouteState, Status, Step, status_of
from services.referral.submitting.amend import Stored, open_for, store
from services.referral.submitting.idempotency import Answer
from services.referral.submitting.prepare import Preparing
from shared import audit
from shared.events import (
    EnquiryReceived,
    Event,
    Facts,
    Kind,
    ReferralChallenged,
    ReferralInformed,
    ReferralWithdrawn,
)
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Draft
from shared.problems import Problem
from shared.strict_json import canonical

TakeStep = Callable[[AsyncConnection, Preparing, str, Any, AgencyActor], Awaitable[Answer]]
"""What an agency does: from a reference and a JSON value to an answer, in an open transaction."""


async def patch(
    tx: AsyncConnection,
    preparing: Preparing,
    reference: str,
    change: object,
    by: AgencyActor,
    *,
    version: int | None = None,
) -> Answer:
    """A JSON merge patch of the referral; a danger stays until `taken_back` names it.

    Raises Problem 412 when `version` is not that of now.
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
        await audit.write(tx, [by.entry("referral.danger-taken-back", stored.row.id, " ".join(taken_back))])
    gone = [pointer for pointer in dropped(stored.document, change) if not _is_kept(pointer, document)]
    return replace(answer, body=answer.body | {"dropped": gone})


def _is_kept(pointer: str, document: Mapping[str, Any]) -> bool:
    """A danger that the patch left out stands there all the same."""
    _, member, *rest = pointer.split("/")
    return member == "safety" and rest[0] in (document.get("safety") or ())


async def withdraw(tx: AsyncConnection, preparing: Preparing, reference: str, value: object, by: AgencyActor) -> Answer:
    """The agency takes the referral back; nothing can be done with it any more."""
    reason = read_withdrawal(value, now=by.at)
    stored = await open_for(tx, preparing, reference, by, Step.WITHDRAW)
    event = ReferralWithdrawn(reference=reference, agency_id=by.agency.id, reason=reason)
    await _set(tx, stored.row.id, withdrawn_at=by.at, withdrawal_reason=reason.value)
    await _tell(tx, stored.row.id, "withdrawn", event, by, detail=reason.value)
    await relating.afresh(tx, stored.row.id, by, preparing.policy, tell_own=False)
    body = {"reference": reference, "status": Status.WITHDRAWN.value, "act_now": _act_now(stored, preparing)}
    return Answer(200, body, f"/referrals/{reference}")


async def inform(tx: AsyncConnection, preparing: Preparing, reference: str, value: object, by: AgencyActor) -> Answer:
    """The referrer's answer: words kept with the identity, changed members as an amendment; the clock runs again.

    An enquiry has no versions: it takes words only, and is not decided anew. Safety words in them are seen by whoever
    works on its open item, and by nobody else.
    """
    information = read_information(value, now=by.at)
    stored = await open_for(tx, preparing, reference, by, Step.INFORM)
    given = {"at": by.at.isoformat(), "notes": information.notes} if information.notes else None
    act_now = await _keep_words(tx, preparing, stored, given, information.changes, by)
    await _set(tx, stored.row.id)
    await _stop_waiting(tx, stored.row.id, at=by.at)
    event = ReferralInformed(reference=reference, agency_id=by.agency.id)
    await _tell(tx, stored.row.id, "informed", event, by)
    told = {"dropped": dropped(stored.document, dict(information.changes))} if information.changes else {}
    now = status_of(views.progress(stored.row, await views.route_states(tx, stored.row.id)))
    body = {"reference": reference, "status": now.value, "received_at": _time(by.at), "act_now": act_now}
    return Answer(200, body | told, f"/referrals/{reference}")


async def challenge(
    tx: AsyncConnection, preparing: Preparing, reference: str, value: object, by: AgencyActor
) -> Answer:
    """The referrer asks, once, to look again at a decline; the words are kept as answers are."""
    words = read_challenge(value, now=by.at)
    stored = await open_for(tx, preparing, reference, by, Step.CHALLENGE)
    if stored.row.challenged_at is not None:
        raise Problem("step-not-allowed", "You have asked us once to look again; that is all there is to this step")
    said = {"at": by.at.isoformat(), "notes": words, "of": Step.CHALLENGE.value}
    await _keep_words(tx, preparing, stored, said, {}, by)
    await _set(tx, stored.row.id, challenged_at=by.at)
    event = ReferralChallenged(reference=reference, agency_id=by.agency.id, about=Kind(stored.row.kind))
    await _tell(tx, stored.row.id, "challenged", event, by)
    said = {"reference": reference, "status": stored.status.value, "received_at": _time(by.at)}
    body = said | {"act_now": _act_now(stored, preparing)}
    return Answer(200, body, f"/referrals/{reference}")


async def _keep_words(
    tx: AsyncConnection,
    preparing: Preparing,
    stored: Stored,
    said: dict[str, str] | None,
    changes: Mapping[str, Any],
    by: AgencyActor,
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
        await _set(tx, stored.row.id, identity=stored.sealed_with(stored.document, answers))
    return _act_now(stored, preparing)


async def _stop_waiting(tx: AsyncConnection, referral_id: UUID, *, at: datetime) -> None:
    """The referrer has answered: nothing waits for them any more, as triage will find too."""
    await tx.execute(
        tables.route_state.update()
        .where(
            tables.route_state.c.referral_id == referral_id,
            tables.route_state.c.state == RouteState.WAITING_FOR_REFERRER.value,
            tables.route_state.c.changed_at <= at,
        )
        .values(state=RouteState.OPEN.value, changed_at=at)
    )


async def _set(tx: AsyncConnection, referral_id: UUID, **values: Any) -> None:
    """Change the referral's row, for the agency's feed too."""
    changed = tables.referral.update().where(tables.referral.c.id == referral_id)
    await tx.execute(changed.values(changed_in=history.CURRENT_TRANSACTION, **values))


async def _tell(
    tx: AsyncConnection, referral_id: UUID, what: str, event: Event, by: AgencyActor, *, detail: str | None = None
) -> None:
    """A line of the history, one of the audit trail, and the event."""
    await history.add(tx, referral_id, what, at=by.at, detail=detail)
    await audit.write(tx, [by.entry(event.type.removesuffix(".v1"), referral_id, detail)])
    await outbox.append(tx, [Draft(referral_id, event, by.at, by.cause)])


async def enquire(tx: AsyncConnection, preparing: Preparing, reference: str, value: Any, by: AgencyActor) -> Answer:
    """A consultation or training: no child in it, a new `reference`, counted apart from referrals."""
    enquiry, enquiry_id = read_enquiry(value, now=by.at), uuid7()
    facts = coded.enquiry_facts(enquiry, source_of_agency=by.agency.source, policy=preparing.policy)
    sealed = preparing.identities.seal(enquiry_id, canonical(value))
    receipt = {
        "id": str(enquiry_id),
        "reference": reference,
        "status": Status.RECEIVED.value,
        "received_at": _time(by.at),
        "act_now": coded.act_now(facts, preparing.policy),
        "links": [],
    }
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
            changed_in=history.CURRENT_TRANSACTION,
            index_key=preparing.identities.index_key,
        )
    )
    event = EnquiryReceived(
        reference=reference,
        agency_id=by.agency.id,
        about=facts.kind,
        received_at=by.at,
        expected_by=preparing.expected_by(by.at),
        facts=facts,
        people=enquiry.people or 1,
    )
    await _tell(tx, enquiry_id, "received", event, by)
    return Answer(201, receipt, f"/referrals/{reference}")


def _act_now(stored: Stored, preparing: Preparing) -> list[str]:
    """Whom to ring now, from the facts before this step."""
    return coded.act_now(Facts.model_validate(stored.row.facts), preparing.policy)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _is_enquiry(stored: Stored) -> bool:
    return bool(stored.row.kind != Kind.FAMILY.value)
