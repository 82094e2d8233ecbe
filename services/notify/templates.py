"""The words of every message, together so that they are read side by side: one small function per kind, plain text.

No names, no dates of birth, nothing clinical: a reference, codes put in plain words, days, and numbers to ring.
After a loss (C1) the words are such as a person would also send: no offers, no baby, no cheer. Who else can help is
the policy's words for the route, and the services of the map with their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.notify.content import Content, Next, Outcome
from services.notify.phrases import (
    A_PERSON,
    CLOSED,
    DECLINED,
    ELSEWHERE,
    ENQUIRIES,
    NO_PERSONAL_DETAILS,
    NOBODY_ELSE,
    OTHERS_HELP,
    SUPPORT,
    TURN_TO,
)
from shared.events import Kind, MessageKind, Route
from shared.policy import Policy
from shared.service_map import SIGNPOSTS, ServiceMap

Words = tuple[str, str]
"""Subject and body; lines end in `\\n`."""

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Council:
    """What the words take from a council's files, as on the day the mail is written: old entries are not named.

    `refer_at` is where people of an agency sign in to see and answer: one address for all, which signs nobody in.
    """

    policy: Policy
    service_map: ServiceMap
    on: date
    refer_at: str = ""


def words(kind: MessageKind, *, reference: str, content: Content, council: Council) -> Words:
    """Return subject and body of one message."""
    return _TEMPLATES[kind](reference, content, council)


def long_date(day: date) -> str:
    """`Monday 15 June 2026`, whatever the locale."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def receipt(reference: str, content: Content, council: Council) -> Words:
    """We have it; by when you hear; what happens next. Before all of that: whom to ring, when something was ticked."""
    what = _what(content)
    is_change = content.version > 1
    have = f"We have your changes to {reference}." if is_change else f"We have your {what} {reference}."
    subject = "we have your changes" if is_change else f"we have your {what}"
    if content.is_loss:
        have, subject = f"We have what you sent us under {reference}.", "we have what you sent"
    if content.must_ring:
        subject = f"please ring now. {subject[0].upper()}{subject[1:]}"
    says = [*_ring(content, council.policy), have, _hear_by(content), _what_we_do(content), _see_it(council)]
    return _mail(reference, subject, says)


def decision(reference: str, content: Content, council: Council) -> Words:
    """Which kind of support; or that a person is looking, and until when."""
    if content.next is Next.PERSON or content.is_loss or content.is_asked:
        return _mail(reference, "what happens next", _not_with_a_team(reference, content, council))
    if content.about is not Kind.FAMILY:
        told = f"We have looked at your {_what(content)} {reference}. {A_PERSON} gets in touch with you to plan it."
        return _mail(reference, "what happens next", [told])
    parts = [f"We have looked at your referral {reference}. It goes to:", _list(content.routes), _next_step(content)]
    return _mail(reference, "what happens next", [*parts, _meanwhile(content, council.policy)])


def outcome(reference: str, content: Content, council: Council) -> Words:
    """What a person decided, who took it on, or why not and where else to turn."""
    if content.outcome in _AFTERWARDS:
        subject, *parts = _AFTERWARDS[content.outcome]
        why = "" if content.is_loss or not content.closed else CLOSED[content.closed]
        return _mail(reference, subject, [parts[0].format(reference), why, *parts[1:]])
    if content.outcome is Outcome.ACCEPTED:
        who = _who(content.routes)
        return _mail(
            reference, "taken on", [f"{who} has taken on {reference}.", "They see to the next step, and tell you."]
        )
    if content.outcome is Outcome.WAITING:
        told = f"{_who(content.routes)} has put {reference} on its waiting list."
        parts = [told, _next_step(content), _meanwhile(content, council.policy)]
        return _mail(reference, "on the waiting list", parts)
    if content.outcome is Outcome.DECLINED and content.reason:
        why, where = DECLINED[content.reason], TURN_TO.get(content.reason)
        told = f"A person has looked at {reference}. We do not go on with it."
        others = _others(content, council, routes=(where,) if where else ())
        return _mail(reference, "the outcome", [told, why, *others, ELSEWHERE])
    if content.outcome is Outcome.RELEASED:
        told, subject = f"{reference} waited for our support to open where the family lives. It has opened.", "open now"
    else:
        told, subject = f"A person has looked at {reference} and decided what happens next.", "a person has decided"
    if content.next is Next.PERSON or content.is_loss or content.is_asked:
        return _mail(reference, subject, [told, *_not_with_a_team(reference, content, council)])
    goes = ["It goes to:", _list(content.routes), _next_step(content), _meanwhile(content, council.policy)]
    return _mail(reference, subject, [told, *goes, *_others(content, council, routes=content.routes)])


