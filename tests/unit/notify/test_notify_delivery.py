"""What becomes of a message after a try; the loop itself is tested on a real PostgreSQL."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.notify.content import Content, State
from services.notify.delivery import NO_RECIPIENT, Delivery
from services.notify.senders import HANDED_OVER, DeliveryResult
from services.notify.writing import UNWRITABLE
from shared.events import Audience, MessageKind
from tests.builders import RETRIES, TODAY, a_policy, a_writer, noon

NOW = noon(TODAY)
TEAM = "team@health.example.org"


def a_delivery() -> Delivery:
    nothing = cast("Any", None)
    return Delivery(
        dsn="", schema="notify", engine=nothing, sender=nothing, writer=a_writer(), retries=RETRIES, chance=lambda: 0.5
    )


def a_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": UUID(int=number),
        "reference": "PIR-4K7-29M",
        "audience": Audience.AGENCY.value,
        "kind": MessageKind.RECEIPT.value,
        "content": Content().model_dump_json(exclude_defaults=True),
        "message_id_header": f"<{number}@pir.localhost>",
        "created_at": NOW,
        "attempts": 0,
        "first_tried_at": None,
        "collected_on": None,
        "team_inbox": TEAM,
    } | changes


def judged(row: dict[str, Any], outcome: DeliveryResult | None) -> tuple[State, str | None]:
    each = a_delivery()._judge(row, outcome, NOW)
    return each.state, each.error


def test_what_was_handed_over_is_sent() -> None:
    assert judged(a_row(), HANDED_OVER) == (State.SENT, None)


def test_a_first_failure_is_tried_again_within_half_a_minute() -> None:
    each = a_delivery()._judge(a_row(), DeliveryResult("smtp-421"), NOW)
    assert (each.state, each.error, each.due_at) == (State.FAILED, "smtp-421", NOW + timedelta(seconds=15))


def test_later_failures_wait_longer() -> None:
    each = a_delivery()._judge(a_row(attempts=20, first_tried_at=NOW), DeliveryResult("smtp-421"), NOW)
    assert each.due_at == NOW + timedelta(minutes=30)


def test_after_72_hours_of_failures_it_is_undeliverable() -> None:
    row = a_row(attempts=90, first_tried_at=NOW - timedelta(hours=72))
    assert judged(row, DeliveryResult("connection")) == (State.UNDELIVERABLE, "connection")


def test_an_address_that_does_not_exist_is_undeliverable_at_once() -> None:
    assert judged(a_row(), DeliveryResult("smtp-550", is_final=True)) == (State.UNDELIVERABLE, "smtp-550")


def test_an_agency_that_is_not_known_yet_costs_no_try() -> None:
    each = a_delivery()._judge(a_row(team_inbox=None), None, NOW)
    assert (each.state, each.was_tried, each.due_at) == (State.DUE, False, NOW + timedelta(seconds=5))


def test_what_was_collected_for_one_mail_is_tried_again_at_one_moment() -> None:
    rows = [a_row(number, collected_on=TODAY, created_at=NOW - timedelta(hours=number)) for number in (8, 20)]
    for outcome, state in ((DeliveryResult("smtp-421"), State.FAILED), (None, State.COLLECTED)):
        tries = [a_delivery()._judge(row, outcome, NOW) for row in rows]
        assert {each.state for each in tries} == {state}
        assert len({each.due_at for each in tries}) == 1


def test_an_agency_that_never_comes_is_no_silence() -> None:
    row = a_row(team_inbox=None, created_at=NOW - timedelta(hours=72))
    assert judged(row, None) == (State.UNDELIVERABLE, NO_RECIPIENT)


def test_mail_goes_to_the_teams_inbox_and_escalations_to_the_on_call_contact() -> None:
    on_call = a_row(2, audience=Audience.ON_CALL.value, kind=MessageKind.ON_CALL.value)
    mails = a_writer().write([a_row(), on_call], {})
    assert [mail.recipient for mail in mails] == [TEAM, a_policy().on_call.email]


@pytest.mark.parametrize("inbox", [None, "", "not an address", f"{TEAM}\r\nBcc: x@x.org"])
def test_without_a_usable_inbox_nothing_is_written(inbox: str | None) -> None:
    assert a_writer().write([a_row(team_inbox=inbox)], {}) == []


def test_a_message_that_cannot_be_written_holds_up_nobody() -> None:
    outcomes: dict[UUID, DeliveryResult] = {}
    mails = a_writer().write([a_row(1, kind="unheard-of"), a_row(2)], outcomes)
    assert [mail.id for mail in mails] == [UUID(int=2)]
    assert outcomes == {UUID(int=1): DeliveryResult(UNWRITABLE)}


def test_two_mails_of_what_was_collected_never_have_one_message_id() -> None:
    """The oldest could not be written; once it can, it goes in a mail of its own, and is no repeat of the first."""
    rows = [a_row(each, agency_id=UUID(int=9), collected_on=TODAY, is_overtaken=False) for each in (1, 2)]
    outcomes: dict[UUID, DeliveryResult] = {}
    without = a_writer().together([rows[0] | {"kind": "unheard-of"}, rows[1]], TEAM, outcomes)
    alone = a_writer().together(rows[:1], TEAM, {})
    assert outcomes == {UUID(int=1): DeliveryResult(UNWRITABLE)}
    assert without
    assert alone
    assert without.id != alone.id


def test_every_try_is_the_same_mail() -> None:
    first, again = (a_writer().write([a_row(attempts=number)], {}) for number in (0, 7))
    assert first == again


@pytest.mark.parametrize(
    "error", [sa.exc.IntegrityError("", None, Exception()), sa.exc.DataError("", None, Exception())]
)
async def test_what_was_handed_over_is_recorded_again_whatever_the_database_says(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    delivery, handed, tries = a_delivery(), 0, 0

    class Once:
        async def send(self, mails: list[Any]) -> AsyncGenerator[list[DeliveryResult], None]:
            nonlocal handed
            handed += 1
            yield [HANDED_OVER for _ in mails]

    async def record(*_: Any) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise error

    delivery.sender = cast("Any", Once())
    monkeypatch.setattr(delivery, "_record", record)
    await delivery.send([a_row()])
    assert (handed, tries) == (1, 2)
