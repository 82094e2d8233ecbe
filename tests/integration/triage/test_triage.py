"""Triage on a real PostgreSQL: steps at the same time, all or nothing, and what time alone brings about."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.triage.handlers import handlers
from services.triage.staff_notes import StaffNotes
from services.triage.work_items import places, timers
from shared.crypto import LocalKey, Safe
from shared.events import (
    Envelope,
    Event,
    Facts,
    MentalHealth,
    MessageKind,
    MessageUndeliverable,
    ReferralAmended,
    ReferralErased,
    ReferralInformed,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    Route,
    Safety,
    Severity,
    Urgency,
    WithdrawalReason,
)
from shared.ids import uuid7
from shared.messaging.dispatch import dispatch
from shared.policy import Policy
from tests.builders import SHERWOOD, TODAY, a_family, a_policy, at_home, noon
from tests.integration.conftest import Behind
from tests.integration.support import an_event, count, fetch

AGENCY = uuid7()
NOON = noon(TODAY)


def received(facts: Facts, *, key: UUID, at: datetime = NOON, **changes: Any) -> ReferralReceived:
    known = {
        "reference": f"PIR-{key.hex[-6:-3]}-{key.hex[-3:]}".upper(),
        "agency_id": AGENCY,
        "received_at": at,
        "expected_by": at.date() + timedelta(days=5),
        "family_id": key,
        "facts": facts,
    }
    return ReferralReceived(**known | changes)


async def hear(triage: Behind, *events: Envelope[Any], policy: Policy | None = None) -> None:
    async with triage.engine.begin() as tx:
        await dispatch(events, handlers(policy or a_policy()), tx)


async def a_referral_of(triage: Behind, facts: Facts, *, at: datetime = NOON, policy: Policy | None = None) -> UUID:
    """Triage has heard of a referral; returns its id."""
    key = uuid7()
    await hear(triage, an_event(key, data=received(facts, key=key, at=at), at=at), policy=policy)
    return key


async def items_of(triage: Behind, key: UUID) -> list[sa.Row[Any]]:
    return list(await fetch(triage.engine, "SELECT * FROM work_item WHERE referral_id = :id ORDER BY id", id=key))


async def item_of(triage: Behind, facts: Facts) -> str:
    """The id of the first work item of a new referral."""
    return str((await items_of(triage, await a_referral_of(triage, facts)))[0].id)


async def test_of_two_claims_at_once_exactly_one_wins(triage: Behind) -> None:
    items = [await item_of(triage, a_family()) for _ in range(50)]
    for item in items:
        answers = await asyncio.gather(
            triage.as_staff("POST", f"/work-items/{item}/claim"),
            triage.as_staff("POST", f"/work-items/{item}/claim", role="triage-lead"),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await count(triage.engine, "event WHERE type = 'work-item.claimed.v1'") == 50
    assert await count(triage.engine, "audit WHERE action = 'item.claim'") == 50


async def test_of_many_different_steps_at_once_the_state_is_that_of_one_order(triage: Behind) -> None:
    """By a lead: a worker may not close what nobody has, which depends on the order."""
    item = await item_of(triage, a_family())
    steps: list[tuple[str, dict[str, str]]] = [
        ("accept", {}),
        ("close", {"reason": "completed", "note": "Done."}),
        ("release", {}),
    ]
    answers = await asyncio.gather(
        *(triage.as_staff("POST", f"/work-items/{item}/{step}", body, role="triage-lead") for step, body in steps * 4)
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    taken = sum(answer.status_code == 200 for answer in answers)
    assert await count(triage.engine, "audit WHERE action LIKE 'item.%'") == taken


async def refuse_the_outbox(triage: Behind) -> None:
    """From now on nothing can be put into the outbox."""
    async with triage.admin.begin() as tx:
        await tx.execute(sa.text("ALTER TABLE outbox ADD CONSTRAINT full_of_holes CHECK (part < 0) NOT VALID"))


async def test_a_decision_is_stored_with_all_its_rows_or_not_at_all(triage: Behind) -> None:
    await refuse_the_outbox(triage)
    with pytest.raises(sa.exc.IntegrityError):
        await a_referral_of(triage, a_family())
    for table in ("referral", "decision", "work_item", "audit", "event", "outbox"):
        assert await count(triage.engine, table) == 0, table


async def test_a_step_that_cannot_be_announced_is_not_taken(triage: Behind) -> None:
    item = await item_of(triage, a_family())
    audited = await count(triage.engine, "audit")
    await refuse_the_outbox(triage)
    answer = await triage.as_staff("POST", f"/work-items/{item}/claim")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    [row] = await fetch(triage.engine, "SELECT state, assignee FROM work_item WHERE id = :id", id=UUID(item))
    assert (row.state, row.assignee) == ("open", None)
    assert await count(triage.engine, "audit") == audited


async def test_the_same_decision_is_never_made_twice(triage: Behind) -> None:
    key = uuid7()
    event = an_event(key, data=received(a_family(), key=key))
    await hear(triage, event)
    with pytest.raises(sa.exc.IntegrityError):
        await hear(triage, event)
    assert await count(triage.engine, "decision") == 1


async def escalate(triage: Behind, now: datetime) -> int:
    async with triage.engine.begin() as tx:
        return await timers.escalate(tx, now=now, policy=a_policy())


async def test_an_unopened_item_escalates_after_one_working_day_and_every_one_after(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    [item] = await items_of(triage, key)
    assert await escalate(triage, item.escalate_at - timedelta(seconds=1)) == 0
    assert await escalate(triage, item.escalate_at) == 1
    assert await escalate(triage, item.escalate_at) == 0
    [again] = await items_of(triage, key)
    assert again.escalations == 1
    assert again.escalate_at.date() > item.escalate_at.date()
    assert await escalate(triage, again.escalate_at) == 1
    assert await count(triage.engine, "event WHERE type = 'work-item.escalated.v1'") == 2


async def test_an_urgent_item_escalates_by_the_minute_at_night_too(triage: Behind) -> None:
    at = datetime(2026, 6, 14, 2, 0, tzinfo=UTC)  # a Sunday
    facts = a_family(safety=[Safety.IMMEDIATE_DANGER])
    items = await items_of(triage, await a_referral_of(triage, facts, at=at))
    assert {item.urgency for item in items} == {Urgency.NOW}
    minutes = a_policy().working_time.unopened_first_minutes
    assert await escalate(triage, at + timedelta(minutes=minutes - 1)) == 0
    assert await escalate(triage, at + timedelta(minutes=minutes)) == len(items)


async def test_two_clocks_at_once_escalate_an_item_once(triage: Behind) -> None:
    for _ in range(20):
        await a_referral_of(triage, a_family())
    later = NOON + timedelta(days=4)
    assert sum(await asyncio.gather(*(escalate(triage, later) for _ in range(4)))) == 20
    assert await count(triage.engine, "event WHERE type = 'work-item.escalated.v1'") == 20


async def test_an_item_that_somebody_opened_does_not_escalate(triage: Behind) -> None:
    item = await item_of(triage, a_family())
    assert (await triage.as_staff("POST", f"/work-items/{item}/claim")).status_code == 200
    assert await escalate(triage, NOON + timedelta(days=30)) == 0


async def test_a_ward_that_opens_lets_the_held_referrals_go(triage: Behind) -> None:
    tomorrow = NOON + timedelta(days=1)
    policy = a_policy()
    wards = [
        ward.model_copy(update={"opens_on": tomorrow.date()}) if ward.code == SHERWOOD else ward
        for ward in policy.wards
    ]
    opening = Policy.model_validate(policy.model_dump(exclude_unset=True) | {"wards": [w.model_dump() for w in wards]})
    key = await a_referral_of(triage, a_family(home=at_home(SHERWOOD)), policy=opening)
    assert Route.PHASE_HOLD in {Route(item.route) for item in await items_of(triage, key)}

    async def release(now: datetime) -> int:
        return await timers.release_opened_wards(triage.engine, now=now, policy=opening)

    assert await release(NOON) == 0
    assert await release(tomorrow) == 1
    assert await release(tomorrow) == 0
    items = await items_of(triage, key)
    held = [item for item in items if item.route == Route.PHASE_HOLD]
    assert all(item.end_reason == "decided_again" for item in held)
    assert [item for item in items if item.ended_at is None]
    events = await fetch(triage.engine, "SELECT value FROM event WHERE type = 'referral.triaged.v1' ORDER BY sequence")
    assert ['"is_release":true' in event.value for event in events] == [False, True]


def about(key: UUID, event: type[Event], **more: Any) -> Any:
    return event(reference=f"PIR-{key.hex[-6:-3]}-{key.hex[-3:]}".upper(), agency_id=AGENCY, **more)


async def test_a_withdrawal_closes_every_open_item_and_nothing_reopens_them(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    withdrawn = about(key, ReferralWithdrawn, reason=WithdrawalReason.FAMILY_DECLINED)
    await hear(triage, an_event(key, 2, withdrawn))
    changed = received(a_family(safety=[Safety.DOMESTIC_ABUSE]), key=key).model_dump() | {"version": 2}
    await hear(triage, an_event(key, 3, ReferralAmended(**changed)))
    items = await items_of(triage, key)
    assert {(item.state, item.end_reason) for item in items} == {("closed", "withdrawn")}
    assert await count(triage.engine, "event WHERE type = 'work-item.closed.v1'") == len(items)


async def test_a_referral_and_its_withdrawal_in_one_batch_leave_nothing_open(triage: Behind) -> None:
    key = uuid7()
    await hear(
        triage,
        an_event(key, 1, received(a_family(), key=key)),
        an_event(key, 2, about(key, ReferralWithdrawn, reason=WithdrawalReason.OTHER)),
    )
    assert await count(triage.engine, "work_item WHERE ended_at IS NULL") == 0


async def test_giving_a_waiting_item_to_a_colleague_tells_nobody_that_the_wait_is_over(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    [item] = await items_of(triage, key)
    await triage.as_staff("POST", f"/work-items/{item.id}/request-information", {"asked": "Which postcode?"})
    told = await count(triage.engine, "event WHERE type = 'work-item.claimed.v1'")
    given = await triage.as_staff(
        "POST", f"/work-items/{item.id}/assign", {"to": "dev-triage-lead"}, role="triage-lead"
    )
    assert given.status_code == 200
    [waiting] = await items_of(triage, key)
    assert (waiting.state, waiting.assignee) == ("waiting_for_referrer", "dev-triage-lead")
    assert waiting.waiting_since is not None
    assert await count(triage.engine, "event WHERE type = 'work-item.claimed.v1'") == told


async def test_erasure_destroys_what_staff_wrote_and_the_facts(triage: Behind, settings: dict[str, Any]) -> None:
    key = await a_referral_of(triage, a_family())
    [item] = await items_of(triage, key)
    words = {"text": "Zebedee rang about his sister."}
    assert (await triage.as_staff("POST", f"/work-items/{item.id}/note", words)).status_code == 200
    [sealed] = await fetch(triage.engine, "SELECT sealed FROM staff_text")
    assert b"Zebedee" not in sealed.sealed
    shown = (await triage.as_staff("GET", f"/work-items/{item.id}?why=covering")).json()
    assert [each["text"] for each in shown["texts"]] == [words["text"]]

    await hear(triage, an_event(key, 2, about(key, ReferralErased)))
    [row] = await fetch(triage.engine, "SELECT wrapped_key, facts FROM referral")
    assert (row.wrapped_key, row.facts) == (None, {})
    assert await count(triage.engine, "staff_text") == 0
    async with triage.engine.begin() as tx:
        assert await StaffNotes(Safe(LocalKey(b"0" * 32))).read(tx, key) == []
    assert (await triage.as_staff("POST", f"/work-items/{item.id}/note", words)).status_code == 409
    assert (await triage.as_staff("GET", f"/work-items/{item.id}")).status_code == 200


async def set_places(triage: Behind, individual: int) -> None:
    async with triage.engine.begin() as tx:
        for route in (Route.TARGETED, Route.PIR_SHORT, Route.PIR_LONG):
            await places.set_places(tx, route, individual=individual, group=0, by="test", at=NOON)


SHORT = {"domains": ("main_carer", "emotional"), "severity": "moderate", "risk_factors": ("isolation",)}


async def test_without_a_free_place_an_item_is_marked_for_the_waiting_list(triage: Behind) -> None:
    await set_places(triage, 0)
    items = await items_of(triage, await a_referral_of(triage, a_family(**SHORT)))
    full = [item for item in items if item.route in (Route.TARGETED, Route.PIR_SHORT, Route.PIR_LONG)]
    assert full
    assert all(item.state == "waiting_list" and "waiting_list" in item.marks for item in full)
    [said] = await fetch(triage.engine, "SELECT value FROM event WHERE type = 'referral.triaged.v1'")
    assert all(item.waiting_list for item in ReferralTriaged.model_validate_json(said.value).opened)


async def test_of_two_who_accept_into_the_last_place_at_once_one_is_refused(triage: Behind) -> None:
    facts = a_family(**SHORT)
    await set_places(triage, 1)
    items = [await item_of(triage, facts) for _ in range(6)]
    answers = await asyncio.gather(*(triage.as_staff("POST", f"/work-items/{item}/accept") for item in items))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}


async def test_an_amendment_keeps_the_items_whose_route_is_still_wanted(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    [before] = await items_of(triage, key)
    changed = received(a_family(carer_age=30), key=key).model_dump() | {"version": 2}
    await hear(triage, an_event(key, 2, ReferralAmended(**changed)))
    after = [item for item in await items_of(triage, key) if item.ended_at is None]
    assert [item.id for item in after] == [before.id]
    assert await count(triage.engine, "decision") == 2


async def test_a_claim_and_a_withdrawal_at_once_never_deadlock(triage: Behind) -> None:
    for _ in range(20):
        key = await a_referral_of(triage, a_family())
        [item] = await items_of(triage, key)
        withdrawn = an_event(key, 2, about(key, ReferralWithdrawn, reason=WithdrawalReason.OTHER))
        claim, _ = await asyncio.gather(
            triage.as_staff("POST", f"/work-items/{item.id}/claim"), hear(triage, withdrawn)
        )
        assert claim.status_code in (200, 409)
        [row] = await items_of(triage, key)
        assert row.state == "closed"


async def amend(triage: Behind, key: UUID, facts: Facts, *, version: int = 2, at: datetime = NOON) -> None:
    changed = received(facts, key=key).model_dump() | {"version": version}
    await hear(triage, an_event(key, version, ReferralAmended(**changed), at=at))


async def open_items_of(triage: Behind, key: UUID) -> dict[str, sa.Row[Any]]:
    """By route."""
    return {item.route: item for item in await items_of(triage, key) if item.ended_at is None}


async def step(triage: Behind, item: Any, name: str, **body: Any) -> None:
    answer = await triage.as_staff("POST", f"/work-items/{item.id}/{name}", body)
    assert answer.status_code == 200, answer.text


async def last_decision(triage: Behind, key: UUID) -> dict[str, Any]:
    rows = await fetch(triage.engine, "SELECT decision FROM decision WHERE referral_id = :id ORDER BY id", id=key)
    return dict(rows[-1].decision)


async def test_a_kept_item_takes_over_what_a_more_urgent_decision_says(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(safety=[Safety.SIGNIFICANT_HARM]))
    before = (await open_items_of(triage, key))[Route.MASH]
    await step(triage, before, "claim")
    worse = a_family(safety=[Safety.SIGNIFICANT_HARM, Safety.IMMEDIATE_DANGER, Safety.DOMESTIC_ABUSE])
    await amend(triage, key, worse)
    after = (await open_items_of(triage, key))[Route.MASH]
    assert (after.id, after.state, after.urgency) == (before.id, "claimed", "now")
    assert after.due_at < before.due_at
    assert after.opened_first_at is None
    assert after.escalate_at == NOON + timedelta(minutes=a_policy().working_time.unopened_first_minutes)
    assert "contact_hold_c2" in after.marks
    assert after.decision_id != before.decision_id


async def test_a_kept_item_is_never_less_urgent_or_later_than_before(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(born_on=TODAY - timedelta(days=60)))
    [before] = (await open_items_of(triage, key)).values()
    await amend(triage, key, a_family(babies=2), at=NOON + timedelta(days=3))
    [after] = (await open_items_of(triage, key)).values()
    assert (after.id, after.due_at, after.escalate_at) == (before.id, before.due_at, before.escalate_at)
    assert after.marks == ["twins"]


async def test_more_urgent_work_does_not_wait_for_the_referrer(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(severity=Severity.MODERATE))
    [item] = (await open_items_of(triage, key)).values()
    await step(triage, item, "request-information", asked="Which postcode?")
    await amend(triage, key, a_family(severity=Severity.MODERATE, born_on=TODAY - timedelta(days=690)))
    [after] = (await open_items_of(triage, key)).values()
    assert (after.id, after.urgency, after.state, after.waiting_since) == (item.id, "urgent", "open", None)
    assert after.escalate_at is not None


async def test_an_override_keeps_the_contact_holds_and_the_marks(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(babies=2, safety=[Safety.DOMESTIC_ABUSE]))
    [item] = (await open_items_of(triage, key)).values()
    await step(triage, item, "override", routes=["universal"], tier="universal", reason="Enough for now")
    decision = await last_decision(triage, key)
    assert decision["holds"] == ["C2"]
    assert {"person", "C2", "M3"} <= set(decision["rules"])
    assert {reason["rule"] for reason in decision["reasons"]} == set(decision["rules"])
    assert (await open_items_of(triage, key))["universal"].marks == ["twins", "contact_hold_c2"]


async def test_an_override_without_an_urgency_keeps_that_of_the_decision(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(mental_health=MentalHealth.SELF_HARM_NEW))
    item = (await open_items_of(triage, key))[Route.PNMH_EMERGENCY]
    await step(triage, item, "claim")
    await step(triage, item, "override", routes=["mash"], tier="statutory", reason="Social care knows them")
    assert (await last_decision(triage, key))["urgency"] == "4h"


async def test_unread_safety_work_is_not_closed_by_another_decision(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(safety=[Safety.IMMEDIATE_DANGER]))
    read = (await open_items_of(triage, key))[Route.EMERGENCY_CALL]
    await step(triage, read, "claim")
    await amend(triage, key, a_family())
    assert set(await open_items_of(triage, key)) == {"mash", "targeted"}


@pytest.mark.parametrize("way", ["decline", "override"])
async def test_a_decision_on_other_work_ends_no_safety_work_that_a_colleague_has(triage: Behind, way: str) -> None:
    """They may be on the telephone: whoever has it ends it, with words that say who was told."""
    key = await a_referral_of(triage, a_family(safety=[Safety.IMMEDIATE_DANGER]))
    items = await open_items_of(triage, key)
    await step(triage, items[Route.MASH], "claim")
    other = items[Route.EMERGENCY_CALL]
    body: dict[str, Any] = {"routes": ["universal"], "reason": "Enough for now"}
    if way == "decline":
        body = {"reason": "not_suitable", "note": "Told the referrer"}
    answer = await triage.as_staff("POST", f"/work-items/{other.id}/{way}", body, role="triage-lead")
    assert answer.status_code == 200
    assert (await open_items_of(triage, key))[Route.MASH].state == "claimed"


async def test_a_decline_leaves_unread_safety_work_open(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(safety=[Safety.IMMEDIATE_DANGER]))
    declined = (await open_items_of(triage, key))[Route.EMERGENCY_CALL]
    body = {"reason": "not_suitable", "note": "Rang 999 at 12:05"}
    answer = await triage.as_staff("POST", f"/work-items/{declined.id}/decline", body, role="triage-lead")
    assert answer.status_code == 200
    assert set(await open_items_of(triage, key)) == {"mash"}


async def test_the_machine_does_not_close_what_a_person_decided(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    [item] = (await open_items_of(triage, key)).values()
    await step(triage, item, "override", routes=["pir_long"], tier="specialist_long", reason="I know them")
    await amend(triage, key, a_family(babies=2))
    await amend(triage, key, a_family(babies=3), version=3)
    [item] = (await open_items_of(triage, key)).values()
    assert (item.route, item.marks) == ("pir_long", ["twins", "facts_changed"])


def undelivered(key: UUID) -> Envelope[Any]:
    return an_event(key, 1, about(key, MessageUndeliverable, message_id=uuid7(), kind=MessageKind.DECISION), at=NOON)


async def test_a_message_about_a_referral_not_heard_of_yet_still_opens_an_item(triage: Behind) -> None:
    key = uuid7()
    await hear(triage, undelivered(key))
    await hear(triage, undelivered(key))
    [item] = await items_of(triage, key)
    assert (item.route, item.marks, item.state) == ("review", ["undeliverable"], "open")
    assert (await triage.as_staff("GET", f"/work-items/{item.id}")).status_code == 200


async def test_an_agency_to_ring_is_not_the_review_that_a_decision_asks_for(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    await hear(triage, undelivered(key))
    await amend(triage, key, a_family(safety_words=True))
    reviews = [item.marks for item in await items_of(triage, key) if item.route == "review" and not item.ended_at]
    assert sorted(reviews) == [["safety_words"], ["undeliverable"]]


async def test_a_birth_after_the_receipt_is_no_date_in_the_future(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(due_on=TODAY + timedelta(days=10)))
    later = NOON + timedelta(days=12)
    await amend(triage, key, a_family(born_on=TODAY + timedelta(days=11)), at=later)
    assert "E4" in (await last_decision(triage, key))["rules"]
    [row] = await fetch(triage.engine, "SELECT received_at FROM referral")
    assert row.received_at == NOON


async def test_what_a_person_holds_is_not_released_by_the_clock(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    [item] = (await open_items_of(triage, key)).values()
    await step(triage, item, "override", routes=["phase_hold"], reason="They asked to wait")
    assert await timers.release_opened_wards(triage.engine, now=NOON + timedelta(days=1), policy=a_policy()) == 0
    assert set(await open_items_of(triage, key)) == {"phase_hold"}


async def test_an_event_about_a_referral_not_heard_of_is_not_taken_as_done(triage: Behind) -> None:
    key = uuid7()
    changed = received(a_family(), key=key).model_dump() | {"version": 2}
    for data in (
        ReferralAmended(**changed),
        about(key, ReferralInformed),
        about(key, ReferralWithdrawn, reason=WithdrawalReason.OTHER),
    ):
        with pytest.raises(LookupError):
            await hear(triage, an_event(key, 2, data))


async def test_what_is_assigned_goes_on_escalating_until_somebody_opens_it(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    [item] = await items_of(triage, key)
    answer = await triage.as_staff("POST", f"/work-items/{item.id}/assign", {"to": "someone"}, role="triage-lead")
    assert answer.status_code == 200
    assert await escalate(triage, item.escalate_at) == 1


async def test_an_item_that_waits_for_the_referrer_can_be_claimed(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family())
    [item] = await items_of(triage, key)
    await step(triage, item, "request-information", asked="Which postcode?")
    await step(triage, item, "claim")
    [claimed] = await items_of(triage, key)
    assert (claimed.state, claimed.waiting_since, claimed.clock_stands) == ("claimed", None, False)
