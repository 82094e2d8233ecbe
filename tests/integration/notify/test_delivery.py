"""The sending loops on a real PostgreSQL: what calls a person out waits for no other mail, and nothing goes twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify import app, delivery, internal, rows
from services.notify.composing import on_waiting
from services.notify.content import Content, State
from services.notify.content import Outcome as Told
from services.notify.delivery import POLL_SECONDS, Delivery
from services.notify.handlers import NO_CAPS, handlers
from services.notify.mail import Mail
from services.notify.messages import Message
from services.notify.senders import HANDED_OVER, DeliveryResult
from services.notify.sending_rules import Caps
from services.notify.settings import Settings
from services.notify.templates import Council
from shared.events import Audience, Envelope, MessageKind, ReferralRestricted, Route, WaitingFor, WorkItemWaiting
from shared.ids import uuid7
from shared.messaging.dispatch import dispatch
from shared.messaging.outbox import PARTS, Cause
from shared.messaging.statement import Statement
from tests.builders import RETRIES, TODAY, a_policy, a_writer
from tests.integration.support import an_event, count, engine_of, eventually, fetch, running
from tests.rendering import client_of

AGENCY = UUID(int=11)
ON_CALL = a_policy().on_call.email
BACKLOG = 10_000


class Recording:
    """Takes every mail; with a gate only once that is open."""

    batch = 50

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.handed: list[Mail] = []
        self.asked = 0
        self._gate = gate

    async def send(self, mails: Sequence[Mail]) -> AsyncGenerator[list[DeliveryResult], None]:
        self.asked += len(mails)
        if self._gate:
            await self._gate.wait()
        self.handed += mails
        yield [HANDED_OVER for _ in mails]


class Slow:
    """One by one, as a mail server takes them."""

    batch = 50

    def __init__(self, seconds: float) -> None:
        self.handed: list[UUID] = []
        self._seconds = seconds

    async def send(self, mails: Sequence[Mail]) -> AsyncGenerator[list[DeliveryResult], None]:
        for mail in mails:
            await asyncio.sleep(self._seconds)
            self.handed.append(mail.id)
            yield [HANDED_OVER]


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_of(database, "notify")
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("INSERT INTO agency VALUES (:id, 'hv', 'Health visiting', 'team@agency.example.org', true)"),
            {"id": AGENCY},
        )
    yield engine
    await engine.dispose()


async def make(
    engine: AsyncEngine, kind: MessageKind, audience: Audience, number: int = 1, *, caps: Caps = NO_CAPS, **more: Any
) -> list[str]:
    """So many messages about as many referrals; returns their references."""
    now = datetime.now(UTC)
    made = [
        Message(
            referral_id=(id_ := uuid7()), reference=f"PIR-{id_.hex[-6:]}", agency_id=AGENCY, kind=kind, occasion="1",
            state=State.DUE, content=Content(routes=(Route.MASH,)), at=now, cause=Cause(uuid7()), audience=audience,
            **more,
        )
        for _ in range(number)
    ]  # fmt: skip
    for start in range(0, number, 2_000):
        async with engine.begin() as tx:
            await rows.make(tx, made[start : start + 2_000], mail_domain="pir.localhost", caps=caps, now=now)
    return [message.reference for message in made]


def loops(url: str, engine: AsyncEngine, ordinary: Any, on_call: Any) -> list[Delivery]:
    """As app.py makes them."""
    common: dict[str, Any] = {
        "dsn": url,
        "schema": "notify",
        "engine": engine,
        "writer": a_writer(),
        "retries": RETRIES,
    }
    calls = Delivery(**common, sender=on_call, name="on_call", first_part=PARTS)
    return [Delivery(**common, sender=ordinary, before_a_backlog=calls.wake.set), calls]


async def test_a_call_goes_out_beside_a_backlog_and_a_server_that_does_not_answer(
    database: str, engine: AsyncEngine
) -> None:
    gate = asyncio.Event()
    blocked, free = Recording(gate), Recording()
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, BACKLOG)

    async def is_blocked() -> bool:
        return blocked.asked > 0

    async def is_called() -> bool:
        return await count(engine, "message WHERE audience = 'on-call' AND state = 'sent'") == 1

    async with running(*loops(database, engine, blocked, free)):
        await eventually(is_blocked, what="a batch in hand")
        await make(engine, MessageKind.ON_CALL, Audience.ON_CALL)
        await eventually(is_called, what="the call", seconds=5)
        assert [mail.recipient for mail in free.handed] == [ON_CALL]
        assert blocked.handed == []
        gate.set()
    assert ON_CALL not in {mail.recipient for mail in blocked.handed}


async def test_a_call_that_nobody_was_woken_for_overtakes_a_backlog(
    database: str, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both became due without a word, and the loop of the calls has looked just before."""
    monkeypatch.setattr(delivery, "POLL_SECONDS", 60.0)
    ordinary, on_call = Recording(), Recording()
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, BACKLOG)
    await make(engine, MessageKind.ON_CALL, Audience.ON_CALL)
    due = "UPDATE message SET due_at = now() + CAST(:later AS interval)"
    async with engine.begin() as tx:
        await tx.execute(sa.text(due), {"later": timedelta(hours=1)})

    async def is_called() -> bool:
        return await count(engine, "message WHERE audience = 'on-call' AND state = 'sent'") == 1

    both = loops(database, engine, ordinary, on_call)
    async with running(*both):
        await asyncio.sleep(0.5)  # both have looked
        async with engine.begin() as tx:
            await tx.execute(sa.text(due), {"later": timedelta(hours=-1)})
        both[0].wake.set()
        await eventually(is_called, what="the call", seconds=20)
    before = "message m, message c WHERE c.audience = 'on-call' AND m.sent_at < c.sent_at"
    assert await count(engine, before) <= 2 * ordinary.batch


