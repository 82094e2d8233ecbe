"""A policy in words: what each member is called and how it is set, and what differs between two. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Final, NamedTuple

from shared.pages.times import long_day
from shared.pages.wording import TIERS, route_name
from shared.policy import Policy


class Label(NamedTuple):
    """`unit` is the plural: `days`; empty for a bare count or for text."""

    words: str
    unit: str = ""


SECTIONS: Final[dict[str, str]] = {
    "": "The council and the sign-off",
    "wards": "Wards, and when each opens",
    "age": "Age",
    "need": "How much help",
    "priority": "Who is seen sooner",
    "working_time": "Working time",
    "ring": "Numbers to ring now",
    "on_call": "On call",
    "family_messages": "Messages to families",
    "capacity": "Places to start with",
    "signposts": "Where else families can turn",
    "words": "Safety words",
    "need_shares": "Expected need",
    "contract": "The contract and its reports",
    "targets": "Targets of the contract",
}
"""Part of the file → the heading it is read under, in this order."""

LABELS: Final[dict[str, Label]] = {
    "title": Label("Title"),
    "id": Label("Short name"),
    "version": Label("Version"),
    "authority_name": Label("Council"),
    "authority": Label("Code of the council (Office for National Statistics, ONS)"),
    "signed_off_by": Label("Signed off by"),
    "age.support_ends_months": Label("Support ends at the age of", "months"),
    "age.grace_days": Label("After that birthday a person still looks, and nobody is declined, for", "days"),
    "age.overdue_days": Label("A person asks gently about the birth when the due date is past by more than", "days"),
    "age.due_ahead_days": Label("A due date can be ahead by at most", "days"),
    "age.pregnancy_days": Label("A pregnancy is counted as", "days"),
    "age.late_birth_days": Label("A birth can be after the due date by at most", "days"),
    "age.early_birth_days": Label("A birth can be before the due date by at most", "days"),
    "need.long_term_domains": Label("Longer-term support, for a severe worry in at least", "areas"),
    "need.short_term_domains": Label("Short-term support, for worries in at least", "areas"),
    "need.targeted_risk_factors": Label("Targeted support, from at least", "risk factors"),
    "need.tier_steps_for_review": Label("A person looks when what was asked for is away by at least", "steps"),
    "priority.late_pregnancy_days": Label("Late in pregnancy, from", "days"),
    "priority.young_baby_months": Label("A young baby, up to", "months"),
    "priority.due_soon_days": Label("Due soon, within", "days"),
    "priority.time_short_months": Label("Little time left, from the age of", "months"),
    "priority.young_carer_years": Label("A parent is a child too, below the age of", "years"),
    "working_time.cutoff": Label("What comes later in the day counts from the next working day, after"),
    "working_time.opens": Label("A working day starts at"),
    "working_time.closes": Label("A working day ends at"),
    "working_time.seen_days": Label("A person has seen a referral within", "working days"),
    "working_time.decision_days": Label("A decision is made within", "working days"),
    "working_time.first_contact_days": Label("The first contact is made within", "working days"),
    "working_time.first_contact_priority_days": Label("The first contact, with priority, within", "working days"),
    "working_time.safeguarding_days": Label("Safeguarding work is seen to within", "working days"),
    "working_time.unopened_first_minutes": Label("Nobody opened urgent work: told on call after", "minutes"),
    "working_time.unopened_second_minutes": Label("Still not opened: told again after", "minutes"),
    "working_time.re_referral_months": Label("Back again counts as referred before, within", "months"),
    "working_time.hold_review_months": Label("A family that waits for its ward is looked at again after", "months"),
    "on_call.name": Label("Name"),
    "on_call.email": Label("E-mail"),
    "on_call.phone": Label("Phone"),
    "on_call.mobiles": Label("Texts go to"),
    "family_messages.on": Label("Families are sent messages"),
    "family_messages.signed": Label("They are signed by"),
    "family_messages.phone": Label("They say that we ring from"),
    "contract.starts_on": Label("The contract starts on"),
    "contract.payment_from_year": Label("Payment hangs on the figures from contract year"),
    "contract.published_after_days": Label("A month's report is published after its end, after", "working days"),
    "contract.seen_elsewhere": Label("Families a year whom another specialist service sees"),
}  # fmt: skip
"""Members that stand once in the file. Those of lists are named where their lines are made."""

LISTED: Final[dict[str, str]] = {
    "wards": "Ward",
    "wards.code": "ONS code of a ward",
    "wards.name": "Name of a ward",
    "wards.opens_on": "Opening day of a ward",
    "ring": "Number to ring",
    "ring.who": "Whom to ring",
    "ring.phone": "Number to ring",
    "ring.when": "When to ring",
    "capacity": "Places of a route",
    "capacity.route": "Route of places",
    "capacity.individual": "Individual places",
    "capacity.group": "Places in groups",
    "capacity.interim_offer": "Offer meanwhile",
    "signposts": "Signpost",
    "words.safety": "Safety words",
    "need_shares": "Share of families",
    "contract.targets": "Target",
    "contract.paid": "Figures that payment hangs on",
}
"""Members of lists, for the words of a mistake."""

SHARES: Final[Mapping[str, str]] = {
    **TIERS,
    "outreach_insecure": "Insecure attachment, unlikely to come by themselves",
    "outreach_disorganised": "Disorganised attachment, unlikely to come by themselves",
}
NOT_SIGNED_OFF: Final = "not signed off"
NOT_PLANNED: Final = "no date yet"


class PolicyLine(NamedTuple):
    """One member: `key` finds the same member in another version, `label` says what it is, `value` how it is set."""

    key: str
    label: str
    value: str


class PolicySection(NamedTuple):
    """`part` is the part of the file, empty for what stands at its top."""

    part: str
    title: str
    lines: tuple[PolicyLine, ...]


class Difference(NamedTuple):
    """None: the member is not there, before or after."""

    section: str
    label: str
    before: str | None
    after: str | None


def sections(policy: Policy) -> tuple[PolicySection, ...]:
    """The whole policy; a part that it does not have is left out."""
    found = (PolicySection(part, title, tuple(_numbered(_lines(policy, part)))) for part, title in SECTIONS.items())
    return tuple(section for section in found if section.lines)


def differences(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """Member by member, in the order of the headings: changed and new ones, then those that went."""
    found = []
    for part, title in SECTIONS.items():
        old = {line.key: line for line in _numbered(_lines(before, part))}
        new = {line.key: line for line in _numbered(_lines(after, part))}
        for key, line in new.items():
            if old.get(key) != line:
                found.append(Difference(title, line.label, _before(old.get(key), line), line.value))
        found += [Difference(title, line.label, line.value, None) for key, line in old.items() if key not in new]
    return tuple(found)


def _before(was: PolicyLine | None, line: PolicyLine) -> str | None:
    """How it was set; with its name too, when that was another one (a ward's)."""
    if was is None or was.label == line.label:
        return was.value if was else None
    return f"{was.label}: {was.value}"


def _day(day: date) -> str:
    """`1 September 2022`."""
    return long_day(day).partition(" ")[2]


def _lines(policy: Policy, part: str) -> Iterator[PolicyLine]:
    lists = {
        "wards": _wards(policy),
        "ring": (  # with their place: the first is the emergency number
            PolicyLine(f"ring.{ring.who}", ring.who, f"{place}. {ring.phone} – {ring.when}")
            for place, ring in enumerate(policy.ring, 1)
        ),
        "capacity": _places(policy),
        "signposts": (
            PolicyLine(f"signposts.{route}", route_name(route), words) for route, words in policy.signposts.items()
        ),
        "words": (PolicyLine(f"words.{word}", "Safety word", word) for word in policy.words.safety),
        "need_shares": _shares(policy),
        "targets": _targets(policy),
    }
    return lists[part] if part in lists else _members(policy, part)


def _members(policy: Policy, part: str) -> Iterator[PolicyLine]:
    """Those of LABELS in this part; what is not set says so."""
    held = getattr(policy, part) if part else policy
    if held is None:
        return
    for place, label in LABELS.items():
        within, _, member = place.rpartition(".")
        if within == part:
            value = getattr(held, member)
            words = _said(value, label.unit)
            yield PolicyLine(place, label.words, words or (NOT_SIGNED_OFF if member == "signed_off_by" else "not set"))


def _said(value: object, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return _day(value) if isinstance(value, date) else amount(value, unit)


def _wards(policy: Policy) -> Iterator[PolicyLine]:
    """Those that open first stand first; those without a date at the end."""
    for ward in sorted(policy.wards, key=lambda ward: (ward.opens_on is None, ward.opens_on or date.min, ward.name)):
        opens = f"from {_day(ward.opens_on)}" if ward.opens_on else NOT_PLANNED
        yield PolicyLine(f"wards.{ward.code}", f"{ward.name} ({ward.code})", opens)


def _places(policy: Policy) -> Iterator[PolicyLine]:
    for places in policy.capacity:
        counts = f"{amount(places.individual, 'individual places')}, {amount(places.group, 'places')} in groups"
        offer = f"; meanwhile {places.interim_offer}" if places.interim_offer else "; nothing is offered meanwhile"
        yield PolicyLine(f"capacity.{places.route}", route_name(places.route), counts + offer)


def _shares(policy: Policy) -> Iterator[PolicyLine]:
    for name, share in policy.need_shares.items():
        percent = f"{share * 100:.2f}".rstrip("0").rstrip(".")
        yield PolicyLine(f"need_shares.{name}", SHARES.get(name, name), f"{percent}% of children under two")


def _targets(policy: Policy) -> Iterator[PolicyLine]:
    if policy.contract is None:
        return
    for code, share in policy.contract.targets.items():
        yield PolicyLine(f"targets.{code}", code.replace("_", " ").capitalize(), f"{share * 100:g}% or more")
    for code in policy.contract.paid:
        yield PolicyLine(f"paid.{code}", code.replace("_", " ").capitalize(), "payment hangs on it")


def _numbered(lines: Iterator[PolicyLine]) -> Iterator[PolicyLine]:
    """A key that comes again gets a number, so that two numbers of one service are both seen."""
    seen: Counter[str] = Counter()
    for line in lines:
        seen[line.key] += 1
        yield line if seen[line.key] == 1 else line._replace(key=f"{line.key} {seen[line.key]}")


def label_of(place: str) -> str:
    """What a member is called; a name that no policy has is shown as it is."""
    return LABELS[place].words if place in LABELS else LISTED.get(place) or SECTIONS.get(place, place)


def amount(number: object, unit: str) -> str:
    """`28 days`, `1 working day`, `3`."""
    return f"{number} {unit[:-1] if number == 1 else unit}" if unit else str(number)
