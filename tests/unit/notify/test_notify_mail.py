"""A mail as bytes: what the standard library reads out of what we wrote by hand; and files of it."""

import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.notify import mail
from services.notify.senders import DeliveryResult
from services.notify.senders.files import Files

ID = UUID(int=77)


async def of(handed: AsyncGenerator[list[DeliveryResult], None]) -> list[DeliveryResult]:
    return [outcome async for some in handed for outcome in some]


def a_mail(**changes: Any) -> bytes:
    values = {
        "sender": "Parent-infant referrals <no-reply@pir.localhost>",
        "recipient": "team@health.example.org",
        "message_id": f"<{ID}@pir.localhost>",
        "at": datetime(2026, 6, 15, 9, 5, tzinfo=UTC),
        "reference": "PIR-4K7-29M",
        "kind": "receipt",
        "subject": "PIR-4K7-29M: we have your referral",
        "body": "We have it.\n\nMore follows.\n",
    }
    return mail.write(**(values | changes))


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_the_headers_are_those_of_the_contract() -> None:
    message = parsed(a_mail())
    assert message["X-PIR-Reference"] == "PIR-4K7-29M"
    assert message["X-PIR-Kind"] == "receipt"
    assert message["Message-ID"] == f"<{ID}@pir.localhost>"
    assert message["To"] == "team@health.example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == datetime(2026, 6, 15, 9, 5, tzinfo=UTC)


def test_the_body_comes_out_as_it_went_in() -> None:
    assert parsed(a_mail()).get_content().replace("\r\n", "\n") == "We have it.\n\nMore follows.\n"


def test_words_beyond_ascii_survive() -> None:
    message = parsed(a_mail(body="Zoë’s team = here.\n", subject="PIR-4K7-29M: Zoë’s team"))
    assert message.get_content().replace("\r\n", "\n") == "Zoë’s team = here.\n"
    assert message["Subject"] == "PIR-4K7-29M: Zoë’s team"


@pytest.mark.parametrize("body", ["Plain.\n", "Zoë " * 100 + "\n"])
def test_lines_end_in_crlf_and_all_bytes_are_ascii(body: str) -> None:
    content = a_mail(body=body)
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n")


def test_a_second_copy_is_the_same_to_the_byte() -> None:
    assert a_mail() == a_mail()


@pytest.mark.parametrize("text", ["team@health.example.org", "t.o'n+x@a-b.nhs.uk", "root@localhost"])
def test_a_plain_address_is_one(text: str) -> None:
    assert mail.is_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "team", "@x.org", "a@b@c.org", "a b@x.org", "Team <a@x.org>", "a@x.org\r\nBcc: b@x.org", "a@x.org, b@x.org",
     "a@x.org\n", "té@x.org", "a@" + "x" * 260],
)  # fmt: skip
def test_nothing_else_gets_into_a_header(text: str) -> None:
    assert not mail.is_address(text)


async def test_a_file_has_the_name_of_its_message(tmp_path: Path) -> None:
    sender = Files(tmp_path / "mail")
    outcomes = await of(sender.send([mail.Mail(ID, "a@x.org", "b@x.org", b"first")]))
    assert [outcome.error for outcome in outcomes] == [None]
    assert (tmp_path / "mail" / f"{ID}.eml").read_bytes() == b"first"


async def test_a_second_try_writes_the_same_file_again(tmp_path: Path) -> None:
    sender = Files(tmp_path)
    for _ in range(2):
        await of(sender.send([mail.Mail(ID, "a@x.org", "b@x.org", b"same")]))
    assert os.listdir(tmp_path) == [f"{ID}.eml"]  # noqa: PTH208


async def test_a_folder_that_cannot_be_written_fails_the_mail_not_the_loop(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    outcomes = await of(Files(tmp_path / "file" / "mail").send([mail.Mail(ID, "a@x.org", "b@x.org", b"x")]))
    assert outcomes[0].error
    assert not outcomes[0].is_final


def test_a_line_that_is_too_long_for_mail_is_broken() -> None:
    message = parsed(a_mail(body=f"{'Ring us. ' * 200}\n"))
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    assert message.get_content().split() == ("Ring us. " * 200).split()
    assert max(len(line) for line in a_mail(body="x" * 2_000).splitlines()) <= 998