_AFTERWARDS: Final = {
    Outcome.CHALLENGED: (
        "we look again",
        "We have your request to look again at {}.",
        "Another lead than the one who decided looks at it. You hear from us when they have.",
    ),
    Outcome.REOPENED: (
        "opened again",
        "We have opened {} again, and a person in our team looks at it.",
        "What we told you of its end does not stand any more. If something changes, tell us.",
    ),
    Outcome.CLOSED: (
        "work on it has ended",
        "A person has looked at {} and ended this part of the work.",
        "If another team works on it, they go on.",
    ),
}
"""After the first decision: subject and parts of the body; why work has ended is put after the first."""


def information_request(reference: str, content: Content, council: Council) -> Words:
    """What to do. What exactly is asked is on the pages behind the sign-in, for it may name people."""
    ask = f"We need some more information before we can go on with {reference}."
    if Route.INFO_REQUEST in content.routes:
        ask = f"Before we go on with {reference} we need to know: does the family agree to it? Please ask them."
    where = f"Please sign in at {council.refer_at} to read what we ask and to answer it." if council.refer_at else ""
    how = (
        f"{'You can also' if where else 'Please'} send your answer from your own system under this reference "
        f"(POST /referrals/{reference}/information), or tell the person in our team who is in touch with you."
    )
    return _mail(reference, "we need some information", [ask, where, how, "We wait until we hear from you."])


def withdrawal(reference: str, _: Content, __: Council) -> Words:
    """Work on a danger that nobody has read of goes on; whether there is any is not known here."""
    stop = f"We have noted that {reference} is withdrawn. We end our work on it."
    danger = "If you told us of a danger, a person still reads of it. If somebody is in danger now, ring yourself."
    return _mail(reference, "withdrawn", [stop, danger])


def duplicate(reference: str, _: Content, __: Council) -> Words:
    """Once a person has confirmed it; which other agency it is stays with us."""
    also = f"Another agency has also sent us a referral for the family of {reference}."
    rest = "A person has looked at both, and we work with the family once, for both of you."
    return _mail(reference, "a second referral", [also, rest])


def on_call(reference: str, content: Content, council: Council) -> Words:
    """Reference and route, no link: whoever is on call signs in as always. Nothing says that others were told."""
    queue = ", ".join(content.routes)
    if content.is_opened:
        late = f"{reference} is urgent and was due before now. Somebody has opened it, but it is not done."
        todo = f"Please look now what is missing, in the work queue: {queue}. Ring whoever has it, or do it yourself."
        return _mail(reference, "URGENT, opened but not done", [late, todo, NOBODY_ELSE])
    times = council.policy.working_time
    minutes = times.unopened_second_minutes if content.is_again else times.unopened_first_minutes
    urgent = f"{reference} is due at once or within four hours, and nobody has opened it for {minutes} minutes or more."
    todo = f"Please open it in the work queue now: {queue}."
    subject = "URGENT, still not opened" if content.is_again else "URGENT, not opened"
    return _mail(reference, subject, [urgent, todo, NOBODY_ELSE])


def on_call_text(reference: str, content: Content) -> str:
    """The same in a text message of one part: what a mail's subject says, and the queue."""
    what = "opened but not done" if content.is_opened else "still not opened" if content.is_again else "not opened"
    return f"URGENT {reference}: {what}. Queue: {', '.join(content.routes)}. Please look now. You cannot reply."


def sign_in_code(code: str, minutes: int) -> Words:
    """For the pages of agencies: about nobody, so without a reference, and without a link to ask for or to open."""
    here = f"Here is the code that you asked for:\n\n    {code}"
    use = f"Type it into the page that asked for it. It works once, and for {minutes} minutes."
    never = "Nobody from our service ever asks you for this code, by phone or by mail. Do not pass it on."
    nothing = "If you did not ask for a code, do nothing: it is of no use without the page that asked for it."
    return "Your code to sign in", f"{here}\n\n{use}\n\n{never}\n\n{nothing}\n"


