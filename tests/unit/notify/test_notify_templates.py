"""What messages say: plain words, nothing personal, nothing clinical, and after a loss nothing that hurts."""

import re
from datetime import date, timedelta

import pytest

from services.notify.content import Content, Next, Outcome
from services.notify.phrases import CLOSED, DECLINED
from services.notify.templates import Council, sign_in_code, words
from shared.events import ClosureReason, DeclineReason, Kind, MessageKind, Route
from shared.service_map import ServiceMap, of_authority
from tests.builders import NOTTINGHAM, POLICIES, SHERWOOD, TODAY, a_policy
from tests.reading import grade

REFERENCE = "PIR-4K7-29M"
BY = date(2026, 6, 22)

EVERY_MESSAGE: dict[str, tuple[MessageKind, Content]] = {
    "receipt": (MessageKind.RECEIPT, Content(by=BY)),
    "receipt with danger": (MessageKind.RECEIPT, Content(by=BY, must_ring=True)),
    "receipt after a loss": (MessageKind.RECEIPT, Content(by=BY, is_loss=True)),
    "receipt after a loss with danger": (MessageKind.RECEIPT, Content(by=BY, is_loss=True, must_ring=True)),
    "receipt of an amendment": (MessageKind.RECEIPT, Content(version=2)),
    "receipt of a consultation": (MessageKind.RECEIPT, Content(about=Kind.CONSULTATION, by=BY)),
    "receipt of training": (MessageKind.RECEIPT, Content(about=Kind.TRAINING, by=BY)),
    "routed": (MessageKind.DECISION, Content(next=Next.ROUTED, routes=(Route.TARGETED, Route.PNMH))),
    "waiting list": (
        MessageKind.DECISION,
        Content(next=Next.ROUTED, routes=(Route.PIR_SHORT,), is_waiting_list=True),
    ),
    "put on the waiting list by a person": (
        MessageKind.OUTCOME,
        Content(outcome=Outcome.WAITING, routes=(Route.PIR_SHORT,), is_waiting_list=True),
    ),
    "consultation": (
        MessageKind.DECISION,
        Content(about=Kind.CONSULTATION, next=Next.ROUTED, routes=(Route.CONSULTATION,)),
    ),
    "a person looks": (MessageKind.DECISION, Content(by=BY)),
    "a person looks at a danger": (MessageKind.DECISION, Content(by=BY, must_ring=True)),
    "a person looks at a danger after a loss": (MessageKind.DECISION, Content(by=BY, must_ring=True, is_loss=True)),
    "we ask first": (MessageKind.DECISION, Content(is_asked=True)),
    "a person decided to ask first": (MessageKind.OUTCOME, Content(is_asked=True)),
    "a person looks after a loss": (MessageKind.DECISION, Content(by=BY, is_loss=True)),
    "a person decided": (MessageKind.OUTCOME, Content(next=Next.ROUTED, routes=(Route.PIR_LONG, Route.REVIEW))),
    "released": (
        MessageKind.OUTCOME,
        Content(outcome=Outcome.RELEASED, next=Next.ROUTED, routes=(Route.PIR_LONG,)),
    ),
    "released to a person": (MessageKind.OUTCOME, Content(outcome=Outcome.RELEASED, by=BY)),
    "accepted": (MessageKind.OUTCOME, Content(outcome=Outcome.ACCEPTED, routes=(Route.PIR_SHORT,))),
    "accepted by a person": (
        MessageKind.OUTCOME,
        Content(outcome=Outcome.ACCEPTED, routes=(Route.BEREAVEMENT_REVIEW,)),
    ),
    **{
        f"declined: {reason}": (MessageKind.OUTCOME, Content(outcome=Outcome.DECLINED, reason=reason))
        for reason in DeclineReason
    },
    "declined after a loss": (
        MessageKind.OUTCOME,
        Content(outcome=Outcome.DECLINED, reason=DeclineReason.CONSENT_REFUSED, is_loss=True),
    ),
    "not open yet": (MessageKind.DECISION, Content(by=BY, routes=(Route.PHASE_HOLD,), ward=SHERWOOD)),
    "not open yet after a loss": (MessageKind.DECISION, Content(by=BY, routes=(Route.PHASE_HOLD,), is_loss=True)),
    "a person signposts": (
        MessageKind.OUTCOME,
        Content(next=Next.ROUTED, routes=(Route.UNIVERSAL, Route.ADVICE_TO_REFERRER)),
    ),
    "information": (MessageKind.INFORMATION_REQUEST, Content(routes=(Route.PIR_SHORT,))),
    "consent": (MessageKind.INFORMATION_REQUEST, Content(routes=(Route.INFO_REQUEST,))),
    "withdrawal": (MessageKind.WITHDRAWAL, Content()),
    "duplicate": (MessageKind.DUPLICATE, Content()),
    "challenged": (MessageKind.OUTCOME, Content(outcome=Outcome.CHALLENGED)),
    "opened again": (MessageKind.OUTCOME, Content(outcome=Outcome.REOPENED)),
    **{
        f"closed: {reason}": (MessageKind.OUTCOME, Content(outcome=Outcome.CLOSED, closed=reason))
        for reason in ClosureReason
        if reason is not ClosureReason.DIED
    },
    **{
        f"closed after a loss: {reason}": (
            MessageKind.OUTCOME,
            Content(outcome=Outcome.CLOSED, closed=reason, is_loss=True),
        )
        for reason in (ClosureReason.DIED, ClosureReason.FAMILY_ASKED)
    },
    "on call": (MessageKind.ON_CALL, Content(routes=(Route.MASH,))),
    "on call again": (MessageKind.ON_CALL, Content(routes=(Route.PNMH_EMERGENCY,), is_again=True)),
    "on call, not done": (MessageKind.ON_CALL, Content(routes=(Route.MASH,), is_opened=True)),
}


