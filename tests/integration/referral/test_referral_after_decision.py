"""What an agency does, and sees, after the first decision: amendments, a challenge, work opened again, dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from services.referral.handlers import handlers
from services.triage.handlers import handlers as triage_handlers
from shared.events import (
    EQUALITY_TOPIC,
    DecidedBy,
    Decision,
    DeclineReason,
    Event,
    Kind,
    ReferralAmended,
    ReferralMonitored,
    ReferralReceived,
    ReferralTriaged,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemDueMoved,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.working_time import day_in_london
from tests.builders import a_family, a_policy, decided, not_open_yet
from tests.families import a_referral
from tests.integration.behind import Behind
from tests.integration.support import an_event, count, fetch

AMENDED = "event WHERE type = 'referral.amended.v1'"


@dataclass
class Sent:
    """One referral of the agency, and what it can do with it; `began` is when it was sent."""

    intake: Behind
    body: dict[str, Any]
    id: UUID
    reference: str
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def call(self, method: str, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or uuid4().hex, "Authorization": f"Bearer {self.intake.key()}"}
        return await self.intake.http.request(method, f"/referrals/{self.reference}{path}", json=body, headers=headers)

    async def change(self, **members: Any) -> dict[str, Any]:
        answer = await self.call("PATCH", "", members)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def seen(self) -> dict[str, Any]:
        body: dict[str, Any] = (await self.intake.look(f"/referrals/{self.reference}")).json()
        return body

    async def status(self) -> str:
        return str((await self.seen())["status"])

    async def hears(self, event: type[Event], *, after: int, **data: Any) -> None:
        """Triage says something, so many seconds after the referral was sent; the later, the later in its stream."""
        about = {"reference": self.reference, "agency_id": uuid4(), "about": Kind.FAMILY}
        at = self.began + timedelta(seconds=after)
        told = an_event(self.id, after, data=event.model_validate(about | data), at=at)
        async with self.intake.engine.begin() as tx:
            await handlers(a_policy())[event]([told], tx)

    async def is_decided(self, *, after: int, version: int = 1, decision: Decision | None = None) -> None:
        made = {"version": version, "decided_by": DecidedBy.MACHINE, "decision": decision or decided(a_family())}
        await self.hears(ReferralTriaged, after=after, decision_id=uuid4(), **made)

    async def is_declined(self, *, after: int, item: UUID | None = None) -> None:
        what = {"work_item_id": item or uuid4(), "route": "pir_short", "reason": DeclineReason.NOT_SUITABLE}
        await self.hears(WorkItemDeclined, after=after, **what)

    async def is_opened(self, *, after: int, item: UUID | None = None, route: str = "pir_short", **more: Any) -> None:
        what = {"work_item_id": item or uuid4(), "route": route, "tier": None, "urgency": "routine"}
        due = {"due_at": datetime(2026, 12, 24, 17, tzinfo=UTC)}
        await self.hears(WorkItemOpened, after=after, **what | due | more)

    async def row(self) -> Any:
        [row] = await fetch(self.intake.engine, "SELECT * FROM referral WHERE id = :id", id=self.id)
        return row


async def a_sent(intake: Behind, **changes: Any) -> Sent:
    body = a_referral(**changes)
    answer = await intake.send(body)
    assert answer.status_code == 201, answer.text
    return Sent(intake, body, UUID(answer.json()["id"]), answer.json()["reference"])


@pytest.fixture
async def sent(intake: Behind) -> Sent:
    return await a_sent(intake)


async def stored(sent: Sent) -> dict[str, Any]:
    """What staff would see of it."""
    token = {"Authorization": f"Bearer {sent.intake.service.settings.from_triage.get_secret_value()}"}  # type: ignore[attr-defined]
    answer = await sent.intake.http.get(
        f"/internal/referrals/{sent.id}/identity", headers=token | {"X-PIR-Actor": "tess"}
    )
    body: dict[str, Any] = answer.json()
    return body


def with_phone(sent: Sent, phone: str) -> list[dict[str, Any]]:
    mother, *others = sent.body["caregivers"]
    return [mother | {"phone": phone}, *others]


# Amendments that leave the facts as they were.


async def test_a_new_telephone_number_changes_what_is_stored_and_nothing_else(sent: Sent) -> None:
    before = await sent.row()
    answer = await sent.change(caregivers=with_phone(sent, "07700 900923"))
    after = await sent.row()
    assert (answer["version"], after.version, after.changed_in) == (1, 1, before.changed_in)
    assert (await stored(sent))["document"]["caregivers"][0]["phone"] == "07700 900923"
    assert await count(sent.intake.engine, AMENDED) == 0
    assert await count(sent.intake.engine, "audit WHERE action = 'referral.amended'") == 1
    assert [line["what"] for line in (await sent.seen())["history"]] == ["received", "corrected"]


async def test_the_same_in_a_body_sent_again_is_the_same_and_known_from_then_on(sent: Sent) -> None:
    changed = sent.body | {"caregivers": with_phone(sent, "07700 900924")}
    for _ in range(2):
        answer = await sent.intake.send(changed)
        assert (answer.status_code, answer.json()["reference"]) == (200, sent.reference)
    assert (await sent.row()).version == 1
    assert await count(sent.intake.engine, "audit WHERE action = 'referral.amended'") == 1
    assert await count(sent.intake.engine, AMENDED) == 0


async def test_a_confirmed_decline_stays_when_the_facts_do(sent: Sent) -> None:
    await sent.is_decided(after=1)
    await sent.is_declined(after=2)
    await sent.change(notes="They have moved in with his parents.")
    assert await sent.status() == "declined"


async def test_a_confirmed_decline_stays_with_new_facts_until_a_newer_decision(sent: Sent) -> None:
    await sent.is_decided(after=1)
    await sent.is_declined(after=2)
    assert (await sent.change(consent={"status": "refused"}))["version"] == 2
    assert await sent.status() == "declined"
    await sent.is_decided(after=3, version=2)
    assert await sent.status() == "with_team"


async def test_a_document_that_is_the_same_writes_nothing(sent: Sent) -> None:
    before = await sent.row()
    answer = await sent.change(notes=sent.body["notes"], home=sent.body["home"])
    assert answer == {**answer, "version": 1, "reference": sent.reference, "act_now": [], "links": [], "gaps": []}
    assert await sent.row() == before
    assert await count(sent.intake.engine, "audit WHERE action = 'referral.amended'") == 0


async def test_codes_in_another_order_are_no_new_facts(sent: Sent) -> None:
    assert (await sent.change(risk_factors=sent.body["risk_factors"][::-1]))["version"] == 1
    assert await count(sent.intake.engine, AMENDED) == 0


async def test_new_facts_are_the_next_version_whatever_else_is_changed(sent: Sent) -> None:
    before = await sent.row()
    answer = await sent.change(risk_factors=["isolation"], caregivers=with_phone(sent, "07700 900925"))
    after = await sent.row()
    assert (answer["version"], after.version) == (2, 2)
    assert after.changed_in > before.changed_in
    [event] = await fetch(sent.intake.engine, f"SELECT value FROM {AMENDED}")
    assert ReferralAmended.model_validate_json(event.value).version == 2
    assert [line["what"] for line in (await sent.seen())["history"]] == ["received", "amended"]


@pytest.mark.parametrize("words", ["She hears voices.", "He said he would hit me."])
async def test_other_words_on_the_safety_list_are_new_facts(intake: Behind, words: str) -> None:
    sent = await a_sent(intake, notes="She says there is no reason to live.")
    assert (await sent.change(notes=f"She says there is no reason to live. {words}"))["version"] == 2
    assert (await sent.change(home={"postcode": sent.body["home"]["postcode"].lower()}))["version"] == 2
    assert (await sent.call("POST", "/information", {"notes": words})).status_code == 200
    assert (await sent.row()).version == 3


MONITORED: Final = "event WHERE type = 'referral.monitored.v1'"


async def test_what_equality_counts_need_is_told_to_them_alone_and_once(sent: Sent) -> None:
    [baby] = sent.body["babies"]
    other = next(code for code in "AB" if code != baby.get("ethnic_category"))
    before = await sent.row()
    for _ in range(2):
        assert (await sent.change(babies=[baby | {"ethnic_category": other}]))["version"] == 1
        first, last = await fetch(sent.intake.engine, f"SELECT value FROM {MONITORED} ORDER BY sequence")
    assert ReferralMonitored.model_validate_json(first.value).monitoring.baby_ethnicity == baby.get("ethnic_category")
    assert ReferralMonitored.model_validate_json(last.value).monitoring.baby_ethnicity == other
    assert (await sent.row()).changed_in == before.changed_in
    await sent.change(caregivers=with_phone(sent, "07700 900926"))
    assert [await count(sent.intake.engine, each) for each in (MONITORED, AMENDED)] == [2, 0]
    values = await fetch(sent.intake.engine, "SELECT topic, value FROM event")
    assert {row.topic for row in values if "ethnicity" in row.value or '"language"' in row.value} == {EQUALITY_TOPIC}


async def test_it_is_told_anew_once_where_nobody_knows_what_was_told_before(sent: Sent) -> None:
    """As of a referral that an earlier version took in beside this one; also when there is nothing to tell any more."""
    async with sent.intake.engine.begin() as tx:
        await tx.execute(sa.text("DELETE FROM outbox"))
        await tx.execute(sa.text(f"DELETE FROM {MONITORED}"))
    for _ in range(2):
        await sent.change(caregivers=with_phone(sent, "07700 900926"))
        assert await count(sent.intake.engine, MONITORED) == 1


async def test_a_gap_that_is_filled_is_told_with_the_same_version(intake: Behind) -> None:
    referrer = {"name": "Ada Okoro", "role": "Nursery teacher", "email": "ada.okoro@example.org"}
    danger = {"referrer": referrer | {"email": None}, "babies": [{}], "safety": ["immediate_danger"]}
    answer = (await intake.send(danger)).json()
    sent = Sent(intake, danger, UUID(answer["id"]), answer["reference"])
    before = await sent.row()
    assert "/referrer/email" in before.gaps
    changed = await sent.change(referrer={"email": "ada.okoro@example.org"})
    assert (changed["version"], "/referrer/email" in changed["gaps"]) == (1, False)
    assert changed["act_now"]
    assert await count(intake.engine, AMENDED) == 1
    assert "/referrer/email" not in (await sent.seen())["gaps"]
    assert (await sent.row()).changed_in > before.changed_in  # the agency's feed shows the gaps


async def test_an_amendment_that_leaves_the_links_tells_the_other_referral_nothing(sent: Sent) -> None:
    theirs = await sent.intake.send(sent.body | {"external_reference": uuid4().hex}, slug="social-care")
    other = Sent(sent.intake, sent.body, UUID(theirs.json()["id"]), theirs.json()["reference"])
    key = {"Authorization": f"Bearer {sent.intake.key('social-care')}"}
    before = await sent.row()
    for number in range(2):
        changed = await sent.intake.http.patch(
            f"/referrals/{other.reference}",
            json={"notes": f"Note {number}"},
            headers=key | {"Idempotency-Key": f"note-{number}"},
        )
        assert changed.json()["version"] == 1
    assert await sent.row() == before
    assert [line["what"] for line in (await sent.seen())["history"]] == ["received"]


async def test_an_answer_that_leaves_the_facts_is_kept_and_shown_in_the_feed(sent: Sent) -> None:
    before = await sent.row()
    answer = await sent.call("POST", "/information", {"caregivers": with_phone(sent, "07700 900927"), "notes": "Yes."})
    assert answer.status_code == 200
    after = await sent.row()
    assert (after.version, await count(sent.intake.engine, AMENDED)) == (1, 0)
    assert after.changed_in > before.changed_in
    kept = await stored(sent)
    assert kept["document"]["caregivers"][0]["phone"] == "07700 900927"
    assert [answer["notes"] for answer in kept["answers"]] == ["Yes."]


async def test_a_patch_that_changes_nothing_is_answered_again_by_its_key(sent: Sent) -> None:
    change = {"caregivers": with_phone(sent, "07700 900928")}
    first, again = [await sent.call("PATCH", "", change, key="once") for _ in range(2)]
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (await sent.call("PATCH", "", {"notes": "Other"}, key="once")).status_code == 422


async def test_triage_decides_nothing_on_a_version_that_it_knows(triage: Behind) -> None:
    told = {
        "reference": "PIR-4K7-29M",
        "agency_id": uuid4(),
        "family_id": uuid4(),
        "facts": a_family(),
        "received_at": datetime.now(UTC),
        "expected_by": datetime.now(UTC).date(),
    }
    first = an_event(data=ReferralReceived.model_validate(told))
    again = an_event(first.key, data=ReferralAmended.model_validate(told | {"monitoring": {"language": "ur"}}))
    for event in (first, again, again):
        async with triage.engine.begin() as tx:
            await triage_handlers(a_policy())[type(event.data)]([event], tx)
    assert await count(triage.engine, "decision") == 1
    assert await count(triage.engine, "event WHERE type = 'referral.triaged.v1'") == 1


# A decline is challenged, once.


async def a_declined(intake: Behind, **changes: Any) -> Sent:
    sent = await a_sent(intake, **changes)
    await sent.is_decided(after=1)
    await sent.is_declined(after=-1)  # before the challenge, by this machine's clock
    async with intake.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE referral SET declined_at = now() - interval '1 minute'"))
    assert await sent.status() == "declined"
    return sent


async def test_a_decline_is_challenged_once_in_words_that_staff_see(intake: Behind) -> None:
    sent = await a_declined(intake)
    assert "you can ask us once" in (await sent.seen())["next_step"]
    before = await sent.row()
    asked = {"notes": "Zebedee: they have no other help."}
    first, again = [await sent.call("POST", "/challenge", asked, key="once") for _ in range(2)]
    assert (first.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"

    seen, after = await sent.seen(), await sent.row()
    assert (seen["status"], "challenged" in {line["what"] for line in seen["history"]}) == ("declined", True)
    assert "Another lead" in seen["next_step"]
    assert after.changed_in > before.changed_in
    [event] = await fetch(intake.engine, "SELECT value FROM event WHERE type = 'referral.challenged.v1'")
    assert "Zebedee" not in event.value
    assert await count(intake.engine, "audit WHERE action = 'referral.challenged'") == 1
    assert [(each["notes"], each["of"]) for each in (await stored(sent))["answers"]] == [(asked["notes"], "challenge")]

    refused = await sent.call("POST", "/challenge", asked)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:pir:problem:step-not-allowed")
    assert await count(intake.engine, "event WHERE type = 'referral.challenged.v1'") == 1


async def test_a_challenge_says_where_it_stands_and_whom_to_ring(intake: Behind) -> None:
    sent = await a_declined(intake, safety=["immediate_danger"])
    answer = (await sent.call("POST", "/challenge", {"notes": "She is afraid."})).json()
    assert answer["status"] == await sent.status() == "declined"
    assert "999" in str(answer["act_now"])


@pytest.mark.parametrize("step", ["words", "members", "patch", "same body"])
@pytest.mark.parametrize("waits", [True, False])
async def test_the_answer_of_every_step_says_where_the_referral_stands_after_it(
    sent: Sent, step: str, *, waits: bool
) -> None:
    """As GET says right after it: the answer to our question ends the waiting."""
    sent.began -= timedelta(seconds=10)
    await sent.is_decided(after=1)
    await sent.is_opened(after=2, item=(item := uuid4()))
    if waits:
        what = {"work_item_id": item, "route": "pir_short", "waiting_for": WaitingFor.REFERRER}
        await sent.hears(WorkItemWaiting, after=3, **what)
        assert await sent.status() == "waiting_for_referrer"
    answer = {
        "words": lambda: sent.call("POST", "/information", {"notes": "Yes."}),
        "members": lambda: sent.call("POST", "/information", {"risk_factors": ["low_mood"]}),
        "patch": lambda: sent.change(risk_factors=["isolation"]),
        "same body": lambda: sent.intake.send(sent.body),
    }[step]
    found = await answer()
    said = found if isinstance(found, dict) else found.json()
    assert said["status"] == await sent.status()
    ends_it = step in ("words", "members")
    assert said["status"] == ("waiting_for_referrer" if waits and not ends_it else "with_team")


async def test_what_was_declined_again_is_not_challenged_again(intake: Behind) -> None:
    sent = await a_declined(intake)
    await sent.call("POST", "/challenge", {"notes": "Please look again."})
    item = uuid4()
    await sent.is_opened(after=60, item=item, reopens=True)
    await sent.is_declined(after=120, item=item)
    seen = await sent.seen()
    assert (seen["status"], "look again" in seen["next_step"]) == ("declined", False)
    assert (await sent.call("POST", "/challenge", {"notes": "And again."})).status_code == 409


async def test_only_a_decline_is_challenged_and_only_by_its_agency(sent: Sent) -> None:
    assert (await sent.call("POST", "/challenge", {"notes": "Why?"})).status_code == 409
    for body in ({}, {"notes": None}, {"notes": "  "}, {"notes": "x" * 10_001}, {"notes": "x", "more": 1}, []):
        assert (await sent.call("POST", "/challenge", body)).status_code == 422
    theirs = {"Authorization": f"Bearer {sent.intake.key('social-care')}", "Idempotency-Key": "theirs"}
    path = f"/referrals/{sent.reference}/challenge"
    assert (await sent.intake.http.post(path, json={"notes": "Why?"}, headers=theirs)).status_code == 404


async def test_a_challenge_in_words_that_alarm_is_an_amendment_too(intake: Behind) -> None:
    sent = await a_declined(intake)
    assert (await sent.call("POST", "/challenge", {"notes": "She hears voices now."})).status_code == 200
    [amended] = await fetch(intake.engine, f"SELECT value FROM {AMENDED}")
    assert ReferralAmended.model_validate_json(amended.value).facts.safety_words
    assert await sent.status() == "declined"


# Work that is opened again.


async def test_work_opened_again_takes_a_decline_back(sent: Sent) -> None:
    item = uuid4()
    await sent.is_decided(after=1)
    await sent.is_opened(after=1, item=item)
    await sent.is_declined(after=2, item=item)
    assert await sent.status() == "declined"
    before = await sent.row()
    for _ in range(2):
        await sent.is_opened(after=3, item=item, reopens=True)
    seen, after = await sent.seen(), await sent.row()
    assert (seen["status"], seen["decision"]["routes"][0]["status"]) == ("with_team", "open")
    assert after.changed_in > before.changed_in
    assert "opened again" in seen["history"][-1]["text"]


async def test_work_opened_again_takes_an_end_back(sent: Sent) -> None:
    item = uuid4()
    await sent.is_decided(after=1)
    await sent.is_opened(after=1, item=item)
    await sent.hears(WorkItemClosed, after=2, work_item_id=item, route="pir_short", reason="passed_on")
    assert await sent.status() == "closed"
    await sent.is_opened(after=3, item=item, reopens=True)
    assert (await sent.status(), (await sent.row()).ended_at) == ("with_team", None)


@pytest.mark.parametrize("ends", [WorkItemDeclined, WorkItemClosed])
async def test_an_end_from_before_the_reopening_that_is_heard_late_ends_nothing(sent: Sent, ends: type[Event]) -> None:
    item = uuid4()
    reason = DeclineReason.NOT_SUITABLE if ends is WorkItemDeclined else "passed_on"
    await sent.is_decided(after=1)
    await sent.is_opened(after=1, item=item)
    await sent.is_opened(after=3, item=item, reopens=True)
    await sent.hears(ends, after=2, work_item_id=item, route="pir_short", reason=reason)
    row = await sent.row()
    assert (await sent.status(), row.declined_at, row.ended_at) == ("with_team", None, None)


async def test_a_reopening_that_is_heard_late_takes_no_newer_decline_back(sent: Sent) -> None:
    item = uuid4()
    await sent.is_decided(after=1)
    await sent.is_opened(after=1, item=item)
    await sent.is_declined(after=4, item=item)
    await sent.is_opened(after=3, item=item, reopens=True)
    assert await sent.status() == "declined"


# By when.


async def dates_of(sent: Sent) -> tuple[str | None, str | None, str | None]:
    seen = await sent.seen()
    [listed] = (await sent.intake.look("/referrals")).json()["items"]
    found = tuple(seen[name] for name in ("decision_by", "first_contact_by", "expected_by"))
    assert found == tuple(listed[name] for name in ("decision_by", "first_contact_by", "expected_by"))
    return found


async def test_the_agency_sees_by_when_it_hears_and_by_when_the_family_is_met(sent: Sent) -> None:
    decision_by = (await sent.row()).expected_by.isoformat()
    assert await dates_of(sent) == (decision_by, None, decision_by)
    item = uuid4()
    await sent.is_decided(after=1)
    await sent.is_opened(after=1, item=item)
    await sent.is_opened(after=1, route="review", due_at=datetime(2026, 12, 1, 17, tzinfo=UTC))
    assert await dates_of(sent) == (None, "2026-12-24", "2026-12-24")
    work: dict[str, Any] = {"work_item_id": item, "route": "pir_short"}
    await sent.hears(WorkItemAccepted, after=2, **work)
    assert await dates_of(sent) == (None, "2026-12-24", "2026-12-24")
    await sent.hears(WorkItemFirstContact, after=3, **work)
    assert await dates_of(sent) == (None, None, None)


async def test_the_day_of_the_first_contact_is_that_of_now(sent: Sent) -> None:
    """A clock that stood still, or an amendment that gives priority, moves it; an older word never moves it back."""
    item = uuid4()
    await sent.is_decided(after=1)
    await sent.is_opened(after=1, item=item)
    before = (await sent.row()).changed_in
    work: dict[str, Any] = {"work_item_id": item, "route": "pir_short"}
    for after, day in ((3, 30), (2, 29)):
        await sent.hears(WorkItemDueMoved, after=after, due_at=datetime(2026, 12, day, 17, tzinfo=UTC), **work)
    assert await dates_of(sent) == (None, "2026-12-30", "2026-12-30")
    assert (await sent.row()).changed_in > before


@pytest.mark.parametrize(
    ("facts", "hours"), [({"safety": ["immediate_danger"]}, 0), ({"mental_health": "self_harm_new"}, 4)]
)
async def test_the_day_of_a_persons_decision_is_the_one_that_the_mail_names(
    sent: Sent, facts: dict[str, Any], hours: int
) -> None:
    await sent.is_decided(after=1, decision=decided(a_family(**facts)))
    day = day_in_london(sent.began + timedelta(seconds=1, hours=hours)).isoformat()
    assert await dates_of(sent) == (day, None, day)


async def test_no_day_is_named_to_a_family_that_waits_for_its_ward(sent: Sent) -> None:
    await sent.is_decided(after=1, decision=decided(a_family(home=not_open_yet())))
    await sent.is_opened(after=1, route="phase_hold")
    assert await sent.status() == "being_reviewed"
    assert await dates_of(sent) == (None, None, None)


async def test_nothing_is_due_to_a_referral_that_has_ended(sent: Sent) -> None:
    item = uuid4()
    await sent.is_decided(after=1)
    await sent.is_opened(after=1, item=item)
    await sent.is_declined(after=2, item=item)
    assert await dates_of(sent) == (None, None, None)
