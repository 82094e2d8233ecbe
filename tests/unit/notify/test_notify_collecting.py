"""The one mail of a day: what goes into it, when it goes, and that it says no more than each mail would have."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest

from services.notify.collecting import id_of, line, words
from services.notify.content import Content, Next
from services.notify.sending_rules import Caps
from services.notify.settings import MOST_OTHERS, MOST_OWN, Settings
from services.notify.templates import Council
from shared.events import Kind, MessageKind, Route
from tests.builders import TODAY, a_policy
from tests.unit.notify.test_notify_templates import CLINICAL, EVERY_MESSAGE, REFERENCE, SERVICES

CAPS = Caps(own=100, others=10)
CAPPED = {MessageKind.RECEIPT, MessageKind.DECISION, MessageKind.WITHDRAWAL, MessageKind.DUPLICATE}
COUNCIL = Council(a_policy(), SERVICES, on=TODAY)

every_capped_message = pytest.mark.parametrize(
    "name", [name for name, (kind, _) in EVERY_MESSAGE.items() if kind in CAPPED]
)


def in_a_line(kind: MessageKind, content: Content) -> str:
    return line(kind, reference=REFERENCE, content=content, council=COUNCIL)


@pytest.mark.parametrize("kind", MessageKind)
def test_what_staff_do_and_what_is_urgent_is_never_capped(kind: MessageKind) -> None:
    assert CAPS.most(kind, is_urgent=True) is None
    assert (CAPS.most(kind, is_urgent=False) is not None) is (kind in CAPPED)


def test_word_of_what_other_agencies_sent_has_a_cap_of_its_own() -> None:
    assert CAPS.most(MessageKind.DUPLICATE, is_urgent=False) == 10
    assert CAPS.most(MessageKind.RECEIPT, is_urgent=False) == 100


@pytest.mark.parametrize(
    ("now", "goes_at"),
    [
        ("2026-06-15T23:30:00+01:00", "2026-06-16T07:00:00+01:00"),
        ("2026-06-15T23:30:00+00:00", "2026-06-17T07:00:00+01:00"),
        ("2026-03-28T12:00:00+00:00", "2026-03-29T07:00:00+01:00"),
        ("2026-10-24T12:00:00+01:00", "2026-10-25T07:00:00+00:00"),
    ],
    ids=["in the evening", "after midnight in London", "the clocks go forward", "and back"],
)
def test_it_goes_at_seven_on_the_next_day_in_london(now: str, goes_at: str) -> None:
    assert CAPS.goes_at(datetime.fromisoformat(now)) == datetime.fromisoformat(goes_at)


@every_capped_message
def test_a_line_begins_with_the_reference_and_says_what_happened(name: str) -> None:
    said = in_a_line(*EVERY_MESSAGE[name])
    assert re.fullmatch(rf"{REFERENCE}: [a-z][ -~]+", said)
    assert "what happens next" not in said


@every_capped_message
def test_a_line_has_nothing_clinical_no_code_and_no_link(name: str) -> None:
    said = in_a_line(*EVERY_MESSAGE[name]).lower()
    assert not [stem for stem in CLINICAL.split() if re.search(rf"\b{stem}", said)]
    assert not re.search(r"https?:|www\.|@", said)


def test_a_decision_says_where_the_referral_goes() -> None:
    routed = Content(next=Next.ROUTED, routes=(Route.TARGETED, Route.PIR_SHORT), is_waiting_list=True)
    assert in_a_line(MessageKind.DECISION, routed) == (
        f"{REFERENCE}: it goes to the Early Help team and the parent-infant team, for short-term work, "
        "and there is a waiting list"
    )
    assert "decides by Monday 22 June 2026" in in_a_line(*EVERY_MESSAGE["a person looks"])


def test_a_day_that_has_passed_is_promised_no_more_and_what_was_overtaken_says_so() -> None:
    late = Content(by=TODAY - timedelta(days=1))
    assert "you will hear" not in in_a_line(MessageKind.RECEIPT, late)
    assert "decides by" not in in_a_line(MessageKind.DECISION, late.model_copy(update={"next": Next.PERSON}))
    told = line(MessageKind.DECISION, reference=REFERENCE, content=late, council=COUNCIL, is_overtaken=True)
    assert told.endswith("; there is newer word of it")


def test_after_a_loss_and_for_an_enquiry_a_person_gets_in_touch() -> None:
    for content in (Content(is_loss=True), Content(about=Kind.TRAINING, next=Next.ROUTED, routes=(Route.TRAINING,))):
        said = in_a_line(MessageKind.DECISION, content)
        assert said == f"{REFERENCE}: a person in our team gets in touch with you"


def test_every_line_stands_in_the_mail_and_it_asks_for_no_personal_details() -> None:
    lines = [in_a_line(*EVERY_MESSAGE[name]) for name in EVERY_MESSAGE if EVERY_MESSAGE[name][0] in CAPPED]
    subject, body = words(lines)
    assert [each[2:] for each in body.splitlines() if each.startswith("- ")] == lines
    assert subject == f"{len(lines)} messages about your referrals, in one mail"
    assert "names" in body.splitlines()[-1]
    assert body.isascii()


def test_one_message_is_not_called_several() -> None:
    assert words(["PIR-4K7-29M: withdrawn"])[0].startswith("1 message about")


def test_the_same_mail_has_the_same_id_and_the_next_one_another() -> None:
    agency, first, second = UUID(int=1), UUID(int=2), UUID(int=3)
    assert id_of(agency, TODAY, first) == id_of(agency, TODAY, first) != id_of(agency, TODAY, second)


def settings(**more: object) -> Settings:
    given = {
        "DATABASE_URL": "postgresql://x",
        "KAFKA_BOOTSTRAP_SERVERS": "x",
        "PIR_TOKEN_TRIAGE_NOTIFY": "t",
        "PIR_TOKEN_REFERRAL_NOTIFY": "t",
        "PIR_TOKEN_NOTIFY_REFERRAL": "t",
        "notify_master_key": "A" * 43,
    }
    return Settings.model_validate(given | {"smtp_host": "mail", "mail_from": "us@example.org"} | more)


def test_a_live_service_has_caps_and_development_only_those_that_are_set() -> None:
    live = settings(profile="production", internal_port=9000, scrape_token="s", audit_signing_key="A" * 43)
    assert live.caps == Caps(MOST_OWN, MOST_OTHERS, time(7))
    assert settings(profile="development").caps == Caps()
    chosen = settings(profile="development", mail_most_own=5, mail_collected_hour=16)
    assert chosen.caps == Caps(5, None, time(16))