SERVICES = of_authority(NOTTINGHAM, folder=POLICIES.parent / "service_maps")
NO_SERVICES = ServiceMap(authority=NOTTINGHAM, title="None yet")


def said(name: str, *, services: ServiceMap = SERVICES, on: date = TODAY) -> tuple[str, str]:
    kind, content = EVERY_MESSAGE[name]
    return words(kind, reference=REFERENCE, content=content, council=Council(a_policy(), services, on))


every_message = pytest.mark.parametrize("name", EVERY_MESSAGE)


def test_every_kind_has_words() -> None:
    assert {kind for kind, _ in EVERY_MESSAGE.values()} == set(MessageKind)


@every_message
def test_the_subject_is_one_short_line_that_begins_with_the_reference(name: str) -> None:
    subject, _ = said(name)
    assert subject.startswith(f"{REFERENCE}: ")
    assert subject.isascii()
    assert len(subject) <= 78
    assert subject.isprintable()


@every_message
def test_the_body_names_the_reference_and_asks_for_no_personal_details(name: str) -> None:
    _, body = said(name)
    assert REFERENCE in body
    assert "names" in body.splitlines()[-1]
    assert "\n\n\n" not in body


@every_message
def test_it_is_easy_to_read(name: str) -> None:
    _, body = said(name)
    assert grade(body.replace(REFERENCE, "it").replace("POST /referrals/it/information", ""), ends=".!?:") <= 9


@every_message
def test_no_sentence_is_long(name: str) -> None:
    _, body = said(name)
    if "POST " not in body:
        assert max(len(sentence.split()) for sentence in re.split(r"[.:!?\n]", body)) <= 25


CLINICAL = (
    "abus violen psycho suicid self-harm estrang bond attachment sever bereave domestic drug substance "
    "safeguarding mash pnmh c1 c2 tier triage eligib unborn born"
)


@every_message
def test_nothing_clinical_and_no_codes(name: str) -> None:
    kind, _ = EVERY_MESSAGE[name]
    if kind is MessageKind.ON_CALL:  # for our own staff: the queue's code name
        return
    text = " ".join(said(name)).lower()
    assert not [stem for stem in CLINICAL.split() if re.search(rf"\b{stem}", text)]


