"""A head that is too long or too slow is cut, and everybody else is served: on a real server and real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from shared import bounded_head
from shared.bounded_head import HEAD_BYTES, BoundedHead
from tests.integration.support import eventually

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@asynccontextmanager
async def a_server() -> AsyncIterator[int]:
    config = uvicorn.Config(echo, port=0, http=BoundedHead, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())

    async def has_started() -> bool:
        return server.started

    await eventually(has_started, what="the server")
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def said(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """All that the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b"cut"
    finally:
        writer.close()


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"X-A: " + b"a" * HEAD_BYTES,),
        (HEAD + b"X-A: ", b"a" * 20_000, b"a" * 20_000),
        (HEAD, *[b"X-%d: b\r\n" % n for n in range(5_000)]),
        (b"GET /" + b"c" * HEAD_BYTES + b" HTTP/1.1\r\n\r\n",),
        (HEAD + b"X-A: " + b"a" * HEAD_BYTES + b"\r\n\r\n",),
    ],
)
async def test_a_head_that_is_too_long_is_cut(pieces: tuple[bytes, ...]) -> None:
    async with a_server() as port:
        answer = await said(port, *pieces)
        assert answer == b"cut" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


async def test_a_body_is_none_of_the_heads_business() -> None:
    body = b"b" * 200_000
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    last = HEAD + b"Connection: close\r\nContent-Length: 3\r\n\r\nend"
    async with a_server() as port:
        answer = await said(port, request + last, pause=0.2)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert b"200000" in answer


async def test_a_head_that_never_ends_is_closed_and_a_whole_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_head, "HEAD_SECONDS", 0.3)
    async with a_server() as port:
        assert await said(port) == await said(port, b"G") == await said(port, HEAD) == b""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
            assert (await reader.readuntil(b"\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
            await asyncio.sleep(0.4)
        writer.close()
