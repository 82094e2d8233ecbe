"""The SMTP sender against a server that misbehaves on purpose."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP

from services.notify.mail import Mail
from services.notify.senders import DeliveryResult
from services.notify.senders.smtp import Smtp
from services.notify.settings import Settings
from shared.settings import Profile


class Inbox:
    """What the server took, and how it answers: `rcpt` and `data` by recipient, None for yes."""

    def __init__(self, rcpt: dict[str, str] | None = None, data: dict[str, str] | None = None) -> None:
        self.rcpt, self.data = rcpt or {}, data or {}
        self.taken: list[tuple[str, bytes]] = []

    async def handle_RCPT(  # noqa: N802  named by the library
        self, server: SMTP, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        answer = self.rcpt.get(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        recipient = envelope.rcpt_tos[0]
        answer = self.data.get(recipient)
        if answer == "drop":
            self.taken.append((recipient, envelope.original_content))
            server.transport.close()
            return "250 never heard"
        if answer is None:
            self.taken.append((recipient, envelope.original_content))
        return answer or "250 OK"


@asynccontextmanager
async def serving(inbox: Inbox) -> AsyncIterator[Callable[[list[Mail]], Any]]:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(inbox), "127.0.0.1", 0)
    try:
        sender = a_sender(server.sockets[0].getsockname()[1])
        yield lambda mails: of(sender.send(mails))
    finally:
        server.close()
        await server.wait_closed()


async def of(handed: AsyncGenerator[list[DeliveryResult], None]) -> list[DeliveryResult]:
    return [outcome async for some in handed for outcome in some]


def a_sender(port: int) -> Smtp:
    return Smtp(some_settings(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none", smtp_seconds=2))


def some_settings(**values: Any) -> Settings:
    given = {
        "profile": Profile.DEVELOPMENT,
        "internal_port": 9000,
        "scrape_token": "s",
        "audit_signing_key": "A" * 43,
        "notify_master_key": "A" * 43,
        **values,
    }
    tokens = dict.fromkeys(("PIR_TOKEN_TRIAGE_NOTIFY", "PIR_TOKEN_REFERRAL_NOTIFY", "PIR_TOKEN_NOTIFY_REFERRAL"), "t")
    return Settings(DATABASE_URL="postgresql://x", KAFKA_BOOTSTRAP_SERVERS="x", **tokens, **given)


def mails(*names: str) -> list[Mail]:
    return [
        Mail(UUID(int=number), "us@pir.localhost", f"{name}@x.org", b"Subject: hello\r\n\r\n.a dot\r\n")
        for number, name in enumerate(names)
    ]


async def test_mail_is_handed_over_as_it_was_written() -> None:
    inbox = Inbox()
    async with serving(inbox) as send:
        outcomes = await send(mails("one", "two"))
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert inbox.taken == [(f"{name}@x.org", b"Subject: hello\r\n\r\n.a dot\r\n") for name in ("one", "two")]


async def test_an_unknown_mailbox_is_undeliverable_at_once_and_holds_up_nobody() -> None:
    async with serving(Inbox(rcpt={"gone@x.org": "550 5.1.1 no such user"})) as send:
        gone, fine = await send(mails("gone", "fine"))
    assert (gone.error, gone.is_final) == ("smtp-550", True)
    assert fine.error is None


@pytest.mark.parametrize(
    "answer", ["550 5.7.1 relaying denied", "450 4.2.1 greylisted", "452 4.2.2 mailbox full", "554 not now"]
)
async def test_any_other_refusal_is_tried_again(answer: str) -> None:
    async with serving(Inbox(rcpt={"one@x.org": answer})) as send:
        refused, fine = await send(mails("one", "two"))
    assert (refused.error, refused.is_final) == (f"smtp-{answer[:3]}", False)
    assert fine.error is None


async def test_a_filter_that_refuses_the_words_is_tried_again() -> None:
    async with serving(Inbox(data={"one@x.org": "554 5.6.0 looks like spam"})) as send:
        refused, fine = await send(mails("one", "two"))
    assert (refused.error, refused.is_final) == ("smtp-554", False)
    assert fine.error is None


async def test_421_ends_the_batch_and_all_the_rest_is_tried_again() -> None:
    inbox = Inbox(data={"two@x.org": "421 4.3.2 shutting down"})
    async with serving(inbox) as send:
        outcomes = await send(mails("one", "two", "three"))
    assert [outcome.error for outcome in outcomes] == [None, "smtp-421", "smtp-421"]
    assert not any(outcome.is_final for outcome in outcomes)
    assert len(inbox.taken) == 1


async def test_an_answer_lost_after_data_is_tried_again() -> None:
    inbox = Inbox(data={"two@x.org": "drop"})
    async with serving(inbox) as send:
        outcomes = await send(mails("one", "two", "three"))
    assert [outcome.error for outcome in outcomes] == [None, "connection", "connection"]
    assert [recipient for recipient, _ in inbox.taken] == ["one@x.org", "two@x.org"]


async def test_a_server_that_is_away_fails_the_whole_batch() -> None:
    outcomes = await of(a_sender(1).send(mails("one", "two")))
    assert [outcome.error for outcome in outcomes] == ["connection", "connection"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "PIR_SMTP_HOST"),
        ({"mail_dir": "mail", "profile": "production", "mail_from": "a@x.org"}, "PIR_MAIL_DIR"),
        ({"smtp_host": "mail", "profile": "production"}, "PIR_MAIL_FROM"),
        ({"smtp_host": "mail", "mail_from": "a@x.org\r\nBcc: b@x.org"}, "PIR_MAIL_FROM"),
        ({"smtp_host": "mail", "smtp_tls": "none", "smtp_password": "x"}, "PIR_SMTP_PASSWORD"),
    ],
)
def test_settings_that_lose_mail_or_passwords_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        some_settings(**values)


def test_the_message_id_domain_is_the_senders() -> None:
    settings = some_settings(smtp_host="mail", mail_from="Referrals <team@pir.example.org>")
    assert (settings.envelope_from, settings.mail_domain) == ("team@pir.example.org", "pir.example.org")
