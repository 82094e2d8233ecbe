"""Messages to families on a real PostgreSQL, with the referral service and a stand-in for GOV.UK Notify."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import generate_latest

from deploy.check import RULES
from deploy.local.govuk_messages import TEMPLATES
from deploy.local.govuk_notify import new_key
from services.notify.app import build
from services.notify.family_messages import rows
from services.notify.family_messages.asking import FOR, Asking
from services.notify.family_messages.callbacks import Callbacks
from services.notify.family_messages.sending import FamilySender, reference_of
from services.notify.handlers import handlers, make_messages
from services.notify.senders.govuk_notify import GovukNotify
from services.notify.settings import Settings
from services.referral.handlers import keep_claimed, keep_closed
from shared.database import sql
from shared.events import (
    EscalationReason,
    PlaceKind,
    ReferralAmended,
    ReferralReceived,
    ReferralRestricted,
    Route,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemEscalated,
)
from shared.events.codes import ClosureReason, DeclineReason
from shared.messaging.dispatch import AtOnce
from shared.policy import InvalidPolicyError
from tests.builders import RETRIES, a_policy
from tests.integration.family_site import MOBILES, TOKEN, FamilySite, family_site, policies_on
from tests.integration.support import an_event, fetch
from tests.rendering import client_of

PHONE, EMAIL, LINE = "07700 900431", "zebedee.canary@example.org", "17 Canary Wharf Lane"
DIALLED = "+447700900431"
SAFE = {"channel": "sms", "is_safe": True, "told_by": "family"}


@pytest.fixture
async def site(database: str, settings: dict[str, Any], tmp_path: Path) -> AsyncIterator[FamilySite]:
    async with family_site(database, settings, tmp_path, mobiles=MOBILES) as site:
        yield site


def document(**messages: Any) -> dict[str, Any]:
    """A family that a referrer tells of, the baby five months old."""
    return {
        "referrer": {"name": "Ada Okoro", "role": "Health visitor", "email": "ada.okoro@example.org"},
        "babies": [{"given_name": "Robin", "date_of_birth": "2026-06-01"}],
        "caregivers": [
            {
                "relationship": "mother", "given_name": "Zebedee", "family_name": "Canary", "phone": PHONE,
                "email": EMAIL, "messages": SAFE | messages,
            }
        ],
        "home": {"postcode": "NG6 8GB", "address_lines": [LINE]},
        "consent": {"status": "given"},
        "concern": {"severity": "moderate"},
    }  # fmt: skip


async def refer(site: FamilySite, value: dict[str, Any] | None = None) -> tuple[str, UUID]:
    """Its reference and id; notify has heard of it."""
    answer = await site.intake.send(value or document())
    assert answer.status_code == 201, answer.text
    await site.hear()
    site.now = max(site.now, datetime.now(site.now.tzinfo))
    return answer.json()["reference"], UUID(answer.json()["id"])


async def amend(site: FamilySite, reference: str, **change: Any) -> None:
    headers = {"Authorization": f"Bearer {site.intake.key()}", "Idempotency-Key": uuid4().hex}
    answer = await site.intake.http.patch(f"/referrals/{reference}", json=change, headers=headers)
    assert answer.status_code == 200, answer.text


def sent(site: FamilySite) -> list[Any]:
    return list(site.stand_in.messages.kept)


def about(reference: str, route: Route = Route.PIR_SHORT, **more: Any) -> dict[str, Any]:
    return {"reference": reference, "agency_id": uuid4(), "work_item_id": uuid4(), "route": route, **more}


# Made, and asked again.


@pytest.mark.parametrize(("channel", "to"), [("sms", DIALLED), ("email", EMAIL), ("letter", "Zebedee Canary")])
async def test_a_family_hears_on_the_channel_that_it_chose(site: FamilySite, channel: str, to: str) -> None:
    reference, _ = await refer(site, document(channel=channel))
    await site.turn()
    [message] = sent(site)
    assert (message.channel, message.to) == (channel, to)
    assert "we have your request. We will be in touch by" in message.body
    assert "Nottingham City Council" in message.body
    assert reference not in message.body
    row = await site.only(reference)
    assert (row.state, row.channel, row.accepted) == ("sent", channel, 1)


async def test_an_amendment_that_the_baby_has_died_between_making_and_sending_stops_it(site: FamilySite) -> None:
    reference, _ = await refer(site)
    await amend(site, reference, circumstances=["infant_died"])  # notify has not heard of this yet
    await site.turn()
    assert sent(site) == []
    assert await site.state(reference) == ("held", "hold")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"safety": ["domestic_abuse"]}, "hold"),
        ({"circumstances": ["pregnancy_ended"]}, "hold"),
        ({"consent": {"status": "refused"}}, "no-consent"),
        ({"consent": {"status": "disputed"}}, "no-consent"),
        ({"caregivers": [{"relationship": "mother", "given_name": "Z", "phone": PHONE}]}, "not-wanted"),
        ({"caregivers": [document(is_safe=False)["caregivers"][0]]}, "not-safe"),
        ({"caregivers": [document(told_by="referrer")["caregivers"][0]]}, "not-told"),
        ({"caregivers": [document()["caregivers"][0] | {"phone": None}]}, "no-address"),
        ({"caregivers": [document()["caregivers"][0] | {"safe_contact": "Only on Mondays"}]}, "unclear"),
    ],
)
async def test_whatever_is_told_between_making_and_sending_counts(
    site: FamilySite, change: dict[str, Any], why: str
) -> None:
    reference, _ = await refer(site)
    await amend(site, reference, **change)
    await site.turn()
    assert sent(site) == []
    assert await site.state(reference) == ("held", why)


async def test_a_hold_of_triages_decision_counts_as_soon_as_the_referral_service_has_heard_of_it(
    site: FamilySite,
) -> None:
    reference, _ = await refer(site)
    await fetch_nothing(site, 'UPDATE referral SET decision = \'{"holds": ["C1"]}\' WHERE reference = :ref', reference)
    await site.turn()
    assert await site.state(reference) == ("held", "hold")


@pytest.mark.parametrize("route", [Route.BEREAVEMENT_REVIEW, Route.REVIEW_BIRTH_OUTCOME])
async def test_a_loss_that_a_person_decides_on_stops_it_though_the_facts_say_nothing(
    site: FamilySite, route: Route
) -> None:
    reference, referral_id = await refer(site)
    decided = f'{{"holds": [], "routes": ["{route}"]}}'
    await fetch_nothing(site, f"UPDATE referral SET decision = '{decided}' WHERE reference = :ref", reference)
    await site.say(referral_id, WorkItemAccepted(**about(reference)))
    await site.turn()
    assert sent(site) == []
    assert {(row.state, row.last_error) for row in await site.messages(reference)} == {("held", "hold")}


async def test_work_that_is_closed_because_the_baby_has_died_stops_what_waits_and_what_would_come(
    site: FamilySite,
) -> None:
    reference, referral_id = await refer(site)
    closed = WorkItemClosed(reason=ClosureReason.DIED, **about(reference))
    await site.say(referral_id, closed)
    assert await site.state(reference) == ("held", "hold")
    await site.say(referral_id, WorkItemAccepted(**about(reference, Route.TARGETED)))
    assert len(await site.messages(reference)) == 1
    # the referral service keeps it: an amendment that tells nothing of it makes the family one that wants messages
    async with site.intake.admin.begin() as tx:
        goes_on = WorkItemClaimed(**about(reference, Route.UNIVERSAL))
        await keep_claimed([an_event(referral_id, 1, goes_on)], tx)
        await keep_closed([an_event(referral_id, 1, closed)], tx, policy=site.policy)
    await amend(site, reference, concern={"severity": "severe"})
    await site.hear()
    await site.say(referral_id, WorkItemAccepted(**about(reference, Route.UNIVERSAL)))
    await site.turn()
    assert sent(site) == []
    assert {(row.state, row.last_error) for row in await site.messages(reference)} == {("held", "hold")}


async def test_a_due_date_that_passes_after_receipt_is_a_hold(site: FamilySite) -> None:
    reference, referral_id = await refer(site, document() | {"babies": [{"due_on": "2026-12-20"}]})
    earlier = """
        UPDATE referral SET received_at = '2026-06-01', facts = jsonb_set(facts, '{infant,due_on}', '"2026-06-10"')
        WHERE reference = :ref
    """
    await fetch_nothing(site, earlier, reference)
    await site.say(referral_id, WorkItemAccepted(**about(reference)))
    await site.turn()
    assert sent(site) == []
    assert {(row.state, row.last_error) for row in await site.messages(reference)} == {("held", "hold")}


async def fetch_nothing(site: FamilySite, statement: str, reference: str) -> None:
    async with site.intake.admin.begin() as tx:
        await tx.execute(sql(statement), {"ref": reference})


async def test_a_withdrawn_and_an_erased_family_hear_nothing(site: FamilySite) -> None:
    gone, _ = await refer(site)
    headers = {"Authorization": f"Bearer {site.intake.key()}", "Idempotency-Key": uuid4().hex}
    await site.intake.http.post(f"/referrals/{gone}/withdrawal", json={"reason": "moved_away"}, headers=headers)
    erased, _ = await refer(site)
    await fetch_nothing(site, "UPDATE referral SET wrapped_key = NULL, identity = NULL WHERE reference = :ref", erased)
    await site.turn()
    assert sent(site) == []
    assert (await site.state(gone))[1] == "ended"
    assert (await site.state(erased))[1] == "erased"


async def test_while_the_record_may_not_be_used_nothing_goes_and_then_it_does(site: FamilySite) -> None:
    reference, referral_id = await refer(site)
    hold = """
        INSERT INTO hold (referral_id, reason, review_on, set_by, set_at, restricts)
        SELECT id, 'asked', now(), 'an operator', now(), true FROM referral WHERE reference = :ref
    """
    await fetch_nothing(site, hold, reference)
    await site.turn()
    assert await site.state(reference) == ("held", "restricted")
    await fetch_nothing(site, "UPDATE hold SET ended_at = now() WHERE restricts AND :ref <> ''", reference)
    over = ReferralRestricted(reference=reference, agency_id=uuid4(), is_restricted=False)
    await site.say(referral_id, over)
    await site.turn()
    assert (await site.state(reference))[0] == "sent"


async def test_nothing_is_made_for_a_family_that_wants_or_may_get_none(site: FamilySite) -> None:
    for value in (
        document(channel="none"), document(told_by="referrer"), document(is_safe=None),
        document() | {"safety": ["domestic_abuse"]}, document() | {"circumstances": ["infant_died"]},
        document() | {"consent": {"status": "not_sought"}},
    ):  # fmt: skip
        reference, _ = await refer(site, value)
        assert await site.messages(reference) == []


async def test_a_receipt_goes_once_however_often_the_referral_is_amended(site: FamilySite) -> None:
    reference, _ = await refer(site)
    await amend(site, reference, concern={"severity": "severe"})
    await site.hear()
    await site.turn()
    assert len(sent(site)) == 1


async def test_a_family_that_changes_its_mind_gets_the_next_one_its_new_way(site: FamilySite) -> None:
    reference, _ = await refer(site)
    await amend(site, reference, caregivers=[document(channel="email")["caregivers"][0]])
    await site.hear()
    assert (await site.only(reference)).channel == "email"
    await site.turn()
    assert [message.to for message in sent(site)] == [EMAIL]


async def test_outcomes_are_told_of_work_that_families_know_of_alone(site: FamilySite) -> None:
    reference, referral_id = await refer(site)
    await site.say(referral_id, WorkItemAccepted(place=PlaceKind.INDIVIDUAL, **about(reference)))
    await site.say(referral_id, WorkItemAccepted(**about(reference, Route.MASH)))
    await site.say(
        referral_id, WorkItemDeclined(reason=DeclineReason.DUPLICATE, **about(reference, Route.BEREAVEMENT_REVIEW))
    )
    await site.turn()
    assert sorted(message.body.partition(": ")[2].partition(".")[0] for message in sent(site)) == [
        "there is news of your request", "we have your request",
    ]  # fmt: skip


async def test_outcomes_are_for_those_who_want_messages(site: FamilySite) -> None:
    reference, referral_id = await refer(site, document(channel="none"))
    await site.say(referral_id, WorkItemAccepted(**about(reference)))
    assert await site.messages(reference) == []


# A person decides.


async def words_of_safe_contact(site: FamilySite) -> tuple[str, UUID]:
    value = document()
    value["caregivers"][0]["safe_contact"] = "Not while he is at home"
    reference, _ = await refer(site, value)
    await site.turn()
    assert await site.state(reference) == ("held", "unclear")
    assert sent(site) == []
    return reference, (await site.only(reference)).id


async def test_a_held_message_goes_when_a_person_lets_it(site: FamilySite) -> None:
    reference, message = await words_of_safe_contact(site)
    assert (await site.as_triage(f"{message}/release")).status_code == 200
    await site.turn()
    assert [each.to for each in sent(site)] == [DIALLED]
    assert (await site.state(reference))[0] == "sent"
    audited = await fetch(site.engine, "SELECT action, actor_id FROM audit WHERE action = 'message.released'")
    assert [tuple(row) for row in audited] == [("message.released", "dev-worker")]
    assert (await site.as_triage(f"{message}/release")).status_code == 409


async def test_a_release_does_not_outvote_a_loss_that_is_told_meanwhile(site: FamilySite) -> None:
    reference, message = await words_of_safe_contact(site)
    await site.as_triage(f"{message}/release")
    await amend(site, reference, circumstances=["infant_died"])
    await site.turn()
    assert sent(site) == []
    assert await site.state(reference) == ("held", "hold")
    assert (await site.as_triage(f"{message}/release")).status_code == 409


async def test_a_release_is_of_the_words_that_were_read_and_of_no_others(site: FamilySite) -> None:
    reference, message = await words_of_safe_contact(site)
    await site.as_triage(f"{message}/release")
    await amend(site, reference, caregivers=[document()["caregivers"][0] | {"safe_contact": "He reads her phone"}])
    await site.turn()
    assert sent(site) == []
    assert await site.state(reference) == ("held", "unclear")
    assert (await site.as_triage(f"{message}/release")).status_code == 200
    await site.turn()
    assert (await site.state(reference))[0] == "sent"


async def test_a_person_can_say_why_not(site: FamilySite) -> None:
    reference, message = await words_of_safe_contact(site)
    assert (await site.as_triage(f"{message}/keep-back", {"reason": "because"})).status_code == 422
    assert (await site.as_triage(f"{message}/keep-back", {"reason": "not_safe"})).status_code == 200
    assert await site.state(reference) == ("held", "kept-back")
    audited = await fetch(site.engine, "SELECT detail FROM audit WHERE action = 'message.kept-back'")
    assert [row.detail for row in audited] == ["not_safe"]


async def test_only_triage_lets_anything_go(site: FamilySite) -> None:
    answer = await site.http.post(f"/internal/family-messages/{uuid4()}/release", headers={"X-PIR-Actor": "me"})
    assert answer.status_code == 401


# No more messages.


async def test_a_stop_by_reply_ends_all_messages_to_that_number_those_of_other_referrals_too(site: FamilySite) -> None:
    await refer(site)
    await site.turn()
    told = {"source_number": "447700900431", "message": "Stop please", "id": str(uuid4())}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = await site.http.post("/callbacks/govuk-notify/received", json=told, headers=headers)
    assert answer.status_code == 200
    another = document()
    another["caregivers"][0] |= {"given_name": "Another", "phone": "+44 7700 900431"}
    reference, _ = await refer(site, another)
    await site.turn()
    assert len(sent(site)) == 1
    assert await site.state(reference) == ("held", "stopped")


@pytest.mark.parametrize("way", ["one click", "button", "typed"])
async def test_a_stop_by_page(site: FamilySite, way: str) -> None:
    await refer(site, document(channel="email"))
    await site.turn()
    [first] = sent(site)
    path = first.unsubscribe.removeprefix("http://127.0.0.1:8001")
    assert path.startswith("/callbacks/stop/")
    assert EMAIL not in path
    seen = await site.intake.http.get(path)
    assert seen.status_code == 200
    assert "Stop messages" in seen.text
    reference, _ = await refer(site, document(channel="email"))  # a GET stops nothing
    if way == "one click":
        answer = await site.intake.http.post(path, data={"List-Unsubscribe": "One-Click"})
    elif way == "button":
        answer = await site.intake.http.post(path)
    else:
        answer = await site.intake.http.post("/callbacks/stop", data={"contact": f" {EMAIL.upper()} "})
    assert "We will not write to you there any more" in answer.text
    await site.turn()
    assert len(sent(site)) == 1
    assert await site.state(reference) == ("held", "stopped")


@pytest.mark.parametrize("typed", ["(07700) 900431", "7700900431", "+44 7700 900 431"])
async def test_a_number_that_is_typed_is_stopped_however_it_is_written(site: FamilySite, typed: str) -> None:
    reference, _ = await refer(site)
    answer = await site.intake.http.post("/callbacks/stop", data={"contact": typed})
    assert "We will not write to you there any more" in answer.text
    await site.turn()
    assert sent(site) == []
    assert await site.state(reference) == ("held", "stopped")


@pytest.mark.parametrize("typed", ["077009004", "my number", "somebody@", "a b@example.org"])
async def test_what_is_no_number_or_address_is_said_to_be_none(site: FamilySite, typed: str) -> None:
    answer = await site.intake.http.post("/callbacks/stop", data={"contact": typed})
    assert "We will not write to you" not in answer.text
    assert "Enter a whole phone number" in answer.text
    assert await fetch(site.intake.admin, "SELECT digest FROM contact_stop") == []


async def test_a_stop_page_tells_nobody_anything(site: FamilySite) -> None:
    known = await site.intake.http.post("/callbacks/stop", data={"contact": PHONE})
    unknown = await site.intake.http.post("/callbacks/stop", data={"contact": "07700 900999"})
    assert known.text == unknown.text
    assert (await site.intake.http.post("/callbacks/stop", data={"contact": ""})).text.count("Enter your phone") >= 1
    assert (await site.intake.http.get("/callbacks/stop/forged-token")).status_code == 404
    assert (await site.intake.http.post("/callbacks/stop/" + "A" * 64)).status_code == 404


async def test_any_other_reply_is_word_for_a_person_without_the_text(site: FamilySite) -> None:
    reference, referral_id = await refer(site)
    await site.turn()
    told = {"source_number": "447700900431", "message": "Please ring Florence instead", "id": str(uuid4())}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    await site.http.post("/callbacks/govuk-notify/received", json=told, headers=headers)
    [event] = await fetch(site.intake.admin, "SELECT key, value FROM event WHERE type = 'family.replied.v1'")
    assert event.key == referral_id
    assert reference in event.value
    assert "Florence" not in event.value
    assert (await site.http.post("/callbacks/govuk-notify/received", json=told)).status_code == 403


# Notify's ways.


async def test_a_lost_answer_is_exactly_one_text(site: FamilySite) -> None:
    value = document()
    value["caregivers"][0]["phone"] = "07700 900552"
    reference, _ = await refer(site, value)
    await site.turn()
    assert await site.state(reference) == ("failed", "no-answer")
    site.later(hours=1)
    await site.turn()
    assert (await site.state(reference))[0] == "sent"
    assert len(sent(site)) == 1


async def test_a_process_that_is_killed_after_sending_sends_no_second_one(site: FamilySite) -> None:
    await refer(site)
    [due] = await site.due()
    delivery = site.delivery()
    [item] = delivery.writer.write([due], {})
    assert isinstance(delivery.sender, FamilySender)
    async for _ in delivery.sender.send([item]):
        break  # the process ends here: nothing was recorded
    assert await site.turn() == 1
    assert len(sent(site)) == 1


async def test_72_hours_of_outage_and_then_a_person_rings(site: FamilySite) -> None:
    await asyncio.to_thread(site.stand_in.stop)
    reference, _ = await refer(site)
    began, tries = site.now, 0
    while (await site.state(reference))[0] != "undeliverable":
        tries += await site.turn()
        site.later(minutes=10)
    assert 72 <= (site.now - began).total_seconds() / 3600 < 74
    assert 72 <= tries < 90
    [event] = await fetch(site.engine, "SELECT value FROM event WHERE type = 'message.undeliverable.v1'")
    assert '"audience":"household"' in event.value
    assert '"channel":"sms"' in event.value


async def test_after_an_outage_what_waited_goes(site: FamilySite) -> None:
    port = site.stand_in.port
    await asyncio.to_thread(site.stand_in.stop)
    reference, _ = await refer(site)
    await site.turn()
    assert (await site.state(reference))[0] == "failed"
    site.stand_in.port = port
    site.stand_in.start()
    site.later(hours=30)
    await site.turn()
    assert len(sent(site)) == 1


async def test_429_waits_as_long_as_it_says_and_uses_no_try_up(site: FamilySite) -> None:
    value = document()
    value["caregivers"][0]["phone"] = "07700 900554"
    reference, _ = await refer(site, value)
    await site.turn()
    row = await site.only(reference)
    assert (row.state, row.last_error, row.attempts) == ("failed", "notify-later", 0)
    assert 0 < (row.due_at - site.now).total_seconds() <= 1
    site.later(seconds=2)
    await site.turn()
    assert (await site.state(reference))[0] == "sent"


async def test_403_stops_the_channel_and_no_message_is_given_up(site: FamilySite) -> None:
    refused = GovukNotify(site.stand_in.url, new_key(), {}, now=lambda: site.now)
    calls = []
    refused._http.event_hooks["request"] = [lambda request: note(calls, request)]
    first, _ = await refer(site)
    second, _ = await refer(site, document() | {"babies": [{"date_of_birth": "2026-05-05"}]})
    delivery = site.delivery()
    assert isinstance(delivery.sender, FamilySender)
    delivery.sender.notify = refused
    for _ in range(4 * 24 * 2):  # four days, every half hour
        await site.turn(delivery)
        site.later(minutes=30)
    assert len(calls) <= 4 * 24 * 2 + 1
    for reference in (first, second):
        row = await site.only(reference)
        assert (row.state, row.last_error, row.attempts) == ("failed", "notify-refused", 0)
    delivery.sender.notify = site.notify
    await site.turn(delivery)
    site.later(minutes=10)
    await site.turn(delivery)
    assert len(sent(site)) == 2
    await refused.close()


async def note(calls: list[Any], request: Any) -> None:
    calls.append(request.url)


async def test_a_number_that_is_none_is_a_persons_at_once_and_that_way_is_closed(site: FamilySite) -> None:
    value = document(channel="email")
    value["caregivers"][0]["email"] = "perm-fail@simulator.example"
    reference, referral_id = await refer(site, value)
    await site.turn()
    message = await site.only(reference)
    assert await site.receipt(str(message.id), "permanent-failure") == 200
    assert await site.state(reference) == ("undeliverable", "permanent-failure")
    [event] = await fetch(site.engine, "SELECT value FROM event WHERE type = 'message.undeliverable.v1'")
    assert '"audience":"household"' in event.value
    await site.say(referral_id, WorkItemAccepted(**about(reference)))
    await site.turn()
    _, second = await site.messages(reference)
    assert (second.state, second.last_error) == ("held", "closed")
    assert (await site.as_triage(f"{second.id}/release")).status_code == 200  # a person has asked for the right one
    await site.turn()
    assert len(sent(site)) == 2


async def test_a_failure_that_passes_is_tried_three_times_each_under_its_own_reference(site: FamilySite) -> None:
    reference, _ = await refer(site)
    message = await site.only(reference)
    for nth in (1, 2, 3):
        await site.turn()
        site.stand_in.messages.kept[-1].status = "temporary-failure"
        assert await site.receipt(reference_of(message.id, nth), "temporary-failure") == 200
        assert (await site.state(reference))[0] == ("failed" if nth < 3 else "undeliverable")
        site.later(hours=2)
    assert await site.turn() == 0
    assert [each.reference for each in sent(site)] == [reference_of(message.id, nth) for nth in (1, 2, 3)]


@pytest.mark.parametrize("after", ["a receipt", "a release", "a restriction"])
async def test_the_hours_of_retries_count_anew_after_a_receipt_a_release_and_a_restriction(
    site: FamilySite, after: str
) -> None:
    reference, referral_id = await refer(site)
    message = await site.only(reference)
    held = {"a release": "unclear", "a restriction": "restricted"}.get(after)
    if held is None:
        await site.turn()
    async with site.engine.begin() as tx:
        await tx.execute(sql("UPDATE message SET first_tried_at = now() - interval '4 days'"))
        if held:
            await tx.execute(sql("UPDATE message SET state = 'held', last_error = :why"), {"why": held})
    if after == "a receipt":
        await site.receipt(str(message.id), "temporary-failure")
    elif after == "a release":
        await site.as_triage(f"{message.id}/release")
    else:
        over = ReferralRestricted(reference=reference, agency_id=uuid4(), is_restricted=False)
        await site.say(referral_id, over)
    await asyncio.to_thread(site.stand_in.stop)
    site.later(hours=2)
    assert await site.turn() == 1
    assert await site.state(reference) == ("failed", "no-answer")


async def test_a_receipt_that_never_came_is_asked_for_after_an_hour(site: FamilySite) -> None:
    bad = document(channel="email")
    bad["caregivers"][0]["email"] = "perm-fail@simulator.example"
    states = {}
    for name, value in {"text": document(), "letter": document(channel="letter"), "bad": bad}.items():
        states[name], _ = await refer(site, value | {"babies": [{"given_name": name.title()}]})
    await site.turn()
    await asyncio.sleep(0.5)  # the stand-in's own word of them
    statuses = {"sms": "delivered", "letter": "received", "email": "permanent-failure"}
    for each in sent(site):
        each.status = statuses[each.channel]
    said = site.sender().words
    callbacks = Callbacks(site.engine, site.contacts, said, RETRIES, TOKEN, lambda: site.now, lambda: None)
    asking = Asking(site.engine, site.notify, callbacks, lambda: site.now)
    await asking.once()
    assert {(await site.state(reference))[0] for reference in states.values()} == {"sent"}
    site.later(minutes=61)
    await asking.once()
    assert {name: await site.state(reference) for name, reference in states.items()} == {
        "text": ("delivered", None), "letter": ("delivered", None), "bad": ("undeliverable", "permanent-failure"),
    }  # fmt: skip
    async with site.engine.connect() as tx:
        assert await rows.without_a_receipt(tx, since=site.now - FOR, until=site.now) == []  # none is asked for again


@pytest.mark.parametrize("order", list(permutations(["sending", "temporary-failure", "delivered"])), ids="-".join)
async def test_receipts_in_every_order_and_twice(site: FamilySite, order: tuple[str, ...]) -> None:
    reference, _ = await refer(site)
    message = await site.only(reference)
    await site.turn()
    for status in (*order, *order):
        assert await site.receipt(str(message.id), status) == 200
    assert await site.state(reference) == ("delivered", None)
    announced = await fetch(site.engine, "SELECT type FROM event WHERE type = 'message.delivered.v1'")
    assert len(announced) == 1


async def test_a_receipt_before_our_own_record_of_the_send_stays(site: FamilySite) -> None:
    reference, _ = await refer(site)
    [due] = await site.due()
    delivery = site.delivery()
    [item] = delivery.writer.write([due], {})
    outcomes = [some[0] async for some in delivery.sender.send([item])]
    assert await site.receipt(str(item.id), "temporary-failure") == 200
    await delivery._keep([due], {item.id: outcomes[0]})
    row = await site.only(reference)
    assert (row.state, row.last_error, row.accepted) == ("failed", "temporary-failure", 1)


async def test_a_forged_receipt_changes_nothing_and_one_for_nobody_is_taken(site: FamilySite) -> None:
    reference, _ = await refer(site)
    message = await site.only(reference)
    await site.turn()
    assert await site.receipt(str(message.id), "delivered", token="another") == 403
    assert (await site.http.post("/callbacks/govuk-notify", json={})).status_code == 403
    assert (await site.state(reference))[0] == "sent"
    for unknown in (str(uuid4()), "", "PIR-7F4-4JP", "x/2"):
        assert await site.receipt(unknown, "delivered") == 200
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert (await site.http.post("/callbacks/govuk-notify", content=b"[", headers=headers)).status_code in (400, 415)


async def test_a_letter_that_comes_back_is_a_persons(site: FamilySite) -> None:
    reference, _ = await refer(site, document(channel="letter"))
    await site.turn()
    message = await site.only(reference)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    told = {"notification_id": str(uuid4()), "reference": str(message.id), "date_sent": "2026-06-15T00:00:00Z"}
    await site.http.post("/callbacks/govuk-notify/returned-letter", json=told, headers=headers)
    assert await site.state(reference) == ("undeliverable", "returned")


# The people on call.


async def test_people_on_call_get_a_text_each_beside_the_mail(site: FamilySite) -> None:
    reference, referral_id = await refer(site, document(channel="none"))
    event = WorkItemEscalated(reason=EscalationReason.UNOPENED_FIRST, **about(reference, Route.MASH))
    await site.say(referral_id, event)
    assert await site.text_out() == len(MOBILES)
    assert sorted(message.to for message in sent(site)) == list(MOBILES)
    assert all(reference in message.body and "mash" in message.body for message in sent(site))
    kinds = await fetch(site.engine, "SELECT channel, state FROM message WHERE audience = 'on-call' ORDER BY channel")
    assert [tuple(row) for row in kinds] == [("email", "due"), ("sms", "sent"), ("sms", "sent")]


async def test_a_text_on_call_goes_though_notify_does_not_say_what_it_has(site: FamilySite) -> None:
    reference, referral_id = await refer(site, document(channel="none"))
    site.stand_in.messages.page = lambda _: 1 / 0  # type: ignore[method-assign,return-value]  GET answers nothing
    event = WorkItemEscalated(reason=EscalationReason.UNOPENED_FIRST, **about(reference, Route.MASH))
    await site.say(referral_id, event)
    await site.text_out()
    assert len(sent(site)) == len(MOBILES)


# Where an address is, and is not.


async def test_no_address_of_a_family_is_in_any_table_of_notify_its_logs_events_or_metrics(
    site: FamilySite, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for channel in ("sms", "email", "letter"):
        reference, _ = await refer(site, document(channel=channel))
        await site.turn()
        row = await site.only(reference)
        for status in ("sending", "delivered"):
            await site.receipt(str(row.id), status, to=PHONE if channel == "sms" else EMAIL)
    bad = document()
    bad["caregivers"][0]["phone"] = "07700 900002"
    await refer(site, bad)
    await site.turn()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    told = {"source_number": "447700900431", "message": "Zanzibar", "id": str(uuid4())}
    await site.http.post("/callbacks/govuk-notify/received", json=told, headers=headers)

    stored = await everything(site, "notify")
    events = await fetch(site.intake.admin, "SELECT value FROM event")
    public = "\n".join(each.value for each in events)
    logs = caplog.text + "".join(capsys.readouterr())
    for canary in (
        "7700900431",
        "7700900002",
        "900 431",
        "900431 ",
        "canary",
        "Canary",
        LINE,
        "Zebedee",
        "Zanzibar",
        "NG6 8GB",
    ):
        for place, text in {
            "tables": stored,
            "events": public,
            "logs": logs,
            "metrics": generate_latest().decode(),
        }.items():
            assert canary not in text, (canary, place)
    own = await everything(site, "referral")
    assert "900431" not in own  # sealed, or a keyed digest
    assert {row.channel for row in await fetch(site.engine, "SELECT channel FROM message")} >= {
        "sms",
        "email",
        "letter",
    }


async def everything(site: FamilySite, schema: str) -> str:
    """Every column of every table of a schema, as text."""
    engine = site.engine if schema == "notify" else site.intake.admin
    names = await fetch(engine, "SELECT table_name FROM information_schema.tables WHERE table_schema = :s", s=schema)
    found = []
    for row in names:
        rows = await fetch(engine, f'SELECT t::text AS text FROM "{row.table_name}" t')
        found += [each.text for each in rows]
    assert len(found) > 20
    return "\n".join(found)


async def test_each_look_at_an_address_was_written_down_first(site: FamilySite) -> None:
    _, referral_id = await refer(site)
    await site.turn()
    refused = document()
    refused["caregivers"][0]["safe_contact"] = "Ask first"
    _, other = await refer(site, refused)
    await site.turn()
    rows = await fetch(site.intake.admin, "SELECT * FROM audit WHERE action LIKE 'contact.%' ORDER BY id")
    assert [(row.action, row.actor_id, row.referral_id, row.detail) for row in rows] == [
        ("contact.given", "notify", referral_id, "sms"),
        ("contact.refused", "notify", other, "unclear"),
    ]


async def test_without_the_token_of_notify_no_address_is_told(site: FamilySite) -> None:
    _, referral_id = await refer(site)
    path = f"/internal/contacts/{referral_id}?message={uuid4()}"
    assert (await site.intake.http.get(path)).status_code == 401
    triage = site.intake.credentials["secrets"]["PIR_TOKEN_TRIAGE_REFERRAL"]
    answer = await site.intake.http.get(path, headers={"Authorization": f"Bearer {triage}"})
    assert answer.status_code == 401


# Off.


def test_switched_off_the_handlers_of_mail_are_what_they_were() -> None:
    heard = handlers(a_policy(), mail_domain="pir.localhost")
    for event in (ReferralReceived, ReferralAmended, WorkItemAccepted, WorkItemEscalated):
        assert isinstance(heard[event], AtOnce)
        assert isinstance(heard[event].handler, partial)
        assert heard[event].handler.func is make_messages


async def test_switched_off_nothing_is_sent_or_listened_to(settings: dict[str, Any], tmp_path: Path) -> None:
    service = await build(Settings(**settings, mail_dir=tmp_path))
    assert set(service.loops) == {"delivery", "delivery-on-call", "webhooks", "measure"}
    async with client_of(service.app) as http:
        for path in ("", "/received", "/returned-letter"):
            assert (await http.post(f"/callbacks/govuk-notify{path}", json={})).status_code == 404
    await service.close()


async def test_a_policy_that_is_on_without_a_key_ends_the_start_in_words(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = policies_on(tmp_path / "policies")
    with pytest.raises(InvalidPolicyError, match="PIR_GOVUK_NOTIFY_KEY"):
        await build(Settings(**settings, mail_dir=tmp_path, policies_dir=folder))


@pytest.mark.parametrize(
    ("lacking", "why"),
    [
        ({"govuk_notify_template_sms": "receipt"}, "PIR_GOVUK_NOTIFY_TEMPLATE_SMS has to be a UUID"),
        ({"govuk_notify_callback_token": "short"}, "PIR_GOVUK_NOTIFY_CALLBACK_TOKEN has to have 32 characters"),
    ],
)
async def test_what_can_t_be_used_ends_the_start_where_it_is_on_and_there_alone(
    settings: dict[str, Any], tmp_path: Path, lacking: dict[str, str], why: str
) -> None:
    ids = {f"govuk_notify_template_{channel}": id_ for channel, id_ in TEMPLATES.items()}
    told = settings | {"mail_dir": tmp_path, "govuk_notify_key": new_key(), "govuk_notify_callback_token": TOKEN} | ids
    with pytest.raises(InvalidPolicyError, match=why):
        await build(Settings(**told | lacking | {"policies_dir": policies_on(tmp_path / "policies")}))
    service = await build(Settings(**told | lacking))
    await service.close()


async def test_what_was_not_sent_when_it_is_switched_off_is_held_at_the_start(
    site: FamilySite, settings: dict[str, Any], tmp_path: Path
) -> None:
    reference, referral_id = await refer(site)
    event = WorkItemEscalated(reason=EscalationReason.UNOPENED_FIRST, **about(reference, Route.MASH))
    await site.say(referral_id, event)
    service = await build(Settings(**settings, mail_dir=tmp_path))
    assert service.prepare is not None
    await service.prepare()
    await service.close()
    kinds = "SELECT DISTINCT audience, channel, state, last_error FROM message ORDER BY audience, channel"
    assert [tuple(row) for row in await fetch(site.engine, kinds)] == [
        ("agency", "email", "due", None),
        ("household", "sms", "held", "off"),
        ("on-call", "email", "due", None),
        ("on-call", "sms", "held", "off"),
    ]


async def test_a_receipt_to_a_family_is_none_to_its_agency(site: FamilySite) -> None:
    reference, _ = await refer(site)
    [rule] = [each for each in RULES if each.name.startswith("every family has its receipt")]
    _, statement = rule.of("", datetime.now(UTC) + timedelta(minutes=1))
    assert await fetch(site.intake.admin, statement) == []
    async with site.engine.begin() as tx:
        await tx.execute(sql("DELETE FROM message WHERE audience = 'agency'"))
    assert [row.reference for row in await fetch(site.intake.admin, statement)] == [reference]