@every_message
def test_no_link_to_click_on(name: str) -> None:
    assert not re.search(r"https?:|www\.|@", " ".join(said(name)))


def test_a_danger_is_spoken_of_before_anything_else() -> None:
    subject, body = said("receipt with danger")
    assert "please ring now" in subject
    assert body.startswith("A form is not the emergency route")
    assert all(ring.phone in body for ring in a_policy().ring)
    assert body.index("999") < body.index(REFERENCE)


def test_who_has_no_program_reads_where_to_sign_in() -> None:
    council = Council(a_policy(), SERVICES, TODAY, refer_at="https://refer.example.org/refer")
    for kind in (MessageKind.RECEIPT, MessageKind.INFORMATION_REQUEST):
        body = words(kind, reference=REFERENCE, content=Content(), council=council)[1]
        assert body.count("https://refer.example.org/refer") == 1
        assert grade(body.replace("https://refer.example.org/refer", "our page")) <= 9


def test_the_receipt_says_by_when_they_hear() -> None:
    assert "by Monday 22 June 2026" in said("receipt")[1]


SAID_ALSO_AFTER_A_LOSS = [
    "accepted by a person",
    "withdrawal",
    "challenged",
    "opened again",
    *(f"declined: {reason}" for reason in ("duplicate", "need_met_elsewhere", "incomplete", "not_suitable")),
]
"""What is known of these does not say whether there was a loss."""
HURTS = "baby birth born child congrat happy pleased great good support offer excit unfortunately wait pregnan thank"


@pytest.mark.parametrize("name", [name for name in EVERY_MESSAGE if "loss" in name] + SAID_ALSO_AFTER_A_LOSS)
def test_after_a_loss_the_words_are_such_as_a_person_would_send(name: str) -> None:
    text = " ".join(said(name)).lower().replace("children's social care", "")
    assert not [stem for stem in HURTS.split() if re.search(rf"\b{stem}", text)]


def test_after_a_loss_nobody_writes_to_the_family() -> None:
    assert "We do not write to the family." in said("receipt after a loss")[1]
    assert "We do not write to the family." in said("a person looks after a loss")[1]


def test_a_look_by_a_person_says_nothing_of_a_decline() -> None:
    text = " ".join(said("a person looks")).lower()
    assert not re.search(r"declin|reject|refus|not eligible|can't offer|cannot", text)


def test_a_duplicate_names_no_other_agency() -> None:
    assert "Another agency" in said("duplicate")[1]


@pytest.mark.parametrize("name", ["waiting list", "put on the waiting list by a person"])
def test_a_waiting_family_is_offered_something_meanwhile(name: str) -> None:
    body = said(name)[1]
    assert "waiting list" in body
    assert "a baby group at the nearest Family Hub" in body


def test_every_reason_to_decline_has_words_and_says_where_else_to_turn() -> None:
    assert set(DECLINED) == set(DeclineReason)
    for reason in DeclineReason:
        assert "GP" in said(f"declined: {reason}")[1]


def test_a_declined_age_names_who_helps_older_children_with_a_number() -> None:
    body = said("declined: over_age")[1]
    assert f"{a_policy().signposts[Route.SIGNPOST_AGE]}\n- Nottingham 0-19 nursing advice line, 0115 496 0111: " in body


def test_a_declined_area_names_who_helps_outside_and_refused_consent_a_line_for_the_referrer() -> None:
    assert "County family advice line, 0115 496 0140" in said("declined: out_of_area")[1]
    assert "Parent-infant advice line, 0115 496 0131" in said("declined: consent_refused")[1]


def test_while_a_ward_is_not_open_its_own_services_are_named_first() -> None:
    body = said("not open yet")[1]
    assert "not open yet where the family lives" in body
    assert body.index("Family Hub Central") < body.index("Nottingham health visiting")
    assert "Family Hub North" not in body


