"""What the chain over the audit trail holds, without a database: digests, heads and their signatures."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from shared.audit_chain.chain import COLUMNS, Seal, digest, head_before_all
from shared.audit_chain.heads import HeadsError, SignedHead, append, as_text, public_key_of, sent
from shared.crypto import read_key
from shared.tables import audit_table

AT = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
PUBLIC = public_key_of(KEY)
texts = st.text(max_size=5)
rows = st.fixed_dictionaries(
    {
        "at": st.datetimes(timezones=st.just(UTC)),
        "actor_kind": texts,
        "actor_id": texts,
        "action": texts,
        "referral_id": st.none() | st.uuids(),
        "detail": st.none() | texts,
    }
)


def a_row(**changes: Any) -> Any:
    usual = {"at": AT, "actor_kind": "staff", "actor_id": "tess", "action": "identity.viewed"}
    return SimpleNamespace(**usual | {"referral_id": UUID(int=7), "detail": "rang"} | changes)


def a_seal(**changes: Any) -> Seal:
    return replace(Seal(2, AT, (5, 9), b"d" * 64), **changes)


def test_a_digest_is_of_every_column_but_the_id() -> None:
    names = {column.name for column in audit_table(sa.MetaData()).columns}
    assert set(COLUMNS) == names - {"id"}


@pytest.mark.parametrize(
    "change",
    [
        {"at": AT + timedelta(microseconds=1)},
        {"actor_kind": "agency"},
        {"actor_id": "anna"},
        {"action": "identity.searched"},
        {"referral_id": None},
        {"detail": None},
        {"detail": ""},
        {"actor_kind": "staf", "actor_id": "ftess"},
    ],
)
def test_a_row_that_says_something_else_has_another_digest(change: dict[str, Any]) -> None:
    assert digest(a_row(**change)) != digest(a_row())


@given(rows, rows)
def test_rows_have_the_same_digest_only_when_they_say_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (digest(a_row(**one)) == digest(a_row(**other))) is (one == other)


def test_the_same_moment_in_another_zone_is_the_same() -> None:
    from_elsewhere = AT.astimezone(datetime.fromisoformat("2026-06-15T15:00:00+01:00").tzinfo)
    assert digest(a_row(at=from_elsewhere)) == digest(a_row())


@pytest.mark.parametrize(
    "change",
    [
        {"number": 3},
        {"sealed_at": AT + timedelta(microseconds=1)},
        {"ids": (5, 8)},
        {"ids": (5,)},
        {"ids": (5, 9, 11)},
        {"digests": b"d" * 63 + b"e"},
    ],
)
def test_a_head_is_of_all_that_a_seal_holds(change: dict[str, Any]) -> None:
    before = head_before_all("notify")
    assert a_seal(**change).head(before) != a_seal().head(before)


def test_a_head_is_of_the_service_and_of_the_seal_before() -> None:
    assert a_seal().head(head_before_all("notify")) != a_seal().head(head_before_all("triage"))


# The head that is sent elsewhere.


def a_head(number: int = 4, *, key: bytes = KEY, service: str = "notify") -> SignedHead:
    return SignedHead.made(key, service=service, number=number, head=b"h" * 32, at=AT)


def test_what_was_sent_is_read_again_for_its_own_service(tmp_path: Path) -> None:
    file = tmp_path / "var" / "heads.jsonl"
    for head in (a_head(4), a_head(9, service="triage", key=OTHER_KEY), a_head(6)):
        append(file, head)
    assert list(sent(file, service="notify", public=[PUBLIC])) == [(1, a_head(4)), (3, a_head(6))]


@pytest.mark.parametrize(
    "change",
    [
        {"number": 5},
        {"head": "00" * 32},
        {"at": "2026-06-15T14:00:01+00:00"},
        {"signature": "00" * 64},
        {"signature": "no signature"},
        {"signature": a_head(key=OTHER_KEY).signature},
    ],
)
def test_a_line_that_was_changed_is_refused_by_its_number(tmp_path: Path, change: dict[str, Any]) -> None:
    file = tmp_path / "heads.jsonl"
    append(file, a_head())
    append(file, replace(a_head(), **change))
    with pytest.raises(HeadsError, match="line 2: it was changed, or signed with another key"):
        list(sent(file, service="notify", public=[PUBLIC]))


@pytest.mark.parametrize("line", ["", "x", "[]", "{}", '{"service": "notify", "number": 4}'])
def test_a_line_that_is_no_head_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "heads.jsonl"
    file.write_text(f"{line}\n")
    with pytest.raises(HeadsError, match="line 1: this is no head"):
        list(sent(file, service="notify", public=[PUBLIC]))


def test_a_line_of_the_log_is_read_as_it_is_and_keys_may_have_changed(tmp_path: Path) -> None:
    file = tmp_path / "log"
    lines = [asdict(a_head()), asdict(a_head(6, key=OTHER_KEY))]
    file.write_text("".join(json.dumps(line | {"event": "audit head", "level": "info"}) + "\n" for line in lines))
    known = [PUBLIC, public_key_of(OTHER_KEY)]
    assert [head.number for _, head in sent(file, service="notify", public=known)] == [4, 6]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HeadsError, match="No such file"):
        list(sent(tmp_path / "none", service="notify", public=[PUBLIC]))


def test_the_public_key_comes_back_from_its_text() -> None:
    assert read_key(as_text(PUBLIC)) == PUBLIC
    assert PUBLIC != KEY
    assert a_head(number=int(uuid4()) % 1000).is_signed_by(PUBLIC)
