"""A mail server that keeps a journal of what it took, written to the disk before it says so.

The journal is append-only, a JSON line each: "taken" with the mail's headers before the answer 250, and "answered" once
the sender's next command shows that it has read that answer.
"""

from __future__ import annotations

import asyncio
import email
import json
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session

LONGEST_SECONDS: Final = 0.02
"""Between the mail on the disk and the answer: as long as a mail server close by takes."""


@dataclass(frozen=True)
class Taken:
    """One acceptance of a mail. `is_answered`: its sender knew of it."""

    message_id: str
    kind: str
    reference: str
    is_answered: bool


class MailServer:
    """Where mail goes by SMTP; listens on 127.0.0.1:`port` in a thread of its own while `running` is open."""

    def __init__(self, journal: Path) -> None:
        self.port = 0
        self._journal = journal
        self._file = journal.open("a", encoding="utf-8")
        self._chance = random.Random(1)
        self._numbers = iter(range(10**9))
        self._is_taken = threading.Event()

    def wait_for_mail(self, seconds: float) -> bool:
        """Until the next mail is on the disk, and its answer on the way; False when none comes in time."""
        self._is_taken.clear()
        return self._is_taken.wait(seconds)

    def taken(self) -> list[Taken]:
        """Every acceptance in its order, read from the journal."""
        lines = [json.loads(line) for line in self._journal.read_text(encoding="utf-8").splitlines()]
        answered = {line["number"] for line in lines if line["what"] == "answered"}
        return [
            Taken(line["message_id"], line["kind"], line["reference"], line["number"] in answered)
            for line in lines
            if line["what"] == "taken"
        ]

    def _write(self, what: str, number: int, **more: str) -> None:
        self._file.write(json.dumps({"what": what, "number": number, **more}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.original_content or b"")
        number = next(self._numbers)
        headers = {"message_id": mail["Message-ID"], "kind": mail["X-PIR-Kind"], "reference": mail["X-PIR-Reference"]}
        self._write("taken", number, **headers)
        session.unanswered = number
        self._is_taken.set()
        await asyncio.sleep(self._chance.uniform(0, LONGEST_SECONDS))
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        self._goes_on(session)
        envelope.mail_from = address
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._goes_on(session)
        return "221 Bye"

    def _goes_on(self, session: Session) -> None:
        number: int | None = vars(session).pop("unanswered", None)
        if number is not None:
            self._write("answered", number)

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="mail-server")
        thread.start()
        loop, done = ready.result()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(done.set)
            thread.join()
            self._file.close()

    async def _serve(self, ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        async with await loop.create_server(lambda: SMTP(self, hostname="localhost"), "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set_result((loop, done))
            await done.wait()
