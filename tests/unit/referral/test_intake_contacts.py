import phonenumbers
import pytest

from services.referral.document.fields import _is_acceptable, _is_common
from tests.unit.referral.test_intake_inputs import accepted, refused, with_carer, with_referrer


@pytest.mark.parametrize("email", ["ada@example.org", "o'neil+x@nhs.net", "a" * 64 + "@example.org", "A.B@EXAMPLE.ORG"])
def test_an_ordinary_address_is_accepted(email: str) -> None:
    assert accepted(with_referrer(email=email))
    assert accepted(with_carer(email=email))


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@x.com",
        "a@localhost",
        "a@x",
        "a@@x.com",
        "a b@x.com",
        " a@x.com",
        "a@x.com\n",
        "a@x.com\r\nBcc: b@x.com",
        '"a b"@x.com',
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "Ada <a@x.com>",
        "a(c)@x.com",
        "mailto:a@x.com",
        "a@x.com,b@x.com",
        "\u00e4@x.com",
        "a" * 65 + "@x.com",
        "a@" + "x" * 64 + ".com",
        "a@" + "x." * 130 + "com",
        "a..b@x.com",
        ".a@x.com",
        "a@x..com",
        "a@-x.com",
        "a@x.com\x00",
    ],
)
def test_an_address_that_cannot_be_written_to_is_refused(email: str) -> None:
    assert refused(with_referrer(email=email))[0][0] == "/referrer/email"
    assert refused(with_carer(email=email))[0][0] == "/caregivers/0/email"


PHONES = [
    "07700 900123",
    "+44 7700 900123",
    "+44 (0)7700 900123",
    "0044 7700 900123",
    "(0115) 496-0123",
    "0115.496.0123",
    "+33 1 23 45 67 89",
    "+1 212 555 0100",
    "07624 123456",
    "0800 1111",
    "03001231234",
    "+92 300 1234567",
]


@pytest.mark.parametrize("phone", PHONES)
def test_a_possible_number_is_kept_as_written(phone: str) -> None:
    assert accepted(with_carer(phone=phone)).caregivers[0].phone == phone


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "1",
        "999",
        "07930281646x1",
        "07930281646 ext 1",
        "07930281646#1",
        "0793028164",
        "+44 793028164",
        "079302816461",
        "09098790000",
        "+44 909 879 0000",
        "070 1234 5678",
        "+44 70 1234 5678",
        "+44 (0)70 1234 5678",
        "+1 900 555 0100",
        "+1 900 123 0100",
        "001 900 555 0100",
        "+33 899 123 456",
        "+979 123456789",
        "07700 900000; rm -rf /",
        "\u0660\u0667\u0667\u0660\u0660\u0669\u0660\u0660\u0660\u0660\u0660",
        "\uff10\uff17\uff17\uff10\uff10900123",
        "tel:+447700900123",
        "07700 900123\n",
        "+44+7700900123",
        "0770O 900123",
        "+999 1234567",
    ],
)
def test_a_number_that_costs_or_leads_nowhere_is_refused(phone: str) -> None:
    assert refused(with_carer(phone=phone)) in (
        [("/caregivers/0/phone", "invalid-phone")],
        [("/caregivers/0/phone", "empty")],
    )


@pytest.mark.parametrize("phone", PHONES)
def test_the_short_way_says_the_same_as_the_library(phone: str) -> None:
    assert _is_acceptable(phone)
    if _is_common(phone):
        assert phonenumbers.is_possible_number(phonenumbers.parse(phone, "GB"))