def test_without_a_ward_only_services_for_everybody_are_named() -> None:
    kind, content = EVERY_MESSAGE["not open yet"]
    anywhere = content.model_copy(update={"ward": None})
    council = Council(a_policy(), SERVICES, TODAY)
    body = words(kind, reference=REFERENCE, content=anywhere, council=council)[1]
    assert "Nottingham health visiting" in body
    assert "Family Hub" not in body


def test_what_a_person_signposts_is_named_beside_where_it_goes() -> None:
    body = said("a person signposts")[1]
    assert "It goes to:" in body
    assert "Parent-infant advice line" in body


@pytest.mark.parametrize("name", ["declined: over_age", "declined: out_of_area", "not open yet"])
def test_a_service_whose_entry_ran_out_is_not_named(name: str) -> None:
    """The policy's words stay, so that nobody is left without any."""
    last = max(service.expires_on for service in SERVICES.services)
    assert said(name, on=last + timedelta(days=1)) == said(name, services=NO_SERVICES)
    assert said(name) != said(name, services=NO_SERVICES)


@pytest.mark.parametrize("name", [name for name in EVERY_MESSAGE if "loss" in name] + SAID_ALSO_AFTER_A_LOSS)
def test_after_a_loss_no_service_is_named(name: str) -> None:
    assert said(name) == said(name, services=NO_SERVICES)


def test_a_service_is_named_even_when_the_policy_has_no_words() -> None:
    policy = a_policy().model_copy(update={"signposts": {}})
    kind, content = EVERY_MESSAGE["declined: over_age"]
    body = words(kind, reference=REFERENCE, content=content, council=Council(policy, SERVICES, TODAY))[1]
    assert "Others can help the family.\n- Nottingham 0-19" in body


def test_the_on_call_contact_learns_which_queue() -> None:
    subject, body = said("on call again")
    assert "URGENT" in subject
    assert "pnmh_emergency" in body
    assert "60 minutes" in body


@pytest.mark.parametrize("name", ["on call", "on call again", "on call, not done"])
def test_a_call_never_says_that_somebody_else_was_told(name: str) -> None:
    subject, body = said(name)
    assert "URGENT" in subject
    assert "rung nobody" in body
    assert not re.search(r"999|social care|police|ambulance", body)


def test_what_was_opened_but_not_done_is_called_that() -> None:
    subject, body = said("on call, not done")
    assert "not done" in subject
    assert "Ring whoever has it" in body


def test_every_end_has_words_but_a_death() -> None:
    assert set(CLOSED) == set(ClosureReason) - {ClosureReason.DIED}
    assert said("closed after a loss: died") == said("closed after a loss: family_asked")


def test_who_looks_at_a_challenge_is_not_who_decided() -> None:
    assert "Another lead than the one who decided" in said("challenged")[1]


def test_a_sign_in_code_is_easy_to_read_and_says_what_to_do_with_it() -> None:
    subject, body = sign_in_code("K7MP-29QX", 15)
    assert subject.isascii()
    assert "K7MP" not in subject  # subjects are shown on locked screens, and servers write them into logs
    assert body.splitlines()[2].split() == ["K7MP-29QX"]
    assert "Type it into the page that asked for it. It works once, and for 15 minutes." in body
    assert "Nobody from our service ever asks you for this code" in body
    assert "If you did not ask for a code, do nothing" in body
    assert grade(body.replace("K7MP-29QX", "it")) <= 9
    assert max(len(sentence.split()) for sentence in re.split(r"[.:!?\n]", body)) <= 25


def test_a_sign_in_code_names_nobody_and_leads_nowhere() -> None:
    """What checks the links of mails opens them, and would use a link up."""
    text = " ".join(sign_in_code("K7MP-29QX", 15)).lower()
    assert not re.search(r"http|www|/|@|pir-", text)
    assert not [stem for stem in CLINICAL.split() if re.search(rf"\b{stem}", text)]
