"""The mails of one occasion never contradict each other: what an agency sent, the decision on it, and what we ask.

Over every combination of what decides the words: danger and hold, consent, age, place, doubts, a waiting list, a
question of ours, the machine's decision or a person's, a first version or a later one.
"""

from __future__ import annotations

import itertools
import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

import pytest

from services.notify import composing
from services.notify.content import Content
from services.notify.messages import Message
from services.notify.templates import Council, words
from shared.events import (
    Circumstance,
    Consent,
    DecidedBy,
    Envelope,
    Facts,
    Kind,
    Link,
    LinkedReferral,
    MentalHealth,
    MessageKind,
    Mode,
    ReferralWithdrawn,
    Route,
    Safety,
    Severity,
    WaitingFor,
    WithdrawalReason,
    WorkItemWaiting,
)
from shared.service_map import of_authority
from tests.builders import (
    NOTTINGHAM,
    POLICIES,
    TODAY,
    a_family,
    a_policy,
    an_enquiry,
    decided,
    elsewhere,
    not_open_yet,
)
from tests.unit.notify.test_notify_composing import (
    ABOUT,
    OTHER,
    OTHER_AGENCY,
    OTHER_REFERENCE,
    an_envelope,
    an_item,
    received,
    triaged,
)

COUNCIL: Final = Council(
    a_policy(), of_authority(NOTTINGHAM, folder=POLICIES.parent / "service_maps"), TODAY, "https://refer.example.org"
)

DANGERS: Final[list[dict[str, Any]]] = [
    {},
    *({"safety": [tick]} for tick in Safety),
    {"safety": list(Safety), "mental_health": MentalHealth.HARM_BABY_PLAN},
    {"mental_health": MentalHealth.MODERATE},
    {"mental_health": MentalHealth.PSYCHOSIS_SUSPECTED},
]
LOSSES: Final[list[dict[str, Any]]] = [
    {},
    {"circumstances": [Circumstance.INFANT_DIED]},
    {"due_on": TODAY - timedelta(days=40)},
]
WHO_AND_WHERE: Final[list[dict[str, Any]]] = [
    {},
    {"born_on": date(2020, 1, 1)},
    {"has_dates": False},
    {"home": not_open_yet()},
    {"home": elsewhere()},
]
DOUBTS: Final[list[dict[str, Any]]] = [
    {},
    {"safety_words": True},
    {"links": [Link.DUPLICATE]},
    {"severity": Severity.UNKNOWN},
    {"severity": Severity.SEVERE, "full_routes": [Route.PIR_SHORT, Route.PIR_LONG]},
]


@cache
def every_family() -> list[Facts]:
    """Each combination once; an overdue baby has no other date."""
    return [
        a_family(**danger, **(who | loss), consent=consent, **doubt)
        for danger, loss, who, consent, doubt in itertools.product(DANGERS, LOSSES, WHO_AND_WHERE, Consent, DOUBTS)
        if not (loss.get("due_on") and {"born_on", "has_dates"} & set(who))
    ]


def said(messages: list[Message]) -> list[tuple[str, Content, str]]:
    """Of each mail its kind, content and words."""
    return [
        (
            each.kind,
            each.content,
            "\n".join(words(each.kind, reference=each.reference, content=each.content, council=COUNCIL)),
        )
        for each in messages
    ]


def a_question(route: Route) -> Envelope[Any]:
    return an_item(WorkItemWaiting, route=route, waiting_for=WaitingFor.REFERRER)


def occasion(facts: Facts, *, version: int, by: DecidedBy) -> list[Message]:
    """What an agency gets about one thing that it sent: triage asks at once where the decision has the question."""
    events: list[tuple[Any, Envelope[Any]]] = [
        (composing.on_arrival, received(facts, version=version)),
        (composing.on_decision, triaged(facts, version=version, by=by)),
    ]
    if Route.INFO_REQUEST in decided(facts).routes:
        events.append((composing.on_waiting, a_question(Route.INFO_REQUEST)))
    return [message for compose, event in events for message in compose(event, a_policy())]


ASKS: Final = re.compile(r"please (ring|ask|sign in|send)|ring now|rung", re.IGNORECASE)
NOTHING: Final = re.compile(r"nothing (more )?to do|no need to do anything", re.IGNORECASE)
DAY: Final = re.compile(r"(hear from us|decides) by (\w+day \d+ \w+ \d{4})")
WAITS: Final = "We wait until we hear from you"
OURS: Final = "There is a waiting list"
TEAM_RINGS: Final = re.compile(r"get(s)? in touch with the family")
SILENT: Final = "We do not write to the family"


