import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.reference import ALPHABET, COUNT, new_reference, parse


def test_a_reference_has_no_look_alikes() -> None:
    assert not set("0O1I5S8B") & set(ALPHABET)
    assert len(ALPHABET) == 28


@given(st.integers(0, COUNT - 1))
def test_a_new_reference_is_read_back_however_it_is_typed(number: int) -> None:
    reference = new_reference(lambda _count: number)
    assert len(reference) == len("PIR-4K7-29M")
    for typed in (reference, reference.lower(), reference.replace("-", " "), reference.replace("-", ""), reference[4:]):
        assert parse(f" {typed} ") == reference


def test_every_number_is_another_reference() -> None:
    numbers = [0, 1, 28, 28**5, COUNT - 1]
    assert len({new_reference(lambda _count, number=number: number) for number in numbers}) == len(numbers)
    assert parse(new_reference(secrets.randbelow))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PIR",
        "PIR-4K7",
        "PIR-4K7-29M-2",
        "PIR-0K7-29M",
        "PIR-4K7-29\u00df",
        "ABC-4K7-29M",
        "../..",
        "P" * 1000,
        "pir-\u0131k7-29m",
    ],
)
def test_other_text_is_no_reference(text: str) -> None:
    assert parse(text) is None
