"""The hostile and awkward requests of tests/data/bad-inputs.jsonl, as far as the body decides; and fuzzing."""

import base64
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.document.errors import Invalid
from services.referral.document.model import ReferralDocument
from services.referral.document.read import Submission, read_referral
from shared.strict_json import Unreadable, parse_json

DATA = Path(__file__).parents[2] / "data"
NOW = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
CANARY = "Zq7canary"
VALUE = "Wq8value"


def shifted(moment: datetime, spec: str) -> datetime:
    for sign, digits, unit in re.findall(r"([+-]?)(\d+)([ymdh])", spec):
        count = -int(digits) if sign == "-" else int(digits)
        if unit == "y":
            moment = moment.replace(year=moment.year + count)
        else:
            moment += timedelta(**{{"m": "minutes", "d": "days", "h": "hours"}[unit]: count})
    return moment


def marks(text: str) -> str:
    """{today-150d}, {now+10m} and the like, counted from NOW."""
    text = re.sub(r"\{today([^}]*)\}", lambda found: shifted(NOW, found[1]).date().isoformat(), text)
    return re.sub(r"\{now([^}]*)\}", lambda found: shifted(NOW, found[1]).isoformat(timespec="seconds"), text)


SAMPLE = marks((DATA / "referral.json").read_text())


def a_document(**changes: Any) -> dict[str, Any]:
    """The sample; a member given as None is left out."""
    document = json.loads(SAMPLE) | changes
    return {name: value for name, value in document.items() if value is not None}


def with_baby(**changes: Any) -> dict[str, Any]:
    document = a_document()
    document["babies"][0] |= changes
    return document


def with_carer(**changes: Any) -> dict[str, Any]:
    document = a_document()
    document["caregivers"][0] |= changes
    return document


def with_referrer(**changes: Any) -> dict[str, Any]:
    document = a_document()
    document["referrer"] |= changes
    return document


def with_consent(**changes: Any) -> dict[str, Any]:
    document = a_document()
    document["consent"] |= changes
    return document


def read(value: object) -> Submission:
    return read_referral(value, now=NOW)


def accepted(value: object) -> ReferralDocument:
    return read(value).document


def refused(value: object) -> list[tuple[str, str]]:
    """(pointer, code) of each error."""
    with pytest.raises(Invalid) as caught:
        read(value)
    return [(error.pointer, error.code) for error in caught.value.errors]


def body_of(row: dict[str, Any]) -> bytes:
    if "body_base64" in row:
        return base64.b64decode(row["body_base64"])
    return marks(row["body"]).encode("utf-8", "surrogatepass")


def decided_by_the_body(row: dict[str, Any]) -> bool:
    is_plain_post = row["method"] == "POST" and row["path"] == "/referrals" and not row["headers"]
    return is_plain_post and row["expect"] != [413]


ROWS = [
    row for line in (DATA / "bad-inputs.jsonl").read_text().splitlines() if decided_by_the_body(row := json.loads(line))
]


def outcome(body: bytes) -> tuple[int, str]:
    try:
        read(parse_json(body))
    except Unreadable as error:
        return 400, f"{error.code} {error.detail}"
    except Invalid as error:
        return 422, repr(error.errors) + str(error)
    return 201, ""


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['id']} {row['why']}" for row in ROWS])
def test_an_awkward_input_fares_as_expected_and_is_not_echoed(row: dict[str, Any]) -> None:
    status, words = outcome(body_of(row))
    assert status in row["expect"], words
    assert not (row.get("value") and row["value"] in words)


def test_most_of_the_inputs_are_decided_by_the_body() -> None:
    assert len(ROWS) >= 140


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert outcome(body)[0] in {201, 400, 422}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, inner in items for place in places_in(inner, (*path, step)))]


PLACES = [place for place in places_in(json.loads(SAMPLE)) if place]


def replaced(document: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return document


@settings(max_examples=400)
@given(st.sampled_from(PLACES), JSON)
def test_any_value_anywhere_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    document = replaced(a_document(), place, value)
    assert outcome(json.dumps(document).encode())[0] in {201, 422}


@settings(max_examples=300)
@given(st.sampled_from(PLACES), st.text(max_size=8), st.text(max_size=8), st.sampled_from(["text", "list", "name"]))
def test_no_value_and_no_strange_member_name_is_echoed(
    place: tuple[Any, ...], before: str, after: str, shape: str
) -> None:
    """A plain name of a member is repeated (shared/mistakes.py): a programmer has to find it."""
    text = before + CANARY + after
    value: Any = {"text": text, "list": [text], "name": {text: VALUE}}[shape]
    _, words = outcome(json.dumps(replaced(a_document(), place, value)).encode())
    assert VALUE not in words
    is_plain_name = shape == "name" and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", text, re.ASCII)
    assert CANARY not in words or is_plain_name


@given(JSON)
def test_any_json_at_the_top_is_read_or_refused(value: Any) -> None:
    assert outcome(json.dumps(value).encode())[0] == 422


def test_a_stored_document_can_be_read_again() -> None:
    document = accepted(a_document())
    assert ReferralDocument.model_validate(document.model_dump(mode="json")) == document


def test_the_json_schema_names_what_is_required() -> None:
    schema = ReferralDocument.model_json_schema()
    assert schema["required"] == ["referrer", "babies", "caregivers", "consent", "concern"]
    assert schema["additionalProperties"] is False


def test_the_sample_is_normalised() -> None:
    document = accepted(with_baby(nhs_number="999-000 0018") | {"home": {"postcode": " ng6  8gb "}})
    assert document.babies[0].nhs_number == "9990000018"
    assert document.babies[0].date_of_birth == date(2026, 1, 16)
    assert document.home
    assert document.home.postcode == "NG6 8GB"
