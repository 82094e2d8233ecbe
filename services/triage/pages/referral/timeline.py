"""The audit trail as sentences: who, what, when; and what staff wrote, in its place between them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from services.triage.identity_access import SEARCHED
from services.triage.pages.labels import LOOKED
from services.triage.staff_notes import ASKED, StaffNote
from services.triage.trail import READ
from services.triage.work_items.item import QUESTIONS_VIEWED, VIEWED, AuditLine
from shared.events import Mode
from shared.pages.times import clock, long_day
from shared.pages.wording import CHANNELS, CLOSURES, CONTACTS, DECLINES, ESCALATIONS, route_name, word_for
from shared.working_time import day_in_london

DID: Final = {
    "item.claim": "took this on: {route}",
    "item.release": "put this back in the queue: {route}",
    "item.assign": "gave this to {colleague}",
    "item.accept": "accepted the family: {route}",
    "item.decline": "declined the referral: {decline}",
    "item.override": "decided differently",
    "item.request-information": "asked the referrer for information",
    "item.take-over": "took this over from {colleague}",
    "item.hand-back": "gave this back to {colleague}",
    "item.take-proposal": "took up what the rules propose now",
    "item.leave-proposal": "left the decision as it was",
    "item.reopen": "opened this again: {route}",
    "item.contact-attempt": "tried to make contact: {contact}",
    "item.first-contact": "recorded the first contact: {first}",
    "item.note": "wrote a note",
    "item.confirm-duplicate": "found that two agencies referred the same family",
    "item.not-duplicate": "found that it is not the same family as in the other referral",
    "item.close": "closed this work: {closure}",
    "item.wait": "put the family on the waiting list",
    "item.offer-interim": "recorded an offer while the family waits",
    "item.arrange": "arranged a date: {moment}",
    "item.deliver": "recorded how many people came: {code}",
    "item.escalated": "brought this to attention: {escalation}",
    "referral.decided": "{mode}",
    "referral.proposed": "propose something else, as the facts have changed",
    "referral.challenged": "asked to look at the decline again",
    "referral.informed": "sent the information",
    "referral.withdrawn": "withdrew the referral",
    "member.sessions-ended": "ended the sessions of somebody of an agency: {code}",
    "referral.restricted": "restricted what may be done with the record",
    "referral.unrestricted": "ended the restriction of the record",
    "referral.rectified": "corrected the record: {code}",
    "hold.set": "set a hold, so that the record is kept: {code}",
    "hold.ended": "ended a hold: {code}",
    "referral.erased": "erased what was held about the family",
    VIEWED: "looked at who the family is: {look}",
    SEARCHED: "searched for a family: {code}",
    QUESTIONS_VIEWED: "read what the referrer was asked",
    "identity.compared": "found, by a check of the audit page, a look at a family of one's own name: {code}",
    READ: "read the audit trail: {code}",
    "capacity.set": "changed the places of a team: {code}",
    "team.routes-set": "changed what a colleague takes: {code}",
    "team.away-set": "said until when a colleague is away: {code}",
    "policy.drafted": "sent in a draft of the policy: {code}",
    "policy.compared": "compared a draft of the policy: {code}",
    "policy.discarded": "discarded a draft of the policy: {code}",
    "referral.received": "sent a referral: {code}",
    "call.begun": "took a call: {code}",
    "referral.taken-by-telephone": "sent what was told on the telephone: {code}",
    "referral.amended": "changed a referral: {code}",
    "enquiry.received": "asked for a consultation or training: {code}",
    "message.sent": "sent a message: {code}",
    "message.delivered": "heard that a message arrived: {code}",
    "message.undeliverable": "could not deliver a message: {code}",
    "message.released": "let a held message to the family go: {code}",
    "message.kept-back": "kept a held message to the family back: {code}",
    "contact.given": "was told where a message to the family goes: {code}",
    "contact.refused": "was told that a message to the family may not go: {code}",
    "contact.stopped": "asked for no more messages",
    "contact.replied": "answered a text message",
    "parked.replayed": "tried a parked message again: {code}",
    "parked.discarded": "gave a parked message up: {code}",
    "command.given": "gave a command on the machine: {code}",
    "report.read": "read a report: {code}",
    "codes.exported": "took the coded lines of a month: {code}",
    "parked.disposed": "deleted parked messages that were resolved long ago: {code}",
    "retention.disposed": "erased a family whose records were kept long enough: {code}",
    "agency.added": "added an agency: {code}",
    "agency.key-added": "gave an agency a key: {code}",
    "agency.keys-revoked": "took an agency's keys back: {code}",
    "places.loaded": "loaded postcodes: {code}",
    "places.unloaded": "removed postcodes: {code}",
}
"""Action → words, with the name of what `detail` stands for. Those from SEARCHED on are on the audit page only."""

TEXT_OF: Final = {
    "item.note": "note",
    "item.override": "override",
    "item.request-information": ASKED,
    "item.decline": "decline",
    "item.confirm-duplicate": "duplicate",
    "item.not-duplicate": "duplicate",
    "item.close": "close",
    "item.reopen": "reopen",
}
"""Action → kind of the text that was written with it."""

_DECIDED: Final[dict[str, str]] = {
    Mode.AUTO_ROUTE: "decided where the family should go",
    Mode.HUMAN_REVIEW: "brought this to a person, who decides",
    Mode.PROPOSE_DECLINE: "proposed to decline; a person confirms it or not",
}
_SYSTEM: Final = {"rules": "The rules", "clock": "The clock"}
_PERSONS_DECISION: Final = "referral.decided"
_TRIED: Final = "item.contact-attempt"


class Moment(NamedTuple):
    """One entry of the history; `text` is what they wrote, for those who may read it."""

    at: datetime
    who: str
    what: str
    text: str | None = None


def timeline(lines: Sequence[AuditLine], names: Mapping[str, str], texts: Sequence[StaffNote] = ()) -> list[Moment]:
    """Oldest first. A person's decision is told once, by the step that made it."""
    left = list(texts)
    shown = [line for line in lines if not (line.action == _PERSONS_DECISION and line.actor_kind == "staff")]
    return [
        Moment(
            line.at,
            who(line.actor_kind, line.actor, names),
            what(line.action, line.detail, names),
            _text_of(line, left),
        )
        for line in shown
    ]


