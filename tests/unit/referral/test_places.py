import string
from typing import Any

import pytest

from services.referral.document.model import Home
from services.referral.postcodes.lookup import HomeLocation, PostcodeFiles
from shared.events import Place, PlaceQuality

BULWELL, NOTTINGHAM = "E05012275", "E06000018"


@pytest.fixture(scope="module")
def places() -> PostcodeFiles:
    return PostcodeFiles()


def known(authority: str, ward: str | None = None) -> Place:
    return Place(ward=ward, authority=authority, quality=PlaceQuality.KNOWN)


@pytest.mark.parametrize(
    ("postcode", "place"),
    [
        ("NG6 8GB", known(NOTTINGHAM, BULWELL)),
        ("NG9 1AA", known("E07000172")),
        ("NG11 6JS", known("E07000176")),
        ("B1 1AA", known("E08000025")),
        ("EH1 1YZ", known("S12000036")),
        ("JE1 0BD", known("L99999999")),
    ],
)
def test_a_postcode_tells_the_ward_in_nottingham_and_the_authority_elsewhere(
    places: PostcodeFiles, postcode: str, place: Place
) -> None:
    assert places.find(Home(postcode=postcode)) == HomeLocation(place)


@pytest.mark.parametrize(
    ("home", "quality"),
    [
        (None, PlaceQuality.MISSING),
        ({}, PlaceQuality.MISSING),
        ({"no_fixed_abode": False, "withheld": False}, PlaceQuality.MISSING),
        ({"no_fixed_abode": True}, PlaceQuality.NO_FIXED_ABODE),
        ({"postcode": "ZZ99 3VZ"}, PlaceQuality.NO_FIXED_ABODE),
        ({"postcode": "ZZ99 3WZ"}, PlaceQuality.UNKNOWN),
        ({"postcode": "ZZ99 9ZZ"}, PlaceQuality.UNKNOWN),
        ({"withheld": True}, PlaceQuality.WITHHELD),
        ({"address_lines": ["1 Low Road"]}, PlaceQuality.UNKNOWN),
        ({"postcode": "NG1 9ZZ"}, PlaceQuality.UNKNOWN),
        ({"postcode": "QQ1 1AA"}, PlaceQuality.UNKNOWN),
        ({"postcode": "NG99 1AA"}, PlaceQuality.UNKNOWN),
        ({"postcode": "GIR 0AA"}, PlaceQuality.UNKNOWN),
    ],
)
def test_without_a_postcode_that_exists_only_the_quality_is_known(
    places: PostcodeFiles, home: dict[str, Any] | None, quality: PlaceQuality
) -> None:
    found = places.find(None if home is None else Home.model_validate(home))
    assert found == HomeLocation(Place(ward=None, authority=None, quality=quality))


def test_only_the_areas_that_were_asked_for_are_read() -> None:
    places = PostcodeFiles()
    places.find(Home(postcode="NG6 8GB"))
    assert not places._areas
    places.find(Home(postcode="ZE1 0AA"))
    assert list(places._areas) == ["Z"]


def test_the_country_fits_in_memory(places: PostcodeFiles) -> None:
    places.warm(string.ascii_uppercase)
    districts = [district for area in places._areas.values() for district in area.values()]
    assert sum(len(district.indexes) for district in districts) > 2_500_000
    assert sum(len(district.inwards) + len(district.indexes) for district in districts) < 12_000_000
    for district in districts:
        first, last = district.inwards[:3].decode(), district.inwards[-3:].decode()
        assert first <= last
        assert len(district.inwards) == 3 * len(district.indexes)
