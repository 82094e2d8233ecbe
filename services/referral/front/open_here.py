"""What the form says once a home was typed: whether we are open there, from which day, or that we will ask.

The words stand on the page that comes next. Its address says only that they do: never where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from services.referral.document.errors import Invalid
from services.referral.document.model import Home
from services.referral.document.read import read
from services.referral.postcodes.lookup import Places
from shared.events import Place, PlaceQuality
from shared.policy import Policy

if TYPE_CHECKING:
    from services.referral.front.visits import MemberVisit

HOME_PAGE: Final = "home"
"""The slug of the page about the home."""
AFTER_HOME: Final = "home"
"""The query in the address of the page that comes after it."""
_WITHOUT_WARD: Final[Mapping[PlaceQuality, str]] = {
    PlaceQuality.WITHHELD: "The address stays secret. A person finds out with you which team can help.",
    PlaceQuality.NO_FIXED_ABODE: "They can get help without a fixed home. A person will ask where they stay.",
    PlaceQuality.UNKNOWN: "We can't tell from this where they live. You can go on: a person will ask.",
    PlaceQuality.MISSING: "You told us no address. You can go on: a person will ask where they live.",
}


def words_of(home: Home | None, *, places: Places, policy: Policy, today: date) -> str:
    """What becomes of a family with this home, as the rules E8 to E12 will decide; `today` is the day in London."""
    place: Place = places.find(home).place
    if place.quality in _WITHOUT_WARD:
        return _WITHOUT_WARD[place.quality]
    if place.authority not in (None, policy.authority):
        return f"This is outside {policy.authority_name}. You can go on: we will say who can help there."
    ward = policy.ward_by_code.get(place.ward) if place.ward else None
    if ward is None:
        return _WITHOUT_WARD[PlaceQuality.UNKNOWN]
    if ward.opens_on is None:
        return f"We are not open in {ward.name} yet, and have no date. You can go on: we keep it and talk with you."
    if ward.opens_on > today:
        day = f"{ward.opens_on.day} {ward.opens_on:%B %Y}"
        return f"In {ward.name} this opens on {day}. You can go on: we keep it until then, and talk with you now."
    return f"We are open here, in {ward.name}."


def home_of(document: Mapping[str, Any], *, now: datetime) -> Home | None:
    """The home as the document's model reads it; raises Invalid when it can't."""
    said = document.get("home")
    return None if said is None else read(Home, said, now=now)


def said_of_home(visit: MemberVisit, document: Mapping[str, Any], *, always: bool = False) -> dict[str, str]:
    """For a template: the words, on the page that comes after the home's; `always` once a home is known."""
    if not (AFTER_HOME in visit.request.query_params or (always and document.get("home"))):
        return {}
    try:
        home = home_of(document, now=visit.now)
    except Invalid:
        return {}
    preparing = visit.context.preparing
    return {"of_home": words_of(home, places=preparing.places, policy=preparing.policy, today=visit.today)}


def after_home(address: str) -> str:
    """The address of what comes next, with the sign that the words stand there."""
    return f"{address}{'&' if '?' in address else '?'}{AFTER_HOME}"
