"""What is out of the ordinary: one change to an ordinary family each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from deploy.demo.families.hand import Hand
from deploy.demo.families.names import LONG
from deploy.demo.families.needs import TARGETED, UNIVERSAL, Family, add_need

SpecialCase = Callable[[Family, Hand], None]

ELSEWHERE: Final = {
    "NG4 2JX": "E07000173",
    "NG9 2JJ": "E07000172",
    "NG2 5GG": "E07000176",
    "NG15 7AW": "E07000170",
    "B29 6BD": "E08000025",
    "B21 9AR": "E08000025",
    "B44 0TY": "E08000025",
    "LE1 1AA": "E06000016",
}
"""Postcodes around Nottingham, in Birmingham and Leicester → the authority; a test asks the intake's files."""
IN_NO_FILE: Final = "NG99 9ZZ"
WRONG_NHS_NUMBER: Final = "9990000000"
NOT_THE_PARENTS: Final = (("Marian", "Wainfleet"), ("Desmond", "Pickard"), ("Ottoline", "Brierley"))

_CONSENT_WORDS: Final = {
    "refused": "{parent} says no to a referral for now. I still worry about {baby}.",
    "not_sought": "I have not asked yet: I did not want {parent} to feel judged. How can I put it?",
    "disputed": "{parent} agrees, the other parent does not.",
}
_FLAG_WORDS: Final = {
    "self_harm_new": "{parent} told the midwife of hurting themselves since the birth. The GP has been rung.",
    "psychosis_suspected": "{parent} has not slept for days and says {baby} was exchanged for another.",
    "estrangement": "{parent} says {baby} is a stranger and feels nothing at all. It began all at once, ten days ago.",
}


def ordinary(family: Family, hand: Hand) -> None:
    """Nothing is out of the ordinary."""


def _born(family: Family, hand: Hand, least: int, most: int) -> None:
    """The first baby is born, so many days ago."""
    baby = family["babies"][0]
    baby.pop("due_on", None)
    baby.setdefault("given_name", hand.of(("Robin", "Sasha", "Charlie", "Remi")))
    baby["date_of_birth"] = hand.days_ago(least, most)
    add_need(family, hand)


def _unborn(family: Family, hand: Hand, least: int, most: int) -> None:
    """The baby is due in so many days (or was, when negative)."""
    family["babies"] = [{"family_name": family["babies"][0]["family_name"], "due_on": hand.in_days(least, most)}]
    add_need(family, hand)


def over_two(family: Family, hand: Hand) -> None:
    _born(family, hand, 780, 1100)


def just_two(family: Family, hand: Hand) -> None:
    _born(family, hand, 733, 755)


def born_early_and_over_two(family: Family, hand: Hand) -> None:
    _born(family, hand, 765, 770)
    family["babies"][0]["due_on"] = hand.days_ago(700, 705)
    family["risk_factors"] = ["prematurity", "isolation"]


def long_overdue(family: Family, hand: Hand) -> None:
    _unborn(family, hand, -30, -18)


def without_dates(family: Family, _: Hand) -> None:
    for date in ("date_of_birth", "due_on"):
        family["babies"][0].pop(date, None)


def other_ward(family: Family, hand: Hand) -> None:
    """Under a policy whose wards are all open nothing is out of the ordinary."""
    if hand.closed_wards:
        family["home"] = hand.home(hand.closed_wards)


def other_area(family: Family, hand: Hand) -> None:
    family["home"] = {"postcode": hand.of(tuple(ELSEWHERE))}


def no_fixed_abode(family: Family, _: Hand) -> None:
    family["home"] = {"no_fixed_abode": True}


def withheld_address(family: Family, hand: Hand) -> None:
    family["home"] = {"withheld": True}
    domestic_abuse(family, hand)


def unknown_postcode(family: Family, _: Hand) -> None:
    family["home"] = {"postcode": IN_NO_FILE}


def no_address(family: Family, _: Hand) -> None:
    del family["home"]


def consent(status: str) -> SpecialCase:
    def change(family: Family, _: Hand) -> None:
        family["consent"] = {"status": status}
        family["notes"] = _CONSENT_WORDS[status]

    return change


def domestic_abuse(family: Family, _: Hand) -> None:
    family["safety"] = ["domestic_abuse"]
    family["caregivers"][0]["safe_contact"] = "Only by text, weekdays 10 to 12. Never write to the house."
    family["notes"] = "{parent} has told me about control and threats at home. {baby} sleeps badly."


def significant_harm(family: Family, _: Hand) -> None:
    family["safety"] = ["significant_harm"]
    family["notes"] = "{baby} has lost weight again and the home was cold and bare today. Social care has been told."


