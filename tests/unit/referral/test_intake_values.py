from datetime import timedelta
from typing import Any

import langcodes
import pytest

from services.referral.document.codes import COMMON
from services.referral.document.errors import Invalid
from services.referral.document.read import read_referral
from tests.unit.referral.test_intake_inputs import (
    NOW,
    a_document,
    accepted,
    refused,
    with_baby,
    with_carer,
    with_consent,
)


def codes(document: dict[str, Any]) -> list[str]:
    return [code for _, code in refused(document)]


@pytest.mark.parametrize(
    "number", ["9434765919", "943 476 5919", "943-476-5919", "0000000000", "4000000080", "943 4765919"]
)
def test_ten_digits_are_an_nhs_number_whatever_its_check_digit(number: str) -> None:
    found = accepted(with_baby(nhs_number=number)).babies[0].nhs_number
    assert found == number.replace(" ", "").replace("-", "")


@pytest.mark.parametrize(
    "number",
    [
        "",
        "943476591",
        "94347659190",
        "943 476 591A",
        "+9434765919",
        "943.476.5919",
        " 9434765919",
        "9434765919\n",
        "943  476 5919",
        "94 3476 5919",
        "９434765919",
        "943–476–5919",
        9434765919,
    ],
)
def test_anything_else_is_not_an_nhs_number(number: object) -> None:
    assert refused(with_baby(nhs_number=number))[0][0] == "/babies/0/nhs_number"


@pytest.mark.parametrize(
    "postcode", ["NG6 8GB", "ng68gb", "  nG6   8Gb ", "ZZ99 3VZ", "zz993wz", "GIR 0AA", "EC1A 1BB", "M1 1AE"]
)
def test_a_well_formed_postcode_is_accepted(postcode: str) -> None:
    home = accepted(a_document(home={"postcode": postcode})).home
    assert home
    assert home.postcode == postcode.upper().replace(" ", "")[:-3] + " " + postcode.upper().replace(" ", "")[-3:]


@pytest.mark.parametrize(
    "postcode",
    [
        "",
        " ",
        "NG1 1A",
        "NG1",
        "NG1  1AA;",
        "NG1-1AA",
        "NG1 1AA" * 20,
        "NG1 OAA",
        "123456",
        "NG1 1AA\n",
        "NǦ1 1AA",
        "NGG1 1AA",
        "NG1\t1AA",
        "NG1\xa01AA",
        "ＮG1 1AA",
        "90210",
        1,
    ],
)
def test_another_shape_is_not_a_postcode(postcode: object) -> None:
    assert refused(a_document(home={"postcode": postcode}))[0][0] == "/home/postcode"


@pytest.mark.parametrize("day", ["1900-01-01", "2100-12-31", "2024-02-29"])
def test_an_odd_but_readable_date_is_accepted(day: str) -> None:
    assert accepted(with_baby(date_of_birth=day, due_on=day))


@pytest.mark.parametrize(
    "day",
    [
        "",
        "2024-02-30",
        "2023-02-29",
        "30/06/2026",
        "2026-6-3",
        "20260603",
        "2026-W23-3",
        "2026-06-03T00:00:00",
        "0001-01-01",
        " 2026-06-03",
        "2026-06-03\n",
        "2026–06–03",
        "1899-12-31",
        "2101-01-01",
        "2026-13-01",
        "2026-00-10",
        "today",
        "٢٠٢٦-٠٦-٠٣",
        1700000000,
        20260603,
        True,
        [],
        {},
        "2026-154",
        "-2026-06-03",
    ],
)
def test_another_shape_is_not_a_date(day: object) -> None:
    assert refused(with_baby(date_of_birth=day))[0][0] == "/babies/0/date_of_birth"
    assert refused(with_baby(due_on=day))[0][0] == "/babies/0/due_on"


@pytest.mark.parametrize("tag", ["en", "ur", "rmn", "en-GB", "EN-gb", "zh-Hans", "bfi", "pnb", "sgn-GB"])
def test_a_registered_language_is_accepted(tag: str) -> None:
    assert accepted(with_carer(preferred_language=tag)).caregivers[0].preferred_language


@pytest.mark.parametrize(
    "tag", ["", "xx", "english", "Urdu", "en_GB", "en-", "x-private", "root", "123", "en GB", "\u0435n", "e" * 60, 1]
)
def test_an_unregistered_language_is_refused(tag: object) -> None:
    assert refused(with_carer(preferred_language=tag))[0][0] == "/caregivers/0/preferred_language"


@pytest.mark.parametrize("tag", sorted(COMMON))
def test_every_common_language_is_registered(tag: str) -> None:
    assert langcodes.tag_is_valid(tag)


@pytest.mark.parametrize("offset", ["+00:00", "Z", "+01:00", "-11:30"])
def test_a_time_with_an_offset_is_accepted(offset: str) -> None:
    assert accepted(with_consent(recorded_at="2026-06-14T09:00:00" + offset))


@pytest.mark.parametrize(
    "time",
    [
        "",
        "2026-06-14T09:00:00",
        "2026-06-14",
        "2026-06-14 09:00:00Z",
        "2026-06-14T09:00:00 Europe/London",
        "09:00Z",
        "2026-06-14T25:00:00Z",
        "2026-06-31T09:00:00Z",
        "2026-06-14T09:00:00+99:00",
        "20260614T090000Z",
        1750000000,
        "0001-01-01T00:00:00+23:59",
        "2026-06-14T09:00:00Z\n",
        "Sun, 14 Jun 2026 09:00:00 GMT",
    ],
)
def test_a_time_without_a_clear_offset_is_refused(time: object) -> None:
    assert refused(with_consent(recorded_at=time)) == [
        ("/consent/recorded_at", "invalid-time" if isinstance(time, str) else "wrong-type")
    ]


@pytest.mark.parametrize(("seconds", "fits"), [(-3600, True), (299, True), (300, True), (301, False)])
def test_consent_may_be_five_minutes_ahead(seconds: int, *, fits: bool) -> None:
    document = with_consent(recorded_at=(NOW + timedelta(seconds=seconds)).isoformat())
    if fits:
        assert accepted(document)
    else:
        assert codes(document) == ["implausible-time"]


def test_consent_may_be_two_years_old() -> None:
    assert accepted(with_consent(recorded_at="2024-06-15T09:00:00Z"))
    assert codes(with_consent(recorded_at="2024-06-15T08:59:59Z")) == ["implausible-time"]


def test_consent_sent_earlier_had_to_be_recent_then() -> None:
    document = with_consent(recorded_at="2024-06-15T08:59:59Z")
    assert read_referral(document, now=NOW, consent_sent_at=NOW - timedelta(days=1))
    with pytest.raises(Invalid):
        read_referral(
            with_consent(recorded_at="2024-06-14T08:59:59Z"), now=NOW, consent_sent_at=NOW - timedelta(days=1)
        )


@pytest.mark.parametrize(
    ("born_on", "fits"), [("2016-06-15", True), ("2016-06-16", False), ("2026-06-16", False), ("1900-01-01", True)]
)
def test_a_caregiver_is_at_least_ten(born_on: str, *, fits: bool) -> None:
    document = with_carer(date_of_birth=born_on)
    if fits:
        assert accepted(document)
    else:
        assert refused(document) == [("/caregivers/0/date_of_birth", "implausible-date")]
