"""Consultations and training on real servers: the steps by API and page, who sees what, and what the journey leaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.triage.clients import Families
from shared.access import Role
from shared.events import EnquiryReceived, Kind, Safety
from shared.ids import uuid7
from shared.internal_client import Called
from tests.builders import a_family, an_enquiry, not_open_yet
from tests.integration.conftest import Behind
from tests.integration.room import CSRF, Visits, read, title_of, visits
from tests.integration.support import an_event, count, fetch
from tests.integration.triage.test_triage import AGENCY, a_referral_of, hear, items_of

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
FRIDAY = "2026-06-19T14:30:00+01:00"


async def an_enquiry_of(
    triage: Behind, kind: Kind = Kind.CONSULTATION, *, key: UUID | None = None, safety: tuple[Safety, ...] = ()
) -> UUID:
    """Triage has heard of a request; the id of its work item."""
    key = key or uuid7()
    data = EnquiryReceived(
        reference=f"PIR-{key.hex[-6:-3]}-{key.hex[-3:]}".upper(),
        agency_id=AGENCY,
        about=kind,
        received_at=NOW,
        expected_by=NOW.date(),
        facts=an_enquiry(kind, safety=safety),
        people=8,
    )
    await hear(triage, an_event(key, data=data, at=NOW))
    return next(row.id for row in await items_of(triage, key) if row.route == kind.value)


async def tries(triage: Behind, item: UUID, step: str, role: str = "triage-worker", **body: Any) -> httpx.Response:
    return await triage.as_staff("POST", f"/work-items/{item}/{step}", body, role=role)


async def row_of(triage: Behind, item: UUID) -> Any:
    [row] = await fetch(triage.engine, "SELECT * FROM work_item WHERE id = :id", id=item)
    return row


async def said_of(triage: Behind, item: UUID) -> list[tuple[str, dict[str, Any]]]:
    row = await row_of(triage, item)
    rows = await fetch(
        triage.engine, "SELECT type, value FROM event WHERE key = :key ORDER BY sequence", key=row.referral_id
    )
    said = [(each.type, json.loads(each.value)) for each in rows]
    return [(kind, data) for kind, data in said if data.get("work_item_id") == str(item)]


def soon(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


async def test_a_consultation_is_arranged_moved_and_delivered(triage: Behind) -> None:
    item = await an_enquiry_of(triage)
    for days in (3, 5):
        assert (await tries(triage, item, "arrange", on=soon(days=days))).status_code == 200
    row = await row_of(triage, item)
    assert (row.state, row.assignee, row.escalate_at) == ("accepted", "dev-triage-worker", None)
    assert (row.arranged_for - datetime.now(UTC)).days in (4, 5)

    today = datetime.now(UTC).date().isoformat()
    assert (await tries(triage, item, "deliver", attendees=7, on=today)).status_code == 200
    row = await row_of(triage, item)
    assert (row.state, row.end_reason, row.attendees) == ("closed", "completed", 7)
    told = await said_of(triage, item)
    assert [kind for kind, _ in told] == ["work-item.accepted.v1", "work-item.closed.v1"]
    assert (told[-1][1]["reason"], told[-1][1]["attendees"], told[-1][1]["held_on"]) == ("completed", 7, today)
    steps = await fetch(
        triage.engine, "SELECT action FROM audit WHERE referral_id = :id ORDER BY id", id=row.referral_id
    )
    assert [each.action for each in steps][-3:] == ["item.arrange", "item.arrange", "item.deliver"]


async def test_training_that_was_never_arranged_can_still_be_counted(triage: Behind) -> None:
    item = await an_enquiry_of(triage, Kind.TRAINING)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert (await tries(triage, item, "deliver", attendees=1000, on=yesterday)).status_code == 200


@pytest.mark.parametrize(
    ("step", "body"),
    [
        ("arrange", {}),
        ("arrange", {"on": "2026-06-19T14:30:00"}),
        ("arrange", {"on": "2020-06-19T14:30:00+01:00"}),
        ("arrange", {"on": "9999-12-31T23:59:59-12:00"}),
        ("arrange", {"on": "0001-01-01T00:00:00+14:00"}),
        ("deliver", {"on": "2026-06-15"}),
        ("deliver", {"attendees": 0, "on": "2026-06-15"}),
        ("deliver", {"attendees": 1001, "on": "2026-06-15"}),
        ("deliver", {"attendees": "7", "on": "2026-06-15"}),
        ("deliver", {"attendees": 7, "on": "9999-12-31"}),
        ("deliver", {"attendees": 7, "on": "1999-12-31"}),
    ],
)
async def test_a_day_or_number_that_can_not_be_is_refused(triage: Behind, step: str, body: dict[str, Any]) -> None:
    item = await an_enquiry_of(triage)
    answer = await tries(triage, item, step, **body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert (await row_of(triage, item)).state == "open"


async def test_only_consultation_and_training_are_arranged_and_delivered(triage: Behind) -> None:
    [item] = await items_of(triage, await a_referral_of(triage, a_family()))
    today = datetime.now(UTC).date().isoformat()
    for step, body in (("arrange", {"on": soon(days=1)}), ("deliver", {"attendees": 2, "on": today})):
        answer = await tries(triage, item.id, step, **body)
        assert (answer.status_code, answer.json()["state"]) == (409, "open")


async def test_what_is_done_can_not_be_done_again(triage: Behind) -> None:
    item, today = await an_enquiry_of(triage), datetime.now(UTC).date().isoformat()
    assert (await tries(triage, item, "deliver", attendees=2, on=today)).status_code == 200
    assert (await tries(triage, item, "deliver", attendees=2, on=today)).status_code == 409
    assert (await tries(triage, item, "arrange", on=soon(days=1))).status_code == 409


async def test_a_family_waits_for_a_place_with_an_offer_of_the_policy(triage: Behind) -> None:
    [item] = await items_of(triage, await a_referral_of(triage, a_family()))
    offer = "a baby group at the nearest Family Hub"
    assert (await tries(triage, item.id, "claim")).status_code == 200
    assert (await tries(triage, item.id, "wait", offer="a pony")).status_code == 422
    assert (await tries(triage, item.id, "wait", offer=offer)).status_code == 200
    row = await row_of(triage, item.id)
    assert (row.state, row.interim_offer, row.assignee, row.escalate_at) == ("waiting_list", offer, None, None)
    assert row.marks.count("waiting_list") == 1
    kind, told = (await said_of(triage, item.id))[-1]
    assert (kind, told["waiting_for"]) == ("work-item.waiting.v1", "place")
    assert offer not in str(told)

    other = "a small group with the parent-infant team"
    assert (await tries(triage, item.id, "offer-interim", offer=other)).status_code == 200
    assert (await row_of(triage, item.id)).interim_offer == other
    details = await fetch(
        triage.engine, "SELECT detail FROM audit WHERE action IN ('item.wait', 'item.offer-interim') ORDER BY id"
    )
    assert [each.detail for each in details] == ["pir_short", "pir_long"]


async def test_who_was_on_the_waiting_list_goes_back_to_it(triage: Behind) -> None:
    [item] = await items_of(triage, await a_referral_of(triage, a_family()))
    for step in ("wait", "claim", "release"):
        assert (await tries(triage, item.id, step)).status_code == 200
    assert (await row_of(triage, item.id)).state == "waiting_list"


async def test_nobody_waits_for_a_place_where_a_danger_is_looked_at(triage: Behind) -> None:
    key = await a_referral_of(triage, a_family(safety=[Safety.IMMEDIATE_DANGER]))
    for item in await items_of(triage, key):
        answer = await tries(triage, item.id, "wait")
        assert (answer.status_code, answer.json()["state"]) == (409, "open")
    [short] = await items_of(triage, await a_referral_of(triage, a_family()))
    assert (
        await tries(triage, short.id, "offer-interim", offer="a baby group at the nearest Family Hub")
    ).status_code == 409


@pytest.fixture
async def desk(triage: Behind, intake: Behind, settings: dict[str, Any]) -> AsyncIterator[Visits]:
    """The pages, with the real referral service to ask for what was sent."""
    families = Families(
        Called("http://referral", settings["PIR_TOKEN_TRIAGE_REFERRAL"]),
        transport=httpx.ASGITransport(intake.service.app),
    )
    async with visits(triage, settings, families=families, now=lambda: NOW) as people:
        yield people


async def sent_in(intake: Behind, triage: Behind, **words: str) -> UUID:
    """An agency has asked, and triage has heard of it."""
    asked = {
        "kind": "consultation",
        "referrer": {"name": "Ada Okafor", "role": "Health visitor", "email": "ada@agency.example.org"},
        "topic": "How to begin a visit",
        **words,
    }
    headers = {"Idempotency-Key": uuid7().hex, "Authorization": f"Bearer {intake.key()}"}
    answer = await intake.http.post("/enquiries", json=asked, headers=headers)
    assert answer.status_code == 201, answer.text
    return await an_enquiry_of(triage, key=UUID(answer.json()["id"]))


async def test_the_list_has_each_stage_with_its_count(triage: Behind, desk: Visits) -> None:
    first = await an_enquiry_of(triage)
    second = await an_enquiry_of(triage, Kind.TRAINING)
    page = read(await desk.see("/staff/enquiries", Role.MANAGER))
    assert "Requested: 2 Arranged: 0 Done: 0 Ended without taking place: 0" in page
    assert (await desk.send(f"/staff/enquiries/{first}/arrange", **monday(at="9.05"))).status_code == 303
    assert (await desk.send(f"/staff/enquiries/{second}/deliver", attendees="12", **held())).status_code == 303
    page = read(await desk.see("/staff/enquiries?stage=arranged"))
    assert "Requested: 0 Arranged: 1 Done: 1" in page
    assert "Monday 22 June 2026, 09:05" in page
    page = read(await desk.see("/staff/enquiries?stage=done"))
    assert "Training" in page
    assert "12" in page


def monday(at: str = "14:30") -> dict[str, str]:
    return {"arrange_on_day": "22", "arrange_on_month": "6", "arrange_on_year": "2026", "arrange_at": at}


def held(day: str = "15", month: str = "6", year: str = "2026") -> dict[str, str]:
    return {"deliver_on_day": day, "deliver_on_month": month, "deliver_on_year": year}


async def test_a_familys_consultation_stands_apart_from_requests(triage: Behind, desk: Visits) -> None:
    key = await a_referral_of(triage, a_family(home=not_open_yet()))
    [item] = [row for row in await items_of(triage, key) if row.route == "consultation"]
    assert item.reference not in await desk.see("/staff/enquiries")
    assert item.reference in await desk.see("/staff/enquiries?whose=families")
    page = await desk.see(f"/staff/enquiries/{item.id}")
    assert f"/staff/items/{item.id}" in page
    assert await count(triage.engine, "audit WHERE action = 'identity.viewed'") == 0


async def test_what_was_asked_is_shown_for_a_reason_and_the_look_is_written_down(
    triage: Behind, intake: Behind, desk: Visits
) -> None:
    item = await sent_in(intake, triage, topic="A <b>gentle</b> start", notes="<script>alert(1)</script> Room 4")
    path = f"/staff/enquiries/{item}"
    page = await desk.see(path)
    assert "Okafor" not in page
    assert "gentle" not in page
    assert "Why are you looking?" in read(page)
    assert (await desk.send(f"{path}/look")).status_code == 422
    refused = await desk.send(f"{path}/look", why="assigned")
    assert title_of(refused.text).startswith("Error: Consultation")
    assert "Okafor" not in refused.text
    assert await count(triage.engine, "audit WHERE action = 'identity.viewed'") == 0
    assert (await row_of(triage, item)).opened_first_at is None

    page = (await desk.send(f"{path}/look", why="covering")).text
    assert "A &lt;b&gt;gentle&lt;/b&gt; start" in page
    assert "<script" not in page
    assert "Ada Okafor" in read(page)
    assert "Okafor" not in title_of(page)
    [look] = await fetch(triage.engine, "SELECT actor_id, detail FROM audit WHERE action = 'identity.viewed'")
    assert tuple(look) == ("dev-triage-worker", "covering")
    assert await count(intake.engine, "audit WHERE action = 'identity.viewed'") == 1

    page = await desk.see(path, Role.MANAGER)
    assert "Okafor" not in page
    assert "Why are you looking?" not in read(page)
    assert '<form method="post" action="/staff/enquiries' not in page
    assert (await desk.send(f"{path}/look", Role.MANAGER, why="rang")).status_code == 403
    assert await count(triage.engine, "audit WHERE action = 'identity.viewed'") == 1


async def test_whoever_works_on_a_request_sees_at_once_what_was_asked(
    triage: Behind, intake: Behind, desk: Visits
) -> None:
    item = await sent_in(intake, triage)
    assert (await tries(triage, item, "claim")).status_code == 200
    assert "Ada Okafor" in read(await desk.see(f"/staff/enquiries/{item}"))
    assert "Okafor" not in await desk.see(f"/staff/enquiries/{item}", Role.LEAD)
    [look] = await fetch(triage.engine, "SELECT detail FROM audit WHERE action = 'identity.viewed'")
    assert look.detail == "assigned"


async def test_after_signing_in_again_the_reason_is_asked_for(triage: Behind, desk: Visits) -> None:
    item = await an_enquiry_of(triage)
    answer = await desk.http.get(f"/staff/enquiries/{item}/look", headers={"X-Role": "triage-worker"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/enquiries/{item}")


async def test_mistakes_are_named_and_what_was_typed_is_kept(triage: Behind, desk: Visits) -> None:
    item = await an_enquiry_of(triage)
    typed = {"deliver_on_day": "31", "deliver_on_month": "<i>", "deliver_on_year": "2026", "attendees": 'many "'}
    answer = await desk.send(f"/staff/enquiries/{item}/deliver", **typed)
    assert answer.status_code == 422
    assert title_of(answer.text).startswith("Error: Consultation")
    for kept in ('value="31"', 'value="&lt;i&gt;"', "many &#34;", 'href="#deliver-on-day"', 'href="#attendees"'):
        assert kept in answer.text, kept
    assert 'id="deliver-on-day"' in answer.text
    assert 'id="attendees"' in answer.text


@pytest.mark.parametrize(
    ("step", "typed", "words"),
    [
        ("arrange", monday() | {"arrange_on_year": "2025"}, "The day and time must not be in the past"),
        ("arrange", monday() | {"arrange_on_year": "2028"}, "The day must be at most a year ahead"),
        ("arrange", monday() | {"arrange_on_day": "31"}, "There is no such day"),
        ("arrange", monday(at="half past two"), "Enter a time from 0:00 to 23:59"),
        ("arrange", monday(at="25:00"), "Enter a time from 0:00 to 23:59"),
        ("arrange", {}, "Enter a day, for example 27 3 2026"),
        ("deliver", held(day="16") | {"attendees": "3"}, "The day must be today or before"),
        ("deliver", held() | {"attendees": "1,001"}, "Enter how many people came"),
        ("deliver", held() | {"attendees": "9" * 150}, "Enter how many people came"),
        ("deliver", held() | {"attendees": "٣"}, "Enter how many people came"),
    ],
)
async def test_a_form_says_what_would_be_right(
    triage: Behind, desk: Visits, step: str, typed: dict[str, str], words: str
) -> None:
    answer = await desk.send(f"/staff/enquiries/{await an_enquiry_of(triage)}/{step}", **typed)
    assert answer.status_code == 422
    assert words in read(answer.text)


@pytest.mark.parametrize(
    ("arranged", "words"),
    [
        (False, "it was asked for on Monday 15 June 2026, which is later"),
        (True, "it is arranged for Monday 22 June 2026, which is later"),
    ],
)
async def test_a_day_before_it_was_asked_for_or_arranged_is_asked_about(
    triage: Behind, desk: Visits, arranged: bool, words: str
) -> None:
    item = await an_enquiry_of(triage)
    if arranged:
        assert (await desk.send(f"/staff/enquiries/{item}/arrange", **monday())).status_code == 303
    path, typed = f"/staff/enquiries/{item}/deliver", held(day="15" if arranged else "14") | {"attendees": "3"}
    answer = await desk.send(path, **typed)
    assert answer.status_code == 422
    assert words in read(answer.text)
    assert 'href="#sure"' in answer.text
    assert 'id="sure"' in answer.text
    assert (await row_of(triage, item)).ended_at is None
    assert (await desk.send(path, **typed, sure="yes")).status_code == 303
    assert (await row_of(triage, item)).attendees == 3


async def test_who_comes_too_late_is_told_so(triage: Behind, desk: Visits) -> None:
    item = await an_enquiry_of(triage)
    assert (await tries(triage, item, "claim")).status_code == 200
    assert (await tries(triage, item, "close", reason="no_further_need")).status_code == 200
    answer = await desk.send(f"/staff/enquiries/{item}/arrange", **monday())
    assert answer.status_code == 409
    assert "This item is closed. Nothing was saved" in read(answer.text)


async def test_forms_are_for_those_who_work_on_items_and_of_our_own_page(triage: Behind, desk: Visits) -> None:
    item = await an_enquiry_of(triage)
    path = f"/staff/enquiries/{item}/arrange"
    assert (await desk.send(path, Role.MANAGER, **monday())).status_code == 403
    assert (await desk.send(path, csrf=CSRF + "x", **monday())).status_code == 403
    for role in (Role.COMMISSIONER, Role.OPERATIONS, Role.AUDITOR):
        await desk.see("/staff/enquiries", role, status=403)
    assert (await row_of(triage, item)).state == "open"


async def test_other_work_has_no_page_here(triage: Behind, desk: Visits) -> None:
    [item] = await items_of(triage, await a_referral_of(triage, a_family()))
    await desk.see(f"/staff/enquiries/{item.id}", status=404)
    assert (await desk.send(f"/staff/enquiries/{item.id}/arrange", **monday())).status_code == 404


async def test_safety_work_of_the_same_request_is_linked(triage: Behind, desk: Visits) -> None:
    item = await an_enquiry_of(triage, safety=(Safety.SIGNIFICANT_HARM,))
    page = await desk.see(f"/staff/enquiries/{item}", Role.MANAGER)
    row = await row_of(triage, item)
    for other in await items_of(triage, row.referral_id):
        assert (f"/staff/items/{other.id}" in page) or other.id == item
    assert "Also open" in page