async def test_a_stop_in_mid_batch_sends_nothing_twice(database: str, engine: AsyncEngine) -> None:
    """A server of 0.4 s a mail, and a batch of 50: a deployment does not wait for all of it."""
    first, second = Slow(0.4), Recording()
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 40)

    async def has_begun() -> bool:
        return len(first.handed) > 2

    async def is_done() -> bool:
        return await count(engine, "message WHERE state = 'sent'") == 40

    async with running(loops(database, engine, first, Recording())[0]):
        await eventually(has_begun, what="some mails")
    assert len(first.handed) < 40
    async with running(loops(database, engine, second, Recording())[0]):
        await eventually(is_done, what="the rest")
    handed = Counter([*first.handed, *(mail.id for mail in second.handed)])
    assert (len(handed), set(handed.values())) == (40, {1})


async def test_two_copies_of_both_loops_hand_over_each_message_once(database: str, engine: AsyncEngine) -> None:
    senders = [Recording() for _ in range(4)]
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 200)
    await make(engine, MessageKind.ON_CALL, Audience.ON_CALL, 50)

    async def is_done() -> bool:
        return await count(engine, "message WHERE state = 'sent'") == 250

    first, second = (loops(database, engine, *senders[place : place + 2]) for place in (0, 2))
    async with running(*first, *second):
        await eventually(is_done, what="all of them sent")
    handed = Counter(mail.id for sender in senders for mail in sender.handed)
    assert (len(handed), set(handed.values())) == (250, {1})
    assert {mail.recipient for sender in senders[1::2] for mail in sender.handed} == {ON_CALL}


# More than one inbox is sent one by one in a day: collected, and nothing of it lost.

CAPS = Caps(own=10, others=3)


async def all_sent(engine: AsyncEngine, expected: int) -> None:
    async def is_done() -> bool:
        return await count(engine, "message WHERE state = 'sent'") == expected

    await eventually(is_done, what=f"{expected} sent")


async def a_day_later(engine: AsyncEngine) -> None:
    """All that was made is of yesterday, and the hour of the collected mail has come."""
    async with engine.begin() as tx:
        for change in (
            "UPDATE message SET created_at = created_at - interval '1 day'",
            "UPDATE message SET due_at = now() WHERE state = 'collected'",
        ):
            await tx.execute(sa.text(change))


def body_of(mail: Mail) -> str:
    return mail.content.decode().partition("\r\n\r\n")[2]