def immediate_danger(family: Family, _: Hand) -> None:
    """With gaps: nobody had time for the form."""
    family["safety"] = ["immediate_danger"]
    family["notes"] = "Shouting heard in the house, nobody opens the door. I have rung 999 and wait outside."
    for member in ("concern", "risk_factors", "complex_history", "strengths", "consent"):
        family.pop(member, None)


def red_flag(flag: str) -> SpecialCase:
    def change(family: Family, hand: Hand) -> None:
        _born(family, hand, 8, 90)
        family["mental_health"], family["notes"] = flag, _FLAG_WORDS[flag]

    return change


def infant_died(family: Family, hand: Hand) -> None:
    _born(family, hand, 5, 60)
    family["circumstances"] = ["infant_died"]
    family["notes"] = "{baby} died last week. {parent} has asked for somebody to talk to, in their own time."


def pregnancy_ended(family: Family, hand: Hand) -> None:
    _unborn(family, hand, 60, 120)
    family["circumstances"] = ["pregnancy_ended"]
    family["notes"] = "The pregnancy ended at 22 weeks. Please ring me before anybody writes."


def care(status: str) -> SpecialCase:
    def change(family: Family, _: Hand) -> None:
        family["care_status"] = status

    return change


def before_birth(family: Family, hand: Hand) -> None:
    """Social care plans for the birth."""
    _unborn(family, hand, 20, 120)
    family["care_status"] = "prebirth"


def father_first(family: Family, _: Hand) -> None:
    """The referral is mostly about the father."""
    family["caregivers"].reverse()


def partner_first(family: Family, hand: Hand) -> None:
    father_first(family, hand)
    family["caregivers"][0]["relationship"] = "partner"


def with_grandmother(family: Family, hand: Hand) -> None:
    family["caregivers"][0] |= {"relationship": "kinship", "date_of_birth": hand.days_ago(17_000, 22_000)}
    del family["caregivers"][1:]


def new_parents(relationship: str) -> SpecialCase:
    """Foster or adoptive: they have another name than the baby."""

    def change(family: Family, hand: Hand) -> None:
        given, last = hand.of(NOT_THE_PARENTS)
        carer = {"relationship": relationship, "given_name": given, "family_name": last, "phone": hand.mobile()}
        family["caregivers"] = [carer]

    return change


def very_young_parent(family: Family, hand: Hand) -> None:
    del family["caregivers"][1:]
    family["caregivers"][0]["date_of_birth"] = hand.days_ago(15 * 366, 15 * 366 + 200)
    family["risk_factors"] = ["young_parent", "isolation"]


def born_together(count: int) -> SpecialCase:
    """Twins or triplets, or to be."""

    def change(family: Family, hand: Hand) -> None:
        first: dict[str, Any] = family["babies"][0]
        for name in ("Bronte", "Caspian")[: count - 1]:
            own = {"given_name": name, "nhs_number": hand.nhs_number()} if "given_name" in first else {}
            family["babies"].append(first | own)

    return change


def to_be_told_in(*needs: str) -> SpecialCase:
    def change(family: Family, _: Hand) -> None:
        family["caregivers"][0]["communication_needs"] = list(needs)

    return change


def safety_words(family: Family, hand: Hand) -> None:
    """Nothing is ticked; the words alone say it."""
    _born(family, hand, 20, 200)
    family["notes"] = "{parent} said on the phone: 'Some nights I am afraid I will shake {baby}.' Asked for help."


def mental_health(value: str) -> SpecialCase:
    def change(family: Family, _: Hand) -> None:
        family["mental_health"] = value
        family["notes"] += " The GP sees {parent} every week for low mood."

    return change


def circumstance(value: str) -> SpecialCase:
    def change(family: Family, _: Hand) -> None:
        family["circumstances"] = [value]

    return change


def wish_is_far_away(family: Family, hand: Hand) -> None:
    add_need(family, hand, UNIVERSAL)
    family["requested_tier"] = "specialist_long"


def facts_disagree(family: Family, hand: Hand) -> None:
    add_need(family, hand, TARGETED)
    family["complex_history"] = ["previous_removal"]


def not_seen_together(family: Family, _: Hand) -> None:
    family["concern"] = {"severity": "unknown", "parent_was_asked": False}
    family["notes"] = "I have not seen {parent} and {baby} together yet. The GP surgery asked me to pass this on."


def of_their_own_accord(family: Family, hand: Hand) -> None:
    """The parent asked; somebody filled in the form for them."""
    not_seen_together(family, hand)
    family["source"] = "B1"
    family["notes"] = "{parent} rang us: 'Is there somebody who helps when it doesn't come by itself?'"


def wrong_nhs_number(family: Family, _: Hand) -> None:
    family["babies"][0]["nhs_number"] = WRONG_NHS_NUMBER


def long_names(family: Family, _: Hand) -> None:
    given, last = LONG
    for person in (*family["babies"], *family["caregivers"]):
        person.update(given_name=given, family_name=last)
