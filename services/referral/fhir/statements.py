"""What a bundle says of consent, of risks in flags, and in answers to our questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from services.referral.fhir import persons
from services.referral.fhir.collecting import Collected
from services.referral.fhir.envelope import BundleEntry, Envelope
from services.referral.fhir.issues import Issue
from services.referral.fhir.models import (
    ConsentResource,
    Flag,
    PersonResource,
    QuestionnaireAnswer,
    QuestionnaireItem,
    QuestionnaireResponse,
)
from services.referral.fhir.names import (
    ACT_CODE,
    ADJUSTMENT_FLAG,
    CONSENT_SCOPE,
    NEED_OF_ADJUSTMENT,
    OUR_SCOPES,
    QUESTIONNAIRE,
    SAFEGUARDING_FLAG,
)
from services.referral.fhir.questions import VALUE_OF, ItemType, LinkedQuestion, questions
from shared.events import Consent
from shared.safety_words import FLAGGED

SAFEGUARDING: Final = "Safeguarding concern"
_FALSE: Final = "entered-in-error"
_NOT_YET: Final = frozenset({"draft", "proposed"})


def read_consent(envelope: Envelope, told: Collected) -> bool:
    """Put `consent` where a family has said yes or no to this referral; True when any Consent is there.

    Yes is an active Consent with provision permit, policy rule OPTIN and a time; no is deny and OPTOUT. Implied consent
    to direct care, which every BaRS message has, says neither. One of another scope, as research, is not read.
    """
    found: dict[Consent, BundleEntry[ConsentResource]] = {}
    told.unread += [each.index for each in envelope.of(ConsentResource) if not _is_ours(each.resource)]
    consents = [each for each in _consents(envelope) if each.resource.status == "active"]
    for each in consents:
        status = {("OPTIN", "permit"): Consent.GIVEN, ("OPTOUT", "deny"): Consent.REFUSED}.get(_rule_of(each.resource))
        if status:
            found.setdefault(status, each)
    if len(found) > 1:
        words = "One Consent says yes and another no: answer /consent/status with disputed instead of both."
        told.issues += [Issue("invariant", words, each.at()) for each in found.values()]
    elif found:
        [(status, each)] = found.items()
        _put_consent(envelope, told, status, each)
    return bool(consents)


def _consents(envelope: Envelope) -> Iterator[BundleEntry[ConsentResource]]:
    return (each for each in envelope.of(ConsentResource) if _is_ours(each.resource))


def _is_ours(consent: ConsentResource) -> bool:
    """BaRS leaves the scope out, or says patient-privacy."""
    return consent.scope is None or consent.scope.code_of(CONSENT_SCOPE) in OUR_SCOPES


def _rule_of(consent: ConsentResource) -> tuple[str, str]:
    """The policy rule and the kind of provision; empty where none is said."""
    rule = consent.policy_rule.code_of(ACT_CODE) if consent.policy_rule else None
    return rule or "", (consent.provision.type if consent.provision else None) or ""


def refuse_withdrawn_yes(envelope: Envelope, told: Collected) -> None:
    """In an update a yes that is not in force any more takes nothing away by itself, so it must not pass unnoticed.

    Nothing is asked when the bundle says what holds now. In a danger it is words for a person.
    """
    if "/consent/status" in told.places:
        return
    for each in _consents(envelope):
        rule, kind = _rule_of(each.resource)
        is_withdrawn = each.resource.status != "active" or kind == "deny"
        if rule == "OPTIN" and is_withdrawn and each.resource.status not in _NOT_YET:
            words = "This yes is taken back: send a Consent with deny and OPTOUT, or answer /consent/status."
            told.issues.append(Issue("invariant", words, each.at(), "required"))
            told.say("Consent of the family may have been taken back; the message did not say what holds now.")


def _put_consent(envelope: Envelope, told: Collected, status: Consent, entry: BundleEntry[ConsentResource]) -> None:
    consent = entry.resource
    if status is Consent.GIVEN and consent.date_time is None:
        words = "Consent that was given says when, with the time and its offset."
        told.issues.append(Issue("required", words, entry.at("dateTime"), "required"))
        return
    told.put("/consent/status", status.value, entry.at())
    if consent.date_time is not None:
        told.put("/consent/recorded_at", consent.date_time, entry.at("dateTime"))
    for number, pointer in enumerate(consent.performer):
        who = envelope.find(pointer, PersonResource)
        place = persons.official(who.resource.name) if who else None
        name = persons.name_of(who.resource.name[place]) if who and place is not None else None
        if given_by := pointer.display or name:
            told.put("/consent/given_by", given_by, entry.at("performer", number))
            return


def refuse_undated_yes(told: Collected) -> None:
    """An answer alone is no consent: `given` needs a Consent that says when."""
    status = told.document.get("consent", {}).get("status")
    if status == Consent.GIVEN and told.places["/consent/status"][0] != "Consent":
        words = "Consent that was given is told by a Consent with permit, OPTIN and its time."
        told.issues.append(Issue("required", words, told.places["/consent/status"], "required"))
        del told.document["consent"]["status"]


def read_answers(envelope: Envelope, told: Collected, *, is_update: bool) -> None:
    """Put each answered member. A question without an answer takes the member away in an update."""
    answered: dict[str, tuple[str, ...]] = {}
    for entry in envelope.of(QuestionnaireResponse):
        if entry.resource.status == _FALSE:
            told.unread.append(entry.index)
            continue
        if (entry.resource.questionnaire or "").partition("|")[0] != QUESTIONNAIRE:
            told.unread.append(entry.index)
            told.issues += _of_another_questionnaire(entry)
            continue
        for place, item in _items(entry.resource.item, ("item",)):
            question, at = questions().get(item.link_id or ""), entry.at(*place)
            if question is None:
                if item.answer or not item.item:
                    told.issues.append(Issue("not-supported", "Our Questionnaire has no such question.", at))
            elif question.pointer in answered:
                told.issues.append(Issue("invariant", "This question is answered twice.", at))
            elif item.answer or is_update:
                answered[question.pointer] = at
                _put_answers(told, question, item.answer, at)


def _of_another_questionnaire(entry: BundleEntry[QuestionnaireResponse]) -> Iterator[Issue]:
    """Answers to other questions are not ours to read, unless they look like answers to ours."""
    if any(item.link_id in questions() for _, item in _items(entry.resource.item, ("item",))):
        words = f"Answers to our questions name their Questionnaire: {QUESTIONNAIRE}."
        yield Issue("required", words, entry.at("questionnaire"))


def _items(
    items: Iterable[QuestionnaireItem], way: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], QuestionnaireItem]]:
    """Every item, those within groups too, with its place."""
    for number, item in enumerate(items):
        yield (*way, number), item
        yield from _items(item.item, (*way, number, "item"))


def _put_answers(
    told: Collected, question: LinkedQuestion, answers: tuple[QuestionnaireAnswer, ...], at: tuple[str, ...]
) -> None:
    values = []
    for number, answer in enumerate(answers):
        value = _value_of(question, answer)
        if value is None:
            where = tuple(f"{each}.answer[{number}]" for each in at)
            told.issues.append(Issue("value", f"This question is answered with {_wanted(question)}.", where))
            return
        values.append(value)
    if len(values) > 1 and not question.repeats:
        told.issues.append(Issue("structure", "This question has one answer.", at))
    elif (known := _known(told, question)) is not None:  # what says the same leaves the place where it was said first
        if known != values[:1]:
            told.issues.append(Issue("invariant", "This differs from what another resource says.", at))
    else:
        value = values if question.repeats else next(iter(values), None)
        told.put(question.pointer, value or None if question.repeats else value, at, is_answer=True)


def _value_of(question: LinkedQuestion, answer: QuestionnaireAnswer) -> Any:
    """None when it is another type, or a code of another system."""
    if question.type is ItemType.CHOICE:
        coding = answer.value_coding
        return coding.code if coding and coding.system == question.system else None
    if question.type is ItemType.BOOLEAN:
        return answer.value_boolean
    return answer.value_date_time if question.type is ItemType.DATE_TIME else answer.value_string


def _wanted(question: LinkedQuestion) -> str:
    element = VALUE_OF[question.type]
    return f"{element} of the system {question.system}" if question.type is ItemType.CHOICE else element


def _known(told: Collected, question: LinkedQuestion) -> list[Any] | None:
    """What another resource has said before of this one member."""
    if question.pointer not in told.places or question.repeats:
        return None
    part: Any = told.document
    for step in question.members:
        part = part.get(step) if isinstance(part, dict) else None
    return [part]


def read_flags(envelope: Envelope, told: Collected) -> None:
    """A safeguarding flag is never made a tick: its words go to the notes, with FLAGGED, which is a safety word.

    So a person reads it within one working day (rule A1). Other flags are words, too.

    An adjustment that is one of our communication needs is put to the caregiver whom it is about, else to the first.
    """
    caregivers = told.document.get("caregivers", [])
    number_of = {told.places[f"/caregivers/{number}"]: number for number in range(len(caregivers))}
    for entry in envelope.of(Flag):
        flag = entry.resource
        if flag.status == _FALSE:
            continue
        categories = {coding.code for each in flag.category for coding in each.coding}
        words = (flag.code.words if flag.code else None) or _code_in_words(flag)
        if flag.status not in (None, "active"):
            words = f"{words} (no longer active)"
        if SAFEGUARDING_FLAG in categories:
            told.say(f"{words}, {FLAGGED}", SAFEGUARDING)
        elif not (ADJUSTMENT_FLAG in categories and _put_need(envelope, told, entry, number_of)):
            kind = next((each.words for each in flag.category if each.words), None)
            told.say(words, f"Flag, {kind}" if kind else "Flag")


def _code_in_words(flag: Flag) -> str:
    code = flag.code.code_of() if flag.code else None
    return f"code {code}" if code else "no words were given"


def _put_need(
    envelope: Envelope, told: Collected, entry: BundleEntry[Flag], number_of: Mapping[tuple[str, ...], int]
) -> bool:
    """`number_of`: where a caregiver stands in the bundle → in the document."""
    code = entry.resource.code.code_of() if entry.resource.code else None
    need = NEED_OF_ADJUSTMENT.get(code or "")
    if need is None or not number_of or entry.resource.status not in (None, "active"):
        return False
    subject = envelope.find(entry.resource.subject, PersonResource)
    whose = number_of.get(subject.at(), 0) if subject else 0
    needs = told.document["caregivers"][whose].setdefault("communication_needs", [])
    told.places.setdefault(f"/caregivers/{whose}/communication_needs", entry.at("code"))
    if need.value not in needs:
        needs.append(need.value)
    return True
