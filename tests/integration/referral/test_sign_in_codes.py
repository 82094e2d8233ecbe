"""Codes to sign in with, mailed by the notify service on a real PostgreSQL: sent at once or refused, and never kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from services.notify import app as notify_app
from services.notify import sign_in_codes
from services.notify.settings import Settings as NotifySettings
from services.referral.front.clients import NotifyClient
from shared.internal_client import Called
from tests.integration.conftest import NOWHERE, Behind, behind
from tests.integration.support import eventually, fetch
from tests.mail_server import MailServer

EMAIL, CODE = "amara.osei@nursery.example.org", "K7MP-29QX"
ASKED = {"email": EMAIL, "code": CODE, "minutes": 15}

Notify = Callable[..., AbstractAsyncContextManager[Behind]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def notify(settings: dict[str, Any]) -> Notify:
    """The notify service with these settings for its mail."""

    def made(**mail: Any) -> AbstractAsyncContextManager[Behind]:
        return behind(notify_app.build, NotifySettings(**settings, **mail))

    return made


def by_smtp(port: int) -> dict[str, Any]:
    return {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none"}


async def ask(service: Behind, body: Any = None, **changes: Any) -> httpx.Response:
    token = service.credentials["secrets"]["PIR_TOKEN_REFERRAL_NOTIFY"]
    asked = {**ASKED, **changes} if body is None else body
    return await service.once.post("/internal/sign-in-codes", json=asked, headers={"Authorization": f"Bearer {token}"})


def mails_in(folder: Path) -> list[EmailMessage]:
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in sorted(folder.glob("*.eml"))]


def counted(state: str) -> float:
    return REGISTRY.get_sample_value("pir_sign_in_codes_total", {"state": state}) or 0


async def rows_with(service: Behind, words: str) -> list[str]:
    """Tables of all schemas with a row that holds the words anywhere."""
    tables = await fetch(
        service.admin,
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'",
    )
    found = []
    for table in tables:
        [row] = await fetch(
            service.admin, f"SELECT count(*) AS rows FROM {table.name} t WHERE t::text ILIKE :it", it=f"%{words}%"
        )
        found += [table.name] * row.rows
    return found


async def test_a_code_is_mailed_at_once_to_whoever_asked(notify: Notify, folder: Path) -> None:
    before = counted("sent")
    async with notify(mail_dir=folder) as service:
        answer = await ask(service)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    [mail] = mails_in(folder)
    assert (mail["To"], mail["X-PIR-Kind"], mail["X-PIR-Reference"]) == (EMAIL, "sign-in-code", None)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert CODE in mail.get_content()
    assert "15 minutes" in mail.get_content()
    assert counted("sent") == before + 1


async def test_the_head_of_the_mail_tells_nobody_the_code(notify: Notify, folder: Path) -> None:
    """Servers write heads into their logs; that the Message-ID is no plain digest keeps a code from being guessed."""
    async with notify(mail_dir=folder) as service:
        await ask(service)
    [mail] = mails_in(folder)
    assert not [value for name, value in mail.items() if CODE[:4] in value or CODE[5:] in value]
    assert re.fullmatch(r"<[0-9a-f-]{36}@pir\.localhost>", mail["Message-ID"])


async def test_the_same_code_again_is_the_same_mail_and_another_code_another(notify: Notify, folder: Path) -> None:
    async with notify(mail_dir=folder) as service:
        for changes in ({}, {}, {"code": "AAAA-2222"}, {"email": "b@nursery.example.org"}):
            assert (await ask(service, **changes)).status_code == 204
    assert len({mail["Message-ID"] for mail in mails_in(folder)}) == 3


async def test_by_smtp_it_goes_on_a_connection_of_its_own(notify: Notify, tmp_path: Path) -> None:
    with MailServer(tmp_path / "journal.jsonl").running() as server:
        async with notify(**by_smtp(server.port)) as service:
            assert (await ask(service)).status_code == 204
            [taken] = server.taken()
    assert taken.kind == "sign-in-code"
    assert taken.reference is None


class Silent:
    """A mail server that takes connections and never says a word; `most` were open at one time.

    With `hangs_up_at` it ends all of them as soon as so many are open, counted down before the client can know.
    """

    def __init__(self, hangs_up_at: int | None) -> None:
        self.port = self.open = self.most = 0
        self._hangs_up_at = hangs_up_at
        self._enough = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        if self._hangs_up_at:
            await self._hang_up()
            self.open -= 1
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()
        if not self._hangs_up_at:
            self.open -= 1

    async def _hang_up(self) -> None:
        enough = self._enough
        if self.open == self._hangs_up_at:
            await asyncio.sleep(0.1)  # for one more, if the client lets one come
            enough.set()
            self._enough = asyncio.Event()
        await enough.wait()

    async def is_left(self) -> bool:
        return not self.open


@asynccontextmanager
async def silence(*, hangs_up_at: int | None = None) -> AsyncIterator[Silent]:
    """Ends when everybody has left."""
    silent = Silent(hangs_up_at)
    async with await asyncio.start_server(silent.take, "127.0.0.1", 0) as server:
        silent.port = server.sockets[0].getsockname()[1]
        yield silent
        await eventually(silent.is_left, what="the end of every connection", seconds=5)


async def test_a_mail_server_that_does_not_answer_is_503_in_time(
    notify: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_codes, "SECONDS", 0.3)
    before = counted("failed")
    async with silence() as silent, notify(**by_smtp(silent.port), smtp_seconds=60) as service:
        async with asyncio.timeout(10):
            answer = await ask(service)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:pir:problem:unavailable"
    assert EMAIL not in answer.text
    assert counted("failed") == before + 1


async def test_many_who_ask_at_once_do_not_take_all_connections_of_the_mail_server(
    notify: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_codes, "SECONDS", 60)
    hangs_up = silence(hangs_up_at=sign_in_codes.AT_ONCE)
    async with hangs_up as silent, notify(**by_smtp(silent.port)) as service:
        many = range(5 * sign_in_codes.AT_ONCE)
        answers = await asyncio.gather(*(ask(service, email=f"p{each}@nursery.example.org") for each in many))
    assert {answer.status_code for answer in answers} == {503}
    assert silent.most == sign_in_codes.AT_ONCE


async def test_what_is_refused_or_kept_names_neither_address_nor_code(
    notify: Notify, folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    port = int(NOWHERE.rpartition(":")[2])
    async with notify(mail_dir=folder) as service, notify(**by_smtp(port)) as away:
        assert (await ask(service)).status_code == 204
        assert (await ask(away)).status_code == 503
        refused = await ask(service, code=f"{CODE}\n", email=f"{EMAIL}\r\nBcc: x@x.org", minutes=0)
        metrics = (await service.http.get("/metrics")).text
        kept = [*await rows_with(service, EMAIL), *await rows_with(service, CODE)]
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/email", "/code", "/minutes"}
    logged = capsys.readouterr()
    assert "sign-in code not sent" in logged.out
    said = f"{refused.text}{metrics}{logged.out}{logged.err}{caplog.text}"
    assert not [words for words in ("amara", "osei", "k7mp", "29qx") if words in said.lower()]
    assert kept == []


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "no address"},
        {"email": "a@b, c@d.org"},
        {"email": "<a@b.org>"},
        {"email": "zoë@example.org"},
        {"email": f"{'a' * 65}@example.org"},
        {"email": f"a@{'b' * 250}.org"},
        {"email": f"{EMAIL}\n"},
        {"email": None},
        {"code": ""},
        {"code": "K7MP29QX"},
        {"code": "k7mp-29qx"},
        {"code": "K7MP-29QX\n"},
        {"code": "K7MP-29Q\u0665"},
        {"code": "K7MP-29QX https://example.org"},
        {"minutes": 0},
        {"minutes": 61},
        {"minutes": "15"},
        {"minutes": True},
        {"name": "Amara"},
    ],
)
async def test_an_odd_address_code_or_time_is_422_and_sends_nothing(
    notify: Notify, folder: Path, changes: dict[str, Any]
) -> None:
    async with notify(mail_dir=folder) as service:
        answer = await ask(service, **changes)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {f"/{name}" for name in changes}
    assert mails_in(folder) == []


@pytest.mark.parametrize(("body", "status"), [([], 422), ("x", 422), ({}, 422)])
async def test_what_is_no_request_is_refused(notify: Notify, folder: Path, body: Any, status: int) -> None:
    async with notify(mail_dir=folder) as service:
        assert (await ask(service, body)).status_code == status


async def test_the_referral_service_hears_whether_it_was_sent(notify: Notify, folder: Path) -> None:
    async with notify(mail_dir=folder) as service:
        token = service.credentials["secrets"]["PIR_TOKEN_REFERRAL_NOTIFY"]
        there = NotifyClient(Called("http://notify", token), transport=httpx.ASGITransport(service.service.app))
        strangers = NotifyClient(Called("http://notify", "x"), transport=httpx.ASGITransport(service.service.app))
        away = NotifyClient(Called(f"http://{NOWHERE}", token))
        assert await there.send_code(EMAIL, CODE, 15) is True
        assert await there.send_code("no address", CODE, 15) is False
        assert await strangers.send_code(EMAIL, "AAAA-2222", 15) is False
        assert await away.send_code(EMAIL, "AAAA-2222", 15) is False
        for client in (there, strangers, away):
            await client.close()
    assert len(mails_in(folder)) == 1
