"""What the form says of a typed home: open, opens on a day, outside, or that a person will ask; as the rules decide."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final

import pytest

from services.referral.document.model import Home
from services.referral.front.open_here import after_home, home_of, words_of
from services.referral.postcodes.lookup import PostcodeFiles
from tests.builders import a_policy
from tests.front_documents import NOW
from tests.reading import grade

PLACES: Final = PostcodeFiles()
OPEN: Final = "NG6 8GB"
POLICY: Final = a_policy()
_WARD: Final = POLICY.ward_by_code[str(PLACES.find(Home(postcode=OPEN)).place.ward)]
TODAY: Final = date(2026, 6, 15)
HOMES: Final[dict[str, tuple[dict[str, Any] | None, str]]] = {
    "open": ({"postcode": OPEN}, f"We are open here, in {_WARD.name}."),
    "as people write it": ({"postcode": "ng68gb"}, f"We are open here, in {_WARD.name}."),
    "not open yet": ({"postcode": "NG3 5GA"}, "You can go on: we keep it"),
    "of another council": ({"postcode": "B1 1BB"}, f"This is outside {POLICY.authority_name}."),
    "unknown": ({"postcode": "NG99 9ZZ"}, "a person will ask"),
    "without a postcode": ({"address_lines": ["1 High Street"]}, "a person will ask"),
    "none": (None, "You told us no address. You can go on: a person will ask"),
    "no fixed home": ({"no_fixed_abode": True}, "They can get help without a fixed home."),
    "the code for it": ({"postcode": "ZZ99 3VZ"}, "They can get help without a fixed home."),
    "secret": ({"withheld": True}, "The address stays secret."),
}


def said(home: dict[str, Any] | None, today: date = TODAY) -> str:
    read = home_of({"home": home} if home else {}, now=NOW)
    return words_of(read, places=PLACES, policy=POLICY, today=today)


@pytest.mark.parametrize("name", HOMES)
def test_each_home_has_its_words(name: str) -> None:
    home, words = HOMES[name]
    assert words in said(home)


def test_before_the_day_it_says_on_which_day_it_opens() -> None:
    assert _WARD.opens_on
    before = said({"postcode": OPEN}, _WARD.opens_on - timedelta(days=1))
    assert f"opens on {_WARD.opens_on.day} {_WARD.opens_on:%B %Y}" in before
    assert said({"postcode": OPEN}, _WARD.opens_on).startswith("We are open here")


@pytest.mark.parametrize("name", HOMES)
def test_the_words_are_plain_and_hold_no_postcode(name: str) -> None:
    words = said(HOMES[name][0])
    assert grade(words) <= 6
    assert not re.search(r"\b[A-Z]{1,2}\d", words)


@pytest.mark.parametrize(
    ("address", "with_it"), [("", "?home"), ("/check", "/check?home"), ("/you?checked", "/you?checked&home")]
)
def test_the_address_says_only_that_a_home_was_asked_for(address: str, with_it: str) -> None:
    assert after_home(address) == with_it