_TEMPLATES: Final[dict[MessageKind, Callable[[str, Content, Council], Words]]] = {
    MessageKind.RECEIPT: receipt,
    MessageKind.DECISION: decision,
    MessageKind.OUTCOME: outcome,
    MessageKind.INFORMATION_REQUEST: information_request,
    MessageKind.WITHDRAWAL: withdrawal,
    MessageKind.DUPLICATE: duplicate,
    MessageKind.ON_CALL: on_call,
}


def _mail(reference: str, subject: str, parts: Iterable[str]) -> Words:
    """One paragraph a part; empty ones are left out."""
    return f"{reference}: {subject}", "\n\n".join([*(part for part in parts if part), NO_PERSONAL_DETAILS]) + "\n"


def _what(content: Content) -> str:
    return ENQUIRIES.get(content.about, "referral")


def _ring(content: Content, policy: Policy) -> list[str]:
    """The numbers of the policy; after a loss without their `when`, which speaks of a baby in danger."""
    if not content.must_ring:
        return []
    first = "A form is not the emergency route, and nobody may read it in the next minutes. Ring now, yourself:"
    numbers = [f"- {ring.who}: {ring.phone}{'' if content.is_loss else f' ({ring.when})'}" for ring in policy.ring]
    return ["\n".join([first, *numbers])]


def _hear_by(content: Content) -> str:
    return f"You will hear from us by {long_date(content.by)} at the latest." if content.by else ""


def _what_we_do(content: Content) -> str:
    if content.is_loss:
        return "A person in our team reads it and gets in touch with you. We do not write to the family."
    if content.about is not Kind.FAMILY:
        return "What happens next: a person in our team reads it and gets in touch with you."
    return (
        "What happens next: we look at what kind of support fits, and tell you. If something changes, above all "
        "how safe the family is, tell us under this reference."
    )


def _see_it(council: Council) -> str:
    return f"To see how it goes on, sign in at {council.refer_at}." if council.refer_at else ""


def _not_with_a_team(reference: str, content: Content, council: Council) -> list[str]:
    """A person looks, until when; or it waits for what we ask, and then no day is named, because the clock waits."""
    if content.is_asked and not content.is_loss:
        ask = f"Before we go on with {reference} we need to know something from you. We ask it in a message of its own."
        return [ask, "We wait until we hear from you. If something changes, tell us."]
    until = f" and decides by {long_date(content.by)}" if content.by else ""
    parts = [f"A person in our team is looking at {reference}{until}."]
    parts += ["If you have not rung the numbers that we sent you, please ring them now."] if content.must_ring else []
    if content.is_loss:
        return [*parts, "They get in touch with you first. We do not write to the family."]
    parts += _others(content, council, routes=content.routes)
    meanwhile = "" if content.must_ring else "There is nothing to do until you hear from us. "
    return [*parts, f"{meanwhile}If something changes, tell us."]


def _others(content: Content, council: Council, *, routes: Collection[Route]) -> list[str]:
    """Who else can help: a paragraph for each route of the signposts; after a loss nothing."""
    if content.is_loss:
        return []
    return [_services(route, content, council) for route in SIGNPOSTS if route in routes]


def _services(route: Route, content: Content, council: Council) -> str:
    """The policy's words, then the services: name, number, what they offer, and how to get there."""
    said = council.policy.signposts.get(route, "")
    services = council.service_map.signposts(route, ward=content.ward, on=council.on)
    lines = [f"- {each.name}, {each.contact.phone}: {each.offers}. {each.contact.how_to_refer}." for each in services]
    return "\n".join([said or OTHERS_HELP, *lines]) if lines else said


def _next_step(content: Content) -> str:
    if content.is_waiting_list:
        return "There is a waiting list. The team gets in touch with the family as soon as there is a place."
    return "What happens next: they get in touch with the family. We tell you when they have taken it on."


def _meanwhile(content: Content, policy: Policy) -> str:
    offers = [
        place.interim_offer
        for place in policy.capacity
        if content.is_waiting_list and place.route in content.routes and place.interim_offer
    ]
    return f"Meanwhile there is {', and '.join(offers)}." if offers else ""


def _list(routes: Iterable[Route]) -> str:
    return "\n".join(f"- {who}" for who in dict.fromkeys(SUPPORT.get(route, A_PERSON) for route in routes))


def _who(routes: tuple[Route, ...]) -> str:
    return SUPPORT.get(routes[0], A_PERSON).partition(",")[0] if routes else A_PERSON