async def test_what_is_over_the_cap_goes_in_one_mail_with_every_reference(database: str, engine: AsyncEngine) -> None:
    sender = Recording()
    references = await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 6, caps=CAPS)
    references += await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 24, caps=CAPS)
    loop = loops(database, engine, sender, Recording())[0]
    async with running(loop):
        await all_sent(engine, 10)
        await asyncio.sleep(POLL_SECONDS + 0.4)  # at least one more look at what is due
        assert len(sender.handed) == 10
        await a_day_later(engine)
        await all_sent(engine, 30)
    [together] = sender.handed[10:]
    assert together.recipient == "team@agency.example.org"
    for reference in references:
        assert sum(f"{reference}: " in body_of(mail) or f"{reference}." in body_of(mail) for mail in sender.handed) == 1
    assert await count(engine, "event WHERE type = 'message.sent.v1'") == 30
    assert await count(engine, "audit WHERE action = 'message.sent'") == 30


async def test_nothing_urgent_and_no_call_is_ever_held_back(database: str, engine: AsyncEngine) -> None:
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 30, caps=CAPS)
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 30, caps=CAPS, is_urgent=True)
    await make(engine, MessageKind.ON_CALL, Audience.ON_CALL, 30, caps=CAPS)
    await make(engine, MessageKind.INFORMATION_REQUEST, Audience.AGENCY, 30, caps=CAPS)
    assert await count(engine, "message WHERE state = 'collected'") == 20
    assert await count(engine, "message WHERE state = 'due'") == 100
    ordinary, on_call = Recording(), Recording()
    async with running(*loops(database, engine, ordinary, on_call)):
        await all_sent(engine, 100)
    assert len(on_call.handed) == 30


async def test_word_of_other_agencies_has_a_cap_of_its_own_and_each_day_begins_anew(engine: AsyncEngine) -> None:
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 10, caps=CAPS)
    await make(engine, MessageKind.DUPLICATE, Audience.AGENCY, 5, caps=CAPS)
    assert await count(engine, "message WHERE state = 'collected' AND kind = 'duplicate'") == 2
    await a_day_later(engine)
    await make(engine, MessageKind.DUPLICATE, Audience.AGENCY, 3, caps=CAPS)
    assert await count(engine, "message WHERE state = 'collected'") == 2


async def test_a_collected_mail_that_fails_stays_together_and_is_the_same_one(
    database: str, engine: AsyncEngine
) -> None:
    class FailsOnce(Recording):
        async def send(self, mails: Sequence[Mail]) -> AsyncGenerator[list[DeliveryResult], None]:
            self.handed += mails
            yield [HANDED_OVER if self.handed[1:] else DeliveryResult("smtp-451") for _ in mails]

    sender = FailsOnce()
    await make(engine, MessageKind.RECEIPT, Audience.AGENCY, 8, caps=Caps(own=1))
    async with engine.begin() as tx:
        await tx.execute(sa.text("UPDATE message SET state = 'sent' WHERE state = 'due'"))
    await a_day_later(engine)

    async def has_failed() -> bool:
        return await count(engine, "message WHERE state = 'failed' AND attempts = 1") == 7

    async with running(loops(database, engine, sender, Recording())[0]):
        await eventually(has_failed, what="a failure of all")
        async with engine.begin() as tx:
            await tx.execute(sa.text("UPDATE message SET due_at = now() WHERE state = 'failed'"))
        await all_sent(engine, 8)
    assert len(sender.handed) == 2
    assert sender.handed[0].id == sender.handed[1].id
    assert body_of(sender.handed[0]) == body_of(sender.handed[1])


async def test_what_is_erased_meanwhile_is_in_no_collected_mail(database: str, engine: AsyncEngine) -> None:
    sender = Recording()
    references = await make(engine, MessageKind.WITHDRAWAL, Audience.AGENCY, 5, caps=Caps(own=2))
    [first, *_] = await fetch(engine, "SELECT referral_id, reference FROM message WHERE state = 'collected'")
    erased = first.reference
    async with engine.begin() as tx:
        await rows.forget(tx, {first.referral_id: erased})
    await a_day_later(engine)
    async with running(loops(database, engine, sender, Recording())[0]):
        await all_sent(engine, 4)
    said = "".join(body_of(mail) for mail in sender.handed)
    assert [reference for reference in references if reference not in said] == [erased]


