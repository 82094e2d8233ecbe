"""The words that people read for the codes that programs use: one dictionary a code list, and functions over them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final

from shared.access import Role
from shared.events import codes

Words = Mapping[str, str]
"""Code → words."""

ROUTES: Final[Words] = {
    codes.Route.UNIVERSAL: "Health visiting and the Family Hub",
    codes.Route.TARGETED: "Early Help",
    codes.Route.PIR_SHORT: "Parent-infant team, short-term work",
    codes.Route.PIR_LONG: "Parent-infant team, longer-term work",
    codes.Route.PNMH: "Perinatal mental health team",
    codes.Route.PNMH_EMERGENCY: "Perinatal mental health, emergency",
    codes.Route.ADULT_MH: "Adult mental health team",
    codes.Route.MASH: "Children's social care (multi-agency safeguarding hub, MASH)",
    codes.Route.MASH_HOME_LA: "Children's social care of the family's own council",
    codes.Route.EMERGENCY_CALL: "Ring the emergency services",
    codes.Route.SOCIAL_WORKER_LINK: "Plan together with the social worker",
    codes.Route.SAFEGUARDING_LEAD: "Safeguarding lead",
    codes.Route.CONSULTATION: "Consultation",
    codes.Route.TRAINING: "Training",
    codes.Route.PHASE_HOLD: "Waiting until the service opens there",
    codes.Route.SIGNPOST_AGE: "Other support for an older child",
    codes.Route.SIGNPOST_AREA: "Support where the family lives",
    codes.Route.ADVICE_TO_REFERRER: "Advice to the referrer",
    codes.Route.INFO_REQUEST: "Ask the referrer about consent",
    codes.Route.BEREAVEMENT_REVIEW: "Care after a loss",
    codes.Route.REVIEW: "A person decides",
    codes.Route.REVIEW_BIRTH_OUTCOME: "Ask gently how the birth went",
    codes.Route.REVIEW_LOCATION: "Find out where the family lives",
    codes.Route.REVIEW_RESPONSIBLE: "Find out which council is responsible",
    codes.Route.REVIEW_CALL_BACK: "Call the family back",
    codes.Route.REVIEW_DUPLICATE: "Compare with another referral",
}
TIERS: Final[Words] = {
    codes.Tier.UNIVERSAL: "Universal support",
    codes.Tier.TARGETED: "Targeted support",
    codes.Tier.SPECIALIST_SHORT: "Specialist, short-term",
    codes.Tier.SPECIALIST_LONG: "Specialist, longer-term",
    codes.Tier.PNMH: "Perinatal mental health",
    codes.Tier.STATUTORY: "Statutory (children's social care)",
}
URGENCIES: Final[Words] = {
    codes.Urgency.ROUTINE: "Routine",
    codes.Urgency.URGENT: "Urgent",
    codes.Urgency.WORKING_DAY: "Within 1 working day",
    codes.Urgency.FOUR_HOURS: "Within 4 hours",
    codes.Urgency.NOW: "Now",
}
URGENCY_COLOURS: Final[Words] = {
    codes.Urgency.ROUTINE: "grey",
    codes.Urgency.URGENT: "yellow",
    codes.Urgency.WORKING_DAY: "orange",
    codes.Urgency.FOUR_HOURS: "red",
    codes.Urgency.NOW: "red",
}
"""Tags of the design system; the words beside them say the same."""

STATES: Final[Words] = {
    "open": "Not taken on yet",
    "claimed": "Somebody has it",
    "waiting_list": "On the waiting list",
    "waiting_for_referrer": "Waiting for the referrer",
    "accepted": "Accepted",
    "declined": "Declined",
    "closed": "Closed",
}
STEPS: Final[Words] = {
    "claim": "Take this on",
    "release": "Put it back in the queue",
    "take-over": "Take this over from a colleague",
    "assign": "Give it to a colleague",
    "hand-back": "Give it back to whoever had it before",
    "accept": "Accept the family",
    "decline": "Decline the referral",
    "override": "Decide differently",
    "take-proposal": "Take up what the rules propose now",
    "leave-proposal": "Leave the decision as it is",
    "request-information": "Ask the referrer for information",
    "wait": "Put the family on the waiting list",
    "offer-interim": "Record an offer while the family waits",
    "contact-attempt": "Record a contact",
    "first-contact": "Record the first contact",
    "arrange": "Arrange a date",
    "deliver": "Record that it took place",
    "note": "Add a note",
    "confirm-duplicate": "It is the same family",
    "not-duplicate": "It is not the same family",
    "close": "Close this work",
    "reopen": "Open it again",
}
MARKS: Final[Words] = {
    "priority": "Priority: late in pregnancy, or a young baby",
    "twins": "More than one baby",
    "sibling_open": "A brother or sister is referred too",
    "father": "The father is the carer",
    "accessible_information": "Needs information in another language or format",
    "time_short": "Little time left before the second birthday",
    "waiting_list": "Waiting list",
    "nhs_number_invalid": "The NHS number is not right",
    "postcode_terminated": "The postcode is no longer in use",
    "re_referral": "Referred before",
    "repeat": "Sent again by the same agency",
    "duplicate": "Another agency has referred this family",
    "young_parent": "Parent under 16",
    "child_protection": "Child protection or pre-birth plan",
    "consent_overridden": "Goes on without consent, for safety",
    "contact_hold_c1": "Go gently: a loss, or there may be one",
    "contact_hold_c2": "Contact only in the safe way: domestic abuse",
    "ages_out_soon": "Second birthday soon, and still waiting",
    "undeliverable": "A message could not be delivered",
    "family_unreached": "A message to the family could not be delivered",
    "family_replied": "The family has answered a text message",
    "safety_words": "Safety words in what was written",
    "facts_changed": "The facts have changed since a person decided",
    "place_free": "A place is free for this family",
    "withdrawn": "Withdrawn by the referrer, and still to be read",
    "challenged": "The referrer asks to look at the decline again",
    "other_withdrawn": "The referral that it was the same family as is withdrawn",
}
MESSAGE_CHANNELS: Final[Words] = {
    codes.Channel.EMAIL: "Email",
    codes.Channel.SMS: "Text message",
    codes.Channel.LETTER: "Letter",
}
AUDIENCES: Final[Words] = {
    codes.Audience.AGENCY: "The team that referred",
    codes.Audience.HOUSEHOLD: "The family",
    codes.Audience.ON_CALL: "The person on call",
}
DECLINES: Final[Words] = {
    codes.DeclineReason.OVER_AGE: "The child is past the age that this support is for",
    codes.DeclineReason.OUT_OF_AREA: "The family lives outside the area",
    codes.DeclineReason.CONSENT_REFUSED: "The family does not want this at present",
    codes.DeclineReason.DUPLICATE: "There is another referral for this family",
    codes.DeclineReason.NEED_MET_ELSEWHERE: "Another service gives this help already",
    codes.DeclineReason.INCOMPLETE: "The information asked for did not come",
    codes.DeclineReason.NOT_SUITABLE: "Another kind of help fits better",
}
CLOSURES: Final[Words] = {
    codes.ClosureReason.COMPLETED: "The work is complete",
    codes.ClosureReason.MOVED_AWAY: "The family moved away",
    codes.ClosureReason.DID_NOT_ATTEND: "The family did not come",
    codes.ClosureReason.FAMILY_ASKED: "The family asked to stop",
    codes.ClosureReason.PASSED_ON: "Passed on to another service",
    codes.ClosureReason.NO_FURTHER_NEED: "No further need",
    codes.ClosureReason.AGED_OUT: "The child turned two",
    codes.ClosureReason.DIED: "A death in the family",
    codes.ClosureReason.WITHDRAWN: "The referrer withdrew the referral",
    codes.ClosureReason.DECIDED_AGAIN: "A later decision took its place",
    codes.ClosureReason.SAME_FAMILY: "The same family as in another referral",
    codes.ClosureReason.NOT_THE_SAME: "Not the same family as in the other referral",
}
WITHDRAWALS: Final[Words] = {
    codes.WithdrawalReason.FAMILY_DECLINED: "The family does not want it",
    codes.WithdrawalReason.MOVED_AWAY: "The family moved away",
    codes.WithdrawalReason.DUPLICATE: "Sent twice",
    codes.WithdrawalReason.OTHER_SUPPORT: "The family has other support",
    codes.WithdrawalReason.SENT_IN_ERROR: "Sent by mistake",
    codes.WithdrawalReason.OTHER: "Another reason",
}
CONTACTS: Final[Words] = {
    "reached": "Spoke with the family",
    "no_answer": "No answer",
    "left_message": "Left a message",
    "wrong_details": "The number or address is wrong",
}
CHANNELS: Final[Words] = {
    "phone": "By phone",
    "visit": "A visit",
    "text": "By text message",
    "email": "By email",
    "letter": "By letter",
    "video": "By video call",
}
PLACES: Final[Words] = {
    codes.PlaceKind.INDIVIDUAL: "An individual place",
    codes.PlaceKind.GROUP: "A place in a group",
}
LINKS: Final[Words] = {
    codes.Link.DUPLICATE: "The same baby, referred by another agency",
    codes.Link.SIBLING_OPEN: "A brother or sister, referred too",
    codes.Link.RE_REFERRAL: "The same baby, referred before",
    codes.Link.REPEAT: "The same baby, sent again by the same agency",
}
ESCALATIONS: Final[Words] = {
    codes.EscalationReason.UNOPENED_FIRST: "Nobody opened it in time",
    codes.EscalationReason.UNOPENED_SECOND: "Still nobody has opened it",
    codes.EscalationReason.UNOPENED_WORKING_DAY: "Nobody opened it within a working day",
    codes.EscalationReason.STILL_OPEN: "Past its time, and not done",
    codes.EscalationReason.AGES_OUT_SOON: "The second birthday is near",
    codes.EscalationReason.PLACE_FREE: "A place is free for this family",
}
HOLDS: Final[Words] = {
    codes.Hold.C1: "A baby or a pregnancy was lost, or may be. Nothing automatic goes to the household.",
    codes.Hold.C2: "Domestic abuse. Nothing automatic goes to the household.",
}
ELIGIBILITIES: Final[Words] = {
    codes.Eligibility.ELIGIBLE: "Eligible",
    codes.Eligibility.NOT_YET: "Not open yet where the family lives",
    codes.Eligibility.PROVISIONAL: "Not clear yet",
    codes.Eligibility.NOT_ELIGIBLE: "Not eligible",
}
MODES: Final[Words] = {
    codes.Mode.AUTO_ROUTE: "Sent on by the rules",
    codes.Mode.HUMAN_REVIEW: "A person decides",
    codes.Mode.PROPOSE_DECLINE: "The rules propose to decline; a person confirms it or not",
}
DECIDERS: Final[Words] = {codes.DecidedBy.MACHINE: "The rules", codes.DecidedBy.PERSON: "A person"}
WAITS: Final[Words] = {codes.WaitingFor.REFERRER: "The referrer", codes.WaitingFor.PLACE: "A place"}
MESSAGES: Final[Words] = {
    codes.MessageKind.RECEIPT: "Receipt",
    codes.MessageKind.DECISION: "Decision",
    codes.MessageKind.OUTCOME: "Outcome",
    codes.MessageKind.INFORMATION_REQUEST: "Request for information",
    codes.MessageKind.WITHDRAWAL: "Withdrawal noted",
    codes.MessageKind.DUPLICATE: "Second referral",
    codes.MessageKind.ON_CALL: "Call to the person on call",
}
ROLES: Final[Words] = {
    Role.WORKER: "triage worker",
    Role.LEAD: "triage lead",
    Role.MANAGER: "manager",
    Role.COMMISSIONER: "commissioner",
    Role.OPERATIONS: "operations",
    Role.AUDITOR: "auditor",
}
RULE_GROUPS: Final[Words] = {
    "S": "Safety",
    "C": "Contact with the household",
    "I": "How it came in",
    "E": "Age, place and consent",
    "N": "Need",
    "A": "Doubts",
    "X": "Court and young parents",
    "Q": "Quality of what was sent",
    "M": "Priority and circumstances",
}
"""By the first letter of a rule."""
BY_A_PERSON: Final = "A person's decision"
"""In place of a group, where a person decided (`person`)."""

_NHS_CODES: Final = Path(__file__).parents[2] / "deploy" / "reference" / "nhs_codes.csv"


def word_for(words: Words) -> Callable[[str | None], str]:
    """A filter over a dictionary; a code that a newer sender added is shown as it is, none as nothing."""

    def name(code: str | None) -> str:
        return words.get(code, code.replace("_", " ")) if code else ""

    return name


route_name = word_for(ROUTES)
tier_name = word_for(TIERS)
urgency_name = word_for(URGENCIES)
mark_name = word_for(MARKS)
state_name = word_for(STATES)
step_name = word_for(STEPS)
role_name = word_for(ROLES)


def rule_group(rule: str) -> str:
    """`Safety` for S1, and so on."""
    return RULE_GROUPS.get(rule[:1], rule) if rule[1:2].isdigit() else BY_A_PERSON


def source_name(code: str | None) -> str:
    """Words of the NHS Data Dictionary for a SOURCE OF REFERRAL FOR MENTAL HEALTH code."""
    return sources().get(code, code) if code else ""


@lru_cache(maxsize=1)
def sources() -> dict[str, str]:
    """All codes of it with their words, in the order of the dictionary."""
    with _NHS_CODES.open(encoding="utf-8", newline="") as lines:
        return {
            row["code"]: row["description"].rpartition(": ")[2]
            for row in csv.DictReader(lines)
            if row["attribute"] == "SOURCE_OF_REFERRAL_FOR_MENTAL_HEALTH"
        }


OF_CODES: Final[dict[type[StrEnum], Words]] = {
    codes.Channel: MESSAGE_CHANNELS,
    codes.Audience: AUDIENCES,
    codes.Route: ROUTES,
    codes.Tier: TIERS,
    codes.Urgency: URGENCIES,
    codes.DeclineReason: DECLINES,
    codes.ClosureReason: CLOSURES,
    codes.WithdrawalReason: WITHDRAWALS,
    codes.Link: LINKS,
    codes.PlaceKind: PLACES,
    codes.EscalationReason: ESCALATIONS,
    codes.Hold: HOLDS,
    codes.Eligibility: ELIGIBILITIES,
    codes.Mode: MODES,
    codes.DecidedBy: DECIDERS,
    codes.WaitingFor: WAITS,
    codes.MessageKind: MESSAGES,
    Role: ROLES,
}
"""Code list → its words (those of the facts are in facts.py); a test checks that no code lacks them."""
