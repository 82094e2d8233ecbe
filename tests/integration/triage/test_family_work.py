"""What messages to families mean for the team: a held one on the page of its work, a bounce and a reply as work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify import internal
from services.notify.content import Content, State
from services.notify.family_messages import release_api, rows
from services.notify.messages import Message
from services.notify.templates import Council
from services.triage.clients import Messages
from shared import problems
from shared.access import Role
from shared.database import engine_of
from shared.events import Audience, Channel, FamilyReplied, MessageKind, MessageUndeliverable
from shared.ids import uuid7
from shared.internal_client import Called
from shared.messaging.outbox import Cause
from tests.builders import TODAY, a_family, a_policy, a_writer
from tests.integration.conftest import Behind
from tests.integration.room import Visits, read, visits
from tests.integration.support import fetch
from tests.integration.triage_team import NOON, TriageTeam

TOKEN = "a-token"


@dataclass
class Held:
    """A family's work, a message to it that is held, and people at the page."""

    at: Visits
    item: Any
    message: UUID
    notify: AsyncEngine

    @property
    def page(self) -> str:
        return f"/staff/items/{self.item.id}"

    async def state(self) -> tuple[str, str | None, bool]:
        [row] = await fetch(self.notify, "SELECT state, last_error, is_released FROM message")
        return row.state, row.last_error, row.is_released


async def a_held_message(engine: AsyncEngine, reference: str, referral_id: UUID, why: str) -> UUID:
    message = Message(
        referral_id, reference, uuid4(), MessageKind.RECEIPT, "family", State.HELD, Content(by=TODAY), NOON,
        Cause(uuid7()), Audience.HOUSEHOLD, channel=Channel.SMS,
    )  # fmt: skip
    async with engine.begin() as tx:
        await rows.make(tx, [message], mail_domain="pir.localhost")
    async with engine.begin() as tx:
        await tx.exec_driver_sql(f"UPDATE message SET last_error = '{why}'")
    return message.id


@pytest.fixture
async def held(
    triage: Behind, settings: dict[str, Any], database: str, request: pytest.FixtureRequest
) -> AsyncIterator[Held]:
    team, engine = TriageTeam(triage.engine), engine_of(database, "notify")
    item = await team.only(key := await team.referred(a_family()))
    message = await a_held_message(engine, item.reference, key, getattr(request, "param", "unclear"))
    notify = FastAPI()
    problems.install(notify)
    notify.include_router(release_api.router(engine, TOKEN))
    council = Council(a_policy(), a_writer().service_map, TODAY)
    notify.include_router(internal.router(engine, TOKEN, lambda: council))
    messages = Messages(Called("http://notify", TOKEN), transport=httpx.ASGITransport(app=notify))
    async with visits(triage, settings, messages=messages, now=lambda: NOON) as at:
        yield Held(at, item, message, engine)
    await messages.close()
    await engine.dispose()


async def test_the_page_shows_why_it_is_held_what_it_says_and_both_buttons(held: Held) -> None:
    words = read(await held.at.see(held.page))
    assert "Held: read what was written about safe contact, and decide" in words
    assert "Nottingham City Council: we have your request" in words
    assert "Send it" in words
    assert "Keep it back" in words


async def test_a_worker_sends_it(held: Held) -> None:
    answer = await held.at.send(f"{held.page}/messages/{held.message}/release")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{held.page}?done=message-released")
    assert await held.state() == ("due", None, True)
    assert "It goes out now" in read(await held.at.see(answer.headers["location"]))
    [entry] = await fetch(held.notify, "SELECT action, actor_id, referral_id FROM audit")
    assert (entry.action, entry.actor_id, entry.referral_id) == (
        "message.released", "dev-triage-worker", held.item.referral_id,
    )  # fmt: skip


async def test_a_worker_says_why_not(held: Held) -> None:
    path = f"{held.page}/messages/{held.message}/keep-back"
    wrong = await held.at.send(path, reason="because")
    assert wrong.status_code == 422
    assert "Choose why it is kept back" in read(wrong.text)
    answer = await held.at.send(path, reason="told_another_way")
    assert answer.status_code == 303
    assert await held.state() == ("held", "kept-back", False)
    assert "a colleague decided against it" in read(await held.at.see(held.page))


async def test_two_people_at_once_decide_once(held: Held) -> None:
    path = f"{held.page}/messages/{held.message}"
    assert (await held.at.send(f"{path}/keep-back", reason="not_safe")).status_code == 303
    late = await held.at.send(f"{path}/release")
    assert late.status_code == 409
    assert "This message is not held any more" in read(late.text)
    assert await held.state() == ("held", "kept-back", False)


@pytest.mark.parametrize("held", ["hold", "stopped", "no-consent"], indirect=True)
async def test_what_no_person_may_overrule_has_no_button(held: Held) -> None:
    assert "Send it" not in read(await held.at.see(held.page))
    assert (await held.at.send(f"{held.page}/messages/{held.message}/release")).status_code == 409


async def test_a_message_of_another_family_is_not_released_from_here(held: Held) -> None:
    answer = await held.at.send(f"{held.page}/messages/{uuid4()}/release")
    assert answer.status_code == 409
    assert (await held.state())[0] == "held"


async def test_a_manager_sees_it_and_may_not_decide(held: Held) -> None:
    assert "Send it" not in read(await held.at.see(held.page, Role.MANAGER))
    answer = await held.at.send(f"{held.page}/messages/{held.message}/release", Role.MANAGER)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("data", "mark", "words"),
    [
        (
            MessageUndeliverable(
                reference="PIR-4K7-29M", agency_id=uuid4(), message_id=uuid7(), kind=MessageKind.RECEIPT,
                channel=Channel.SMS, audience=Audience.HOUSEHOLD,
            ),
            "family_unreached",
            "A message to the family could not be delivered. Ring them.",
        ),
        (FamilyReplied(reference="PIR-4K7-29M", agency_id=uuid4()), "family_replied", "The family has answered a text"),
    ],
)  # fmt: skip
async def test_a_bounce_and_a_reply_are_work_for_a_person_once(
    triage: Behind, settings: dict[str, Any], data: Any, mark: str, words: str
) -> None:
    team = TriageTeam(triage.engine)
    key = await team.referred(a_family())
    await team.hear(team.event(key, data))
    await team.hear(team.event(key, data))
    found = await fetch(
        triage.engine, "SELECT * FROM work_item WHERE referral_id = :id AND marks ? :mark", id=key, mark=mark
    )
    [item] = found
    assert (item.route, item.state, item.urgency) == ("review", "open", "urgent")
    nobody = Messages(Called("http://127.0.0.1:1", TOKEN))
    async with visits(triage, settings, messages=nobody, now=lambda: NOON) as at:
        assert words in read(await at.see(f"/staff/items/{item.id}"))
    await nobody.close()


async def test_a_reply_stays_work_when_the_family_is_decided_anew(triage: Behind) -> None:
    team = TriageTeam(triage.engine)
    key = await team.referred(a_family())
    await team.hear(team.event(key, FamilyReplied(reference="PIR-4K7-29M", agency_id=uuid4())))
    await team.amended(key, a_family(babies=3))
    open_marks = await fetch(
        triage.engine, "SELECT marks FROM work_item WHERE referral_id = :id AND ended_at IS NULL", id=key
    )
    assert ["family_replied"] in [[mark for mark in row.marks if mark == "family_replied"] for row in open_marks]