async def test_what_newer_word_has_overtaken_says_so(database: str, engine: AsyncEngine) -> None:
    sender = Recording()
    await make(engine, MessageKind.DECISION, Audience.AGENCY, 2, caps=Caps(own=1))
    [collected] = await fetch(engine, "SELECT referral_id, reference FROM message WHERE state = 'collected'")
    of, reference = collected
    await a_day_later(engine)
    async with engine.begin() as tx:
        told = Message(
            referral_id=of, reference=reference, agency_id=AGENCY, kind=MessageKind.OUTCOME, occasion="2",
            state=State.DUE, content=Content(outcome=Told.DECIDED), at=datetime.now(UTC), cause=Cause(uuid7()),
        )  # fmt: skip
        await rows.make(tx, [told], mail_domain="pir.localhost", caps=CAPS, now=datetime.now(UTC))
    async with running(loops(database, engine, sender, Recording())[0]):
        await all_sent(engine, 3)
    assert f"{reference}: " in body_of(sender.handed[-1])
    assert "there is newer word of it" in " ".join(body_of(sender.handed[-1]).split())


async def test_messages_under_a_cap_are_made_in_one_statement_whatever_their_kinds(engine: AsyncEngine) -> None:
    caps, now, nobody = Caps(100, 10), datetime.now(UTC), cast("Any", None)
    statement = cast("Any", Statement(nobody))
    for kind in (MessageKind.RECEIPT, MessageKind.OUTCOME, MessageKind.DUPLICATE):
        message = Message(
            referral_id=uuid7(), reference="PIR-4K7-29M", agency_id=AGENCY, kind=kind, occasion="1", state=State.DUE,
            content=Content(), at=now, cause=Cause(uuid7()),
        )  # fmt: skip
        await rows.make(statement, [message], mail_domain="pir.localhost", caps=caps, now=now)


async def test_two_copies_send_a_collected_mail_once(database: str, engine: AsyncEngine) -> None:
    senders = [Recording(), Recording()]
    await make(engine, MessageKind.DECISION, Audience.AGENCY, 40, caps=Caps(own=1))
    await a_day_later(engine)
    async with running(*(loops(database, engine, sender, Recording())[0] for sender in senders)):
        await all_sent(engine, 40)
    assert sum(len(sender.handed) for sender in senders) == 2


async def test_a_call_from_before_the_second_loop_is_sent_by_the_first(database: str, engine: AsyncEngine) -> None:
    """It has a part of the ordinary mail: a copy of the old version, still running, would send it too."""
    ordinary, on_call = Recording(), Recording()
    await make(engine, MessageKind.ON_CALL, Audience.ON_CALL)
    async with engine.begin() as tx:
        await tx.execute(sa.text("UPDATE message SET part = part - :parts"), {"parts": PARTS})

    async def is_done() -> bool:
        return await count(engine, "message WHERE state = 'sent'") == 1

    async with running(*loops(database, engine, ordinary, on_call)):
        await eventually(is_done, what="the call")
    assert (len(ordinary.handed), on_call.handed) == (1, [])


async def test_the_service_runs_both_loops_with_a_sender_each(settings: dict[str, Any], tmp_path: Any) -> None:
    service = await app.build(Settings(**settings, mail_dir=tmp_path))
    deliveries: Any = [service.loops[name].__self__ for name in ("delivery", "delivery-on-call")]  # type: ignore[attr-defined]
    assert [(each.name, each.first_part) for each in deliveries] == [("message", 0), ("on_call", PARTS)]
    assert deliveries[0].sender is not deliveries[1].sender
    await service.close()