def _text_of(line: AuditLine, left: list[StaffNote]) -> str | None:
    """What was written in this step, taken out of those left."""
    for text in left:
        if text.kind == TEXT_OF.get(line.action) and (text.author, text.at) == (line.actor, line.at):
            left.remove(text)
            return text.text
    return None


def who(kind: str, actor: str, names: Mapping[str, str]) -> str:
    """A colleague's name when known, else their staff id; parts of the system by what they are."""
    if kind == "system":
        return _SYSTEM.get(actor, actor)
    if kind == "agency":
        return "The referrer"
    return names.get(actor, actor)


def what(action: str, detail: str | None, names: Mapping[str, str]) -> str:
    """In words; an action that a newer version writes is shown as it is."""
    if action not in DID:
        return action.replace(".", ": ").replace("-", " ")
    words, _, name = DID[action].removesuffix("}").partition("{")
    if name == "colleague":
        return words + names.get(detail or "", detail or "a colleague")
    return (words + _SAID[name](detail)).removesuffix(": ") if name else words


def _contact_in_words(detail: str | None) -> str:
    """`no_answer phone 2026-06-01`: what came of it, how, and the day when it was another than that of the entry."""
    outcome, *more = (detail or "").split()
    how = [word_for(CHANNELS)(each).lower() for each in more if not each[:1].isdigit()]
    days = [f"on {long_day(each)}" for each in more if each[:1].isdigit()]
    return ", ".join((word_for(CONTACTS)(outcome), *how, *days))


def _day_of(line: AuditLine) -> date:
    """On which a contact took place: the day it names, else that of the entry."""
    named = (line.detail or "").split()[-1:]
    return date.fromisoformat(named[0]) if named and named[0][:1].isdigit() else day_in_london(line.at)


def contacts_in_words(lines: Sequence[AuditLine], *, on: date) -> str:
    """How often somebody tried to reach the family, and the last time, as seen on a day in London."""
    tries = sorted((line for line in lines if line.action == _TRIED), key=_day_of)
    if not tries:
        return "Nobody has tried yet"
    last = tries[-1]
    day, outcome = _day_of(last), word_for(CONTACTS)((last.detail or "").partition(" ")[0])
    said = {0: "today", 1: "yesterday"}.get((on - day).days, f"on {long_day(day)}")
    return f"{len(tries)} {'try' if len(tries) == 1 else 'tries'}, the last {said}: {outcome[:1].lower()}{outcome[1:]}"


_SAID: Final[dict[str, Callable[[str | None], str]]] = {
    "route": route_name,
    "decline": word_for(DECLINES),
    "contact": _contact_in_words,
    "first": lambda detail: f"on {long_day(detail)}" if (detail or "")[:1].isdigit() else route_name(detail),
    "closure": word_for(CLOSURES),
    "escalation": word_for(ESCALATIONS),
    "mode": word_for(_DECIDED),
    "look": word_for(LOOKED),
    "moment": clock,
    "code": lambda detail: LOOKED.get(detail or "", detail or ""),
}
"""How the detail of an entry is said, by the name that the words give it."""
