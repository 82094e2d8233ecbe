"""The words of the page that a person reads who asked for their records: for what happened, who did it, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from services.referral.front.choices import COMMUNICATION_NEEDS, ETHNIC_GROUPS, SEXES, STRENGTHS
from services.referral.front.form import Choice
from shared.pages.facts import OF_FIELD, fact_name
from shared.pages.names import council_name, language_name
from shared.pages.times import clock, long_day
from shared.pages.wording import (
    CLOSURES,
    DECLINES,
    ELIGIBILITIES,
    MODES,
    PLACES,
    STEPS,
    WITHDRAWALS,
    tier_name,
    urgency_name,
    word_for,
)

THIRD_PARTY: Final = "About another person"
EXEMPT: Final = "May be exempt: ask the safeguarding lead"
DANGEROUS: Final = "Danger: who must not learn this?"

HAPPENED: Final = {
    "received": "We received the referral",
    "amended": "The referrer changed the referral",
    "corrected": "The referrer corrected a detail",
    "linked": "Another referral of the same family was linked to this one",
    "informed": "The referrer sent more information",
    "withdrawn": "The referrer withdrew the referral",
    "challenged": "The referrer asked us to look again",
    "decided": "The rules looked at the referral",
    "decided-by-person": "A person decided",
    "opened": "A team was asked",
    "reopened": "A team was asked again",
    "claimed": "Somebody began to look at it",
    "waiting": "It waited",
    "accepted": "A team accepted the family",
    "declined": "A person confirmed that there is no place with us",
    "first-contact": "The team was in touch with the family",
    "closed": "The work of a team ended",
    "escalated": "It was brought to somebody's attention",
}
DID: Final = {
    "identity.viewed": "looked at who the family is",
    "identity.searched": "searched for a family, and found this referral",
    "identity.compared": "was found to have looked at a family of their own name",
    "questions.viewed": "read what the referrer was asked",
    "member.viewed": "looked at the referral they had sent",
    "member.copied": "began a new referral from this one",
    "member.took-over": "took the referral over from a colleague",
    "referral.received": "sent the referral",
    "referral.taken-by-telephone": "wrote the referral down, as told on the telephone",
    "referral.amended": "changed the referral",
    "referral.informed": "sent more information",
    "referral.withdrawn": "withdrew the referral",
    "referral.challenged": "asked us to look again",
    "referral.decided": "decided",
    "referral.proposed": "proposed another decision, because the facts had changed",
    "enquiry.received": "asked for a consultation or training",
    "item.escalated": "brought it to somebody's attention",
    "message.sent": "sent a message",
    "message.delivered": "heard that a message arrived",
    "message.undeliverable": "could not deliver a message",
    "message.released": "let a held message to the family go",
    "message.kept-back": "kept a message to the family back",
    "contact.given": "was told where a message to the family goes",
    "contact.refused": "was told that a message to the family may not go",
    "contact.stopped": "asked for no more messages",
    "contact.replied": "answered a text message",
    "hold.set": "set a hold: the record may not be erased",
    "hold.ended": "ended a hold",
    "referral.rectified": "corrected the record",
    "referral.restricted": "restricted what may be done with the record",
    "referral.unrestricted": "ended the restriction of the record",
    "retention.disposed": "erased it, because its time was over",
    "subject-access.given": "made a copy of these records for somebody who asked",
}
WHY: Final = {
    "team_queue": "it was in their team's queue",
    "covering": "they covered for a colleague",
    "rang": "the family or the referrer rang",
    "safeguarding": "a safeguarding check",
    "quality_review": "a quality review",
    "assigned": "it was their own work",
}
WROTE: Final = {
    "note": "A note",
    "override": "Why it was decided differently",
    "asked": "What the referrer was asked",
    "decline": "Why there was no place",
    "duplicate": "About another referral of the same family",
    "close": "Why the work ended",
    "reopen": "Why it was opened again",
}
_SYSTEM: Final = {
    "rules": "The rules (a program)",
    "clock": "The clock (a program)",
    "delivery": "The mail program",
    "notify": "The program that sends messages",
    "govuk-notify": "GOV.UK Notify",
}
NAMES: Final = {
    "at": "When",
    "carer_age": "Age of the youngest parent",
    "infant": "The youngest baby",
    "restricts": "Kept, and not to be used",
    "is_restricted": "Kept, and not to be used",
    "restricted_at": "Not to be used since",
    "review_on": "To be looked at again on",
    "born_on": "Born on",
    "date_of_birth": "Born on",
    "due_on": "Due on",
    "count": "Number of babies",
    "ward": "Code of the ward",
    "authority": "Council",
    "quality": "The address",
    "source": "Kind of agency",
    "given_name": "First name",
    "nhs_number": "NHS number",
    "preferred_language": "Language",
    "safe_contact": "A safe way to make contact",
    "messages": "Messages to them",
    "is_safe": "Is it safe?",
    "told_by": "Who said so",
    "safety": "Worries about safety",
    "safety_words": "Words about danger in what was written",
    "written_in": "Language of the words",
    "deprivation_decile": "How deprived the area is, in tenths (1 is most)",
    "monitoring": "For equality figures",
    "parent_was_asked": "Was the parent asked?",
    "home": "Home",
    "heard_at": "When it was first counted",
    "is_re_referral": "Was referred before",
    "is_incomplete": "Something was missing",
    "is_priority": "Was given priority",
    "tier": "Kind of support",
    "requested_tier": "Kind of support that was asked for",
    "urgency": "How soon",
    "mode": "Who decides",
    "about": "What it is about",
    "kind": "What it is about",
    "missing": "What was missing",
    "triaged_at": "When the rules looked at it",
    "decided_at": "When it was decided",
    "person_decided_at": "When a person decided",
    "routed_at": "When a team was asked",
    "acknowledged_at": "When the referrer had an answer",
    "links": "Other referrals of the family",
    "care_status": "Social care",
    "accessible_information": "Needs another language or format",
    "full_routes": "Teams that were full",
    "place": "Where the family lives",
    "concern": "The worry",
    "domains": "Areas",
    "severity": "How strong the worry is",
    "recorded_at": "Asked on",
    "given_by": "Who was asked",
    "status": "What they said",
    "override_reason": "Why it went on without",
    "support_ends_on": "Support can be given until",
}
_DAYS: Final = frozenset({"date_of_birth", "born_on", "due_on", "expected_by", "support_ends_on", "held_on"})


def name_of(member: str) -> str:
    """`given_by` → `Given by`."""
    return NAMES.get(member, member.replace("_", " ").capitalize())


def value_of(member: str, value: Any) -> str:
    """One value in words: codes, days, times, lists and what stands in them. Nothing for what was not said."""
    if value is None or value in ([], {}, ""):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(each for part in value if (each := value_of(member, part)))
    if isinstance(value, Mapping):
        return "; ".join(f"{name_of(key)}: {said}" for key, each in value.items() if (said := value_of(key, each)))
    return _one(member, str(value))


def _of(choices: Iterable[Choice]) -> Callable[[str | None], str]:
    return word_for({each.value: each.label for each in choices})


_ETHNIC: Final = ("ethnic_category", "baby_ethnicity", "mother_ethnicity", "father_ethnicity")
_IN_WORDS: Final[Mapping[str, Callable[[str], str]]] = {
    "sex": _of(SEXES),
    "communication_needs": _of(COMMUNICATION_NEEDS),
    "strengths": _of(STRENGTHS),
    **dict.fromkeys(_ETHNIC, _of(ETHNIC_GROUPS)),
    "tier": tier_name,
    "urgency": urgency_name,
    "mode": word_for(MODES),
    "eligibility": word_for(ELIGIBILITIES),
    "place": word_for(PLACES),
    "about": word_for(OF_FIELD["kind"]),
    "withdrawal_reason": word_for(WITHDRAWALS),
    "end_reason": word_for({**CLOSURES, **DECLINES}),
    "decline_reason": word_for(DECLINES),
    "missing": lambda pointer: pointer.strip("/").replace("/", " ").replace("_", " "),
    "authority": council_name,
    "relationship": word_for(OF_FIELD["carer"]),
    "status": word_for(OF_FIELD["consent"]),
    **dict.fromkeys(("preferred_language", "written_in", "language"), language_name),
}


def _one(member: str, value: str) -> str:
    if member in _DAYS:
        return _time_or(value, long_day)
    if member.endswith(("_at", "_on")) or member == "at":
        return _time_or(value, clock)
    if member in _IN_WORDS:
        return _IN_WORDS[member](value)
    is_code = member == "source" or (member in OF_FIELD and value in OF_FIELD[member])
    return fact_name(value, member) if is_code else value


def _time_or(value: str, words: Any) -> str:
    try:
        return str(words(value))
    except ValueError:
        return value


def who(kind: str, actor: str, names: Mapping[str, str]) -> str:
    """A colleague's name where it is known; the rest by what they are."""
    if kind == "system":
        return _SYSTEM.get(actor, f"A program ({actor})")
    said = {
        "agency": "The agency that referred",
        "member": "Somebody of the agency that referred",
        "family": "A parent",
    }
    if kind == "operator":
        return f"Somebody who runs the system ({actor})"
    return said.get(kind) or names.get(actor, f"A colleague ({actor})")


def did(action: str, detail: str | None) -> str:
    """What somebody did, as an entry of the audit trail says it."""
    step = action.removeprefix("item.")
    if action in DID:
        words = DID[action]
    elif step in STEPS:
        words = f"took the step “{STEPS[step]}”"
    else:
        words = action.replace(".", ": ").replace("-", " ")
    return words + (f", because {WHY[detail]}" if detail in WHY else "")