async def test_of_a_message_that_cannot_be_written_its_state_is_told_and_of_the_others_the_words_too(
    engine: AsyncEngine,
) -> None:
    [reference] = await make(engine, MessageKind.RECEIPT, Audience.AGENCY)
    [broken] = await make(engine, MessageKind.RECEIPT, Audience.AGENCY)
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("""
                UPDATE message SET reference = :reference, state = 'undeliverable', content = '{"routes": ["nowhere"]}'
                WHERE reference = :broken
            """),
            {"reference": reference, "broken": broken},
        )
    site = FastAPI()
    council = Council(a_policy(), a_writer().service_map, TODAY)
    site.include_router(internal.router(engine, "a-token", lambda: council))
    async with client_of(site) as http:
        answer = await http.get(f"/internal/messages/{reference}", headers={"Authorization": "Bearer a-token"})
    written, unwritable = answer.json()["items"]
    assert reference in written["subject"]
    assert written["body"]
    assert (unwritable["state"], unwritable["subject"], unwritable["body"]) == ("undeliverable", "", "")


def a_restriction(about: Message, *, is_restricted: bool) -> Envelope[Any]:
    data = ReferralRestricted(reference=about.reference, agency_id=AGENCY, is_restricted=is_restricted)
    return an_event(about.referral_id, data=data)


async def test_what_is_routine_is_held_while_a_record_may_not_be_used_and_goes_when_it_ends(
    database: str, engine: AsyncEngine
) -> None:
    now, caps = datetime.now(UTC), Caps(own=1)
    id_ = uuid7()

    def a_message(kind: MessageKind, occasion: str, audience: Audience = Audience.AGENCY, **more: Any) -> Message:
        return Message(
            referral_id=id_, reference="PIR-4K7-29M", agency_id=AGENCY, kind=kind, occasion=occasion, state=State.DUE,
            content=Content(routes=(Route.MASH,)), at=now, cause=Cause(uuid7()), audience=audience, **more,
        )  # fmt: skip

    async def told(*messages: Message) -> None:
        async with engine.begin() as tx:
            await rows.make(tx, messages, mail_domain="pir.localhost", caps=caps, now=now)

    async def states() -> list[tuple[str, str, str | None]]:
        found = await fetch(engine, "SELECT kind, state, last_error FROM message ORDER BY created_at, kind")
        return [tuple(row) for row in found]

    # Two receipts over the cap of one a day: the second is collected for the mail of the day
    await told(a_message(MessageKind.RECEIPT, "1"))
    await told(a_message(MessageKind.RECEIPT, "2"))
    assert [state for _, state, _ in await states()] == ["due", "collected"]

    # When the record may not be used
    hears = handlers(a_policy(), mail_domain="pir.localhost")
    for _ in range(2):
        async with engine.begin() as tx:
            await dispatch([a_restriction(a_message(MessageKind.RECEIPT, "1"), is_restricted=True)], hears, tx)
    await told(a_message(MessageKind.RECEIPT, "3"), a_message(MessageKind.WITHDRAWAL, "1"))
    await told(
        a_message(MessageKind.DECISION, "1", is_urgent=True), a_message(MessageKind.ON_CALL, "1", Audience.ON_CALL)
    )

    # Then what was on its way goes, what is routine is held, and what is urgent goes
    assert await states() == [
        ("receipt", "due", None),
        ("receipt", "collected", None),
        ("receipt", "held", "restricted"),
        ("withdrawal", "held", "restricted"),
        ("decision", "due", None),
        ("on-call", "due", None),
    ]

    # When it ends, everything goes: what was held in the mail of the next day
    async with engine.begin() as tx:
        await dispatch([a_restriction(a_message(MessageKind.RECEIPT, "1"), is_restricted=False)], hears, tx)
    ordinary, on_call = Recording(), Recording()

    assert [state for _, state, _ in await states()] == ["due", "collected", "collected", "collected", "due", "due"]
    await a_day_later(engine)
    async with running(*loops(database, engine, ordinary, on_call)):
        await all_sent(engine, 6)
    assert (len(ordinary.handed), len(on_call.handed)) == (3, 1)


async def test_a_question_to_the_referrer_goes_while_the_record_may_not_be_used() -> None:
    """Somebody asks it on purpose, and the clock stands until it is answered."""
    event = an_event(uuid7(), data=WorkItemWaiting(
        reference="PIR-4K7-29M", agency_id=AGENCY, work_item_id=uuid7(), route=Route.PIR_SHORT,
        waiting_for=WaitingFor.REFERRER,
    ))  # fmt: skip
    assert [message.is_urgent for message in on_waiting(event, a_policy())] == [True]
