"""A lean load generator: raw HTTP/1.1 over asyncio streams with bodies made beforehand, so that it costs little."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

from tests.families import a_referral


def families(count: int) -> list[bytes]:
    """Bodies of that many different families."""
    return [json.dumps(a_referral()).encode() for _ in range(count)]


@dataclass
class Sent:
    """What came of it: the seconds that each accepted request took, and how many were not accepted."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    def add(self, status: int, seconds: float) -> None:
        if status == 201:
            self.seconds.append(seconds)
        else:
            self.refused += 1


class Connection:
    """One keep-alive connection that posts one body after another."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = urlsplit(url), key

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, body: bytes) -> int:
        """The status of the answer."""
        head = (
            f"POST {self._url.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self._key}\r\nIdempotency-Key: {uuid4().hex}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        raw = await self._reader.readuntil(b"\r\n\r\n")
        length = int(raw.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await self._reader.readexactly(length)
        return int(raw[9:12])


async def burst(url: str, key: str, bodies: Sequence[bytes], connections: int) -> Sent:
    """All bodies, as fast as the answers come, over that many connections."""
    sent, left = Sent(), iter(bodies)

    async def worker() -> None:
        async with Connection(url, key) as connection:
            for body in left:
                started = time.perf_counter()
                sent.add(await connection.post(body), time.perf_counter() - started)

    await asyncio.gather(*(worker() for _ in range(connections)))
    return sent


async def paced(url: str, key: str, bodies: Sequence[bytes], per_second: float) -> Sent:
    """One body every 1/`per_second` s, whether or not the last was answered; seconds count from the due time."""
    sent, start = Sent(), time.perf_counter() + 0.2
    idle: list[Connection] = []

    async def one(body: bytes, due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        connection = idle.pop() if idle else await Connection(url, key).__aenter__()
        sent.add(await connection.post(body), time.perf_counter() - due)
        idle.append(connection)

    await asyncio.gather(*(one(body, start + place / per_second) for place, body in enumerate(bodies)))
    for connection in idle:
        await connection.__aexit__()
    return sent