def contradictions(texts: list[str], kinds: list[str]) -> list[str]:
    """What one of them says and another, or the same one, denies."""
    whole, found = "\n".join(texts), []
    if NOTHING.search(whole) and ASKS.search(whole):
        found.append("there is nothing to do, and something to do")
    days: dict[str, set[datetime]] = {}
    for verb, day in DAY.findall(whole):
        days.setdefault(verb, set()).add(datetime.strptime(day, "%A %d %B %Y"))  # noqa: DTZ007  a day
    if any(len(each) > 1 for each in days.values()):
        found.append("two days for the same")
    if (
        days.get("decides", set())
        and days.get("hear from us", set())
        and max(days["decides"]) > min(days["hear from us"])
    ):
        found.append("decided later than the day by which they hear")
    if days.get("decides") and WAITS in whole:
        found.append("we decide by a day, and wait for an answer")
    if TEAM_RINGS.search(whole) and (SILENT in whole or WAITS in whole):
        found.append("the family is rung, and is not")
    if "looking at" in whole and ("It goes to:" in whole or WAITS in whole):
        found.append("a person looks, and it is somewhere else")
    if OURS in whole and "they get in touch" in whole:
        found.append("they get in touch, and there is a waiting list")
    if len(kinds) != len(set(kinds)):
        found.append("two mails of one kind")
    return found


@pytest.mark.parametrize("by", DecidedBy)
@pytest.mark.parametrize("version", [1, 2])
def test_no_two_mails_of_one_occasion_contradict_each_other(version: int, by: DecidedBy) -> None:
    seen: set[tuple[Mode, bool]] = set()
    for facts in every_family():
        mails = said(occasion(facts, version=version, by=by))
        texts, kinds = [text for _, _, text in mails], [kind for kind, _, _ in mails]
        assert contradictions(texts, kinds) == [], (facts, texts)
        asks = MessageKind.INFORMATION_REQUEST in kinds
        assert asks is ("family agree" in "\n".join(texts))
        seen.add((decided(facts).mode, asks))
    assert seen == {
        (Mode.AUTO_ROUTE, False),
        (Mode.HUMAN_REVIEW, False),
        (Mode.HUMAN_REVIEW, True),
        (Mode.PROPOSE_DECLINE, False),
    }


def test_a_danger_in_the_decision_is_a_danger_in_the_receipt() -> None:
    """Both say whom to ring or neither: one from the ticks, one from the rules that fired."""
    for facts in every_family():
        [receipt, decision, *_] = [content for _, content, _ in said(occasion(facts, version=1, by=DecidedBy.MACHINE))]
        assert receipt.must_ring is decision.must_ring, facts


@pytest.mark.parametrize("kind", [Kind.CONSULTATION, Kind.TRAINING])
@pytest.mark.parametrize("safety", [[], *([tick] for tick in Safety)])
def test_nor_do_those_of_an_enquiry(kind: Kind, safety: list[Safety]) -> None:
    for words_matter in (True, False):
        facts = an_enquiry(kind, safety=safety, safety_words=words_matter)
        mails = said(occasion(facts, version=1, by=DecidedBy.MACHINE))
        texts = [text for _, _, text in mails]
        assert contradictions(texts, [name for name, _, _ in mails]) == []
        assert "the family" not in "\n".join(texts)


@pytest.mark.parametrize("danger", DANGERS)
def test_nor_do_a_word_of_another_referral_and_a_withdrawal(danger: dict[str, Any]) -> None:
    """They come beside a receipt that may say to ring, and end no work on a danger that nobody has read of."""
    linked = LinkedReferral(
        id=OTHER, reference=OTHER_REFERENCE, agency_id=OTHER_AGENCY, link=Link.DUPLICATE, is_told=True
    )
    arrival = received(a_family(**danger))
    arrival = an_envelope(arrival.data.model_copy(update={"linked": (linked,)}))
    gone = an_envelope(ReferralWithdrawn(**ABOUT, reason=WithdrawalReason.OTHER))
    for messages in (composing.on_arrival(arrival, a_policy()), composing.on_withdrawal(gone, a_policy())):
        receipt = said(composing.on_arrival(received(a_family(**danger)), a_policy()))
        texts = [text for _, _, text in [*receipt, *said(messages)]]
        assert not (NOTHING.search("\n".join(texts)) and ASKS.search("\n".join(texts)))
        assert "no more work" not in "\n".join(texts)
