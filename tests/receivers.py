"""An agency's system: takes calls on a port of this machine, and answers as the test says."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def reference(self) -> str:
        return str(self.said["data"].get("reference", ""))

    def verified(self, secret: str) -> Any:
        """By the library of Standard Webhooks; raises its WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


Behaviour = Callable[[Call, asyncio.StreamWriter], Awaitable[None]]


def answering(status: int, *headers: str) -> Behaviour:
    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} Said", "Content-Length: 0", *headers))
        writer.write(f"{head}\r\n".encode())
        await writer.drain()

    return behave


@dataclass
class Receiver:
    """`behave` may be changed at any time; `open` is how many calls are in hand."""

    behave: Behaviour = field(default_factory=lambda: answering(204))
    calls: list[Call] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    url: str = ""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                lines = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in lines}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                call = Call(head[0].split(" ")[1], headers, body)
                self.calls.append(call)
                await self.behave(call, writer)
        finally:
            self.open -= 1
            with suppress(ConnectionError, ssl.SSLError):
                writer.close()

    def about(self, reference: str) -> list[Call]:
        return [call for call in self.calls if call.reference == reference]

    @property
    def references(self) -> list[str]:
        """Of the calls about referrals, in their order."""
        return [call.reference for call in self.calls if call.reference]


@asynccontextmanager
async def receiving(behave: Behaviour | None = None, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver at `http://127.0.0.1:port/hooks?of=us`, or one that speaks TLS."""
    receiver = Receiver(behave or answering(204))
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/hooks?of=us"
    try:
        yield receiver
    finally:
        server.close()
