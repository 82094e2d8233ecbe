"""What each member of a policy is called, and what its number counts: by its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


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
    "authority": Label("ONS code of the council"),
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
    "on_call.name": Label("Name"),
    "on_call.email": Label("E-mail"),
    "on_call.phone": Label("Phone"),
    "contract.starts_on": Label("The contract starts on"),
    "contract.payment_from_year": Label("Payment hangs on the figures from contract year"),
    "contract.published_after_days": Label("A month's report is published after its end, after", "working days"),
    "contract.seen_elsewhere": Label("Families a year whom another specialist service sees"),
}  # fmt: skip
"""Members that stand once in the file. Those of lists are named in sections.py."""

LISTED: Final[dict[str, Label]] = {
    "wards": Label("Ward"),
    "wards.code": Label("ONS code of a ward"),
    "wards.name": Label("Name of a ward"),
    "wards.opens_on": Label("Opening day of a ward"),
    "ring": Label("Number to ring"),
    "ring.who": Label("Whom to ring"),
    "ring.phone": Label("Number to ring"),
    "ring.when": Label("When to ring"),
    "capacity": Label("Places of a route"),
    "capacity.route": Label("Route of places"),
    "capacity.individual": Label("Individual places"),
    "capacity.group": Label("Places in groups"),
    "capacity.interim_offer": Label("Offer meanwhile"),
    "signposts": Label("Signpost"),
    "words.safety": Label("Safety words"),
    "need_shares": Label("Share of families"),
    "contract.targets": Label("Target"),
    "contract.paid": Label("Figures that payment hangs on"),
}
"""Members of lists, for the words of a mistake."""

SHARES: Final[Mapping[str, str]] = {
    "universal": "Universal support",
    "targeted": "Targeted support",
    "specialist_short": "Specialist, short-term",
    "specialist_long": "Specialist, longer-term",
    "outreach_insecure": "Insecure attachment, unlikely to come by themselves",
    "outreach_disorganised": "Disorganised attachment, unlikely to come by themselves",
}


def label_of(place: str) -> str:
    """What a member is called; a name that no policy has is shown as it is."""
    found = LABELS.get(place) or LISTED.get(place)
    return found.words if found else SECTIONS.get(place, place)


def amount(number: object, unit: str) -> str:
    """`28 days`, `1 working day`, `3`."""
    return f"{number} {unit[:-1] if number == 1 else unit}" if unit else str(number)
